//! The lane of one (order, system): what the system shall have, has, was sent, and what it said.
//!
//! Lanes are what deliveries are claimed by. The lane also keeps the merge state of its system:
//! `stated`, `base` and `ring` per field, references, revisions and document hashes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::contribution::Revision;
use crate::ids::{At, Role, SystemName, names_nothing};
use crate::model::ByPlace;
use crate::value::Text;

mod decision;
mod due;
mod flight;
mod given_up;
mod key;
mod merge;
mod rest;
mod sent;
mod swing;

pub use flight::{Flight, is_of_call};
pub use given_up::GivenUp;
pub use merge::{Facet, FieldState};
pub use rest::Rest;
pub(crate) use rest::unfit;
pub use sent::Sent;
pub use swing::Swing;

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
    /// Since when the target lags behind it; a newer version of the same wish does not begin anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<jiff::Timestamp>,
    /// The files make no call of it, as the order stands: passed over until one of both changes.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unfit: bool,
    /// A person asked for it: sent whole, whatever was sent before or the system said itself.
    #[serde(default, skip_serializing_if = "is_false")]
    pub whole: bool,
}

/// A reference of an entity, line or free kind at this system.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Xref {
    /// Entity name or free kind.
    pub kind: Text,
    /// The element it names; empty is the order.
    pub at: At,
    /// The system's id.
    pub ext_id: Text,
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
    /// The credentials were refused: waits for them, spends no attempt.
    NotAllowed,
    /// A person must look.
    InDoubt,
    /// Given up; a todo says why.
    Dead,
    /// A person has taken the call as done.
    LetBe,
    /// Delivered.
    Delivered,
}

/// What the lane remembers of one document kind and key of its system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentState {
    /// Hash of the contribution without its revision; zeros: dropped, the next one is compared field by field.
    #[serde(with = "half")]
    pub hash: [u8; 16],
    /// The newest revision seen: fields that were stated at `since` stand at this one.
    pub revision: Option<Revision>,
    /// The revision at which this content was first stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Revision>,
}

/// The row (order, system). What serde sees of it is a part: [`crate::history::encode_lane`] writes all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lane {
    /// The system.
    pub system: SystemName,
    /// Its role at the time.
    pub role: Role,
    /// What it shall have, first wish first; at most 64, then a todo.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wants: Vec<Want>,
    /// What it was sent, per want key (facts that were delivered stay with their version).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sent: BTreeMap<String, Sent>,
    /// The one call under way, or frozen for a retry.
    #[serde(skip)]
    pub flying: Option<Flight>,
    /// When the lane is due; `None`: nothing to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<jiff::Timestamp>,
    /// Since when it is due without a break, whatever came of the attempts: nothing of our own (a hold, a missing
    /// link, a person) kept it from being sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_since: Option<jiff::Timestamp>,
    /// Attempts spent on the current flight.
    #[serde(default)]
    pub attempts: u32,
    /// Why nothing was sent last, or what came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<LaneCode>,
    /// References of this order's things at this system.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub xrefs: Vec<Xref>,
    /// Merge state of what the system spoke of.
    #[serde(skip)]
    pub fields: ByPlace<Facet, FieldState>,
    /// Newest document seen, by `<document>/<key>`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub documents: BTreeMap<String, DocumentState>,
    /// What a todo is open about: statements that conflicts, proposals and tombstones left, by field path; wishes that
    /// the files make no call of, or that were given up because the system was down, by their key. Facts that were given
    /// up for another reason are in [`Lane::given_up`] alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub open_conflicts: Vec<String>,
    /// Raised by every take-over of a flight.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub fence: u64,
    /// Enum fields, by keyed path, whose last statement no machine or enum knows: hold `unknown_value`. The word itself is
    /// what their [`Facet::Doubt`] states; an earlier program kept none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
    /// Documents and replies of this system folded so far.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub heard: u64,
    /// `heard` when the call in `flying` began: what was stated since then outdates its reply.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub heard_at_call: u64,
    /// What shadow mode would have sent: never mixed with `sent`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub shadow: BTreeMap<String, Sent>,
    /// What was given up and not sent since, by its key; at most 64, the newest.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub given_up: BTreeMap<String, GivenUp>,
}

/// At most so many wishes of one lane; what comes beyond is a todo.
pub const MOST_WANTS: usize = 64;
/// At most so many values in a ring.
pub const MOST_IN_RING: usize = 8;
/// How long a value stays in a ring.
pub const RING_HOURS: i64 = 24;

