//! Why an installation was not copied, each with what to do.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use super::Report;
use crate::store::StoreError;

/// Findings that are kept, so that each is told that is mended; a file with more is not copied.
pub(crate) const MOST_FINDINGS: usize = 10_000;
/// Those that a refusal names; it counts the rest.
const MOST_NAMED: usize = 20;

/// A value that PostgreSQL cannot hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// In this table.
    pub table: &'static str,
    /// And column.
    pub column: String,
    /// `order o_1y`, `message 17`
    pub of: String,
    /// What is wrong with it.
    pub what: &'static str,
    /// What becomes of it when the copy may mend.
    pub mended: &'static str,
}

impl Finding {
    /// What was done about it.
    pub fn told(&self) -> String {
        let Self { table, column, of, what, mended } = self;
        format!("{table}.{column} of {of}: {what}; {mended}")
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, column, of, what, mended } = self;
        write!(f, "{table}.{column} of {of}: {what} (mended: {mended})")
    }
}

/// Why not.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// There is no such file.
    #[error("`{}` is not there", .0.display())]
    NoFile(PathBuf),
    /// A hub runs on it, or another copy.
    #[error("`{}` is in use by another process", .0.display())]
    InUse(PathBuf),
    /// It has no installation.
    #[error("`{}` holds no installation of a hub", .0.display())]
    NoInstall(PathBuf),
    /// Another program wrote it.
    #[error("`{}` has schema {found}, this program makes {known}", .file.display())]
    Schema {
        /// Which.
        file: PathBuf,
        /// In the file.
        found: i64,
        /// In this program.
        known: i64,
    },
    /// The database has one already.
    #[error(
        "the database at {place} holds the installation {install} already, with {orders} orders"
    )]
    Holds {
        /// Which database.
        place: String,
        /// The id there.
        install: String,
        /// How many.
        orders: i64,
        /// It is the one of the file.
        same: bool,
    },
    /// It was copied to another database, on which a hub may run.
    #[error("`{}` was copied to {to} on {at} already, and hubs on two copies would send everything twice", .file.display())]
    Copied {
        /// Which file.
        file: PathBuf,
        /// To which database.
        to: String,
        /// When.
        at: String,
        /// What says so.
        note: PathBuf,
    },
    /// A copy of something else was begun there.
    #[error("the database at {place} holds an unfinished copy of another installation, {install}")]
    Another {
        /// Which database.
        place: String,
        /// The id there.
        install: String,
    },
    /// Another copy is at it.
    #[error("another copy into the database at {0} is under way")]
    UnderWay(String),
    /// The database cannot be reached, or refuses.
    #[error("the database at {place}: {why}")]
    Database {
        /// Which database.
        place: String,
        /// Why.
        why: String,
    },
    /// Values that PostgreSQL cannot hold. Nothing was written.
    #[error("{count} values cannot be held by PostgreSQL; nothing was written:{}", list(.findings, *.count))]
    Unholdable {
        /// The first of them.
        findings: Vec<Finding>,
        /// All of them.
        count: u64,
    },
    /// What is there is not what was written.
    #[error("these tables differ: {}", differing(.0))]
    Differs(Report),
    /// The store's.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nobody takes the rows any more.
    #[error("the copy was given up")]
    Closed,
    /// The program's own.
    #[error("the copy failed: {0}")]
    Fault(String),
}

impl CopyError {
    pub(crate) fn fault(why: &str) -> Self {
        Self::Fault(why.to_owned())
    }

    /// Whether it only says that the other end went away.
    pub(crate) fn is_closed(&self) -> bool {
        matches!(self, Self::Closed)
    }

    /// What to do.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::NoFile(_) => {
                "name the file of `[store] url`, as `sqlite:<file>` or by its settings"
            }
            Self::InUse(_) => {
                "stop the hub that runs on it, then copy: what comes in meanwhile waits at its source"
            }
            Self::NoInstall(_) => "there is nothing to copy: start a hub on the database",
            Self::Schema { found, known, .. } if found > known => "copy with the newer program",
            Self::Schema { .. } => {
                "start this program's hub on it once and stop it again: that brings the file up to date"
            }
            Self::Holds { same: true, .. } => {
                "it is the installation of this file: start the hub on it, or name an empty database"
            }
            Self::Holds { .. } => {
                "name an empty database; one that is to be given up is emptied by `DROP SCHEMA public CASCADE; CREATE SCHEMA public`"
            }
            Self::Copied { .. } => {
                "run the hub on that database; to give that copy up for good, see that no hub runs on it and remove the note `….copied` beside the file"
            }
            Self::Another { .. } => {
                "name another database, or repeat the copy of that installation"
            }
            Self::UnderWay(_) => "wait for it, or stop it and repeat this command",
            Self::Database { .. } => {
                "start PostgreSQL there, or correct the address and the password; the database must be empty, and this user may make tables in it"
            }
            Self::Unholdable { .. } => {
                "end what waits by the hub on the file (todo discard), or repeat with `--mend`, which does what stands in brackets and tells each"
            }
            Self::Differs(_) => {
                "the database stays refused: repeat this command; if it differs again, look at the disks of both"
            }
            Self::Store(_) | Self::Closed | Self::Fault(_) => return None,
        })
    }
}

fn list(findings: &[Finding], count: u64) -> String {
    let named = findings.iter().take(MOST_NAMED).map(|finding| format!("\n  {finding}"));
    let mut list: String = named.collect();
    let more = count.saturating_sub(u64::try_from(MOST_NAMED).unwrap_or(0));
    if more > 0 {
        list.push_str(&format!("\n  and {more} more"));
    }
    list
}

fn differing(report: &Report) -> String {
    let tables = report.tables.iter().filter(|table| !table.same);
    let told = tables.map(|t| format!("{} ({} rows here, {} there)", t.table, t.rows, t.there));
    told.collect::<Vec<_>>().join(", ")
}
