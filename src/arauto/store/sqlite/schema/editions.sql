CREATE TABLE editions (            -- versions of the catalogue, for the runs that they began
    version TEXT PRIMARY KEY,
    served_at INTEGER NOT NULL,    -- when a hub last said that it serves it
    files BLOB NOT NULL
) STRICT, WITHOUT ROWID;
