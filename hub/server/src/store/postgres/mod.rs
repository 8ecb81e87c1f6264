//! The store on a PostgreSQL server, for any number of processes: each has one connection that writes, a few
//! that read, a few for short writes, and one by which the others know that it is there ([`keeper`]).
//!
//! No head is kept between transactions, numbers are given by the server, every lock is the server's. What
//! a process holds (lanes, leases) stands in rows that name it; every commit finds out whether the process,
//! and each lease that it was taken under, still stands ([`writer`], [`leases`]). The order of locks is:
//! process ► leases ► seen ids ► references ► orders ► lanes.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use orderhub_order::ids::{OrderKey, SystemName};
use orderhub_order::model::{Order, State};
use tokio::sync::Mutex;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    AttemptFilter, AttemptRow, Backlog, ChangeRow, Filter, Lease, MessageRow, MinuteRow, Page,
    PauseRow, PendingRow, ReceiptRow, Scope, Store, StoreError, TodoCount, TodoFilter, TodoRow,
    TodoState,
};
use crate::apply::UnitOutcome;
use crate::bundle::Files;
use crate::store::codec;
use crate::store::columns::from_cursor;
use crate::store::commit::Batch;
use crate::store::counted::Counted;
use crate::store::reserved::Reserved;

mod connect;
mod error;
mod keeper;
mod lanes;
mod leases;
mod lists;
mod members;
mod minutes;
mod numbers;
mod open;
mod orders;
mod pauses;
mod pending;
mod pool;
mod schema;
mod seen;
mod todos;
mod tx;
mod write;
mod writer;

use error::Fault;
use keeper::Keeper;
use members::Members;
pub use open::{Login, Options};
use pool::Pool;
use tx::PgTx;
use writer::{Failed, Writer};

/// The store in a database.
#[derive(Debug)]
pub struct PostgresStore {
    install: String,
    seen_days: u16,
    writer: Arc<Mutex<Writer>>,
    failed: Failed,
    readers: Pool,
    shorts: Arc<Pool>,
    members: Arc<Members>,
    reserved: Arc<Reserved>,
    lanes: Counted<Backlog>,
    todos: Counted<TodoCount>,
    keeping: CancellationToken,
    /// Ends the keeper with the store.
    _ends: DropGuard,
}

impl Store for PostgresStore {
    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Vec<UnitOutcome>, StoreError>> {
        Box::pin(self.batch(batch))
    }

