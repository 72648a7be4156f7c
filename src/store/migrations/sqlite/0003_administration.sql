-- Bearer tokens of administrators. They belong to no tenant. Times as in `token`.
CREATE TABLE admin_token (
    key_id  TEXT NOT NULL PRIMARY KEY,
    name    TEXT NOT NULL,
    role    TEXT NOT NULL CHECK (role IN ('viewer', 'operator', 'editor')),
    digest  BLOB NOT NULL CHECK (length(digest) = 32),
    created INTEGER NOT NULL,
    revoked INTEGER
) STRICT, WITHOUT ROWID;

-- What administrators did (tenant::audit::Deed), in the order it happened.
CREATE TABLE deed (
    number     INTEGER PRIMARY KEY,
    at         INTEGER NOT NULL,
    actor      TEXT NOT NULL,
    what       TEXT NOT NULL,
    tenant     TEXT,
    subject    TEXT NOT NULL,
    outcome    TEXT NOT NULL,
    before     TEXT,
    after      TEXT,
    request_id TEXT NOT NULL
) STRICT;
