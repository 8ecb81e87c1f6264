//! Connections that are lent for one short work each, with a deadline: to read, or to write what needs no
//! transaction of its own beside the writer's.
//!
//! A read sees the last commit, never half of one, without a transaction of its own: an order and its lanes
//! come by one statement; what is asked further (older versions, the next rows of a page) does not depend
//! on it, or never changes.
//!
//! **Invariant:** no read lasts beyond its deadline, here or at the server. Test:
//! `a_reader_with_a_long_statement_is_stopped_at_its_deadline`.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use sqlx::{Connection as _, PgConnection};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use super::connect::{Bounds, Connector, by_key, ms};
use super::error::Fault;
use crate::store::StoreError;

/// Reads at the same time; more wait, within their deadline.
const READERS: usize = 4;
/// Short writes at the same time, likewise.
const SHORTS: usize = 2;
/// How long what is thrown away waits for who looks at it.
const PATIENCE: Duration = Duration::from_secs(1);
/// The server stops a statement at the deadline; its word is waited for so much longer.
const SLACK: Duration = Duration::from_millis(200);
/// A connection that was idle for so long is asked first whether it still stands: sooner than a server that
/// crashed is there again, so that nobody is told of it by a read after that.
const TRUSTED: Duration = Duration::from_millis(100);

/// The pool.
#[derive(Debug)]
pub(super) struct Pool {
    connector: Connector,
    deadline: Duration,
    bounds: Bounds,
    size: usize,
    permits: Semaphore,
    idle: Mutex<Vec<(PgConnection, Instant)>>,
}

impl Pool {
    /// Connections that only read.
    pub(super) fn of_readers(connector: Connector, deadline: Duration) -> Self {
        let read_only = ("default_transaction_read_only", "on".to_owned());
        Self::new(connector, deadline, READERS, vec![read_only])
    }

    /// Connections for short writes: each statement is a transaction, and waits for nobody for long.
    pub(super) fn of_shorts(connector: Connector, deadline: Duration) -> Self {
        let mut bounds = by_key();
        bounds.push(("synchronous_commit", "on".to_owned()));
        Self::new(connector, deadline, SHORTS, bounds)
    }

    /// One connection for what is thrown away: it makes nobody wait, and waits for nobody for long.
    pub(super) fn of_pruner(connector: Connector, deadline: Duration) -> Self {
        let quiet = ("client_min_messages", "warning".to_owned());
        Self::new(connector, deadline, 1, vec![ms("lock_timeout", PATIENCE), quiet])
    }

    fn new(connector: Connector, deadline: Duration, size: usize, more: Bounds) -> Self {
        let mut bounds = vec![
            ms("statement_timeout", deadline),
            ms("lock_timeout", deadline),
            ms("idle_in_transaction_session_timeout", deadline),
        ];
        bounds.extend(more);
        let permits = Semaphore::new(size);
        Self { connector, deadline, bounds, size, permits, idle: Mutex::default() }
    }

    /// Runs one work. A caller that stops waiting leaves the statement to the server's own deadline, and its
    /// connection is given up.
    pub(super) async fn run<T>(
        &self,
        work: impl for<'c> FnOnce(&'c mut PgConnection) -> BoxFuture<'c, Result<T, Fault>> + Send,
    ) -> Result<T, StoreError> {
        let deadline = Instant::now() + self.deadline;
        let late =
            || StoreError::Deadline(u64::try_from(self.deadline.as_millis()).unwrap_or(u64::MAX));
        let permit = timeout_at(deadline, self.permits.acquire()).await;
        let permit = permit.map_err(|_| late())?.map_err(|_| StoreError::Closed)?;
        let lent = async {
            let mut connection = self.take().await?;
            let answer = work(&mut connection).await;
            // After an error the connection may be in any state.
            if answer.is_ok() {
                self.idle().push((connection, Instant::now()));
            }
            answer
        };
        let answer = timeout_at(deadline + SLACK, lent).await;
        drop(permit);
        match answer {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(fault)) if fault.is_cancelled() => Err(late()),
            Ok(Err(fault)) => Err(fault.into()),
            Err(_) => Err(late()),
        }
    }

    /// Lets no new work begin, waits for those under way, and closes the connections.
    pub(super) async fn close(&self) {
        let all = u32::try_from(self.size).unwrap_or(u32::MAX);
        if let Ok(all) = self.permits.acquire_many(all).await {
            self.permits.close();
            drop(all);
        }
        let idle = std::mem::take(&mut *self.idle());
        for (connection, _) in idle {
            // It is given up whatever the server says.
            drop(connection.close().await);
        }
    }

    async fn take(&self) -> Result<PgConnection, Fault> {
        loop {
            let idle = self.idle().pop();
            let Some((mut connection, since)) = idle else {
                return self.connector.connect(&self.bounds).await;
            };
            if since.elapsed() < TRUSTED || connection.ping().await.is_ok() {
                return Ok(connection);
            }
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(PgConnection, Instant)>> {
        // The list is whole whatever a holder did.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
