CREATE TABLE receipts (
    message bigint NOT NULL,       -- messages.sequence
    kind text NOT NULL,
    permanent bigint NOT NULL,
    resent bigint NOT NULL,        -- how often a person had sent the message again before
    at bigint NOT NULL,
    detail text,
    PRIMARY KEY (message, kind, permanent, resent)
);
