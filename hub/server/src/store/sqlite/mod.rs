//! The embedded store: one writer thread, WAL, `synchronous=FULL`, four readers with a deadline.
//!
//! **Invariant:** one process at a time has the file, so that what was reserved by an earlier process
//! has lapsed when this one opens it. Test: `a_second_process_is_refused_in_words`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use orderhub_order::identify::{Bound, ReferenceKey};
use orderhub_order::ids::{OrderKey, SystemName};
use tokio::sync::{mpsc, oneshot};

pub use look::{Look, look};

use super::{
    Backlog, MinuteRow, PauseRow, PendingRow, Pruned, RestingRow, Store, StoreError, TodoCount,
    TodoEnd, WaitingRow,
};
use crate::bundle::{Files, Listened, Listens};
use crate::store::commit::{Batch, Outcomes, WORTH_LOOKING};
use crate::store::counted::{Counted, untimed};
use crate::store::keep::Kept;
use crate::store::reserved::Reserved;
use crate::store::search::SearchKey;

mod answers;
pub(super) mod copy;
mod error;
mod fetches;
mod heads;
mod indexing;
mod lanes;
mod listens;
mod lists;
mod look;
mod minutes;
mod numbers;
mod open;
mod orders;
mod pauses;
mod peers;
mod pending;
mod people;
mod prune;
mod readers;
mod reads;
mod resting;
mod said;
mod schema;
mod scout;
mod search;
mod seen;
mod todos;
mod traffic;
mod tx;
mod write;
mod writer;

use heads::Heads;
pub use indexing::forget_search;
pub use open::Options;
use readers::Readers;
use scout::Scout;
pub use traffic::FileTraffic;
use writer::{After, Job, call};

/// The store in one file.
#[derive(Debug)]
pub struct SqliteStore {
    install: String,
    process: u64,
    search: SearchKey,
    kept: Kept,
    jobs: mpsc::Sender<Job>,
    readers: Readers,
    scout: Arc<Scout>,
    heads: Arc<Heads>,
    reserved: Arc<Reserved>,
    lanes: Counted<Backlog>,
    resting: Counted<RestingRow>,
    waiting: Counted<WaitingRow>,
    todos: Counted<TodoCount>,
    /// Nothing may be begun under it any more.
    closing: AtomicBool,
}

impl Store for SqliteStore {
    fn prepares(&self) -> bool {
        true
    }

    fn prepare(&self, mut batch: Batch) -> BoxFuture<'_, Result<Batch, StoreError>> {
        let scout = Arc::clone(&self.scout);
        Box::pin(async move {
            if batch.len() < WORTH_LOOKING {
                scout.look(&mut batch);
                return Ok(batch);
            }
            let looked = tokio::task::spawn_blocking(move || {
                scout.look(&mut batch);
                batch
            });
            looked.await.map_err(|_| StoreError::Closed)
        })
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Outcomes, StoreError>> {
        // One process has the file: no lease is ever another's.
        let commit = call(&self.jobs, move |writer| writer.apply(batch));
        Box::pin(async { Ok(commit.await?.into_iter().map(Ok).collect()) })
    }

    fn claim(
        &self,
        system: &SystemName,
        now: Timestamp,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<OrderKey>, StoreError>> {
        let (system, by) = (system.clone(), (self.process, Arc::clone(&self.reserved)));
        Box::pin(async move {
            let asked = system.clone();
            let due = move |c: &_| lanes::due(c, &asked, now, limit, (by.0, &by.1));
            let claimed = self.readers.read(due).await?;
            self.reserved.claimed(&system, &claimed, now);
            Ok(claimed)
        })
    }

    fn next_due(
        &self,
        system: &SystemName,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Option<Timestamp>, StoreError>> {
        let (system, by) = (system.clone(), (self.process, Arc::clone(&self.reserved)));
        let next = move |c: &_| lanes::next_due(c, &system, now, (by.0, &by.1));
        Box::pin(self.readers.read(next))
    }

    fn put_off(
        &self,
        system: &SystemName,
        now: Timestamp,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<OrderKey>, StoreError>> {
        let system = system.clone();
        Box::pin(self.readers.read(move |c| lanes::put_off(c, &system, now, limit)))
    }

    fn release(&self, lanes: &[(SystemName, OrderKey)]) {
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
        Box::pin(self.readers.read(move |c| orders::bundle(c, &hash)))
    }

    fn bundle_since(&self, hash: &str) -> BoxFuture<'_, Result<Option<Timestamp>, StoreError>> {
        let hash = hash.to_owned();
        Box::pin(self.readers.read(move |c| orders::bundle_since(c, &hash)))
    }

    fn timers(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<OrderKey>, StoreError>> {
        Box::pin(self.readers.read(move |c| lanes::timers(c, now, limit)))
    }

    fn sweep(&self, now: Timestamp) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(call(&self.jobs, move |writer| {
            writer.transaction(|writer| {
                if writer.failed.is_some() {
                    // Nobody else may be left to try: what is not ready is sent no work.
                    writer.try_write()?;
                }
                answers::prune(&writer.connection, now)?;
                Ok(pending::sweep(&writer.connection, now)?)
            })
        }))
    }

    fn wake_for_files(
        &self,
        bundle: &str,
        now: Timestamp,
        most: usize,
    ) -> BoxFuture<'_, Result<u64, StoreError>> {
        let bundle: Box<str> = bundle.into();
        Box::pin(call(&self.jobs, move |writer| {
            writer.transaction(|writer| {
                Ok(pending::wake_for_files(&writer.connection, &bundle, now, most)?)
            })
        }))
    }

    fn prune(&self, now: Timestamp) -> BoxFuture<'_, Result<Pruned, StoreError>> {
        let kept = self.kept;
        Box::pin(call(&self.jobs, move |writer| prune::step(writer, kept, now)))
    }

