//! Tables that consist of one partition a day or a week, dropped whole when its time is over: no row is ever
//! deleted from them.
//!
//! **Invariant:** neither making nor dropping a partition makes anybody wait who reads or commits, however long
//! others look at the table. So a partition is made apart and attached, and is detached while everything goes
//! on; only what is detached is dropped. (`CREATE … PARTITION OF` and `DROP` of a partition lock the whole table
//! for a moment, and behind a dump that takes an hour everybody would wait for that moment.) Tests:
//! `a_long_reader_holds_up_neither_commits_nor_partitions`, `what_a_reader_holds_goes_when_the_reader_has_gone`.

use std::collections::BTreeSet;

use jiff::Timestamp;
use sqlx::{AssertSqlSafe, PgConnection, query_as, query_scalar, raw_sql};

use super::error::Fault;
use super::schema::locks;
use crate::config::{Keep, KeptFor};
use crate::store::keep;

/// A table with partitions, which are named by it and a number that grows with time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Table(&'static str);

impl Table {
    /// Its name.
    pub(super) fn name(self) -> &'static str {
        self.0
    }
}

/// Ids of messages, a week each.
pub(super) const SEEN: Table = Table("seen");
/// Raw messages, a day each where they are kept for a season, else a week or a month; and one partition of those
/// that are needed beyond their time.
pub(super) const MESSAGES: Table = Table("messages");
/// Attempts, likewise.
pub(super) const RECEIPTS: Table = Table("receipts");

/// Where the rows of a commit lie: the numbers of their partitions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places {
    /// The week of ids.
    pub(super) seen: i64,
    /// The first day of those that raw messages share a partition with.
    pub(super) messages: i64,
    /// Likewise of attempts.
    pub(super) receipts: i64,
}

impl Places {
    pub(super) fn at(now: Timestamp, keep: &Keep) -> Self {
        let first = |kept: KeptFor| {
            let span = keep::span(kept.as_days().map_or(i64::MAX, i64::from));
            keep::day(now) - keep::day(now).rem_euclid(span)
        };
        Self {
            seen: keep::week(now),
            messages: first(keep.messages),
            receipts: first(keep.receipts),
        }
    }

    /// Each with its table.
    pub(super) fn all(self) -> [(Table, i64); 3] {
        [(SEEN, self.seen), (MESSAGES, self.messages), (RECEIPTS, self.receipts)]
    }
}

/// Partitions that a session knows to be there.
pub(super) type Known = BTreeSet<(Table, i64)>;

/// Sees to it that there are partitions, each in a transaction of its own before the one that needs them.
pub(super) async fn ready(
    c: &mut PgConnection,
    known: &mut Known,
    wanted: &[(Table, i64)],
) -> Result<(), Fault> {
    for (table, number) in wanted {
        if known.contains(&(*table, *number)) {
            continue;
        }
        make(c, *table, *number).await?;
        known.insert((*table, *number));
    }
    Ok(())
}

/// Makes a partition unless it is there. One that is detached and not dropped yet has had its time: it goes first.
async fn make(c: &mut PgConnection, Table(table): Table, number: i64) -> Result<(), Fault> {
    // The number is ours, and the lock keeps others from making the same. Where it is there, nobody is waited for.
    let there = format!(
        "EXISTS (SELECT FROM pg_inherits
                 WHERE inhparent = '{table}'::regclass AND inhrelid = to_regclass('{table}_{number}'))"
    );
    let sql = format!(
        "DO $$ BEGIN
             IF {there} THEN RETURN; END IF;
             PERFORM pg_advisory_xact_lock({lock});
             IF NOT {there} THEN
                 DROP TABLE IF EXISTS {table}_{number};
                 CREATE TABLE {table}_{number} (LIKE {table} INCLUDING ALL);
                 ALTER TABLE {table} ATTACH PARTITION {table}_{number} FOR VALUES IN ({number});
             END IF;
         END $$",
        lock = locks::PARTITIONS
    );
    raw_sql(AssertSqlSafe(sql)).execute(c).await?;
    Ok(())
}

/// Where a partition stands on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Part of its table.
    Attached,
    /// Nobody sees it any more who begins now; somebody who began before still may.
    Leaving,
    /// A table of its own, about to be dropped.
    Detached,
}

/// The numbered partitions of a table, lowest first.
pub(super) async fn all(
    c: &mut PgConnection,
    Table(table): Table,
) -> Result<Vec<(i64, Standing)>, Fault> {
    let sql = format!(
        "SELECT c.relname::text, i.inhdetachpending
         FROM pg_class t JOIN pg_class c ON c.relnamespace = t.relnamespace AND c.relkind = 'r'
             AND c.relname ~ '^{table}_[0-9]+$'
         LEFT JOIN pg_inherits i ON i.inhrelid = c.oid AND i.inhparent = t.oid
         WHERE t.oid = '{table}'::regclass"
    );
    let rows: Vec<(String, Option<bool>)> = query_as(AssertSqlSafe(sql)).fetch_all(c).await?;
    let mut found: Vec<_> = rows
        .iter()
        .filter_map(|(name, leaving)| {
            let number = name.strip_prefix(table)?.strip_prefix('_')?.parse().ok()?;
            let standing = match leaving {
                Some(false) => Standing::Attached,
                Some(true) => Standing::Leaving,
                None => Standing::Detached,
            };
            Some((number, standing))
        })
        .collect();
    found.sort_unstable_by_key(|(number, _)| *number);
    Ok(found)
}

/// When the newest row of a partition was committed; `None`: it has none.
pub(super) async fn newest(
    c: &mut PgConnection,
    Table(table): Table,
    number: i64,
) -> Result<Option<i64>, Fault> {
    let sql = format!("SELECT at FROM {table}_{number} ORDER BY id DESC LIMIT 1");
    Ok(query_scalar(AssertSqlSafe(sql)).fetch_optional(c).await?)
}

/// Drops one partition. `false`: somebody looks at it for longer than this connection waits; then whoever
/// begins to read sees it no more, and the next try goes on from there.
pub(super) async fn drop(
    c: &mut PgConnection,
    Table(table): Table,
    (number, standing): (i64, Standing),
) -> Result<bool, Fault> {
    let detach = |how| format!("ALTER TABLE {table} DETACH PARTITION {table}_{number} {how}");
    let detach = match standing {
        Standing::Attached => Some(detach("CONCURRENTLY")),
        Standing::Leaving => Some(detach("FINALIZE")),
        Standing::Detached => None,
    };
    for sql in detach.into_iter().chain([format!("DROP TABLE {table}_{number}")]) {
        match raw_sql(AssertSqlSafe(sql)).execute(&mut *c).await.map_err(Fault::from) {
            Ok(_) => {}
            Err(fault) if fault.is_waiting() => return Ok(false),
            Err(fault) => return Err(fault),
        }
    }
    Ok(true)
}
