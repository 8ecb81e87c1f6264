//! What came from a system, minute by minute.

use orderhub_order::ids::SystemName;
use sqlx::{PgConnection, query_as};

use super::error::Fault;
use crate::store::MinuteRow;

/// The counters of a system from a minute on.
pub(super) async fn minutes(
    c: &mut PgConnection,
    system: SystemName,
    since: i64,
) -> Result<Vec<MinuteRow>, Fault> {
    let sql = "SELECT minute, document, outcome, n FROM counters WHERE minute >= $1 AND system = $2
               ORDER BY minute, document, outcome";
    let rows = query_as(sql).bind(since).bind(system.as_str()).fetch_all(c).await?;
    Ok(rows.into_iter().map(MinuteRow::of).collect())
}
