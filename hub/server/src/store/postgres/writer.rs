//! The one connection that writes: each piece of work in a transaction of its own, tried again when
//! something was in its way.
//!
//! **Invariant:** work is committed once, or not at all and its caller is told. Each transaction begins
//! with the id of its work; a COMMIT that goes unanswered is asked about by beginning again with the same
//! id: the server makes that wait for the one before, and refuses the id if it was committed. Tests:
//! `a_batch_whose_connection_is_killed_is_stored_once`, `a_commit_without_an_answer_is_stored_once`.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use sqlx::{Connection as _, PgConnection, query, query_as, raw_sql};
use tokio::time::{sleep, timeout};

use super::beats::number_of;
use super::connect::{Bounds, Connector, by_key, ms};
use super::decoded::Decoded;
use super::error::Fault;
use super::members::Members;
use super::partitions::{self, Known, Places};
use super::tx::PgTx;
use crate::config::Keep;
use crate::resilience::Jitter;
use crate::store::StoreError;
use crate::store::commit::TxError;
use crate::store::pack::Packers;

/// How often work is tried before its caller is told that it is not stored.
const MOST_TRIES: u32 = 5;
/// The first wait between two tries, twice as long each time, lengthened by chance.
const WAIT: Duration = Duration::from_millis(50);
/// Another transaction may hold a row for so long.
const LOCKED: Duration = Duration::from_secs(5);
/// One statement may take so long.
const STATEMENT: Duration = Duration::from_secs(30);
/// A program that stops in the middle of a transaction holds its locks so long.
const IDLE: Duration = Duration::from_secs(10);
/// One try may take so long; then its connection counts as lost.
const TRY: Duration = Duration::from_secs(120);

/// Why the last work was not committed; gone with the next that is.
#[derive(Clone, Debug, Default)]
pub(super) struct Failed(Arc<Mutex<Option<StoreError>>>);

impl Failed {
    pub(super) fn get(&self) -> Option<StoreError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, failed: Option<StoreError>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = failed;
    }
}

/// A connection and what is known about its database.
#[derive(Debug)]
struct Session {
    connection: PgConnection,
    partitions: Known,
}

/// Writes, one work after the other.
#[derive(Debug)]
pub(super) struct Writer {
    connector: Connector,
    members: Arc<Members>,
    keep: Keep,
    bounds: Bounds,
    jitter: Jitter,
    failed: Failed,
    session: Option<Session>,
    packers: Packers,
    decoded: Arc<Decoded>,
    /// Numbers for orders that are left of the last block.
    orders: Range<i64>,
    closed: bool,
}

/// How a try ended that nothing was in the way of.
enum Ended<T> {
    /// It is committed.
    Committed(T),
    /// COMMIT went unanswered.
    Unanswered(T, StoreError),
    /// An earlier try is committed.
    Known,
}

impl Writer {
    pub(super) fn new(
        connector: Connector,
        members: Arc<Members>,
        keep: Keep,
        (failed, decoded): (Failed, Arc<Decoded>),
    ) -> Self {
        let mut bounds = vec![
            ms("lock_timeout", LOCKED),
            ms("statement_timeout", STATEMENT),
            ms("idle_in_transaction_session_timeout", IDLE),
            // Not what it says of tables that are there already.
            ("client_min_messages", "warning".to_owned()),
            // Answered is on the disk, whatever the server's own setting.
            ("synchronous_commit", "on".to_owned()),
        ];
        bounds.extend(by_key());
        Self {
            connector,
            members,
            keep,
            bounds,
            jitter: Jitter::random(),
            failed,
            session: None,
            packers: Packers::default(),
            decoded,
            orders: 0..0,
            closed: false,
        }
    }

    /// Packs one body.
    pub(super) fn pack(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.packers.pack(bytes)
    }

