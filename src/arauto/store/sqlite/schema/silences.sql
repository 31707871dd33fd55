CREATE TABLE silences (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    hold TEXT NOT NULL UNIQUE,     -- the key under which what it holds waits: of all that it says
    ends_at INTEGER,               -- NULL: until somebody ends it
    document TEXT NOT NULL,        -- Silence
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
