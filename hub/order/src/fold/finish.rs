//! The end of every turn: derive ► fire ► derive ► route, what must be sent
//! again, the new version, and what follows from it.

use std::collections::BTreeSet;

use super::work::{Again, Work};
use super::{Change, Effect};
use crate::catalogue::known;
use crate::identify::ReferenceKey;
use crate::ids::{At, Collection, SystemName, element_reference};
use crate::lane::{Lane, WantKey};
use crate::model::Order;
use crate::settle::{Turn, settle};

/// Brings the order to rest and makes its version, if anything changed.
pub(super) fn finish(
    work: &mut Work<'_>,
    before: &Order,
    by: Option<&SystemName>,
) -> Option<Change> {
    let lanes = waking(work);
    let turn = Turn { before, by, now: work.now };
    let effects = settle(work.state, turn, work.rules);
    work.effects.extend(effects);
    for system in work.state.lanes.keys() {
        if lanes.get(system.as_str()) != work.state.lanes.get(system) {
            work.touched_lanes.insert(system.clone());
        }
    }
    send_again(work);
    references(work, before);
    let change = crate::history::seal(before, &mut work.state.order);
    events(work, before);
    change
}

/// The lanes as they stood, to see which of them the turn changed.
fn waking(work: &Work<'_>) -> std::collections::BTreeMap<String, Lane> {
    work.state.lanes.iter().map(|(name, lane)| (name.to_string(), lane.clone())).collect()
}

/// A value that lost, or that the target shows no more, goes out again: the hash of what was sent
/// last says nothing any more.
fn send_again(work: &mut Work<'_>) {
    let version = work.state.order.version.saturating_add(1);
    for Again { system, at, field } in std::mem::take(&mut work.again) {
        let shapes = work.rules.shapes;
        let now = work.now;
        let Some(lane) = work.state.lanes.get_mut(&system) else { continue };
        let mut keys = Vec::new();
        for (text, sent) in &mut lane.sent {
            let Some(key) = WantKey::parse(text) else { continue };
            let reads = shapes.reads(&system, &key.rule).contains(field);
            if key.fact.is_none() && at.within(&key.subject) && reads {
                sent.hash = [0; 16];
                keys.push(key);
            }
        }
        for key in keys {
            lane.want(key, version, None);
            if lane.flying.is_none() && lane.due_at.is_none_or(|due| due > now) {
                lane.due_at = Some(now);
                work.effects.push(Effect::Deliver { system: system.clone() });
            }
        }
        work.touched_lanes.insert(system);
    }
}

/// Our references of what is new: the order's, and those of fulfilments and shipments.
fn references(work: &mut Work<'_>, before: &Order) {
    let order = &work.state.order;
    let mut made = Vec::new();
    if before.version == 0 {
        made.push((order.reference.to_string(), At::ROOT));
    }
    for collection in [Collection::Fulfilments, Collection::Shipments] {
        for (at, element) in order.elements_at(&At::ROOT, collection) {
            if before.element(&at).is_none() {
                made.push((element_reference(&order.reference, collection, &element.id), at));
            }
        }
    }
    for (reference, at) in made {
        if let Some(entity) = at.collection().entity() {
            let key = ReferenceKey::Ref(reference.into());
            work.effects.push(Effect::Reference { key, entity, at });
        }
    }
}

/// The hub's own events that no release emits.
fn events(work: &mut Work<'_>, before: &Order) {
    let after = &work.state.order;
    if after.version == before.version {
        return;
    }
    let mut names: Vec<&str> = Vec::new();
    if before.version == 0 {
        names.push("order.created");
    }
    if before.fields.text(known::order::STAGE) != after.fields.text(known::order::STAGE) {
        names.push("order.stage_changed");
    }
    let events = names.into_iter().map(|name| (name, At::ROOT)).chain(delivered(before, after));
    let events: Vec<_> = events.collect();
    let holds = holds_changed(before, after);
    for (name, subject) in events {
        work.effects.push(Effect::Event { name: name.into(), subject });
    }
    for (code, placed) in holds {
        let name = if placed { "order.held" } else { "order.released_hold" };
        work.effects.push(Effect::Event { name: name.into(), subject: At::ROOT });
        work.effects.push(Effect::Hold { code: code.into(), placed });
    }
}

fn delivered(before: &Order, after: &Order) -> Vec<(&'static str, At)> {
    let status = |order: &Order, at: &At| {
        let record = order.record(at);
        record.and_then(|r| r.text(known::shipment::STATUS)).map(str::to_owned)
    };
    let arrived = |at: &At| {
        status(after, at).as_deref() == Some("delivered") && status(before, at) != status(after, at)
    };
    let shipments = after.elements_at(&At::ROOT, Collection::Shipments);
    let arrived = shipments.into_iter().map(|(at, _)| at).filter(arrived);
    arrived.map(|at| ("shipment.delivered", at)).collect()
}

/// Codes of holds that were placed (`true`) or ended.
fn holds_changed(before: &Order, after: &Order) -> Vec<(String, bool)> {
    let standing = |order: &Order| -> BTreeSet<(String, String)> {
        let holds = order.elements(Collection::Holds);
        holds
            .map(|hold| {
                let code = hold.fields.text(known::hold::CODE).unwrap_or_default();
                (hold.id.to_string(), code.to_owned())
            })
            .collect()
    };
    let (old, new) = (standing(before), standing(after));
    let placed = new.difference(&old).map(|(_, code)| (code.clone(), true));
    let ended = old.difference(&new).map(|(_, code)| (code.clone(), false));
    placed.chain(ended).collect()
}
