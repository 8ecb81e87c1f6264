//! The store on a PostgreSQL server, for any number of processes: each has one connection that writes ([`turns`]), a few
//! that read, a few for short writes, and one by which the others know that it is there ([`keeper`]).
//!
//! Every transaction reads the rows that it locks, whatever was known of them: only what they decode to is kept
//! ([`decoded`]). Numbers are given by the server, every lock is the server's. What
//! a process holds (lanes, leases) stands in rows that name it; every commit finds out whether the process,
//! and each lease that it was taken under, still stands ([`writer`], [`leases`]). The order of locks is:
//! process ► leases ► seen ids ► references ► orders ► lanes.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use orderhub_order::identify::{Bound, ReferenceKey};
use orderhub_order::ids::{OrderKey, SystemName};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    Backlog, MinuteRow, PauseRow, PendingRow, Pruned, RestingRow, Store, StoreError, TodoCount,
    TodoEnd, WaitingRow,
};
use crate::bundle::{Files, Listened, Listens};
use crate::store::codec;
use crate::store::commit::{Batch, Outcomes};
use crate::store::counted::{Counted, timed};
use crate::store::keep::Kept;
use crate::store::reserved::Reserved;
use crate::store::search::SearchKey;

mod answers;
mod beats;
mod board;
mod connect;
pub(super) mod copy;
mod decoded;
mod error;
mod fetches;
mod held;
mod indexing;
mod keeper;
mod lanes;
mod leases;
mod listens;
mod lists;
mod look;
mod marks;
mod members;
mod minutes;
mod numbers;
mod open;
mod orders;
mod partitions;
mod pauses;
mod peers;
mod pending;
mod pool;
mod prune;
mod reads;
mod resting;
mod said;
mod schema;
mod search;
mod seen;
mod shared;
mod todos;
mod together;
mod traffic;
mod turns;
mod tx;
mod write;
mod writer;

use board::Board;
use decoded::Decoded;
use error::Fault;
pub use held::{Held, Holder, held};
pub use indexing::forget_search;
use keeper::Keeper;
pub use look::{Look, look};
use marks::Marks;
use members::Members;
pub use open::{Login, Options};
use pool::Pool;
pub use traffic::DatabaseTraffic;
use turns::Turns;
use tx::PgTx;
use writer::{Failed, Writer};

/// The store in a database.
#[derive(Debug)]
pub struct PostgresStore {
    install: String,
    search: SearchKey,
    kept: Kept,
    writer: Turns,
    failed: Failed,
    readers: Arc<Pool>,
    shorts: Arc<Pool>,
    pruner: Arc<Pool>,
    board: Arc<Board>,
    members: Arc<Members>,
    reserved: Arc<Reserved>,
    marks: Arc<Marks>,
    decoded: Arc<Decoded>,
    lanes: Counted<Backlog>,
    resting: Counted<RestingRow>,
    waiting: Counted<WaitingRow>,
    todos: Counted<TodoCount>,
    keeper: Mutex<Option<JoinHandle<()>>>,
    keeping: CancellationToken,
    /// Ends the keeper with the store.
    _ends: DropGuard,
}

impl Store for PostgresStore {
    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Outcomes, StoreError>> {
        Box::pin(self.batch(batch))
    }

    fn claim(
        &self,
        system: &SystemName,
        now: Timestamp,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<OrderKey>, StoreError>> {
        let (system, by) = (system.clone(), (now, self.members.process()));
        Box::pin(async move {
            let known = (Arc::clone(&self.reserved), Arc::clone(&self.marks));
            let of = system.clone();
            let own = self.readers.run(move |c| Box::pin(lanes::own(c, of, by, limit, known)));
            let mut claimed = own.await?;
            let (of, left) = (system.clone(), limit.saturating_sub(claimed.len()));
            // A look for none would pass for one that found none.
            if left > 0 {
                let marks = Arc::clone(&self.marks);
                let free = self.shorts.run(move |c| Box::pin(lanes::claim(c, of, by, left, marks)));
                claimed.extend(free.await?);
            }
            self.reserved.claimed(&system, &claimed, now);
            Ok(claimed)
        })
    }

    fn next_due(
        &self,
        system: &SystemName,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Option<Timestamp>, StoreError>> {
        let (system, by) = (system.clone(), (now, self.members.process()));
        let known = (Arc::clone(&self.reserved), Arc::clone(&self.marks));
        Box::pin(self.readers.run(move |c| Box::pin(lanes::next_due(c, system, by, known))))
    }

    fn put_off(
        &self,
        system: &SystemName,
        now: Timestamp,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<OrderKey>, StoreError>> {
        let system = system.clone();
        Box::pin(self.readers.run(move |c| Box::pin(lanes::put_off(c, system, now, limit))))
    }

    fn release(&self, lanes: &[(SystemName, OrderKey)]) {
        self.reserved.release(lanes);
        lanes.iter().for_each(|(system, _)| self.marks.forget_own(system));
    }

    fn rest(&self, lanes: &[(SystemName, OrderKey)]) {
        self.reserved.release(lanes);
    }

    fn parked(&self, system: &SystemName, count: usize) {
        self.reserved.parked(system, count);
    }

    fn in_hand(&self, system: &SystemName) -> usize {
        self.reserved.in_hand(system)
    }

    fn bundle(&self, hash: &str) -> BoxFuture<'_, Result<Option<Files>, StoreError>> {
        let hash = hash.to_owned();
        Box::pin(self.readers.run(move |c| Box::pin(orders::bundle(c, hash))))
    }

    fn bundle_since(&self, hash: &str) -> BoxFuture<'_, Result<Option<Timestamp>, StoreError>> {
        let hash = hash.to_owned();
        Box::pin(self.readers.run(move |c| Box::pin(orders::bundle_since(c, hash))))
    }

    fn timers(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<OrderKey>, StoreError>> {
        Box::pin(self.readers.run(move |c| Box::pin(lanes::timers(c, now, limit))))
    }

    fn sweep(&self, now: Timestamp) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(self.write(async move |tx| {
            writer::prune(tx.c).await?;
            shared::prune(tx.c).await?;
            answers::prune(tx.c, now).await?;
            pending::sweep(tx.c, now).await
        }))
    }

    fn wake_for_files(
        &self,
        bundle: &str,
        now: Timestamp,
        most: usize,
    ) -> BoxFuture<'_, Result<u64, StoreError>> {
        let bundle: Box<str> = bundle.into();
        Box::pin(
            self.write(async move |tx| pending::wake_for_files(tx.c, &bundle, now, most).await),
        )
    }

