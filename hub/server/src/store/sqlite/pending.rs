//! Messages that are driven again, one by one: suspects, woken waiters, replays.

use std::sync::Arc;

use jiff::Timestamp;
use orderhub_order::ids::SystemName;
use rusqlite::{Connection, params};

use super::error::Fault;
use super::people::insert_todo;
use super::write::forget;
use crate::intake::Envelope;
use crate::store::codec;
use crate::store::columns::{from_column, to_column};
use crate::store::commit::{ABOUT, DOCUMENT, FILES, LET_GO, READ};
use crate::store::waits::{
    AGAIN_NS, LOOK_NS, MOST_DRIVES, WAITS_NS, WOKEN_NS, drives_failed, waits_long,
};
use crate::store::{MessageRow, PendingRow};

/// Whether anything is due for which no system is asked.
pub(super) fn any_due(c: &Connection, now: Timestamp) -> Result<bool, Fault> {
    let sql = "SELECT EXISTS (SELECT 1 FROM pending WHERE due_at <= ?1 AND asks IS NULL)";
    Ok(c.prepare_cached(sql)?.query_row([to_column(now)], |row| row.get(0))?)
}

/// Systems for whose answers something waits that is due: a step in the index for each, however much waits.
pub(super) fn asking(c: &Connection, now: Timestamp) -> Result<Vec<SystemName>, Fault> {
    let mut statement = c.prepare_cached(
        "WITH RECURSIVE asked (s) AS (
             SELECT min(asks) FROM pending WHERE asks IS NOT NULL
             UNION ALL
             SELECT (SELECT min(asks) FROM pending WHERE asks > asked.s) FROM asked
             WHERE asked.s IS NOT NULL)
         SELECT s FROM asked WHERE s IS NOT NULL
             AND EXISTS (SELECT 1 FROM pending WHERE asks = asked.s AND due_at <= ?1)",
    )?;
    let rows = statement.query_map([to_column(now)], |row| row.get::<_, String>(0))?;
    Ok(rows.map(|name| name.map(SystemName::new)).collect::<Result<_, _>>()?)
}

