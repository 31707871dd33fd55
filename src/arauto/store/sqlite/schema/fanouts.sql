CREATE TABLE fanouts (
    sequence INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    event INTEGER NOT NULL,        -- the first of its events
    events TEXT NOT NULL,          -- the sequences of all of them: a JSON array
    state TEXT NOT NULL,           -- running, done
    owner TEXT NOT NULL,           -- who last took it
    leased_until INTEGER NOT NULL, -- running: when it is due
    claims INTEGER NOT NULL,       -- how often its next page was taken
    cursor TEXT NOT NULL,          -- everybody up to this id was asked
    chosen INTEGER NOT NULL,       -- how many runs it has begun
    document TEXT NOT NULL         -- Fanout
) STRICT;

CREATE INDEX fanouts_running ON fanouts (leased_until) WHERE state = 'running';
CREATE INDEX fanouts_by_event ON fanouts (event);
