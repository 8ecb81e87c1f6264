//! The way in: one scan, then the rules over its slots.
//!
//! **Invariant:** a rule sees the document and its context, nothing else: mapping the same bytes twice in
//! one context gives the same contribution. One document that fails touches none beside it, but where all together make
//! more than there is room for. Tests:
//! `every_case_of_the_language_holds` maps every document twice; the case
//! `tests/data/mapping/documents/many.yaml`.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a conversion names the few kinds of cell it takes; any other is an error of the rule"
)]

mod compute;
mod condition;
mod copy;
mod element;
mod merge;
mod read;
mod room;
mod rule;
mod value;
mod watched;

use std::sync::Arc;

use orderhub_lang::diagnostic::Position;
use orderhub_lang::diagnostic::Span;
use orderhub_lang::room::Room;
use orderhub_order::contribution::{Contribution, ParentReference, Revision};
use orderhub_order::hash::half_of_parts;
use orderhub_order::ids::names_nothing;
use smallvec::SmallVec;

use self::rule::Goal;
use crate::cell::{Cell, Trouble};
use crate::facts::{Facts, Lacking, Lacks, REFUSED};
use crate::format::{Bad, Body};
use crate::program::{Input, KeyPiece, KeyRead};
use crate::quote::Shown;
use crate::scan::{Kind, Scanned, Slot, scan};
use crate::watch::Watch;
use crate::{Context, MapError, Mapped, Mapping};

pub(crate) use compute::compute;
pub(crate) use read::means_none;

/// A value of a chain as a field holds it; `None` for absent and for what it cannot hold.
pub(crate) fn hub_value_of(
    cell: Cell<'_>,
    ty: &orderhub_order::catalogue::FieldType,
) -> Option<orderhub_order::contribution::Stated> {
    value::stated(cell, ty, crate::program::RefName::Theirs).ok().flatten()
}

/// A frame that rules look into: the body, the document, or a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    /// Its first slot.
    base: u32,
    /// Its place among its rows, from 0.
    row: u32,
}

/// The same, with why a field cannot hold it.
pub(crate) fn checked(
    cell: Cell<'_>,
    ty: &orderhub_order::catalogue::FieldType,
) -> Result<Option<orderhub_order::contribution::Stated>, Trouble> {
    value::stated(cell, ty, crate::program::RefName::Theirs)
}

/// The frames from the body inwards.
pub(crate) type Frames = SmallVec<[Frame; 6]>;

/// What rules run on.
pub(crate) struct Run<'r, 'a> {
    pub(crate) mapping: &'r Mapping,
    pub(crate) input: &'r Input,
    pub(crate) scanned: &'r Scanned<'a>,
    pub(crate) context: &'r Context<'r>,
    /// What was looked up.
    pub(crate) facts: &'r dyn Facts,
    /// Told of every rule, where somebody watches.
    pub(crate) watch: Option<&'r dyn Watch>,
    /// For what is kept of the body.
    pub(crate) room: Room,
}

/// Why a rule gives nothing. Boxed: results of rules are moved about, and nearly all are good.
pub(crate) type Failure = Box<Fault>;

/// What becomes a [`MapError`].
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) span: Option<Span>,
    pub(crate) path: String,
    pub(crate) trouble: Trouble,
    /// What may be shown of the offending value.
    pub(crate) shown: Option<Shown>,
}

