//! Answers that are kept for writes with a key.

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::SqliteStore;
use super::error::Fault;
use super::writer::call;
use crate::store::StoreError;
use crate::store::answers::{AnswerKey, Answers, Begun, KeptAnswer, bounds, found};
use crate::store::columns::to_column;

impl Answers for SqliteStore {
    fn begin_answer(
        &self,
        key: AnswerKey,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Begun, StoreError>> {
        Box::pin(call(&self.jobs, move |writer| {
            writer.transaction(|w| Ok(begin(&w.connection, &key, now)?))
        }))
    }

    fn keep_answer(
        &self,
        key: AnswerKey,
        answer: KeptAnswer,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(call(&self.jobs, move |writer| {
            writer.transaction(|w| Ok(keep(&w.connection, &key, &answer)?))
        }))
    }

    fn drop_answer(&self, key: AnswerKey) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(call(&self.jobs, move |writer| {
            writer.transaction(|w| Ok(give_back(&w.connection, &key)?))
        }))
    }
}

fn begin(c: &Connection, key: &AnswerKey, now: Timestamp) -> Result<Begun, Fault> {
    let (forgotten, lapsed) = bounds(now);
    let taken = c
        .prepare_cached(
            "INSERT INTO answers (caller, key, print, at) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (caller, key) DO UPDATE
             SET print = excluded.print, at = excluded.at, status = NULL, body = NULL
             WHERE answers.at < ?5
                OR answers.at < ?6 AND answers.status IS NULL AND answers.print = excluded.print
             RETURNING 1",
        )?
        .query_row(
            params![key.caller, key.key, key.print, to_column(now), forgotten, lapsed],
            |_| Ok(()),
        )
        .optional()?;
    if taken.is_some() {
        return Ok(Begun::Yours);
    }
    let read = "SELECT print, status, body FROM answers WHERE caller = ?1 AND key = ?2";
    let row = c.prepare_cached(read)?.query_row([&key.caller, &key.key], |row| {
        Ok((row.get::<_, Vec<u8>>(0)?, row.get(1)?, row.get(2)?))
    })?;
    Ok(found(key, &row.0, row.1, row.2))
}

fn keep(c: &Connection, key: &AnswerKey, answer: &KeptAnswer) -> Result<(), Fault> {
    let sql = "UPDATE answers SET status = ?4, body = ?5
               WHERE caller = ?1 AND key = ?2 AND print = ?3 AND status IS NULL";
    let values = params![key.caller, key.key, key.print, answer.status, answer.body];
    c.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

fn give_back(c: &Connection, key: &AnswerKey) -> Result<(), Fault> {
    let sql = "DELETE FROM answers
               WHERE caller = ?1 AND key = ?2 AND print = ?3 AND status IS NULL";
    c.prepare_cached(sql)?.execute(params![key.caller, key.key, key.print])?;
    Ok(())
}

/// Forgets what nobody may ask for any more.
pub(super) fn prune(c: &Connection, now: Timestamp) -> Result<(), Fault> {
    c.prepare_cached("DELETE FROM answers WHERE at < ?1")?.execute([bounds(now).0])?;
    Ok(())
}
