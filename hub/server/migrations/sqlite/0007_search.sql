-- What finds orders (store/search): words in the clear, exact and by their beginning, and keyed hashes of personal
-- values. Filled for orders of before by a job. In place of `tokens`, that only ever grew.
DROP TABLE tokens;
CREATE TABLE search_words (
    word TEXT NOT NULL,
    k    INTEGER NOT NULL,
    PRIMARY KEY (word, k)
) WITHOUT ROWID;
-- Where a beginning finds very many, they are looked for in the orders.
CREATE INDEX search_words_by_order ON search_words (k, word);
CREATE TABLE search_hashes (
    hash INTEGER NOT NULL,
    k    INTEGER NOT NULL,
    PRIMARY KEY (hash, k)
) WITHOUT ROWID;

-- The lines of orders (store/lines.rs). Numbers are decimal text: exact, and as they were given.
CREATE TABLE order_lines (
    k             INTEGER NOT NULL,
    line          TEXT NOT NULL,
    line_no       INTEGER,
    removed       INTEGER NOT NULL,
    currency      TEXT,
    sku           TEXT,
    gtin          TEXT,
    name          TEXT,
    variant       TEXT,
    uom           TEXT,
    state         TEXT,
    unit_price    TEXT,
    discount      TEXT,
    tax           TEXT,
    total         TEXT,
    qty_ordered   TEXT,
    qty_cancelled TEXT,
    qty_allocated TEXT,
    qty_released  TEXT,
    qty_picked    TEXT,
    qty_packed    TEXT,
    qty_short     TEXT,
    qty_shipped   TEXT,
    qty_delivered TEXT,
    qty_returned  TEXT,
    PRIMARY KEY (k, line)
) WITHOUT ROWID;

-- Every line of every order, those that were removed included. Amounts are in `currency`, quantities in `uom`; all
-- are exact decimals as TEXT: CAST(… AS REAL) to count roughly, a decimal library to count exactly.
CREATE VIEW v1_lines AS
SELECT k AS order_key, line, line_no, sku, gtin, name, variant, uom, state,
       currency, unit_price, discount, tax, total,
       qty_ordered, qty_cancelled, qty_allocated, qty_released, qty_picked, qty_packed, qty_short,
       qty_shipped, qty_delivered, qty_returned, removed
FROM order_lines;
