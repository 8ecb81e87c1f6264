-- Documents that hints name and that are fetched. `wanted`: hints so far; `done`: hints that an answer was asked for
-- after. While they differ the row is due. `ext_id` is made of `args` (apply/beside.rs). Ids are never given twice:
-- messages are named by them.
CREATE TABLE fetches (
    id       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    system   TEXT COLLATE "C" NOT NULL,
    document TEXT COLLATE "C" NOT NULL,
    ext_id   TEXT COLLATE "C" NOT NULL,
    args     TEXT NOT NULL,
    wanted   BIGINT NOT NULL,
    done     BIGINT NOT NULL,
    backfill BOOLEAN NOT NULL,
    since    BIGINT NOT NULL,
    due_at   BIGINT,
    attempts BIGINT NOT NULL,
    why      TEXT NOT NULL
);
CREATE UNIQUE INDEX fetches_by_document ON fetches (system, document, ext_id);
CREATE INDEX fetches_by_due ON fetches (system, backfill, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX fetches_by_age ON fetches (system, since) WHERE due_at IS NULL;

-- How far each listing was read, and the poll under way: its window and its next page.
CREATE TABLE cursors (
    system   TEXT COLLATE "C" NOT NULL,
    document TEXT COLLATE "C" NOT NULL,
    since    BIGINT,
    begins   BIGINT,
    ends     BIGINT,
    next     TEXT,
    good_at  BIGINT,
    PRIMARY KEY (system, document)
);
