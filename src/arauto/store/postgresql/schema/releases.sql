CREATE TABLE releases (            -- versions of the project that were made live; the newest is live
    number bigint PRIMARY KEY,
    version text NOT NULL,
    at bigint NOT NULL,
    who text NOT NULL,
    how text NOT NULL,             -- serve | apply | rollback
    replaces text,                 -- the version that was live before
    plan text                      -- what was shown beforehand
);

CREATE TABLE release_files (       -- of the newest releases: the files of the project, packed
    version text PRIMARY KEY,
    files bytea NOT NULL
);
