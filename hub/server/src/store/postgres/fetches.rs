//! What is to be fetched, and how far listings were read.

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use orderhub_order::ids::SystemName;
use sqlx::{PgConnection, Row as _, query};

use super::PostgresStore;
use super::error::Fault;
use super::tx::PgTx;
use super::write::text;
use crate::apply::{Cursor, FetchKey};
use crate::store::StoreError;
use crate::store::columns::{from_column, to_column};
use crate::store::commit::Writes;
use crate::store::fetches::{FetchRow, Fetches, MOST_PRUNED, read_args, write_args};

impl Fetches for PostgresStore {
    fn fetches(
        &self,
        system: &SystemName,
        now: Timestamp,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<FetchRow>, StoreError>> {
        let system = system.clone();
        Box::pin(self.readers.run(move |c| {
            let system = system.clone();
            Box::pin(async move { due(c, &system, now, limit).await })
        }))
    }

    fn fetch_again(
        &self,
        id: i64,
        attempts: u32,
        due: Timestamp,
        why: String,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        let again = async move |tx: &mut PgTx<'_>| again(tx.c, id, attempts, due, &why).await;
        Box::pin(self.write(again))
    }

    fn hurry_fetches(
        &self,
        system: &SystemName,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        let system = system.clone();
        let hurry = async move |tx: &mut PgTx<'_>| hurry(tx.c, &system, now).await;
        Box::pin(self.write(hurry))
    }

    fn prune_fetches(
        &self,
        system: &SystemName,
        before: Timestamp,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        let system = system.clone();
        let prune = async move |tx: &mut PgTx<'_>| prune(tx.c, &system, before).await;
        Box::pin(self.write(prune))
    }

    fn cursor(
        &self,
        system: &SystemName,
        document: &str,
    ) -> BoxFuture<'_, Result<Option<Cursor>, StoreError>> {
        let (system, document) = (system.clone(), document.to_owned());
        Box::pin(self.readers.run(move |c| {
            let (system, document) = (system.clone(), document.clone());
            Box::pin(async move { cursor(c, &system, &document).await })
        }))
    }
}

/// Counts hints and answers, each document once, and moves cursors. An answer to an older hint than one that
/// is answered changes nothing.
pub(super) async fn write(c: &mut PgConnection, writes: &Writes<'_>) -> Result<(), Fault> {
    fetches(c, writes).await?;
    cursors(c, writes).await
}

async fn fetches(c: &mut PgConnection, writes: &Writes<'_>) -> Result<(), Fault> {
    if writes.fetches.is_empty() {
        return Ok(());
    }
    // Sorted, as rows are locked in this order.
    let sql = "INSERT INTO fetches AS f (since, attempts, why, system, document, ext_id, args, wanted, done,
                   backfill, due_at)
               SELECT $1, 0, '', i.*, CASE WHEN i.wanted > i.done THEN $1 END
               FROM UNNEST($2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[],
                   $8::boolean[]) AS i (system, document, ext_id, args, wanted, done, backfill)
               ON CONFLICT (system, document, ext_id) DO UPDATE SET
                   args = CASE WHEN excluded.wanted > 0 THEN excluded.args ELSE f.args END,
                   wanted = f.wanted + excluded.wanted,
                   done = greatest(f.done, excluded.done),
                   backfill = CASE WHEN excluded.wanted = 0 THEN f.backfill
                       WHEN f.due_at IS NULL THEN excluded.backfill
                       ELSE f.backfill AND excluded.backfill END,
                   since = CASE WHEN f.due_at IS NULL OR excluded.done > f.done THEN excluded.since
                       ELSE f.since END,
                   due_at = CASE
                       WHEN f.wanted + excluded.wanted <= greatest(f.done, excluded.done) THEN NULL
                       WHEN excluded.done > f.done THEN excluded.since
                       ELSE coalesce(f.due_at, excluded.since) END,
                   attempts = CASE WHEN excluded.done > f.done THEN 0 ELSE f.attempts END,
                   why = CASE WHEN excluded.done > f.done THEN '' ELSE f.why END";
    let (keys, rows) = (|| writes.fetches.keys(), || writes.fetches.values());
    query(sql)
        .bind(to_column(writes.now))
        .bind(keys().map(|key| key.system.as_str()).collect::<Vec<_>>())
        .bind(keys().map(|key| &*key.document).collect::<Vec<_>>())
        .bind(keys().map(|key| &*key.ext_id).collect::<Vec<_>>())
        .bind(rows().map(|row| write_args(&row.args)).collect::<Vec<_>>())
        .bind(rows().map(|row| row.wanted).collect::<Vec<_>>())
        .bind(rows().map(|row| row.done).collect::<Vec<_>>())
        .bind(rows().map(|row| row.backfill).collect::<Vec<_>>())
        .execute(c)
        .await?;
    Ok(())
}