/// What is due, oldest first, its attempt counted: a drive that takes the process down is not tried for
/// ever. The fourth time it is a todo instead. `asks`: what waits for an answer of this system; `None`: for none.
pub(super) fn take(
    c: &Connection,
    asks: Option<&SystemName>,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<PendingRow>, Fault> {
    let now = to_column(now);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let due = due(c, asks, now, limit)?;
    let mut again =
        c.prepare_cached("UPDATE pending SET attempts = attempts + 1, due_at = ?2 WHERE id = ?1")?;
    let mut taken = Vec::with_capacity(due.len());
    for (id, first, document, attempts, since, let_go) in due {
        let position = u32::try_from(document).ok();
        let Some(message) = message(c, first)? else {
            forget(c, first, document)?;
            continue;
        };
        if attempts >= MOST_DRIVES {
            insert_todo(c, &drives_failed(&message, position, attempts), now)?;
            forget(c, first, document)?;
            continue;
        }
        again.execute([id, now.saturating_add(AGAIN_NS)])?;
        let attempts = u32::try_from(attempts + 1).unwrap_or(u32::MAX);
        let since = from_column(since);
        taken.push(PendingRow { message, document: position, attempts, since, let_go });
    }
    Ok(taken)
}

type Due = (i64, i64, i64, i64, i64, bool);

fn due(c: &Connection, asks: Option<&SystemName>, now: i64, limit: i64) -> Result<Vec<Due>, Fault> {
    // Each from its own index.
    let mut statement = c.prepare_cached(match asks {
        None => {
            "SELECT id, message, document, attempts, since, coalesce(holds = ?4, 0) FROM pending
             WHERE due_at <= ?1 AND asks IS NULL AND ?3 IS NULL ORDER BY due_at, id LIMIT ?2"
        }
        Some(_) => {
            "SELECT id, message, document, attempts, since, coalesce(holds = ?4, 0) FROM pending
             WHERE due_at <= ?1 AND asks = ?3 ORDER BY due_at, id LIMIT ?2"
        }
    })?;
    let values = params![now, limit, asks.map(SystemName::as_str), LET_GO];
    let rows = statement.query_map(values, |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Joins what waits with references that are there by now, looks again at what waits for a lane, and
/// asks a person about what waits for more than seven days (it stays waiting).
pub(super) fn sweep(c: &Connection, now: Timestamp) -> Result<u64, Fault> {
    let now = to_column(now);
    let joined = c
        .prepare_cached(
            "UPDATE pending SET why = 'woken', due_at = ?1, woken_at = ?1
             WHERE due_at IS NULL AND id IN (
                 SELECT pending FROM pending_keys JOIN xrefs USING (system, kind, ext_id))",
        )?
        .execute([now])?;
    let looked = c
        .prepare_cached(
            "UPDATE pending SET why = 'woken', due_at = ?1, woken_at = ?1
             WHERE due_at IS NULL AND coalesce(woken_at, since) < ?2 AND id IN (
                 SELECT pending FROM pending_keys WHERE kind GLOB '#*' AND kind NOT IN (?3, ?4, ?5))",
        )?
        .execute(params![now, now.saturating_sub(LOOK_NS), FILES, ABOUT, DOCUMENT])?;
    let mut statement = c.prepare_cached(
        "UPDATE pending SET shown = 1 WHERE (due_at IS NULL OR why IN ('waiting', 'reading')) AND shown = 0 AND since < ?1
         RETURNING message, document",
    )?;
    let rows = statement.query_map([now.saturating_sub(WAITS_NS)], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
    })?;
    let long: Vec<(i64, i64)> = rows.collect::<Result<_, _>>()?;
    for (first, document) in long {
        let Some(message) = message(c, first)? else { continue };
        insert_todo(c, &waits_long(&message, u32::try_from(document).ok()), now)?;
    }
    Ok(u64::try_from(joined + looked).unwrap_or(u64::MAX))
}

/// Makes due what was mapped by other files and waits for what it looks up.
pub(super) fn wake_for_files(
    c: &Connection,
    bundle: &str,
    now: Timestamp,
    most: usize,
) -> Result<u64, Fault> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let woken = c
        .prepare_cached(
            "UPDATE pending SET why = iif(asks IS NULL, 'woken', why), due_at = ?1, woken_at = ?1
             WHERE id IN (
                 SELECT p.id FROM pending_keys k JOIN pending p ON p.id = k.pending
                 WHERE k.system = '' AND k.kind = ?2 AND k.ext_id <> ?3
                     AND (p.due_at IS NULL OR p.asks IS NOT NULL AND p.attempts = 0 AND p.due_at > ?1)
                 LIMIT ?4)",
        )?
        .execute(params![to_column(now), FILES, bundle, most])?;
    Ok(u64::try_from(woken).unwrap_or(u64::MAX))
}

/// Makes due what waits for an answer to this read and was not woken a moment ago.
pub(super) fn wake_for_answer(
    c: &Connection,
    (system, read): (&SystemName, &str),
    now: Timestamp,
    most: usize,
) -> Result<u64, Fault> {
    let now = to_column(now);
    let woken = c
        .prepare_cached(
            "UPDATE pending SET due_at = ?1, woken_at = ?1
             WHERE id IN (
                 SELECT p.id FROM pending_keys k JOIN pending p ON p.id = k.pending
                 WHERE k.system = ?2 AND k.kind = ?3 AND k.ext_id = ?4 AND p.asks = ?2
                     AND p.attempts = 0 AND p.due_at > ?1 AND coalesce(p.woken_at, 0) < ?5
                 LIMIT ?6)",
        )?
        .execute(params![
            now,
            system.as_str(),
            READ,
            read,
            now.saturating_sub(WOKEN_NS),
            i64::try_from(most).unwrap_or(i64::MAX),
        ])?;
    Ok(u64::try_from(woken).unwrap_or(u64::MAX))
}

/// Makes due, for each system for whose answers something waits, what would be due next.
pub(super) fn ask_next(c: &Connection, now: Timestamp) -> Result<u64, Fault> {
    let mut update = c.prepare_cached(
        "WITH RECURSIVE asked (s) AS (
             SELECT min(asks) FROM pending WHERE asks IS NOT NULL
             UNION ALL
             SELECT (SELECT min(asks) FROM pending WHERE asks > asked.s) FROM asked
             WHERE asked.s IS NOT NULL)
         UPDATE pending SET due_at = ?1
         WHERE due_at > ?1 AND id IN (
             SELECT (SELECT p.id FROM pending p WHERE p.asks = asked.s AND p.attempts = 0
                     ORDER BY p.due_at, p.id LIMIT 1)
             FROM asked WHERE s IS NOT NULL)",
    )?;
    Ok(u64::try_from(update.execute([to_column(now)])?).unwrap_or(u64::MAX))
}

/// A message as it arrived; that of a later drive has the body of the first.
pub(super) fn message(c: &Connection, id: i64) -> Result<Option<MessageRow>, Fault> {
    let mut statement = c.prepare_cached(
        "SELECT m.id, m.outcome, m.why, raw.source, raw.system, raw.document, raw.message_id,
             raw.received, raw.headers, raw.body
         FROM messages m JOIN messages raw ON raw.id = coalesce(m.first, m.id)
         WHERE m.id = ?1",
    )?;
    let mut rows = statement.query(params![id])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let headers: Option<String> = row.get(8)?;
    let body = row.get_ref(9)?.as_blob().map_err(rusqlite::Error::from)?;
    let envelope = Envelope {
        source: Arc::from(row.get::<_, String>(3)?),
        system: SystemName::new(row.get::<_, String>(4)?),
        document: Arc::from(row.get::<_, String>(5)?),
        message_id: row.get(6)?,
        received: from_column(row.get(7)?),
        headers: headers.map(|text| codec::read_headers(&text)).transpose()?.unwrap_or_default(),
        body: codec::unpack(body)?.into(),
        suspect: false,
    };
    let (id, outcome, why) = (row.get(0)?, row.get(1)?, row.get(2)?);
    Ok(Some(MessageRow { id, envelope, outcome, why }))
}
