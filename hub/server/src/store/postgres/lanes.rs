//! Which lanes and orders are due.

use std::sync::Arc;

use jiff::Timestamp;
use orderhub_order::ids::{OrderKey, SystemName};
use sqlx::{PgConnection, Row as _, query, query_as, query_scalar};

use super::beats::number_of;
use super::error::Fault;
use super::marks::{Marks, Whose};
use crate::store::Backlog;
use crate::store::columns::{from_column, to_column};
use crate::store::reserved::Reserved;

/// Lanes that are asked for at once: as many as may be held are passed over.
const AT_ONCE: i64 = 500;
/// Lanes set free by one statement.
const FREED_AT_ONCE: i64 = 1_000;

/// Takes due lanes that nobody holds, oldest due first. What others are taking is passed over.
///
/// **Invariant:** a lane is claimed by one process: its row says which, and only one that is known to the
/// store writes its number there. Test: `two_processes_claim_each_lane_once`.
pub(super) async fn claim(
    c: &mut PgConnection,
    system: SystemName,
    (now, process): (Timestamp, u64),
    limit: usize,
    marks: Arc<Marks>,
) -> Result<Vec<OrderKey>, Fault> {
    // Sorted by the process, which none has, too: so it is the order of the index.
    let sql = "WITH me AS (SELECT process FROM processes WHERE process = $4 FOR KEY SHARE),
               free AS (
                   SELECT l.k FROM lanes l
                   WHERE l.system = $1 AND l.process IS NULL AND l.due_at <= $2 AND l.due_at > $5
                       AND EXISTS (SELECT 1 FROM me)
                   ORDER BY l.process, l.due_at, l.k LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED)
               UPDATE lanes l SET process = $4 FROM free
               WHERE l.system = $1 AND l.k = free.k RETURNING l.due_at, l.k";
    let most = i64::try_from(limit).unwrap_or(i64::MAX);
    let begun = marks.begin(&system, Whose::Free);
    let claimed = query_as::<_, (i64, i64)>(sql).bind(system.as_str()).bind(to_column(now));
    let claimed = claimed.bind(most).bind(number_of(process)).bind(begun.after);
    let mut claimed = claimed.fetch_all(c).await?;
    claimed.sort_unstable();
    marks.looked(&system, Whose::Free, begun, looked_to(&claimed, limit, now));
    Ok(claimed.into_iter().map(|(_, key)| OrderKey(key)).collect())
}

/// Up to which due time a look has found everything: it was given no more than so many, oldest due first.
fn looked_to(found: &[(i64, i64)], limit: usize, now: Timestamp) -> i64 {
    match found.last() {
        Some((due, _)) if found.len() >= limit => *due,
        Some(_) | None => to_column(now),
    }
}

/// Due lanes that this process holds, without those that its dispatcher has; oldest due first.
pub(super) async fn own(
    c: &mut PgConnection,
    system: SystemName,
    (now, process): (Timestamp, u64),
    limit: usize,
    (reserved, marks): (Arc<Reserved>, Arc<Marks>),
) -> Result<Vec<OrderKey>, Fault> {
    let begun = marks.begin(&system, Whose::Own);
    let range = (begun.after, to_column(now));
    let unheld = unheld(c, &system, (now, process, range), limit, &reserved).await?;
    let found: Vec<_> = unheld.iter().map(|(due, key)| (*due, key.0)).collect();
    marks.looked(&system, Whose::Own, begun, looked_to(&found, limit, now));
    Ok(unheld.into_iter().map(|(_, key)| key).collect())
}

/// The earliest due time of what could be claimed.
pub(super) async fn next_due(
    c: &mut PgConnection,
    system: SystemName,
    (now, process): (Timestamp, u64),
    (reserved, marks): (Arc<Reserved>, Arc<Marks>),
) -> Result<Option<Timestamp>, Fault> {
    let sql = "SELECT due_at FROM lanes WHERE system = $1 AND process IS NULL AND due_at > $2
               ORDER BY process, due_at LIMIT 1";
    let free =
        query_scalar::<_, i64>(sql).bind(system.as_str()).bind(marks.after(&system, Whose::Free));
    let free = free.fetch_optional(&mut *c).await?;
    let range = (marks.after(&system, Whose::Own), i64::MAX);
    let own = unheld(c, &system, (now, process, range), 1, &reserved).await?;
    let next = free.into_iter().chain(own.first().map(|(due, _)| *due)).min();
    Ok(next.map(from_column))
}

