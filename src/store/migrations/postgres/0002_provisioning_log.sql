-- As sqlite/0002. `rowid` is the order of arrival; the log's writers take turns, so that a smaller
-- one is never seen later than a greater one.
CREATE TABLE event (
    rowid      bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    tenant     text COLLATE "C" NOT NULL,
    request_id text COLLATE "C" NOT NULL,
    part       bigint NOT NULL,
    at         bigint NOT NULL,
    action     text COLLATE "C" NOT NULL,
    status     text COLLATE "C" NOT NULL,
    code       text COLLATE "C",
    target_id  text COLLATE "C",
    identity   text COLLATE "C",
    document   text NOT NULL,
    PRIMARY KEY (tenant, request_id, part)
);

CREATE INDEX event_by_tenant  ON event (tenant, rowid);
CREATE INDEX event_by_request ON event (request_id);
CREATE INDEX event_by_status  ON event (tenant, status, rowid);
CREATE INDEX event_by_target  ON event USING hash (target_id);
CREATE INDEX event_by_time    ON event (at);

CREATE TABLE tally (
    tenant     text COLLATE "C" NOT NULL,
    span       bigint NOT NULL,
    requests   bigint NOT NULL,
    failures   bigint NOT NULL, -- without those of references
    references_failed bigint NOT NULL,
    refused    bigint NOT NULL, -- tokens of a known key id
    last       bigint NOT NULL,
    last_refused bigint NOT NULL,
    times      text NOT NULL,
    PRIMARY KEY (tenant, span)
);
