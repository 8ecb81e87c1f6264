-- What a message was mapped with besides its bytes, so that it can be mapped again as it was: `said` names what
-- came of it, `facts` is what was read (settings, look-ups; NULL: nothing). Both NULL: the row is of a program of
-- the schema before, or nothing was mapped.
ALTER TABLE messages ADD COLUMN said BYTEA;
ALTER TABLE messages ADD COLUMN facts BYTEA;
