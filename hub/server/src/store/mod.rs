//! The store's contract: apply, claim, settle; [`Reads`]. SQLite in a file, PostgreSQL on a server.
//!
//! **Invariant:** one transaction holds the raw message, the new order version, its audit and what its
//! lanes want. There is no second truth. Tests: `a_full_disk_acknowledges_nothing_and_passes`,
//! `three_kills_lose_nothing_double_nothing_and_keep_the_order`.

use std::fmt::Debug;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use orderhub_order::identify::{Bound, ReferenceKey};
use orderhub_order::ids::{OrderKey, SystemName};

use crate::apply::{Unit, UnitOutcome};
use crate::bundle::{Bundle, Files, Listened, Listens};
use crate::config::{self, Secrets, StoreUrl};

mod answers;
mod codec;
mod columns;
mod commit;
pub mod copy;
mod cores;
mod counted;
mod fetches;
mod forecast;
mod indexing;
mod keep;
mod lease;
mod lines;
mod pack;
mod peers;
pub mod postgres;
mod reads;
mod recent;
mod reserved;
mod resting;
mod rows;
mod said;
mod scope;
mod search;
mod shared;
pub mod sqlite;
pub mod traffic;
mod unpack;
mod waits;

pub use answers::{AnswerKey, Answers, Begun, KEPT, KeptAnswer, LAPSES};
pub use codec::{CodecError, unpack};
pub use commit::{Batch, Outcomes};
pub use fetches::{FetchRow, Fetches};
pub use indexing::Indexing;
pub use keep::Pruned;
pub use lease::Lease;
pub use peers::{LANE_FORM, Peers};
pub use reads::Reads;
pub use resting::{Resting, RestingRow, WaitingDocument, WaitingRow};
pub use rows::{
    AttemptFilter, AttemptRow, Backlog, ChangeRow, Filter, MOST_ROWS, MessageRow, MinuteRow, Page,
    PauseRow, PendingRow, ReceiptRow, TodoCount, TodoEnd, TodoFilter, TodoRow, TodoState,
};
pub use said::{LastError, Said, SaidRow};
pub use scope::{Part, Scope};
pub use search::{MOST_ASKED, MOST_LETTERS, Reach, Wanted};
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
    let (seen_days, keep) = (settings.seen_days.get(), settings.keep);
    let search = search_key(settings, secrets)?;
    match settings.url.clone() {
        StoreUrl::Sqlite(path) => {
            let options = sqlite::Options { seen_days, search, keep, ..sqlite::Options::at(path) };
            // It blocks for a moment, so not on this thread.
            let open = move || sqlite::SqliteStore::open(&options);
            let opened = tokio::task::spawn_blocking(open).await;
            let store = opened.map_err(|error| StoreError::Failed(error.to_string()))??;
            Ok(Arc::new(store))
        }
        StoreUrl::Postgres(url) => {
            let options = postgres::Options {
                login: login(settings, secrets),
                seen_days,
                search,
                keep,
                ..postgres::Options::at(url.as_str(), instance)
            };
            Ok(Arc::new(postgres::PostgresStore::open(&options).await?))
        }
    }
}

/// Forgets what finds the orders of the store of the settings, and its key: the next [`open`] makes it anew,
/// under the key that it is given.
///
/// # Errors
///
/// [`StoreError::Failed`] in words: a hub works on the store, or it cannot be reached.
pub async fn forget_search(settings: &config::Store, secrets: &Secrets) -> Result<(), StoreError> {
    // What is forgotten can only be made anew under a key that is one.
    search_key(settings, secrets)?.check()?;
    match settings.url.clone() {
        StoreUrl::Sqlite(path) => {
            let forgotten = tokio::task::spawn_blocking(move || sqlite::forget_search(&path)).await;
            forgotten.map_err(|error| StoreError::Failed(error.to_string()))?
        }
        StoreUrl::Postgres(url) => {
            let login = login(settings, secrets);
            let options =
                postgres::Options { login, ..postgres::Options::at(url.as_str(), "reindex") };
            postgres::forget_search(&options).await
        }
    }
}

fn login(settings: &config::Store, secrets: &Secrets) -> Option<postgres::Login> {
    let password = settings.password.clone()?;
    Some(postgres::Login { password, secrets: secrets.clone() })
}

