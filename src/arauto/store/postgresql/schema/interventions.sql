CREATE TABLE replays (
    tenant text NOT NULL,
    id text NOT NULL,
    document text NOT NULL,        -- Replay: what it selects, and where it is
    PRIMARY KEY (tenant, id)
);
