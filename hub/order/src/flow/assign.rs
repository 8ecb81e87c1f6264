//! Chooses the one system of a role that an order or its fulfilment goes to.

use super::Assign;
use crate::catalogue::known;
use crate::ids::{At, Collection, Role, SystemName};
use crate::model::Order;
use crate::rules::Rules;

/// Who it is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// This one.
    System(SystemName),
    /// No configured system plays the role.
    Nobody,
    /// Several could, and nothing chooses: hold `unassigned`.
    Unassigned(String),
}

/// The system of a role for a subject: the warehouse of its fulfilment, else who is bound, else who is
/// assigned. Never two warehouses, never none in silence.
pub(super) fn choose(order: &Order, at: &At, role: Role, rules: &Rules<'_>) -> Choice {
    let plays = |name: &SystemName| rules.systems.get(name).is_some_and(|s| s.role == role);
    let own = if role == Role::Wms { warehouse(order, at) } else { None };
    if let Some(system) = own.filter(|name| plays(name)) {
        return Choice::System(system);
    }
    if let Some(system) = order.bound.get(&role).filter(|name| plays(name)) {
        return Choice::System(system.clone());
    }
    let players: Vec<&SystemName> =
        rules.systems.iter().filter(|(_, s)| s.role == role).map(|(name, _)| name).collect();
    if players.is_empty() {
        return Choice::Nobody;
    }
    let default = Assign { only: true, ..Assign::default() };
    assigned(rules.flow.assign.get(&role).unwrap_or(&default), order, players, rules)
}

/// The warehouse of a fulfilment, or of the fulfilment that a shipment belongs to.
fn warehouse(order: &Order, at: &At) -> Option<SystemName> {
    let (collection, id) = at.0.first()?;
    let id = match collection {
        Collection::Fulfilments => id.as_str(),
        Collection::Shipments => {
            let shipment = order.element(&At::of(*collection, id.clone()))?;
            shipment.fields.value(known::shipment::FULFILMENT)?.as_ours()?
        }
        Collection::Root
        | Collection::Lines
        | Collection::Payments
        | Collection::FulfilmentLines
        | Collection::ShipmentLines
        | Collection::Packages
        | Collection::PackageLines
        | Collection::ShipmentEvents
        | Collection::Returns
        | Collection::ReturnLines
        | Collection::Invoices
        | Collection::Holds
        | Collection::Xrefs => return None,
    };
    let at = At::of(Collection::Fulfilments, crate::ids::ElementId::new(id));
    order.element(&at)?.fields.text(known::fulfilment::SYSTEM).map(SystemName::new)
}

fn assigned(
    assign: &Assign,
    order: &Order,
    players: Vec<&SystemName>,
    rules: &Rules<'_>,
) -> Choice {
    let value = assign.by.as_ref().and_then(|by| by.find(order, &At::ROOT));
    let tag = value.as_ref().and_then(|value| assign.table.get(value));
    let tagged: Vec<&SystemName> = players
        .iter()
        .copied()
        .filter(|name| {
            let tags = rules.systems.get(*name).map(|system| &system.tags);
            tag.is_some_and(|tag| tags.is_some_and(|tags| tags.iter().any(|t| **t == **tag)))
        })
        .collect();
    // A tag that no system has says nothing: then the only one there is, as for any other value.
    let candidates = match (tagged.is_empty(), assign.only) {
        (false, _) => tagged,
        (true, true) => players,
        (true, false) => Vec::new(),
    };
    match candidates.as_slice() {
        [one] => Choice::System((*one).clone()),
        [] => Choice::Unassigned("no system has the tag".to_owned()),
        several => {
            let names: Vec<&str> = several.iter().map(|name| name.as_str()).collect();
            Choice::Unassigned(format!("one of {}", names.join(", ")))
        }
    }
}
