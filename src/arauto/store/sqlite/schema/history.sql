CREATE TABLE history (             -- what recipients, wishes and silences were before they became what they are
    sequence INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    kind TEXT NOT NULL,            -- recipient, wishes, silence
    id TEXT NOT NULL,
    since INTEGER NOT NULL,        -- it was so from this time
    until INTEGER NOT NULL,        -- up to this one
    gone INTEGER NOT NULL,         -- 1: there was nothing of it then; 0: the next version followed
    document TEXT NOT NULL
) STRICT;

CREATE INDEX history_by_id ON history (tenant, kind, id);
CREATE INDEX history_since ON history (tenant, since);
CREATE INDEX history_until ON history (until);
