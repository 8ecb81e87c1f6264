-- Processes that work on this store. Each has a number, given once. One that was not heard of until `until`, by the
-- server's clock, is taken off by another; whatever it commits from then on is refused.
CREATE SEQUENCE process_numbers;
CREATE TABLE processes (
    process  BIGINT PRIMARY KEY,
    instance TEXT NOT NULL UNIQUE,
    until    TIMESTAMPTZ NOT NULL
);

-- What one process at a time may do. Commits under a lease name its epoch. `ended`: the last epoch that was given
-- back in order; `orderly`: so was the one before this.
CREATE SEQUENCE lease_epochs;
CREATE TABLE leases (
    name    TEXT COLLATE "C" PRIMARY KEY,
    epoch   BIGINT NOT NULL,
    process BIGINT REFERENCES processes ON DELETE SET NULL,
    ended   BIGINT,
    orderly BOOLEAN NOT NULL
);
CREATE INDEX leases_by_process ON leases (process);

-- Who has a lane in hand: the number of the process that has it in its ring, or its call in the air.
ALTER TABLE lanes ADD COLUMN process BIGINT;
DROP INDEX lanes_by_due;
CREATE INDEX lanes_by_due ON lanes (system, process, due_at, k) WHERE due_at IS NOT NULL;

-- Breakers that some process opened, and who may try. Not logged: after a crash it is found out again.
CREATE UNLOGGED TABLE gates (
    system      TEXT COLLATE "C" NOT NULL,
    operation   TEXT COLLATE "C" NOT NULL,
    until       TIMESTAMPTZ NOT NULL,
    delay_ms    BIGINT NOT NULL,
    probe_by    BIGINT,
    probe_until TIMESTAMPTZ,
    PRIMARY KEY (system, operation)
);

-- Rate limits that all processes share: when the bucket is full again, how many calls the last question was given,
-- and until when a system wants to be left alone. Not logged, likewise.
CREATE UNLOGGED TABLE limits (
    system  TEXT COLLATE "C" NOT NULL,
    name    TEXT COLLATE "C" NOT NULL,
    key     TEXT COLLATE "C" NOT NULL,
    next    TIMESTAMPTZ NOT NULL,
    granted INTEGER NOT NULL,
    paused  TIMESTAMPTZ,
    PRIMARY KEY (system, name, key)
) WITH (fillfactor = 50);
