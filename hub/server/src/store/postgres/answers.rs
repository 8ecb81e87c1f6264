//! Answers that are kept for writes with a key.

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use sqlx::{PgConnection, Row as _, query};

use super::PostgresStore;
use super::error::Fault;
use super::tx::PgTx;
use crate::store::StoreError;
use crate::store::answers::{AnswerKey, Answers, Begun, KeptAnswer, bounds, found};
use crate::store::columns::to_column;

impl Answers for PostgresStore {
    fn begin_answer(
        &self,
        key: AnswerKey,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Begun, StoreError>> {
        Box::pin(self.write(async move |tx: &mut PgTx<'_>| begin(tx.c, &key, now).await))
    }

    fn keep_answer(
        &self,
        key: AnswerKey,
        answer: KeptAnswer,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.write(async move |tx: &mut PgTx<'_>| {
            let sql = "UPDATE answers SET status = $4, body = $5
                       WHERE caller = $1 AND key = $2 AND print = $3 AND status IS NULL";
            let update = query(sql).bind(&key.caller).bind(&key.key).bind(&key.print[..]);
            let update = update.bind(i32::from(answer.status)).bind(&answer.body);
            update.execute(&mut *tx.c).await?;
            Ok(())
        }))
    }

    fn drop_answer(&self, key: AnswerKey) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.write(async move |tx: &mut PgTx<'_>| {
            let sql = "DELETE FROM answers
                       WHERE caller = $1 AND key = $2 AND print = $3 AND status IS NULL";
            let delete = query(sql).bind(&key.caller).bind(&key.key).bind(&key.print[..]);
            delete.execute(&mut *tx.c).await?;
            Ok(())
        }))
    }
}

async fn begin(c: &mut PgConnection, key: &AnswerKey, now: Timestamp) -> Result<Begun, Fault> {
    let (forgotten, lapsed) = bounds(now);
    let sql = "INSERT INTO answers (caller, key, print, at) VALUES ($1, $2, $3, $4)
               ON CONFLICT (caller, key) DO UPDATE
               SET print = excluded.print, at = excluded.at, status = NULL, body = NULL
               WHERE answers.at < $5
                  OR answers.at < $6 AND answers.status IS NULL AND answers.print = excluded.print
               RETURNING 1";
    let take = query(sql).bind(&key.caller).bind(&key.key).bind(&key.print[..]);
    let take = take.bind(to_column(now)).bind(forgotten).bind(lapsed);
    if take.fetch_optional(&mut *c).await?.is_some() {
        return Ok(Begun::Yours);
    }
    let read = "SELECT print, status, body FROM answers WHERE caller = $1 AND key = $2";
    let row = query(read).bind(&key.caller).bind(&key.key).fetch_one(c).await?;
    let status: Option<i32> = row.try_get(1)?;
    Ok(found(key, row.try_get(0)?, status.map(i64::from), row.try_get(2)?))
}

/// Forgets what nobody may ask for any more.
pub(super) async fn prune(c: &mut PgConnection, now: Timestamp) -> Result<(), Fault> {
    query("DELETE FROM answers WHERE at < $1").bind(bounds(now).0).execute(c).await?;
    Ok(())
}
