//! The one list of what needs a person.

use jiff::Timestamp;
use orderhub_order::fold::{TodoItem, TodoKind};
use orderhub_order::ids::{OrderKey, SystemName};
use rusqlite::types::Value as Column;
use rusqlite::{Connection, OptionalExtension as _, Row, params, params_from_iter};

use super::error::Fault;
use super::lists::page;
use super::reads::Looking;
use super::write::{let_be, wake};
use crate::store::columns::{ALL, from_column, to_column};
use crate::store::commit::WaitKey;
use crate::store::rows::{MOST_ATTEMPTS, in_full};
use crate::store::{Page, Scope, TodoCount, TodoEnd, TodoFilter, TodoRow, TodoState};

/// The columns that [`todo()`] reads.
const COLUMNS: &str =
    "SELECT id, kind, cause, system, why, k, message, at, state, ended_by, reason,
     ended_at, about FROM todo";

/// One of them, in whatever state.
pub(super) fn one(c: &Connection, id: i64) -> Result<Option<TodoRow>, Fault> {
    let mut statement = c.prepare_cached(&format!("{COLUMNS} WHERE id = ?1"))?;
    Ok(statement.query_row([id], todo).optional()?)
}

/// A page of the open ones, newest first. The cursor is the number of the last one that was looked at.
pub(super) fn list(
    c: &Connection,
    scope: &Scope,
    filter: &TodoFilter,
    before: Option<i64>,
) -> Result<Page<TodoRow>, Fault> {
    let mut sql = format!("{COLUMNS} WHERE state = 'open'");
    let mut values: Vec<Column> = Vec::new();
    let system = filter.system.as_ref().map(|system| Column::Text(system.as_str().to_owned()));
    let conditions = [
        ("kind =", filter.kind.map(|kind| Column::Text(kind.as_str().to_owned()))),
        ("system =", system),
        ("cause =", filter.cause.clone().map(Column::Text)),
        ("k =", filter.order.map(|order| Column::Integer(order.0))),
        ("id <", before.map(Column::Integer)),
    ];
    for (test, value) in conditions {
        let Some(value) = value else { continue };
        values.push(value);
        sql.push_str(&format!(" AND {test} ?{}", values.len()));
    }
    sql.push_str(" ORDER BY id DESC");
    let mut statement = c.prepare_cached(&sql)?;
    let rows = statement.query(params_from_iter(values))?;
    let looking = Looking::new(c, scope);
    let (items, next) = page(rows, filter.limit, MOST_ATTEMPTS, |row| {
        let row = todo(row)?;
        Ok(looking.sees_todo(&row)?.then_some(row))
    })?;
    Ok(Page { items, next: next.map(|id| id.to_string()) })
}

/// The open ones by kind and system.
pub(super) fn counts(c: &Connection) -> Result<Vec<TodoCount>, Fault> {
    let mut statement = c.prepare_cached(
        "SELECT kind, system, count(*) FROM todo WHERE state = 'open' GROUP BY kind, system",
    )?;
    let rows = statement.query_map([], |row| {
        let kind: String = row.get(0)?;
        let open: i64 = row.get(2)?;
        Ok(TodoCount {
            kind: TodoKind::parse(&kind).unwrap_or(TodoKind::Finding),
            system: row.get::<_, Option<String>>(1)?.map(SystemName::new),
            open: u64::try_from(open).unwrap_or(0),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn todo(row: &Row<'_>) -> Result<TodoRow, rusqlite::Error> {
    let kind: String = row.get(1)?;
    let state: String = row.get(8)?;
    let (id, why): (i64, String) = (row.get(0)?, row.get(4)?);
    let system = row.get::<_, Option<String>>(3)?.map(SystemName::new);
    let order = row.get::<_, Option<i64>>(5)?.map(OrderKey);
    let item = TodoItem {
        // A kind of a newer program is at least something to look at.
        kind: TodoKind::parse(&kind).unwrap_or(TodoKind::Finding),
        cause: row.get(2)?,
        why: in_full(&why, id, (order, system.as_ref())),
        system,
        about: row.get(12)?,
    };
    let state = TodoState::parse(&state).unwrap_or(TodoState::Open);
    let at: Option<i64> = row.get(11)?;
    let end = match at {
        Some(at) => Some(TodoEnd {
            state,
            by: row.get::<_, Option<String>>(9)?.unwrap_or_else(|| "hub".to_owned()),
            reason: row.get::<_, Option<String>>(10)?.unwrap_or_default(),
            at: from_column(at),
        }),
        None => None,
    };
    Ok(TodoRow { id, item, order, message: row.get(6)?, at: from_column(row.get(7)?), state, end })
}

/// Ends an open todo; wakes the facts that wait behind the document it stands for. One that waits is let be if it is
/// discarded.
pub(super) fn close(c: &Connection, id: i64, end: &TodoEnd) -> Result<bool, Fault> {
    let mut update = c.prepare_cached(
        "UPDATE todo SET state = ?2, reason = ?3, ended_at = ?4, ended_by = ?5
         WHERE id = ?1 AND state = 'open' RETURNING system, doc_key, kind, message, document",
    )?;
    let now = to_column(end.at);
    let values = params![id, end.state.as_str(), end.reason, now, end.by];
    let ended = update
        .query_row(values, |row| {
            let document = (row.get::<_, Option<String>>(0)?, row.get::<_, Option<String>>(1)?);
            let drive = (row.get::<_, Option<i64>>(3)?, row.get::<_, Option<i64>>(4)?);
            Ok((document, row.get::<_, String>(2)?, drive))
        })
        .optional()?;
    let Some((parked, kind, drive)) = ended else { return Ok(false) };
    let waits = kind == TodoKind::Waiting.as_str() && end.state == TodoState::Discarded;
    if let (Some(message), document) = drive
        && waits
    {
        let_be(c, message, document.unwrap_or(ALL), now)?;
    }
    if let (Some(system), Some(key)) = parked {
        let key = WaitKey::parked(&SystemName::new(system), &key);
        wake(c, &[key], now)?;
    }
    Ok(true)
}

/// Marks an open todo's document for another drive. `false`: it has none, or is not open.
pub(super) fn replay(c: &Connection, id: i64, by: &str, now: Timestamp) -> Result<bool, Fault> {
    let found = c
        .prepare_cached(
            "SELECT message, document FROM todo
             WHERE id = ?1 AND state = 'open' AND message IS NOT NULL",
        )?
        .query_row([id], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?)))
        .optional()?;
    let Some((message, document)) = found else { return Ok(false) };
    let mut insert = c.prepare_cached(
        "INSERT INTO pending (message, document, why, since, due_at, attempts)
         VALUES (?1, ?2, 'replay', ?3, ?3, 0)
         ON CONFLICT (message, document) DO UPDATE
         SET why = 'replay', due_at = ?3, attempts = 0, asks = NULL",
    )?;
    insert.execute(params![message, document.unwrap_or(ALL), to_column(now)])?;
    close(c, id, &TodoEnd::replayed(by, now))
}
