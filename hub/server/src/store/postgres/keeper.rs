//! Keeps this process known to the others: takes its number, says every second that it is there, takes off
//! whoever has not said so for long, and sets free what those held.
//!
//! Times are the server's, so that the clocks of the machines do not matter. A session lock on the name of
//! the instance goes with the connection: a process that starts again under its name after a crash goes
//! on at once, while two that run under one name are told.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::{Connection as _, PgConnection, query, query_scalar, raw_sql};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

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
        if !named(c, &self.instance).await? && self.is_heard(c).await? {
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
        let process = number(c, &self.instance).await?;
        self.reserved.forget_all();
        self.members.begin(process, asked, alive(c).await?);
        self.to_free.store(true, Ordering::Relaxed);
        tracing::info!(process, instance = self.instance, "the process is known to the store");
        Ok(connection)
    }

    async fn is_heard(&self, c: &mut PgConnection) -> Result<bool, Fault> {
        let sql = "SELECT EXISTS (SELECT 1 FROM processes WHERE instance = $1 AND until > now())";
        Ok(query_scalar(sql).bind(&self.instance).fetch_one(c).await?)
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
        if !here(&mut connection, self.members.process()).await? {
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
        let mut gone = self.members.may_judge() && take_off(&mut connection).await?;
        gone |= self.members.heard(asked, alive(&mut connection).await?);
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
    let sql = "DELETE FROM processes WHERE process = $1";
    query(sql).bind(number_of(process)).execute(&mut *c).await?;
    lanes::free(c).await
}

/// Takes the name of the instance, for as long as the connection lasts.
async fn named(c: &mut PgConnection, instance: &str) -> Result<bool, Fault> {
    let lock = "SELECT pg_try_advisory_lock(hashtextextended(current_schema() || '/' || $1, $2))";
    Ok(query_scalar(lock).bind(instance).bind(locks::INSTANCE).fetch_one(c).await?)
}

/// A new number for the instance, in the place of the one that it has. Numbers are seen in the order in
/// which they are given.
async fn number(c: &mut PgConnection, instance: &str) -> Result<u64, Fault> {
    query("DELETE FROM processes WHERE instance = $1").bind(instance).execute(&mut *c).await?;
    raw_sql("BEGIN").execute(&mut *c).await?;
    let turn = query("SELECT pg_advisory_xact_lock($1)").bind(locks::NUMBERS);
    turn.execute(&mut *c).await?;
    let sql = "INSERT INTO processes (process, instance, until, search)
               VALUES (nextval('process_numbers'), $1, clock_timestamp() + make_interval(secs => $2), $3)
               RETURNING process";
    let number = query_scalar::<_, i64>(sql).bind(instance).bind(GONE_AFTER.as_secs_f64());
    let number = number.bind(search::VERSION);
    let number = number.fetch_one(&mut *c).await?;
    raw_sql("COMMIT").execute(c).await?;
    Ok(u64::try_from(number).unwrap_or_default())
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

/// A process as its column has it.
pub(super) fn number_of(process: u64) -> i64 {
    i64::try_from(process).unwrap_or(i64::MAX)
}

/// Says that the process is there; `false`: it was taken off.
async fn here(c: &mut PgConnection, process: u64) -> Result<bool, Fault> {
    let sql = "UPDATE processes SET until = clock_timestamp() + make_interval(secs => $2)
               WHERE process = $1";
    let said =
        query(sql).bind(number_of(process)).bind(GONE_AFTER.as_secs_f64()).execute(c).await?;
    Ok(said.rows_affected() == 1)
}

async fn alive(c: &mut PgConnection) -> Result<BTreeSet<u64>, Fault> {
    let numbers: Vec<i64> = query_scalar("SELECT process FROM processes").fetch_all(c).await?;
    Ok(numbers.into_iter().filter_map(|number| u64::try_from(number).ok()).collect())
}

/// Takes off whoever was silent for too long; whether there was one. One that is in a commit stays until
/// the server ends that.
async fn take_off(c: &mut PgConnection) -> Result<bool, Fault> {
    let sql = "DELETE FROM processes WHERE process IN (
                   SELECT process FROM processes WHERE until < clock_timestamp()
                   FOR UPDATE SKIP LOCKED)
               RETURNING process";
    let gone: Vec<i64> = query_scalar(sql).fetch_all(c).await?;
    for process in &gone {
        tracing::warn!(process, "a process was silent for too long: others go on with its work");
    }
    Ok(!gone.is_empty())
}
