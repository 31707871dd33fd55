-- The statements on PostgreSQL. `-- name: x` begins one; its text ends at the next. `:name` is a parameter. The file
-- for SQLite has the same names with the same parameters. What is done for many rows is one statement here, with
-- an array for each column. What takes work leaves alone what others have locked. What changes given rows finds and
-- locks them first, in the order of `sequence`, so that two nodes take turns; only then is their state looked at, for
-- otherwise the planner may look for the rows in the small index of that state, which is large in a backlog.

-- name: schema_version
SELECT value FROM meta WHERE name = 'schema_version';

-- name: ping
INSERT INTO meta (name, value) VALUES ('pinged_at', :now::text)
ON CONFLICT (name) DO UPDATE SET value = excluded.value;


-- events ------------------------------------------------------------------------------------------------------------

-- name: append_events
-- Numbered in the order given, inserted in the order of their keys: so two nodes that are given the same events
-- cannot wait for each other.
WITH given AS MATERIALIZED (
    SELECT nextval('events_sequence_seq') AS sequence, given.*
    FROM unnest(:key::text[], :tenant::text[], :id::text[], :type::text[], :body_hash::text[], :document::text[])
        AS given (key, tenant, id, type, body_hash, document)
)
INSERT INTO events
    (sequence, key, tenant, id, type, received_at, body_hash, state, owner, leased_until, claims, document)
SELECT sequence, key, tenant, id, type, :now, body_hash, 'pending', :owner, :lease_until, 1, document
FROM given ORDER BY key
ON CONFLICT (key) DO NOTHING
RETURNING key;

-- name: body_hashes
SELECT key, body_hash FROM events WHERE key = ANY(:keys::text[]);

-- name: take_pending
-- In the order in which leases ended: that is the order of arrival, but an event that kills its planner goes last.
WITH due AS MATERIALIZED (
    SELECT sequence FROM events
    WHERE state = 'pending' AND state <> 'planned' AND leased_until <= :now
    ORDER BY leased_until, sequence LIMIT :limit
    FOR UPDATE SKIP LOCKED
)
UPDATE events SET owner = :owner, leased_until = :lease_until, claims = claims + 1
FROM due WHERE events.sequence = due.sequence
RETURNING events.sequence, claims, document, missed;

-- name: mark_planned
WITH found AS MATERIALIZED (
    SELECT events.sequence, events.state, events.owner, given.explanation
    FROM unnest(:key::text[], :explanation::text[]) AS given (key, explanation)
        JOIN events ON events.key = given.key
    ORDER BY events.sequence
    FOR UPDATE OF events
)
UPDATE events SET state = 'planned', explanation = found.explanation, missed = NULL
FROM found WHERE events.sequence = found.sequence AND found.state = 'pending' AND found.owner = :owner
RETURNING events.key, events.sequence, events.tenant;

-- name: quarantine
UPDATE events SET state = 'quarantined', explanation = :explanation WHERE key = :key AND state = 'pending';

-- name: end_event_leases
UPDATE events SET leased_until = :now WHERE state = 'pending' AND state <> 'planned' AND leased_until > :now;


-- runs --------------------------------------------------------------------------------------------------------------

-- name: insert_runs
INSERT INTO runs
    (event, key, tenant, recipient, state, due_at, until, woken, event_count, merge_key, merge_latest, merge_limit,
     hold, catalogue, document)
SELECT event, key, tenant, recipient, state, due_at, until, 0, event_count, merge_key, merge_latest, merge_limit,
     hold, catalogue, document
FROM unnest(:event::bigint[], :key::text[], :tenant::text[], :recipient::text[], :state::text[], :due_at::bigint[],
            :until::bigint[], :event_count::bigint[], :merge_key::text[], :merge_latest::bigint[],
            :merge_limit::bigint[], :hold::text[], :catalogue::text[], :document::text[])
    AS given (event, key, tenant, recipient, state, due_at, until, event_count, merge_key, merge_latest, merge_limit,
              hold, catalogue, document)
