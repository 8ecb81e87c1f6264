//! The yardstick: rusqlite, cached statements, the same schema, pragmas and batches, writing rows that the
//! store wrote before, byte for byte. It reads what a change must read (reference, order, lanes) and knows
//! nothing of orders: no fold, no JSON, no compression, no hashes.

use std::collections::HashMap;
use std::path::Path;

use orderhub::store::Store;
use orderhub::store::sqlite::{Options, SqliteStore};
use orderhub_tests::measure::process;
use orderhub_tests::measure::watch::Watch;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, ToSql, params_from_iter};

use super::{Round, number};

type Row = Vec<Value>;

/// What one change leaves in the file.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    /// The shop's id of the order.
    ext_id: String,
    order: Row,
    lanes: Vec<Row>,
    change: Row,
    message: Row,
    seen: Row,
    /// Written with the first change only.
    references: Vec<Row>,
    words: Vec<Row>,
    hashes: Vec<Row>,
    lines: Vec<Row>,
}

/// Reads what the store wrote for each change of a round, in the order of writing.
pub(crate) fn rows(path: &Path, orders: u64, change: u64) -> Vec<Rows> {
    let db = Connection::open(path).expect("the store's file opens");
    let seen: String = db
        .query_row("SELECT name FROM sqlite_schema WHERE name GLOB 'seen_*'", [], |row| row.get(0))
        .expect("ids were noted");
    let mut messages = all(&db, "SELECT * FROM messages ORDER BY id").into_iter();
    let mut ids = all(&db, &format!("SELECT * FROM {seen} ORDER BY sequence")).into_iter();
    // Those of the rounds before were read before.
    let before = usize::try_from(orders * (change - 1)).expect("few orders");
    let (mut messages, mut ids) = (messages.by_ref().skip(before), ids.by_ref().skip(before));
    // No index leads to them by their order.
    let mut hashes: HashMap<i64, Vec<Row>> = HashMap::new();
    for row in all(&db, "SELECT * FROM search_hashes") {
        if let Some(Value::Integer(k)) = row.last() {
            hashes.entry(*k).or_default().push(row);
        }
    }
    let take = |place: u64| {
        let ext_id = (450_000_000_000 + number(place, orders, change)).to_string();
        let k: i64 = db
            .prepare_cached(
                "SELECT k FROM xrefs WHERE system = 'shop_eu' AND kind = 'order' AND ext_id = ?1",
            )
            .and_then(|mut find| find.query_row([&ext_id], |row| row.get(0)))
            .expect("the order was stored");
        let of = |sql: &str, more: &[&dyn ToSql]| {
            let mut params: Vec<&dyn ToSql> = vec![&k];
            params.extend(more);
            select(&db, sql, params)
        };
        let first = change == 1;
        let once = |sql: &str| if first { of(sql, &[]) } else { Vec::new() };
        let version = i64::try_from(change).expect("few changes");
        Rows {
            order: of("SELECT * FROM orders WHERE k = ?1", &[]).remove(0),
            lanes: of("SELECT k, system, due_at, body, personal FROM lanes WHERE k = ?1", &[]),
            change: of("SELECT * FROM changes WHERE k = ?1 AND version = ?2", &[&version])
                .remove(0),
            message: messages.next().expect("each change has a message"),
            seen: ids.next().expect("each message has an id"),
            references: once("SELECT * FROM xrefs WHERE k = ?1"),
            words: once("SELECT * FROM search_words WHERE k = ?1"),
            hashes: hashes.remove(&k).filter(|_| first).unwrap_or_default(),
            lines: once("SELECT * FROM order_lines WHERE k = ?1"),
            ext_id,
        }
    };
    (0..orders).map(take).collect()
}

fn all(db: &Connection, sql: &str) -> Vec<Row> {
    select(db, sql, Vec::new())
}

fn select(db: &Connection, sql: &str, params: Vec<&dyn ToSql>) -> Vec<Row> {
    let mut statement = db.prepare_cached(sql).expect("the schema is the store's");
    let columns = statement.column_count();
    let read = |row: &rusqlite::Row<'_>| (0..columns).map(|column| row.get(column)).collect();
    let rows = statement.query_map(params_from_iter(params), read).expect("the query runs");
    rows.collect::<Result<_, _>>().expect("the rows are readable")
}

/// The bare loop's file.
#[derive(Debug)]
pub(crate) struct Bare {
    db: Connection,
    /// Insert statements by table: as many places as the table has columns.
    inserts: HashMap<&'static str, String>,
}

const SEEN: &str = "seen_0";

