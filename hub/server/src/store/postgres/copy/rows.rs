//! Rows to the server and back, by COPY.

use futures_util::TryStreamExt as _;
use sqlx::{AssertSqlSafe, PgConnection, raw_sql};
use tokio::sync::mpsc::Receiver;

use super::{SILENT, STATEMENT, at, within};
use crate::store::commit::TxError;
use crate::store::copy::tables::Planned;
use crate::store::copy::tuple::{END, HEAD, Rows};
use crate::store::copy::{CopyError, Piece, Progress, Sum};
use crate::store::postgres::error::Fault;

/// Writes what comes; all of it or nothing.
pub(super) async fn fill(
    c: &mut PgConnection,
    table: &Planned,
    pieces: &mut Receiver<Piece>,
    progress: &Progress,
    place: &str,
) -> Result<(), CopyError> {
    let sql = format!("COPY {} ({}) FROM STDIN (FORMAT binary)", table.name, table.list());
    let mut copy = within(SILENT, c.copy_in_raw(&sql)).await.map_err(at(place))?;
    within(SILENT, copy.send(HEAD)).await.map_err(at(place))?;
    loop {
        match pieces.recv().await {
            Some(Piece::Rows(bytes, rows)) => {
                within(SILENT, copy.send(&bytes[..])).await.map_err(at(place))?;
                progress.done(rows, bytes.len());
            }
            Some(Piece::End) => break,
            None => {
                // Whoever reads tells why; the server forgets what came.
                within(SILENT, copy.abort("the rows do not come any more"))
                    .await
                    .map_err(at(place))?;
                return Err(CopyError::Closed);
            }
        }
    }
    within(SILENT, copy.send(&END[..])).await.map_err(at(place))?;
    within(STATEMENT, copy.finish()).await.map_err(at(place))?;
    Ok(())
}

/// Reads a table back.
pub(super) async fn sum(
    c: &mut PgConnection,
    table: &Planned,
    progress: &Progress,
    place: &str,
) -> Result<Sum, CopyError> {
    let sql = format!(
        "COPY (SELECT {} FROM {} WHERE {}) TO STDOUT (FORMAT binary)",
        table.list(),
        table.name,
        table.only
    );
    let (mut sum, mut rows) = (Sum::default(), Rows::default());
    let mut sent = within(SILENT, c.copy_out_raw(&sql)).await.map_err(at(place))?;
    while let Some(bytes) = within(SILENT, sent.try_next()).await.map_err(at(place))? {
        let before = sum.rows;
        rows.take(&bytes, |row| sum.add(row))?;
        progress.done(sum.rows - before, bytes.len());
    }
    if rows.is_whole() { Ok(sum) } else { Err(CopyError::fault("the server's rows broke off")) }
}

/// Whether every index of the table can hold a row, in an open transaction; it does not stay.
pub(super) async fn fits(c: &mut PgConnection, table: &Planned, row: &[u8]) -> Result<bool, Fault> {
    within(SILENT, raw_sql("SAVEPOINT tried").execute(&mut *c)).await?;
    let sql = format!("COPY {} ({}) FROM STDIN (FORMAT binary)", table.name, table.list());
    let tried = async {
        let mut copy = c.copy_in_raw(&sql).await?;
        copy.send([HEAD, row, &END[..]].concat()).await?;
        copy.finish().await
    };
    let tried = within(SILENT, tried).await;
    let back = AssertSqlSafe("ROLLBACK TO tried; RELEASE tried");
    within(SILENT, raw_sql(back).execute(c)).await?;
    match tried.map_err(TxError::from) {
        Ok(_) => Ok(true),
        Err(TxError::Data(_)) => Ok(false),
        Err(TxError::Again(error) | TxError::Store(error)) => Err(Fault::Tried(error.to_string())),
    }
}