    fn bound(
        &self,
        keys: Vec<ReferenceKey>,
    ) -> BoxFuture<'_, Result<Vec<Option<Bound>>, StoreError>> {
        let read = move |c: &_| keys.iter().map(|key| tx::bound(c, key)).collect();
        Box::pin(self.readers.read(read))
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
            if !self.readers.read(move |c| pending::any_due(c, now)).await? {
                return Ok(Vec::new());
            }
            call(&self.jobs, move |writer| {
                writer
                    .transaction(|writer| Ok(pending::take(&writer.connection, None, now, limit)?))
            })
            .await
        })
    }

    fn backlog(&self) -> BoxFuture<'_, Result<Vec<Backlog>, StoreError>> {
        Box::pin(self.lanes.rows(|row| row.pending, self.readers.read(untimed(lanes::backlog))))
    }

    fn minutes(
        &self,
        system: &SystemName,
        since: Timestamp,
    ) -> BoxFuture<'_, Result<Vec<MinuteRow>, StoreError>> {
        let (system, since) = (system.clone(), MinuteRow::minute(since));
        Box::pin(self.readers.read(move |c| minutes::minutes(c, &system, since)))
    }

    fn close_todo(&self, id: i64, end: TodoEnd) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(call(&self.jobs, move |writer| {
            writer.transaction(|w| Ok(todos::close(&w.connection, id, &end)?))
        }))
    }

    fn replay(&self, id: i64, by: &str, now: Timestamp) -> BoxFuture<'_, Result<bool, StoreError>> {
        let by = by.to_owned();
        Box::pin(call(&self.jobs, move |writer| {
            writer.transaction(|w| Ok(todos::replay(&w.connection, id, &by, now)?))
        }))
    }

    fn pauses(&self) -> BoxFuture<'_, Result<Vec<PauseRow>, StoreError>> {
        Box::pin(self.readers.read(pauses::all))
    }

    fn pause(&self, pause: PauseRow) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(call(&self.jobs, move |writer| {
            writer.transaction(|w| Ok(pauses::keep(&w.connection, &pause)?))
        }))
    }

    fn resume(
        &self,
        system: &SystemName,
        operation: Option<&str>,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        let (system, operation) = (system.clone(), operation.map(str::to_owned));
        Box::pin(call(&self.jobs, move |writer| {
            writer.transaction(|w| Ok(pauses::end(&w.connection, &system, operation.as_deref())?))
        }))
    }

    fn activate(
        &self,
        (hash, files): (&str, &Files),
        listens: &Listens,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Listened, StoreError>> {
        let (hash, files, listens) = (hash.to_owned(), files.clone(), listens.clone());
        Box::pin(call(&self.jobs, move |writer| {
            writer.transaction(|writer| {
                let listened = listens::next(&writer.connection, &listens, now)?;
                orders::activate(writer, &hash, &files, now)?;
                Ok(listened)
            })
        }))
    }

    fn listened(&self) -> BoxFuture<'_, Result<Option<Listened>, StoreError>> {
        Box::pin(self.readers.read(listens::listened))
    }

    fn in_use(&self) -> BoxFuture<'_, Result<Option<String>, StoreError>> {
        Box::pin(self.readers.read(listens::in_use))
    }

    fn ready(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            call(&self.jobs, |writer| writer.failed.clone().map_or(Ok(()), Err)).await?;
            self.readers.read(|c| Ok(c.query_row("SELECT 1", [], |_| Ok(()))?)).await
        })
    }

    fn try_write(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(call(&self.jobs, |writer| writer.transaction(|writer| writer.try_write())))
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.closing.store(true, Ordering::Release);
            self.readers.close().await;
            self.scout.close();
            let (done, ended) = oneshot::channel::<()>();
            let last: Job = Box::new(move |_| {
                drop(done);
                After::End
            });
            if self.jobs.send(last).await.is_ok() {
                // The sender is dropped, not used: an answer is an error, and means that it ended.
                let _ended = ended.await.is_err();
            }
            self.jobs.closed().await;
        })
    }
}
