//! The order as the hub holds it: fields by catalogue, elements by key, what is bound and fired.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

mod access;
mod by_place;
mod lanes;
mod record;
#[cfg(test)]
pub(crate) mod samples;
mod shared;

use crate::catalogue::FieldId;
use crate::contribution::Stated;
use crate::ids::{At, Collection, ElementId, OrderKey, Role, SystemName};

pub use by_place::ByPlace;
pub use lanes::Lanes;
pub use shared::Shared;

/// Fields of the order or of one element; sorted by field id, each once. Null is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record(pub Vec<(FieldId, Stated)>);

/// One element of a keyed collection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Element {
    /// The hub's id of it.
    pub id: ElementId,
    /// Its fields.
    pub fields: Record,
    /// Its own collections.
    pub collections: BTreeMap<Collection, Vec<Element>>,
    /// The system that added it.
    pub added_by: Option<SystemName>,
    /// A complete document no longer held it: gone, never removed.
    pub gone: bool,
}

/// The head of an order: its newest version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The store's key.
    pub key: OrderKey,
    /// The hub's own reference, made once, never changed.
    pub reference: Box<str>,
    /// The system it came from.
    pub origin: SystemName,
    /// The business unit of the origin's settings.
    pub unit: Box<str>,
    /// The newest version, from 1; 0 before the first change.
    pub version: u32,
    /// The order's own fields.
    pub fields: Record,
    /// Its collections.
    pub collections: BTreeMap<Collection, Vec<Element>>,
    /// Role ► system, set at the first release naming the role or the first link.
    pub bound: BTreeMap<Role, SystemName>,
    /// Releases that fired, (`emits`, `to`, subject, system) ► version; and what the order must remember of
    /// itself in the same way: cancellations that were asked for, moves that people made, when a person had it sent to a
    /// system again.
    pub fired: BTreeMap<String, u32>,
    /// Next ordinal per collection.
    pub ordinals: BTreeMap<Collection, u32>,
    /// The version of each field's last change: blame is a look-up.
    pub touched: ByPlace<FieldId, u32>,
}

/// The order and the lanes that belong to it: what the fold works on.
#[derive(Clone, Debug)]
pub struct State {
    /// The head.
    pub order: Shared<Order>,
    /// One lane per system that knows the order or is wanted to.
    pub lanes: Lanes,
}

/// Where a thing stands, with its fields: a view for mapping out.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The order.
    pub order: &'a Order,
    /// The subject's place in it.
    pub at: &'a At,
    /// The lane of the system that the document is for.
    pub lane: Option<&'a crate::lane::Lane>,
}
