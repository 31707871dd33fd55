CREATE TABLE recipients (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    changed_at INTEGER NOT NULL,
    document TEXT NOT NULL,        -- Recipient
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX recipients_changed ON recipients (tenant, changed_at);
CREATE TRIGGER recipients_history AFTER UPDATE OF document ON recipients BEGIN
    INSERT INTO history (tenant, kind, id, since, until, gone, document)
    VALUES (OLD.tenant, 'recipient', OLD.id, OLD.changed_at, NEW.changed_at, 0, OLD.document);
END;

CREATE TABLE inbox (
    message INTEGER PRIMARY KEY,   -- messages.sequence
    tenant TEXT NOT NULL,
    recipient TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    read_at INTEGER,
    content TEXT NOT NULL
) STRICT;

CREATE INDEX inbox_by_recipient ON inbox (tenant, recipient);

CREATE TABLE api_keys (
    id TEXT NOT NULL,
    tenant TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE,
    revoked_at INTEGER,
    document TEXT NOT NULL,        -- ApiKey
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE hub_secrets (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE rejections (
    sequence INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    document TEXT NOT NULL         -- Rejection
) STRICT;

CREATE INDEX rejections_by_tenant ON rejections (tenant);
