//! Four connections that only read, each read with a deadline. A read sees the last commit, never half
//! of one.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use super::error::Fault;
use super::schema::open_reader;
use crate::store::StoreError;

/// Reads at the same time; more wait, within their deadline.
const READERS: usize = 4;
/// Steps of SQLite's machine between two looks at the clock.
const STEPS: i32 = 4_000;

/// The pool. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Readers(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    deadline: Duration,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn new(path: PathBuf, deadline: Duration) -> Self {
        let permits = Arc::new(Semaphore::new(READERS));
        Self(Arc::new(Inner { path, deadline, permits, idle: Mutex::new(Vec::new()) }))
    }

    /// Runs one read.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let deadline = Instant::now() + self.0.deadline;
        let late =
            || StoreError::Deadline(u64::try_from(self.0.deadline.as_millis()).unwrap_or(u64::MAX));
        let permit = timeout_at(deadline, Arc::clone(&self.0.permits).acquire_owned()).await;
        let permit = permit.map_err(|_| late())?.map_err(|_| StoreError::Closed)?;
        let inner = Arc::clone(&self.0);
        // A caller that stops waiting leaves the read to its deadline; the permit goes with the read.
        let task = tokio::task::spawn_blocking(move || {
            let mut connection = inner.take()?;
            connection.progress_handler(STEPS, Some(move || Instant::now() >= deadline))?;
            let answer = at_once(&connection, read);
            inner.give(connection);
            drop(permit);
            answer
        });
        match task.await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(fault)) if interrupted(&fault) => Err(late()),
            Ok(Err(fault)) => Err(fault.into()),
            Err(_) => Err(StoreError::Failed("a read failed inside the program".to_owned())),
        }
    }

    /// Lets no new read begin, waits for those under way, and closes the connections.
    pub(super) async fn close(&self) {
        let all = u32::try_from(READERS).unwrap_or(u32::MAX);
        if let Ok(all) = self.0.permits.acquire_many(all).await {
            self.0.permits.close();
            drop(all);
        }
        self.0.idle().clear();
    }
}

/// Runs a read of several questions on one snapshot.
fn at_once<T>(
    connection: &Connection,
    read: impl FnOnce(&Connection) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let run = |sql| connection.prepare_cached(sql).and_then(|mut sql| sql.execute([]));
    run("BEGIN")?;
    let answer = read(connection);
    // Nothing was written: this only lets the snapshot go, and an interrupted one is gone already.
    if !connection.is_autocommit() {
        run("ROLLBACK")?;
    }
    answer
}

impl Inner {
    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        // The list is whole whatever a holder did.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Result<Connection, Fault> {
        let idle = self.idle().pop();
        match idle {
            Some(connection) => Ok(connection),
            None => Ok(open_reader(&self.path)?),
        }
    }

    fn give(&self, connection: Connection) {
        self.idle().push(connection);
    }
}

fn interrupted(fault: &Fault) -> bool {
    match fault {
        Fault::Sqlite(error) => error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted),
        Fault::Codec(_) | Fault::Place(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_read_has_one_snapshot_and_one_that_takes_too_long_is_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE a (b)").unwrap();
        let readers = Readers::new(path, Duration::from_millis(50));
        let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
                       SELECT count(*) FROM n";
        let count = |sql: &'static str| {
            readers.read(move |c| Ok(c.query_row(sql, [], |row| row.get::<_, i64>(0))?))
        };
        assert!(matches!(count(endless).await, Err(StoreError::Deadline(50))));
        assert_eq!(count("SELECT count(*) FROM a").await.unwrap(), 0);
        let writer = Connection::open(folder.path().join("a.db")).unwrap();
        writer.execute_batch("PRAGMA journal_mode = WAL").unwrap();
        let both = readers.read(move |c| {
            let count = || c.query_row("SELECT count(*) FROM a", [], |row| row.get::<_, i64>(0));
            let before = count()?;
            writer.execute("INSERT INTO a VALUES (1)", [])?;
            Ok((before, count()?))
        });
        assert_eq!(both.await.unwrap(), (0, 0), "one snapshot for all of a read");
        readers.close().await;
        assert!(matches!(count("SELECT 1").await, Err(StoreError::Closed)));
    }
}
