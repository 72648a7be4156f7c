-- As sqlite/0001, which explains the tables. Text is compared byte by byte everywhere: SCIM ids
-- are exact case (RFC 7643 §3.1). All numbers are 64 bits wide. An index holds keys of up to 2,704
-- bytes after compression; a longer one is refused.

CREATE TABLE remembered (
    tenant   text COLLATE "C" NOT NULL,
    kind     text COLLATE "C" NOT NULL CHECK (kind IN ('user', 'group')),
    id       text COLLATE "C" NOT NULL,
    document text NOT NULL,
    PRIMARY KEY (tenant, kind, id)
);

CREATE TABLE issued_id (
    tenant text COLLATE "C" NOT NULL,
    kind   text COLLATE "C" NOT NULL CHECK (kind IN ('user', 'group')),
    id     text COLLATE "C" NOT NULL,
    native text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant, kind, id),
    UNIQUE (tenant, kind, native)
);

CREATE TABLE membership (
    tenant   text COLLATE "C" NOT NULL,
    group_id text COLLATE "C" NOT NULL,
    member   text COLLATE "C" NOT NULL,
    joined   bigint NOT NULL,
    PRIMARY KEY (tenant, group_id, member),
    UNIQUE (tenant, joined)
);

CREATE INDEX membership_by_group  ON membership (tenant, group_id, joined);
CREATE INDEX membership_by_member ON membership (tenant, member, joined);

CREATE TABLE token (
    tenant  text COLLATE "C" NOT NULL,
    key_id  text COLLATE "C" NOT NULL UNIQUE, -- a request names the key first; the key decides the tenant
    digest  bytea NOT NULL CHECK (length(digest) = 32),
    created bigint NOT NULL,
    expires bigint,
    revoked bigint,
    PRIMARY KEY (tenant, key_id)
);
