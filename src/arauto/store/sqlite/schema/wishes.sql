CREATE TABLE wishes (
    tenant TEXT NOT NULL,
    recipient TEXT NOT NULL,
    changed_at INTEGER NOT NULL,
    document TEXT NOT NULL,        -- Wishes
    PRIMARY KEY (tenant, recipient)
) STRICT, WITHOUT ROWID;

CREATE INDEX wishes_changed ON wishes (tenant, changed_at);
CREATE TRIGGER wishes_history AFTER UPDATE OF document ON wishes BEGIN
    INSERT INTO history (tenant, kind, id, since, until, gone, document)
    VALUES (OLD.tenant, 'wishes', OLD.recipient, OLD.changed_at, NEW.changed_at, 0, OLD.document);
END;

CREATE TABLE consents (            -- only ever added to
    sequence INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    recipient TEXT NOT NULL,
    at INTEGER NOT NULL,
    document TEXT NOT NULL         -- Consent
) STRICT;

CREATE INDEX consents_by_recipient ON consents (tenant, recipient);

CREATE TABLE suppressions (
    tenant TEXT NOT NULL,
    hash TEXT NOT NULL,            -- keyed, of channel and address
    channel TEXT NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (tenant, hash)
) STRICT, WITHOUT ROWID;
