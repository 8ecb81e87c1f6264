//! The call under way.

use serde::{Deserialize, Serialize};

use super::{WantKey, half, is_false, is_zero};
use crate::catalogue::FieldId;
use crate::contribution::Stated;
use crate::ids::{At, Entity};

/// The one call under way for a lane, stored before its first byte leaves.
///
/// **Invariant:** once something of it may be there, or was found on the way, operation, inputs and key
/// stay the same until it is delivered, dead, or decided by a person, across retries, restarts and
/// replicas; before that, newer inputs may replace it. Rule `retries`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flight {
    /// What is being delivered.
    pub want: WantKey,
    /// The operation of the connector.
    pub operation: Box<str>,
    /// The entity it makes or changes.
    pub entity: Entity,
    /// It makes something that must not be made twice.
    pub creates: bool,
    /// It writes in several steps: that its subject is known there does not show that all of it was done.
    #[serde(default, skip_serializing_if = "is_false")]
    pub in_steps: bool,
    /// Attempt, from 1.
    pub attempt: u32,
    /// A person has it tried again, and it has not been since.
    #[serde(default, skip_serializing_if = "is_false")]
    pub decided: bool,
    /// A person has to decide about it before anything else leaves for its lane. Of an earlier program the lane's code
    /// alone says so: see [`Lane::undecided`](super::Lane::undecided).
    #[serde(default, skip_serializing_if = "is_false")]
    pub awaits: bool,
    /// Rises with every take-over: a result with an old fence changes nothing.
    pub fence: u64,
    /// When the attempt is taken to have lapsed.
    pub deadline: jiff::Timestamp,
    /// The order version whose mapped-out document is frozen in `inputs`.
    pub version: u32,
    /// The bundle that mapped it.
    pub bundle: Box<str>,
    /// The frozen document and settings, as bytes the deliverer wrote (never secrets).
    #[serde(skip)]
    pub inputs: Vec<u8>,
    /// SHA-256 of the mapped-out document, first 16 bytes: becomes that of [`Sent`](super::Sent).
    #[serde(with = "half")]
    pub hash: [u8; 16],
    /// Step memo, as bytes the connector wrote.
    #[serde(skip)]
    pub memo: Vec<u8>,
    /// Idempotency key of the operation.
    pub key: Box<str>,
    /// The values that go out, for ring and base.
    pub values: Vec<(At, FieldId, Stated)>,
    /// What the system has of what the rule reads, and the order of `version` has not: the call tells that it is gone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<(At, FieldId)>,
    /// Whether an attempt may have acted: then nothing supersedes it.
    pub may_have_acted: bool,
    /// An earlier step of it was written there: what failed since did not act, but nothing supersedes
    /// the call either.
    #[serde(default, skip_serializing_if = "is_false")]
    pub wrote: bool,
    /// The first byte of the current attempt may have left.
    pub in_air: bool,
    /// When the last attempt began.
    pub began: Option<jiff::Timestamp>,
    /// When its last step that is not repeatable began, as far as that was stored on the way; none: with the attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub called: Option<jiff::Timestamp>,
    /// The process that flies it, by the number that its store gave it; zero: of a program that knew none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub process: u64,
}

/// What the todo of a call that holds its lane is about, before the call's fence.
const CALL: &str = "call ";

/// Whether a todo is about a call that holds its lane, and not about a wish, by what it says it is about.
pub fn is_of_call(about: &str) -> bool {
    about.starts_with(CALL)
}

impl Flight {
    /// What the todo of the call is about while it holds its lane. No wish is called so, and no other call of the lane.
    pub(crate) fn about(&self) -> Box<str> {
        format!("{CALL}{}", self.fence).into()
    }

    /// Something of it has reached the target, or may have.
    pub fn may_be_there(&self) -> bool {
        self.in_air || self.may_have_acted || self.wrote
    }

    /// When what may have acted began: what looks for it counts from then.
    ///
    /// **Invariant:** what steps before it took is not taken off the time in which a system may still act. Tests:
    /// `a_look_after_a_kill_counts_from_the_call_and_not_from_what_stood_before_it` and those beside it.
    pub fn last_call(&self) -> Option<jiff::Timestamp> {
        self.called.or(self.began)
    }

    /// What it writes of a field.
    pub(crate) fn value(&self, at: &At, field: FieldId) -> Option<&Stated> {
        let named = self.values.iter().find(|(place, id, _)| *id == field && place == at);
        named.map(|(_, _, value)| value)
    }

    /// An attempt begins: what was decided before is over with that.
    pub(crate) fn takes_off(&mut self, now: jiff::Timestamp) {
        self.in_air = true;
        self.decided = false;
        self.awaits = false;
        self.began = Some(now);
        self.called = None;
    }

    /// Whether it says anything of a field.
    pub(crate) fn carries(&self, at: &At, field: FieldId) -> bool {
        self.value(at, field).is_some()
            || self.without.iter().any(|(place, id)| *id == field && place == at)
    }

    /// Nothing of it has reached the target and nothing was found on the way: newer inputs may
    /// replace it, a hold may stop it.
    pub fn may_be_replaced(&self) -> bool {
        // A fact's key is its firing: under it the same bytes go, whatever happens to the order.
        self.want.fact.is_none() && !self.may_be_there() && self.memo.is_empty()
    }
}
