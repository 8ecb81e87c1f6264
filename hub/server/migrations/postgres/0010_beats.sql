-- When a process was last heard of, in a row of its own: commits and claims lock the row in `processes`, and whoever
-- locks a row looks up who locked each of its versions. One without a row here is a program of the schema before,
-- and its time stands there; while such a program runs, a process that speaks here says there, too, each minute for
-- two, that it is not to be taken off. Little of a page is used: then former words are cleared away by whoever comes
-- by.
CREATE TABLE beats (
    process BIGINT PRIMARY KEY REFERENCES processes ON DELETE CASCADE,
    until   TIMESTAMPTZ NOT NULL
) WITH (fillfactor = 10);

-- Processes that are heard now, of either schema.
CREATE VIEW heard AS
SELECT p.process, p.instance, p.search
FROM processes p LEFT JOIN beats b ON b.process = p.process
WHERE coalesce(b.until, p.until) > clock_timestamp();
