CREATE TABLE replays (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    document TEXT NOT NULL,        -- Replay: what it selects, and where it is
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
