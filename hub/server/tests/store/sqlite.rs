//! Places of SQLite: a file in a folder that goes with it.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use orderhub::store::Store;
use orderhub::store::sqlite::{Options, SqliteStore};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::contract::{self, Factory};

pub(crate) struct Sqlite(pub(crate) TempDir);

impl Sqlite {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn options(&self) -> Options {
        Options::at(self.0.path().join("orderhub.db"))
    }

    pub(crate) fn direct(&self) -> Connection {
        Connection::open(self.0.path().join("orderhub.db")).unwrap()
    }
}

impl Factory for Sqlite {
    fn open(&self) -> BoxFuture<'_, Arc<dyn Store>> {
        Box::pin(async { Arc::new(SqliteStore::open(&self.options()).unwrap()) as Arc<dyn Store> })
    }

    fn another(&self) -> Box<dyn Factory> {
        Box::new(Self::new())
    }

    fn sql<'s>(&'s self, sql: &'s str) -> BoxFuture<'s, ()> {
        Box::pin(async { self.direct().execute_batch(sql).unwrap() })
    }

    fn bytes<'s>(&'s self, sql: &'s str) -> BoxFuture<'s, Vec<Vec<u8>>> {
        Box::pin(async {
            let direct = self.direct();
            let mut statement = direct.prepare(sql).unwrap();
            let rows = statement.query_map([], |row| row.get(0)).unwrap();
            rows.collect::<Result<_, _>>().unwrap()
        })
    }
}

#[test]
fn sqlite_does_what_every_store_does() {
    contract::run(&|| Box::new(Sqlite::new()));
}
