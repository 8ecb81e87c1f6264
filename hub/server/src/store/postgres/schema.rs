//! Opening the database: migrations under a lock of their own, the install id.

use std::time::Duration;

use sqlx::{Connection as _, PgConnection, query, query_scalar, raw_sql};

use super::beats;
use super::connect::{Bounds, Connector, ms};
use super::error::Fault;
use super::search;
use crate::store::search::SearchKey;
use crate::store::{StoreError, UNRELEASED, Wanted};

/// In order; the schema's version is how many of them the database has seen.
const MIGRATIONS: &[&str] = &[
    include_str!("../../../migrations/postgres/0001_first.sql"),
    include_str!("../../../migrations/postgres/0002_bodies.sql"),
    include_str!("../../../migrations/postgres/0003_processes.sql"),
    include_str!("../../../migrations/postgres/0004_access.sql"),
    include_str!("../../../migrations/postgres/0005_intake.sql"),
    include_str!("../../../migrations/postgres/0006_views.sql"),
    include_str!("../../../migrations/postgres/0007_search.sql"),
    include_str!("../../../migrations/postgres/0008_waits.sql"),
    include_str!("../../../migrations/postgres/0009_keep.sql"),
    include_str!("../../../migrations/postgres/0010_beats.sql"),
    include_str!("../../../migrations/postgres/0011_facts.sql"),
    include_str!("../../../migrations/postgres/0012_rest.sql"),
    include_str!("../../../migrations/postgres/0013_asks.sql"),
    include_str!("../../../migrations/postgres/0014_reads.sql"),
    include_str!("../../../migrations/postgres/0015_form.sql"),
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
    /// Copies of an installation into a schema: the seed of its hash.
    pub(in super::super) const COPY: i64 = SCHEMA + 4;
    /// Throwing away, with the schema: the seed of its hash.
    pub(in super::super) const PRUNING: i64 = SCHEMA + 5;
}

/// Brings the database to this program's schema; answers the install id, and what it is searched under.
///
/// **Invariant:** one process at a time migrates: the others wait for its lock and find the work done.
/// Test: `two_processes_that_start_at_once_make_one_schema`.
pub(super) async fn open(
    connector: &Connector,
    wanted: &Wanted,
) -> Result<(String, SearchKey), StoreError> {
    let mut connection = connect(connector).await?;
    let prepared = prepare(&mut connection, wanted).await;
    let prepared = prepared.map_err(|not| not.into_words(connector))?;
    // What was committed stands, however the connection ends.
    drop(connection.close().await);
    Ok(prepared)
}

/// Forgets how it is searched, if nobody works on it. Answers the names of those who do.
pub(super) async fn forget_search(connector: &Connector) -> Result<Vec<String>, StoreError> {
    let mut connection = connect(connector).await?;
    let alive = forget(&mut connection).await.map_err(|not| not.into_words(connector))?;
    drop(connection.close().await);
    Ok(alive)
}

async fn connect(connector: &Connector) -> Result<PgConnection, StoreError> {
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
    Ok(connection)
}

/// Why the tables are not there.
pub(super) enum NotPrepared {
    Store(StoreError),
    Fault(Fault),
}

impl NotPrepared {
    fn into_words(self, connector: &Connector) -> StoreError {
        match self {
            Self::Store(error) => error,
            Self::Fault(fault) => StoreError::Failed(format!(
                "cannot prepare the tables of the store at `{}`: {fault}",
                connector.place()
            )),
        }
    }
}

impl<E: Into<Fault>> From<E> for NotPrepared {
    fn from(error: E) -> Self {
        Self::Fault(error.into())
    }
}

pub(super) async fn encoding(connection: &mut PgConnection) -> Result<String, Fault> {
    let read = query_scalar("SELECT current_setting('server_encoding')");
    Ok(read.fetch_one(connection).await?)
}

/// All in one transaction: a migration that fails leaves nothing behind.
async fn prepare(
    connection: &mut PgConnection,
    wanted: &Wanted,
) -> Result<(String, SearchKey), NotPrepared> {
    begin(connection).await?;
    let install = install(connection).await?;
    let search = search::begin(connection, wanted).await?;
    raw_sql("COMMIT").execute(connection).await?;
    Ok((install, search))
}

/// Opens the transaction, with the lock and all tables.
async fn begin(connection: &mut PgConnection) -> Result<(), NotPrepared> {
    raw_sql("BEGIN").execute(&mut *connection).await?;
    let lock = query("SELECT pg_advisory_xact_lock($1)").bind(locks::SCHEMA);
    lock.execute(&mut *connection).await?;
    if let Some(Marked { from, .. }) = marked(connection).await? {
        return Err(NotPrepared::Store(StoreError::Unfinished(from)));
    }
    migrate(connection).await
}

async fn forget(connection: &mut PgConnection) -> Result<Vec<String>, NotPrepared> {
    begin(connection).await?;
    let alive = beats::heard(connection).await?;
    if alive.is_empty() {
        search::forget(connection).await?;
    }
    raw_sql("COMMIT").execute(connection).await?;
    Ok(alive)
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

/// Makes the tables in the open transaction, or brings them to this program's schema.
pub(super) async fn tables(connection: &mut PgConnection) -> Result<(), Fault> {
    migrate(connection).await.map_err(|not| match not {
        NotPrepared::Store(error) => Fault::Tried(error.to_string()),
        NotPrepared::Fault(fault) => fault,
    })
}

/// A database into which an installation is being copied, and that is not finished.
#[derive(Debug)]
pub(super) struct Marked {
    /// The id of the installation.
    pub(super) install: String,
    /// The file that it comes from.
    pub(super) from: String,
}

/// The mark of a copy that is not finished.
pub(super) async fn marked(connection: &mut PgConnection) -> Result<Option<Marked>, Fault> {
    if version(connection).await? == 0 {
        return Ok(None);
    }
    let read = query_scalar("SELECT value FROM meta WHERE name = 'copying'");
    let Some(text) = read.fetch_optional(connection).await? else { return Ok(None) };
    let text: String = text;
    let told: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let word = |name| told.get(name).and_then(serde_json::Value::as_str).unwrap_or("?").to_owned();
    Ok(Some(Marked { install: word("install"), from: word("from") }))
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
