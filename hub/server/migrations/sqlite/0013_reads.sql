-- `holds`: the kind of document, where it waits for what it looks up and its key is known: later facts of that key wait
-- behind it.
ALTER TABLE pending ADD COLUMN holds TEXT;
