//! One fold under way: the state, what decides, and what has come of it so far.

use std::collections::BTreeMap;

use jiff::Timestamp;
use orderhub_lang::codes::Cause;

use super::{Act, Effect, Facts, Outcome, TodoItem, TodoKind};
use crate::catalogue::FieldId;
use crate::contribution::{Contribution, Revision};
use crate::history::Heard;
use crate::ids::{At, Collection, Entity, Role, SystemName};
use crate::lane::Lane;
use crate::model::{Order, Shared, State};
use crate::rules::Rules;

/// Ends a fold with nothing changed. Boxed: it is the rare way.
pub(super) type Folding<T> = Result<T, Box<Outcome>>;

/// What an act did, besides what stands in the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
    /// Something may have changed: derive, fire and route follow.
    Merged,
    /// Only the lane changed, or nothing: this is the outcome.
    Ended(Ended),
}

/// An end without derive, fire and route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// Too late to count.
    Stale,
    /// The lane changed.
    Lane,
}

/// How many statements ended how.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    /// Older than what the system said itself.
    pub(super) stale: u32,
    /// Anything else.
    pub(super) heard: u32,
    /// References bound.
    pub(super) bound: u32,
}

/// A field at a system that must be sent again, although what was sent last may look the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Again {
    pub(super) system: SystemName,
    pub(super) at: At,
    pub(super) field: FieldId,
}

/// One fold under way.
#[derive(Debug)]
pub(super) struct Work<'w> {
    pub(super) state: &'w mut State,
    pub(super) rules: &'w Rules<'w>,
    pub(super) facts: &'w Facts,
    pub(super) now: Timestamp,
    pub(super) effects: Vec<Effect>,
    /// The lanes that were changed, each as it stood before; `None`: there was none.
    pub(super) touched_lanes: Vec<(SystemName, Option<Shared<Lane>>)>,
    pub(super) again: Vec<Again>,
    pub(super) tally: Tally,
    /// What the hub overwrites where it was said, for the history.
    pub(super) heard: Vec<Heard>,
    /// Paths that a first link found different: listed in one finding.
    pub(super) differs: Vec<String>,
    /// Rows that were passed over, by their list.
    pub(super) passed: BTreeMap<Collection, u32>,
}

/// Who speaks, about what, and how far it is to be believed: the same for all of one document.
#[derive(Clone, Copy, Debug)]
pub(super) struct Speaker<'a> {
    pub(super) system: &'a SystemName,
    pub(super) role: Role,
    pub(super) entity: Entity,
    /// The key of the document, for the newest revision of its content.
    pub(super) key: &'a str,
    /// `None`: a reply without one, which yields to what was stated since its call began.
    pub(super) revision: Option<&'a Revision>,
    /// First link of a system that did not get the order from us.
    pub(super) match_only: bool,
    /// The reply of our own call.
    pub(super) reply: bool,
}

impl<'w> Work<'w> {
    pub(super) fn new(
        state: &'w mut State,
        rules: &'w Rules<'w>,
        facts: &'w Facts,
        now: Timestamp,
    ) -> Self {
        Self {
            state,
            rules,
            facts,
            now,
            effects: Vec::new(),
            touched_lanes: Vec::new(),
            again: Vec::new(),
            tally: Tally::default(),
            heard: Vec::new(),
            differs: Vec::new(),
            passed: BTreeMap::new(),
        }
    }

    /// The lane of a system, made where there is none.
    pub(super) fn lane(&mut self, system: &SystemName, role: Role) -> &mut Lane {
        self.touch(system);
        self.state.lanes.made(system, || Lane::new(system.clone(), role))
    }

    /// A lane that there is, to be changed.
    pub(super) fn lane_there(&mut self, system: &SystemName) -> Option<&mut Lane> {
        if self.state.lanes.contains_key(system) {
            self.touch(system);
        }
        self.state.lanes.get_mut(system).map(|lane| &mut **lane)
    }

    /// Says that a lane is about to be changed, and keeps it as it stands.
    pub(super) fn touch(&mut self, system: &SystemName) {
        if !self.touched_lanes.iter().any(|(touched, _)| touched == system) {
            let before = self.state.lanes.get(system).cloned();
            self.touched_lanes.push((system.clone(), before));
        }
    }

    /// Puts everything back as it was.
    pub(super) fn undo(&mut self, order: Shared<Order>) {
        self.state.order = order;
        for (system, lane) in std::mem::take(&mut self.touched_lanes) {
            match lane {
                Some(lane) => self.state.lanes.insert(lane),
                None => self.state.lanes.remove(&system),
            }
        }
    }

    /// Shows a person that two sides differ about a field.
    pub(super) fn conflict(
        &mut self,
        cause: &Cause,
        system: Option<&SystemName>,
        at: (&str, String),
    ) {
        let (path, why) = at;
        let about = Some(path.into());
        self.todo(TodoItem { about, ..item(TodoKind::Conflict, cause, system, why) });
    }

    /// What a system said otherwise of a field asks a person no more. Whether it did.
    ///
    /// **Invariant:** what a person is asked about a field of an order is open while the sides differ, and no
    /// longer. Test: `a_conflict_is_one_todo_that_ends_with_it`. Rule
    /// `conflict-ends`.
    pub(super) fn settle(&mut self, system: &SystemName, path: &str, reason: String) -> bool {
        let lane = self.state.lanes.get(system);
        if !lane.is_some_and(|lane| lane.open_conflicts.iter().any(|open| open == path)) {
            return false;
        }
        if let Some(lane) = self.lane_there(system) {
            lane.open_conflicts.retain(|open| open != path);
        }
        let (system, about) = (Some(system.clone()), path.into());
        self.effects.push(Effect::Settled { system, about, reason });
        true
    }

    /// Shows something to a person, besides what the outcome says.
    pub(super) fn todo(&mut self, item: TodoItem) {
        self.effects.push(Effect::Todo(item));
    }
}

impl Act {
    /// The system whose act it is, if one's.
    pub(super) fn system(&self) -> Option<&SystemName> {
        match self {
            Act::Document(act) => Some(&act.contribution.system),
            Act::Memo { system, .. } | Act::Skip { system, .. } | Act::Unfit { system, .. } => {
                Some(system)
            }
            Act::Receipt(receipt) => Some(&receipt.system),
            Act::Fly { system, .. } | Act::Down { system, .. } | Act::Hurry { system } => {
                Some(system)
            }
            Act::Person(_) | Act::Tick => None,
        }
    }
}

/// A todo of this act.
pub(super) fn item(
    kind: TodoKind,
    cause: &Cause,
    system: Option<&SystemName>,
    why: String,
) -> TodoItem {
    TodoItem { kind, cause: cause.word.into(), system: system.cloned(), why, about: None }
}

/// Ends the fold: the document cannot be applied.
pub(super) fn refuse(
    kind: TodoKind,
    cause: &Cause,
    system: &SystemName,
    why: String,
) -> Box<Outcome> {
    Box::new(Outcome::Todo(item(kind, cause, Some(system), why)))
}

impl<'a> Speaker<'a> {
    /// A document's speaker; `revision` is its own, or the sequence of its stored row.
    pub(super) fn of(
        contribution: &'a Contribution,
        role: Role,
        revision: Option<&'a Revision>,
    ) -> Self {
        Self {
            system: &contribution.system,
            role,
            entity: contribution.entity,
            key: &contribution.key,
            revision,
            match_only: false,
            reply: false,
        }
    }
}
