//! Messages that are driven again, one by one: suspects, woken waiters, replays.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use orderhub_order::ids::SystemName;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row as _, query, query_as, query_scalar};

use super::error::Fault;
use super::write::{forget, insert_todos};
use crate::intake::Envelope;
use crate::store::codec;
use crate::store::columns::{from_column, to_column};
use crate::store::commit::{ABOUT, DOCUMENT, FILES, LET_GO, READ};
use crate::store::waits::{
    AGAIN_NS, LOOK_NS, MOST_DRIVES, WAITS_NS, WOKEN_NS, drives_failed, waits_long,
};
use crate::store::{MessageRow, PendingRow};

/// Whether anything is due for which no system is asked.
pub(super) async fn any_due(c: &mut PgConnection, now: Timestamp) -> Result<bool, Fault> {
    let sql = "SELECT EXISTS (SELECT FROM pending WHERE due_at <= $1 AND asks IS NULL)";
    Ok(query_scalar(sql).bind(to_column(now)).fetch_one(c).await?)
}

/// Systems for whose answers something waits that is due: a step in the index for each, however much waits.
pub(super) async fn asking(c: &mut PgConnection, now: Timestamp) -> Result<Vec<SystemName>, Fault> {
    let sql = "WITH RECURSIVE asked (s) AS (
                   SELECT min(asks) FROM pending WHERE asks IS NOT NULL
                   UNION ALL
                   SELECT (SELECT min(asks) FROM pending WHERE asks > asked.s) FROM asked
                   WHERE asked.s IS NOT NULL)
               SELECT s FROM asked WHERE s IS NOT NULL
                   AND EXISTS (SELECT FROM pending WHERE asks = asked.s AND due_at <= $1)";
    let names = query_scalar::<_, String>(sql).bind(to_column(now)).fetch_all(c).await?;
    Ok(names.into_iter().map(SystemName::new).collect())
}

