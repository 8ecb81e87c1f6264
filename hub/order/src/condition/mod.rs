//! Evaluates the `when` grammar over an order and a subject in it.
//!
//! Paths start at the subject, `/…` at the order; `lines.*.sku` looks at every element and holds if
//! any does. They are resolved against the catalogue when they are read, so that a misspelled one is
//! an error of the file and never a condition that silently does not hold.

use std::collections::BTreeMap;
use std::sync::Arc;

use orderhub_lang::condition as parsed;
use orderhub_lang::diagnostic::{Diagnostic, Source};
use orderhub_lang::yaml::Node;

use crate::catalogue::{FieldId, FieldSet, catalogue, known};
use crate::ids::{At, Collection, Role, SystemName};
use crate::model::{Lanes, Order};
use crate::rules::SystemRules;
use crate::value::Value;

mod resolve;
#[cfg(test)]
mod tests;
mod words;

pub(crate) use resolve::field_of_order;

/// A compiled `when`: `orderhub_lang`'s grammar, its paths resolved against the catalogue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    tests: Vec<Test>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Test {
    look: Look,
    must: Must,
}

/// What a test looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// Systems of these roles that know the order.
    Linked(Vec<Role>),
    /// A collection of the subject or, from the root, of the order.
    Elements { root: bool, within: Vec<Collection>, collection: Collection },
    /// A field, with a part of an address or an entry of a map.
    Field(FieldLook),
}

/// A field of the subject or of elements of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FieldLook {
    root: bool,
    within: Vec<Collection>,
    pub(crate) field: FieldId,
    part: Option<Box<str>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Must {
    AnyOf(Vec<String>),
    NotAnyOf(Vec<String>),
    Starts(Vec<String>),
    Present,
    Absent,
    None,
    From { machine: &'static str, rank: usize },
}

/// What a condition is evaluated over.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The order.
    pub order: &'a Order,
    /// Its lanes, for `linked:`.
    pub lanes: &'a Lanes,
    /// The configured systems: `linked:` holds for a role that none of them plays.
    pub systems: &'a BTreeMap<SystemName, SystemRules>,
    /// The hold `unassigned` of this role is not looked at: whoever assigns must see past it.
    pub past: Option<Role>,
}

impl Condition {
    /// Reads a condition whose paths start at an element of `subject`.
    ///
    /// # Errors
    ///
    /// Every mistake, at its place.
    pub fn parse(
        source: &Arc<Source>,
        node: &Node,
        subject: Collection,
    ) -> Result<Self, Vec<Diagnostic>> {
        Self::compile(source, &parsed::Condition::parse(source, node)?, subject)
    }

    /// Resolves the paths of a parsed condition.
    ///
    /// # Errors
    ///
    /// Every mistake, at its place.
    pub fn compile(
        source: &Arc<Source>,
        condition: &parsed::Condition,
        subject: Collection,
    ) -> Result<Self, Vec<Diagnostic>> {
        let mut tests = Vec::new();
        let mut findings = Vec::new();
        for test in &condition.tests {
            match resolve::test(source, test, subject) {
                Ok(test) => tests.push(test),
                Err(finding) => findings.push(*finding),
            }
        }
        if findings.is_empty() { Ok(Self { tests }) } else { Err(findings) }
    }

    /// Whether every test holds for the subject at `at`.
    pub fn holds(&self, scene: Scene<'_>, at: &At) -> bool {
        self.tests.iter().all(|test| test.holds(scene, at))
    }

    /// The same, for some of the tests alone.
    pub(crate) fn only(&self, keep: impl Fn(&Look) -> bool) -> Condition {
        Self { tests: self.tests.iter().filter(|test| keep(&test.look)).cloned().collect() }
    }

    /// The fields it looks at.
    pub fn reads(&self) -> FieldSet {
        let field = |test: &Test| match &test.look {
            Look::Field(look) => Some(look.field),
            Look::Linked(_) | Look::Elements { .. } => None,
        };
        self.tests.iter().filter_map(field).collect()
    }

    /// It asks whether systems are linked.
    pub(crate) fn asks_links(&self) -> bool {
        self.tests.iter().any(|test| matches!(test.look, Look::Linked(_)))
    }
}

/// A test of `holds`.
pub(crate) fn is_holds(look: &Look) -> bool {
    matches!(look, Look::Elements { collection: Collection::Holds, .. })
}

/// A test of the lifecycle.
pub(crate) fn is_lifecycle(look: &Look) -> bool {
    matches!(look, Look::Field(field) if field.field == known::order::STATE_LIFECYCLE)
}

