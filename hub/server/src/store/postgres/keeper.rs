//! Keeps this process known to the others: takes its number, says every second that it is there, takes off
//! whoever has not said so for long, and sets free what those held. By which rows: [`beats`].
//!
//! Times are the server's, so that the clocks of the machines do not matter. A session lock on the name of
//! the instance goes with the connection: a process that starts again under its name after a crash goes
//! on at once, while two that run under one name are told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::{Connection as _, PgConnection, query_scalar};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::beats;
use super::board::Board;
use super::connect::{Bounds, Connector, ms};
use super::error::Fault;
use super::lanes;
use super::marks::Marks;
use super::members::{GONE_AFTER, Members};
use super::pool::Pool;
use super::schema::locks;
use crate::clock::Clock;
use crate::store::columns::from_column;
use crate::store::commit::TxError;
use crate::store::reserved::Reserved;
use crate::store::{StoreError, search};

/// Between two words of a process.
const BEAT: Duration = Duration::from_secs(1);
/// One word may take so long.
const ANSWER: Duration = Duration::from_secs(2);
/// How often a process that starts looks whether the former one of its name is gone.
const LOOK: Duration = Duration::from_millis(50);

/// What the keeper works with.
#[derive(Debug)]
pub(super) struct Keeper {
    pub(super) connector: Connector,
    /// What is read again with every word.
    pub(super) board: Arc<Board>,
    pub(super) instance: String,
    pub(super) members: Arc<Members>,
    pub(super) reserved: Arc<Reserved>,
    pub(super) marks: Arc<Marks>,
    /// Processes are gone whose lanes are not all free yet.
    pub(super) to_free: AtomicBool,
    pub(super) shorts: Arc<Pool>,
    /// What the key of the search is known by.
    pub(super) search_check: String,
}

/// Why a process has no number.
enum NotBegun {
    /// Another process that lives has the name.
    NameTaken,
    /// The search was forgotten, or is made under another key by now.
    AnotherKey,
    Fault(Fault),
}

impl<E: Into<Fault>> From<E> for NotBegun {
    fn from(error: E) -> Self {
        Self::Fault(error.into())
    }
}

impl Keeper {
    /// Takes a number, and what the former process of this name held.
    ///
    /// # Errors
    ///
    /// [`StoreError::Failed`]: another process runs under this name, or the server does not answer.
    pub(super) async fn begin(&self) -> Result<PgConnection, StoreError> {
        let end = Instant::now() + GONE_AFTER + BEAT;
        let mut refused = None;
        while Instant::now() < end {
            refused = match self.enter().await {
                Ok(connection) => {
                    self.free().await;
                    return Ok(connection);
                }
                Err(NotBegun::NameTaken) => None,
                Err(NotBegun::AnotherKey) => return Err(StoreError::SearchKey),
                // What the former one of this name was about may be in the way for a moment.
                Err(NotBegun::Fault(fault)) => match TxError::from(fault) {
                    TxError::Again(error) => Some(error),
                    error @ (TxError::Data(_) | TxError::Store(_)) => return Err(error.into()),
                },
            };
            sleep(LOOK).await;
        }
        if let Some(refused) = refused {
            return Err(refused);
        }
        Err(StoreError::Failed(format!(
            "another hub named `{}` works on this store; stop that one, or give this one another \
             `server.instance`",
            self.instance
        )))
    }

    async fn enter(&self) -> Result<PgConnection, NotBegun> {
        let bounds: Bounds = vec![
            ms("statement_timeout", ANSWER),
            ms("lock_timeout", ANSWER),
            ms("idle_in_transaction_session_timeout", ANSWER),
        ];
        let mut connection = self.connector.connect(&bounds).await?;
        let c = &mut connection;
        // Where the lock is taken its process lives, or the machine of the process is cut off: then its
        // number is taken off when its time is over.
        if !named(c, &self.instance).await? && beats::is_heard(c, &self.instance).await? {
            drop(connection.close().await);
            return Err(NotBegun::NameTaken);
        }
        // One that was away while others began anew would hash under the former key.
        let check = "SELECT EXISTS (SELECT FROM meta WHERE name = $1 AND value = $2)";
        let check =
            query_scalar::<_, bool>(check).bind(search::rows::CHECK).bind(&self.search_check);
        if !check.fetch_one(&mut *c).await? {
            drop(connection.close().await);
            return Err(NotBegun::AnotherKey);
        }
        correct_clock(c).await?;
        let asked = Instant::now();
        let process = beats::number(c, &self.instance).await?;
        self.reserved.forget_all();
        self.members.begin(process, asked, beats::alive(c).await?);
        self.to_free.store(true, Ordering::Relaxed);
        tracing::info!(process, instance = self.instance, "the process is known to the store");
        Ok(connection)
    }

