//! What a mapping does, rule by rule, told to whoever watches: explanations, coverage, differences.
//!
//! **Invariant:** watching changes nothing: the same bytes give the same contribution, the same subject the
//! same document. Nobody watches a hub at work: a rule then costs one branch more, which always goes the
//! same way. Test: `watching_changes_nothing`.

use orderhub_lang::value::Value;
use orderhub_order::ids::Collection;

use crate::Direction;
use crate::cell::Cell;

/// Told what happens while a body is mapped in, or a subject out.
pub trait Watch {
    /// A document of the body begins, counted from 0.
    fn document(&self, number: usize);

    /// An element begins: what follows is of it, until [`Watch::leave`]. `name` is its key at the system,
    /// or our id.
    fn enter(&self, collection: Collection, name: &str);

    /// The element ends.
    fn leave(&self);

    /// A rule was asked for its value.
    fn rule(&self, seen: Seen);
}

/// A rule of a compiled mapping, which two rules of one place are not (an alias is written once and used
/// twice): its address in memory, its own while the mapping lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleAt(usize);

impl RuleAt {
    pub(crate) fn of<T>(rule: &T) -> Self {
        Self(std::ptr::from_ref(rule).addr())
    }
}

/// What one rule did for one element.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// Which.
    pub rule: RuleAt,
    /// Which way it went.
    pub way: Direction,
    /// Each row that it looked at; a rule that folds, and rows of one key, have several.
    pub rows: Vec<SeenRow>,
    /// The conversions from the fold on.
    pub after: Vec<SeenStep>,
    /// What came of it.
    pub gave: Gave,
}

/// One row that a rule looked at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SeenRow {
    /// Its `where:` holds.
    pub held: bool,
    /// The places that it read, in order.
    pub reads: Vec<SeenRead>,
    /// Conversions of named inputs together, and the expression.
    pub steps: Vec<SeenStep>,
}

/// One place that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct SeenRead {
    /// Which of the paths that the rule names, from 0.
    pub which: usize,
    /// The path with the positions of its rows.
    pub path: String,
    /// What stood there; `None`: nothing.
    pub value: Option<Value>,
    /// The conversions of this value.
    pub steps: Vec<SeenStep>,
}

/// One conversion of one value.
#[derive(Clone, Debug, PartialEq)]
pub struct SeenStep {
    /// Its name, or `expr`.
    pub by: &'static str,
    /// Its place in the chain as the file writes it, from 0; of an expression: 0.
    pub link: usize,
    /// What it was given.
    pub given: Option<Value>,
    /// What it made of it; `None`: nothing, and the document says nothing of the field.
    pub gave: Result<Option<Value>, String>,
}

/// What came of a rule.
#[derive(Clone, Debug, PartialEq)]
pub enum Gave {
    /// A value.
    Value(Value),
    /// Null.
    Null,
    /// Nothing.
    Absent,
    /// The document cannot be mapped: why.
    Failed(String),
}

impl SeenRow {
    pub(crate) fn new(held: bool) -> Self {
        Self { held, ..Self::default() }
    }
}

impl Gave {
    pub(crate) fn of(cell: &Cell<'_>) -> Self {
        match value(cell) {
            None => Gave::Absent,
            Some(Value::Null) => Gave::Null,
            Some(value) => Gave::Value(value),
        }
    }
}

/// What a cell holds; `None`: nothing.
pub(crate) fn value(cell: &Cell<'_>) -> Option<Value> {
    (*cell != Cell::Absent).then(|| cell.to_lang())
}
