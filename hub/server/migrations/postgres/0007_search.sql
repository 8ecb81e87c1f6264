-- What finds orders (store/search): words in the clear, exact and by their beginning, and keyed hashes of personal
-- values. Filled for orders of before by a job. `tokens` is written by programs of the last schema only, as long as
-- one runs beside this; a later schema drops it.
CREATE TABLE search_words (
    word TEXT COLLATE "C" NOT NULL,
    k    BIGINT NOT NULL,
    PRIMARY KEY (word, k)
);
-- Where a beginning finds very many, they are looked for in the orders.
CREATE INDEX search_words_by_order ON search_words (k, word);
CREATE TABLE search_hashes (
    hash BIGINT NOT NULL,
    k    BIGINT NOT NULL,
    PRIMARY KEY (hash, k)
);

-- The version of the search that a process fills; those of the last schema say nothing.
ALTER TABLE processes ADD COLUMN search BIGINT;

-- The lines of orders (store/lines.rs). Numbers are exact.
CREATE TABLE order_lines (
    k             BIGINT NOT NULL,
    line          TEXT COLLATE "C" NOT NULL,
    line_no       BIGINT,
    removed       BOOLEAN NOT NULL,
    currency      TEXT,
    sku           TEXT,
    gtin          TEXT,
    name          TEXT,
    variant       TEXT,
    uom           TEXT,
    state         TEXT,
    unit_price    NUMERIC,
    discount      NUMERIC,
    tax           NUMERIC,
    total         NUMERIC,
    qty_ordered   NUMERIC,
    qty_cancelled NUMERIC,
    qty_allocated NUMERIC,
    qty_released  NUMERIC,
    qty_picked    NUMERIC,
    qty_packed    NUMERIC,
    qty_short     NUMERIC,
    qty_shipped   NUMERIC,
    qty_delivered NUMERIC,
    qty_returned  NUMERIC,
    PRIMARY KEY (k, line)
) WITH (fillfactor = 80);

-- Every line of every order, those that were removed included.
CREATE VIEW v1_lines AS
SELECT k AS order_key, line, line_no, sku, gtin, name, variant, uom, state,
       currency, unit_price, discount, tax, total,
       qty_ordered, qty_cancelled, qty_allocated, qty_released, qty_picked, qty_packed, qty_short,
       qty_shipped, qty_delivered, qty_returned, removed
FROM order_lines;
COMMENT ON VIEW v1_lines IS
    'Lines of orders. Amounts in `currency`, quantities in `uom`: exact decimals, NUMERIC here and TEXT in SQLite.';
