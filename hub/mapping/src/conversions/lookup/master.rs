//! Rows of the hub's master data, `hub/master/<name>.csv`: both ways where each value of `take` stands once.

use std::sync::Arc;

use orderhub_lang::diagnostic::{Source, Span};
use orderhub_lang::yaml::Node;

use super::super::{Conversion, Law, Options, Put, Rows, Target, Type, Words, text};
use super::{Unknown, unknown_gives};
use crate::cell::{Cell, Trouble};
use crate::codes;
use crate::library::table::{Known, master};
use crate::quote::Quote;

/// Rows of the hub's master data.
#[derive(Clone, Debug)]
pub(super) struct Master {
    name: String,
    rows: Arc<Rows>,
    on_unknown: Unknown,
    /// Which row a hub value is of is one row's matter.
    unique: bool,
}

impl Master {
    pub(super) fn read(
        name: &Node,
        (from, take): (Option<&Node>, Option<&Node>),
        on_unknown: Unknown,
        options: &mut Options<'_>,
    ) -> Option<Self> {
        let (name, rows) = rows(name, from, take, options)?;
        let unique = rows.is_unique();
        Some(Self { name, rows, on_unknown, unique })
    }

    /// Which key it was is shown beside, where the field is no person's: nobody can add a row that he does not see.
    fn unknown(&self) -> Trouble {
        let why = format!("the master data `{}` have no row for it", self.name);
        Trouble::new("unknown_value", why)
    }
}

/// The columns of `hub/master/<name>.csv`.
fn rows(
    node: &Node,
    from: Option<&Node>,
    take: Option<&Node>,
    options: &mut Options<'_>,
) -> Option<(String, Arc<Rows>)> {
    let name = options.only_text(node, "a name is needed: `master: skus`")?;
    let library = Arc::clone(&options.named.library);
    let path = master(&name);
    let known = match path.as_deref().map_or(Known::Nothing, |path| library.tables().table(path)) {
        Known::Columns(known) => known,
        Known::Wrong => {
            options.unjudged = true;
            return None;
        }
        Known::Nothing => {
            let message = format!("there are no master data `{name}`");
            let finding = options.findings.error(codes::NO_MASTER, node.span, message);
            let finding = match finding.with_nearest(&name, library.tables().masters()) {
                near if near.hint.is_some() => near,
                other => other.with_hint("master data stand in `hub/master/<name>.csv`"),
            };
            options.findings.report(finding);
            return None;
        }
    };
    let first = match from {
        Some(from) => options.column(from, Some(from), known)?,
        None => 0,
    };
    let second = match take {
        Some(take) => options.column(take, Some(take), known)?,
        None if known.len() == 2 => 1 - first.min(1),
        None => {
            let hint = known.join(", ");
            options
                .wrong(node, &format!("`take` names the column that is meant: add one of {hint}"));
            return None;
        }
    };
    let rows = library.tables().rows(&path?, (first, second), options.findings);
    // Whoever asked first was told what is wrong with them.
    options.unjudged |= rows.as_ref().is_none_or(|rows| !rows.sound);
    Some((name, rows?))
}

impl Conversion for Master {
    fn name(&self) -> &'static str {
        "lookup"
    }

    fn two_way(&self) -> bool {
        self.unique
    }

    fn law(&self) -> Law {
        match (&self.on_unknown, self.unique) {
            (_, false) => Law::None,
            (Unknown::Hold | Unknown::Fail, true) => Law::Exact,
            (Unknown::Pass | Unknown::Ignore | Unknown::Use(_), true) => {
                Law::Canonical("a value that no row has passes by, and is read by the rows")
            }
        }
    }

    fn gives(&self, from: Type) -> Result<Type, String> {
        text::scalar(from)
    }

    fn words(&self) -> Words<'_> {
        self.rows.words(Some(&self.on_unknown))
    }

    fn word_at(&self, word: &str) -> Option<(&Arc<Source>, Span)> {
        self.rows.at(word)
    }

    fn quote(&self) -> Quote {
        Quote::Word
    }

    fn get<'a>(&self, cell: Cell<'a>, _: &[Cell<'a>], target: Target) -> Result<Cell<'a>, Trouble> {
        let text = cell.scalar().ok_or_else(|| Trouble::wrong_type(&cell, "a text"))?;
        if let Some(hub) = self.rows.of(&text) {
            return Ok(hub.map_or(Cell::Null, |hub| Cell::text(hub.to_owned())));
        }
        unknown_gives(&self.on_unknown, text, target, || self.unknown())
    }

    fn put<'a>(&self, cell: Cell<'a>, _: Target) -> Result<Put<'a>, Trouble> {
        let text = cell.scalar().ok_or_else(|| Trouble::wrong_type(&cell, "a text"))?;
        if let Some(system) = self.rows.back(&text) {
            return Ok(Put::main(Cell::text(system.to_owned())));
        }
        match &self.on_unknown {
            Unknown::Ignore => Ok(Put::main(Cell::Absent)),
            Unknown::Pass => Ok(Put::main(Cell::Text(text))),
            Unknown::Hold | Unknown::Fail | Unknown::Use(_) => Err(self.unknown()),
        }
    }
}