impl Bare {
    /// Makes a file with the store's own schema and pragmas.
    pub(crate) async fn open(path: &Path) -> Self {
        let store = SqliteStore::open(&Options::at(path)).expect("a new store opens");
        store.close().await;
        drop(store);
        let db = Connection::open(path).expect("the file opens");
        db.set_prepared_statement_cache_capacity(64);
        db.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY;
             PRAGMA cache_size = -32768; PRAGMA wal_autocheckpoint = 4000;
             PRAGMA journal_size_limit = 67108864;
             CREATE TABLE seen_0 (id BLOB PRIMARY KEY, body BLOB NOT NULL, sequence INTEGER NOT NULL)
             WITHOUT ROWID;",
        )
        .expect("pragmas and the table of ids");
        let search = ["search_words", "search_hashes", "order_lines"];
        let tables = ["orders", "changes", "messages", SEEN, "xrefs"].into_iter().chain(search);
        let inserts = tables.map(|table| {
            let columns = db.prepare(&format!("SELECT * FROM {table}")).expect("it is there");
            let places = vec!["?"; columns.column_count()].join(", ");
            (table, format!("INSERT INTO {table} VALUES ({places}) ON CONFLICT DO NOTHING"))
        });
        let inserts = inserts.into_iter().collect();
        Self { db, inserts }
    }

    /// Writes the rows of a round, so many changes a transaction.
    pub(crate) fn round(&mut self, rows: &[Rows], batch: usize) -> Round {
        let (before, cpu, began) = (process::own(), process::own_cpu_secs(), Watch::start());
        for batch in rows.chunks(batch) {
            self.run("BEGIN IMMEDIATE");
            for rows in batch {
                self.change(rows);
            }
            let count = i64::try_from(batch.len()).expect("few rows");
            let counted = self.db.prepare_cached(
                "INSERT INTO counters VALUES (0, 'shop_eu', 'order_rest', 'applied', ?1)
                 ON CONFLICT DO UPDATE SET n = n + excluded.n",
            );
            counted.and_then(|mut counted| counted.execute([count])).expect("it counts");
            self.run("COMMIT");
        }
        Round {
            took: began.elapsed(),
            cpu_secs: process::own_cpu_secs() - cpu,
            written: process::own().since(before).written,
        }
    }

    fn change(&self, rows: &Rows) {
        self.insert(SEEN, &rows.seen);
        match self.find(&rows.ext_id) {
            None => {
                self.insert("orders", &rows.order);
                rows.references.iter().for_each(|row| self.insert("xrefs", row));
                rows.words.iter().for_each(|row| self.insert("search_words", row));
                rows.hashes.iter().for_each(|row| self.insert("search_hashes", row));
                rows.lines.iter().for_each(|row| self.insert("order_lines", row));
            }
            Some(k) => {
                self.read("SELECT body, personal, chain, since_keyframe, next_timer FROM orders WHERE k = ?1", k);
                self.read("SELECT body, personal FROM lanes WHERE k = ?1", k);
                self.execute(
                    "UPDATE orders SET unit = ?2, origin = ?3, ref = ?4, order_no = ?5, version = ?6,
                         stage = ?7, holds = ?8, placed_at = ?9, next_timer = ?10, chain = ?11,
                         since_keyframe = ?12, body = ?13, personal = ?14
                     WHERE k = ?1",
                    &rows.order,
                );
            }
        }
        for lane in &rows.lanes {
            self.execute(
                "INSERT INTO lanes (k, system, due_at, body, personal) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (k, system) DO UPDATE
                 SET due_at = excluded.due_at, body = excluded.body, personal = excluded.personal",
                lane,
            );
        }
        self.insert("changes", &rows.change);
        self.insert("messages", &rows.message);
    }

    fn find(&self, ext_id: &str) -> Option<i64> {
        let mut find = self
            .db
            .prepare_cached("SELECT k FROM xrefs WHERE system = ?1 AND kind = ?2 AND ext_id = ?3")
            .expect("the schema is the store's");
        find.query_row(["shop_eu", "order", ext_id], |row| row.get(0)).optional().expect("it reads")
    }

    /// Reads rows and drops them.
    fn read(&self, sql: &str, k: i64) {
        let mut statement = self.db.prepare_cached(sql).expect("the schema is the store's");
        let mut rows = statement.query([k]).expect("it reads");
        while let Some(row) = rows.next().expect("it reads") {
            let body: Vec<u8> = row.get(0).expect("a body is there");
            std::hint::black_box(body);
        }
    }

    fn insert(&self, table: &'static str, row: &Row) {
        self.execute(&self.inserts[table], row);
    }

    fn execute(&self, sql: &str, row: &Row) {
        let mut statement = self.db.prepare_cached(sql).expect("the schema is the store's");
        statement.execute(params_from_iter(row)).expect("it writes");
    }

    fn run(&self, sql: &str) {
        let mut statement = self.db.prepare_cached(sql).expect("it is SQL");
        statement.execute([]).expect("it runs");
    }
}
