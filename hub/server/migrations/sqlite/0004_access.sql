-- Who ended a todo.
ALTER TABLE todo ADD COLUMN ended_by TEXT;

-- Answers to writes of people that carry an Idempotency-Key, for a day. Without a status: under way since `at`.
CREATE TABLE answers (
    caller TEXT NOT NULL,
    key    TEXT NOT NULL,
    print  BLOB NOT NULL,
    at     INTEGER NOT NULL,
    status INTEGER,
    body   BLOB,
    PRIMARY KEY (caller, key)
) WITHOUT ROWID;
CREATE INDEX answers_by_time ON answers (at);