ON CONFLICT (event, key) DO NOTHING
RETURNING key, sequence;

-- name: insert_run_events
INSERT INTO run_events (run, position, event, origin)
SELECT given.run, given.position, events.sequence, given.origin
FROM unnest(:run::bigint[], :position::bigint[], :event::text[], :origin::text[])
        AS given (run, position, event, origin)
    JOIN events ON events.key = given.event
ON CONFLICT (run, position) DO NOTHING;

-- name: take_due_runs
WITH due AS MATERIALIZED (
    SELECT sequence FROM runs
    WHERE state = 'waiting' AND coalesce(leased_until, due_at) <= :now
    ORDER BY coalesce(leased_until, due_at), sequence LIMIT :limit
    FOR UPDATE SKIP LOCKED
)
UPDATE runs SET owner = :owner, leased_until = :lease_until, woken = 0
FROM due WHERE runs.sequence = due.sequence
RETURNING runs.sequence;

-- name: update_runs
-- A run that was woken while it was being advanced was advanced on old knowledge: it stays due. One that took in
-- others meanwhile is left as it was: they would not be in what was decided. So is one that was to join another.
WITH found AS MATERIALIZED (
    SELECT runs.sequence, runs.state AS old_state, runs.owner, runs.event_count AS old_count,
        runs.woken AS old_woken, given.*
    FROM unnest(:event::text[], :key::text[], :state::text[], :due_at::bigint[], :until::bigint[],
                :event_count::bigint[], :merge_key::text[], :merge_latest::bigint[], :merge_limit::bigint[],
                :hold::text[], :catalogue::text[], :document::text[], :joins::bigint[])
            AS given (event_key, run_key, state, due_at, until, event_count, merge_key, merge_latest, merge_limit,
                      hold, catalogue, document, joins)
        JOIN events ON events.key = given.event_key
        JOIN runs ON runs.event = events.sequence AND runs.key = given.run_key
    ORDER BY runs.sequence
    FOR UPDATE OF runs
)
UPDATE runs SET
    state = CASE woken WHEN 1 THEN 'waiting' ELSE found.state END,
    due_at = CASE woken WHEN 1 THEN :now ELSE found.due_at END, until = found.until, owner = NULL,
    leased_until = NULL, merge_key = found.merge_key, merge_latest = found.merge_latest,
    merge_limit = found.merge_limit, hold = found.hold, catalogue = found.catalogue, document = found.document
FROM found
WHERE runs.sequence = found.sequence AND found.old_state = 'waiting' AND found.owner = :owner
    AND found.old_count = found.event_count AND (found.old_woken = 0 OR found.joins = 0)
RETURNING runs.key, runs.sequence;

-- name: release_runs
WITH found AS MATERIALIZED (
    SELECT runs.sequence, runs.state, runs.owner
    FROM unnest(:event::text[], :key::text[]) AS given (event, key)
        JOIN events ON events.key = given.event
        JOIN runs ON runs.event = events.sequence AND runs.key = given.key
    ORDER BY runs.sequence
    FOR UPDATE OF runs
)
UPDATE runs SET owner = NULL, leased_until = NULL
FROM found WHERE runs.sequence = found.sequence AND found.state = 'waiting' AND found.owner = :owner;

-- name: lock_keys
-- Of two transactions that concern one key, the second waits here, and then sees what the first wrote.
SELECT pg_advisory_xact_lock(lock) FROM (
    SELECT DISTINCT hashtextextended(key, 0) AS lock FROM unnest(:keys::text[]) AS given (key) ORDER BY lock
) AS locks;

-- name: merge_hosts
-- Locked: a host that goes on at this very moment has gone, or finds that it was joined.
SELECT merge_key, sequence, key, event_count FROM runs WHERE merge_key = ANY(:keys::text[])
ORDER BY sequence
FOR UPDATE;