    fn state(
        &self,
        _scope: &Scope,
        key: OrderKey,
    ) -> BoxFuture<'_, Result<Option<Arc<State>>, StoreError>> {
        Box::pin(self.readers.run(move |c| Box::pin(orders::state(c, key))))
    }

    fn claim(
        &self,
        system: &SystemName,
        now: Timestamp,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<OrderKey>, StoreError>> {
        let (system, by) = (system.clone(), (now, self.members.process()));
        Box::pin(async move {
            let (of, reserved) = (system.clone(), Arc::clone(&self.reserved));
            let own = self.readers.run(move |c| Box::pin(lanes::own(c, of, by, limit, reserved)));
            let mut claimed = own.await?;
            let (of, left) = (system.clone(), limit.saturating_sub(claimed.len()));
            let free = self.shorts.run(move |c| Box::pin(lanes::claim(c, of, by, left)));
            claimed.extend(free.await?);
            self.reserved.claimed(&system, &claimed, now);
            Ok(claimed)
        })
    }

    fn next_due(
        &self,
        system: &SystemName,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Option<Timestamp>, StoreError>> {
        let (system, reserved) = (system.clone(), Arc::clone(&self.reserved));
        let by = (now, self.members.process());
        Box::pin(self.readers.run(move |c| Box::pin(lanes::next_due(c, system, by, reserved))))
    }

    fn release(&self, lanes: &[(SystemName, OrderKey)]) {
        self.reserved.release(lanes);
    }

    fn process(&self) -> u64 {
        self.members.process()
    }

    fn is_gone(&self, process: u64) -> bool {
        self.members.is_gone(process)
    }

    fn lives(&self) -> bool {
        self.members.lives()
    }

    fn lease(&self, name: &str) -> BoxFuture<'_, Result<Option<Lease>, StoreError>> {
        let (name, process) = (name.to_owned(), self.members.process());
        Box::pin(async move {
            let taken = self.shorts.run(move |c| Box::pin(leases::take(c, name, process)));
            let taken = taken.await?;
            taken.iter().for_each(|lease| self.members.hold(lease));
            Ok(taken)
        })
    }

    fn give_back(&self, lease: Lease) -> BoxFuture<'_, ()> {
        self.members.drop_lease(&lease);
        Box::pin(async move {
            let back = lease.clone();
            let back = self.shorts.run(move |c| Box::pin(leases::give_back(c, back)));
            if let Err(error) = back.await {
                tracing::warn!(%error, lease = lease.name(), "a lease is not given back yet");
            }
        })
    }

    fn timers(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<OrderKey>, StoreError>> {
        Box::pin(self.readers.run(move |c| Box::pin(lanes::timers(c, now, limit))))
    }

    fn sweep(&self, now: Timestamp) -> BoxFuture<'_, Result<u64, StoreError>> {
        let days = self.seen_days;
        Box::pin(self.write(async move |tx| {
            seen::prune(tx.c, now, days).await?;
            writer::prune(tx.c).await?;
            pending::sweep(tx.c, now).await
        }))
    }

    fn install(&self) -> &str {
        &self.install
    }

    fn find(&self, _scope: &Scope, word: &str) -> BoxFuture<'_, Result<Vec<OrderKey>, StoreError>> {
        let word = word.to_owned();
        Box::pin(self.readers.run(move |c| Box::pin(orders::find(c, word))))
    }

    fn list(
        &self,
        _scope: &Scope,
        filter: &Filter,
    ) -> BoxFuture<'_, Result<Page<Order>, StoreError>> {
        let filter = filter.clone();
        Box::pin(async move {
            let before = from_cursor(filter.cursor.as_deref(), OrderKey::parse)?;
            self.readers.run(move |c| Box::pin(lists::orders(c, filter, before))).await
        })
    }

    fn at(
        &self,
        _scope: &Scope,
        key: OrderKey,
        version: u32,
    ) -> BoxFuture<'_, Result<Option<Order>, StoreError>> {
        Box::pin(self.readers.run(move |c| Box::pin(orders::at(c, key, version))))
    }

    fn changes(
        &self,
        _scope: &Scope,
        key: OrderKey,
    ) -> BoxFuture<'_, Result<Vec<ChangeRow>, StoreError>> {
        Box::pin(self.readers.run(move |c| Box::pin(orders::changes(c, key))))
    }

    fn receipts(
        &self,
        _scope: &Scope,
        key: OrderKey,
    ) -> BoxFuture<'_, Result<Vec<ReceiptRow>, StoreError>> {
        Box::pin(self.readers.run(move |c| Box::pin(orders::receipts(c, key))))
    }

    fn attempts(
        &self,
        _scope: &Scope,
        filter: &AttemptFilter,
    ) -> BoxFuture<'_, Result<Page<AttemptRow>, StoreError>> {
        let filter = filter.clone();
        Box::pin(async move {
            let before = from_cursor(filter.cursor.as_deref(), |cursor| cursor.parse().ok())?;
            self.readers.run(move |c| Box::pin(lists::attempts(c, filter, before))).await
        })
    }

    fn todos(
        &self,
        _scope: &Scope,
        filter: &TodoFilter,
    ) -> BoxFuture<'_, Result<Page<TodoRow>, StoreError>> {
        let filter = filter.clone();
        Box::pin(async move {
            let before = from_cursor(filter.cursor.as_deref(), |cursor| cursor.parse().ok())?;
            self.readers.run(move |c| Box::pin(todos::list(c, filter, before))).await
        })
    }

    fn todo_counts(&self, _scope: &Scope) -> BoxFuture<'_, Result<Vec<TodoCount>, StoreError>> {
        let count = self.readers.run(|c| Box::pin(todos::counts(c)));
        Box::pin(self.todos.rows(|row| row.open, count))
    }

    fn todo(&self, _scope: &Scope, id: i64) -> BoxFuture<'_, Result<Option<TodoRow>, StoreError>> {
        Box::pin(self.readers.run(move |c| Box::pin(todos::one(c, id))))
    }

    fn message(
        &self,
        _scope: &Scope,
        id: i64,
    ) -> BoxFuture<'_, Result<Option<MessageRow>, StoreError>> {
        Box::pin(self.readers.run(move |c| Box::pin(pending::message(c, id))))
    }

    fn take_pending(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<PendingRow>, StoreError>> {
        Box::pin(async move {
            // A look costs no commit; most looks find nothing.
            if !self.readers.run(move |c| Box::pin(pending::any_due(c, now))).await? {
                return Ok(Vec::new());
            }
            self.write(async move |tx| pending::take(tx.c, now, limit).await).await
        })
    }

    fn backlog(&self) -> BoxFuture<'_, Result<Vec<Backlog>, StoreError>> {
        let count = self.readers.run(|c| Box::pin(lanes::backlog(c)));
        Box::pin(self.lanes.rows(|row| row.pending, count))
    }

    fn minutes(
        &self,
        system: &SystemName,
        since: Timestamp,
    ) -> BoxFuture<'_, Result<Vec<MinuteRow>, StoreError>> {
        let (system, since) = (system.clone(), MinuteRow::minute(since));
        Box::pin(self.readers.run(move |c| Box::pin(minutes::minutes(c, system, since))))
    }

    fn close_todo(
        &self,
        id: i64,
        state: TodoState,
        reason: String,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        let close =
            async move |tx: &mut PgTx<'_>| todos::close(tx.c, id, state, &reason, now).await;
        Box::pin(self.write(close))
    }

    fn replay(&self, id: i64, now: Timestamp) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(self.write(async move |tx| todos::replay(tx.c, id, now).await))
    }

    fn pauses(&self) -> BoxFuture<'_, Result<Vec<PauseRow>, StoreError>> {
        Box::pin(self.readers.run(|c| Box::pin(pauses::all(c))))
    }

    fn pause(&self, pause: PauseRow) -> BoxFuture<'_, Result<(), StoreError>> {
        let keep = async move |tx: &mut PgTx<'_>| pauses::keep(tx.c, &pause).await;
        Box::pin(self.write(keep))
    }

    fn resume(
        &self,
        system: &SystemName,
        operation: Option<&str>,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        let (system, operation) = (system.clone(), operation.map(str::to_owned));
        let end =
            async move |tx: &mut PgTx<'_>| pauses::end(tx.c, &system, operation.as_deref()).await;
        Box::pin(self.write(end))
    }

    fn activate(
        &self,
        hash: &str,
        files: &Files,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        let (hash, files) = (hash.to_owned(), files.clone());
        let run = async move |writer: &mut Writer| {
            let packed = writer.pack(&codec::files(&files).map_err(Fault::from)?);
            let keep =
                async |tx: &mut PgTx<'_>| Ok(orders::activate(tx.c, &hash, &packed, now).await?);
            writer.run(None, keep).await
        };
        Box::pin(self.writer(run))
    }

    fn ready(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let answers = self.readers.run(|c| Box::pin(schema::answers(c))).await;
            // What went wrong with a commit says more than a server that does not answer at all.
            self.failed.get().map_or(answers, Err)
        })
    }

    fn try_write(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        // The id of the transaction is the row.
        Box::pin(self.write(async |_| Ok(())))
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.readers.close().await;
            self.writer.lock().await.close().await;
            self.keeping.cancel();
            Keeper::end(&self.members, &self.shorts).await;
            self.shorts.close().await;
        })
    }
}
