CREATE TABLE silences (
    tenant text NOT NULL,
    id text NOT NULL,
    hold text NOT NULL UNIQUE,     -- the key under which what it holds waits: of all that it says
    ends_at bigint,               -- NULL: until somebody ends it
    changed_at bigint NOT NULL,
    document text NOT NULL,        -- Silence
    PRIMARY KEY (tenant, id)
);

CREATE INDEX silences_changed ON silences (tenant, changed_at);
CREATE TRIGGER silences_history AFTER UPDATE OF document ON silences
    FOR EACH ROW EXECUTE FUNCTION keep_in_history('silence', 'id');
