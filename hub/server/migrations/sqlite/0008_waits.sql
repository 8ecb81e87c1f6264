-- `since`: since when the target lags behind what the lane wants; of rows of an older program nothing, then their
-- due time. It stands in the index, so that the age of the oldest is read from the index alone. `put_off`: it waits
-- for the end of a time, though what stood in its way (a refused credential, a breaker, a limit) may be gone sooner.
ALTER TABLE lanes ADD COLUMN since INTEGER;
ALTER TABLE lanes ADD COLUMN put_off INTEGER;
DROP INDEX lanes_by_due;
CREATE INDEX lanes_by_due ON lanes (system, process, due_at, k, since) WHERE due_at IS NOT NULL;
CREATE INDEX lanes_put_off ON lanes (system, due_at) WHERE put_off;

-- The field that a todo is about: of an order, a system and a field one is open at a time.
ALTER TABLE todo ADD COLUMN about TEXT;
CREATE UNIQUE INDEX todo_by_field ON todo (k, coalesce(system, ''), about)
    WHERE state = 'open' AND about IS NOT NULL;
