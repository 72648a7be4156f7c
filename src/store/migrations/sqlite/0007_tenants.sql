-- Tenants without a file (tenant::stored). Revisions only grow: whoever asks for those after the last
-- one that it saw misses none. A deleted tenant stays, without its text, so that its name is not given
-- to another and that every gateway hears of it.
CREATE TABLE stored_tenant (
    tenant   TEXT NOT NULL PRIMARY KEY,
    adapter  TEXT NOT NULL,
    customer TEXT,
    service  TEXT NOT NULL CHECK (service IN ('on', 'off', 'deleted')),
    document TEXT NOT NULL,
    revision INTEGER NOT NULL UNIQUE,
    created  INTEGER NOT NULL,
    changed  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One adapter has one tenant for a customer.
CREATE UNIQUE INDEX stored_tenant_by_customer ON stored_tenant (adapter, customer)
    WHERE customer IS NOT NULL AND service <> 'deleted';

-- Bearer tokens of vendors' consoles. They belong to no tenant. Times as in `token`.
CREATE TABLE onboarding_token (
    key_id   TEXT NOT NULL PRIMARY KEY,
    name     TEXT NOT NULL,
    adapter  TEXT NOT NULL,
    template TEXT NOT NULL,
    digest   BLOB NOT NULL CHECK (length(digest) = 32),
    created  INTEGER NOT NULL,
    revoked  INTEGER
) STRICT, WITHOUT ROWID;

-- When a token last opened its door.
ALTER TABLE token ADD COLUMN used INTEGER;
