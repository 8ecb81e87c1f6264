-- What analysts may read, by stable names: columns are added, never taken away or given another meaning. Nothing
-- personal, and nothing that lies in a packed body.
CREATE VIEW v1_orders AS
SELECT k AS order_key, ref, order_no, unit, origin, version, stage,
       trim(BOTH ',' FROM holds) AS holds,
       to_timestamp(placed_at / 1000000000) AS placed_at
FROM orders;

-- What each system shall have of each order; due_at: since when, or until when it waits.
CREATE VIEW v1_lanes AS
SELECT k AS order_key, system,
       due_at IS NOT NULL AS wants,
       to_timestamp(nullif(due_at, 0) / 1000000000) AS due_at
FROM lanes;

-- Every version of every order: when, and by whom.
CREATE VIEW v1_versions AS
SELECT k AS order_key, version, to_timestamp(at / 1000000000) AS at, actor
FROM changes;

-- Every attempt at a delivery, without the words of the system.
CREATE VIEW v1_attempts AS
SELECT k AS order_key, system, operation, attempt, class, status, ms,
       to_timestamp(at / 1000000000) AS at
FROM receipts;
