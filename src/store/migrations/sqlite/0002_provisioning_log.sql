-- The provisioning log: one row an event (adapter::story::Event), told whole in `document`; the
-- other columns are what it is searched by. `at` is milliseconds since 1970-01-01 UTC. The rowid
-- is the order of arrival: an event comes when its request has ended, not when it began. It never
-- comes twice (AUTOINCREMENT): who follows the log goes on from the last place seen, also after
-- all events before it were removed.
CREATE TABLE event (
    place      INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant     TEXT NOT NULL,
    request_id TEXT NOT NULL,
    part       INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    action     TEXT NOT NULL,
    status     TEXT NOT NULL,
    code       TEXT,
    target_id  TEXT,
    identity   TEXT,
    document   TEXT NOT NULL,
    UNIQUE (tenant, request_id, part)
) STRICT;

CREATE INDEX event_by_tenant  ON event (tenant);
CREATE INDEX event_by_request ON event (request_id);
CREATE INDEX event_by_status  ON event (tenant, status);
CREATE INDEX event_by_target  ON event (tenant, target_id);
CREATE INDEX event_by_time    ON event (at);

-- What became of a tenant's requests, all of them, in spans of five minutes. `span` and `last`
-- are milliseconds since 1970-01-01 UTC; `times` counts answers by how long they took, a JSON
-- array (store::health).
CREATE TABLE tally (
    tenant     TEXT NOT NULL,
    span       INTEGER NOT NULL,
    requests   INTEGER NOT NULL,
    failures   INTEGER NOT NULL, -- without those of references
    references_failed INTEGER NOT NULL,
    refused    INTEGER NOT NULL, -- tokens of a known key id
    last       INTEGER NOT NULL,
    last_refused INTEGER NOT NULL,
    times      TEXT NOT NULL,
    PRIMARY KEY (tenant, span)
) STRICT, WITHOUT ROWID;
