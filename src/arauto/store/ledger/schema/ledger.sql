-- What people got in two replays of one time. It lies in a temporary database and ends with its connection.

PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -32768;

CREATE TABLE got (
    new INTEGER NOT NULL,          -- 1: of the new version; 0: of the old one
    id TEXT NOT NULL,
    at INTEGER NOT NULL,
    event TEXT NOT NULL,
    notification TEXT NOT NULL,
    recipient TEXT NOT NULL,
    channel TEXT NOT NULL,
    category TEXT NOT NULL,
    locale TEXT,
    segments INTEGER NOT NULL,
    cost TEXT,                     -- a decimal
    currency TEXT,
    title TEXT,
    text BLOB NOT NULL,            -- a hash
    PRIMARY KEY (new, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE recorded (            -- what was really sent
    id TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TABLE pairs (old TEXT, new TEXT) STRICT;
