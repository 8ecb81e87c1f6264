//! Lanes that rest, and messages that wait, from their indexes alone.

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use orderhub_order::ids::{OrderKey, SystemName};
use sqlx::{PgConnection, query, query_as, query_scalar};

use super::error::Fault;
use super::{PostgresStore, pending};
use crate::store::columns::from_column;
use crate::store::commit::ABOUT;
use crate::store::counted::timed;
use crate::store::resting::resting_row;
use crate::store::{PendingRow, Resting, RestingRow, StoreError, WaitingDocument, WaitingRow};

async fn resting(
    c: &mut PgConnection,
    after: OrderKey,
    limit: usize,
    held: bool,
) -> Result<Vec<OrderKey>, Fault> {
    let sql = "SELECT DISTINCT k FROM lanes
               WHERE rests IS NOT NULL AND ($3 OR rests <> 'held') AND k > $1 ORDER BY k LIMIT $2";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let keys = query_scalar::<_, i64>(sql).bind(after.0).bind(limit).bind(held);
    Ok(keys.fetch_all(c).await?.into_iter().map(OrderKey).collect())
}

async fn woken(c: &mut PgConnection) -> Result<Option<String>, Fault> {
    let sql = "SELECT value FROM meta WHERE name = 'woken'";
    Ok(query_scalar(sql).fetch_optional(c).await?)
}

async fn keep_woken(c: &mut PgConnection, bundle: &str) -> Result<(), Fault> {
    let keep = "INSERT INTO meta (name, value) VALUES ('woken', $1)
                ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    query(keep).bind(bundle).execute(c).await?;
    Ok(())
}

pub(super) async fn rests(c: &mut PgConnection) -> Result<Vec<RestingRow>, Fault> {
    let sql = "SELECT system, rests, count(*) FROM lanes WHERE rests IS NOT NULL
               GROUP BY system, rests ORDER BY system, rests";
    let rows = query_as::<_, (String, String, i64)>(sql).fetch_all(c).await?;
    Ok(rows.into_iter().filter_map(|(system, rest, n)| resting_row(system, &rest, n)).collect())
}

pub(super) async fn waits(c: &mut PgConnection) -> Result<Vec<WaitingRow>, Fault> {
    let sql = "SELECT why, count(*), min(since) FROM pending GROUP BY why ORDER BY why";
    let rows = query_as::<_, (String, i64, i64)>(sql).fetch_all(c).await?.into_iter();
    let row = |(why, count, oldest)| {
        let count = u64::try_from(count).unwrap_or(0);
        WaitingRow { why, count, oldest: from_column(oldest) }
    };
    Ok(rows.map(row).collect())
}

/// What of these systems waits and is about one of these words.
async fn waiting_about(
    c: &mut PgConnection,
    systems: &[String],
    words: &[String],
    limit: usize,
) -> Result<Vec<WaitingDocument>, Fault> {
    let rows = "SELECT DISTINCT p.since, p.id, k.system
                FROM pending_keys k JOIN pending p ON p.id = k.pending
                WHERE k.system = ANY($1) AND k.kind = $2 AND k.ext_id = ANY($3)
                    AND p.why IN ('waiting', 'reading')
                ORDER BY p.since, p.id LIMIT $4";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = query_as::<_, (i64, i64, String)>(rows).bind(systems).bind(ABOUT).bind(words);
    let rows = rows.bind(limit).fetch_all(&mut *c).await?;
    let ids: Vec<i64> = rows.iter().map(|(_, id, _)| *id).collect();
    let named = "SELECT pending, kind, ext_id FROM pending_keys
                 WHERE pending = ANY($1) AND (kind NOT LIKE '#%' OR kind = '#read')";
    let named = query_as::<_, (i64, String, String)>(named).bind(&ids).fetch_all(&mut *c).await?;
    let of = |(since, id, system): &(i64, i64, String)| {
        let own = named.iter().filter(|(pending, ..)| pending == id);
        let keys = own.map(|(_, kind, ext_id)| (kind.clone(), ext_id.clone())).collect();
        WaitingDocument::new(SystemName::new(system.as_str()), from_column(*since), keys)
    };
    Ok(rows.iter().map(of).collect())
}

impl Resting for PostgresStore {
    fn asking(&self, now: Timestamp) -> BoxFuture<'_, Result<Vec<SystemName>, StoreError>> {
        Box::pin(self.readers.run(move |c| Box::pin(pending::asking(c, now))))
    }

    fn take_asking(
        &self,
        system: &SystemName,
        now: Timestamp,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<PendingRow>, StoreError>> {
        let asks = system.clone();
        Box::pin(self.write(async move |tx| pending::take(tx.c, Some(&asks), now, limit).await))
    }

    fn wake_for_answer(
        &self,
        system: &SystemName,
        read: &str,
        now: Timestamp,
        most: usize,
    ) -> BoxFuture<'_, Result<u64, StoreError>> {
        let (system, read): (SystemName, Box<str>) = (system.clone(), read.into());
        Box::pin(self.write(async move |tx| {
            pending::wake_for_answer(tx.c, (&system, &read), now, most).await
        }))
    }

    fn ask_next(&self, now: Timestamp) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(self.write(async move |tx| pending::ask_next(tx.c, now).await))
    }

    fn waiting_about(
        &self,
        systems: &[SystemName],
        words: &[&str],
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<WaitingDocument>, StoreError>> {
        // No text of the database has a NUL, and no document either.
        let words: Vec<String> = words
            .iter()
            .filter(|word| !word.contains('\0'))
            .map(|word| (*word).to_owned())
            .collect();
        let systems: Vec<String> = systems.iter().map(ToString::to_string).collect();
        Box::pin(
            self.readers.run(move |c| {
                Box::pin(async move { waiting_about(c, &systems, &words, limit).await })
            }),
        )
    }

    fn resting(
        &self,
        after: OrderKey,
        limit: usize,
        held: bool,
    ) -> BoxFuture<'_, Result<Vec<OrderKey>, StoreError>> {
        Box::pin(self.readers.run(move |c| Box::pin(resting(c, after, limit, held))))
    }

    fn woken(&self) -> BoxFuture<'_, Result<Option<String>, StoreError>> {
        Box::pin(self.readers.run(|c| Box::pin(woken(c))))
    }

    fn keep_woken(&self, bundle: &str) -> BoxFuture<'_, Result<(), StoreError>> {
        let bundle: Box<str> = bundle.into();
        Box::pin(self.write(async move |tx| keep_woken(tx.c, &bundle).await))
    }

    fn rests(&self) -> BoxFuture<'_, Result<Vec<RestingRow>, StoreError>> {
        let count = self.readers.run(|c| Box::pin(timed(rests(c))));
        Box::pin(self.resting.rows(|row| row.lanes, count))
    }

    fn waits(&self) -> BoxFuture<'_, Result<Vec<WaitingRow>, StoreError>> {
        let count = self.readers.run(|c| Box::pin(timed(waits(c))));
        Box::pin(self.waiting.rows(|row| row.count, count))
    }
}