    /// Says that the process is there, until told to stop.
    pub(super) async fn run(self, connection: PgConnection, stop: CancellationToken) {
        let mut connection = Some(connection);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.members.refused.notified() => {}
                () = sleep(BEAT) => {}
            }
            connection = match timeout(ANSWER, self.beat(connection)).await {
                Ok(Ok(connection)) => Some(connection),
                Ok(Err(error)) => self.unheard(&error),
                Err(_) => self.unheard(&Fault::Late(ANSWER).into()),
            };
            if connection.is_none() {
                continue;
            }
            if let Err(error) = self.board.refresh().await {
                tracing::warn!(%error, "what the processes share was not read");
            }
            // Beside the word, and again until it is done: what stays held is nobody's to serve.
            if self.to_free.load(Ordering::Relaxed) {
                self.free().await;
            }
        }
    }

    fn unheard(&self, error: &StoreError) -> Option<PgConnection> {
        tracing::warn!(%error, "the store was not told that this process is there");
        self.members.unheard();
        None
    }

    async fn beat(&self, connection: Option<PgConnection>) -> Result<PgConnection, StoreError> {
        let mut connection = match connection {
            Some(connection) => connection,
            None => self.again().await?,
        };
        correct_clock(&mut connection).await?;
        let asked = Instant::now();
        if !beats::here(&mut connection, self.members.process()).await? {
            tracing::error!("this process was taken for gone; it begins again");
            self.members.taken_off();
            drop(connection.close().await);
            return match self.enter().await {
                Ok(connection) => Ok(connection),
                Err(NotBegun::Fault(fault)) => Err(fault.into()),
                Err(NotBegun::NameTaken) => Err(self.taken()),
                Err(NotBegun::AnotherKey) => Err(StoreError::SearchKey),
            };
        }
        let mut gone = self.members.may_judge() && beats::take_off(&mut connection).await?;
        gone |= self.members.heard(asked, beats::alive(&mut connection).await?);
        if gone {
            self.to_free.store(true, Ordering::Relaxed);
        }
        Ok(connection)
    }

    /// A new connection for the number that this process has.
    async fn again(&self) -> Result<PgConnection, StoreError> {
        let bounds: Bounds = vec![ms("statement_timeout", ANSWER), ms("lock_timeout", ANSWER)];
        let mut connection = self.connector.connect(&bounds).await?;
        // Whoever has the name meanwhile has also taken this number off: the next word finds out.
        named(&mut connection, &self.instance).await?;
        Ok(connection)
    }

    fn taken(&self) -> StoreError {
        StoreError::Failed(format!("another hub named `{}` works on this store", self.instance))
    }

    /// Sets free what processes held that are gone.
    async fn free(&self) {
        match self.shorts.run(|c| Box::pin(lanes::free(c))).await {
            Ok(all) => self.to_free.store(!all, Ordering::Relaxed),
            Err(error) => {
                tracing::warn!(%error, "lanes of a process that is gone are not free yet");
            }
        }
        self.marks.forget();
    }

    /// Takes this process off, with its leases and lanes: others go on at once.
    pub(super) async fn end(members: &Members, shorts: &Pool) {
        let process = members.process();
        members.taken_off();
        if let Err(error) = shorts.run(move |c| Box::pin(leave(c, process))).await {
            tracing::warn!(%error, "others will notice only later that this process is gone");
        }
    }
}

async fn leave(c: &mut PgConnection, process: u64) -> Result<bool, Fault> {
    beats::leave(c, process).await?;
    lanes::free(c).await
}

/// Takes the name of the instance, for as long as the connection lasts.
async fn named(c: &mut PgConnection, instance: &str) -> Result<bool, Fault> {
    let lock = "SELECT pg_try_advisory_lock(hashtextextended(current_schema() || '/' || $1, $2))";
    Ok(query_scalar(lock).bind(instance).bind(locks::INSTANCE).fetch_one(c).await?)
}

/// All processes go by the server's clock.
async fn correct_clock(c: &mut PgConnection) -> Result<(), Fault> {
    let clock = Clock::system();
    let before = clock.now();
    let sql = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000000 AS bigint)";
    let theirs: i64 = query_scalar(sql).fetch_one(c).await?;
    if let Some(by) = Clock::correct((before, clock.now()), from_column(theirs)) {
        let seconds = by.as_secs_f64();
        tracing::warn!(
            seconds,
            "this machine's clock is not the database's: the database's counts"
        );
    }
    Ok(())
}
