-- The schema on SQLite, version 1. Times are microseconds since 1970 in UTC; documents are compact JSON.
-- Rows point to each other by `sequence`, which grows in the order of arrival: so all indexes but those on the
-- derived ids (events.key, messages.id) and the sources' ids are written at their end, whatever their size.
-- AUTOINCREMENT: the sequence of a row that was deleted is never given again.

CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,              -- as its source gave it
    type TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    body_hash TEXT NOT NULL,
    state TEXT NOT NULL,           -- pending, planned, quarantined
    owner TEXT NOT NULL,           -- who last took it
    leased_until INTEGER NOT NULL,
    claims INTEGER NOT NULL,       -- how often it was taken
    document TEXT NOT NULL,        -- Event
    explanation TEXT,
    missed TEXT                    -- the notification for which alone it is planned again
) STRICT;

CREATE INDEX events_by_source_id ON events (tenant, id);
CREATE INDEX events_by_tenant ON events (tenant);
CREATE INDEX events_by_type ON events (tenant, type);
CREATE INDEX events_open ON events (state, leased_until) WHERE state <> 'planned';

CREATE TABLE runs (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    event INTEGER NOT NULL,        -- events.sequence of its first event, which never changes
    key TEXT NOT NULL,
    tenant TEXT NOT NULL,
    recipient TEXT NOT NULL,
    state TEXT NOT NULL,           -- waiting, done
    due_at INTEGER,                -- when it is asked again
    until INTEGER,                 -- when what its step waits for ends
    owner TEXT,                    -- who has it under lease
    leased_until INTEGER,
    woken INTEGER NOT NULL,        -- 1: something that it waits for happened since it was last taken
    event_count INTEGER NOT NULL,
    merge_key TEXT,                -- it takes in the runs that come to wait under this key
    merge_latest INTEGER,          -- how far they may move its end; NULL: not at all
    merge_limit INTEGER,           -- with how many events its waiting is over
    hold TEXT,                     -- what holds it up: a silence, or what opened a mute
    catalogue TEXT NOT NULL,       -- the version that it is of
    document TEXT NOT NULL,        -- Run without its events
    UNIQUE (event, key)
) STRICT;

CREATE INDEX runs_waiting ON runs (coalesce(leased_until, due_at)) WHERE state = 'waiting';

CREATE UNIQUE INDEX runs_merging ON runs (merge_key) WHERE merge_key IS NOT NULL;
CREATE INDEX runs_held ON runs (hold) WHERE hold IS NOT NULL;
CREATE INDEX runs_by_recipient ON runs (tenant, recipient);

CREATE TABLE awaits (              -- what runs listen for
    run INTEGER NOT NULL,
    key TEXT NOT NULL,
    event INTEGER NOT NULL,        -- the event of the run which this is about
    since INTEGER NOT NULL,        -- only signals of events that came after this one count
    cancels INTEGER NOT NULL,      -- 1: it concerns a run that has ended, too
    PRIMARY KEY (run, key, event)
) STRICT, WITHOUT ROWID;

CREATE INDEX awaits_by_key ON awaits (key);

CREATE TABLE signals (             -- what has happened of that
    sequence INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    event INTEGER,                 -- NULL: it is a receipt
    at INTEGER NOT NULL,
    receipt TEXT                   -- Receipt
) STRICT;

CREATE INDEX signals_by_key ON signals (key);
CREATE INDEX signals_by_event ON signals (event) WHERE event IS NOT NULL;

CREATE TABLE uses (                -- of allowances
    key TEXT NOT NULL,
    at INTEGER NOT NULL,
    run TEXT NOT NULL,
    count INTEGER NOT NULL
) STRICT;

CREATE INDEX uses_by_key ON uses (key, at);
CREATE INDEX uses_by_run ON uses (run);

CREATE TABLE run_events (          -- the events of a run after its first
    run INTEGER NOT NULL,
    position INTEGER NOT NULL,
    event INTEGER NOT NULL,
    origin TEXT,                   -- Origin, where it is told apart
    PRIMARY KEY (run, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX run_events_by_event ON run_events (event);

CREATE TABLE messages (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    run INTEGER NOT NULL,
    tenant TEXT NOT NULL,
    recipient TEXT NOT NULL,
    channel TEXT NOT NULL,
    notification TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    state TEXT NOT NULL,           -- queued, sending, sent, failed, expired, cancelled, held, unknown
    due_at INTEGER,                -- queued: when it is due; sending: when its lease ends
    claimed_at INTEGER,            -- when its newest attempt was claimed
    fence INTEGER NOT NULL,        -- how often it was claimed
    document TEXT NOT NULL,        -- Message
    late TEXT,                     -- attempts that were settled after they had lost their claim
    receipt TEXT,                  -- the kind of its furthest receipt since it was last sent
    arrived INTEGER,                -- by its receipts: 1: it arrived, 0: it did not; NULL: they do not say
    hold TEXT                      -- what holds a queued one up
) STRICT;

CREATE INDEX messages_of_run ON messages (run);
CREATE INDEX messages_by_tenant ON messages (tenant);
CREATE INDEX messages_by_recipient ON messages (tenant, recipient);
CREATE INDEX messages_by_channel ON messages (tenant, channel);
CREATE INDEX messages_not_sent ON messages (tenant, state) WHERE state <> 'sent';
CREATE INDEX messages_sent ON messages (tenant, coalesce(receipt, 'sent')) WHERE state = 'sent';
CREATE INDEX messages_by_notification ON messages (tenant, notification);
CREATE INDEX messages_queued ON messages (channel, due_at) WHERE state = 'queued';
CREATE INDEX messages_held ON messages (hold) WHERE hold IS NOT NULL;
CREATE INDEX messages_leased ON messages (due_at) WHERE state = 'sending';

INSERT INTO meta (name, value) VALUES ('schema_version', '1');
