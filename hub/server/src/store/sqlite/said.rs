//! What systems said last.

use futures_util::future::BoxFuture;
use rusqlite::{Connection, params};

use super::SqliteStore;
use super::error::Fault;
use super::writer::call;
use crate::store::columns::to_column;
use crate::store::{Said, SaidRow, StoreError};

fn keep(c: &Connection, rows: &[SaidRow]) -> Result<(), Fault> {
    let mut success = c.prepare_cached(
        "INSERT INTO said (system, success_at) VALUES (?1, ?2)
         ON CONFLICT (system) DO UPDATE SET success_at = excluded.success_at
         WHERE coalesce(said.success_at, 0) < excluded.success_at",
    )?;
    let mut error = c.prepare_cached(
        "INSERT INTO said (system, error_at, operation, class, why) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (system) DO UPDATE SET error_at = excluded.error_at, operation = excluded.operation,
             class = excluded.class, why = excluded.why
         WHERE coalesce(said.error_at, 0) < excluded.error_at",
    )?;
    for row in rows {
        let system = row.system.as_str();
        if let Some(at) = row.success {
            success.execute(params![system, to_column(at)])?;
        }
        if let Some(last) = &row.error {
            let at = to_column(last.at);
            error.execute(params![system, at, last.operation, last.class, last.why])?;
        }
    }
    Ok(())
}

fn said(c: &Connection) -> Result<Vec<SaidRow>, Fault> {
    let sql =
        "SELECT system, success_at, error_at, operation, class, why FROM said ORDER BY system";
    let mut statement = c.prepare_cached(sql)?;
    let rows = statement.query_map([], |row| {
        let (system, success, at) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(SaidRow::of((system, success, at, row.get(3)?, row.get(4)?, row.get(5)?)))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

impl Said for SqliteStore {
    fn keep_said(&self, rows: Vec<SaidRow>) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(call(&self.jobs, move |writer| {
            writer.transaction(|writer| Ok(keep(&writer.connection, &rows)?))
        }))
    }

    fn said(&self) -> BoxFuture<'_, Result<Vec<SaidRow>, StoreError>> {
        Box::pin(self.readers.read(said))
    }
}
