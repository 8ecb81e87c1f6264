//! `table: { rows, on_unknown }` or `table: { file, from, to, on_unknown }`: a system's words for the hub's.
//!
//! Rows compare as text; null passes unless there is a row `null`. The first row of a value is its way
//! back. `on_unknown: hold` keeps the unknown word of a state, and the order is held for it: as it is, or as
//! `unknown:lost` where it looks like a word of ours, for it is none. `pass` keeps it, and is meant to be read as
//! ours; `ignore` says nothing, `fail` refuses the document, `{ use: Other }` takes another.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use orderhub_lang::diagnostic::{Source, Span};
use orderhub_lang::yaml::Node;
use orderhub_order::value::held;

use super::{Conversion, Law, Options, Put, Target, Type, Words};
use crate::cell::{Cell, Trouble};
use crate::codes;
use crate::library::table::Known;
use crate::quote::Quote;

#[derive(Clone, Debug)]
pub(crate) struct Table {
    rows: Arc<Rows>,
    on_unknown: Option<Unknown>,
}

/// The rows of a table, both ways.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    rows: HashMap<String, Option<String>>,
    /// The way back: hub word ► system word, first row wins; and where that row says so.
    back: HashMap<String, (String, Option<Span>)>,
    /// The hub's words in their order, once somebody asked for them: of a long table that costs more than a rule.
    words: OnceLock<Vec<String>>,
    /// The row for null, if there is one.
    null: Option<Option<String>>,
    /// What a hub null is written as, if a row gives null.
    back_null: Option<String>,
    /// The file that they stand in.
    file: Option<Arc<Source>>,
    /// The file of the rule that holds them.
    rule: Option<Arc<Source>>,
    /// They can be used; else they are judged only, and what is wrong with them was told.
    pub(crate) sound: bool,
}

/// What becomes of a word that no row has.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Unknown {
    Hold,
    Pass,
    Ignore,
    Fail,
    Use(String),
}

impl Table {
    pub(crate) fn read(node: &Node, options: &mut Options<'_>) -> Option<Box<dyn Conversion>> {
        if node.is_null() {
            options.wrong(node, "rows are needed: table: { rows: { paid: captured } }");
        }
        let mut fields = options.fields(node, "table")?;
        let rows = fields.optional("rows");
        let file = fields.optional("file");
        let columns = (fields.optional("from"), fields.optional("to"));
        let on_unknown = fields.optional("on_unknown");
        fields.finish(options.findings);
        let (from, to) = columns;
        let on_unknown = match on_unknown {
            Some(node) => Some(unknown(node, options)?),
            None => None,
        };
        let rows = match (file, rows) {
            (Some(file), None) => in_file(file, from, to, options)?,
            (Some(file), Some(_)) => {
                options.wrong(file, "`rows` and `file` do not go together");
                return None;
            }
            (None, rows) => {
                if let Some(column) = from.or(to) {
                    options.wrong(column, "`from` and `to` name the columns of a `file`");
                    return None;
                }
                Arc::new(here(rows, node, options)?)
            }
        };
        Some(Box::new(Self { rows, on_unknown }))
    }
}

/// Rows that stand in the rule.
fn here(rows: Option<&Node>, table: &Node, options: &mut Options<'_>) -> Option<Rows> {
    let Some(entries) = rows.and_then(Node::as_map) else {
        options.wrong(rows.unwrap_or(table), "rows are needed: rows: { paid: captured }");
        return None;
    };
    let rule = Some(Arc::clone(options.findings.source()));
    let mut read = Rows { rule, sound: true, ..Rows::default() };
    for (key, value) in entries {
        let text = value.scalar_text().map(std::borrow::Cow::into_owned);
        if text.is_none() && !value.is_null() {
            options.wrong(value, "a row gives a text or null");
            return None;
        }
        read.row(&key.name, text, Some(value.span));
    }
    Some(read)
}

