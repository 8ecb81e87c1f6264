-- `holds`: the kind of document, where it waits for what it looks up and its key is known: later facts of that key wait
-- behind it.
ALTER TABLE pending ADD COLUMN holds TEXT COLLATE "C";

-- A message that fails again in the same way keeps the number of its todo, which is found by it.
CREATE INDEX todo_replayed ON todo (message) WHERE message IS NOT NULL AND state = 'replayed';

-- What systems said last, whichever process they said it to: written now and then.
CREATE TABLE said (
    system     TEXT COLLATE "C" PRIMARY KEY,
    success_at BIGINT,
    error_at   BIGINT,
    operation  TEXT,
    class      TEXT,
    why        TEXT
);
