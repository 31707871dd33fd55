CREATE TABLE erasures (            -- of people; what tells who it was is in it only until it has finished
    tenant text NOT NULL,
    pseudonym text COLLATE "C" NOT NULL,       -- the keyed hash of the id
    begun_at bigint NOT NULL,
    finished_at bigint,
    document text NOT NULL,        -- Progress
    PRIMARY KEY (tenant, pseudonym)
);

CREATE TABLE erasing (             -- the events that an erasure has found and not looked at yet
    tenant text NOT NULL,
    pseudonym text COLLATE "C" NOT NULL,
    event bigint NOT NULL,
    PRIMARY KEY (tenant, pseudonym, event)
);

CREATE TABLE retained (            -- for each retention, up to which event those that it ends are gone
    seconds bigint PRIMARY KEY,
    event bigint NOT NULL
);

CREATE TABLE overdue (             -- events whose retention is over, but that something still needs
    event bigint PRIMARY KEY
);