async fn cursors(c: &mut PgConnection, writes: &Writes<'_>) -> Result<(), Fault> {
    let sql = "INSERT INTO cursors (system, document, since, begins, ends, next, good_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7)
               ON CONFLICT (system, document) DO UPDATE SET since = excluded.since,
                   begins = excluded.begins, ends = excluded.ends, next = excluded.next,
                   good_at = excluded.good_at";
    // A batch moves few: each is the end of a page.
    for cursor in writes.cursors.values() {
        query(sql)
            .bind(cursor.system.as_str())
            .bind(&*cursor.document)
            .bind(cursor.since.map(to_column))
            .bind(cursor.from.map(to_column))
            .bind(cursor.until.map(to_column))
            .bind(cursor.next.as_deref())
            .bind(cursor.good_at.map(to_column))
            .execute(&mut *c)
            .await?;
    }
    Ok(())
}

/// What is due, hints of the moment before those of listings, the oldest due first.
pub(super) async fn due(
    c: &mut PgConnection,
    system: &SystemName,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<FetchRow>, Fault> {
    let sql = "SELECT id, document, ext_id, args, wanted, attempts, since FROM fetches
               WHERE system = $1 AND due_at <= $2 ORDER BY backfill, due_at, id LIMIT $3";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = query(sql).bind(system.as_str()).bind(to_column(now)).bind(limit);
    let rows = rows.fetch_all(c).await?;
    let row = |row: &sqlx::postgres::PgRow| {
        let (document, ext_id): (String, String) = (row.try_get(1)?, row.try_get(2)?);
        let key =
            FetchKey { system: system.clone(), document: document.into(), ext_id: ext_id.into() };
        Ok(FetchRow {
            id: row.try_get(0)?,
            key,
            args: read_args(row.try_get(3)?),
            wanted: row.try_get(4)?,
            attempts: u32::try_from(row.try_get::<i64, _>(5)?).unwrap_or(u32::MAX),
            since: from_column(row.try_get(6)?),
        })
    };
    rows.iter().map(row).collect()
}

/// Puts one off; one that was answered meanwhile is not due.
pub(super) async fn again(
    c: &mut PgConnection,
    id: i64,
    attempts: u32,
    due: Timestamp,
    why: &str,
) -> Result<(), Fault> {
    let sql = "UPDATE fetches SET attempts = $2, due_at = $3, why = $4
               WHERE id = $1 AND due_at IS NOT NULL";
    let update = query(sql).bind(id).bind(i64::from(attempts)).bind(to_column(due)).bind(text(why));
    update.execute(c).await?;
    Ok(())
}

/// Makes due what was put off; locked in the order in which commits lock.
pub(super) async fn hurry(
    c: &mut PgConnection,
    system: &SystemName,
    now: Timestamp,
) -> Result<(), Fault> {
    let sql = "WITH later AS (
                   SELECT id FROM fetches WHERE system = $1 AND due_at > $2
                   ORDER BY system, document, ext_id FOR NO KEY UPDATE)
               UPDATE fetches f SET due_at = $2 FROM later WHERE f.id = later.id";
    query(sql).bind(system.as_str()).bind(to_column(now)).execute(c).await?;
    Ok(())
}

/// Forgets documents that nothing hinted at since then.
pub(super) async fn prune(
    c: &mut PgConnection,
    system: &SystemName,
    before: Timestamp,
) -> Result<(), Fault> {
    // SKIP LOCKED: what is hinted at right now stays.
    let sql = "DELETE FROM fetches WHERE id IN (
                   SELECT id FROM fetches WHERE system = $1 AND due_at IS NULL AND since < $2
                   LIMIT $3 FOR UPDATE SKIP LOCKED)";
    let delete = query(sql).bind(system.as_str()).bind(to_column(before)).bind(MOST_PRUNED);
    delete.execute(c).await?;
    Ok(())
}

/// How far a listing was read.
pub(super) async fn cursor(
    c: &mut PgConnection,
    system: &SystemName,
    document: &str,
) -> Result<Option<Cursor>, Fault> {
    let sql = "SELECT since, begins, ends, next, good_at FROM cursors
               WHERE system = $1 AND document = $2";
    let found = query(sql).bind(system.as_str()).bind(document).fetch_optional(c).await?;
    let Some(row) = found else { return Ok(None) };
    let at = |column: usize| row.try_get::<Option<i64>, _>(column).map(|at| at.map(from_column));
    Ok(Some(Cursor {
        system: system.clone(),
        document: document.into(),
        since: at(0)?,
        from: at(1)?,
        until: at(2)?,
        next: row.try_get(3)?,
        good_at: at(4)?,
    }))
}
