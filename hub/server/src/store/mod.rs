//! The store's contract: apply, claim, settle; [`Reads`]. SQLite in a file, PostgreSQL on a server.
//!
//! **Invariant:** one transaction holds the raw message, the new order version, its audit and what its
//! lanes want. There is no second truth. Tests: `a_full_disk_acknowledges_nothing_and_passes`,
//! `three_kills_lose_nothing_double_nothing_and_keep_the_order`.

use std::fmt::Debug;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use orderhub_order::ids::{OrderKey, SystemName};

use crate::apply::{Unit, UnitOutcome};
use crate::bundle::{Bundle, Files};
use crate::config::{self, Secrets, StoreUrl};

mod answers;
mod codec;
mod columns;
mod commit;
mod cores;
mod counted;
mod fetches;
mod forecast;
mod lease;
mod pack;
mod peers;
pub mod postgres;
mod reads;
mod reserved;
mod rows;
mod scope;
mod shared;
pub mod sqlite;
mod unpack;
mod waits;

pub use answers::{AnswerKey, Answers, Begun, KEPT, KeptAnswer, LAPSES};
pub use codec::{CodecError, unpack};
pub use commit::{Batch, Outcomes};
pub use fetches::{FetchRow, Fetches};
pub use lease::Lease;
pub use peers::Peers;
pub use reads::Reads;
pub use rows::{
    AttemptFilter, AttemptRow, Backlog, ChangeRow, Filter, MOST_ROWS, MessageRow, MinuteRow, Page,
    PauseRow, PendingRow, ReceiptRow, TodoCount, TodoEnd, TodoFilter, TodoRow, TodoState,
};
pub use scope::{Part, Scope};
pub use shared::{Ask, Leave, News, Shared, ShutRow, ThrottleRow};

/// Opens the store of the settings. `instance`: the name of this process among those on one database.
///
/// # Errors
///
/// [`StoreError`].
pub async fn open(
    settings: &config::Store,
    secrets: &Secrets,
    instance: &str,
) -> Result<Arc<dyn Store>, StoreError> {
    let seen_days = settings.seen_days.get();
    match settings.url.clone() {
        StoreUrl::Sqlite(path) => {
            let options = sqlite::Options { seen_days, ..sqlite::Options::at(path) };
            // It blocks for a moment, so not on this thread.
            let open = move || sqlite::SqliteStore::open(&options);
            let opened = tokio::task::spawn_blocking(open).await;
            let store = opened.map_err(|error| StoreError::Failed(error.to_string()))??;
            Ok(Arc::new(store))
        }
        StoreUrl::Postgres(url) => {
            let secrets = secrets.clone();
            let login = settings.password.clone();
            let login = login.map(|password| postgres::Login { password, secrets });
            let options = postgres::Options {
                login,
                seen_days,
                ..postgres::Options::at(url.as_str(), instance)
            };
            Ok(Arc::new(postgres::PostgresStore::open(&options).await?))
        }
    }
}

/// The schema of stores whose bodies are read no more.
const UNRELEASED: i64 = 1;

/// What the store could not do.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The file or server refused; nothing of the batch is stored.
    #[error("the store failed: {0}")]
    Failed(String),
    /// The store was written by a newer program.
    #[error("the store has schema {found}, this program knows {known}; run the newer program")]
    Newer {
        /// In the store.
        found: i64,
        /// In this program.
        known: i64,
    },
    /// The store was written before the first release, in a form that is read no more.
    #[error(
        "the store was written by a program from before the first release, and its orders cannot be read any \
         more; begin with a new one: move the file away, or name another database"
    )]
    Unreleased,
    /// The disk is full: nothing is acknowledged until there is room.
    #[error("no room left for the store; free some disk space, the hub goes on by itself")]
    Full,
    /// A cursor that no page gave.
    #[error("the cursor `{0}` cannot be read; take it from `next` of the page before")]
    Cursor(String),
    /// A read took longer than its deadline.
    #[error("the read took longer than {0} ms and was stopped; narrow it")]
    Deadline(u64),
    /// What its source gave before it was not stored: both come again, in their order.
    #[error("not stored: what came before it from the same source was not")]
    Behind,
    /// This process was away for so long that others took it for gone, or another has the lease under which
    /// this was done.
    #[error(
        "this process was away for too long, and another goes on with its work: nothing is stored"
    )]
    Fenced,
    /// The store is shutting down.
    #[error("the store is closed")]
    Closed,
}

