//! The one list of what needs a person.

use jiff::Timestamp;
use orderhub_order::fold::{TodoItem, TodoKind};
use orderhub_order::ids::{OrderKey, SystemName};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Postgres, QueryBuilder, Row as _, query};

use super::error::Fault;
use super::lists::Gathered;
use super::reads::Seen;
use super::write::{let_be, text, wake};
use crate::store::columns::{ALL, from_column, to_column};
use crate::store::commit::WaitKey;
use crate::store::rows::{MOST_ATTEMPTS, in_full};
use crate::store::{Page, Scope, TodoCount, TodoEnd, TodoFilter, TodoRow, TodoState};

/// The columns that [`todo()`] reads.
const COLUMNS: &str =
    "SELECT id, kind, cause, system, why, k, message, at, state, ended_by, reason,
     ended_at, about FROM todo";

/// One of them, in whatever state.
pub(super) async fn one(c: &mut PgConnection, id: i64) -> Result<Option<TodoRow>, Fault> {
    let mut sql = QueryBuilder::<Postgres>::new(COLUMNS);
    sql.push(" WHERE id = ").push_bind(id);
    let row = sql.build().fetch_optional(c).await?;
    row.map(|row| todo(&row)).transpose()
}

/// A page of the open ones, newest first. The cursor is the number of the last one that was looked at.
pub(super) async fn list(
    c: &mut PgConnection,
    scope: Scope,
    filter: TodoFilter,
    before: Option<i64>,
) -> Result<Page<TodoRow>, Fault> {
    let mut page = Gathered::new(filter.limit, MOST_ATTEMPTS, before);
    loop {
        let rows = open(&filter, page.before, page.ask).build().fetch_all(&mut *c).await?;
        let found = rows.iter().map(todo).collect::<Result<Vec<_>, _>>()?;
        let seen = Seen::of(&mut *c, &scope, found.iter().filter_map(|row| row.order)).await?;
        let read = |row: &PgRow| Ok(Some(todo(row)?).filter(|row| seen.has_todo(row)));
        if !page.take(&rows, read)? {
            return Ok(page.page(|id| id.to_string()));
        }
    }
}

/// Those that were asked for, behind a number.
fn open(filter: &TodoFilter, before: Option<i64>, most: usize) -> QueryBuilder<Postgres> {
    let mut sql = QueryBuilder::<Postgres>::new(COLUMNS);
    sql.push(" WHERE state = 'open'");
    if let Some(kind) = filter.kind {
        sql.push(" AND kind = ").push_bind(kind.as_str());
    }
    if let Some(system) = &filter.system {
        sql.push(" AND system = ").push_bind(text(system.as_str()).into_owned());
    }
    if let Some(cause) = &filter.cause {
        sql.push(" AND cause = ").push_bind(text(cause).into_owned());
    }
    if let Some(order) = filter.order {
        sql.push(" AND k = ").push_bind(order.0);
    }
    if let Some(before) = before {
        sql.push(" AND id < ").push_bind(before);
    }
    sql.push(" ORDER BY id DESC LIMIT ").push_bind(i64::try_from(most).unwrap_or(i64::MAX));
    sql
}

/// The open ones by kind and system.
pub(super) async fn counts(c: &mut PgConnection) -> Result<Vec<TodoCount>, Fault> {
    let sql = "SELECT kind, system, count(*) FROM todo WHERE state = 'open' GROUP BY kind, system";
    let rows = query(sql).fetch_all(c).await?;
    let rows = rows.iter().map(|row| {
        let (kind, open): (&str, i64) = (row.try_get(0)?, row.try_get(2)?);
        Ok(TodoCount {
            kind: TodoKind::parse(kind).unwrap_or(TodoKind::Finding),
            system: row.try_get::<Option<String>, _>(1)?.map(SystemName::new),
            open: u64::try_from(open).unwrap_or(0),
        })
    });
    rows.collect()
}

