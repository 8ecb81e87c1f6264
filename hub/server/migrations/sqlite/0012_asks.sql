-- `asks`: the system whose answer a document waits for; such rows are driven by a task of their own for each system.
ALTER TABLE pending ADD COLUMN asks TEXT;
CREATE INDEX pending_asking ON pending (asks, due_at) WHERE asks IS NOT NULL;
DROP INDEX pending_by_due;
CREATE INDEX pending_by_due ON pending (due_at) WHERE due_at IS NOT NULL AND asks IS NULL;