/// Where every order lives.
pub trait Store: Reads + Answers + Fetches + Peers + Debug + Send + Sync {
    /// Folds and writes a batch in ONE transaction; one outcome per unit, in order. A unit that cannot be
    /// written is stored raw with a todo, and one whose lease is lost is refused; their neighbours commit.
    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Outcomes, StoreError>>;

    /// Does what can be done of a batch while the one before it is committed; the batches of one caller are
    /// committed in the order in which they were prepared. One that is not prepared is committed all the
    /// same.
    ///
    /// # Errors
    ///
    /// [`StoreError::Closed`]: the process is ending.
    fn prepare(&self, batch: Batch) -> BoxFuture<'_, Result<Batch, StoreError>> {
        Box::pin(std::future::ready(Ok(batch)))
    }

    /// Commits units that were not prepared.
    fn apply(
        &self,
        units: Vec<Unit>,
        bundle: Arc<Bundle>,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Vec<UnitOutcome>, StoreError>> {
        let committing = self.commit(Batch::new(units, bundle, now));
        Box::pin(async { committing.await?.into_iter().collect() })
    }

    /// Takes lanes of a system that are due at `now`, oldest due first: those that nobody holds, and those
    /// that this process holds and its dispatcher does not. No other process gets them while this one
    /// [lives](Peers::lives).
    fn claim(
        &self,
        system: &SystemName,
        now: Timestamp,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<OrderKey>, StoreError>>;

    /// The earliest `due_at` of a system's lanes that could be claimed, to sleep until.
    fn next_due(
        &self,
        system: &SystemName,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Option<Timestamp>, StoreError>>;

    /// Gives reserved lanes back: [`Store::claim`] finds them again, if they are due. For what the ring has no
    /// room for, or no use. A commit that flies, skips or settles the lane ends its reservation by itself.
    fn release(&self, lanes: &[(SystemName, OrderKey)]);

    /// The files of a bundle by its hash.
    fn bundle(&self, hash: &str) -> BoxFuture<'_, Result<Option<Files>, StoreError>>;

    /// Orders whose timer has come: each wants an `Act::Tick`.
    fn timers(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<OrderKey>, StoreError>>;

    /// Wakes waiting documents whose reference is there by now (two commits that passed each other),
    /// and makes a todo of what waits longer than seven days. Answers how many were woken.
    fn sweep(&self, now: Timestamp) -> BoxFuture<'_, Result<u64, StoreError>>;

    /// The unpredictable id of this store, part of every idempotency key.
    fn install(&self) -> &str;

    /// Pending messages (suspects, woken waiters, replays) due at `now`, for the re-drive worker. Raises their
    /// attempt counter in its own commit.
    fn take_pending(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<PendingRow>, StoreError>>;

    /// Counts for metrics and `system list`, of the whole store. Where thousands wait, they may be some seconds
    /// old, at most 15 s: counting them is a walk over an index.
    fn backlog(&self) -> BoxFuture<'_, Result<Vec<Backlog>, StoreError>>;

    /// What came from a system in each minute from that of `since` on, oldest first; minutes without any are
    /// left out.
    fn minutes(
        &self,
        system: &SystemName,
        since: Timestamp,
    ) -> BoxFuture<'_, Result<Vec<MinuteRow>, StoreError>>;

    /// Ends a todo.
    fn close_todo(&self, id: i64, end: TodoEnd) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// Marks a todo's message for another drive by the re-drive worker; `by`: who wants it.
    fn replay(&self, id: i64, by: &str, now: Timestamp) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// What people hold shut, kept over restarts: to be known before anything is sent.
    fn pauses(&self) -> BoxFuture<'_, Result<Vec<PauseRow>, StoreError>>;

    /// Keeps a pause; one of the same thing is replaced.
    fn pause(&self, pause: PauseRow) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Ends a pause; whether there was one.
    fn resume(
        &self,
        system: &SystemName,
        operation: Option<&str>,
    ) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// Keeps a bundle's files under its hash and makes it the active one.
    fn activate(
        &self,
        hash: &str,
        files: &Files,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<(), StoreError>>;

    /// For readiness, without writing: does the store answer, and did the last commit succeed? After one
    /// that failed, [`Store::sweep`] tries a small write each time until one succeeds.
    fn ready(&self) -> BoxFuture<'_, Result<(), StoreError>>;

    /// For who is about to consume what cannot be given back for ever: commits a row that means nothing.
    fn try_write(&self) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Finishes what was taken, then closes.
    fn close(&self) -> BoxFuture<'_, ()>;
}
