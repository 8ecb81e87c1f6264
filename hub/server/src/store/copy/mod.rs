//! Moves an installation from a SQLite file into an empty PostgreSQL database, row by row as it is.
//!
//! The way: look at both sides ► read all of the file once and find what PostgreSQL cannot hold ► mark the
//! database as not finished ► copy, table by table ► numbers go on where they were ► read the database back
//! and compare ► take the mark away. A hub does not start on a database that bears the mark, and a copy of
//! the same installation that begins anew empties it first: wherever a copy dies, it is repeated.
//!
//! **Invariant:** the database is the installation, or says that it is not: the mark goes with the last
//! transaction, after every row was compared. Test: `a_copy_that_dies_is_refused_by_a_hub_and_repeated`.
//!
//! **Invariant:** nothing is changed in the file, and no hub runs on it meanwhile: the copy holds its lock.
//! Test: `a_file_in_use_is_not_copied_and_a_copied_one_is_as_it_was`.
//!
//! Bounds: at most [`CHUNKS`] pieces of about [`CHUNK`] bytes are on the way, and one row beyond.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde::Serialize;
use tokio::sync::mpsc;

use super::StoreError;
use super::postgres::{self, copy::Target};
use super::sqlite::copy::Source;
use crate::clock::Clock;

pub(crate) mod check;
mod error;
mod progress;
pub(crate) mod sum;
pub(crate) mod tables;
pub(crate) mod tuple;

pub use error::{CopyError, Finding};
pub use progress::{Progress, Seen};
pub use sum::Sum;

use tables::Plan;
use tuple::Mend;

/// Bytes of rows that are sent at once.
pub(crate) const CHUNK: usize = 256 << 10;
/// Pieces between the file and the database.
const CHUNKS: usize = 8;

/// What is to be copied, and how.
#[derive(Debug)]
pub struct Copy {
    /// The file.
    pub from: PathBuf,
    /// The database.
    pub to: postgres::Options,
    /// What PostgreSQL cannot hold is written as a hub on it would write it, or left out, and told.
    pub mend: bool,
    /// The database stays marked: a try.
    pub rehearse: bool,
}

/// What came of it.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The id of the installation, which it keeps.
    pub install: String,
    /// The database, without user and password.
    pub to: String,
    /// Every table.
    pub tables: Vec<TableReport>,
    /// What was written otherwise, or left out.
    pub mended: Vec<Finding>,
}

/// One table on both sides.
#[derive(Debug, Serialize)]
pub struct TableReport {
    /// Its name.
    pub table: &'static str,
    /// Rows that were taken from the file.
    pub rows: u64,
    /// Their bytes, without the server's own.
    pub bytes: u64,
    /// Rows that the database has.
    pub there: u64,
    /// Rows of the file that the database cannot hold.
    pub left_out: u64,
    /// Every row is the same on both sides.
    pub same: bool,
}

impl Report {
    /// The rows of a table.
    pub fn rows(&self, table: &str) -> u64 {
        self.tables.iter().find(|row| row.table == table).map_or(0, |row| row.rows)
    }
}

/// Numbers that were given in the file, and are never to be given again.
#[derive(Debug)]
pub(crate) struct Given {
    /// The highest of a message.
    pub(crate) messages: i64,
    /// The highest of an order.
    pub(crate) orders: i64,
    /// The last process.
    pub(crate) process: i64,
    /// The highest of other rows, by table, where rows may be gone that had it.
    pub(crate) identities: HashMap<String, i64>,
}

/// The file, read by one thread at a time.
type Shared = Arc<Mutex<Source>>;

/// A piece of a table on its way.
#[derive(Debug)]
pub(crate) enum Piece {
    /// Whole rows, and how many.
    Rows(Vec<u8>, u64),
    /// All of them were read.
    End,
}

