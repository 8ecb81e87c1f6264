-- The first schema, with the tables and columns of SQLite's. Times are nanoseconds since 1970, UTC. Bytes named
-- body, delta, keyframe or personal begin with a format byte (store/codec.rs) and are compressed already. Ids of
-- messages and orders are given by the writer and never reused. Keys are compared byte by byte (COLLATE "C"),
-- whatever language the database sorts in.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- Transactions whose COMMIT may go unanswered: who asks again finds its id here. Pruned after an hour.
CREATE TABLE commits (
    id BYTEA PRIMARY KEY,
    at BIGINT NOT NULL
);
CREATE INDEX commits_by_time ON commits (at);

-- Blocks of numbers: block n holds the numbers (n - 1) * size + 1 to n * size (store/postgres/numbers.rs).
CREATE SEQUENCE message_blocks;
CREATE SEQUENCE order_blocks;

-- Ids of messages against duplicates, a partition a week (seen_<week since 1970>), dropped whole when its time is over.
CREATE TABLE seen (
    id       BYTEA NOT NULL,
    week     BIGINT NOT NULL,
    body     BYTEA NOT NULL,
    sequence BIGINT NOT NULL,
    PRIMARY KEY (id, week)
) PARTITION BY LIST (week);

-- Every version of the integration files that decided anything.
CREATE TABLE bundles (
    hash  TEXT PRIMARY KEY,
    at    BIGINT NOT NULL,
    files BYTEA NOT NULL
);

-- The head of each order. Hot: no index on a column that every change touches, and room on each page for the next version.
CREATE TABLE orders (
    k              BIGINT PRIMARY KEY,
    unit           TEXT NOT NULL,
    origin         TEXT NOT NULL,
    ref            TEXT NOT NULL,
    order_no       TEXT,
    version        BIGINT NOT NULL,
    stage          TEXT,
    holds          TEXT NOT NULL,
    placed_at      BIGINT,
    next_timer     BIGINT,
    chain          BYTEA NOT NULL,
    since_keyframe BIGINT NOT NULL,
    body           BYTEA NOT NULL,
    personal       BYTEA
) WITH (fillfactor = 60);
CREATE INDEX orders_by_origin ON orders (origin, k);
CREATE INDEX orders_by_timer ON orders (next_timer) WHERE next_timer IS NOT NULL;

-- One row per (order, system): what deliveries are claimed by. Hot.
CREATE TABLE lanes (
    k        BIGINT NOT NULL,
    system   TEXT COLLATE "C" NOT NULL,
    due_at   BIGINT,
    body     BYTEA NOT NULL,
    personal BYTEA,
    PRIMARY KEY (k, system)
) WITH (fillfactor = 60);
CREATE INDEX lanes_by_due ON lanes (system, due_at, k) WHERE due_at IS NOT NULL;

-- Bodies are compressed already: a second try would only cost time.
ALTER TABLE orders ALTER COLUMN body SET STORAGE EXTERNAL, ALTER COLUMN personal SET STORAGE EXTERNAL;
ALTER TABLE lanes ALTER COLUMN body SET STORAGE EXTERNAL, ALTER COLUMN personal SET STORAGE EXTERNAL;

-- External ids, and our own refs (system '', kind 'ref'). Live ones are unique.
CREATE TABLE xrefs (
    system TEXT COLLATE "C" NOT NULL,
    kind   TEXT COLLATE "C" NOT NULL,
    ext_id TEXT COLLATE "C" NOT NULL,
    k      BIGINT NOT NULL,
    place  TEXT NOT NULL,
    PRIMARY KEY (system, kind, ext_id)
);

-- Words that find an order: ref, number, external ids; lower case.
CREATE TABLE tokens (
    token TEXT COLLATE "C" NOT NULL,
    k     BIGINT NOT NULL,
    PRIMARY KEY (token, k)
);

