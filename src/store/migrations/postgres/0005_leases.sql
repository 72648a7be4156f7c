-- Replicas that live: each renews its row every second. `until`, in milliseconds since 1970-01-01 UTC
-- by the database's clock, is when others may delete the row, and with it the locks.
CREATE TABLE replica (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    until  bigint NOT NULL
);

-- What is locked, by 64 bits of a digest of its name, and by which replica.
CREATE TABLE held_lock (
    number  bigint PRIMARY KEY,
    replica bigint NOT NULL REFERENCES replica (number) ON DELETE CASCADE
);

CREATE INDEX held_lock_replica ON held_lock (replica);
