//! What comes of an act: the fold's output.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::catalogue::FieldSet;
use crate::identify::ReferenceKey;
use crate::ids::{At, Collection, Entity, SystemName};
use crate::lane::LaneCode;

/// What came of the act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A new version, or only the lanes changed (`version` is the head's then).
    Applied {
        /// The head's version.
        version: u32,
    },
    /// The document said nothing new.
    Unchanged,
    /// Older than what the system stated.
    Stale,
    /// Must wait for a flight of the same system to settle.
    WaitForLane,
    /// Cannot be applied: a todo.
    Todo(TodoItem),
    /// A flight that may not start (held, dropped, fence, already flying).
    Refused(LaneCode),
}

/// Something a person has to decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TodoItem {
    /// parked, ambiguous, waiting, in_doubt, dead, conflict, finding.
    pub kind: TodoKind,
    /// A stable code: `too_large`, `unknown_value`, ….
    pub cause: Box<str>,
    /// The system it concerns.
    pub system: Option<SystemName>,
    /// A sentence for the operator, without personal values.
    pub why: String,
    /// What it is about: a field, by its keyed path; a wish that the files make no call of, or a fact that was given up and
    /// may be there, by its key; a deliver rule that has no room. Of an order, a system and such a thing one is open at a
    /// time, which a newer one takes the place of, [`Effect::Carried`] renames and
    /// [`Effect::Settled`] ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<Box<str>>,
}

/// Kind of a todo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TodoKind {
    /// Could not be mapped or applied.
    Parked,
    /// Names two things.
    Ambiguous,
    /// Waits too long.
    Waiting,
    /// May have happened twice if repeated.
    InDoubt,
    /// Given up.
    Dead,
    /// Two sides changed one value.
    Conflict,
    /// Something looks wrong.
    Finding,
}

impl TodoKind {
    /// Every kind.
    pub const ALL: [TodoKind; 7] = [
        TodoKind::Parked,
        TodoKind::Ambiguous,
        TodoKind::Waiting,
        TodoKind::InDoubt,
        TodoKind::Dead,
        TodoKind::Conflict,
        TodoKind::Finding,
    ];

    /// The word of answers, metrics and rows.
    pub fn as_str(self) -> &'static str {
        match self {
            TodoKind::Parked => "parked",
            TodoKind::Ambiguous => "ambiguous",
            TodoKind::Waiting => "waiting",
            TodoKind::InDoubt => "in_doubt",
            TodoKind::Dead => "dead",
            TodoKind::Conflict => "conflict",
            TodoKind::Finding => "finding",
        }
    }

    /// The kind of a word.
    pub fn parse(word: &str) -> Option<TodoKind> {
        TodoKind::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// What the world is to be told or to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// A hub event happened (also what `deliver` rules listen to).
    Event {
        /// `order.changed`, ….
        name: Box<str>,
        /// Its subject.
        subject: At,
    },
    /// A lane that was idle is due now: reserved for the dispatcher of this process.
    Deliver {
        /// Whose lane.
        system: SystemName,
    },
    /// A reference to write to the table of cross references.
    Reference {
        /// Its key.
        key: ReferenceKey,
        /// What it names.
        entity: Entity,
        /// The element; empty is the order.
        at: At,
    },
    /// A hold was placed or ended.
    Hold {
        /// Its code.
        code: Box<str>,
        /// Placed, else ended.
        placed: bool,
    },
    /// Call back at this time.
    Timer(jiff::Timestamp),
    /// A person has to decide something.
    Todo(TodoItem),
    /// What a person had to decide about a field is settled, or asks no more.
    Settled {
        /// The system whose statement it was.
        system: Option<SystemName>,
        /// [`TodoItem::about`].
        about: Box<str>,
        /// How, for people.
        reason: String,
    },
    /// What a person is asked about something has another name: where the todo is open it goes on by that, with its
    /// number; one that a person has ended stays so.
    Carried {
        /// The system.
        system: SystemName,
        /// [`TodoItem::about`], as it was.
        about: Box<str>,
        /// The same, as it is now.
        to: Box<str>,
        /// The sentence from now on.
        why: String,
    },
}

/// A new version of an order.
#[derive(Clone, Debug)]
pub struct Change {
    /// The version it made.
    pub version: u32,
    /// The fields it touched.
    pub touched: FieldSet,
    /// The delta, encoded by [`crate::history`], without the values of personal fields.
    pub delta: Vec<u8>,
    /// The personal values of the delta, stored apart; empty when there are none.
    pub personal: Vec<u8>,
}

impl Folded {
    /// Of an act that meets no order.
    pub fn nothing() -> Self {
        let (effects, lanes) = (Vec::new(), Vec::new());
        let passed = BTreeMap::new();
        Self { outcome: Outcome::Unchanged, change: None, effects, lanes, passed }
    }
}

/// Result of one fold.
#[derive(Debug)]
pub struct Folded {
    /// What came of it.
    pub outcome: Outcome,
    /// The version it made, if it made one.
    pub change: Option<Change>,
    /// What follows.
    pub effects: Vec<Effect>,
    /// The lanes it changed.
    pub lanes: Vec<SystemName>,
    /// Rows of lists that add none, which the order does not have: how many of each list it passed over.
    pub passed: BTreeMap<Collection, u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_of_a_kind_is_the_same_in_rows_and_in_json() {
        for kind in TodoKind::ALL {
            assert_eq!(TodoKind::parse(kind.as_str()), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        assert_eq!(TodoKind::parse("urgent"), None);
    }
}