/// Half of a SHA-256 as 32 hexadecimal digits.
mod half {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(half: &[u8; 16], to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("{:032x}", u128::from_be_bytes(*half)))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<[u8; 16], D::Error> {
        let text = String::deserialize(from)?;
        u128::from_str_radix(&text, 16).map(u128::to_be_bytes).map_err(D::Error::custom)
    }
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn is_false(flag: &bool) -> bool {
    !*flag
}

impl Lane {
    /// An idle lane.
    pub fn new(system: SystemName, role: Role) -> Self {
        Self {
            system,
            role,
            wants: Vec::new(),
            sent: BTreeMap::new(),
            flying: None,
            due_at: None,
            due_since: None,
            attempts: 0,
            code: None,
            xrefs: Vec::new(),
            fields: ByPlace::default(),
            documents: BTreeMap::new(),
            open_conflicts: Vec::new(),
            fence: 0,
            unknown: Vec::new(),
            heard: 0,
            heard_at_call: 0,
            shadow: BTreeMap::new(),
            given_up: BTreeMap::new(),
        }
    }

    /// Its references. An earlier program may have kept empty ids: they name nothing.
    pub fn named(&self) -> impl Iterator<Item = &Xref> {
        self.xrefs.iter().filter(|xref| !names_nothing(&xref.ext_id))
    }

    /// The system's id of one of our things: `kind` is an entity, `line`, `package` or a free kind.
    pub fn ext_id(&self, kind: &str, at: &At) -> Option<&str> {
        let found = self.named().find(|xref| &*xref.kind == kind && xref.at == *at);
        found.map(|xref| &*xref.ext_id)
    }

    /// Our thing that the system calls `ext_id`.
    pub fn element(&self, kind: &str, ext_id: &str) -> Option<&At> {
        let found = self.named().find(|xref| &*xref.kind == kind && &*xref.ext_id == ext_id);
        found.map(|xref| &xref.at)
    }

    /// Whether the system knows the order or anything of it.
    pub fn knows(&self) -> bool {
        self.named().any(|xref| !is_shared(&xref.kind))
    }

    /// Whether anything may already have reached the system from here.
    pub fn was_told(&self) -> bool {
        let flown = self.flying.as_ref().is_some_and(Flight::may_be_there);
        flown || !self.sent.is_empty()
    }

    /// Wants `key` at `version`: an older wish for it is superseded in its place. `false`: the lane
    /// is full ([`MOST_WANTS`]) and the wish was not taken.
    pub fn want(
        &mut self,
        key: WantKey,
        version: u32,
        release: Option<(Box<str>, Box<str>)>,
    ) -> bool {
        if let Some(want) = self.wants.iter_mut().find(|want| want.key == key) {
            want.version = want.version.max(version);
            want.release = release.or(want.release.take());
            return true;
        }
        if self.wants.len() >= MOST_WANTS {
            return false;
        }
        self.wants.push(Want { key, version, release, since: None, unfit: false, whole: false });
        true
    }

    /// Nothing of an element is agreed on any more: the system knows that it is gone.
    pub fn forget_base(&mut self, at: &At) {
        let below = self.fields.within_mut(at);
        below
            .filter(|(place, facet, _)| is_below(place, facet, at))
            .for_each(|(_, _, s)| (s.base, s.told_at) = (None, 0));
    }

    /// Ends the wish for `key` unless a later version than `version` is wanted.
    pub fn unwant(&mut self, key: &WantKey, version: u32) {
        self.wants.retain(|want| want.key != *key || want.version > version);
    }
}

/// Whether something is said of what an element has, not of the element as such.
pub(crate) fn is_below(place: &At, facet: &Facet, at: &At) -> bool {
    place != at || !matches!(facet, Facet::Shown | Facet::Gone)
}

/// References of these kinds belong to the hub's customer or product: many orders share them, and
/// they never identify one.
pub fn is_shared(kind: &str) -> bool {
    matches!(kind, "customer" | "sku")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_id_that_was_kept_is_not_found() {
        let mut lane = Lane::new(SystemName::new("erp"), Role::Erp);
        let kept = |kind: &str, ext_id: &str| {
            let (kind, ext_id) = (kind.into(), ext_id.into());
            Xref { kind, at: At::ROOT, ext_id }
        };
        lane.xrefs = vec![kept("order", ""), kept("number", " ")];
        assert_eq!(lane.ext_id("order", &At::ROOT), None);
        assert_eq!(lane.element("number", " "), None);
        assert!(!lane.knows());
        lane.xrefs.push(kept("number", "7"));
        assert_eq!(lane.ext_id("number", &At::ROOT), Some("7"));
    }
}
