//! What PostgreSQL cannot hold, found before anything is written: all rows are read once as they would be
//! sent. Keys that may be too long for an index are tried at the server, which forgets them again.

use std::sync::Arc;

use super::error::MOST_FINDINGS;
use super::tables::Plan;
use super::tuple::{Bad, Row, TooLong, What, print};
use super::{CopyError, Finding, Progress, Shared, Target, blocking, locked};

/// Texts of a row's keys that together are shorter fit into every index: a third of a page is 2,704 bytes.
pub(crate) const SURELY_FITS: usize = 2_000;
/// Rows that are tried at the server; a file with more is not copied.
const MOST_TRIED: usize = 1_000;

/// A row whose keys may be too long.
#[derive(Debug)]
pub(crate) struct Long {
    /// The place of its table in the plan.
    pub(crate) table: usize,
    /// As it would be sent.
    pub(crate) row: Vec<u8>,
    /// Whose it is.
    pub(crate) of: String,
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// All of them, or the first of those that are too many to be mended.
    pub(crate) findings: Vec<Finding>,
    /// All of them.
    pub(crate) count: u64,
    /// Rows that no index can hold.
    pub(crate) too_long: TooLong,
    /// Some of it cannot be mended.
    hopeless: bool,
    long: Vec<Long>,
}

impl Found {
    /// Whether the copy may be made.
    pub(crate) fn may_go(&self, mend: bool) -> bool {
        self.count == 0 || (mend && !self.hopeless)
    }

    fn add(&mut self, finding: Finding) {
        self.count += 1;
        if self.findings.len() < MOST_FINDINGS {
            self.findings.push(finding);
        } else {
            self.hopeless = true;
        }
    }

    /// Notes what is wrong with a row.
    pub(crate) fn bad(&mut self, plan: &Plan, table: usize, bad: &[Bad], kept: Row, of: &str) {
        let Some(planned) = plan.tables.get(table) else { return };
        for Bad { column, what } in bad {
            let name = planned.columns.get(*column).map(|column| column.name.clone());
            self.hopeless |= *what == What::Other;
            let mended = match (what, kept) {
                (What::Other, _) => "no",
                (What::Nul | What::NotUtf8, Row::Put) => "written with U+FFFD in its place",
                (What::Nul | What::NotUtf8, Row::LeftOut) => "the row is left out",
            };
            let (column, of) = (name.unwrap_or_default(), of.to_owned());
            let what = what.words();
            self.add(Finding { table: planned.name, column, of, what, mended });
        }
    }

    /// Notes a row to be tried.
    pub(crate) fn try_later(&mut self, plan: &Plan, long: Long) {
        let Some(table) = plan.tables.get(long.table) else { return };
        if self.long.len() < MOST_TRIED {
            self.long.push(long);
            return;
        }
        self.hopeless = true;
        self.add(Finding {
            table: table.name,
            column: table.keys(),
            of: long.of,
            what: "it may be longer than an index can hold, as may a thousand before it",
            mended: "no",
        });
    }
}

/// Looks at every row.
pub(super) async fn check(
    source: &Shared,
    plan: &Arc<Plan>,
    target: &mut Target,
    progress: &Arc<Progress>,
) -> Result<Found, CopyError> {
    let (source, of, told) = (Arc::clone(source), Arc::clone(plan), Arc::clone(progress));
    let look = move || {
        let (source, mut found) = (locked(&source)?, Found::default());
        for place in 0..of.tables.len() {
            source.check(&of, place, &mut found, &told)?;
        }
        Ok(found)
    };
    let mut found = blocking(look).await?;
    let long = std::mem::take(&mut found.long);
    let fits = target.try_rows(plan, &long).await?;
    for (long, fits) in long.into_iter().zip(fits) {
        let Some(table) = plan.tables.get(long.table).filter(|_| !fits) else { continue };
        found.too_long.insert(print(&long.row));
        found.add(Finding {
            table: table.name,
            column: table.keys(),
            of: long.of,
            what: "it is longer than an index can hold",
            mended: "the row is left out",
        });
    }
    Ok(found)
}
