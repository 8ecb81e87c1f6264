//! Names and keys: what an order, a system, a role, an entity and an element are called.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The store's 64-bit key of an order, never shown raw: outside it is [`OrderKey::shown`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OrderKey(pub i64);

/// The name of one account of an integration: `[a-z][a-z0-9_]*`, at most 40 characters.
///
/// Every value, delivery, limit, breaker and credential belongs to a system, never to an integration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SystemName(Arc<str>);

impl SystemName {
    /// Takes a name that settings or the store have checked.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SystemName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Borrow<str> for SystemName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// What a system is to the hub. A product in two roles is two integrations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A shop or marketplace: where orders come from.
    Channel,
    /// Enterprise resource planning.
    Erp,
    /// Warehouse management.
    Wms,
    /// Transport management, carriers.
    Tms,
    /// Accounting and payment.
    Finance,
    /// Customer relations; writes as `service`.
    Crm,
    /// Only receives.
    Sink,
}

/// What a document is about. Stock, carriers and other tables are cached reads, not entities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entity {
    /// The order itself.
    Order,
    /// What the hub asks a warehouse to do.
    Fulfilment,
    /// A parcel or consignment on its way.
    Shipment,
    /// Goods coming back.
    Return,
    /// A bill.
    Invoice,
    /// An authorisation, capture, refund.
    Payment,
}

impl Entity {
    /// The collection whose elements are of this entity; `None` for the order itself.
    pub fn collection(self) -> Option<Collection> {
        match self {
            Entity::Order => None,
            Entity::Fulfilment => Some(Collection::Fulfilments),
            Entity::Shipment => Some(Collection::Shipments),
            Entity::Return => Some(Collection::Returns),
            Entity::Invoice => Some(Collection::Invoices),
            Entity::Payment => Some(Collection::Payments),
        }
    }
}

/// A keyed collection of the catalogue; `Root` stands for the order's own fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Collection {
    /// The order's own fields.
    Root,
    /// `lines`
    Lines,
    /// `payments`
    Payments,
    /// `fulfilments`
    Fulfilments,
    /// `fulfilments.lines`, keyed by order line
    FulfilmentLines,
    /// `shipments`
    Shipments,
    /// `shipments.lines`, keyed by order line
    ShipmentLines,
    /// `shipments.packages`
    Packages,
    /// `shipments.packages.lines`, keyed by order line
    PackageLines,
    /// `shipments.events`
    ShipmentEvents,
    /// `returns`
    Returns,
    /// `returns.lines`, keyed by order line
    ReturnLines,
    /// `invoices`
    Invoices,
    /// `holds`
    Holds,
    /// `xrefs`, shown only: references live in the lanes
    Xrefs,
}

/// The hub's own id of an element: `L1`, `F1`, `S1`, `P1`, … an ordinal that is never reused.
///
/// Elements keyed by order line (`fulfilments.lines`, …) carry that line's id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ElementId(pub Arc<str>);

impl fmt::Display for ElementId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where something stands in an order: empty is the order, else collection and id from the outside in.
///
/// Shown keyed, never by position: `shipments[S1].lines[L2]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct At(pub Vec<(Collection, ElementId)>);