/// Lanes of this process due after the one time and until the other, without those that its dispatcher has: due time and order.
async fn unheld(
    c: &mut PgConnection,
    system: &SystemName,
    (now, process, (after, until)): (Timestamp, u64, (i64, i64)),
    limit: usize,
    reserved: &Reserved,
) -> Result<Vec<(i64, OrderKey)>, Fault> {
    let sql = "SELECT due_at, k FROM lanes
               WHERE system = $1 AND process = $2 AND due_at <= $3 AND (due_at, k) > ($4, $5)
               ORDER BY due_at, k LIMIT $6";
    let (mut found, mut after) = (Vec::new(), (after, i64::MIN));
    loop {
        let page = query_as::<_, (i64, i64)>(sql).bind(system.as_str()).bind(number_of(process));
        let page = page.bind(until).bind(after.0).bind(after.1).bind(AT_ONCE);
        let page = page.fetch_all(&mut *c).await?;
        for (due, key) in &page {
            if found.len() >= limit {
                return Ok(found);
            }
            let key = OrderKey(*key);
            if !reserved.holds(system, key, now) {
                found.push((*due, key));
            }
        }
        match page.last() {
            Some(last) if page.len() >= usize::try_from(AT_ONCE).unwrap_or(usize::MAX) => {
                after = *last;
            }
            Some(_) | None => return Ok(found),
        }
    }
}

/// Sets free what processes hold that are gone: their calls may have acted, whoever looks at them next finds
/// out. One system after the other, so that each range of the index is read once. Whether that is all: what a
/// commit holds right now is passed over.
pub(super) async fn free(c: &mut PgConnection) -> Result<bool, Fault> {
    let next = "SELECT min(system) FROM lanes WHERE due_at IS NOT NULL AND system > $1";
    let free = "WITH gone AS (
                    SELECT l.k FROM lanes l
                    WHERE l.system = $1 AND l.process IS NOT NULL AND l.due_at IS NOT NULL
                        AND NOT EXISTS (SELECT 1 FROM processes p WHERE p.process = l.process)
                    ORDER BY l.k LIMIT $2 FOR NO KEY UPDATE OF l SKIP LOCKED)
                UPDATE lanes l SET process = NULL, due_at = 0 FROM gone
                WHERE l.system = $1 AND l.k = gone.k";
    let left = "SELECT EXISTS (
                    SELECT 1 FROM lanes l
                    WHERE l.system = $1 AND l.process IS NOT NULL AND l.due_at IS NOT NULL
                        AND NOT EXISTS (SELECT 1 FROM processes p WHERE p.process = l.process))";
    let (mut system, mut all) = (String::new(), true);
    loop {
        let found = query_scalar::<_, Option<String>>(next).bind(&system);
        let Some(found) = found.fetch_one(&mut *c).await? else { return Ok(all) };
        system = found;
        let most = u64::try_from(FREED_AT_ONCE).unwrap_or(u64::MAX);
        while query(free).bind(&system).bind(FREED_AT_ONCE).execute(&mut *c).await?.rows_affected()
            >= most
        {}
        let left = query_scalar::<_, bool>(left).bind(&system);
        all &= !left.fetch_one(&mut *c).await?;
    }
}

/// Orders whose timer has come.
pub(super) async fn timers(
    c: &mut PgConnection,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<OrderKey>, Fault> {
    let sql = "SELECT k FROM orders WHERE next_timer <= $1 ORDER BY next_timer LIMIT $2";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let keys: Vec<i64> = query_scalar(sql).bind(to_column(now)).bind(limit).fetch_all(c).await?;
    Ok(keys.into_iter().map(OrderKey).collect())
}

/// Lanes that wait for the end of a time, though what stood in their way may be gone: any of them.
pub(super) async fn put_off(
    c: &mut PgConnection,
    system: SystemName,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<OrderKey>, Fault> {
    let sql = "SELECT k FROM lanes WHERE system = $1 AND put_off AND due_at > $2
               ORDER BY due_at LIMIT $3";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let keys = query_scalar::<_, i64>(sql).bind(system.as_str()).bind(to_column(now)).bind(limit);
    Ok(keys.fetch_all(c).await?.into_iter().map(OrderKey).collect())
}

/// What waits for each system, from the index alone.
pub(super) async fn backlog(c: &mut PgConnection) -> Result<Vec<Backlog>, Fault> {
    let sql = "SELECT system, count(*), min(coalesce(since, nullif(due_at, 0))) FROM lanes
               WHERE due_at IS NOT NULL GROUP BY system ORDER BY system";
    let rows = query(sql).fetch_all(c).await?;
    let rows = rows.iter().map(|row| {
        let (system, pending): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
        Ok(Backlog {
            system: SystemName::new(system),
            pending: u64::try_from(pending).unwrap_or(0),
            oldest: row.try_get::<Option<i64>, _>(2)?.map(from_column),
        })
    });
    rows.collect()
}
