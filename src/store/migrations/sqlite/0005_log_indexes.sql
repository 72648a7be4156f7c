-- Each index of the log grows at its end, or at its tenant's: request ids begin with the time.
-- What a tenant's events are filtered by lies in one of them, so that the rows that do not match
-- are not read. A request id is found by going through the index that keeps it unique.
DROP INDEX event_by_tenant;
DROP INDEX event_by_request;
DROP INDEX event_by_status;
DROP INDEX event_by_target;
CREATE INDEX event_by_tenant ON event (tenant, place, at, status, action, target_id);