    /// Runs work in one transaction: all of it or nothing. It may be run several times. `at`: when the
    /// messages and attempts that it writes are committed.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: nothing is stored, unless the server neither answered COMMIT nor came back since.
    pub(super) async fn run<T>(
        &mut self,
        at: Option<Timestamp>,
        work: impl AsyncFnMut(&mut PgTx<'_>) -> Result<T, TxError>,
    ) -> Result<T, StoreError> {
        if self.closed {
            return Err(StoreError::Closed);
        }
        let done = self.tries(at, work).await;
        self.failed.set(done.as_ref().err().cloned());
        done
    }

    async fn tries<T>(
        &mut self,
        at: Option<Timestamp>,
        mut work: impl AsyncFnMut(&mut PgTx<'_>) -> Result<T, TxError>,
    ) -> Result<T, StoreError> {
        let id = uuid::Uuid::new_v4();
        let mut unanswered = None;
        let mut wait = WAIT;
        let mut careful = false;
        for tried in 1_u32.. {
            let hopeful = !careful;
            let error = match self.attempt(id.as_bytes(), at, (&mut work, &mut careful)).await {
                Ok(Ended::Committed(done)) => return Ok(done),
                Ok(Ended::Known) => {
                    let lost = || StoreError::Failed("a new id was known already".to_owned());
                    return unanswered.ok_or_else(lost);
                }
                Ok(Ended::Unanswered(done, error)) => {
                    unanswered = Some(done);
                    error
                }
                Err(TxError::Again(error)) => error,
                Err(error @ (TxError::Data(_) | TxError::Store(_))) => return Err(error.into()),
            };
            if hopeful && careful {
                // Nobody was in the way: it is to be done with more care.
                continue;
            }
            if tried >= MOST_TRIES {
                return Err(error);
            }
            tracing::warn!(%error, tried, "a transaction is tried again");
            sleep(self.jitter.upward(wait)).await;
            wait *= 2;
        }
        Err(StoreError::Closed)
    }

    async fn attempt<T>(
        &mut self,
        id: &[u8; 16],
        at: Option<Timestamp>,
        (work, careful): (&mut impl AsyncFnMut(&mut PgTx<'_>) -> Result<T, TxError>, &mut bool),
    ) -> Result<Ended<T>, TxError> {
        // Taken out: whatever ends this early leaves no half transaction behind.
        let mut session = match self.session.take() {
            Some(session) => session,
            None => self.connect().await?,
        };
        let late = |_| Fault::Late(TRY);
        let process = self.members.process();
        let places = at.map(|at| Places::at(at, &self.keep));
        let c = &mut session.connection;
        let begun = timeout(TRY, async {
            if let Some(places) = places {
                partitions::ready(c, &mut session.partitions, &places.all()).await?;
            }
            begin(c, id, process).await
        });
        let begun = begun.await.map_err(late)??;
        if begun != Begun::New {
            rollback(c).await?;
            self.session = Some(session);
            return match begun {
                Begun::New | Begun::Known => Ok(Ended::Known),
                Begun::Fenced => {
                    // The keeper begins again, under another number: then it may pass.
                    self.members.refused.notify_one();
                    Err(TxError::Again(StoreError::Fenced))
                }
            };
        }
        let given = (&mut self.packers, &mut self.orders);
        let mut tx = PgTx::new(c, given, (places, process), (&self.decoded, careful));
        let done = match timeout(TRY, work(&mut tx)).await.map_err(late)? {
            Ok(done) => done,
            Err(error) => {
                if rollback(c).await.is_ok() {
                    // One that it counted on may be gone.
                    session.partitions.clear();
                    self.session = Some(session);
                }
                return Err(error);
            }
        };
        let committed = timeout(TRY, raw_sql("COMMIT").execute(c)).await;
        match committed.map_err(late).map(|answer| answer.map_err(Fault::from)) {
            Ok(Ok(_)) => {
                self.session = Some(session);
                Ok(Ended::Committed(done))
            }
            // Whatever it says: whether it is committed, the next try finds out.
            Ok(Err(fault)) | Err(fault) => Ok(Ended::Unanswered(done, fault.into())),
        }
    }

    async fn connect(&self) -> Result<Session, Fault> {
        let connection = self.connector.connect(&self.bounds).await?;
        Ok(Session { connection, partitions: Known::new() })
    }

    /// After what is under way: nothing is written any more.
    pub(super) async fn close(&mut self) {
        self.closed = true;
        if let Some(session) = self.session.take() {
            // It is given up whatever the server says.
            drop(session.connection.close().await);
        }
    }
}

/// What a transaction finds when it opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begun {
    /// Work that is not done yet.
    New,
    /// An earlier try of this work was committed.
    Known,
    /// This process was taken for gone.
    Fenced,
}

/// Opens a transaction with the id of its work, and keeps others from taking this process for gone until
/// its end.
///
/// **Invariant:** what a process commits that was taken for gone is refused. Test:
/// `a_process_that_was_away_changes_nothing_and_begins_again`.
async fn begin(c: &mut PgConnection, id: &[u8; 16], process: u64) -> Result<Begun, Fault> {
    raw_sql("BEGIN").execute(&mut *c).await?;
    // By the server's clock: every process that prunes looks at the same.
    let sql = "WITH me AS (SELECT process FROM processes WHERE process = $2 FOR KEY SHARE),
               noted AS (
                   INSERT INTO commits (id, at)
                   SELECT $1, CAST(extract(epoch FROM now()) * 1000000000 AS bigint) FROM me
                   ON CONFLICT DO NOTHING RETURNING 1)
               SELECT EXISTS (SELECT 1 FROM me), EXISTS (SELECT 1 FROM noted)";
    let note = query_as::<_, (bool, bool)>(sql).bind(&id[..]).bind(number_of(process));
    Ok(match note.fetch_one(c).await? {
        (true, true) => Begun::New,
        (true, false) => Begun::Known,
        (false, _) => Begun::Fenced,
    })
}

async fn rollback(c: &mut PgConnection) -> Result<(), Fault> {
    let done = timeout(STATEMENT, raw_sql("ROLLBACK").execute(c)).await;
    done.map_err(|_| Fault::Late(STATEMENT))??;
    Ok(())
}

/// Forgets the ids of works of more than an hour ago: all of their tries are over.
pub(super) async fn prune(c: &mut PgConnection) -> Result<(), Fault> {
    let sql = "DELETE FROM commits
               WHERE at < CAST(extract(epoch FROM now() - interval '1 hour') * 1000000000 AS bigint)";
    query(sql).execute(c).await?;
    Ok(())
}
