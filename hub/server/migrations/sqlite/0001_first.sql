-- The first schema. Times are nanoseconds since 1970, UTC. Blobs named body, delta, keyframe or personal begin
-- with a format byte (store/codec.rs). Ids of messages and orders are given by the writer and never reused.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

-- Every version of the integration files that decided anything.
CREATE TABLE bundles (
    hash  TEXT PRIMARY KEY,
    at    INTEGER NOT NULL,
    files BLOB NOT NULL
);

-- The head of each order. Hot: no index on a column that every change touches.
CREATE TABLE orders (
    k              INTEGER PRIMARY KEY,
    unit           TEXT NOT NULL,
    origin         TEXT NOT NULL,
    ref            TEXT NOT NULL,
    order_no       TEXT,
    version        INTEGER NOT NULL,
    stage          TEXT,
    holds          TEXT NOT NULL,
    placed_at      INTEGER,
    next_timer     INTEGER,
    chain          BLOB NOT NULL,
    since_keyframe INTEGER NOT NULL,
    body           BLOB NOT NULL,
    personal       BLOB
);
CREATE INDEX orders_by_origin ON orders (origin);
CREATE INDEX orders_by_timer ON orders (next_timer) WHERE next_timer IS NOT NULL;

-- One row per (order, system): what deliveries are claimed by. Hot.
CREATE TABLE lanes (
    id       INTEGER PRIMARY KEY,
    k        INTEGER NOT NULL,
    system   TEXT NOT NULL,
    due_at   INTEGER,
    body     BLOB NOT NULL,
    personal BLOB
);
CREATE UNIQUE INDEX lanes_by_order ON lanes (k, system);
CREATE INDEX lanes_by_due ON lanes (system, due_at, k) WHERE due_at IS NOT NULL;

-- External ids, and our own refs (system '', kind 'ref'). Live ones are unique.
CREATE TABLE xrefs (
    system TEXT NOT NULL,
    kind   TEXT NOT NULL,
    ext_id TEXT NOT NULL,
    k      INTEGER NOT NULL,
    place  TEXT NOT NULL,
    PRIMARY KEY (system, kind, ext_id)
) WITHOUT ROWID;

-- Words that find an order: ref, number, external ids; lower case.
CREATE TABLE tokens (
    token TEXT NOT NULL,
    k     INTEGER NOT NULL,
    PRIMARY KEY (token, k)
) WITHOUT ROWID;

-- Every version of every order. Append only. `reason` is what a person said who was asked.
CREATE TABLE changes (
    k        INTEGER NOT NULL,
    version  INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    actor    TEXT NOT NULL,
    cause    TEXT NOT NULL,
    reason   TEXT,
    bundle   TEXT NOT NULL,
    fields   BLOB NOT NULL,
    chain    BLOB NOT NULL,
    delta    BLOB NOT NULL,
    personal BLOB,
    keyframe BLOB,
    keyframe_personal BLOB
);
CREATE UNIQUE INDEX changes_by_order ON changes (k, version);
CREATE INDEX changes_by_time ON changes (at, k);

-- Raw messages with their outcome. Append only. A re-drive's row names the first and has no body of its own.
CREATE TABLE messages (
    id         INTEGER PRIMARY KEY,
    first      INTEGER,
    source     TEXT NOT NULL,
    system     TEXT NOT NULL,
    document   TEXT NOT NULL,
    message_id TEXT,
    received   INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    outcome    TEXT NOT NULL,
    why        TEXT NOT NULL,
    bundle     TEXT NOT NULL,
    headers    TEXT,
    body       BLOB
);

-- One row per attempt of a delivery. Append only.
CREATE TABLE receipts (
    id        INTEGER PRIMARY KEY,
    k         INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    system    TEXT NOT NULL,
    operation TEXT NOT NULL,
    attempt   INTEGER NOT NULL,
    class     TEXT NOT NULL,
    status    INTEGER,
    ms        INTEGER NOT NULL,
    why       TEXT NOT NULL
);
CREATE INDEX receipts_by_order ON receipts (k);

-- Messages to be driven again: waiting (due_at null until woken), suspect, replay.
CREATE TABLE pending (
    id       INTEGER PRIMARY KEY,
    message  INTEGER NOT NULL,
    document INTEGER NOT NULL,
    why      TEXT NOT NULL,
    since    INTEGER NOT NULL,
    due_at   INTEGER,
    woken_at INTEGER,
    attempts INTEGER NOT NULL,
    shown    INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX pending_by_message ON pending (message, document);
CREATE INDEX pending_by_due ON pending (due_at) WHERE due_at IS NOT NULL;

-- What a waiting document waits for, in the columns of xrefs; kinds that begin with # are the hub's own.
CREATE TABLE pending_keys (
    system  TEXT NOT NULL,
    kind    TEXT NOT NULL,
    ext_id  TEXT NOT NULL,
    pending INTEGER NOT NULL,
    PRIMARY KEY (system, kind, ext_id, pending)
) WITHOUT ROWID;
CREATE INDEX pending_keys_by_pending ON pending_keys (pending);

-- All that needs a person.
CREATE TABLE todo (
    id       INTEGER PRIMARY KEY,
    kind     TEXT NOT NULL,
    cause    TEXT NOT NULL,
    system   TEXT,
    why      TEXT NOT NULL,
    k        INTEGER,
    message  INTEGER,
    document INTEGER,
    doc_kind TEXT,
    doc_key  TEXT,
    at       INTEGER NOT NULL,
    state    TEXT NOT NULL,
    reason   TEXT,
    ended_at INTEGER
);
CREATE INDEX todo_open ON todo (kind, system) WHERE state = 'open';
CREATE INDEX todo_by_document ON todo (system, doc_key) WHERE state = 'open' AND doc_key IS NOT NULL;
CREATE INDEX todo_by_order ON todo (k) WHERE k IS NOT NULL;

-- What a person holds shut until another word: a system (operation ''), or the breaker of one operation.
CREATE TABLE pauses (
    system    TEXT NOT NULL,
    operation TEXT NOT NULL,
    reason    TEXT NOT NULL,
    actor     TEXT NOT NULL,
    at        INTEGER NOT NULL,
    PRIMARY KEY (system, operation)
) WITHOUT ROWID;

-- Outcomes per minute.
CREATE TABLE counters (
    minute   INTEGER NOT NULL,
    system   TEXT NOT NULL,
    document TEXT NOT NULL,
    outcome  TEXT NOT NULL,
    n        INTEGER NOT NULL,
    PRIMARY KEY (minute, system, document, outcome)
) WITHOUT ROWID;
