CREATE TABLE editions (            -- versions of the catalogue, for the runs that they began
    version text PRIMARY KEY,
    served_at bigint NOT NULL,    -- when a hub last said that it serves it
    files bytea NOT NULL
);
