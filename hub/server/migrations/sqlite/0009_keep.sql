-- Whether an open todo is about a message: such a one is kept beyond its time.
CREATE INDEX todo_by_message ON todo (message) WHERE state = 'open' AND message IS NOT NULL;
