//! Lanes that rest, and messages that wait, from their indexes alone.

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use orderhub_order::ids::{OrderKey, SystemName};
use rusqlite::{Connection, OptionalExtension, params};

use super::error::Fault;
use super::writer::call;
use super::{SqliteStore, pending};
use crate::store::columns::from_column;
use crate::store::commit::ABOUT;
use crate::store::counted::untimed;
use crate::store::resting::resting_row;
use crate::store::{PendingRow, Resting, RestingRow, StoreError, WaitingDocument, WaitingRow};

fn resting(
    c: &Connection,
    (after, limit): (OrderKey, usize),
    held: bool,
) -> Result<Vec<OrderKey>, Fault> {
    let mut statement = c.prepare_cached(
        "SELECT DISTINCT k FROM lanes WHERE rests IS NOT NULL AND (?3 OR rests <> 'held') AND k > ?1
         ORDER BY k LIMIT ?2",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = statement.query_map(params![after.0, limit, held], |row| row.get(0))?;
    Ok(rows.map(|key| key.map(OrderKey)).collect::<Result<_, _>>()?)
}

fn woken(c: &Connection) -> Result<Option<String>, Fault> {
    let sql = "SELECT value FROM meta WHERE name = 'woken'";
    Ok(c.query_row(sql, [], |row| row.get(0)).optional()?)
}

fn keep_woken(c: &Connection, bundle: &str) -> Result<(), Fault> {
    let keep = "INSERT INTO meta (name, value) VALUES ('woken', ?1)
                ON CONFLICT DO UPDATE SET value = excluded.value";
    c.execute(keep, [bundle])?;
    Ok(())
}

pub(super) fn rests(c: &Connection) -> Result<Vec<RestingRow>, Fault> {
    let mut statement = c.prepare_cached(
        "SELECT system, rests, count(*) FROM lanes WHERE rests IS NOT NULL
         GROUP BY system, rests ORDER BY system, rests",
    )?;
    let rows = statement.query_map([], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?))
    })?;
    let rows: Vec<(String, String, i64)> = rows.collect::<Result<_, _>>()?;
    Ok(rows.into_iter().filter_map(|(system, rest, n)| resting_row(system, &rest, n)).collect())
}

pub(super) fn waits(c: &Connection) -> Result<Vec<WaitingRow>, Fault> {
    let mut statement = c.prepare_cached(
        "SELECT why, count(*), min(since) FROM pending GROUP BY why ORDER BY why",
    )?;
    let rows = statement.query_map([], |row| {
        let (why, count, oldest): (_, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let count = u64::try_from(count).unwrap_or(0);
        Ok(WaitingRow { why, count, oldest: from_column(oldest) })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What waits and is about one of these, each of a system and a word.
fn waiting_about(
    c: &Connection,
    about: &[(SystemName, String)],
    limit: usize,
) -> Result<Vec<WaitingDocument>, Fault> {
    let mut statement = c.prepare_cached(
        "SELECT p.id, p.since FROM pending_keys k JOIN pending p ON p.id = k.pending
         WHERE k.system = ?1 AND k.kind = ?2 AND k.ext_id = ?3 AND p.why IN ('waiting', 'reading')
         ORDER BY p.since LIMIT ?4",
    )?;
    let mut named = c.prepare_cached(
        "SELECT kind, ext_id FROM pending_keys WHERE pending = ?1
             AND (kind NOT GLOB '#*' OR kind = '#read')",
    )?;
    let most = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows: BTreeMap<(i64, i64), &SystemName> = BTreeMap::new();
    for (system, word) in about {
        let found = statement.query_map(params![system.as_str(), ABOUT, word, most], |row| {
            Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(0)?))
        })?;
        for row in found {
            rows.insert(row?, system);
        }
    }
    let mut found = Vec::with_capacity(rows.len());
    for ((since, id), system) in rows.into_iter().take(limit) {
        let keys = named.query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let keys = keys.collect::<Result<_, _>>()?;
        found.push(WaitingDocument::new(system.clone(), from_column(since), keys));
    }
    Ok(found)
}

impl Resting for SqliteStore {
    fn asking(&self, now: Timestamp) -> BoxFuture<'_, Result<Vec<SystemName>, StoreError>> {
        Box::pin(self.readers.read(move |c| pending::asking(c, now)))
    }

    fn take_asking(
        &self,
        system: &SystemName,
        now: Timestamp,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<PendingRow>, StoreError>> {
        let asks = system.clone();
        Box::pin(call(&self.jobs, move |writer| {
            writer.transaction(|writer| {
                Ok(pending::take(&writer.connection, Some(&asks), now, limit)?)
            })
        }))
    }

    fn wake_for_answer(
        &self,
        system: &SystemName,
        read: &str,
        now: Timestamp,
        most: usize,
    ) -> BoxFuture<'_, Result<u64, StoreError>> {
        let (system, read): (SystemName, Box<str>) = (system.clone(), read.into());
        Box::pin(call(&self.jobs, move |writer| {
            writer.transaction(|writer| {
                Ok(pending::wake_for_answer(&writer.connection, (&system, &read), now, most)?)
            })
        }))
    }

    fn ask_next(&self, now: Timestamp) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(call(&self.jobs, move |writer| {
            writer.transaction(|writer| Ok(pending::ask_next(&writer.connection, now)?))
        }))
    }

    fn waiting_about(
        &self,
        systems: &[SystemName],
        words: &[&str],
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<WaitingDocument>, StoreError>> {
        let of =
            |word: &&str| systems.iter().map(|name| (name.clone(), (*word).to_owned())).collect();
        let about: Vec<(SystemName, String)> =
            words.iter().flat_map(|word| -> Vec<_> { of(word) }).collect();
        Box::pin(self.readers.read(move |c| waiting_about(c, &about, limit)))
    }

    fn resting(
        &self,
        after: OrderKey,
        limit: usize,
        held: bool,
    ) -> BoxFuture<'_, Result<Vec<OrderKey>, StoreError>> {
        Box::pin(self.readers.read(move |c| resting(c, (after, limit), held)))
    }

    fn woken(&self) -> BoxFuture<'_, Result<Option<String>, StoreError>> {
        Box::pin(self.readers.read(woken))
    }

    fn keep_woken(&self, bundle: &str) -> BoxFuture<'_, Result<(), StoreError>> {
        let bundle: Box<str> = bundle.into();
        Box::pin(call(&self.jobs, move |writer| {
            writer.transaction(|writer| Ok(keep_woken(&writer.connection, &bundle)?))
        }))
    }

    fn rests(&self) -> BoxFuture<'_, Result<Vec<RestingRow>, StoreError>> {
        let count = self.readers.read(untimed(rests));
        Box::pin(self.resting.rows(|row| row.lanes, count))
    }

    fn waits(&self) -> BoxFuture<'_, Result<Vec<WaitingRow>, StoreError>> {
        let count = self.readers.read(untimed(waits));
        Box::pin(self.waiting.rows(|row| row.count, count))
    }
}
