-- Tenants without a file (tenant::stored). Revisions only grow: whoever asks for those after the last
-- one that it saw misses none. A deleted tenant stays, without its text, so that its name is not given
-- to another and that every gateway hears of it.
CREATE TABLE stored_tenant (
    tenant   text COLLATE "C" NOT NULL PRIMARY KEY,
    adapter  text COLLATE "C" NOT NULL,
    customer text COLLATE "C",
    service  text COLLATE "C" NOT NULL CHECK (service IN ('on', 'off', 'deleted')),
    document text COLLATE "C" NOT NULL,
    revision bigint NOT NULL UNIQUE,
    created  bigint NOT NULL,
    changed  bigint NOT NULL
);

-- One adapter has one tenant for a customer.
CREATE UNIQUE INDEX stored_tenant_by_customer ON stored_tenant (adapter, customer)
    WHERE customer IS NOT NULL AND service <> 'deleted';

-- Bearer tokens of vendors' consoles. They belong to no tenant. Times as in `token`.
CREATE TABLE onboarding_token (
    key_id   text COLLATE "C" NOT NULL PRIMARY KEY,
    name     text COLLATE "C" NOT NULL,
    adapter  text COLLATE "C" NOT NULL,
    template text COLLATE "C" NOT NULL,
    digest   bytea NOT NULL CHECK (length(digest) = 32),
    created  bigint NOT NULL,
    revoked  bigint
);

-- When a token last opened its door.
ALTER TABLE token ADD COLUMN used bigint;
