//! The lane of one (order, system): what the system shall have, has, was sent, and what it said.
//!
//! Lanes are what deliveries are claimed by. The lane also keeps the merge state of its system:
//! `stated`, `base` and `ring` per field, references, revisions and document hashes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::catalogue::FieldId;
use crate::contribution::{Revision, Stated};
use crate::ids::{At, Entity, Role, SystemName};

/// What a lane wants, keyed so that a newer version of the same thing supersedes an older for free.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct WantKey {
    /// The deliver rule of the integration: `<on>/<do>`.
    pub rule: Box<str>,
    /// The subject of the event.
    pub subject: At,
    /// Facts are wanted once per firing: the order version that fired. `None` for states.
    pub fact: Option<u32>,
}

/// One wish: the subject shall look at the target as it does at `version` or later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Want {
    /// What.
    pub key: WantKey,
    /// The order version that last asked for it.
    pub version: u32,
    /// The release (`emits`, `to`) that made the wish, for holds and lifecycle at claim.
    pub release: Option<(Box<str>, Box<str>)>,
}

/// What was last sent for a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// The order version that was mapped out.
    pub version: u32,
    /// SHA-256 of the mapped-out document, first 16 bytes.
    pub hash: [u8; 16],
}

/// The one call under way for a lane, stored before its first byte leaves.
///
/// **Invariant:** operation, inputs and key stay the same until `delivered` or `dead`, across
/// retries, restarts and replicas.
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
    /// Attempt, from 1.
    pub attempt: u32,
    /// Rises with every take-over: a result with an old fence changes nothing.
    pub fence: u64,
    /// When the attempt is taken to have lapsed.
    pub deadline: jiff::Timestamp,
    /// The order version whose mapped-out document is frozen in `inputs`.
    pub version: u32,
    /// The bundle that mapped it.
    pub bundle: Box<str>,
    /// The frozen document and settings, as bytes the deliverer wrote (never secrets).
    pub inputs: Vec<u8>,
    /// SHA-256 of the mapped-out document, first 16 bytes: becomes [`Sent::hash`].
    pub hash: [u8; 16],
    /// Step memo, as bytes the connector wrote.
    pub memo: Vec<u8>,
    /// Idempotency key of the operation.
    pub key: Box<str>,
    /// The values that go out, for ring and base.
    pub values: Vec<(At, FieldId, Stated)>,
    /// Whether an attempt may have acted: then nothing supersedes it.
    pub may_have_acted: bool,
    /// The first byte of the current attempt may have left.
    pub in_air: bool,
    /// When the last attempt that may have acted began.
    pub began: Option<jiff::Timestamp>,
}

/// A reference of an entity, line or free kind at this system.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Xref {
    /// Entity name or free kind.
    pub kind: Box<str>,
    /// The element it names; empty is the order.
    pub at: At,
    /// The system's id.
    pub ext_id: Box<str>,
}

/// Why nothing was sent, or what the lane waits for. `orderhub why` prints it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LaneCode {
    /// The mapped-out document equals what was sent.
    ProjectionEqual,
    /// Every field the mapping reads equals what the system said itself.
    OwnChange,
    /// The release's holds or lifecycle, or `deliver.when`, do not hold now.
    Held,
    /// The lifecycle ended before anything was sent.
    Dropped,
    /// The system is in shadow mode.
    Shadow,
    /// The system is paused.
    Paused,
    /// No rule of the integration listens.
    NotRouted,
    /// A reference that the call needs is missing.
    NotLinked,
    /// Made already, and there is no `update:`.
    NoUpdate,
    /// Waits for a permit.
    Limited,
    /// The breaker is open.
    BreakerOpen,
    /// Waits for the next attempt.
    Retry,
    /// A person must look.
    InDoubt,
    /// Given up; a todo says why.
    Dead,
    /// Delivered.
    Delivered,
}

/// Merge state of one field at one system.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FieldState {
    /// What the system last showed, with its revision.
    pub stated: Option<(Stated, Option<Revision>)>,
    /// The last value both sides agreed on. Never stated and agreed are different things.
    pub base: Option<Stated>,
    /// Values we sent that the system has not yet outrun, oldest first; at most 8, 24 h.
    pub ring: Vec<(Stated, jiff::Timestamp)>,
}

/// What the lane remembers of one document kind and key of its system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentState {
    /// Hash of the contribution without its revision.
    pub hash: [u8; 16],
    /// The newest revision seen.
    pub revision: Option<Revision>,
}

/// The row (order, system).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lane {
    /// The system.
    pub system: SystemName,
    /// Its role at the time.
    pub role: Role,
    /// What it shall have, first wish first; at most 64, then a todo.
    pub wants: Vec<Want>,
    /// What it was sent, per want key (facts that were delivered stay with their version).
    pub sent: BTreeMap<String, Sent>,
    /// The one call under way, or frozen for a retry.
    pub flying: Option<Flight>,
    /// When the lane is due; `None`: nothing to do.
    pub due_at: Option<jiff::Timestamp>,
    /// Attempts spent on the current flight.
    pub attempts: u32,
    /// Why nothing was sent last, or what came of it.
    pub code: Option<LaneCode>,
    /// References of this order's things at this system.
    pub xrefs: Vec<Xref>,
    /// Merge state, by (place, field).
    pub fields: BTreeMap<String, FieldState>,
    /// Newest document seen, by `<document>/<key>`.
    pub documents: BTreeMap<String, DocumentState>,
    /// Statements that conflicts, proposals and tombstones left, by field path.
    pub open_conflicts: Vec<String>,
    /// Raised by every take-over of a flight.
    pub fence: u64,
}
