CREATE TABLE ticks (
    source text COLLATE "C" PRIMARY KEY,
    rule text NOT NULL,
    at bigint NOT NULL
);