-- name: grow_hosts
UPDATE runs SET
    until = CASE
        WHEN merge_limit <= given.event_count THEN :now
        WHEN merge_latest IS NULL THEN runs.until
        ELSE least(greatest(runs.until, given.until), merge_latest) END,
    due_at = CASE
        WHEN merge_limit <= given.event_count THEN :now
        WHEN merge_latest IS NULL OR woken = 1 THEN due_at
        ELSE least(greatest(runs.until, given.until), merge_latest) END,
    event_count = given.event_count
FROM unnest(:run::bigint[], :event_count::bigint[], :until::bigint[]) AS given (run, event_count, until)
WHERE runs.sequence = given.run;

-- name: insert_awaits
INSERT INTO awaits (run, key, event, since, cancels)
SELECT given.run, given.key, events.sequence, CASE given.always WHEN 1 THEN 0 ELSE events.sequence END, given.cancels
FROM unnest(:run::bigint[], :key::text[], :event::text[], :always::bigint[], :cancels::bigint[])
        AS given (run, key, event, always, cancels)
    JOIN events ON events.key = given.event
ON CONFLICT (run, key, event) DO NOTHING;

-- name: hand_over_awaits
INSERT INTO awaits (run, key, event, since, cancels)
SELECT given.host, awaits.key, awaits.event, awaits.since, awaits.cancels
FROM unnest(:run::bigint[], :host::bigint[], :apart::bigint[]) AS given (run, host, apart)
    JOIN awaits ON awaits.run = given.run
WHERE given.apart = 0 OR awaits.cancels = 1
ON CONFLICT (run, key, event) DO NOTHING;

-- name: delete_awaits
DELETE FROM awaits USING unnest(:run::bigint[], :keeps::bigint[]) AS given (run, keeps)
WHERE awaits.run = given.run AND (given.keeps = 0 OR awaits.cancels = 0);

-- name: delete_signals
DELETE FROM signals USING unnest(:key::text[], :event::bigint[]) AS given (key, event)
WHERE signals.key = given.key AND signals.event < given.event;

-- name: insert_signals
INSERT INTO signals (key, event, at, receipt)
SELECT key, event, at, receipt
FROM unnest(:key::text[], :event::bigint[], :at::bigint[], :receipt::text[]) AS given (key, event, at, receipt);

-- name: insert_openings
-- Whatever is open was opened by the first event since the last that closed it.
INSERT INTO signals (key, event, at, receipt)
SELECT opened, event, at, NULL
FROM unnest(:opened::text[], :closed::text[], :event::bigint[], :at::bigint[]) AS given (opened, closed, event, at)
WHERE NOT EXISTS (SELECT 1 FROM signals WHERE key = given.opened AND signals.event <= given.event)
    AND NOT EXISTS (SELECT 1 FROM signals WHERE key = given.closed AND signals.event > given.event);

-- name: standing_holds
SELECT hold FROM silences WHERE hold = ANY(:keys::text[])
UNION
SELECT key FROM signals WHERE key = ANY(:keys::text[]);

-- name: free_held_runs
WITH held AS MATERIALIZED (
    SELECT sequence, state FROM runs WHERE hold = ANY(:keys::text[]) ORDER BY sequence FOR UPDATE
)
UPDATE runs SET due_at = :now, woken = 1
FROM held WHERE runs.sequence = held.sequence AND held.state = 'waiting'
RETURNING runs.sequence;

-- name: free_held_messages
WITH held AS MATERIALIZED (
    SELECT sequence, state FROM messages WHERE hold = ANY(:keys::text[]) ORDER BY sequence FOR UPDATE
)
UPDATE messages SET due_at = :now
FROM held WHERE messages.sequence = held.sequence AND held.state = 'queued'
RETURNING messages.sequence;

