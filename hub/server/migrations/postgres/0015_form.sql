-- The form of lanes that a process writes: what it does not know of a lane is gone once it has written it. A program of a
-- schema before this says nothing.
ALTER TABLE processes ADD COLUMN form BIGINT;

CREATE OR REPLACE VIEW heard AS
SELECT p.process, p.instance, p.search, p.form
FROM processes p LEFT JOIN beats b ON b.process = p.process
WHERE coalesce(b.until, p.until) > clock_timestamp();