    fn prune(&self, now: Timestamp) -> BoxFuture<'_, Result<Pruned, StoreError>> {
        let kept = self.kept;
        Box::pin(self.pruner.run(move |c| Box::pin(prune::step(c, kept, now))))
    }

    fn bound(
        &self,
        keys: Vec<ReferenceKey>,
    ) -> BoxFuture<'_, Result<Vec<Option<Bound>>, StoreError>> {
        Box::pin(self.readers.run(move |c| Box::pin(async move { tx::bound_to(c, &keys).await })))
    }

    fn install(&self) -> &str {
        &self.install
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
            self.write(async move |tx| pending::take(tx.c, None, now, limit).await).await
        })
    }

    fn backlog(&self) -> BoxFuture<'_, Result<Vec<Backlog>, StoreError>> {
        let count = self.readers.run(|c| Box::pin(timed(lanes::backlog(c))));
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

    fn close_todo(&self, id: i64, end: TodoEnd) -> BoxFuture<'_, Result<bool, StoreError>> {
        let close = async move |tx: &mut PgTx<'_>| todos::close(tx.c, id, &end).await;
        Box::pin(self.write(close))
    }

    fn replay(&self, id: i64, by: &str, now: Timestamp) -> BoxFuture<'_, Result<bool, StoreError>> {
        let by = by.to_owned();
        Box::pin(self.write(async move |tx| todos::replay(tx.c, id, &by, now).await))
    }

    fn pauses(&self) -> BoxFuture<'_, Result<Vec<PauseRow>, StoreError>> {
        Box::pin(self.readers.run(|c| Box::pin(pauses::all(c))))
    }

    fn pause(&self, pause: PauseRow) -> BoxFuture<'_, Result<(), StoreError>> {
        let keep = async move |tx: &mut PgTx<'_>| pauses::keep(tx.c, &pause).await;
        Box::pin(async move {
            self.write(keep).await?;
            self.board.refresh().await
        })
    }

    fn resume(
        &self,
        system: &SystemName,
        operation: Option<&str>,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        let (system, operation) = (system.clone(), operation.map(str::to_owned));
        let end =
            async move |tx: &mut PgTx<'_>| pauses::end(tx.c, &system, operation.as_deref()).await;
        Box::pin(async move {
            let ended = self.write(end).await?;
            self.board.refresh().await?;
            Ok(ended)
        })
    }

    fn activate(
        &self,
        (hash, files): (&str, &Files),
        listens: &Listens,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Listened, StoreError>> {
        let (hash, files, listens) = (hash.to_owned(), files.clone(), listens.clone());
        let run = async move |writer: &mut Writer| {
            let packed = writer.pack(&codec::files(&files).map_err(Fault::from)?);
            let keep = async |tx: &mut PgTx<'_>| {
                let listened = listens::next(tx.c, &listens, now).await?;
                orders::activate(tx.c, &hash, &packed, now).await?;
                Ok(listened)
            };
            writer.run(None, keep).await
        };
        Box::pin(async move {
            let listened = self.writer.run(run).await?;
            self.board.refresh().await?;
            Ok(listened)
        })
    }

    fn listened(&self) -> BoxFuture<'_, Result<Option<Listened>, StoreError>> {
        Box::pin(self.readers.run(|c| Box::pin(listens::listened(c))))
    }

    fn in_use(&self) -> BoxFuture<'_, Result<Option<String>, StoreError>> {
        Box::pin(self.readers.run(|c| Box::pin(listens::in_use(c))))
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
            let closed = self.writer.run(async |writer: &mut Writer| {
                writer.close().await;
                Ok(())
            });
            // It is given up whatever it says.
            drop(closed.await);
            // The others hear of it before anything that may take its time.
            self.keeping.cancel();
            if let Some(keeper) = self.keeper.lock().await.take() {
                drop(keeper.await);
            }
            Keeper::end(&self.members, &self.shorts).await;
            self.readers.close().await;
            self.shorts.close().await;
            self.pruner.close().await;
        })
    }
}
