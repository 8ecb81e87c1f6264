//! Flow and ownership: the hub's own side, as data (`mappings/hub/flow.yaml`, `ownership.yaml`).
//!
//! `read` turns the files into these types, with every mistake at its place; `fire` lets releases
//! happen; `assign` chooses among the systems of a role.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use orderhub_lang::diagnostic::{Diagnostic, Source};

use crate::catalogue::{FieldId, FieldSet, Owner};
use crate::condition::{Condition, FieldLook, Scene};
use crate::ids::{At, Collection, Role};
use crate::model::{Lanes, Order};

mod assign;
mod explain;
mod fire;
mod read;
#[cfg(test)]
mod tests;

pub use explain::{Standing, standings};
pub use fire::{Firing, fire};
pub(crate) use fire::{fired_key, near, subjects, targets};

/// The event that every version emits.
pub const ORDER_CHANGED: &str = "order.changed";

/// The hub's events: what a release may emit and an integration may listen to.
pub const EVENTS: [&str; 20] = [
    "order.created",
    "order.changed",
    "order.cancelled",
    "order.stage_changed",
    "order.held",
    "order.released_hold",
    "order.accepted",
    "payment.captured",
    "payment.refunded",
    "fulfilment.released",
    "fulfilment.cancelled",
    "shipment.created",
    "shipment.cancelled",
    "shipment.handed_over",
    "shipment.tracking_changed",
    "shipment.delivered",
    "return.opened",
    "return.received",
    "delivery.dead",
    "system.breaker_changed",
];

/// Releases and assignment, compiled. Empty by default: nothing is ever released.
#[derive(Clone, Debug, Default)]
pub struct Flow {
    /// Its name.
    pub name: String,
    /// In file order, which is the order in which they are looked at.
    pub releases: Vec<Release>,
    /// How a system of a role is chosen, where there are several.
    pub assign: BTreeMap<Role, Assign>,
}

/// One release.
#[derive(Clone, Debug)]
pub struct Release {
    /// The event.
    pub emits: Box<str>,
    /// To whom.
    pub to: Target,
    /// Whose elements are its subjects; `Root`: the order.
    pub subject: Collection,
    /// Must hold for the subject.
    pub when: Condition,
    /// Fires at each change of one of these, instead of once.
    pub fields: Option<FieldSet>,
    /// Makes a fulfilment, which is then the subject.
    pub creates: bool,
    /// The part of `when` that a create is judged by until it is sent: holds.
    pub(crate) holds: Condition,
    /// And the lifecycle.
    pub(crate) lifecycle: Condition,
}

/// To whom a release goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// The one system of a role that is bound to the order, or to the subject's fulfilment.
    Role(Role),
    /// Where the order came from.
    Origin,
    /// Every system that knows the order, without the one whose statement made it true.
    Linked,
    /// Every bound or linked system, and every sink, that listens.
    All,
}

/// How one of several systems of a role is chosen.
#[derive(Clone, Debug, Default)]
pub struct Assign {
    /// The field whose value is looked up.
    pub(crate) by: Option<FieldLook>,
    /// Its values, each with a tag that settings give to systems.
    pub(crate) table: BTreeMap<String, String>,
    /// For any other value: the only system there is.
    pub(crate) only: bool,
}

/// Exceptions to the catalogue's owners, compiled.
#[derive(Clone, Debug, Default)]
pub struct Ownership {
    rules: Vec<OwnershipRule>,
}

#[derive(Clone, Debug)]
struct OwnershipRule {
    fields: FieldSet,
    when: Condition,
    owners: Vec<Owner>,
    others: Others,
}

/// What happens to what others than the owners say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Others {
    /// Kept as their statement.
    #[default]
    Keep,
    /// Shown to a person as a proposal: todo `conflict`.
    Propose,
    /// Corrected back: sent again.
    Correct,
}

/// The exception that holds for a field of an order now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exception<'a> {
    /// Who owns instead; the first wins.
    pub owners: &'a [Owner],
    /// What happens to what others say.
    pub others: Others,
}

impl Target {
    /// As the file writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Target::Role(role) => role.as_str(),
            Target::Origin => "origin",
            Target::Linked => "linked",
            Target::All => "all",
        }
    }

    /// Whether systems of a role may be meant.
    fn may_be(self, role: Role) -> bool {
        match self {
            Target::Role(one) => one == role,
            Target::Origin => role == Role::Channel,
            Target::Linked | Target::All => true,
        }
    }
}

impl Flow {
    /// Reads a flow file.
    ///
    /// # Errors
    ///
    /// Every mistake of the file, at its place.
    pub fn parse(source: &Arc<Source>) -> Result<Flow, Vec<Diagnostic>> {
        read::flow(source)
    }

    /// The flow of this build: what holds where an installation has no file of its own.
    pub fn embedded() -> Flow {
        let text = include_str!("../../../../mappings/hub/flow.yaml");
        // The test `the_embedded_files_are_read` keeps this from ever being the empty flow.
        Flow::parse(&Source::new("mappings/hub/flow.yaml", text)).unwrap_or_default()
    }

    /// Whether any release emits `event` to systems of `role`: an `on:` that none emits never fires.
    pub fn emits_to(&self, event: &str, role: Role) -> bool {
        self.releases.iter().any(|release| &*release.emits == event && release.to.may_be(role))
    }

    /// The events that releases emit to systems of `role`, each once, in the order of their names.
    pub fn events_to(&self, role: Role) -> impl Iterator<Item = &str> {
        let heard = self.releases.iter().filter(|release| release.to.may_be(role));
        heard.map(|release| &*release.emits).collect::<BTreeSet<&str>>().into_iter()
    }

    /// The subject that an event has; `None` for an event that no release emits.
    pub fn subject_of(&self, event: &str) -> Option<Collection> {
        let release = self.releases.iter().find(|release| &*release.emits == event)?;
        Some(if release.creates { Collection::Fulfilments } else { release.subject })
    }

    /// The release that is known by (`emits`, `to`).
    pub fn release(&self, emits: &str, to: &str) -> Option<&Release> {
        self.releases.iter().find(|one| &*one.emits == emits && one.to.as_str() == to)
    }
}

impl Ownership {
    /// Reads an ownership file.
    ///
    /// # Errors
    ///
    /// Every mistake of the file, at its place.
    pub fn parse(source: &Arc<Source>) -> Result<Ownership, Vec<Diagnostic>> {
        read::ownership(source)
    }

    /// The exceptions of this build: what holds where an installation has no file of its own.
    pub fn embedded() -> Ownership {
        let text = include_str!("../../../../mappings/hub/ownership.yaml");
        Ownership::parse(&Source::new("mappings/hub/ownership.yaml", text)).unwrap_or_default()
    }

    /// Who may own a field in some state of an order, by an exception.
    pub fn owners(&self, field: FieldId) -> impl Iterator<Item = &Owner> {
        let rules = self.rules.iter().filter(move |rule| rule.fields.contains(field));
        rules.flat_map(|rule| &rule.owners)
    }

    /// The first rule for the field whose `when` holds for the order.
    pub fn exception(&self, order: &Order, _at: &At, field: FieldId) -> Option<Exception<'_>> {
        // `linked` is refused in this file, so that no lane is looked at.
        let (lanes, systems) = (Lanes::default(), BTreeMap::new());
        let scene = Scene { order, lanes: &lanes, systems: &systems, past: None };
        let rules = self.rules.iter().filter(|rule| rule.fields.contains(field));
        let found = rules.into_iter().find(|rule| rule.when.holds(scene, &At::ROOT))?;
        Some(Exception { owners: &found.owners, others: found.others })
    }
}
