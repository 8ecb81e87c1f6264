//! Paths of the hub side, resolved against the catalogue.

use orderhub_lang::diagnostic::{Diagnostic, Findings, Span};
use orderhub_lang::path::{Path, Root, Segment};
use orderhub_order::catalogue::{Field, FieldId, FieldType, catalogue};
use orderhub_order::ids::Collection;
use orderhub_order::value::Address;

use crate::codes;

/// A resolved path.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct HubPath {
    /// Where it starts.
    pub(crate) start: Start,
    /// From element to element.
    pub(crate) steps: Vec<Step>,
    /// What is read or written there.
    pub(crate) leaf: Leaf,
    /// The collection whose element the leaf belongs to.
    pub(crate) collection: Collection,
}

/// Where a hub path starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// So many levels up from the current element.
    Up(usize),
    /// At the order.
    Order,
}

/// A step from one element to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// To every element of a collection.
    Each(Collection),
    /// To the element at a place.
    Index(Collection, u32),
    /// To the elements whose field has a text.
    Where(Collection, FieldId, String),
    /// To the element that a reference names.
    Follow(FieldId, Collection),
}

/// What a hub path ends at.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Leaf {
    /// A field, or a part of it.
    Field(FieldId, Option<Part>),
    /// A collection, for `each`.
    Collection(Collection),
    /// A cross reference of the element or its nearest surrounding.
    Xref(String),
    /// The element's ordinal.
    Ordinal,
}

/// A part of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Of an address.
    Address(&'static str),
    /// The amount of money.
    Amount,
    /// The currency of money.
    Currency,
    /// An entry of a map.
    Entry(String),
}

impl HubPath {
    /// It can reach several values.
    pub(crate) fn is_fan_out(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Each(_)))
    }

    /// It ends at a whole field, not at a part of one.
    pub(crate) fn leaf_is_whole(&self) -> bool {
        matches!(self.leaf, Leaf::Field(_, None))
    }

    /// The field it ends at.
    pub(crate) fn field(&self) -> Option<&'static Field> {
        match self.leaf {
            Leaf::Field(id, _) => catalogue().field(id),
            Leaf::Collection(_) | Leaf::Xref(_) | Leaf::Ordinal => None,
        }
    }
}

/// Resolves paths that start at an element: `stack` names the collections from the order inwards.
#[derive(Debug)]
pub(crate) struct Resolver<'f> {
    /// Where findings go.
    pub(crate) findings: &'f mut Findings,
}

