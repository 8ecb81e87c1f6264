-- `rests`: why a lane rests that still wants something (`held`, `not_linked`, `unfit`). Only a change of its order, or of
-- the files, brings it back: found and counted from the index alone. Rows of an older program say it with their next write.
ALTER TABLE lanes ADD COLUMN rests TEXT;
CREATE INDEX lanes_resting ON lanes (k, system, rests) WHERE rests IS NOT NULL;

-- What waits to be driven again, counted from the index alone.
CREATE INDEX pending_by_why ON pending (why, since);
