-- Documents that hints name and that are fetched. `wanted`: hints so far; `done`: hints that an answer was asked for
-- after. While they differ the row is due. `ext_id` is made of `args` (apply/beside.rs). Ids are never given twice:
-- messages are named by them.
CREATE TABLE fetches (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    system   TEXT NOT NULL,
    document TEXT NOT NULL,
    ext_id   TEXT NOT NULL,
    args     TEXT NOT NULL,
    wanted   INTEGER NOT NULL,
    done     INTEGER NOT NULL,
    backfill INTEGER NOT NULL,
    since    INTEGER NOT NULL,
    due_at   INTEGER,
    attempts INTEGER NOT NULL,
    why      TEXT NOT NULL
);
CREATE UNIQUE INDEX fetches_by_document ON fetches (system, document, ext_id);
CREATE INDEX fetches_by_due ON fetches (system, backfill, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX fetches_by_age ON fetches (system, since) WHERE due_at IS NULL;

-- How far each listing was read, and the poll under way: its window and its next page.
CREATE TABLE cursors (
    system   TEXT NOT NULL,
    document TEXT NOT NULL,
    since    INTEGER,
    begins   INTEGER,
    ends     INTEGER,
    next     TEXT,
    good_at  INTEGER,
    PRIMARY KEY (system, document)
) WITHOUT ROWID;
