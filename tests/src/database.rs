//! Places in the PostgreSQL server of the tests: a schema each, gone when it is dropped.

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