/// What is due, oldest first, its attempt counted: a drive that takes the process down is not tried for
/// ever. The fourth time it is a todo instead. `asks`: what waits for an answer of this system; `None`: for none.
pub(super) async fn take(
    c: &mut PgConnection,
    asks: Option<&SystemName>,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<PendingRow>, Fault> {
    let now = to_column(now);
    // Each from its own index. SKIP LOCKED: what somebody takes or wakes at this moment is his, or is taken the next
    // time.
    let sql = match asks {
        None => {
            "SELECT id, message, document, attempts, since, coalesce(holds = $4, false) FROM pending
             WHERE due_at <= $1 AND asks IS NULL AND $3::text IS NULL
             ORDER BY due_at, id LIMIT $2 FOR UPDATE SKIP LOCKED"
        }
        Some(_) => {
            "SELECT id, message, document, attempts, since, coalesce(holds = $4, false) FROM pending
             WHERE due_at <= $1 AND asks = $3
             ORDER BY due_at, id LIMIT $2 FOR UPDATE SKIP LOCKED"
        }
    };
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let due = query_as(sql).bind(now).bind(limit).bind(asks.map(SystemName::as_str)).bind(LET_GO);
    let due: Vec<(i64, i64, i64, i64, i64, bool)> = due.fetch_all(&mut *c).await?;
    let mut messages = messages(c, due.iter().map(|(_, first, ..)| *first).collect()).await?;
    let (mut again, mut done, mut todos) = (Vec::new(), Vec::new(), Vec::new());
    let mut taken = Vec::with_capacity(due.len());
    for (id, first, document, attempts, since, let_go) in due {
        let position = u32::try_from(document).ok();
        // Several documents of one message may wait.
        let message = messages.get(&first).cloned();
        match message {
            Some(message) if attempts >= MOST_DRIVES => {
                todos.push(drives_failed(&message, position, attempts));
                done.push((first, document));
            }
            Some(message) => {
                again.push(id);
                let attempts = u32::try_from(attempts + 1).unwrap_or(u32::MAX);
                let since = from_column(since);
                taken.push(PendingRow { message, document: position, attempts, since, let_go });
            }
            None => done.push((first, document)),
        }
    }
    messages.clear();
    let sql = "UPDATE pending SET attempts = attempts + 1, due_at = $2 WHERE id = ANY($1)";
    query(sql).bind(again).bind(now.saturating_add(AGAIN_NS)).execute(&mut *c).await?;
    forget(c, &done).await?;
    insert_todos(c, &todos, now).await?;
    Ok(taken)
}

/// Joins what waits with references that are there by now, looks again at what waits for a lane, and
/// asks a person about what waits for more than seven days (it stays waiting).
pub(super) async fn sweep(c: &mut PgConnection, now: Timestamp) -> Result<u64, Fault> {
    let now = to_column(now);
    let sql = "UPDATE pending SET why = 'woken', due_at = $1, woken_at = $1
               WHERE due_at IS NULL AND id IN (
                   SELECT pending FROM pending_keys JOIN xrefs USING (system, kind, ext_id))";
    let joined = query(sql).bind(now).execute(&mut *c).await?.rows_affected();
    let sql = "UPDATE pending SET why = 'woken', due_at = $1, woken_at = $1
               WHERE due_at IS NULL AND coalesce(woken_at, since) < $2 AND id IN (
                   SELECT pending FROM pending_keys WHERE starts_with(kind, '#') AND kind NOT IN ($3, $4, $5))";
    let looked = query(sql).bind(now).bind(now.saturating_sub(LOOK_NS)).bind(FILES);
    let looked = looked.bind(ABOUT).bind(DOCUMENT).execute(&mut *c).await?;
    let sql = "UPDATE pending SET shown = 1 WHERE (due_at IS NULL OR why IN ('waiting', 'reading')) AND shown = 0
                   AND since < $1
               RETURNING message, document";
    let long: Vec<(i64, i64)> =
        query_as(sql).bind(now.saturating_sub(WAITS_NS)).fetch_all(&mut *c).await?;
    let messages = messages(c, long.iter().map(|(first, _)| *first).collect()).await?;
    let todos = long.iter().filter_map(|(first, document)| {
        Some(waits_long(messages.get(first)?, u32::try_from(*document).ok()))
    });
    insert_todos(c, &todos.collect::<Vec<_>>(), now).await?;
    Ok(joined + looked.rows_affected())
}

/// Makes due what was mapped by other files and waits for what it looks up.
pub(super) async fn wake_for_files(
    c: &mut PgConnection,
    bundle: &str,
    now: Timestamp,
    most: usize,
) -> Result<u64, Fault> {
    // SKIP LOCKED: what somebody wakes or drives at this moment is his, or is woken the next time.
    let sql = "UPDATE pending SET why = CASE WHEN asks IS NULL THEN 'woken' ELSE why END, due_at = $1, woken_at = $1
               WHERE id IN (
                   SELECT p.id FROM pending p
                   WHERE (p.due_at IS NULL OR p.asks IS NOT NULL AND p.attempts = 0 AND p.due_at > $1)
                       AND p.id IN (
                       SELECT pending FROM pending_keys WHERE system = '' AND kind = $2 AND ext_id <> $3)
                   ORDER BY p.id LIMIT $4 FOR UPDATE SKIP LOCKED)";
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let woken = query(sql).bind(to_column(now)).bind(FILES).bind(bundle).bind(most);
    Ok(woken.execute(c).await?.rows_affected())
}

/// Makes due what waits for an answer to this read and was not woken a moment ago.
pub(super) async fn wake_for_answer(
    c: &mut PgConnection,
    (system, read): (&SystemName, &str),
    now: Timestamp,
    most: usize,
) -> Result<u64, Fault> {
    let sql = "UPDATE pending SET due_at = $1, woken_at = $1
               WHERE id IN (
                   SELECT p.id FROM pending p
                   WHERE p.asks = $2 AND p.attempts = 0 AND p.due_at > $1
                       AND coalesce(p.woken_at, 0) < $5 AND p.id IN (
                       SELECT pending FROM pending_keys WHERE system = $2 AND kind = $3 AND ext_id = $4)
                   ORDER BY p.id LIMIT $6 FOR UPDATE SKIP LOCKED)";
    let now = to_column(now);
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let woken = query(sql).bind(now).bind(system.as_str()).bind(READ).bind(read);
    let woken = woken.bind(now.saturating_sub(WOKEN_NS)).bind(most);
    Ok(woken.execute(c).await?.rows_affected())
}

/// Makes due, for each system for whose answers something waits, what would be due next.
pub(super) async fn ask_next(c: &mut PgConnection, now: Timestamp) -> Result<u64, Fault> {
    // SKIP LOCKED: what somebody drives or wakes at this moment is due, or asked for, anyway.
    let sql = "WITH RECURSIVE asked (s) AS (
                   SELECT min(asks) FROM pending WHERE asks IS NOT NULL
                   UNION ALL
                   SELECT (SELECT min(asks) FROM pending WHERE asks > asked.s) FROM asked
                   WHERE asked.s IS NOT NULL)
               UPDATE pending SET due_at = $1
               WHERE due_at > $1 AND id IN (
                   SELECT next.id FROM asked CROSS JOIN LATERAL (
                       SELECT p.id FROM pending p WHERE p.asks = asked.s AND p.attempts = 0
                       ORDER BY p.due_at, p.id LIMIT 1 FOR UPDATE SKIP LOCKED) AS next
                   WHERE asked.s IS NOT NULL)";
    Ok(query(sql).bind(to_column(now)).execute(c).await?.rows_affected())
}

