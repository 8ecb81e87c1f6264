//! Which order, and which element of it, a contribution is about (core: "who is an order").
//!
//! Two pure halves around the store: [`references`] says what to look up, [`identify`] judges what
//! was found.

use crate::contribution::Contribution;
use crate::ids::{At, OrderKey, SystemName};

/// A key of the table of cross references.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReferenceKey {
    /// (system, kind, external id).
    Xref {
        /// The system whose id it is.
        system: SystemName,
        /// Entity name or free kind.
        kind: Box<str>,
        /// The system's id.
        ext_id: Box<str>,
    },
    /// The hub's own `ref` of an order, fulfilment or shipment.
    Ref(Box<str>),
}

/// What a reference was found bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The order.
    pub order: OrderKey,
    /// The element; empty is the order.
    pub at: At,
}

/// The verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// The order is known; `at` is the entity itself when that is known too, `parent` what named it.
    Known {
        /// Which order.
        order: OrderKey,
        /// The document's own entity, if one is bound.
        at: Option<At>,
        /// The element a parent reference named, if any.
        parent: Option<At>,
    },
    /// Nothing known, and this document may create the order.
    Create,
    /// Nothing known: wait for every reference it names.
    Wait(Vec<ReferenceKey>),
    /// References name two orders.
    Ambiguous(Vec<OrderKey>),
}

/// The references to look up: the document's own first, then its parents'.
pub fn references(_contribution: &Contribution) -> Vec<ReferenceKey> {
    Vec::new()
}

/// Judges what was found, in the order of [`references`].
pub fn identify(_contribution: &Contribution, _found: &[Option<Bound>]) -> Identity {
    Identity::Create
}
