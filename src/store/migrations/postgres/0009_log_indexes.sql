-- As in SQLite (0005): what a tenant's events are filtered by lies in one index. What an event is
-- about is not in it: an id may be longer than an index takes.
DROP INDEX event_by_tenant;
DROP INDEX event_by_status;
DROP INDEX event_by_target;
CREATE INDEX event_by_tenant ON event (tenant, rowid, at, status, action);
