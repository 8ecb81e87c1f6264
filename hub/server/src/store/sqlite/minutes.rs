//! What came from a system, minute by minute.

use orderhub_order::ids::SystemName;
use rusqlite::{Connection, params};

use super::error::Fault;
use crate::store::MinuteRow;

/// The counters of a system from a minute on.
pub(super) fn minutes(
    c: &Connection,
    system: &SystemName,
    since: i64,
) -> Result<Vec<MinuteRow>, Fault> {
    let mut statement = c.prepare_cached(
        "SELECT minute, document, outcome, n FROM counters WHERE minute >= ?1 AND system = ?2
         ORDER BY minute, document, outcome",
    )?;
    let rows = statement.query_map(params![since, system.as_str()], |row| {
        Ok(MinuteRow::of((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
