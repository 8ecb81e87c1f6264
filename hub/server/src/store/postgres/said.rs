//! What systems said last.

use futures_util::future::BoxFuture;
use sqlx::{PgConnection, query, query_as};

use super::PostgresStore;
use super::error::Fault;
use super::write::text;
use crate::store::columns::to_column;
use crate::store::said::Columns;
use crate::store::{Said, SaidRow, StoreError};

/// Row by row: there are as many as systems, now and then, and processes that write at once wait for one row of each
/// other in the order of the systems.
async fn keep(c: &mut PgConnection, rows: &[SaidRow]) -> Result<(), Fault> {
    let success = "INSERT INTO said (system, success_at) VALUES ($1, $2)
                   ON CONFLICT (system) DO UPDATE SET success_at = excluded.success_at
                   WHERE coalesce(said.success_at, 0) < excluded.success_at";
    let error = "INSERT INTO said (system, error_at, operation, class, why) VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (system) DO UPDATE SET error_at = excluded.error_at, operation = excluded.operation,
                     class = excluded.class, why = excluded.why
                 WHERE coalesce(said.error_at, 0) < excluded.error_at";
    for row in rows {
        let system = row.system.as_str();
        if let Some(at) = row.success {
            query(success).bind(system).bind(to_column(at)).execute(&mut *c).await?;
        }
        if let Some(last) = &row.error {
            let failed = query(error).bind(system).bind(to_column(last.at));
            let failed = failed.bind(text(&last.operation)).bind(text(&last.class));
            failed.bind(text(&last.why)).execute(&mut *c).await?;
        }
    }
    Ok(())
}

async fn said(c: &mut PgConnection) -> Result<Vec<SaidRow>, Fault> {
    let sql =
        "SELECT system, success_at, error_at, operation, class, why FROM said ORDER BY system";
    let rows = query_as::<_, Columns>(sql).fetch_all(c).await?;
    Ok(rows.into_iter().map(SaidRow::of).collect())
}

impl Said for PostgresStore {
    fn keep_said(&self, mut rows: Vec<SaidRow>) -> BoxFuture<'_, Result<(), StoreError>> {
        rows.sort_by(|a, b| a.system.cmp(&b.system));
        Box::pin(self.write(async move |tx| keep(tx.c, &rows).await))
    }

    fn said(&self) -> BoxFuture<'_, Result<Vec<SaidRow>, StoreError>> {
        Box::pin(self.readers.run(move |c| Box::pin(said(c))))
    }
}
