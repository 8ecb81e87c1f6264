//! Documents that are to be driven again, what they wait for, and what wakes them.

use std::collections::{BTreeMap, HashMap};

use orderhub_order::fold::TodoKind;
use orderhub_order::ids::SystemName;
use sqlx::{PgConnection, Row as _, query, query_as};

use super::text;
use crate::store::columns::{ALL, to_column};
use crate::store::commit::{ABOUT, LET_GO, PendingWrite, WaitKey, Writes};
use crate::store::postgres::error::Fault;
use crate::store::postgres::tx::WaitKeys;

pub(super) async fn all(c: &mut PgConnection, writes: &Writes<'_>) -> Result<(), Fault> {
    let driven = writes.driven.iter();
    let driven: Vec<(i64, i64)> =
        driven.map(|(message, document)| (*message, document.map_or(ALL, i64::from))).collect();
    forget(c, &driven).await?;
    let_go(c, writes).await?;
    // One statement cannot write a row twice; of one document the last word counts.
    let place = |row: &PendingWrite| (row.message, row.document.map_or(ALL, i64::from));
    let rows: BTreeMap<(i64, i64), &PendingWrite> =
        writes.pending.iter().map(|row| (place(row), row)).collect();
    if rows.is_empty() {
        return Ok(());
    }
    for (place, row) in &rows {
        if let Some(key) = &row.instead {
            take_the_place(c, key, *place).await?;
        }
    }
    let sql = "INSERT INTO pending (attempts, message, document, why, since, due_at, asks, holds)
               SELECT 0, i.* FROM UNNEST($1::bigint[], $2::bigint[], $3::text[], $4::bigint[],
                   $5::bigint[], $6::text[], $7::text[]) AS i
               ON CONFLICT (message, document) DO UPDATE
               SET why = excluded.why, due_at = excluded.due_at, asks = excluded.asks, attempts = 0,
                   holds = CASE pending.holds WHEN $8 THEN $8 ELSE excluded.holds END
               RETURNING id, message, document";
    let upsert = query(sql)
        .bind(rows.keys().map(|(message, _)| *message).collect::<Vec<_>>())
        .bind(rows.keys().map(|(_, document)| *document).collect::<Vec<_>>())
        .bind(rows.values().map(|row| row.why).collect::<Vec<_>>())
        .bind(rows.values().map(|row| to_column(row.since)).collect::<Vec<_>>())
        .bind(rows.values().map(|row| row.due.map(to_column)).collect::<Vec<_>>())
        .bind(rows.values().map(|row| asks(row)).collect::<Vec<_>>())
        .bind(rows.values().map(|row| row.holds.as_deref()).collect::<Vec<_>>())
        .bind(LET_GO);
    let mut ids: HashMap<(i64, i64), i64> = HashMap::new();
    for row in upsert.fetch_all(&mut *c).await? {
        ids.insert((row.try_get(1)?, row.try_get(2)?), row.try_get(0)?);
    }
    let waits =
        rows.iter().filter_map(|(place, row)| Some((*ids.get(place)?, row.keys.as_slice())));
    keys(c, waits.collect()).await
}

/// A document stands where an earlier one waits that is known by this key: it waits since that one, and what a person is
/// shown of that is about this.
async fn take_the_place(
    c: &mut PgConnection,
    key: &WaitKey,
    (message, document): (i64, i64),
) -> Result<(), Fault> {
    let sql = "SELECT p.id, p.message, p.document FROM pending p
               WHERE p.id IN (SELECT k.pending FROM pending_keys k
                              WHERE k.system = $1 AND k.kind = $2 AND k.ext_id = $3)
               ORDER BY p.since, p.id FOR UPDATE";
    let found = query_as(sql).bind(&*key.system).bind(&*key.kind).bind(&*key.ext_id);
    let rows: Vec<(i64, i64, i64)> = found.fetch_all(&mut *c).await?;
    let mut first = true;
    for (id, old, at) in rows {
        if std::mem::take(&mut first) {
            let sql = "UPDATE pending SET message = $2, document = $3 WHERE id = $1";
            query(sql).bind(id).bind(message).bind(document).execute(&mut *c).await?;
        } else {
            forget(c, &[(old, at)]).await?;
        }
        let sql = "UPDATE todo SET message = $3, document = $4
                   WHERE message = $1 AND document = $2 AND kind = $5 AND state = 'open'";
        let update = query(sql).bind(old).bind(at).bind(message).bind(document);
        update.bind(TodoKind::Waiting.as_str()).execute(&mut *c).await?;
    }
    Ok(())
}

fn asks(row: &PendingWrite) -> Option<&str> {
    row.asks.as_ref().map(SystemName::as_str)
}

