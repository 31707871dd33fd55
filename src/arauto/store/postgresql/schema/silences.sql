CREATE TABLE silences (
    tenant text NOT NULL,
    id text NOT NULL,
    document text NOT NULL,        -- Silence
    PRIMARY KEY (tenant, id)
);