impl Resolver<'_> {
    /// Resolves one path; mistakes are reported.
    pub(crate) fn resolve(
        &mut self,
        path: &Path,
        span: Span,
        stack: &[Collection],
    ) -> Option<HubPath> {
        let found = self.walk(path, span, stack);
        match found {
            Ok(path) => Some(path),
            Err(finding) => {
                self.findings.report(*finding);
                None
            }
        }
    }

    fn walk(
        &self,
        path: &Path,
        span: Span,
        stack: &[Collection],
    ) -> Result<HubPath, Box<Diagnostic>> {
        let here = stack.last().copied().unwrap_or(Collection::Root);
        let (start, collection) = match &path.root {
            Root::Here => (Start::Up(0), here),
            Root::Up(levels) => {
                let levels = *levels as usize;
                let above = stack.len().checked_sub(levels + 1).and_then(|at| stack.get(at));
                let none = || self.wrong(span, "nothing surrounds this element", None);
                (Start::Up(levels), *above.ok_or_else(none)?)
            }
            Root::Document => (Start::Order, Collection::Root),
            Root::Xref(kind) => {
                let leaf = Leaf::Xref(kind.clone());
                return Ok(HubPath {
                    start: Start::Up(0),
                    steps: Vec::new(),
                    leaf,
                    collection: here,
                });
            }
            Root::Ordinal => {
                let leaf = Leaf::Ordinal;
                return Ok(HubPath {
                    start: Start::Up(0),
                    steps: Vec::new(),
                    leaf,
                    collection: here,
                });
            }
            Root::Settings | Root::Args | Root::Hub | Root::Index | Root::Position => {
                let message = format!("`{path}` is not a place in the hub");
                return Err(self.wrong(span, &message, None));
            }
        };
        let mut walk = Walk { collection, steps: Vec::new(), taken: 0 };
        let leaf = self.segments(&path.segments, span, &mut walk)?;
        Ok(HubPath { start, steps: walk.steps, leaf, collection: walk.collection })
    }

    fn segments(
        &self,
        mut rest: &[Segment],
        span: Span,
        walk: &mut Walk,
    ) -> Result<Leaf, Box<Diagnostic>> {
        loop {
            match rest {
                [] => {
                    return Err(self.wrong(span, "the path names no field", None));
                }
                [Segment::Xref(kind)] => return Ok(Leaf::Xref(kind.clone())),
                [Segment::Key(name), more @ ..] if walk.collection.child(name).is_some() => {
                    let inner = walk.collection.child(name).unwrap_or(walk.collection);
                    match more {
                        [] => return Ok(Leaf::Collection(inner)),
                        [step, more @ ..] => {
                            walk.steps.push(self.collection_step(inner, name, step, span)?);
                            walk.collection = inner;
                            rest = more;
                        }
                    }
                }
                segments => match self.field(segments, span, walk)? {
                    Some(leaf) => return Ok(leaf),
                    None => rest = segments.get(walk.taken..).unwrap_or_default(),
                },
            }
        }
    }

    fn collection_step(
        &self,
        inner: Collection,
        name: &str,
        step: &Segment,
        span: Span,
    ) -> Result<Step, Box<Diagnostic>> {
        match step {
            Segment::Each => Ok(Step::Each(inner)),
            Segment::Index(place) => Ok(Step::Index(inner, *place)),
            Segment::Where { key, value, .. } => {
                let field = catalogue().find(inner, key);
                let none = || self.unknown(inner, key, span);
                Ok(Step::Where(inner, field.ok_or_else(none)?.id, value.clone()))
            }
            Segment::Key(_) | Segment::Setting(_) | Segment::Xref(_) => {
                let message = format!("`{name}` is a collection");
                let hint = format!("write `{name}.*` for every element, or map it with `each:`");
                Err(self.wrong(span, &message, Some(hint)))
            }
        }
    }

    /// A field from here on, with what follows it. `None`: a reference was followed.
    fn field(
        &self,
        segments: &[Segment],
        span: Span,
        walk: &mut Walk,
    ) -> Result<Option<Leaf>, Box<Diagnostic>> {
        let keys: Vec<&str> = segments
            .iter()
            .map_while(|segment| match segment {
                Segment::Key(key) => Some(key.as_str()),
                Segment::Index(_)
                | Segment::Each
                | Segment::Where { .. }
                | Segment::Setting(_)
                | Segment::Xref(_) => None,
            })
            .collect();
        let longest = (1..=keys.len()).rev().find_map(|count| {
            let path = keys.get(..count)?.join(".");
            catalogue().find(walk.collection, &path).map(|field| (count, field))
        });
        let Some((count, field)) = longest else {
            return Err(self.unknown(walk.collection, &keys.join("."), span));
        };
        let rest = segments.get(count..).unwrap_or_default();
        let part = match (&field.ty, rest) {
            (_, []) => return Ok(Some(Leaf::Field(field.id, None))),
            (FieldType::Ref(target), _) => {
                walk.steps.push(Step::Follow(field.id, *target));
                walk.collection = *target;
                walk.taken = count;
                return Ok(None);
            }
            (FieldType::Address, [Segment::Key(part)]) => {
                let known = Address::PARTS.into_iter().find(|known| known == part);
                let none = || {
                    let message = format!("an address has no `{part}`");
                    let near = orderhub_lang::diagnostic::nearest(part, Address::PARTS);
                    let hint = near.map_or_else(
                        || format!("its parts: {}", Address::PARTS.join(", ")),
                        |near| format!("did you mean `{near}`?"),
                    );
                    self.wrong(span, &message, Some(hint))
                };
                Part::Address(known.ok_or_else(none)?)
            }
            (FieldType::Money, [Segment::Key(part)]) if part == "amount" => Part::Amount,
            (FieldType::Money, [Segment::Key(part)]) if part == "currency" => Part::Currency,
            (FieldType::Map, rest) if keys.len() == count + rest.len() => {
                Part::Entry(keys.get(count..).unwrap_or_default().join("."))
            }
            _ => return Err(self.unknown(walk.collection, &keys.join("."), span)),
        };
        Ok(Some(Leaf::Field(field.id, Some(part))))
    }

    fn unknown(&self, collection: Collection, path: &str, span: Span) -> Box<Diagnostic> {
        let what = match collection.path() {
            "" => "order".to_owned(),
            other => other.to_owned(),
        };
        let names: Vec<&str> = catalogue()
            .fields_of(collection)
            .map(|field| field.path)
            .chain(collection.children().map(Collection::name))
            .collect();
        let finding = self
            .findings
            .error(codes::HUB_FIELD, span, format!("unknown hub field `{path}`"))
            .with_label(format!("no such field in {what} v1"));
        // What is not shown needs no hint: a hostile file misspells thousands.
        if self.findings.is_full() {
            return Box::new(finding);
        }
        let within = format!("{path}.");
        let below: Vec<&str> =
            names.iter().copied().filter(|name| name.starts_with(&within)).collect();
        if !below.is_empty() {
            let hint = format!(
                "`{path}` is no value, and only addresses have parts (`fields:`); name its fields: {}",
                below.join(", ")
            );
            return Box::new(finding.with_hint(hint));
        }
        let finding = finding.with_nearest(path, names.iter().copied());
        if finding.hint.is_some() {
            return Box::new(finding);
        }
        let finding = match (&finding.hint, catalogue().nearest(path)) {
            (None, Some(near)) => {
                // From within a part of the order, the order's own fields begin at the order.
                let field = catalogue().find_full(&near);
                let outer = collection != Collection::Root
                    && field.is_some_and(|field| field.collection == Collection::Root);
                let slash = if outer { "/" } else { "" };
                finding.with_hint(format!("did you mean `{slash}{near}`?"))
            }
            (None, None) => finding.with_hint(format!(
                "`orderhub explain {what}` lists the fields; what has none goes to `ext.<name>`"
            )),
            _ => finding,
        };
        Box::new(finding)
    }

    fn wrong(&self, span: Span, message: &str, hint: Option<String>) -> Box<Diagnostic> {
        let finding = self.findings.error(codes::HUB_PATH, span, message);
        Box::new(match hint {
            Some(hint) => finding.with_hint(hint),
            None => finding,
        })
    }
}

#[derive(Debug)]
struct Walk {
    collection: Collection,
    steps: Vec<Step>,
    /// How many segments the last field took.
    taken: usize,
}