/// What documents wait for, in the place of what they waited for before.
async fn keys(c: &mut PgConnection, waits: Vec<(i64, &[WaitKey])>) -> Result<(), Fault> {
    let ids: Vec<i64> = waits.iter().map(|(id, _)| *id).collect();
    query("DELETE FROM pending_keys WHERE pending = ANY($1)").bind(ids).execute(&mut *c).await?;
    let (mut columns, mut pending) = (WaitKeys::default(), Vec::new());
    for (id, keys) in waits {
        keys.iter().for_each(|key| columns.push(key.clone()));
        pending.extend(keys.iter().map(|_| id));
    }
    if pending.is_empty() {
        return Ok(());
    }
    let sql = "INSERT INTO pending_keys (system, kind, ext_id, pending)
               SELECT * FROM UNNEST($1::text[], $2::text[], $3::text[], $4::bigint[])
               ON CONFLICT DO NOTHING";
    let insert = query(sql).bind(&columns.system).bind(&columns.kind).bind(&columns.ext_id);
    insert.bind(pending).execute(c).await?;
    Ok(())
}

/// Nothing waits any more behind documents that later ones did away with.
async fn let_go(c: &mut PgConnection, writes: &Writes<'_>) -> Result<(), Fault> {
    if writes.superseded.is_empty() {
        return Ok(());
    }
    let sql = "UPDATE pending p SET holds = $5
               FROM (SELECT w.id FROM pending w
                     WHERE w.id IN (
                         SELECT k.pending FROM pending_keys k
                         JOIN UNNEST($1::text[], $2::text[], $3::text[]) AS i (system, kind, ext_id)
                             ON k.system = i.system AND k.kind = $4 AND k.ext_id = i.ext_id
                         JOIN pending h ON h.id = k.pending AND h.holds = i.kind)
                     ORDER BY w.id FOR UPDATE) AS held
               WHERE p.id = held.id";
    query(sql)
        .bind(writes.superseded.iter().map(|(system, _, _)| system.as_str()).collect::<Vec<_>>())
        .bind(writes.superseded.iter().map(|(_, kind, _)| text(kind)).collect::<Vec<_>>())
        .bind(writes.superseded.iter().map(|(_, _, key)| &**key).collect::<Vec<_>>())
        .bind(ABOUT)
        .bind(LET_GO)
        .execute(c)
        .await?;
    Ok(())
}

/// A person lets a document be that waits: it is not driven any more, and what waits behind it is.
///
/// **Invariant:** what a person discards is not waited for, and holds nothing back. Test:
/// `what_waits_and_is_discarded_holds_nothing_back`.
pub(in super::super) async fn let_be(
    c: &mut PgConnection,
    (message, document): (i64, i64),
    now: i64,
) -> Result<(), Fault> {
    let sql = "SELECT k.system, k.ext_id FROM pending p JOIN pending_keys k ON k.pending = p.id
               WHERE p.message = $1 AND p.document = $2 AND k.kind = $3";
    let about = query(sql).bind(message).bind(document).bind(ABOUT).fetch_all(&mut *c).await?;
    let keys = about.iter().map(|row| {
        let (system, key): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        Ok::<_, Fault>(WaitKey::parked(&SystemName::new(system), &key))
    });
    let keys: Vec<WaitKey> = keys.collect::<Result<_, _>>()?;
    forget(c, &[(message, document)]).await?;
    wake(c, &keys, now).await?;
    Ok(())
}

/// Takes documents, by message and position, out of what is to be driven.
pub(in super::super) async fn forget(
    c: &mut PgConnection,
    documents: &[(i64, i64)],
) -> Result<(), Fault> {
    if documents.is_empty() {
        return Ok(());
    }
    let sql = "WITH gone AS (
                   DELETE FROM pending p
                   USING UNNEST($1::bigint[], $2::bigint[]) AS i (message, document)
                   WHERE p.message = i.message AND p.document = i.document RETURNING p.id)
               DELETE FROM pending_keys k USING gone WHERE k.pending = gone.id";
    query(sql)
        .bind(documents.iter().map(|(message, _)| *message).collect::<Vec<_>>())
        .bind(documents.iter().map(|(_, document)| *document).collect::<Vec<_>>())
        .execute(c)
        .await?;
    Ok(())
}

/// Makes due what waits for any of these. Answers how many were woken.
pub(in super::super) async fn wake(
    c: &mut PgConnection,
    keys: &[WaitKey],
    now: i64,
) -> Result<u64, Fault> {
    if keys.is_empty() {
        return Ok(0);
    }
    let mut columns = WaitKeys::default();
    keys.iter().for_each(|key| columns.push(key.clone()));
    let sql = "UPDATE pending p SET why = 'woken', due_at = $4, woken_at = $4
               FROM (SELECT w.id FROM pending w
                     WHERE w.due_at IS NULL AND w.id IN (
                         SELECT k.pending FROM pending_keys k
                         JOIN UNNEST($1::text[], $2::text[], $3::text[]) AS i (system, kind, ext_id)
                             USING (system, kind, ext_id))
                     ORDER BY w.id FOR UPDATE) AS woken
               WHERE p.id = woken.id";
    let update = query(sql).bind(columns.system).bind(columns.kind).bind(columns.ext_id);
    Ok(update.bind(now).execute(c).await?.rows_affected())
}
