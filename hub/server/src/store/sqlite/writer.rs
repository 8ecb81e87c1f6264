//! The one thread that writes. Jobs queue up to [`QUEUE`]; a caller beyond that waits.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use futures_util::FutureExt as _;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::error::Fault;
use super::heads::Heads;
use super::numbers;
use super::prune::Round;
use super::schema::Opened;
use super::seen;
use super::tx::SqliteTx;
use crate::apply::UnitOutcome;
use crate::store::StoreError;
use crate::store::commit::{self, Batch, Committed, Hand, WORTH_LOOKING};
use crate::store::cores;
use crate::store::forecast::Forecast;
use crate::store::pack::Packers;
use crate::store::reserved::Reserved;
use crate::store::search::SearchKey;

/// Jobs that wait for the thread.
const QUEUE: usize = 64;

/// Something to write.
pub(super) type Job = Box<dyn FnOnce(&mut Writer) -> After + Send>;

/// Whether the thread goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// With the next job.
    GoOn,
    /// Not at all.
    End,
}

/// What the thread works with.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) packers: Packers,
    pub(super) seen: seen::Weeks,
    /// What is being thrown away.
    pub(super) round: Round,
    pub(super) next_message: i64,
    /// Numbers below this are given away by what is stored; zero: not known, since a rollback.
    pub(super) given: i64,
    pub(super) next_order: i64,
    pub(super) heads: Arc<Heads>,
    /// Why the last commit failed; gone with the next that writes.
    pub(super) failed: Option<StoreError>,
    process: u64,
    pub(super) search: SearchKey,
    reserved: Arc<Reserved>,
    forecast: Arc<Forecast>,
    /// The last thing to go: others may open the file when it is closed.
    _lock: File,
}

/// Starts the thread. It ends with its last sender, or when a job says so.
pub(super) fn start(
    opened: Opened,
    heads: Arc<Heads>,
    reserved: Arc<Reserved>,
    forecast: Arc<Forecast>,
) -> Result<mpsc::Sender<Job>, StoreError> {
    let mut writer = Writer::new(opened, heads, reserved, forecast).map_err(StoreError::from)?;
    let (jobs, mut queue) = mpsc::channel::<Job>(QUEUE);
    let run = move || {
        while let Some(job) = queue.blocking_recv() {
            let done = catch_unwind(AssertUnwindSafe(|| job(&mut writer)));
            match done {
                Ok(After::GoOn) => {}
                Ok(After::End) => break,
                Err(_) => writer.recover(),
            }
        }
        // The file is closed when those who wait for the queue's end are told.
        drop(writer);
        drop(queue);
    };
    let thread = std::thread::Builder::new().name("store-writer".to_owned()).spawn(run);
    thread.map_err(|error| StoreError::Failed(format!("no thread to write with: {error}")))?;
    Ok(jobs)
}

/// Runs a job on the thread and waits for its answer.
pub(super) async fn call<T: Send + 'static>(
    jobs: &mpsc::Sender<Job>,
    job: impl FnOnce(&mut Writer) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let (done, answer) = oneshot::channel();
    let job: Job = Box::new(move |writer| {
        let answer = job(writer);
        // Nobody may be waiting any more; what is written stays written.
        drop(done.send(answer));
        After::GoOn
    });
    jobs.send(job).await.map_err(|_| StoreError::Closed)?;
    answer.await.map_err(|_| StoreError::Closed)?
}

