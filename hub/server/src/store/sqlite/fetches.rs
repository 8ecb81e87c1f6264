//! What is to be fetched, and how far listings were read.

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use orderhub_order::ids::SystemName;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::SqliteStore;
use super::error::Fault;
use super::writer::call;
use crate::apply::{Cursor, FetchKey};
use crate::store::StoreError;
use crate::store::columns::{from_column, to_column};
use crate::store::commit::Writes;
use crate::store::fetches::{FetchRow, Fetches, MOST_PRUNED, read_args, write_args};

impl Fetches for SqliteStore {
    fn fetches(
        &self,
        system: &SystemName,
        now: Timestamp,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<FetchRow>, StoreError>> {
        let system = system.clone();
        Box::pin(self.readers.read(move |c| due(c, &system, now, limit)))
    }

    fn fetch_again(
        &self,
        id: i64,
        attempts: u32,
        due: Timestamp,
        why: String,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(call(&self.jobs, move |writer| {
            writer.transaction(|w| Ok(again(&w.connection, id, attempts, due, &why)?))
        }))
    }

    fn hurry_fetches(
        &self,
        system: &SystemName,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        let system = system.clone();
        Box::pin(call(&self.jobs, move |writer| {
            writer.transaction(|w| Ok(hurry(&w.connection, &system, now)?))
        }))
    }

    fn prune_fetches(
        &self,
        system: &SystemName,
        before: Timestamp,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        let system = system.clone();
        Box::pin(call(&self.jobs, move |writer| {
            writer.transaction(|w| Ok(prune(&w.connection, &system, before)?))
        }))
    }

    fn cursor(
        &self,
        system: &SystemName,
        document: &str,
    ) -> BoxFuture<'_, Result<Option<Cursor>, StoreError>> {
        let (system, document) = (system.clone(), document.to_owned());
        Box::pin(self.readers.read(move |c| cursor(c, &system, &document)))
    }
}

/// Counts hints and answers, each document once, and moves cursors. An answer to an older hint than one that
/// is answered changes nothing.
pub(super) fn write(c: &Connection, writes: &Writes<'_>) -> Result<(), Fault> {
    let mut upsert = c.prepare_cached(
        "INSERT INTO fetches AS f (system, document, ext_id, args, wanted, done, backfill, since, due_at,
             attempts, why)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, CASE WHEN ?5 > ?6 THEN ?8 END, 0, '')
         ON CONFLICT (system, document, ext_id) DO UPDATE SET
             args = CASE WHEN ?5 > 0 THEN excluded.args ELSE f.args END,
             wanted = f.wanted + ?5,
             done = max(f.done, ?6),
             backfill = CASE WHEN ?5 = 0 THEN f.backfill
                 WHEN f.due_at IS NULL THEN ?7 ELSE f.backfill AND ?7 END,
             since = CASE WHEN f.due_at IS NULL OR ?6 > f.done THEN ?8 ELSE f.since END,
             due_at = CASE WHEN f.wanted + ?5 <= max(f.done, ?6) THEN NULL
                 WHEN ?6 > f.done THEN ?8 ELSE coalesce(f.due_at, ?8) END,
             attempts = CASE WHEN ?6 > f.done THEN 0 ELSE f.attempts END,
             why = CASE WHEN ?6 > f.done THEN '' ELSE f.why END",
    )?;
    let now = to_column(writes.now);
    for (key, write) in writes.fetches {
        upsert.execute(params![
            key.system.as_str(),
            key.document,
            key.ext_id,
            write_args(&write.args),
            write.wanted,
            write.done,
            write.backfill,
            now,
        ])?;
    }
    let mut upsert = c.prepare_cached(
        "INSERT INTO cursors (system, document, since, begins, ends, next, good_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (system, document) DO UPDATE SET since = excluded.since, begins = excluded.begins,
             ends = excluded.ends, next = excluded.next, good_at = excluded.good_at",
    )?;
    for cursor in writes.cursors.values() {
        upsert.execute(params![
            cursor.system.as_str(),
            cursor.document,
            cursor.since.map(to_column),
            cursor.from.map(to_column),
            cursor.until.map(to_column),
            cursor.next,
            cursor.good_at.map(to_column),
        ])?;
    }
    Ok(())
}

/// What is due, hints of the moment before those of listings, the oldest due first.
pub(super) fn due(
    c: &Connection,
    system: &SystemName,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<FetchRow>, Fault> {
    let mut statement = c.prepare_cached(
        "SELECT id, document, ext_id, args, wanted, attempts, since FROM fetches
         WHERE system = ?1 AND due_at <= ?2 ORDER BY backfill, due_at, id LIMIT ?3",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![system.as_str(), to_column(now), limit])?;
    let mut due = Vec::new();
    while let Some(row) = rows.next()? {
        let (document, ext_id): (Box<str>, Box<str>) = (row.get(1)?, row.get(2)?);
        due.push(FetchRow {
            id: row.get(0)?,
            key: FetchKey { system: system.clone(), document, ext_id },
            args: read_args(&row.get::<_, String>(3)?),
            wanted: row.get(4)?,
            attempts: row.get(5)?,
            since: from_column(row.get(6)?),
        });
    }
    Ok(due)
}

/// Puts one off; one that was answered meanwhile is not due.
pub(super) fn again(
    c: &Connection,
    id: i64,
    attempts: u32,
    due: Timestamp,
    why: &str,
) -> Result<(), Fault> {
    c.prepare_cached(
        "UPDATE fetches SET attempts = ?2, due_at = ?3, why = ?4 WHERE id = ?1 AND due_at IS NOT NULL",
    )?
    .execute(params![id, attempts, to_column(due), why])?;
    Ok(())
}

/// Makes due what was put off.
pub(super) fn hurry(c: &Connection, system: &SystemName, now: Timestamp) -> Result<(), Fault> {
    c.prepare_cached("UPDATE fetches SET due_at = ?2 WHERE system = ?1 AND due_at > ?2")?
        .execute(params![system.as_str(), to_column(now)])?;
    Ok(())
}

/// Forgets documents that nothing hinted at since then.
pub(super) fn prune(c: &Connection, system: &SystemName, before: Timestamp) -> Result<(), Fault> {
    c.prepare_cached(
        "DELETE FROM fetches WHERE id IN (
             SELECT id FROM fetches WHERE system = ?1 AND due_at IS NULL AND since < ?2 LIMIT ?3)",
    )?
    .execute(params![system.as_str(), to_column(before), MOST_PRUNED])?;
    Ok(())
}

/// How far a listing was read.
pub(super) fn cursor(
    c: &Connection,
    system: &SystemName,
    document: &str,
) -> Result<Option<Cursor>, Fault> {
    let mut statement = c.prepare_cached(
        "SELECT since, begins, ends, next, good_at FROM cursors WHERE system = ?1 AND document = ?2",
    )?;
    let found = statement.query_row(params![system.as_str(), document], |row| {
        let at = |column| row.get::<_, Option<i64>>(column).map(|at| at.map(from_column));
        Ok(Cursor {
            system: system.clone(),
            document: document.into(),
            since: at(0)?,
            from: at(1)?,
            until: at(2)?,
            next: row.get(3)?,
            good_at: at(4)?,
        })
    });
    Ok(found.optional()?)
}