/// The key that the settings name.
fn search_key(settings: &config::Store, secrets: &Secrets) -> Result<Wanted, StoreError> {
    let read = settings.search_key.as_ref().map(|at| secrets.read(at));
    let failed = |error| StoreError::Failed(format!("`store.search_key`: {error}"));
    Ok(Wanted { key: read.transpose().map_err(failed)? })
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
    /// The search was made under another key.
    #[error(
        "the search of this store was made with another key than the one at hand: personal values would be found \
         no more. Give the former key back by `store.search_key`, or, with all hubs stopped, forget the search by \
         `orderhub reindex`: the next start makes it anew"
    )]
    SearchKey,
    /// An installation is being copied into the database, or was and the copy did not end.
    #[error(
        "the copy of `{0}` into this database is not finished; repeat `orderhub store copy`, which begins it anew, \
         or name another database in `store.url`"
    )]
    Unfinished(String),
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
pub trait Store:
    Reads + Answers + Fetches + Indexing + Peers + Resting + Said + Debug + Send + Sync
{
    /// Folds and writes a batch in ONE transaction; one outcome per unit, in order. A unit that cannot be
    /// written is stored raw with a todo, and one whose lease is lost is refused; their neighbours commit.
    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Outcomes, StoreError>>;

    /// Whether anything is done of a batch before its turn: one that closes early keeps what comes later waiting.
    fn prepares(&self) -> bool {
        false
    }

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

    /// Some lanes of a system that wait for the end of a time although what stood in their way may be gone
    /// ([`Lane::is_put_off`](orderhub_order::lane::Lane::is_put_off)): each wants an `Act::Hurry`.
    fn put_off(
        &self,
        system: &SystemName,
        now: Timestamp,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<OrderKey>, StoreError>>;

    /// Gives reserved lanes back: the next [`Store::claim`] finds them, if they are due. For what the ring has no
    /// room for. A commit that flies, skips or settles the lane ends its reservation by itself.
    fn release(&self, lanes: &[(SystemName, OrderKey)]);

    /// The same for lanes that came to rest: should one be due all the same, a claim of the next minute finds it.
    fn rest(&self, lanes: &[(SystemName, OrderKey)]) {
        self.release(lanes);
    }

    /// So many of a system's reserved lanes wait for a time or a gate: they take no room from those that commits
    /// hand over.
    fn parked(&self, system: &SystemName, count: usize);

    /// Lanes that the dispatcher of a system has in hand, without those that are parked.
    fn in_hand(&self, system: &SystemName) -> usize;

    /// The files of a bundle by its hash.
    fn bundle(&self, hash: &str) -> BoxFuture<'_, Result<Option<Files>, StoreError>>;

    /// When a bundle was first made the active one; `None`: it never was.
    fn bundle_since(&self, hash: &str) -> BoxFuture<'_, Result<Option<Timestamp>, StoreError>>;

    /// What references are bound to, in their order, as they stand now.
    fn bound(
        &self,
        keys: Vec<ReferenceKey>,
    ) -> BoxFuture<'_, Result<Vec<Option<Bound>>, StoreError>>;

    /// Orders whose timer has come: each wants an `Act::Tick`.
    fn timers(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<OrderKey>, StoreError>>;

    /// Wakes waiting documents whose reference is there by now (two commits that passed each other),
    /// and makes a todo of what waits longer than seven days. Answers how many were woken.
    fn sweep(&self, now: Timestamp) -> BoxFuture<'_, Result<u64, StoreError>>;

    /// Makes due what waits for what it looks up, and was mapped by other files than these; at most so many. Answers
    /// how many.
    fn wake_for_files(
        &self,
        bundle: &str,
        now: Timestamp,
        most: usize,
    ) -> BoxFuture<'_, Result<u64, StoreError>>;

    /// One bounded step of throwing away what was kept for its time ([`keep`]); the store goes on meanwhile.
    /// `now`: by the store's clock.
    fn prune(&self, now: Timestamp) -> BoxFuture<'_, Result<Pruned, StoreError>>;

    /// The unpredictable id of this store, part of every idempotency key.
    fn install(&self) -> &str;

    /// Pending messages (suspects, woken waiters, replays) due at `now`, for the re-drive worker, without those that
    /// wait for an answer of a system. Raises their attempt counter in its own commit.
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

    /// Keeps a bundle's files under its hash and makes it the active one; what is known then of all that files in
    /// use listened to.
    fn activate(
        &self,
        bundle: (&str, &Files),
        listens: &Listens,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Listened, StoreError>>;

    /// What files in use listened to; `None`: no program has kept that yet.
    fn listened(&self) -> BoxFuture<'_, Result<Option<Listened>, StoreError>>;

    /// The hash of the bundle that was made the active one last.
    fn in_use(&self) -> BoxFuture<'_, Result<Option<String>, StoreError>>;

    /// For readiness, without writing: does the store answer, and did the last commit succeed? After one
    /// that failed, [`Store::sweep`] tries a small write each time until one succeeds.
    fn ready(&self) -> BoxFuture<'_, Result<(), StoreError>>;

    /// For who is about to consume what cannot be given back for ever: commits a row that means nothing.
    fn try_write(&self) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Finishes what was taken, then closes.
    fn close(&self) -> BoxFuture<'_, ()>;
}
