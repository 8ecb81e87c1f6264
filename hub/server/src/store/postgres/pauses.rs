//! What people hold shut, kept over restarts.

use orderhub_order::ids::SystemName;
use sqlx::{PgConnection, Row as _, query};

use super::error::Fault;
use super::write::text;
use crate::store::PauseRow;
use crate::store::columns::{from_column, to_column};

/// The operation in the row of a whole system.
const ALL: &str = "";

pub(super) async fn all(c: &mut PgConnection) -> Result<Vec<PauseRow>, Fault> {
    let sql = "SELECT system, operation, reason, actor, at FROM pauses ORDER BY system, operation";
    let rows = query(sql).fetch_all(c).await?;
    let rows = rows.iter().map(|row| {
        let (system, operation): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        Ok(PauseRow {
            system: SystemName::new(system),
            operation: Some(operation).filter(|operation| operation != ALL),
            reason: row.try_get(2)?,
            actor: row.try_get(3)?,
            at: from_column(row.try_get(4)?),
        })
    });
    rows.collect()
}

pub(super) async fn keep(c: &mut PgConnection, pause: &PauseRow) -> Result<(), Fault> {
    let sql =
        "INSERT INTO pauses (system, operation, reason, actor, at) VALUES ($1, $2, $3, $4, $5)
               ON CONFLICT (system, operation) DO UPDATE
               SET reason = excluded.reason, actor = excluded.actor, at = excluded.at";
    query(sql)
        .bind(pause.system.as_str())
        .bind(pause.operation.as_deref().unwrap_or(ALL))
        .bind(text(&pause.reason))
        .bind(text(&pause.actor))
        .bind(to_column(pause.at))
        .execute(c)
        .await?;
    Ok(())
}

pub(super) async fn end(
    c: &mut PgConnection,
    system: &SystemName,
    operation: Option<&str>,
) -> Result<bool, Fault> {
    let sql = "DELETE FROM pauses WHERE system = $1 AND operation = $2";
    let ended = query(sql).bind(system.as_str()).bind(operation.unwrap_or(ALL)).execute(c).await?;
    Ok(ended.rows_affected() > 0)
}
