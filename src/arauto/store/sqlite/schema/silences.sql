CREATE TABLE silences (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    document TEXT NOT NULL,        -- Silence
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