-- name: wake_signalled
-- Those of these runs for which something has happened already.
WITH listening AS MATERIALIZED (
    SELECT runs.sequence, runs.state, found.cancels = 1 AS cancels
    FROM (
            SELECT awaits.run, max(awaits.cancels) AS cancels
            FROM awaits JOIN signals ON signals.key = awaits.key
            WHERE awaits.run = ANY(:runs::bigint[]) AND (signals.event IS NULL OR signals.event > awaits.since)
            GROUP BY awaits.run
        ) AS found
        JOIN runs ON runs.sequence = found.run
    ORDER BY runs.sequence
    FOR UPDATE OF runs
)
UPDATE runs SET state = 'waiting', due_at = :now, woken = 1
FROM listening
WHERE runs.sequence = listening.sequence AND (listening.state = 'waiting' OR listening.cancels)
RETURNING runs.sequence;

-- name: wake_listeners
-- Those that listen for these keys.
WITH listening AS MATERIALIZED (
    SELECT runs.sequence, runs.state, found.cancels = 1 AS cancels
    FROM (SELECT run, max(cancels) AS cancels FROM awaits WHERE key = ANY(:keys::text[]) GROUP BY run) AS found
        JOIN runs ON runs.sequence = found.run
    ORDER BY runs.sequence
    FOR UPDATE OF runs
)
UPDATE runs SET state = 'waiting', due_at = :now, woken = 1
FROM listening
WHERE runs.sequence = listening.sequence AND (listening.state = 'waiting' OR listening.cancels)
RETURNING runs.sequence;

-- name: signals_of_runs
SELECT awaits.run, signals.key, about.key, signals.at, events.document, signals.receipt
FROM awaits JOIN signals ON signals.key = awaits.key JOIN events AS about ON about.sequence = awaits.event
    LEFT JOIN events ON events.sequence = signals.event
WHERE awaits.run = ANY(:runs::bigint[])
    AND (signals.event IS NULL OR signals.event > awaits.since)
ORDER BY signals.sequence;

-- name: signals
SELECT signals.key, signals.at, events.document FROM signals JOIN events ON events.sequence = signals.event
WHERE signals.key = ANY(:keys::text[])
ORDER BY signals.sequence;

-- name: uses
SELECT key, at, count FROM uses WHERE key = ANY(:keys::text[]) ORDER BY at;

-- name: insert_uses
INSERT INTO uses (key, at, run, count)
SELECT key, at, run, count
FROM unnest(:key::text[], :at::bigint[], :run::text[], :count::bigint[]) AS given (key, at, run, count);

-- name: delete_uses
DELETE FROM uses USING unnest(:key::text[], :before::bigint[]) AS given (key, before)
WHERE uses.key = given.key AND uses.at <= given.before;

-- name: event_sequences
SELECT key, sequence FROM events WHERE key = ANY(:keys::text[]);

-- name: cancel_messages
UPDATE messages SET state = 'cancelled', due_at = NULL
WHERE id = ANY(:ids::text[]) AND (state IN ('queued', 'held', 'unknown') OR sequence = ANY(:cleared::bigint[]))
RETURNING id;

-- name: clear_inbox
-- What was read stays: the correction follows it.
DELETE FROM inbox
WHERE message IN (SELECT sequence FROM messages WHERE id = ANY(:ids::text[])) AND read_at IS NULL
RETURNING message;

-- name: rewrite_inbox
UPDATE inbox SET content = given.content
FROM unnest(:id::text[], :content::text[]) AS given (id, content) JOIN messages ON messages.id = given.id
WHERE inbox.message = messages.sequence AND inbox.read_at IS NULL;

-- name: wake_runs
WITH ended AS MATERIALIZED (SELECT DISTINCT run FROM messages WHERE id = ANY(:messages::text[])),
awaiting AS MATERIALIZED (
    SELECT runs.sequence, runs.state FROM ended JOIN runs ON runs.sequence = ended.run
    ORDER BY runs.sequence
    FOR UPDATE OF runs
)
UPDATE runs SET due_at = :now, woken = 1
FROM awaiting WHERE runs.sequence = awaiting.sequence AND awaiting.state = 'waiting';

