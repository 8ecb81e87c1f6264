//! Names and keys: what an order, a system, a role, an entity and an element are called.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

mod key;
mod place;
mod reference;

pub use key::OrderKey;
pub use place::{At, Collection, ElementId};
pub use reference::{element_reference, order_reference};

/// Whether a text is no id: an empty one, or blanks only, names nothing, at whatever place it stands.
pub fn names_nothing(id: &str) -> bool {
    id.trim().is_empty()
}

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

impl Role {
    /// All of them.
    pub const ALL: [Role; 7] =
        [Role::Channel, Role::Erp, Role::Wms, Role::Tms, Role::Finance, Role::Crm, Role::Sink];

    /// As files and answers write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Channel => "channel",
            Role::Erp => "erp",
            Role::Wms => "wms",
            Role::Tms => "tms",
            Role::Finance => "finance",
            Role::Crm => "crm",
            Role::Sink => "sink",
        }
    }

    /// The role of this name.
    pub fn parse(text: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.as_str() == text)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Entity {
    /// All of them.
    pub const ALL: [Entity; 6] = [
        Entity::Order,
        Entity::Fulfilment,
        Entity::Shipment,
        Entity::Return,
        Entity::Invoice,
        Entity::Payment,
    ];

    /// As files and cross references write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Entity::Order => "order",
            Entity::Fulfilment => "fulfilment",
            Entity::Shipment => "shipment",
            Entity::Return => "return",
            Entity::Invoice => "invoice",
            Entity::Payment => "payment",
        }
    }

    /// The entity of this name.
    pub fn parse(text: &str) -> Option<Entity> {
        Entity::ALL.into_iter().find(|entity| entity.as_str() == text)
    }

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

impl fmt::Display for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
