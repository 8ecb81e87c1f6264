//! Opening the file: the lock that keeps other processes out, pragmas, migrations, the install id.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension as _};

use super::Options;
use super::error::{Fault, of};
use crate::store::search::SearchKey;
use crate::store::{StoreError, UNRELEASED, copy};

/// In order; the schema's version is how many of them the file has seen.
const MIGRATIONS: &[&str] = &[
    include_str!("../../../migrations/sqlite/0001_first.sql"),
    include_str!("../../../migrations/sqlite/0002_bodies.sql"),
    include_str!("../../../migrations/sqlite/0003_processes.sql"),
    include_str!("../../../migrations/sqlite/0004_access.sql"),
    include_str!("../../../migrations/sqlite/0005_intake.sql"),
    include_str!("../../../migrations/sqlite/0006_views.sql"),
    include_str!("../../../migrations/sqlite/0007_search.sql"),
    include_str!("../../../migrations/sqlite/0008_waits.sql"),
    include_str!("../../../migrations/sqlite/0009_keep.sql"),
    include_str!("../../../migrations/sqlite/0010_facts.sql"),
    include_str!("../../../migrations/sqlite/0011_rest.sql"),
    include_str!("../../../migrations/sqlite/0012_asks.sql"),
    include_str!("../../../migrations/sqlite/0013_reads.sql"),
];

/// The schema that this program makes.
pub(super) fn known() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// A process that is just ending may hold the lock a little longer.
const LOCK_TRIES: u32 = 40;
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// Statements that one connection keeps prepared.
const STATEMENTS: usize = 64;

/// The file, opened for writing.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) connection: Connection,
    pub(super) install: String,
    /// The number of this process.
    pub(super) process: u64,
    /// What personal values are hashed under.
    pub(super) search: SearchKey,
    /// Held as long as the store is open.
    pub(super) lock: File,
}

/// Opens the file, or makes it.
///
/// **Invariant:** one process at a time: a second writer would fold on heads that the first one moves.
/// Test: `a_second_process_is_refused_in_words`.
pub(super) fn open(options: &Options) -> Result<Opened, StoreError> {
    let (mut connection, lock) = open_unsearched(options)?;
    let install = install(&connection).map_err(StoreError::from)?;
    let search = super::search::begin(&mut connection, &options.search)?;
    let process = begin(&mut connection).map_err(StoreError::from)?;
    Ok(Opened { connection, install, process, search, lock })
}

/// The file and its lock, with all tables.
pub(super) fn open_unsearched(options: &Options) -> Result<(Connection, File), StoreError> {
    let lock = lock(&options.path)?.ok_or_else(|| in_use(&options.path))?;
    copy::refused(&note_of(&options.path), &options.path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(&options.path, flags)
        .map_err(|error| cannot_open(&options.path, &error.to_string()))?;
    prepare(&connection, options)
        .map_err(|error| cannot_open(&options.path, &of(&error).to_string()))?;
    migrate(&mut connection)?;
    Ok((connection, lock))
}

/// Gives this process its number, and sets free what the one before it held.
fn begin(connection: &mut Connection) -> Result<u64, Fault> {
    let transaction = connection.transaction()?;
    let next = "INSERT INTO meta (name, value) VALUES ('process', 1)
                ON CONFLICT DO UPDATE SET value = CAST(value AS INTEGER) + 1
                RETURNING CAST(value AS INTEGER)";
    let process = transaction.query_row(next, [], |row| row.get::<_, i64>(0))?;
    super::lanes::free(&transaction)?;
    transaction.commit()?;
    Ok(u64::try_from(process).unwrap_or_default())
}

/// A connection that only reads.
pub(super) fn open_reader(path: &Path) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.busy_timeout(Duration::from_secs(1))?;
    Ok(connection)
}

fn cannot_open(path: &Path, why: &str) -> StoreError {
    StoreError::Failed(format!("cannot open `{}`: {why}", path.display()))
}

/// The lock of a file, beside the file itself by whatever name that is reached.
pub(super) fn lock_of(path: &Path) -> PathBuf {
    beside(path, ".lock")
}

/// The note of a file that was copied, likewise.
pub(super) fn note_of(path: &Path) -> PathBuf {
    beside(path, ".copied")
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut name = real.into_os_string();
    name.push(ending);
    PathBuf::from(name)
}

/// One process a database; `None`: another has it.
pub(super) fn lock(path: &Path) -> Result<Option<File>, StoreError> {
    let name = lock_of(path);
    let file = File::options().create(true).truncate(false).write(true).open(&name);
    let file = file.map_err(|error| cannot_open(&name, &error.to_string()))?;
    for _ in 0..LOCK_TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
            Err(TryLockError::Error(error)) => return Err(cannot_open(&name, &error.to_string())),
        }
    }
    Ok(None)
}

fn in_use(path: &Path) -> StoreError {
    StoreError::Failed(format!(
        "`{}` is in use by another process; stop that one, or give this one another `[store] url`",
        path.display()
    ))
}

fn prepare(connection: &Connection, options: &Options) -> Result<(), rusqlite::Error> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.busy_timeout(Duration::from_secs(5))?;
    // FULL: a commit that was answered is on the disk, whatever happens to the machine.
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -32768; PRAGMA wal_autocheckpoint = 4000;
         PRAGMA journal_size_limit = 67108864;",
    )?;
    if let Some(pages) = options.most_pages {
        connection.pragma_update(None, "max_page_count", pages)?;
    }
    Ok(())
}

fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let known = known();
    let found = version(connection).map_err(StoreError::from)?;
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    if found == UNRELEASED {
        return Err(StoreError::Unreleased);
    }
    let done = usize::try_from(found).unwrap_or(0);
    for (version, script) in (1_i64..).zip(MIGRATIONS).skip(done) {
        let transaction = connection.transaction().map_err(Fault::from)?;
        transaction.execute_batch(script).map_err(Fault::from)?;
        let note = "INSERT INTO meta (name, value) VALUES ('schema', ?1)
                    ON CONFLICT DO UPDATE SET value = excluded.value";
        transaction.execute(note, [version.to_string()]).map_err(Fault::from)?;
        transaction.commit().map_err(Fault::from)?;
    }
    Ok(())
}

/// How many migrations the file has seen; a new file: none.
pub(super) fn version(connection: &Connection) -> Result<i64, Fault> {
    if !connection.table_exists(None, "meta")? {
        return Ok(0);
    }
    let read = "SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'schema'";
    Ok(connection.query_row(read, [], |row| row.get(0)).optional()?.unwrap_or(0))
}

fn install(connection: &Connection) -> Result<String, Fault> {
    let read = "SELECT value FROM meta WHERE name = 'install'";
    let known = connection.query_row(read, [], |row| row.get(0)).optional()?;
    if let Some(known) = known {
        return Ok(known);
    }
    let made = uuid::Uuid::new_v4().simple().to_string();
    connection.execute("INSERT INTO meta (name, value) VALUES ('install', ?1)", [&made])?;
    Ok(made)
}
