-- Text is compared byte by byte everywhere: SCIM ids are exact case (RFC 7643 §3.1).

-- One JSON document per resource: what the client said (adapter::memory::Remembered).
CREATE TABLE remembered (
    tenant   TEXT NOT NULL,
    kind     TEXT NOT NULL CHECK (kind IN ('user', 'group')),
    id       TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (tenant, kind, id)
) STRICT;

-- SCIM ids issued by the gateway. `id` is a random UUID, so that a removed one never comes back.
CREATE TABLE issued_id (
    tenant TEXT NOT NULL,
    kind   TEXT NOT NULL CHECK (kind IN ('user', 'group')),
    id     TEXT NOT NULL,
    native TEXT NOT NULL,
    PRIMARY KEY (tenant, kind, id),
    UNIQUE (tenant, kind, native)
) STRICT, WITHOUT ROWID;

-- `joined` counts up in a tenant: a smaller one is an older membership.
CREATE TABLE membership (
    tenant   TEXT NOT NULL,
    group_id TEXT NOT NULL,
    member   TEXT NOT NULL,
    joined   INTEGER NOT NULL,
    PRIMARY KEY (tenant, group_id, member),
    UNIQUE (tenant, joined)
) STRICT, WITHOUT ROWID;

CREATE INDEX membership_by_group  ON membership (tenant, group_id, joined);
CREATE INDEX membership_by_member ON membership (tenant, member, joined);

-- Bearer tokens. Times are milliseconds since 1970-01-01 UTC; NULL is never.
CREATE TABLE token (
    tenant  TEXT NOT NULL,
    key_id  TEXT NOT NULL,
    digest  BLOB NOT NULL CHECK (length(digest) = 32),
    created INTEGER NOT NULL,
    expires INTEGER,
    revoked INTEGER,
    PRIMARY KEY (tenant, key_id),
    UNIQUE (key_id) -- a request names the key first; the key decides the tenant
) STRICT, WITHOUT ROWID;