/// Copies, compares, and tells both sides.
///
/// # Errors
///
/// [`CopyError`]. What was written before stays marked as not finished.
///
/// # Cancel safety
///
/// Dropped in the middle, it leaves a database that is marked as not finished.
pub async fn copy(copy: &Copy, progress: &Arc<Progress>) -> Result<Report, CopyError> {
    let path = copy.from.clone();
    let source = blocking(move || Source::open(&path)).await?;
    let install = source.install.clone();
    let mut target = Target::connect(&copy.to).await?;
    target.takes(&install).await?;
    // An unfinished copy into the same database may be repeated; a rehearsal leaves nobody two installations.
    if let Some((to, at)) = source.noted()
        && !copy.rehearse
        && to != target.place()
    {
        let (file, note) = (copy.from.clone(), source.note_path());
        return Err(CopyError::Copied { file, to, at, note });
    }
    let plan = Arc::new(Plan::new(&source.tables()?, &target.catalog().await?, source.parts()?)?);
    let source = Arc::new(Mutex::new(source));

    progress.step("checking");
    let found = check::check(&source, &plan, &mut target, progress).await?;
    if !found.may_go(copy.mend) {
        return Err(CopyError::Unholdable { findings: found.findings, count: found.count });
    }
    let mend = if copy.mend { Mend::With(Arc::new(found.too_long)) } else { Mend::Never };

    target.begin(&plan, &install, &copy.from.display().to_string()).await?;
    progress.step("copying");
    let mut sums = Vec::with_capacity(plan.tables.len());
    for place in 0..plan.tables.len() {
        let read = Read { source: &source, plan: &plan, place, mend: &mend };
        sums.push(fill(&mut target, read, progress).await?);
    }
    let given = with(&source, Source::given).await?;
    target.numbers(&plan, &given).await?;

    progress.step("comparing");
    let mut tables = Vec::with_capacity(sums.len());
    for (table, (sum, left_out)) in plan.tables.iter().zip(sums) {
        progress.table(table.name, sum.rows);
        let there = target.sum(table, progress).await?;
        let same = there == sum;
        let (rows, bytes) = (sum.rows, sum.bytes);
        let name = table.name;
        tables.push(TableReport { table: name, rows, bytes, there: there.rows, left_out, same });
    }
    let mended = found.findings;
    let to = target.place().to_owned();
    let report = Report { install, to, tables, mended };
    if report.tables.iter().any(|table| !table.same) {
        return Err(CopyError::Differs(report));
    }
    finish(copy, target, &source, &report).await?;
    Ok(report)
}

/// Takes the mark away. The note beside the file goes first: never may a hub start on both.
async fn finish(
    copy: &Copy,
    target: Target,
    source: &Shared,
    report: &Report,
) -> Result<(), CopyError> {
    if copy.rehearse {
        target.close().await;
        return Ok(());
    }
    let to = report.to.clone();
    with(source, move |source| source.note(&to, Clock::system().now())).await?;
    target.finish().await
}

/// Which table is read, and how.
#[derive(Clone, Copy, Debug)]
struct Read<'a> {
    source: &'a Shared,
    plan: &'a Arc<Plan>,
    place: usize,
    mend: &'a Mend,
}

/// Copies one table; answers what was taken, and how many rows were left out.
async fn fill(
    target: &mut Target,
    read: Read<'_>,
    progress: &Arc<Progress>,
) -> Result<(Sum, u64), CopyError> {
    let Some(table) = read.plan.tables.get(read.place) else { return Ok((Sum::default(), 0)) };
    progress.table(table.name, progress.counted(table.name));
    let (pieces, mut way) = mpsc::channel(CHUNKS);
    let (source, plan, mend) = (Arc::clone(read.source), Arc::clone(read.plan), read.mend.clone());
    let place = read.place;
    let reading = tokio::task::spawn_blocking(move || {
        let source = locked(&source)?;
        let table = plan.tables.get(place).ok_or_else(|| CopyError::fault("no such table"))?;
        source.stream(table, &mend, &pieces)
    });
    let filled = target.fill(table, &mut way, progress).await;
    // A reader that nobody listens to ends by itself.
    drop(way);
    let taken = reading.await.map_err(|error| CopyError::fault(&error.to_string()))?;
    match (filled, taken) {
        (Ok(()), Ok(taken)) => Ok(taken),
        // The reader's word says more than that its rows stopped coming.
        (_, Err(error)) if !error.is_closed() => Err(error),
        (Err(error), _) | (Ok(()), Err(error)) => Err(error),
    }
}

fn locked(source: &Shared) -> Result<std::sync::MutexGuard<'_, Source>, CopyError> {
    source.lock().map_err(|_| CopyError::fault("the file was read by a thread that failed"))
}

/// Asks the file something, on a thread that may wait for it.
async fn with<T: Send + 'static>(
    source: &Shared,
    ask: impl FnOnce(&Source) -> Result<T, CopyError> + Send + 'static,
) -> Result<T, CopyError> {
    let source = Arc::clone(source);
    blocking(move || ask(&*locked(&source)?)).await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, CopyError> + Send + 'static,
) -> Result<T, CopyError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| CopyError::fault(&error.to_string()))?
}

/// Whether a hub may not run on this file, because it runs on a database by now, and what to do.
pub(crate) fn refused(note: &Path, file: &Path) -> Result<(), StoreError> {
    let Some((to, at)) = noted(note) else { return Ok(()) };
    Err(StoreError::Failed(format!(
        "`{}` was copied to PostgreSQL at {to} on {at}, and a hub on both would send everything twice; run the hub \
         on that database, or, to go back for good, stop that one and remove `{}`",
        file.display(),
        note.display(),
    )))
}

/// Where a file was copied to, and when, by the note beside it.
pub(crate) fn noted(note: &Path) -> Option<(String, String)> {
    let text = match std::fs::read_to_string(note) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        // What cannot be read is there all the same.
        read => read.unwrap_or_default(),
    };
    let told: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let word = |name| told.get(name).and_then(serde_json::Value::as_str).unwrap_or("?").to_owned();
    Some((word("to"), word("at")))
}
