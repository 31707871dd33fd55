CREATE TABLE receipts (
    message INTEGER NOT NULL,      -- messages.sequence
    kind TEXT NOT NULL,
    permanent INTEGER NOT NULL,
    resent INTEGER NOT NULL,       -- how often a person had sent the message again before
    at INTEGER NOT NULL,
    detail TEXT,
    PRIMARY KEY (message, kind, permanent, resent)
) STRICT, WITHOUT ROWID;
