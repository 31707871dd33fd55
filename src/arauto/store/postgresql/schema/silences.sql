CREATE TABLE silences (
    tenant text NOT NULL,
    id text NOT NULL,
    hold text NOT NULL UNIQUE,     -- the key under which what it holds waits: of all that it says
    ends_at bigint,               -- NULL: until somebody ends it
    document text NOT NULL,        -- Silence
    PRIMARY KEY (tenant, id)
);
