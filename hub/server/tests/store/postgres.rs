//! Places of PostgreSQL: a database of its own on the server of the tests.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::future::BoxFuture;
use orderhub::store::Store;
use orderhub::store::postgres::{Options, PostgresStore};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, query_scalar, raw_sql};

use crate::contract::{self, Factory};

/// Numbers of the databases of this process, and of those that work on them.
static NEXT: AtomicU32 = AtomicU32::new(0);

pub(crate) struct Postgres {
    name: String,
}

impl Postgres {
    /// Makes the database; blocks.
    pub(crate) fn new() -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("orderhub_test_{}_{number}", std::process::id());
        let make = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE); CREATE DATABASE {name}");
        on_the_server(make);
        Self { name }
    }

    /// Its URL, at the server or at whoever stands before it.
    pub(crate) fn url_at(&self, port: Option<u16>) -> String {
        let server = server();
        let (before, _) = server.rsplit_once('/').unwrap();
        let (before, own) = before.rsplit_once(':').unwrap();
        format!("{before}:{}/{}", port.map_or(own.to_owned(), |port| port.to_string()), self.name)
    }

    /// For a process of its own.
    pub(crate) fn options(&self) -> Options {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Options::at(self.url_at(None), format!("process {number}"))
    }

    pub(crate) async fn store(&self) -> Arc<PostgresStore> {
        Arc::new(PostgresStore::open(&self.options()).await.unwrap())
    }

    pub(crate) async fn direct(&self) -> PgConnection {
        PgConnection::connect(&self.url_at(None)).await.unwrap()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        on_the_server(format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}

/// The server's own database.
pub(crate) fn server() -> String {
    std::env::var("ORDERHUB_TEST_POSTGRES").expect(
        "ORDERHUB_TEST_POSTGRES is not set: run the tests by `tests/run`, which starts PostgreSQL",
    )
}

/// On a thread of its own: places are made and dropped inside and outside of runtimes. One statement
/// after the other: no database is made or dropped inside a transaction.
fn on_the_server(statements: String) {
    let url = server();
    let run = async move {
        let mut connection = PgConnection::connect(&url).await.unwrap();
        for statement in statements.split(';') {
            raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
        }
    };
    let run = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(run);
    };
    std::thread::spawn(run).join().unwrap();
}

impl Factory for Postgres {
    fn open(&self) -> BoxFuture<'_, Arc<dyn Store>> {
        Box::pin(async {
            // The same instance each time: it goes on where it was.
            let options = Options { instance: "here".to_owned(), ..self.options() };
            Arc::new(PostgresStore::open(&options).await.unwrap()) as Arc<dyn Store>
        })
    }

    fn another(&self) -> Box<dyn Factory> {
        Box::new(Self::new())
    }

    fn sql<'s>(&'s self, sql: &'s str) -> BoxFuture<'s, ()> {
        let sql = sql.replace("x'", "'\\x");
        Box::pin(async {
            raw_sql(AssertSqlSafe(sql)).execute(&mut self.direct().await).await.unwrap();
        })
    }

    fn bytes<'s>(&'s self, sql: &'s str) -> BoxFuture<'s, Vec<Vec<u8>>> {
        let sql = AssertSqlSafe(sql.replace("AS BLOB", "AS bytea"));
        Box::pin(async { query_scalar(sql).fetch_all(&mut self.direct().await).await.unwrap() })
    }
}

#[test]
fn postgres_does_what_every_store_does() {
    contract::run(&|| Box::new(Postgres::new()));
}
