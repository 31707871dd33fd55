CREATE TABLE erasures (            -- of people; what tells who it was is in it only until it has finished
    tenant TEXT NOT NULL,
    pseudonym TEXT NOT NULL,       -- the keyed hash of the id
    begun_at INTEGER NOT NULL,
    finished_at INTEGER,
    document TEXT NOT NULL,        -- Progress
    PRIMARY KEY (tenant, pseudonym)
) STRICT, WITHOUT ROWID;

CREATE TABLE erasing (             -- the events that an erasure has found and not looked at yet
    tenant TEXT NOT NULL,
    pseudonym TEXT NOT NULL,
    event INTEGER NOT NULL,
    PRIMARY KEY (tenant, pseudonym, event)
) STRICT, WITHOUT ROWID;

CREATE TABLE retained (            -- for each retention, up to which event those that it ends are gone
    seconds INTEGER PRIMARY KEY,
    event INTEGER NOT NULL
) STRICT;

CREATE TABLE overdue (             -- events whose retention is over, but that something still needs
    event INTEGER PRIMARY KEY
) STRICT;
