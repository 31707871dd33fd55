CREATE TABLE silences (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    hold TEXT NOT NULL UNIQUE,     -- the key under which what it holds waits: of all that it says
    ends_at INTEGER,               -- NULL: until somebody ends it
    changed_at INTEGER NOT NULL,
    document TEXT NOT NULL,        -- Silence
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX silences_changed ON silences (tenant, changed_at);
CREATE TRIGGER silences_history AFTER UPDATE OF document ON silences BEGIN
    INSERT INTO history (tenant, kind, id, since, until, gone, document)
    VALUES (OLD.tenant, 'silence', OLD.id, OLD.changed_at, NEW.changed_at, 0, OLD.document);
END;
