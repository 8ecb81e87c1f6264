//! Which lanes and orders are due.

use jiff::Timestamp;
use orderhub_order::ids::{OrderKey, SystemName};
use rusqlite::{Connection, params};

use super::error::Fault;
use crate::store::Backlog;
use crate::store::columns::{from_column, to_column};
use crate::store::reserved::Reserved;

/// Due lanes that nobody holds, or this process and not its dispatcher; oldest due first.
pub(super) fn due(
    c: &Connection,
    system: &SystemName,
    now: Timestamp,
    limit: usize,
    by: (u64, &Reserved),
) -> Result<Vec<OrderKey>, Fault> {
    let mut due = unheld(c, system, (now, to_column(now)), limit, by)?;
    due.truncate(limit);
    Ok(due.into_iter().map(|(_, key)| key).collect())
}

/// The earliest due time of what could be claimed.
pub(super) fn next_due(
    c: &Connection,
    system: &SystemName,
    now: Timestamp,
    by: (u64, &Reserved),
) -> Result<Option<Timestamp>, Fault> {
    let due = unheld(c, system, (now, i64::MAX), 1, by)?;
    Ok(due.first().map(|(due, _)| from_column(*due)))
}

/// What could be claimed until then, by due time; at least `limit` of them, where there are so many.
fn unheld(
    c: &Connection,
    system: &SystemName,
    (now, until): (Timestamp, i64),
    limit: usize,
    (process, reserved): (u64, &Reserved),
) -> Result<Vec<(i64, OrderKey)>, Fault> {
    let mut statement = c.prepare_cached(
        "SELECT due_at, k FROM lanes WHERE system = ?1 AND process IS ?2 AND due_at <= ?3
         ORDER BY due_at, k",
    )?;
    let mut found = Vec::new();
    for process in [None, Some(i64::try_from(process).unwrap_or(i64::MAX))] {
        let mut rows = statement.query(params![system.as_str(), process, until])?;
        let most = found.len() + limit;
        while found.len() < most
            && let Some(row) = rows.next()?
        {
            let key = OrderKey(row.get(1)?);
            if !reserved.holds(system, key, now) {
                found.push((row.get(0)?, key));
            }
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// Sets free what processes held that are gone: their calls may have acted, whoever looks at them next
/// finds out.
pub(super) fn free(c: &Connection) -> Result<(), rusqlite::Error> {
    let next = "SELECT min(system) FROM lanes WHERE due_at IS NOT NULL AND system > ?1";
    let free = "UPDATE lanes SET process = NULL, due_at = 0
                WHERE system = ?1 AND process > 0 AND due_at IS NOT NULL";
    let mut system = String::new();
    while let Some(found) = c.query_row(next, [&system], |row| row.get::<_, Option<String>>(0))? {
        c.execute(free, [&found])?;
        system = found;
    }
    Ok(())
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

/// Lanes that wait for the end of a time, though what stood in their way may be gone: any of them.
pub(super) fn put_off(
    c: &Connection,
    system: &SystemName,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<OrderKey>, Fault> {
    let mut statement = c.prepare_cached(
        "SELECT k FROM lanes WHERE system = ?1 AND put_off AND due_at > ?2 ORDER BY due_at LIMIT ?3",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows =
        statement.query_map(params![system.as_str(), to_column(now), limit], |row| row.get(0))?;
    Ok(rows.map(|key| key.map(OrderKey)).collect::<Result<_, _>>()?)
}

/// What waits for each system, from the index alone.
pub(super) fn backlog(c: &Connection) -> Result<Vec<Backlog>, Fault> {
    let mut statement = c.prepare_cached(
        "SELECT system, count(*), min(coalesce(since, nullif(due_at, 0))) FROM lanes
         WHERE due_at IS NOT NULL GROUP BY system",
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
