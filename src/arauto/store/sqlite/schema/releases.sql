CREATE TABLE releases (            -- versions of the project that were made live; the newest is live
    number INTEGER PRIMARY KEY,
    version TEXT NOT NULL,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    how TEXT NOT NULL,             -- serve | apply | rollback
    replaces TEXT,                 -- the version that was live before
    plan TEXT                      -- what was shown beforehand
) STRICT;

CREATE TABLE release_files (       -- of the newest releases: the files of the project, packed
    version TEXT PRIMARY KEY,
    files BLOB NOT NULL
) STRICT, WITHOUT ROWID;
