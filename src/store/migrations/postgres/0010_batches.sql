-- As sqlite/0010; the time is by the database's clock.
CREATE TABLE batch_counts (
    tenant   text COLLATE "C" NOT NULL,
    function text COLLATE "C" NOT NULL,
    full_at  bigint NOT NULL,
    PRIMARY KEY (tenant, function)
);
