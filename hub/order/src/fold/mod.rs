//! The fold: the one place where the rules about ownership, staleness, echoes, conflicts, states,
//! flow and routing live. Pure: `now` and facts come in, nothing is fetched.

use serde::{Deserialize, Serialize};

use crate::catalogue::{FieldId, FieldSet};
use crate::contribution::{Contribution, Stated};
use crate::ids::{At, Entity, OrderKey, SystemName};
use crate::lane::{Flight, LaneCode, WantKey, Xref};
use crate::model::State;
use crate::rules::Rules;

/// One thing that happened to an order. Documents, receipts, people and timers are alike.
#[derive(Clone, Debug)]
pub enum Act {
    /// A system spoke.
    Document(DocumentAct),
    /// The deliverer is about to send the first byte: reserve ► flying.
    Fly(Box<Flight>),
    /// The memo of a flight grew (before a step that is not repeatable), or references are known.
    Memo {
        /// The system.
        system: SystemName,
        /// The flight's fence.
        fence: u64,
        /// The memo so far.
        memo: Vec<u8>,
        /// References known so far.
        xrefs: Vec<Xref>,
    },
    /// The deliverer found that nothing has to be sent for this want.
    Skip {
        /// The system.
        system: SystemName,
        /// The want.
        want: WantKey,
        /// The order version it looked at.
        version: u32,
        /// Why.
        code: LaneCode,
        /// The projection's hash, where one was made.
        hash: Option<[u8; 16]>,
    },
    /// What came of an attempt.
    Receipt(Box<Receipt>),
    /// A person did something.
    Person(PersonAct),
    /// A timer of the order fired, or a lane's flight lapsed: derive again, settle what lapsed.
    Tick,
}

/// A document, with where it was identified to belong.
#[derive(Clone, Debug)]
pub struct DocumentAct {
    /// What it says.
    pub contribution: Contribution,
    /// The element that its key (or ours) is bound to; the order itself: empty.
    pub at: Option<At>,
    /// The element that a parent reference named.
    pub parent: Option<At>,
}

/// What came of one attempt of a delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The system.
    pub system: SystemName,
    /// The flight's fence: an old one changes nothing.
    pub fence: u64,
    /// The verdict on the attempt.
    pub class: ReceiptClass,
    /// Waits at least this long before the next attempt.
    pub retry_after_ms: Option<u64>,
    /// References to bind: (entity or free kind, which element of ours, external id).
    pub xrefs: Vec<Xref>,
    /// The mapped reply, onto the same subject.
    pub reply: Option<Contribution>,
    /// Operator's words for a todo: never personal, never secret.
    pub why: String,
    /// The memo at the end of the attempt.
    pub memo: Vec<u8>,
    /// When the attempt is to be tried again, if the class says so: decided by the retry policy.
    pub next_due: Option<jiff::Timestamp>,
}

/// Class of a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptClass {
    /// Done.
    Ok,
    /// Was done before.
    Already,
    /// Nothing happened there.
    NotActed,
    /// Perhaps.
    MayHaveActed,
    /// Refused for good.
    SaidNo,
    /// Too many calls.
    Throttled,
    /// Credentials refused.
    NotAllowed,
    /// Flown nowhere: shadow mode.
    Shadowed,
    /// May have acted, and nobody can answer whether it did.
    InDoubt,
    /// The retries are used up.
    Dead,
}

/// What a person did, with the version that was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PersonAct {
    /// Sets fields.
    Edit {
        /// Who.
        actor: Box<str>,
        /// Why.
        reason: Box<str>,
        /// The version the person looked at.
        seen: u32,
        /// What.
        values: Vec<(At, FieldId, Stated)>,
    },
    /// Ends a hold.
    ReleaseHold {
        /// Who.
        actor: Box<str>,
        /// Why.
        reason: Box<str>,
        /// The hold's id.
        hold: Box<str>,
    },
    /// Settles a dead or doubtful flight.
    Settle {
        /// Who.
        actor: Box<str>,
        /// The lane's system.
        system: SystemName,
        /// Try again, or let it be.
        again: bool,
    },
}

/// What is not in the document: given, and recorded with the message, never fetched.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Who or what acts: `system:shop_eu`, `person:…`, `hub`.
    pub actor: Box<str>,
    /// The message or receipt that caused it, for the change row.
    pub cause: Box<str>,
    /// When the hub received it.
    pub received: Option<jiff::Timestamp>,
    /// The sequence of the stored row: the revision of documents that carry none.
    pub sequence: i64,
    /// Recorded look-ups.
    pub lookups: Vec<(Box<str>, Box<str>)>,
    /// What the table of cross references says of those that the act would bind ([`binds`]): one
    /// that names another order or entity is not bound.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bound: Vec<(crate::identify::ReferenceKey, crate::identify::Bound)>,
}

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
        key: crate::identify::ReferenceKey,
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
}

/// Applies one act to an order under the locks of the commit.
pub fn fold(
    _state: &mut State,
    _act: &Act,
    _rules: &Rules<'_>,
    _facts: &Facts,
    _now: jiff::Timestamp,
) -> Folded {
    Folded { outcome: Outcome::Unchanged, change: None, effects: Vec::new(), lanes: Vec::new() }
}

/// A new order, before its first document is folded.
pub fn create(
    _key: OrderKey,
    _reference: Box<str>,
    _contribution: &Contribution,
    _rules: &Rules<'_>,
    _now: jiff::Timestamp,
) -> Option<State> {
    None
}