/// Rows of `tables/<name>.csv`, or of `common/tables/<name>.csv`.
fn in_file(
    file: &Node,
    from: Option<&Node>,
    to: Option<&Node>,
    options: &mut Options<'_>,
) -> Option<Arc<Rows>> {
    let name = options.only_text(file, "a file is needed: `file: tables/carriers.csv`")?;
    let library = Arc::clone(&options.named.library);
    let folder = Arc::clone(&options.named.folder);
    let path = options.table_path(file, &name, &folder)?;
    let known = match library.tables().table(&path) {
        Known::Columns(known) => known,
        Known::Wrong => {
            options.unjudged = true;
            return None;
        }
        Known::Nothing => {
            let message = format!("there is no `{name}`");
            let finding = options.findings.error(codes::NO_TABLE, file.span, message);
            let names = library.tables().names(&folder);
            let finding = match finding.with_nearest(&name, names) {
                near if near.hint.is_some() => near,
                other => other.with_hint("paths of tables start at the integration's folder"),
            };
            options.findings.report(finding);
            return None;
        }
    };
    let columns = match (known, from, to) {
        ([_, _], None, None) => (0, 1),
        _ => (
            options.column(from.unwrap_or(file), from, known)?,
            options.column(to.unwrap_or(file), to, known)?,
        ),
    };
    let rows = library.tables().rows(&path, columns, options.findings);
    // Whoever asked first was told what is wrong with them.
    options.unjudged |= rows.as_ref().is_none_or(|rows| !rows.sound);
    rows
}

impl Rows {
    /// Those of a file, none yet.
    pub(crate) fn from_file(file: &Arc<Source>) -> Self {
        Self { file: Some(Arc::clone(file)), ..Self::default() }
    }

    /// What a word of the system stands for; the inner `None` is null.
    pub(super) fn of(&self, system: &str) -> Option<Option<&str>> {
        self.rows.get(system).map(Option::as_deref)
    }

    /// The system's word for one of the hub, where exactly one row has it.
    pub(super) fn back(&self, hub: &str) -> Option<&str> {
        self.back.get(hub).map(|(system, _)| system.as_str())
    }

    /// Each of the hub's words stands in one row only.
    pub(super) fn is_unique(&self) -> bool {
        self.back.len() == self.rows.values().flatten().count()
    }

    /// The hub's words in their order, behind the one that stands in for others.
    pub(super) fn words<'r>(&'r self, unknown: Option<&'r Unknown>) -> Words<'r> {
        let sorted = || {
            let mut words: Vec<String> = self.back.keys().cloned().collect();
            words.sort_unstable();
            words
        };
        let other = unknown.and_then(|unknown| match unknown {
            Unknown::Use(other) => Some(other),
            Unknown::Hold | Unknown::Pass | Unknown::Ignore | Unknown::Fail => None,
        });
        let words = self.words.get_or_init(sorted);
        Box::new(other.into_iter().chain(words).map(String::as_str))
    }

    /// Where a hub word stands in the file.
    pub(super) fn at(&self, word: &str) -> Option<(&Arc<Source>, Span)> {
        let (_, at) = self.back.get(word)?;
        let file = self.file.as_ref().or(self.rule.as_ref());
        Some((file?, (*at)?))
    }

    /// Adds a row; `at` is the place of the hub's word in the file.
    pub(crate) fn row(&mut self, system: &str, hub: Option<String>, at: Option<Span>) {
        match &hub {
            Some(hub) => {
                self.back.entry(hub.clone()).or_insert_with(|| (system.to_owned(), at));
            }
            None => {
                self.back_null.get_or_insert_with(|| system.to_owned());
            }
        }
        if system == "null" {
            self.null = Some(hub);
        } else {
            self.rows.insert(system.to_owned(), hub);
        }
    }
}

pub(super) fn unknown(node: &Node, options: &mut Options<'_>) -> Option<Unknown> {
    if let Some(other) = node.get("use").and_then(Node::scalar_text) {
        return Some(Unknown::Use(other.into_owned()));
    }
    let words: &[(&str, u8)] = &[("hold", 0), ("pass", 1), ("ignore", 2), ("fail", 3)];
    let text = node.scalar_text().unwrap_or_default();
    if !words.iter().any(|(word, _)| *word == text) {
        let why = "one of hold, pass, ignore, fail is needed, or `use` with the word that stands in for it";
        options.wrong(node, why);
        return None;
    }
    Some(match options.word(node, words)? {
        0 => Unknown::Hold,
        1 => Unknown::Pass,
        2 => Unknown::Ignore,
        _ => Unknown::Fail,
    })
}

fn given<'a>(text: Option<&String>) -> Cell<'a> {
    text.map_or(Cell::Null, |text| Cell::text(text.clone()))
}

fn not_in_table() -> Trouble {
    Trouble::new("unknown_value", "not in the rule's table")
}

