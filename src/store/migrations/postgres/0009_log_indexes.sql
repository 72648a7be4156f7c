-- As in SQLite (0005): what a tenant's events are filtered by lies in one index. What an event is
-- about is not in it: an id may be longer than an index takes. The old ones are dropped last, because from then
-- on nobody else can read the table.
CREATE INDEX event_of_tenant ON event (tenant, rowid, at, status, action);
DROP INDEX event_by_tenant;
DROP INDEX event_by_status;
DROP INDEX event_by_target;
ALTER INDEX event_of_tenant RENAME TO event_by_tenant;