-- name: end_run_leases
UPDATE runs SET leased_until = :now
WHERE state = 'waiting' AND coalesce(leased_until, due_at) > :now AND leased_until IS NOT NULL;

-- name: runs
SELECT runs.sequence, runs.state, runs.due_at, runs.until, runs.event_count, runs.document, events.document
FROM runs JOIN events ON events.sequence = runs.event
WHERE runs.sequence = ANY(:runs::bigint[])
ORDER BY runs.sequence;

-- name: run_events
SELECT run_events.run, events.document, run_events.origin
FROM run_events JOIN events ON events.sequence = run_events.event
WHERE run_events.run = ANY(:runs::bigint[])
ORDER BY run_events.run, run_events.position;

-- name: runs_of_event
SELECT sequence FROM (SELECT sequence FROM runs WHERE event = :event ORDER BY sequence LIMIT :limit) AS own
UNION
SELECT run FROM (SELECT run FROM run_events WHERE event = :event ORDER BY run LIMIT :limit) AS joined
ORDER BY 1 LIMIT :limit;

-- name: runs_of_event_and_recipient
SELECT sequence FROM runs WHERE tenant = :tenant AND recipient = :recipient AND event = :event
UNION
SELECT runs.sequence FROM run_events JOIN runs ON runs.sequence = run_events.run
WHERE run_events.event = :event AND runs.tenant = :tenant AND runs.recipient = :recipient
ORDER BY 1 LIMIT :limit;

-- name: counts_of_event
SELECT 'runs' AS what, '' AS channel, state, count(*) FROM runs WHERE event = :event GROUP BY state
UNION ALL
SELECT 'messages', messages.channel, messages.state, count(*)
FROM runs JOIN messages ON messages.run = runs.sequence
WHERE runs.event = :event GROUP BY messages.channel, messages.state;


-- messages ----------------------------------------------------------------------------------------------------------

-- name: insert_messages
INSERT INTO messages (id, run, tenant, recipient, channel, notification, created_at, state, due_at, claimed_at,
     fence, document)
SELECT id, run, tenant, recipient, channel, notification, created_at, state, due_at, claimed_at, fence, document
FROM unnest(:id::text[], :run::bigint[], :tenant::text[], :recipient::text[], :channel::text[],
            :notification::text[], :created_at::bigint[], :state::text[], :due_at::bigint[], :claimed_at::bigint[], :fence::bigint[],
            :document::text[])
    AS given (id, run, tenant, recipient, channel, notification, created_at, state, due_at, claimed_at,
     fence, document)
ON CONFLICT (id) DO NOTHING
RETURNING id, sequence;

-- name: take_due_messages
-- Each channel has a limit of its own, so that one that is stuck holds up no other.
WITH due AS MATERIALIZED (
    SELECT due.sequence
    FROM unnest(:channel::text[], :room::bigint[]) AS given (channel, room) CROSS JOIN LATERAL (
        SELECT sequence FROM messages
        WHERE state = 'queued' AND messages.channel = given.channel AND due_at <= :now
        ORDER BY due_at, sequence LIMIT given.room
        FOR UPDATE SKIP LOCKED
    ) AS due
)
UPDATE messages SET state = 'sending', due_at = :lease_until, claimed_at = :now, fence = fence + 1
FROM due WHERE messages.sequence = due.sequence
RETURNING messages.sequence, run, claimed_at, fence, document, late;

-- name: take_abandoned
-- Still claimed when it was: what was abandoned is the attempt of then.
WITH due AS MATERIALIZED (
    SELECT sequence FROM messages WHERE state = 'sending' AND due_at <= :now ORDER BY due_at, sequence LIMIT :limit
    FOR UPDATE SKIP LOCKED
)
UPDATE messages SET due_at = :lease_until, fence = fence + 1
FROM due WHERE messages.sequence = due.sequence
RETURNING messages.sequence, run, claimed_at, fence, document, late;

