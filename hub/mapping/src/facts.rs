//! What is recorded of a mapped message besides its bytes: what was looked up elsewhere, and the name of what it gave.
//!
//! Mapping stays pure: whoever maps asks first what will be looked up ([`Mapping::wants`]), finds it out, and gives it
//! along ([`Facts`]). What is not known keeps that document from being mapped, and says what it lacks
//! ([`MapError::lacks`](crate::MapError::lacks)); nothing is guessed.
//!
//! **Invariant:** with the same facts the same bytes give the same. Test: the cases under
//! `tests/data/mapping/lookups`, each run twice.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Mutex, PoisonError};

use orderhub_order::contribution::{Contribution, Revision};
use orderhub_order::fold::content_hash;
use orderhub_order::hash;

use crate::program::{
    Alternative, EachProgram, Element, FieldProgram, InRule, Input, KeyPiece, KeyRead,
};
use crate::{Context, Mapped, Mapping};

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LookupOf {
    /// What a reference of the system that speaks is bound to.
    Xref,
    /// A cached read of that system.
    Read,
}

/// One thing that is looked up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LookupKey {
    /// What is asked.
    pub of: LookupOf,
    /// The kind of reference (`order`, `shipment`, …), or the read's name.
    pub name: Box<str>,
    /// What of it is meant: `ref` or `id`; of a read, the path in its reply document.
    pub take: Box<str>,
    /// The id at the system that speaks; of a read, its argument.
    pub id: Box<str>,
    /// What is unknown is waited for, as a document waits for its order.
    pub waits: bool,
}

/// The cause of a document to which an answer is refused.
pub const REFUSED: &str = "lookup_refused";

/// What is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Looked {
    /// This.
    Found(Box<str>),
    /// That there is none.
    Unknown,
    /// That its system does not say: it said no, or cannot be asked that, and would say it again. Why, for a person.
    Refused(Box<str>),
    /// It is lacking, and the rule gives nothing: the rules behind it are asked, too.
    Later,
    /// Nothing: nobody asked.
    Open,
}

impl Looked {
    /// Without the id, where the words of a system may echo it.
    pub(crate) fn without(self, id: &str) -> Self {
        if let Self::Refused(why) = &self
            && !id.is_empty()
        {
            return Self::Refused(why.replace(id, "***").into());
        }
        self
    }
}

/// What was found out for a message.
pub trait Facts: Debug {
    /// What is known of something that a rule looks up.
    fn look(&self, key: &LookupKey) -> Looked;
}

/// Nothing was asked.
#[derive(Clone, Copy, Debug)]
pub struct NoFacts;

impl Facts for NoFacts {
    fn look(&self, _: &LookupKey) -> Looked {
        Looked::Open
    }
}

/// What a case says: kind of reference, or read, and id ► what it stands for, whatever is taken of it.
impl Facts for BTreeMap<(String, String), String> {
    fn look(&self, key: &LookupKey) -> Looked {
        let known = self.get(&(key.name.to_string(), key.id.to_string()));
        known.map_or(Looked::Unknown, |known| Looked::Found(known.as_str().into()))
    }
}

/// What keeps a document from being mapped, and may be known later.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lacks {
    /// What it looks up and nobody asked for, or nobody knows yet and is waited for; each once.
    pub keys: Box<[LookupKey]>,
    /// What it says without them, where each of them is a reference to itself: they are known once it is there.
    pub rest: Option<Box<Contribution>>,
}

impl Lacks {
    pub(crate) fn of(keys: Vec<LookupKey>, without: Mapped) -> Self {
        let rest = match without {
            Mapped::Document(rest) if keys.iter().all(|key| is_itself(&rest, key)) => Some(rest),
            Mapped::Document(_) | Mapped::Skipped | Mapped::Failed(_) => None,
        };
        Self { keys: keys.into(), rest }
    }
}

/// Whether a reference is to what the document itself is about.
fn is_itself(said: &Contribution, key: &LookupKey) -> bool {
    let own = *key.name == *said.entity.as_str() && key.id == said.key;
    let stated = || said.body.xrefs.iter().any(|(kind, id)| *kind == key.name && *id == key.id);
    key.of == LookupOf::Xref && (own || stated())
}

/// Notes what a document lacks: what nobody asked for, and references that nobody knows and that are waited for.
#[derive(Debug)]
pub(crate) struct Lacking<'f> {
    known: &'f dyn Facts,
    /// What is lacking gives nothing, so that the rules behind it are asked, too.
    all: bool,
    lacks: Mutex<Vec<LookupKey>>,
}

impl<'f> Lacking<'f> {
    /// Beside what is known; `all`: the document goes on without what is lacking.
    pub(crate) fn beside(known: &'f dyn Facts, all: bool) -> Self {
        Self { known, all, lacks: Mutex::default() }
    }

