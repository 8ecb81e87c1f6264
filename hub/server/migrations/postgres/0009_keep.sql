-- Raw messages and attempts become tables of one partition a day (`messages_<day since 1970>`), dropped whole when
-- their time is over. Rows are copied to the day of their commit: one pass over both tables, in this transaction.
-- Where a year or more is there, a partition holds a week or a month. The default of `day` is for a program of the
-- schema before that goes on beside this one, where up to 100 days are kept: then there is a partition for its day.

ALTER TABLE messages RENAME TO messages_before;
ALTER TABLE messages_before RENAME CONSTRAINT messages_pkey TO messages_before_pkey;
CREATE TABLE messages (
    id         BIGINT NOT NULL,
    day        BIGINT NOT NULL DEFAULT CAST(floor(extract(epoch FROM now()) / 86400) AS bigint),
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
    body       BYTEA,
    PRIMARY KEY (id, day)
) PARTITION BY LIST (day);
ALTER TABLE messages ALTER COLUMN body SET STORAGE EXTERNAL;

-- What is needed beyond its time (store/postgres/prune.rs).
CREATE TABLE messages_beyond (LIKE messages INCLUDING ALL);
ALTER TABLE messages ATTACH PARTITION messages_beyond FOR VALUES IN (-1);

ALTER TABLE receipts RENAME TO receipts_before;
ALTER TABLE receipts_before RENAME CONSTRAINT receipts_pkey TO receipts_before_pkey;
ALTER INDEX receipts_by_order RENAME TO receipts_before_by_order;
CREATE SEQUENCE receipt_numbers;
CREATE TABLE receipts (
    id        BIGINT NOT NULL DEFAULT nextval('receipt_numbers'),
    day       BIGINT NOT NULL DEFAULT CAST(floor(extract(epoch FROM now()) / 86400) AS bigint),
    k         BIGINT NOT NULL,
    at        BIGINT NOT NULL,
    system    TEXT NOT NULL,
    operation TEXT NOT NULL,
    attempt   BIGINT NOT NULL,
    class     TEXT NOT NULL,
    status    BIGINT,
    ms        BIGINT NOT NULL,
    why       TEXT NOT NULL,
    PRIMARY KEY (id, day)
) PARTITION BY LIST (day);
ALTER SEQUENCE receipt_numbers OWNED BY receipts.id;
CREATE INDEX receipts_by_order ON receipts (k, id);

DO $$
DECLARE
    age BIGINT;
    span BIGINT;
    kind TEXT;
    number BIGINT;
BEGIN
    -- As in store/keep.rs.
    SELECT coalesce((max(at) - min(at)) / 86400000000000, 0) INTO age
    FROM (SELECT at FROM messages_before UNION ALL SELECT at FROM receipts_before) AS kept;
    span := CASE WHEN age <= 100 THEN 1 WHEN age <= 732 THEN 7 ELSE 30 END;
    FOR kind, number IN
        SELECT 'messages', at / 86400000000000 - (at / 86400000000000) % span FROM messages_before GROUP BY 2
        UNION SELECT 'receipts', at / 86400000000000 - (at / 86400000000000) % span FROM receipts_before GROUP BY 2
        UNION SELECT unnest(ARRAY['messages', 'receipts']), CAST(floor(extract(epoch FROM now()) / 86400) AS bigint)
    LOOP
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', kind || '_' || number, kind);
        EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES IN (%s)', kind, kind || '_' || number, number);
    END LOOP;
    INSERT INTO messages (id, day, first, source, system, document, message_id, received, at, outcome, why, bundle,
        headers, body)
    SELECT id, at / 86400000000000 - (at / 86400000000000) % span, first, source, system, document, message_id,
        received, at, outcome, why, bundle, headers, body
    FROM messages_before;
    INSERT INTO receipts (id, day, k, at, system, operation, attempt, class, status, ms, why)
    SELECT id, at / 86400000000000 - (at / 86400000000000) % span, k, at, system, operation, attempt, class, status,
        ms, why
    FROM receipts_before;
END $$;
SELECT setval('receipt_numbers', coalesce(max(id), 0) + 1, false) FROM receipts_before;

CREATE OR REPLACE VIEW v1_attempts AS
SELECT k AS order_key, system, operation, attempt, class, status, ms,
       to_timestamp(at / 1000000000) AS at
FROM receipts;
DROP TABLE messages_before;
DROP TABLE receipts_before;

-- Whether an open todo is about a message.
CREATE INDEX todo_by_message ON todo (message) WHERE state = 'open' AND message IS NOT NULL;
