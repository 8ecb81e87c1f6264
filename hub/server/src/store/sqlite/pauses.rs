//! What people hold shut, kept over restarts.

use orderhub_order::ids::SystemName;
use rusqlite::{Connection, params};

use super::error::Fault;
use crate::store::PauseRow;
use crate::store::columns::{from_column, to_column};

/// The operation in the row of a whole system.
const ALL: &str = "";

pub(super) fn all(c: &Connection) -> Result<Vec<PauseRow>, Fault> {
    let mut statement = c.prepare_cached(
        "SELECT system, operation, reason, actor, at FROM pauses ORDER BY system, operation",
    )?;
    let rows = statement.query_map([], |row| {
        let operation: String = row.get(1)?;
        Ok(PauseRow {
            system: SystemName::new(row.get::<_, String>(0)?),
            operation: Some(operation).filter(|operation| operation != ALL),
            reason: row.get(2)?,
            actor: row.get(3)?,
            at: from_column(row.get(4)?),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn keep(c: &Connection, pause: &PauseRow) -> Result<(), Fault> {
    let operation = pause.operation.as_deref().unwrap_or(ALL);
    c.prepare_cached(
        "INSERT INTO pauses (system, operation, reason, actor, at) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (system, operation) DO UPDATE
         SET reason = excluded.reason, actor = excluded.actor, at = excluded.at",
    )?
    .execute(params![
        pause.system.as_str(),
        operation,
        pause.reason,
        pause.actor,
        to_column(pause.at)
    ])?;
    Ok(())
}

pub(super) fn end(
    c: &Connection,
    system: &SystemName,
    operation: Option<&str>,
) -> Result<bool, Fault> {
    let sql = "DELETE FROM pauses WHERE system = ?1 AND operation = ?2";
    let ended = c.prepare_cached(sql)?.execute([system.as_str(), operation.unwrap_or(ALL)])?;
    Ok(ended > 0)
}
