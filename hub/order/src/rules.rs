//! What the fold is told: who is who, who owns what, what is released to whom, what mappings read.

use std::collections::BTreeMap;
use std::fmt::Debug;

use crate::catalogue::{FieldId, FieldSet};
use crate::contribution::Stated;
use crate::flow::{Flow, Ownership};
use crate::ids::{Entity, Role, SystemName};
use crate::model::Subject;

/// Everything that decides a fold besides the order and the document.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// The bundle's hash: named in every change.
    pub bundle: &'a str,
    /// Releases and assignment.
    pub flow: &'a Flow,
    /// Exceptions to the catalogue's owners.
    pub ownership: &'a Ownership,
    /// The configured systems.
    pub systems: &'a BTreeMap<SystemName, SystemRules>,
    /// What only compiled mappings know.
    pub shapes: &'a dyn Shapes,
}

/// One system as the rules see it.
#[derive(Clone, Debug)]
pub struct SystemRules {
    /// Its role.
    pub role: Role,
    /// Its integration, for messages.
    pub integration: Box<str>,
    /// Tags for the flow's assignment.
    pub tags: Vec<Box<str>>,
    /// Business unit of orders from here that name none.
    pub unit: Box<str>,
    /// Live, shadow or paused.
    pub mode: Mode,
    /// Narrows the catalogue's ownership, where set (catalogue path prefixes).
    pub owns: Option<Vec<Box<str>>>,
    /// What it listens to.
    pub deliver: Vec<DeliverRule>,
    /// What it listened to by earlier files, and by these does not: see [`crate::route`].
    pub gone: Vec<GoneRule>,
}

impl SystemRules {
    /// Whether wishes of one of its rules do not wait while it is down; `of`: of the rule of this id.
    pub fn fails(&self, of: Option<&str>) -> bool {
        let fails = |rule: &DeliverRule| rule.while_down == WhileDown::Fail;
        self.deliver.iter().any(|rule| of.is_none_or(|id| &*rule.id == id) && fails(rule))
    }

    /// Whether a rule of it listens to an event, or did by earlier files and is gone.
    pub fn hears_of(&self, event: &str) -> bool {
        self.deliver.iter().any(|rule| &*rule.on == event)
            || self.gone.iter().any(|gone| &*gone.on == event && gone.heir.is_none())
    }
}

/// Whether a system is really written to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Calls are made.
    #[default]
    Live,
    /// Everything is computed and recorded, nothing sent.
    Shadow,
    /// Nothing is taken from its lanes.
    Paused,
}

/// One entry of an integration's `deliver:`.
#[derive(Clone, Debug)]
pub struct DeliverRule {
    /// `<on>/<do>`: unique in the integration.
    pub id: Box<str>,
    /// The hub event it listens to.
    pub on: Box<str>,
    /// Called for a subject without a live cross reference.
    pub create: Option<OperationRule>,
    /// Called for a linked subject.
    pub update: Option<OperationRule>,
    /// A single operation (`do: name`): an upsert, a fact, or a create without update.
    pub single: Option<OperationRule>,
    /// What was made once is what it asked for: `{ create: …, update: none }`.
    pub once: bool,
    /// Must hold for the subject, else the want stays with code `held`.
    pub when: Option<crate::condition::Condition>,
    /// What becomes of its wishes while the system is down.
    pub while_down: WhileDown,
}

/// What becomes of a wish while the breaker of its operation is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhileDown {
    /// It waits until the system is back.
    #[default]
    Queue,
    /// It is given up at once, for a person to see.
    Fail,
}

/// What is known of an entry of an integration's `deliver:` that earlier files had and these have not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoneRule {
    /// Its `<on>/<do>`.
    pub id: Box<str>,
    /// The hub event that it listened to.
    pub on: Box<str>,
    /// Of its operation.
    pub kind: OperationKind,
    /// It made something.
    pub creates: bool,
    /// The fields that its mappings read.
    pub reads: FieldSet,
    /// The rule of these files that stands in its place: its wishes are that one's.
    pub heir: Option<Box<str>>,
}

impl DeliverRule {
    /// Of the first of its operations; without one, a state's.
    pub fn kind(&self) -> OperationKind {
        let operations = [&self.single, &self.create, &self.update];
        let first = operations.into_iter().flatten().next();
        first.map_or(OperationKind::State, |operation| operation.kind)
    }

    /// Whether an operation of it makes something.
    pub fn makes(&self) -> bool {
        self.create.is_some() || self.single.as_ref().is_some_and(|operation| operation.creates)
    }

    /// Whether it says that there is nothing to do: `do: none`.
    pub fn is_nothing(&self) -> bool {
        self.create.is_none() && self.update.is_none() && self.single.is_none()
    }
}

/// What the fold and the deliverer must know of an operation.
#[derive(Clone, Debug)]
pub struct OperationRule {
    /// Its name in the connector.
    pub name: Box<str>,
    /// State or fact.
    pub kind: OperationKind,
    /// The entity it makes or changes.
    pub entity: Entity,
    /// Makes something: never called for a subject that is linked or was delivered.
    pub creates: bool,
}

/// How an operation's wants collapse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationKind {
    /// "Make the target look like this": newer supersedes older.
    State,
    /// "This happened": once per firing, never superseded.
    Fact,
}

/// What only compiled mappings know; `orderhub-mapping` implements it.
pub trait Shapes: Debug + Send + Sync {
    /// The form in which `system` would give a value, or null, back: identity where its mapping is lossless.
    fn canon(&self, system: &SystemName, field: FieldId, value: &Stated) -> Stated;

    /// The fields that the outgoing mappings of a deliver rule (create and update together) read.
    fn reads(&self, system: &SystemName, rule: &str) -> FieldSet;

    /// The values that the rule's mapping writes for a subject: what goes into the ring.
    fn writes(&self, system: &SystemName, rule: &str, subject: Subject<'_>) -> FieldSet;

    /// Where the rule stands by which documents of `system` about an `entity` state a field, `file:line:column`; several
    /// joined by ` or `. `None`: nobody knows.
    fn rule_of(&self, _system: &SystemName, _entity: Entity, _field: FieldId) -> Option<String> {
        None
    }
}