    /// What has been noted since the last time, each once.
    pub(crate) fn take(&self) -> Vec<LookupKey> {
        let mut lacks = self.lacks.lock().unwrap_or_else(PoisonError::into_inner);
        let mut lacks = std::mem::take(&mut *lacks);
        lacks.sort_unstable();
        lacks.dedup();
        lacks
    }
}

impl Facts for Lacking<'_> {
    fn look(&self, key: &LookupKey) -> Looked {
        let known = self.known.look(key);
        let lacking = known == Looked::Open || (known == Looked::Unknown && key.waits);
        if !lacking {
            return known;
        }
        let mut lacks = self.lacks.lock().unwrap_or_else(PoisonError::into_inner);
        if lacks.len() < MOST_LACKING {
            lacks.push(key.clone());
        }
        if self.all { Looked::Later } else { known }
    }
}

/// Look-ups of one document that are noted, repeated ones counted each time.
const MOST_LACKING: usize = 10_000;

impl Mapping {
    /// Maps a body in with what was looked up for it.
    pub fn run_with(&self, body: &[u8], context: &Context<'_>, facts: &dyn Facts) -> Vec<Mapped> {
        crate::run::run(self, body, context, (facts, None))
    }

    /// What its rules would look up for a body and `known` does not hold, each once; what they look up by what they
    /// look up is asked for when that is known.
    pub fn wants(&self, body: &[u8], context: &Context<'_>, known: &dyn Facts) -> Vec<LookupKey> {
        let mapped = self.run_with(body, context, known);
        let lacks = mapped.iter().flat_map(Mapped::lacks);
        let mut open: Vec<LookupKey> =
            lacks.filter(|key| known.look(key) == Looked::Open).cloned().collect();
        open.sort_unstable();
        open.dedup();
        open
    }

    /// Whether its rules look anything up, on the way in.
    pub fn looks_up(&self) -> bool {
        input_asks(&self.compiled.input)
    }
}

fn input_asks(input: &Input) -> bool {
    let parents = input.parents.iter().map(|(_, rule)| rule);
    parents.chain(&input.revision).any(asks)
        || input.key.iter().any(key_asks)
        || element_asks(&input.root)
}

fn key_asks(key: &KeyRead) -> bool {
    match key {
        KeyRead::Rule(rule) => asks(rule),
        KeyRead::Template(_, pieces) => pieces.iter().any(|piece| match piece {
            KeyPiece::Text(_) => false,
            KeyPiece::Value(rule) => asks(rule),
        }),
    }
}

fn element_asks(element: &Element) -> bool {
    let each = |each: &EachProgram| {
        let named = each.ours.iter().any(asks) || each.key.iter().any(key_asks);
        named || element_asks(&each.element)
    };
    element.fields.iter().any(field_asks)
        || element.xrefs.iter().any(|(_, rule)| asks(rule))
        || element.collections.iter().any(|collection| collection.sources.iter().any(each))
}

fn field_asks(field: &FieldProgram) -> bool {
    field.rules.iter().any(|alternative| match alternative {
        Alternative::Whole(rule, _) => asks(rule),
        Alternative::Address(whole, parts) => {
            whole.iter().any(asks) || parts.iter().any(|(_, rules)| rules.iter().any(asks))
        }
        Alternative::Entries(entries) => entries.iter().any(|(_, rule)| asks(rule)),
    })
}

fn asks(rule: &InRule) -> bool {
    rule.each.iter().chain(&rule.after).any(|conversion| conversion.looks_up())
}

/// Names what one message gave, all its documents with their revisions: equal results have equal names. What
/// kept a document from being mapped counts by its cause, its rule and its place, not by its words.
pub fn said(mapped: &[Mapped]) -> [u8; 16] {
    let mut parts: Vec<Vec<u8>> = Vec::with_capacity(7 * mapped.len());
    for one in mapped {
        let mut add = |part: &[u8]| parts.push(part.to_vec());
        match one {
            Mapped::Document(said) => {
                add(b"document");
                add(said.entity.as_str().as_bytes());
                add(said.document.as_bytes());
                add(said.key.as_bytes());
                add(revision(said.revision.as_ref()).as_bytes());
                add(&content_hash(said));
            }
            Mapped::Skipped => add(b"skipped"),
            Mapped::Failed(error) => {
                add(b"failed");
                add(error.cause.as_bytes());
                add(error.rule.as_deref().unwrap_or_default().as_bytes());
                add(error.place.as_deref().unwrap_or_default().as_bytes());
                add(error.path.as_bytes());
                add(error.key.as_deref().unwrap_or_default().as_bytes());
            }
        }
    }
    hash::half_of_parts(parts.iter().map(Vec::as_slice))
}

fn revision(revision: Option<&Revision>) -> String {
    match revision {
        None => String::new(),
        Some(Revision::Integer(number)) => number.to_string(),
        Some(Revision::Timestamp(at)) => at.to_string(),
    }
}
