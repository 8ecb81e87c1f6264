//! Opening the database: migrations under a lock of their own, the install id.

use std::time::Duration;

use sqlx::{Connection as _, PgConnection, query, query_scalar, raw_sql};

use super::connect::{Bounds, Connector, ms};
use super::error::Fault;
use crate::store::{StoreError, UNRELEASED};

/// In order; the schema's version is how many of them the database has seen.
const MIGRATIONS: &[&str] = &[
    include_str!("../../../migrations/postgres/0001_first.sql"),
    include_str!("../../../migrations/postgres/0002_bodies.sql"),
    include_str!("../../../migrations/postgres/0003_processes.sql"),
    include_str!("../../../migrations/postgres/0004_access.sql"),
    include_str!("../../../migrations/postgres/0005_intake.sql"),
    include_str!("../../../migrations/postgres/0006_views.sql"),
    include_str!("../../../migrations/postgres/0007_keep.sql"),
];

/// The schema that this program makes.
pub(super) fn known() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// Another process may be migrating for so long.
const MIGRATING: Duration = Duration::from_secs(300);

/// Our locks that stand for no row, by what they guard.
pub(super) mod locks {
    /// Migrations, the install id.
    pub(in super::super) const SCHEMA: i64 = 0x6f72_6465_7268_7562;
    /// Partitions that come and go.
    pub(in super::super) const PARTITIONS: i64 = SCHEMA + 1;
    /// The giving of process numbers.
    pub(in super::super) const NUMBERS: i64 = SCHEMA + 2;
    /// Names of instances, each with the schema: the seed of their hash.
    pub(in super::super) const INSTANCE: i64 = SCHEMA + 3;
    /// Throwing away, with the schema: the seed of its hash.
    pub(in super::super) const PRUNING: i64 = SCHEMA + 4;
}

/// Brings the database to this program's schema; answers the install id.
///
/// **Invariant:** one process at a time migrates: the others wait for its lock and find the work done.
/// Test: `two_processes_that_start_at_once_make_one_schema`.
pub(super) async fn open(connector: &Connector) -> Result<String, StoreError> {
    let refused = |fault: Fault| {
        StoreError::Failed(format!(
            "cannot open the store at `{}`: {fault}; start PostgreSQL there, or correct `store.url` and \
             `store.password`",
            connector.place()
        ))
    };
    let bounds: Bounds =
        vec![ms("lock_timeout", MIGRATING), ms("idle_in_transaction_session_timeout", MIGRATING)];
    let mut connection = connector.connect(&bounds).await.map_err(refused)?;
    let encoding = encoding(&mut connection).await.map_err(refused)?;
    if encoding != "UTF8" {
        return Err(StoreError::Failed(format!(
            "the database at `{}` is encoded in {encoding}; make one with `ENCODING 'UTF8'`",
            connector.place()
        )));
    }
    let install = prepare(&mut connection).await.map_err(|not| match not {
        NotPrepared::Store(error) => error,
        NotPrepared::Fault(fault) => StoreError::Failed(format!(
            "cannot prepare the tables of the store at `{}`: {fault}",
            connector.place()
        )),
    })?;
    // What was committed stands, however the connection ends.
    drop(connection.close().await);
    Ok(install)
}

/// Why the tables are not there.
enum NotPrepared {
    Store(StoreError),
    Fault(Fault),
}

impl<E: Into<Fault>> From<E> for NotPrepared {
    fn from(error: E) -> Self {
        Self::Fault(error.into())
    }
}

async fn encoding(connection: &mut PgConnection) -> Result<String, Fault> {
    let read = query_scalar("SELECT current_setting('server_encoding')");
    Ok(read.fetch_one(connection).await?)
}

/// All in one transaction: a migration that fails leaves nothing behind.
async fn prepare(connection: &mut PgConnection) -> Result<String, NotPrepared> {
    raw_sql("BEGIN").execute(&mut *connection).await?;
    let lock = query("SELECT pg_advisory_xact_lock($1)").bind(locks::SCHEMA);
    lock.execute(&mut *connection).await?;
    migrate(connection).await?;
    let install = install(connection).await?;
    raw_sql("COMMIT").execute(connection).await?;
    Ok(install)
}

async fn migrate(connection: &mut PgConnection) -> Result<(), NotPrepared> {
    let known = known();
    let found = version(connection).await?;
    if found > known {
        return Err(NotPrepared::Store(StoreError::Newer { found, known }));
    }
    if found == UNRELEASED {
        return Err(NotPrepared::Store(StoreError::Unreleased));
    }
    let done = usize::try_from(found).unwrap_or(0);
    for (version, script) in (1_i64..).zip(MIGRATIONS).skip(done) {
        raw_sql(*script).execute(&mut *connection).await?;
        let note = "INSERT INTO meta (name, value) VALUES ('schema', $1)
                    ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        let note = query(note).bind(version.to_string());
        note.execute(&mut *connection).await?;
    }
    Ok(())
}

/// How many migrations the database has seen; a new one: none.
pub(super) async fn version(connection: &mut PgConnection) -> Result<i64, Fault> {
    let there = query_scalar("SELECT to_regclass('meta') IS NOT NULL");
    if !there.fetch_one(&mut *connection).await? {
        return Ok(0);
    }
    let read = query_scalar("SELECT CAST(value AS BIGINT) FROM meta WHERE name = 'schema'");
    Ok(read.fetch_optional(connection).await?.unwrap_or(0))
}

async fn install(connection: &mut PgConnection) -> Result<String, Fault> {
    let made = uuid::Uuid::new_v4().simple().to_string();
    let keep = "INSERT INTO meta (name, value) VALUES ('install', $1) ON CONFLICT DO NOTHING";
    query(keep).bind(made).execute(&mut *connection).await?;
    let read = query_scalar("SELECT value FROM meta WHERE name = 'install'");
    Ok(read.fetch_one(connection).await?)
}

/// Whether the server answers.
pub(super) async fn answers(connection: &mut PgConnection) -> Result<(), Fault> {
    let _one: i32 = query_scalar("SELECT 1").fetch_one(connection).await?;
    Ok(())
}
