//! Which lanes and orders are due.

use std::sync::Arc;

use jiff::Timestamp;
use orderhub_order::ids::{OrderKey, SystemName};
use sqlx::{PgConnection, Row as _, query, query_as, query_scalar};

use super::error::Fault;
use crate::store::Backlog;
use crate::store::columns::{from_column, to_column};
use crate::store::reserved::Reserved;

/// Lanes that are asked for at once: as many as may be reserved are passed over.
const AT_ONCE: i64 = 500;

/// Oldest due first, without those reserved.
pub(super) async fn due(
    c: &mut PgConnection,
    system: SystemName,
    now: Timestamp,
    limit: usize,
    reserved: Arc<Reserved>,
) -> Result<Vec<OrderKey>, Fault> {
    let free = free(c, &system, (now, to_column(now)), limit, &reserved).await?;
    Ok(free.into_iter().map(|(_, key)| key).collect())
}

/// The earliest due time of what is not reserved.
pub(super) async fn next_due(
    c: &mut PgConnection,
    system: SystemName,
    now: Timestamp,
    reserved: Arc<Reserved>,
) -> Result<Option<Timestamp>, Fault> {
    let free = free(c, &system, (now, i64::MAX), 1, &reserved).await?;
    Ok(free.first().map(|(due, _)| from_column(*due)))
}

/// Lanes due until then, without those reserved now: their due time and order.
async fn free(
    c: &mut PgConnection,
    system: &SystemName,
    (now, until): (Timestamp, i64),
    limit: usize,
    reserved: &Reserved,
) -> Result<Vec<(i64, OrderKey)>, Fault> {
    let sql = "SELECT due_at, k FROM lanes
               WHERE system = $1 AND due_at <= $2 AND (due_at, k) > ($3, $4)
               ORDER BY due_at, k LIMIT $5";
    let (mut free, mut after) = (Vec::new(), (i64::MIN, i64::MIN));
    loop {
        let page = query_as::<_, (i64, i64)>(sql).bind(system.as_str()).bind(until);
        let page = page.bind(after.0).bind(after.1).bind(AT_ONCE).fetch_all(&mut *c).await?;
        for (due, key) in &page {
            if free.len() >= limit {
                return Ok(free);
            }
            let key = OrderKey(*key);
            if !reserved.holds(system, key, now) {
                free.push((*due, key));
            }
        }
        match page.last() {
            Some(last) if page.len() >= usize::try_from(AT_ONCE).unwrap_or(usize::MAX) => {
                after = *last;
            }
            Some(_) | None => return Ok(free),
        }
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

/// What waits for each system.
pub(super) async fn backlog(c: &mut PgConnection) -> Result<Vec<Backlog>, Fault> {
    let sql = "SELECT system, count(*), min(due_at) FROM lanes
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
