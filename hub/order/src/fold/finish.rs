//! The end of every turn: what must be sent again is wanted, then derive ► fire ► derive ► route, the
//! new version, and our references of what is new.

use std::collections::BTreeMap;

use super::work::{Again, Work};
use super::{Change, Effect};
use crate::flow::near;
use crate::identify::ReferenceKey;
use crate::ids::{At, Collection, SystemName, element_reference};
use crate::lane::{LaneCode, Want, WantKey};
use crate::model::Order;
use crate::route::{Unrouted, reads, unrouted, want_or_tell};
use crate::rules::{OperationKind, Rules};
use crate::settle::{Turn, settle};

/// Brings the order to rest and makes its version, if anything changed.
pub(super) fn finish(
    work: &mut Work<'_>,
    before: &Order,
    by: Option<&SystemName>,
) -> Option<Change> {
    super::inherit::inherit(work);
    send_again(work);
    if work.tally.bound > 0 {
        super::unfit::again(work);
    }
    let stood = stand(work);
    let turn = Turn { before, by, now: work.now };
    let effects = settle(work.state, turn, work.rules);
    for (system, now) in stand(work) {
        if stood.get(&system) != Some(&now) {
            work.touched_lanes.push((system, None));
        }
    }
    work.effects.extend(effects);
    references(work, before);
    crate::history::seal_with(before, &mut work.state.order, &work.heard)
}

/// What deriving, firing and routing may change of a lane: cheaper to compare than the whole.
#[derive(PartialEq)]
struct Standing {
    wants: Vec<(WantKey, u32, bool)>,
    due_at: Option<jiff::Timestamp>,
    code: Option<LaneCode>,
    flies: bool,
    /// By their keys: of a full list one takes the place of another.
    given_up: Vec<String>,
}

fn stand(work: &Work<'_>) -> BTreeMap<SystemName, Standing> {
    let lanes = work.state.lanes.iter();
    lanes
        .map(|lane| {
            let want = |want: &Want| (want.key.clone(), want.version, want.unfit);
            let standing = Standing {
                wants: lane.wants.iter().map(want).collect(),
                due_at: lane.due_at,
                code: lane.code,
                flies: lane.flying.is_some(),
                given_up: lane.given_up.keys().cloned().collect(),
            };
            (lane.system.clone(), standing)
        })
        .collect()
}

/// A value that lost, or that the target shows no more, goes out again: the hash of what was sent
/// last says nothing any more. By the rule that sent it, or once that is back.
fn send_again(work: &mut Work<'_>) {
    let (version, rules) = (work.state.order.version, work.rules);
    for Again { system, at, field } in std::mem::take(&mut work.again) {
        let mut effects = Vec::new();
        let Some(lane) = work.lane_there(&system) else { continue };
        let mut keys = Vec::new();
        for (text, sent) in &mut lane.sent {
            let Some(key) = WantKey::parse(text) else { continue };
            let is_read = reads(rules, &system, &key.rule).contains(field);
            if key.fact.is_none() && near(&at, &key.subject) && is_read {
                sent.overwrite();
                keys.push(key);
            }
        }
        keys.retain(|key| sends(rules, &system, &key.rule));
        for key in keys {
            want_or_tell(lane, &key, (version, None), rules, &mut effects);
        }
        work.effects.append(&mut effects);
    }
}

/// Whether a state is sent by a rule, now or once it is back.
fn sends(rules: &Rules<'_>, system: &SystemName, rule: &str) -> bool {
    let known = rules.systems.get(system);
    let there = known.and_then(|known| known.deliver.iter().find(|one| *one.id == *rule));
    match unrouted(rules, system, rule) {
        Unrouted::Back => there.is_some_and(|rule| rule.kind() == OperationKind::State),
        Unrouted::Waits => true,
        Unrouted::Inherited | Unrouted::Over => false,
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