impl Writer {
    fn new(
        opened: Opened,
        heads: Arc<Heads>,
        reserved: Arc<Reserved>,
        forecast: Arc<Forecast>,
    ) -> Result<Self, Fault> {
        let Opened { connection, process, search, lock, .. } = opened;
        let seen = seen::Weeks::read(&connection)?;
        let highest = |sql: &str| -> Result<i64, rusqlite::Error> {
            connection.query_row(sql, [], |row| Ok(row.get::<_, Option<i64>>(0)?.unwrap_or(0)))
        };
        // Ids of messages order the documents that carry no revision: never one twice, although most
        // leave no row behind.
        let given = numbers::given(&connection)?;
        let order = highest("SELECT max(k) FROM orders")?;
        forecast.set((given.max(1), order + 1));
        Ok(Self {
            connection,
            packers: Packers::default(),
            seen,
            round: Round::default(),
            next_message: given.max(1),
            given,
            next_order: order + 1,
            heads,
            failed: None,
            process,
            search,
            reserved,
            forecast,
            _lock: lock,
        })
    }

    /// Folds and writes a batch in one transaction.
    pub(super) fn apply(&mut self, batch: Batch) -> Result<Vec<UnitOutcome>, StoreError> {
        // A small one is written sooner than another thread has woken.
        if batch.len() < WORTH_LOOKING {
            self.write(batch)
        } else {
            cores::run(|| self.write(batch))
        }
    }

    fn write(&mut self, mut batch: Batch) -> Result<Vec<UnitOutcome>, StoreError> {
        let now = batch.now;
        let (process, reserved) = (self.process, Arc::clone(&self.reserved));
        let search = self.search.clone();
        let hand = Hand { process, reserved: &reserved, search: &search };
        let committed = self.transaction(|writer| {
            let mut tx = SqliteTx::new(writer, now);
            // Nothing here waits: every step of the embedded store is ready at once.
            let run = commit::run(&mut tx, &mut batch, hand).now_or_never();
            match run {
                Some(done) => Ok(done?),
                None => Err(StoreError::Failed("a step of the commit waited".to_owned())),
            }
        });
        let next = (self.next_message, self.next_order);
        match batch.turn.take() {
            Some(turn) => turn.end(next),
            None => self.forecast.set(next),
        }
        let Committed { outcomes, settled, heads } = committed?;
        self.heads.put(heads);
        let reserved = outcomes.iter().flat_map(|outcome| &outcome.reserved);
        self.reserved.update(&settled, reserved, now);
        Ok(outcomes)
    }

    /// Runs something in one transaction: all of it or nothing.
    pub(super) fn transaction<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let before = self.connection.total_changes();
        let begun = self.run("BEGIN IMMEDIATE");
        let done = begun.and_then(|()| work(self));
        let done = done.and_then(|done| self.run("COMMIT").map(|()| done));
        if done.is_err() && !self.connection.is_autocommit() {
            // The first error is the one to tell; a rollback fails only with the file itself.
            drop(self.run("ROLLBACK"));
        }
        match &done {
            Err(error) => {
                self.failed = Some(error.clone());
                self.given = 0;
                self.seen = seen::Weeks::read(&self.connection).map_err(StoreError::from)?;
            }
            // A commit of nothing says nothing of the disk.
            Ok(_) if self.connection.total_changes() != before => self.failed = None,
            Ok(_) => {}
        }
        done
    }

    /// A row that means nothing, to see whether rows can be written.
    pub(super) fn try_write(&self) -> Result<(), StoreError> {
        let note = "INSERT INTO meta (name, value) VALUES ('ping', '')
                    ON CONFLICT DO UPDATE SET value = excluded.value";
        let done = self.connection.execute(note, []).map(drop);
        done.map_err(|error| Fault::from(error).into())
    }

    /// After a job that panicked: its caller sees the store closed, those after it see it as it was.
    fn recover(&mut self) {
        tracing::error!("a write failed in the program; nothing of it is stored");
        if !self.connection.is_autocommit() {
            drop(self.run("ROLLBACK"));
        }
        self.given = 0;
        if let Ok(seen) = seen::Weeks::read(&self.connection) {
            self.seen = seen;
        }
    }

    fn run(&self, sql: &str) -> Result<(), StoreError> {
        let statement = self.connection.prepare_cached(sql);
        let done = statement.and_then(|mut statement| statement.execute([]));
        done.map(drop).map_err(|error| Fault::from(error).into())
    }
}
