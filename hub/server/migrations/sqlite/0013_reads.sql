-- `holds`: the kind of document, where it waits for what it looks up and its key is known: later facts of that key wait
-- behind it.
ALTER TABLE pending ADD COLUMN holds TEXT;

-- A message that fails again in the same way keeps the number of its todo, which is found by it.
CREATE INDEX todo_replayed ON todo (message) WHERE message IS NOT NULL AND state = 'replayed';

-- What systems said last, whichever process they said it to: written now and then.
CREATE TABLE said (
    system     TEXT PRIMARY KEY NOT NULL,
    success_at INTEGER,
    error_at   INTEGER,
    operation  TEXT,
    class      TEXT,
    why        TEXT
) WITHOUT ROWID;