/// Maps every document of a body in.
pub(crate) fn run(
    mapping: &Mapping,
    body: &[u8],
    context: &Context<'_>,
    (facts, watch): (&dyn Facts, Option<&dyn Watch>),
) -> Vec<Mapped> {
    let input = &mapping.compiled.input;
    let settings: Vec<Option<&str>> = input
        .trie
        .settings
        .iter()
        .map(|name| context.settings.get(name).map(String::as_str))
        .collect();
    let own = body;
    let body = match mapping.format.read(body, &input.trie, mapping.grouping.as_ref()) {
        Ok(body) => body,
        Err(unreadable) => {
            return whole("malformed", unreadable.0);
        }
    };
    let Body { json: body, lines, bad } = body;
    let scanned = match scan(&input.trie, &settings, &body) {
        Ok(scanned) => scanned,
        Err(error) => {
            // What was read of another format has no place of its own.
            let place = std::ptr::eq(own.as_ptr(), body.as_ptr());
            let place = place.then(|| format!(" ({})", Position::of(own, error.at)));
            return whole(error.cause, format!("{}{}", error.why, place.unwrap_or_default()));
        }
    };
    let lacking = Lacking::beside(facts, false);
    let room = room::kept(body.len());
    let run = Run { mapping, input, scanned: &scanned, context, facts: &lacking, watch, room };
    let present = scanned
        .documents
        .iter()
        .filter(|(_, frame)| !matches!(scanned.slot(*frame, 1).kind, Kind::Absent | Kind::Null));
    let present: Vec<(u8, u32)> = present.copied().collect();
    // The first path under `documents.at` that exists.
    let first = present.iter().map(|(alternative, _)| *alternative).min();
    let chosen: Vec<u32> = present
        .iter()
        .filter(|(alternative, _)| Some(*alternative) == first)
        .map(|(_, base)| *base)
        .collect();
    // An empty list of documents says that there are none; no list at all is another shape.
    if chosen.is_empty() && bad.is_empty() && !scanned.empty {
        let why = "no document stands where the mapping looks for one";
        return whole("wrong_type", why.to_owned());
    }
    let places = Places { lines: &lines, root: mapping.root(first), count: chosen.len() };
    let mut mapped = Vec::with_capacity(chosen.len() + bad.len());
    let mut bad = bad.into_iter().peekable();
    for (row, base) in chosen.into_iter().enumerate() {
        while let Some(bad) = bad.next_if(|bad| bad.before <= row) {
            mapped.push(unreadable(bad));
        }
        mapped.push(match run.document(base, row) {
            Mapped::Failed(error) => {
                let (error, lacks) = run.lacks(facts, &lacking, (base, row), error);
                Mapped::Failed(MapError { place: places.of(row), lacks, ..error })
            }
            other => other,
        });
    }
    mapped.extend(bad.map(unreadable));
    mapped
}

/// The revision that a cell is.
pub(crate) fn revision(cell: &Cell<'_>) -> Option<Revision> {
    match cell {
        Cell::Integer(number) => Some(Revision::Integer(*number)),
        Cell::Timestamp(at) => Some(Revision::Timestamp(*at)),
        _ => None,
    }
}

/// A body none of whose documents can be mapped.
fn whole(cause: &'static str, why: String) -> Vec<Mapped> {
    let path = String::new();
    vec![Mapped::Failed(MapError {
        cause,
        rule: None,
        place: None,
        path,
        why,
        key: None,
        digest: None,
        lacks: Lacks::default(),
    })]
}

/// A row of a table that is no row, or a document that lacks one.
fn unreadable(bad: Bad) -> Mapped {
    Mapped::Failed(MapError {
        cause: "malformed",
        rule: None,
        place: Some(format!("line {}", bad.line).into()),
        path: String::new(),
        why: bad.why,
        key: None,
        digest: None,
        lacks: Lacks::default(),
    })
}

/// Which document of a body is meant, for messages.
struct Places<'p> {
    lines: &'p [u64],
    /// Where documents stand, `*` for their list.
    root: &'p str,
    count: usize,
}

impl Places<'_> {
    fn of(&self, row: usize) -> Option<Box<str>> {
        if let Some(line) = self.lines.get(row).filter(|_| self.lines.len() == self.count) {
            return Some(format!("line {line}").into());
        }
        match self.root.matches('*').count() {
            0 => None,
            1 => Some(self.root.replace('*', &row.to_string()).into()),
            _ => Some(format!("document {} of {}", row + 1, self.count).into()),
        }
    }
}

impl<'r, 'a> Run<'r, 'a> {
    /// All that a document lacks that failed, not only what it failed for: it is waited for once. What is refused to it
    /// is waited for in vain: then it fails for that.
    fn lacks(
        &self,
        facts: &dyn Facts,
        first: &Lacking<'_>,
        at: (u32, usize),
        error: MapError,
    ) -> (MapError, Lacks) {
        if first.take().is_empty() {
            return (error, Lacks::default());
        }
        let all = Lacking::beside(facts, true);
        let Self { mapping, input, scanned, context, .. } = *self;
        let room = room::kept(scanned.text.len());
        let run = Run { mapping, input, scanned, context, facts: &all, watch: None, room };
        match run.document(at.0, at.1) {
            Mapped::Failed(refused) if refused.cause == REFUSED => (refused, Lacks::default()),
            without => (error, Lacks::of(all.take(), without)),
        }
    }

    fn document(&self, base: u32, row: usize) -> Mapped {
        if let Some(watch) = self.watch {
            watch.document(row);
        }
        match self.mapped(base, row) {
            Mapped::Failed(error) if error.key.is_none() => {
                let Slot { start, end, .. } = self.scanned.slot(base, 1);
                let text = self.scanned.text.as_bytes().get(start as usize..end as usize);
                // Of two listings, asked for otherwise, each has its own.
                let args = self.context.args.iter();
                let args: Vec<String> =
                    args.map(|(name, value)| format!("{name} {}", value.to_json_text())).collect();
                let args = args.iter().map(String::as_bytes);
                let digest = text.map(|text| half_of_parts(args.chain([text])));
                Mapped::Failed(MapError { digest, ..error })
            }
            other => other,
        }
    }