impl Conversion for Table {
    fn name(&self) -> &'static str {
        "table"
    }

    fn law(&self) -> Law {
        match self.on_unknown {
            Some(Unknown::Hold | Unknown::Fail) => Law::Exact,
            None | Some(Unknown::Pass | Unknown::Ignore | Unknown::Use(_)) => {
                Law::Canonical("a word that no row has passes by, and is read by the rows")
            }
        }
    }

    fn gives(&self, from: Type) -> Result<Type, String> {
        super::text::scalar(from)
    }

    fn words(&self) -> Words<'_> {
        self.rows.words(self.on_unknown.as_ref())
    }

    fn rows(&self) -> Vec<(&str, Option<&str>)> {
        let rows = self.rows.rows.iter().filter(|_| self.rows.file.is_none());
        let rows = rows.map(|(system, hub)| (system.as_str(), hub.as_deref()));
        let null = self.rows.null.as_ref().map(|hub| ("null", hub.as_deref()));
        let mut rows: Vec<_> = rows.chain(null).collect();
        rows.sort_unstable();
        rows
    }

    fn says_unknown(&self) -> bool {
        self.on_unknown.is_some()
    }

    fn swapped(&self) -> Vec<(String, Arc<dyn Conversion>)> {
        let rows = Conversion::rows(self);
        let mut all: Vec<(String, Arc<dyn Conversion>)> = Vec::new();
        for ((one, left), (other, right)) in rows.iter().zip(rows.iter().skip(1)) {
            if left == right {
                continue;
            }
            let mut table = Rows::default();
            for (system, hub) in &rows {
                let hub = match system {
                    system if system == one => right,
                    system if system == other => left,
                    _ => hub,
                };
                table.row(system, hub.map(str::to_owned), None);
            }
            let table = Self { rows: Arc::new(table), on_unknown: self.on_unknown.clone() };
            all.push((format!("the rows `{one}` and `{other}`"), Arc::new(table)));
        }
        all
    }

    fn word_at(&self, word: &str) -> Option<(&Arc<Source>, Span)> {
        self.rows.at(word)
    }

    fn takes_null(&self) -> bool {
        self.rows.null.is_some() || self.rows.back_null.is_some()
    }

    fn quote(&self) -> Quote {
        Quote::Word
    }

    fn get<'a>(&self, cell: Cell<'a>, _: &[Cell<'a>], target: Target) -> Result<Cell<'a>, Trouble> {
        if cell == Cell::Null {
            return Ok(self.rows.null.as_ref().map_or(Cell::Null, |hub| given(hub.as_ref())));
        }
        let text = cell.scalar().ok_or_else(|| Trouble::wrong_type(&cell, "a text"))?;
        if let Some(hub) = self.rows.rows.get(&*text) {
            return Ok(given(hub.as_ref()));
        }
        match &self.on_unknown {
            Some(Unknown::Ignore) => Ok(Cell::Absent),
            Some(Unknown::Use(other)) => Ok(Cell::text(other.clone())),
            Some(Unknown::Fail) => Err(not_in_table()),
            // Only a state can be held for its value: the fold knows its words.
            Some(Unknown::Hold) if !target.is_enum => Err(not_in_table()),
            Some(Unknown::Hold) => Ok(Cell::text(held(&text, target.words).to_string())),
            None if target.is_state => Ok(Cell::text(held(&text, target.words).to_string())),
            Some(Unknown::Pass) | None => Ok(Cell::Text(text)),
        }
    }

    fn put<'a>(&self, cell: Cell<'a>, target: Target) -> Result<Put<'a>, Trouble> {
        if cell == Cell::Null {
            return Ok(Put::main(match self.rows.back_null.as_deref() {
                None | Some("null") => Cell::Null,
                Some(system) => Cell::text(system.to_owned()),
            }));
        }
        let text = cell.scalar().ok_or_else(|| Trouble::wrong_type(&cell, "a text"))?;
        if let Some((system, _)) = self.rows.back.get(&*text) {
            let null = system == "null";
            return Ok(Put::main(if null { Cell::Null } else { Cell::text(system.clone()) }));
        }
        match &self.on_unknown {
            Some(Unknown::Ignore) => Ok(Put::main(Cell::Absent)),
            Some(Unknown::Pass) => Ok(Put::main(Cell::Text(text))),
            None if !target.is_enum => Ok(Put::main(Cell::Text(text))),
            Some(Unknown::Hold | Unknown::Fail | Unknown::Use(_)) | None => Err(not_in_table()),
        }
    }
}
