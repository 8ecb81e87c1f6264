//! Which lanes and orders are due.

use jiff::Timestamp;
use orderhub_order::ids::{OrderKey, SystemName};
use rusqlite::{Connection, params};

use super::error::Fault;
use crate::store::Backlog;
use crate::store::columns::{from_column, to_column};
use crate::store::reserved::Reserved;

/// Oldest due first, without those reserved.
pub(super) fn due(
    c: &Connection,
    system: &SystemName,
    now: Timestamp,
    limit: usize,
    reserved: &Reserved,
) -> Result<Vec<OrderKey>, Fault> {
    let mut statement = c.prepare_cached(
        "SELECT k FROM lanes WHERE system = ?1 AND due_at <= ?2 ORDER BY due_at, k",
    )?;
    let rows = statement.query_map(params![system.as_str(), to_column(now)], |row| row.get(0))?;
    let mut due = Vec::new();
    for key in rows {
        if due.len() >= limit {
            break;
        }
        let key = OrderKey(key?);
        if !reserved.holds(system, key, now) {
            due.push(key);
        }
    }
    Ok(due)
}

/// The earliest due time of what is not reserved.
pub(super) fn next_due(
    c: &Connection,
    system: &SystemName,
    now: Timestamp,
    reserved: &Reserved,
) -> Result<Option<Timestamp>, Fault> {
    let mut statement = c.prepare_cached(
        "SELECT k, due_at FROM lanes WHERE system = ?1 AND due_at IS NOT NULL ORDER BY due_at, k",
    )?;
    let mut rows = statement.query([system.as_str()])?;
    while let Some(row) = rows.next()? {
        if !reserved.holds(system, OrderKey(row.get(0)?), now) {
            return Ok(Some(from_column(row.get(1)?)));
        }
    }
    Ok(None)
}

/// Orders whose timer has come.
pub(super) fn timers(c: &Connection, now: Timestamp, limit: usize) -> Result<Vec<OrderKey>, Fault> {
    let mut statement = c.prepare_cached(
        "SELECT k FROM orders WHERE next_timer <= ?1 ORDER BY next_timer LIMIT ?2",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = statement.query_map([to_column(now), limit], |row| row.get(0))?;
    Ok(rows.map(|key| key.map(OrderKey)).collect::<Result<_, _>>()?)
}

/// What waits for each system.
pub(super) fn backlog(c: &Connection) -> Result<Vec<Backlog>, Fault> {
    let mut statement = c.prepare_cached(
        "SELECT system, count(*), min(due_at) FROM lanes WHERE due_at IS NOT NULL GROUP BY system",
    )?;
    let rows = statement.query_map([], |row| {
        let system: String = row.get(0)?;
        let pending: i64 = row.get(1)?;
        Ok(Backlog {
            system: SystemName::new(system),
            pending: u64::try_from(pending).unwrap_or(0),
            oldest: row.get::<_, Option<i64>>(2)?.map(from_column),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