-- Every version of every order. Append only. `reason` is what a person said who was asked.
CREATE TABLE changes (
    k        BIGINT NOT NULL,
    version  BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    actor    TEXT NOT NULL,
    cause    TEXT NOT NULL,
    reason   TEXT,
    bundle   TEXT NOT NULL,
    fields   BYTEA NOT NULL,
    chain    BYTEA NOT NULL,
    delta    BYTEA NOT NULL,
    personal BYTEA,
    keyframe BYTEA,
    keyframe_personal BYTEA,
    PRIMARY KEY (k, version)
);
CREATE INDEX changes_by_time ON changes (at, k);
ALTER TABLE changes ALTER COLUMN delta SET STORAGE EXTERNAL, ALTER COLUMN keyframe SET STORAGE EXTERNAL;

-- Raw messages with their outcome. Append only. A re-drive's row names the first and has no body of its own.
CREATE TABLE messages (
    id         BIGINT PRIMARY KEY,
    first      BIGINT,
    source     TEXT NOT NULL,
    system     TEXT NOT NULL,
    document   TEXT NOT NULL,
    message_id TEXT,
    received   BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    outcome    TEXT NOT NULL,
    why        TEXT NOT NULL,
    bundle     TEXT NOT NULL,
    headers    TEXT,
    body       BYTEA
);
ALTER TABLE messages ALTER COLUMN body SET STORAGE EXTERNAL;

-- One row per attempt of a delivery. Append only.
CREATE TABLE receipts (
    id        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    k         BIGINT NOT NULL,
    at        BIGINT NOT NULL,
    system    TEXT NOT NULL,
    operation TEXT NOT NULL,
    attempt   BIGINT NOT NULL,
    class     TEXT NOT NULL,
    status    BIGINT,
    ms        BIGINT NOT NULL,
    why       TEXT NOT NULL
);
CREATE INDEX receipts_by_order ON receipts (k, id);

-- Messages to be driven again: waiting (due_at null until woken), suspect, replay.
CREATE TABLE pending (
    id       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message  BIGINT NOT NULL,
    document BIGINT NOT NULL,
    why      TEXT NOT NULL,
    since    BIGINT NOT NULL,
    due_at   BIGINT,
    woken_at BIGINT,
    attempts BIGINT NOT NULL,
    shown    BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX pending_by_message ON pending (message, document);
CREATE INDEX pending_by_due ON pending (due_at) WHERE due_at IS NOT NULL;

-- What a waiting document waits for, in the columns of xrefs; kinds that begin with # are the hub's own.
CREATE TABLE pending_keys (
    system  TEXT COLLATE "C" NOT NULL,
    kind    TEXT COLLATE "C" NOT NULL,
    ext_id  TEXT COLLATE "C" NOT NULL,
    pending BIGINT NOT NULL,
    PRIMARY KEY (system, kind, ext_id, pending)
);
CREATE INDEX pending_keys_by_pending ON pending_keys (pending);

-- All that needs a person.
CREATE TABLE todo (
    id       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind     TEXT NOT NULL,
    cause    TEXT NOT NULL,
    system   TEXT,
    why      TEXT NOT NULL,
    k        BIGINT,
    message  BIGINT,
    document BIGINT,
    doc_kind TEXT,
    doc_key  TEXT COLLATE "C",
    at       BIGINT NOT NULL,
    state    TEXT NOT NULL,
    reason   TEXT,
    ended_at BIGINT
);
CREATE INDEX todo_open ON todo (kind, system) WHERE state = 'open';
CREATE INDEX todo_by_document ON todo (system, doc_key) WHERE state = 'open' AND doc_key IS NOT NULL;
CREATE INDEX todo_by_order ON todo (k) WHERE k IS NOT NULL;

-- What a person holds shut until another word: a system (operation ''), or the breaker of one operation.
CREATE TABLE pauses (
    system    TEXT COLLATE "C" NOT NULL,
    operation TEXT COLLATE "C" NOT NULL,
    reason    TEXT NOT NULL,
    actor     TEXT NOT NULL,
    at        BIGINT NOT NULL,
    PRIMARY KEY (system, operation)
);

-- Outcomes per minute.
CREATE TABLE counters (
    minute   BIGINT NOT NULL,
    system   TEXT COLLATE "C" NOT NULL,
    document TEXT COLLATE "C" NOT NULL,
    outcome  TEXT COLLATE "C" NOT NULL,
    n        BIGINT NOT NULL,
    PRIMARY KEY (minute, system, document, outcome)
);