impl Test {
    fn holds(&self, scene: Scene<'_>, at: &At) -> bool {
        match &self.look {
            Look::Linked(roles) => {
                let linked = roles.iter().any(|role| scene.linked(*role));
                linked != matches!(self.must, Must::NotAnyOf(_))
            }
            Look::Elements { root, within, collection } => {
                let some = start(scene.order, at, *root, within)
                    .iter()
                    .flat_map(|place| scene.order.elements_at(place, *collection))
                    .any(|(_, element)| !scene.is_past(element));
                match self.must {
                    Must::Present => some,
                    Must::Absent | Must::None => !some,
                    Must::AnyOf(_) | Must::NotAnyOf(_) | Must::Starts(_) | Must::From { .. } => {
                        false
                    }
                }
            }
            Look::Field(look) => self.field(look, scene.order, at),
        }
    }

    fn field(&self, look: &FieldLook, order: &Order, at: &At) -> bool {
        let places = start(order, at, look.root, &look.within);
        let mut texts = places.iter().map(|place| look.text(order, place));
        match &self.must {
            Must::AnyOf(wanted) => texts.any(|found| match found {
                Found::Text(text) => wanted.contains(&text),
                Found::Some | Found::Nothing => false,
            }),
            Must::NotAnyOf(refused) => {
                places.is_empty()
                    || texts.any(|found| match found {
                        Found::Text(text) => !refused.contains(&text),
                        Found::Some | Found::Nothing => true,
                    })
            }
            Must::Starts(begins) => texts.any(|found| match found {
                Found::Text(text) => begins.iter().any(|begin| text.starts_with(begin.as_str())),
                Found::Some | Found::Nothing => false,
            }),
            Must::Present => texts.any(|found| found != Found::Nothing),
            Must::Absent | Must::None => {
                places.is_empty() || texts.any(|found| found == Found::Nothing)
            }
            Must::From { machine, rank } => texts.any(|found| match found {
                Found::Text(text) => catalogue().rank(machine, &text).is_some_and(|at| at >= *rank),
                Found::Some | Found::Nothing => false,
            }),
        }
    }
}

/// The places that a path reaches from its start through collections.
fn start(order: &Order, at: &At, root: bool, within: &[Collection]) -> Vec<At> {
    let mut places = vec![if root { At::ROOT } else { at.clone() }];
    for collection in within {
        places = places
            .iter()
            .flat_map(|place| order.elements_at(place, *collection))
            .map(|(place, _)| place)
            .collect();
    }
    places
}

/// What a field look found at one place.
#[derive(PartialEq, Eq)]
enum Found {
    Nothing,
    Some,
    Text(String),
}

impl FieldLook {
    /// The text found at the subject, where there is one.
    pub(crate) fn find(&self, order: &Order, at: &At) -> Option<String> {
        let places = start(order, at, self.root, &self.within);
        places.iter().find_map(|place| match self.text(order, place) {
            Found::Text(text) => Some(text),
            Found::Some | Found::Nothing => None,
        })
    }

    fn text(&self, order: &Order, at: &At) -> Found {
        let value = order.value(at, self.field);
        let text = match (&value, &self.part) {
            (None, _) if self.field == known::order::STATE_LIFECYCLE => {
                Some(order.lifecycle().to_owned())
            }
            (None, _) => return Found::Nothing,
            (Some(Value::Address(address)), Some(part)) => {
                match address.part(part).and_then(Option::as_deref) {
                    Some(text) => Some(text.to_owned()),
                    None => return Found::Nothing,
                }
            }
            (Some(Value::Map(members)), Some(part)) => match members.get(&**part) {
                Some(Some(text)) => Some(text.to_string()),
                Some(None) | None => return Found::Nothing,
            },
            (Some(Value::List(items)), _) if items.is_empty() => return Found::Nothing,
            (Some(value), _) => value.as_text().map(std::borrow::Cow::into_owned),
        };
        text.map_or(Found::Some, Found::Text)
    }
}

impl Scene<'_> {
    /// A system of this role knows the order; a role that nobody plays counts as linked, so that a
    /// flow may name roles that an installation does not have.
    pub fn linked(&self, role: Role) -> bool {
        let mut players = self.systems.iter().filter(|(_, system)| system.role == role).peekable();
        players.peek().is_none()
            || players.any(|(name, _)| self.lanes.get(name).is_some_and(|lane| lane.knows()))
    }

    fn is_past(&self, element: &crate::model::Element) -> bool {
        let text = |field| element.fields.text(field);
        self.past.is_some_and(|role| {
            text(known::hold::CODE) == Some("unassigned")
                && text(known::hold::SCOPE) == Some(role.as_str())
        })
    }
}
