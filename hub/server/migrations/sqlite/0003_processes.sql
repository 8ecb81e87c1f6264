-- Who has a lane in hand: the number of the process that has it in its ring, or its call in the air. Numbers are
-- given at each opening and never again, so that what another process held is free.
ALTER TABLE lanes ADD COLUMN process INTEGER;
DROP INDEX lanes_by_due;
CREATE INDEX lanes_by_due ON lanes (system, process, due_at, k) WHERE due_at IS NOT NULL;
