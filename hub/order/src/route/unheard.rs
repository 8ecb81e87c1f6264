//! Cancellations that a system does not hear of.
//!
//! **Invariant:** who has what is cancelled, and is told of it by nothing, is shown to a person; who is told of each of its
//! parts is told. Rules `cancelled-unheard`, `cancelled-by-parts`.

use super::listening;
use crate::flow::{Firing, Target};
use crate::ids::{At, Entity, Role, SystemName};
use crate::lane::{Flight, Lane, WantKey};
use crate::model::State;
use crate::rules::Rules;

const OF_ORDER: &str = "order.cancelled";
const OF_FULFILMENT: &str = "fulfilment.cancelled";

/// Whether somebody goes on with what is cancelled because he does not listen: the order, or a part of it that he was sent.
pub(super) fn is_unheard(
    state: &State,
    firing: &Firing,
    system: &SystemName,
    rules: &Rules<'_>,
) -> bool {
    let lane = state.lanes.get(system);
    match (&*firing.emits, firing.to) {
        (OF_ORDER, Target::Linked) => {
            let role = rules.systems.get(system).map(|known| known.role);
            role != Some(Role::Sink) && !is_told_by_parts(lane.map(|lane| &**lane), system, rules)
        }
        (OF_FULFILMENT, Target::Role(_)) => lane.is_some_and(|lane| has(lane, &firing.subject)),
        (_, _) => false,
    }
}

/// Whether a warehouse is told of the cancellation of each of its fulfilments, and has the order by nothing else.
fn is_told_by_parts(lane: Option<&Lane>, system: &SystemName, rules: &Rules<'_>) -> bool {
    let to_warehouses = |to: Target| to == Target::Role(Role::Wms);
    let mut releases = rules.flow.releases.iter();
    releases.any(|release| &*release.emits == OF_FULFILMENT && to_warehouses(release.to))
        && rules.systems.get(system).is_some_and(|known| known.role == Role::Wms)
        && listening(rules, system, OF_FULFILMENT).any(|rule| !rule.is_nothing())
        && lane.is_some_and(|lane| lane.ext_id(Entity::Order.as_str(), &At::ROOT).is_none())
}

/// Whether a system has a part of the order, or may.
fn has(lane: &Lane, part: &At) -> bool {
    let sent = |key: &String| WantKey::parse(key).is_some_and(|key| key.subject == *part);
    let linked = lane.named().any(|xref| xref.at == *part);
    let made = |call: &Flight| call.want.subject == *part && call.may_be_there();
    linked || lane.sent.keys().any(sent) || lane.flying.as_ref().is_some_and(made)
}