-- name: settle
-- A receipt that came before its attempt was settled says more than the attempt does.
WITH found AS MATERIALIZED (
    SELECT messages.sequence, messages.state AS old_state, messages.fence AS old_fence, given.*
    FROM unnest(:id::text[], :fence::bigint[], :state::text[], :due_at::bigint[], :hold::text[], :document::text[])
            AS given (id, fence, state, due_at, hold, document)
        JOIN messages ON messages.id = given.id
    ORDER BY messages.sequence
    FOR UPDATE OF messages
)
UPDATE messages SET
    state = CASE WHEN arrived = 1 OR (found.state = 'unknown' AND receipt IS NOT NULL) THEN 'sent' ELSE found.state END,
    due_at = CASE arrived WHEN 1 THEN NULL ELSE found.due_at END, hold = found.hold, document = found.document
FROM found
WHERE messages.sequence = found.sequence AND found.old_state = 'sending' AND found.old_fence = found.fence
RETURNING messages.id, messages.state;

-- name: messages_to_amend
-- Of a person who was erased, nothing is kept any more.
SELECT id, fence, document, late FROM messages
WHERE id = ANY(:ids::text[]) AND substr(recipient, 1, 7) <> 'erased_' ORDER BY sequence FOR UPDATE;

-- name: keep_late
UPDATE messages SET late = given.late
FROM unnest(:id::text[], :late::text[]) AS given (id, late)
WHERE messages.id = given.id;

-- name: end_message_leases
UPDATE messages SET due_at = :now WHERE state = 'sending' AND due_at > :now;

-- name: states_of_runs
SELECT messages.run, messages.id,
    CASE WHEN messages.state = 'sent' AND messages.arrived = 0 THEN 'failed' ELSE messages.state END,
    (inbox.read_at IS NOT NULL)::int
FROM messages LEFT JOIN inbox ON inbox.message = messages.sequence
WHERE messages.run = ANY(:runs::bigint[]) ORDER BY messages.sequence;

-- name: messages_of_runs
SELECT sequence, state, due_at, claimed_at, document, late, receipt FROM messages
WHERE run = ANY(:runs::bigint[])
ORDER BY sequence;

-- name: message
SELECT sequence, state, due_at, claimed_at, document, late, receipt FROM messages WHERE id = :id;

-- name: next_due
-- A few look-ups in indexes, however many rows wait: the channels are found by leaping from one to the next.
WITH RECURSIVE channels (channel) AS (
    SELECT min(channel) FROM messages WHERE state = 'queued'
    UNION ALL
    SELECT (SELECT min(channel) FROM messages WHERE state = 'queued' AND messages.channel > channels.channel)
    FROM channels WHERE channels.channel IS NOT NULL
)
SELECT min(due) FROM (
    SELECT (SELECT due_at FROM messages WHERE state = 'queued' AND messages.channel = channels.channel
            ORDER BY due_at LIMIT 1) AS due
    FROM channels
    UNION ALL
    SELECT (SELECT due_at FROM messages WHERE state = 'sending' ORDER BY due_at LIMIT 1)
    UNION ALL
    SELECT (SELECT coalesce(leased_until, due_at) FROM runs
            WHERE state = 'waiting' AND coalesce(leased_until, due_at) IS NOT NULL
            ORDER BY coalesce(leased_until, due_at) LIMIT 1)
    UNION ALL
    SELECT (SELECT leased_until FROM events WHERE state = 'pending' AND state <> 'planned'
            ORDER BY leased_until LIMIT 1)
    UNION ALL
    SELECT (SELECT leased_until FROM fanouts WHERE state = 'running' ORDER BY leased_until LIMIT 1)
) AS all_due;