    fn mapped(&self, base: u32, row: usize) -> Mapped {
        let row = u32::try_from(row).unwrap_or(u32::MAX);
        let frames = Frames::from_slice(&[Frame { base: 0, row: 0 }, Frame { base, row }]);
        let slot = self.scanned.slot(base, 1);
        if slot.kind != Kind::Object {
            let found = self.cell(slot, &[]).unwrap_or(Cell::Absent);
            return Mapped::Failed(MapError {
                cause: "wrong_type",
                rule: None,
                place: None,
                path: ".".to_owned(),
                why: Trouble::wrong_type(&found, "an object").why,
                key: None,
                digest: None,
                lacks: Lacks::default(),
            });
        }
        match self.holds(&self.input.where_, &frames) {
            Ok(true) => {}
            Ok(false) => return Mapped::Skipped,
            Err(failure) => return Mapped::Failed(self.error(*failure, None)),
        }
        let key = match self.input.key.as_ref().map(|key| self.key(key, &frames)) {
            None => None,
            Some(Ok(Some(key))) => Some(key),
            Some(Ok(None)) => return Mapped::Failed(self.key_missing()),
            Some(Err(failure)) => return Mapped::Failed(self.error(*failure, None)),
        };
        match self.contribution(key.clone().unwrap_or_default(), &frames) {
            Ok(contribution) => Mapped::Document(Box::new(contribution)),
            Err(failure) => Mapped::Failed(self.error(*failure, key.as_deref())),
        }
    }

    fn contribution(&self, key: Box<str>, frames: &Frames) -> Result<Contribution, Failure> {
        let mut parents = Vec::new();
        for (kind, rule) in &self.input.parents {
            let Some(text) = self.id(rule, frames)? else { continue };
            parents.push(match kind {
                Some(kind) => ParentReference::Xref { kind: kind.clone(), ext_id: text },
                None => ParentReference::Ref(text),
            });
        }
        let revision = match &self.input.revision {
            None => None,
            Some(rule) => revision(&self.one(rule, frames, Goal::revision())?),
        };
        let frames = std::slice::from_ref(frames);
        Ok(Contribution {
            system: self.context.system.clone(),
            document: Arc::clone(&self.mapping.document),
            entity: self.mapping.entity,
            key,
            parents,
            creates: self.mapping.creates,
            revision,
            body: self.element(&self.input.root, frames)?,
        })
    }

    /// The text of a key; `None` if a part of it is missing.
    pub(super) fn key(&self, key: &KeyRead, frames: &Frames) -> Result<Option<Box<str>>, Failure> {
        match key {
            KeyRead::Rule(rule) => self.id(rule, frames),
            KeyRead::Template(_, pieces) => {
                // Some part may be empty, not all of them: the texts between them name nothing.
                let (mut key, mut named) = (String::new(), false);
                for piece in pieces {
                    match piece {
                        KeyPiece::Text(text) => key.push_str(text),
                        KeyPiece::Value(rule) => match self.text(rule, frames)? {
                            Some(text) => {
                                named |= !names_nothing(&text);
                                key.push_str(&text);
                            }
                            None => return Ok(None),
                        },
                    }
                }
                Ok(named.then(|| key.into()))
            }
        }
    }

    fn key_missing(&self) -> MapError {
        let span = match &self.input.key {
            Some(KeyRead::Rule(rule)) => Some(rule.span),
            Some(KeyRead::Template(span, _)) => Some(*span),
            None => None,
        };
        MapError {
            cause: "key_missing",
            rule: span.map(|span| self.mapping.source.place(span.start)),
            place: None,
            path: ".".to_owned(),
            why: "the document has no key where the mapping looks for it".to_owned(),
            key: None,
            digest: None,
            lacks: Lacks::default(),
        }
    }

    fn error(&self, failure: Fault, key: Option<&str>) -> MapError {
        let why = match failure.shown {
            Some(shown) => shown.behind(&failure.trouble.why),
            None => failure.trouble.why,
        };
        MapError {
            cause: failure.trouble.cause,
            rule: failure.span.map(|span| self.mapping.source.place(span.start)),
            place: None,
            path: failure.path,
            why,
            key: key.map(str::to_owned),
            digest: None,
            lacks: Lacks::default(),
        }
    }
}