/// A message as it arrived; that of a later drive has the body of the first.
pub(super) async fn message(c: &mut PgConnection, id: i64) -> Result<Option<MessageRow>, Fault> {
    Ok(messages(c, vec![id]).await?.remove(&id))
}

pub(super) async fn messages(
    c: &mut PgConnection,
    ids: Vec<i64>,
) -> Result<HashMap<i64, MessageRow>, Fault> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    // In two questions: each goes through every day, and most rows are their own first.
    let sql = "SELECT id, outcome, why, source, system, document, message_id, received, headers, body, first
               FROM messages WHERE id = ANY($1)";
    let rows = query(sql).bind(ids).fetch_all(&mut *c).await?;
    let mut found = HashMap::with_capacity(rows.len());
    let mut later: Vec<(i64, &PgRow)> = Vec::new();
    for row in &rows {
        match row.try_get::<Option<i64>, _>(10)? {
            Some(first) => later.push((first, row)),
            None => drop(found.insert(row.try_get(0)?, row_of(row, row)?)),
        }
    }
    if !later.is_empty() {
        let firsts: Vec<i64> = later.iter().map(|(first, _)| *first).collect();
        let firsts = query(sql).bind(firsts).fetch_all(c).await?;
        let firsts = firsts.iter().map(|row| Ok((row.try_get(0)?, row)));
        let firsts: HashMap<i64, &PgRow> = firsts.collect::<Result<_, Fault>>()?;
        for (first, row) in later {
            if let Some(raw) = firsts.get(&first) {
                found.insert(row.try_get(0)?, row_of(row, raw)?);
            }
        }
    }
    Ok(found)
}

/// A message with what came of it, from its own row and that of its first drive.
fn row_of(own: &PgRow, row: &PgRow) -> Result<MessageRow, Fault> {
    let (source, system, document): (&str, &str, &str) =
        (row.try_get(3)?, row.try_get(4)?, row.try_get(5)?);
    let headers: Option<&str> = row.try_get(8)?;
    let envelope = Envelope {
        source: Arc::from(source),
        system: SystemName::new(system),
        document: Arc::from(document),
        message_id: row.try_get(6)?,
        received: from_column(row.try_get(7)?),
        headers: headers.map(codec::read_headers).transpose()?.unwrap_or_default(),
        body: codec::unpack(row.try_get(9)?)?.into(),
        suspect: false,
    };
    let (id, outcome, why) = (own.try_get(0)?, own.try_get(1)?, own.try_get(2)?);
    Ok(MessageRow { id, envelope, outcome, why })
}
