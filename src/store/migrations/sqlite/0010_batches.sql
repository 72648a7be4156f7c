-- How many batches went to a vendor in the last minute: provisioning::batch. The vendor takes as many at
-- once as after a pause from `full_at` on, in milliseconds since 1970-01-01 UTC.
CREATE TABLE batch_counts (
    tenant   TEXT NOT NULL,
    function TEXT NOT NULL,
    full_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant, function)
) STRICT, WITHOUT ROWID;
