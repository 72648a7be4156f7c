-- As sqlite/0004.

-- Creates whose object the client may not have heard of: provisioning::intents::Intent.
CREATE TABLE intent (
    tenant   text COLLATE "C" NOT NULL,
    kind     text COLLATE "C" NOT NULL CHECK (kind IN ('user', 'group')),
    id       text COLLATE "C" NOT NULL,
    document text NOT NULL,
    PRIMARY KEY (tenant, id)
);

-- Writes that a vendor's look-ups may not show yet: provisioning::recent::RecentWrite. `until` is
-- milliseconds since 1970-01-01 UTC.
CREATE TABLE recent_write (
    tenant   text COLLATE "C" NOT NULL,
    kind     text COLLATE "C" NOT NULL CHECK (kind IN ('user', 'group')),
    native   text COLLATE "C" NOT NULL,
    document text NOT NULL,
    until    bigint NOT NULL,
    PRIMARY KEY (tenant, kind, native)
);

-- One row that is written to find out whether the database can be written.
CREATE TABLE heartbeat (
    one   bigint NOT NULL PRIMARY KEY CHECK (one = 1),
    beats bigint NOT NULL
);