fn todo(row: &PgRow) -> Result<TodoRow, Fault> {
    let (kind, cause, state): (&str, &str, &str) =
        (row.try_get(1)?, row.try_get(2)?, row.try_get(8)?);
    let (id, why): (i64, &str) = (row.try_get(0)?, row.try_get(4)?);
    let system = row.try_get::<Option<String>, _>(3)?.map(SystemName::new);
    let order = row.try_get::<Option<i64>, _>(5)?.map(OrderKey);
    let item = TodoItem {
        // A kind of a newer program is at least something to look at.
        kind: TodoKind::parse(kind).unwrap_or(TodoKind::Finding),
        cause: cause.into(),
        why: in_full(why, id, (order, system.as_ref())),
        system,
        about: row.try_get::<Option<String>, _>(12)?.map(Into::into),
    };
    let state = TodoState::parse(state).unwrap_or(TodoState::Open);
    let at: Option<i64> = row.try_get(11)?;
    let end = match at {
        Some(at) => Some(TodoEnd {
            state,
            by: row.try_get::<Option<String>, _>(9)?.unwrap_or_else(|| "hub".to_owned()),
            reason: row.try_get::<Option<String>, _>(10)?.unwrap_or_default(),
            at: from_column(at),
        }),
        None => None,
    };
    Ok(TodoRow {
        id,
        item,
        order,
        message: row.try_get(6)?,
        at: from_column(row.try_get(7)?),
        state,
        end,
    })
}

/// Ends an open todo; wakes the facts that wait behind the document it stands for. One that waits is let be if it is
/// discarded.
pub(super) async fn close(c: &mut PgConnection, id: i64, end: &TodoEnd) -> Result<bool, Fault> {
    let sql = "UPDATE todo SET state = $2, reason = $3, ended_at = $4, ended_by = $5
               WHERE id = $1 AND state = 'open' RETURNING system, doc_key, kind, message, document";
    let now = to_column(end.at);
    let update = query(sql).bind(id).bind(end.state.as_str()).bind(text(&end.reason));
    let ended = update.bind(now).bind(text(&end.by)).fetch_optional(&mut *c).await?;
    let Some(ended) = ended else { return Ok(false) };
    let (system, key): (Option<String>, Option<String>) = (ended.try_get(0)?, ended.try_get(1)?);
    let (kind, message): (&str, Option<i64>) = (ended.try_get(2)?, ended.try_get(3)?);
    if let Some(message) = message
        && kind == TodoKind::Waiting.as_str()
        && end.state == TodoState::Discarded
    {
        let document: Option<i64> = ended.try_get(4)?;
        let_be(&mut *c, (message, document.unwrap_or(ALL)), now).await?;
    }
    if let (Some(system), Some(key)) = (system, key) {
        let key = WaitKey::parked(&SystemName::new(system), &key);
        wake(c, &[key], now).await?;
    }
    Ok(true)
}

/// Marks an open todo's document for another drive. `false`: it has none, or is not open.
pub(super) async fn replay(
    c: &mut PgConnection,
    id: i64,
    by: &str,
    now: Timestamp,
) -> Result<bool, Fault> {
    let sql = "SELECT message, document FROM todo
               WHERE id = $1 AND state = 'open' AND message IS NOT NULL FOR UPDATE";
    let found = query(sql).bind(id).fetch_optional(&mut *c).await?;
    let Some(found) = found else { return Ok(false) };
    let (message, document): (i64, Option<i64>) = (found.try_get(0)?, found.try_get(1)?);
    let sql = "INSERT INTO pending (message, document, why, since, due_at, attempts)
               VALUES ($1, $2, 'replay', $3, $3, 0)
               ON CONFLICT (message, document) DO UPDATE
               SET why = 'replay', due_at = excluded.due_at, attempts = 0, asks = NULL";
    let insert = query(sql).bind(message).bind(document.unwrap_or(ALL)).bind(to_column(now));
    insert.execute(&mut *c).await?;
    close(c, id, &TodoEnd::replayed(by, now)).await
}
