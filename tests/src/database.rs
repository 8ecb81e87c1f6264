//! Places in the PostgreSQL server of the tests: a schema each, gone when it is dropped; and servers that
//! tests may crash.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection, raw_sql};

/// Numbers of the schemas of this process.
static NEXT: AtomicU32 = AtomicU32::new(0);

/// An empty schema.
#[derive(Debug)]
pub struct Schema(String);

/// The server that `tests/run` started.
pub fn shared_url() -> String {
    std::env::var("ORDERHUB_TEST_POSTGRES").expect(
        "ORDERHUB_TEST_POSTGRES is not set: run the tests by `tests/run`, which starts PostgreSQL",
    )
}

impl Schema {
    /// Makes it; blocks.
    pub fn new() -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("orderhub_test_{}_{number}", std::process::id());
        run(format!("CREATE SCHEMA {name}"));
        Self(name)
    }

    /// The URL by which a store takes the schema for the whole database.
    pub fn url(&self) -> String {
        format!("{}?options=-csearch_path%3D{}", shared_url(), self.0)
    }
}

impl Schema {
    /// Messages that are stored and wait for another drive.
    pub async fn waiting(&self) -> i64 {
        let mut connection = PgConnection::connect(&self.url()).await.expect("PostgreSQL answers");
        let sql = "SELECT count(*) FROM pending";
        sqlx::query_scalar(sql).fetch_one(&mut connection).await.expect("a count")
    }

    /// The ids of the messages that are stored, in the order in which they were.
    pub async fn message_ids(&self) -> Vec<String> {
        let mut connection = PgConnection::connect(&self.url()).await.expect("PostgreSQL answers");
        let sql = "SELECT message_id FROM messages WHERE first IS NULL AND message_id IS NOT NULL ORDER BY id";
        sqlx::query_scalar(sql).fetch_all(&mut connection).await.expect("ids of messages")
    }

    /// Bundles that decided versions of orders.
    pub async fn bundles(&self) -> i64 {
        let mut connection = PgConnection::connect(&self.url()).await.expect("PostgreSQL answers");
        let sql = "SELECT count(DISTINCT bundle) FROM changes";
        sqlx::query_scalar(sql).fetch_one(&mut connection).await.expect("a count")
    }

    /// A hub of an earlier version begins, by what it says to the database; its number. It is heard until it ends.
    pub async fn former(&self, instance: &str) -> i64 {
        let mut connection = PgConnection::connect(&self.url()).await.expect("PostgreSQL answers");
        let sql = "WITH me AS (
                       INSERT INTO processes (process, instance, until, search)
                       VALUES (nextval('process_numbers'), $1, clock_timestamp() + interval '1 hour', 1)
                       RETURNING process)
                   INSERT INTO beats (process, until)
                   SELECT process, clock_timestamp() + interval '1 hour' FROM me RETURNING process";
        sqlx::query_scalar(sql).bind(instance).fetch_one(&mut connection).await.expect("it begins")
    }

    /// It ends in order.
    pub async fn ends(&self, process: i64) {
        let mut connection = PgConnection::connect(&self.url()).await.expect("PostgreSQL answers");
        let sql = "DELETE FROM processes WHERE process = $1";
        sqlx::query(sql).bind(process).execute(&mut connection).await.expect("it ends");
    }

    /// The instance that reads a queue, by its lease.
    pub async fn reader(&self) -> Option<String> {
        let mut connection = PgConnection::connect(&self.url()).await.expect("PostgreSQL answers");
        let sql = "SELECT p.instance FROM leases l JOIN processes p ON p.process = l.process
                   WHERE l.name LIKE 'queue:%'";
        sqlx::query_scalar(sql).fetch_optional(&mut connection).await.expect("leases")
    }
}

impl Default for Schema {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        run(format!("DROP SCHEMA {} CASCADE", self.0));
    }
}

/// On a thread of its own: the caller may or may not be inside of a runtime.
fn run(sql: String) {
    let run = async move {
        let mut connection =
            PgConnection::connect(&shared_url()).await.expect("PostgreSQL answers");
        raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.expect("a schema");
    };
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(run);
    });
    thread.join().expect("the schema is made or dropped");
}

/// An own server, for tests that crash it.
#[derive(Debug)]
pub struct Server {
    folder: PathBuf,
    url: String,
}

impl Server {
    /// Starts a server whose state lives in `folder`.
    pub fn start(folder: &Path) -> Self {
        let facts = script("start", folder);
        let url = facts.lines().find_map(|line| line.strip_prefix("ORDERHUB_TEST_POSTGRES="));
        Self { folder: folder.to_owned(), url: url.expect("the script prints the url").to_owned() }
    }

    /// Its address: the same after a restart.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The process that the others are children of.
    pub fn pid(&self) -> u32 {
        let file = self.folder.join("data/postmaster.pid");
        let text = std::fs::read_to_string(file).expect("a running server has written it");
        let pid = text.lines().next().and_then(|line| line.trim().parse().ok());
        pid.expect("its first line is the process")
    }

    /// SIGSTOP to all of its processes: connections stay, and nothing is answered. Until it is dropped.
    pub fn freeze(&self) {
        let pid = self.pid();
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        let mut stop = Command::new("kill");
        stop.arg("-STOP").arg(pid.to_string()).args(children.expect("Linux").split_whitespace());
        assert!(stop.status().expect("kill runs").success());
    }

    /// SIGKILL to all of its processes, then a new start on the same data.
    pub fn crash_and_restart(&self) {
        script("kill", &self.folder);
        script("start", &self.folder);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        script("kill", &self.folder);
    }
}

fn script(verb: &str, folder: &Path) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("parts/postgres.sh");
    let output = Command::new(path).arg(verb).arg(folder).output().expect("the script runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "postgres.sh {verb}: {errors}");
    String::from_utf8(output.stdout).expect("facts are text")
}
