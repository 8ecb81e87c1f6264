//! The laws of two-way fields: what goes out comes back, exactly or in a form that does not change any more.
//!
//! Each field of an integration is tried with values: those that are known to be awkward, others that are made,
//! the words of its tables, and what the way in makes of raw values. A field is *lawful* where all come back,
//! *lawful up to a canonical form* where some come back changed once and then no more, *one way* where nothing
//! comes back by design, *not compared* where a value that goes out is another than the one that comes in (of many, or
//! computed), and *broken* otherwise: a value that keeps changing, that cannot be read back, a word of
//! a table or a state that comes back as another, a place that two rules write.
//!
//! A broken field cannot be activated: [`findings`] are part of every check of a bundle.
//!
//! **Invariant:** a field is only called broken by a value that it can hold, shrunk, with what comes back. Test:
//! `every_class_of_law_has_a_case`.
//! **Invariant:** the same files give the same classes and the same examples. Tests: `the_same_values_every_time`,
//! and that case, which judges twice.
//!
//! Bounds: a field is tried with [`Effort`] values, [`trip::MOST_WORDS`] words of each of its tables, [`samples::MOST`]
//! values of samples, and what the way in makes of two dozen raw ones ([`find::RAW`]), by [`find::MOST_APART`] pairs of
//! rules that share no place; [`judge::MOST_STEPS`] steps of shrinking a finding. A file is tried with
//! [`whole::MOST_TRIPS`] whole documents, or fewer where it has more than 1,000 fields: what is beyond those is told
//! (`M0507`).

mod body;
mod document;
mod ends;
mod find;
mod formula;
mod generate;
mod group;
mod joint;
mod judge;
mod loops;
mod parted;
mod place;
mod roads;
mod samples;
mod shrink;
mod side;
mod stuck;
mod trip;
mod whole;
mod words;

use std::sync::Arc;

use orderhub_lang::diagnostic::{Diagnostic, Source, Span};

use crate::ast::Direction;
use crate::integration::Integration;

pub use group::of_mapping;
pub use loops::loops;

/// How many values a field is tried with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// At every check and switch: 20.
    Gate,
    /// Where somebody asks for the laws: 200.
    Report,
}

impl Effort {
    fn values(self) -> usize {
        match self {
            Effort::Gate => 20,
            Effort::Report => 200,
        }
    }

    /// Steps of making the examples of reasons simpler: a check shows none.
    fn steps(self) -> usize {
        match self {
            Effort::Gate => 0,
            Effort::Report => judge::MOST_STEPS,
        }
    }
}

/// What becomes of a field's values on their way out and back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Class {
    /// Every value comes back.
    Lawful,
    /// Some come back in another form, once: at least one reason.
    Canonical(Vec<Reason>),
    /// It goes one way only.
    OneWay {
        /// Which.
        way: Direction,
        /// Why not the other.
        why: String,
        /// Whether that was meant: `direction:` says so, or nothing of it could go the other way.
        meant: bool,
    },
    /// It goes both ways, and what comes in cannot be compared with what goes out.
    Apart {
        /// Why not.
        why: String,
    },
    /// It breaks its law.
    Broken(Counter),
}

impl Class {
    /// In the words of `orderhub mapping laws`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Class::Lawful => "lawful",
            Class::Canonical(_) => "lawful up to a canonical form",
            Class::OneWay { way: Direction::In, .. } => "one way: in",
            Class::OneWay { way: Direction::Out, .. } => "one way: out",
            Class::Apart { .. } => "not compared",
            Class::Broken(_) => "broken",
        }
    }
}

/// Why a value comes back in another form, does not go out, or is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The conversion that is the reason; empty: none by itself.
    pub conversion: String,
    /// In a sentence.
    pub why: String,
    /// The simplest value that shows it.
    pub example: Counter,
}

/// A value, and what came of it, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counter {
    /// What goes out.
    pub value: String,
    /// What comes back; where nothing can, why.
    pub back: String,
    /// The whole sentence: ``10.005 EUR becomes 10.01 EUR``.
    pub sentence: String,
}

/// A place in a file.
#[derive(Clone, Debug)]
pub struct Place {
    /// The file.
    pub source: Arc<Source>,
    /// Where in it.
    pub span: Span,
}

impl std::fmt::Display for Place {
    /// `file:line:column`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.source.place(self.span.start))
    }
}

/// What holds for one field of an integration.
#[derive(Clone, Debug)]
pub struct FieldLaw {
    /// From the order on: `lines.qty.ordered`.
    pub field: String,
    /// The rule that reads it.
    pub in_rule: Option<Place>,
    /// The rule that writes it.
    pub out_rule: Option<Place>,
    /// What holds.
    pub class: Class,
    /// Values that the field can hold and that do not make the whole way: nothing is lost, a document is held.
    pub limits: Vec<Reason>,
    /// It is broken, and files that have it cannot be activated. Two files that differ about a place are only
    /// warned of: the system may show the field in another form than it takes it.
    pub refused: bool,
}

/// The laws of every field of an integration that a rule names, by path. `read_sample` gives a file below the
/// integration's folder: values of its cases are tried too.
pub fn laws(
    integration: &Integration,
    effort: Effort,
    read_sample: &dyn Fn(&str) -> Option<Vec<u8>>,
) -> Vec<FieldLaw> {
    let samples = samples::values(integration, read_sample);
    let found = find::laws(integration, effort, &samples);
    let mut laws: Vec<FieldLaw> = found.into_iter().map(|found| found.law).collect();
    for lost in whole::judge(integration).lost {
        if let Some(law) = laws.iter_mut().find(|law| law.field == lost.field) {
            (law.class, law.refused) = (Class::Broken(lost.counter), true);
        }
    }
    laws
}

/// Files, and fields of files, that cannot be tried as whole documents (`M0507`): of them [`laws`] says what holds
/// rule by rule.
pub fn untried(integration: &Integration) -> Vec<Diagnostic> {
    whole::judge(integration).untried
}

/// What must not be activated (`M0501`), and what looks as if it were not meant.
pub fn findings(integration: &Integration) -> Vec<Diagnostic> {
    let mut found =
        words::findings(&find::laws(integration, Effort::Gate, &samples::Samples::default()));
    let whole = whole::judge(integration);
    found.extend(whole.lost.into_iter().map(|lost| lost.finding));
    found.extend(whole.untried);
    found.extend(stuck::findings(integration));
    found.extend(find::collections(integration));
    found.extend(find::positions(integration));
    found
}
