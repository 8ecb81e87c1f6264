//! A mapping file as it was read: every part with its place. Nothing is resolved yet.

use std::sync::Arc;

use orderhub_lang::condition::Condition;
use orderhub_lang::diagnostic::Span;
use orderhub_lang::path::Path;
use orderhub_order::ids::Entity;

use crate::cell::Cell;
use crate::conversions::Conversion;
use crate::format::{Format, Grouping};
use crate::rules::RuleNo;

/// A part with its place.
#[derive(Clone, Debug)]
pub(crate) struct Placed<T> {
    /// Where it stands.
    pub(crate) span: Span,
    /// The part.
    pub(crate) is: T,
}

/// A path with its place.
pub(crate) type PathAt = Placed<Path>;

/// A chain of conversions, shared where it has a name.
pub(crate) type Chain = Vec<Link>;

/// One conversion of a chain with its place in the file that uses it.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    /// Where the rule names it.
    pub(crate) span: Span,
    /// The conversion.
    pub(crate) conversion: Arc<dyn Conversion>,
}

/// A whole file.
#[derive(Clone, Debug)]
pub(crate) struct File {
    /// `None`: it says none that can be read.
    pub(crate) name: Option<Placed<String>>,
    /// Of a misspelled word the entity that is meant.
    pub(crate) entity: Entity,
    /// It says which; of an unknown word nothing can be said against the catalogue.
    pub(crate) known_entity: bool,
    pub(crate) documents: Vec<PathAt>,
    pub(crate) where_: Option<Condition>,
    pub(crate) key: Option<Key>,
    /// It names a key, right or wrong.
    pub(crate) keyed: bool,
    pub(crate) parents: Vec<Parent>,
    pub(crate) creates: Option<bool>,
    pub(crate) revision: Option<Rule>,
    /// Values that mean null in every rule.
    pub(crate) none: Vec<Cell<'static>>,
    pub(crate) fields: Vec<Rule>,
    pub(crate) cases: Vec<crate::cases::Case>,
    pub(crate) format: Format,
    /// Rows that belong together make one document.
    pub(crate) grouping: Option<Grouping>,
}

/// How the document, or an element, is identified.
#[derive(Clone, Debug)]
pub(crate) enum Key {
    /// By a rule without a hub side.
    Rule(Box<Rule>),
    /// By texts and paths one after another.
    Template(Span, Vec<Piece>),
}

/// A part of a key's template.
#[derive(Clone, Debug)]
pub(crate) enum Piece {
    /// As it stands.
    Text(String),
    /// A value.
    Path(PathAt),
}

/// Another way to the order.
#[derive(Clone, Debug)]
pub(crate) struct Parent {
    /// The kind of the cross reference; `None`: the hub's own `ref`.
    pub(crate) kind: Option<String>,
    /// Where the reference stands.
    pub(crate) rule: Rule,
}

/// Which way a rule goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the system.
    In,
    /// To the system.
    Out,
}

/// One side of a rule.
#[derive(Clone, Debug)]
pub(crate) enum Side {
    /// One path, or several of which the first that gives a value counts.
    Paths(Vec<PathAt>),
    /// Named inputs.
    Named(Vec<(String, PathAt)>),
}

impl Side {
    /// The only path; `None` for lists and named inputs.
    pub(crate) fn single(&self) -> Option<&PathAt> {
        match self {
            Side::Paths(paths) => match paths.as_slice() {
                [path] => Some(path),
                _ => None,
            },
            Side::Named(_) => None,
        }
    }

    /// All paths.
    pub(crate) fn paths(&self) -> Vec<&PathAt> {
        match self {
            Side::Paths(paths) => paths.iter().collect(),
            Side::Named(named) => named.iter().map(|(_, path)| path).collect(),
        }
    }
}

/// One rule.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rule {
    pub(crate) span: Span,
    /// Its number in the file.
    pub(crate) no: RuleNo,
    pub(crate) hub: Option<Side>,
    pub(crate) system: Option<Side>,
    pub(crate) value: Option<Placed<Cell<'static>>>,
    pub(crate) chain: Chain,
    pub(crate) none: Vec<Cell<'static>>,
    pub(crate) where_: Option<Condition>,
    pub(crate) direction: Option<Placed<Direction>>,
    /// Part by part of an object.
    pub(crate) fields: Option<Vec<Rule>>,
    pub(crate) each: Option<Each>,
    /// Inputs of the expression; those of the other side have their root there.
    pub(crate) with: Vec<(String, PathAt)>,
    pub(crate) expr: Option<Placed<String>>,
    /// What the hub value is on the way out: places of the document, and expressions over `value`.
    pub(crate) inverse: Vec<(PathAt, Placed<String>)>,
    /// A part could not be read: what can be said of the others is, and nothing of how they fit.
    pub(crate) broken: bool,
}

/// How elements of a collection are mapped.
#[derive(Clone, Debug)]
pub(crate) struct Each {
    pub(crate) span: Span,
    pub(crate) key: Option<Key>,
    /// A part could not be read.
    pub(crate) broken: bool,
    /// Where our id stands as it was sent.
    pub(crate) ours: Option<Box<Rule>>,
    pub(crate) complete: bool,
    pub(crate) adds: bool,
    pub(crate) fields: Vec<Rule>,
}
