-- Creates whose object the client may not have heard of: provisioning::intents::Intent.
CREATE TABLE intent (
    tenant   TEXT NOT NULL,
    kind     TEXT NOT NULL CHECK (kind IN ('user', 'group')),
    id       TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

-- Writes that a vendor's look-ups may not show yet: provisioning::recent::RecentWrite. `until` is
-- milliseconds since 1970-01-01 UTC.
CREATE TABLE recent_write (
    tenant   TEXT NOT NULL,
    kind     TEXT NOT NULL CHECK (kind IN ('user', 'group')),
    native   TEXT NOT NULL,
    document TEXT NOT NULL,
    until    INTEGER NOT NULL,
    PRIMARY KEY (tenant, kind, native)
) STRICT, WITHOUT ROWID;

-- One row that is written to find out whether the database can be written.
CREATE TABLE heartbeat (
    one   INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    beats INTEGER NOT NULL
) STRICT;
