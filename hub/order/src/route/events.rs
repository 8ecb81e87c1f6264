//! What a turn is to the outside: the hub's own events, and holds that came and went.

use std::collections::BTreeSet;

use crate::catalogue::{FieldId, known};
use crate::flow::Firing;
use crate::fold::Effect;
use crate::ids::{At, Collection};
use crate::model::{Element, Order};

/// The events of a turn, each once, and its holds.
pub(crate) fn events(before: &Order, after: &Order, firings: &[Firing]) -> Vec<Effect> {
    let mut found: Vec<(&str, At)> = Vec::new();
    if before.version == 0 {
        found.push(("order.created", At::ROOT));
    }
    found.extend(firings.iter().map(|firing| (&*firing.emits, firing.subject.clone())));
    if before.fields.get(known::order::STAGE) != after.fields.get(known::order::STAGE) {
        found.push(("order.stage_changed", At::ROOT));
    }
    payments(before, after, &mut found);
    let reached = [
        (Collection::Shipments, known::shipment::STATUS, "delivered", "shipment.delivered"),
        (Collection::Returns, known::return_case::STATUS, "received", "return.received"),
    ];
    for (collection, field, status, name) in reached {
        came(before, after, collection, |one| one.fields.text(field) == Some(status))
            .for_each(|at| found.push((name, at)));
    }
    came(before, after, Collection::Returns, |_| true)
        .for_each(|at| found.push(("return.opened", at)));
    let mut effects = holds(before, after, &mut found);
    found.push((crate::flow::ORDER_CHANGED, At::ROOT));
    let mut seen = BTreeSet::new();
    found.retain(|event| seen.insert(event.clone()));
    effects.extend(
        found.into_iter().map(|(name, subject)| Effect::Event { name: name.into(), subject }),
    );
    effects
}

/// The elements for which something holds now and did not before.
fn came<'a>(
    before: &'a Order,
    after: &'a Order,
    collection: Collection,
    is: impl Fn(&Element) -> bool + 'a,
) -> impl Iterator<Item = At> + 'a {
    after.elements_at(&At::ROOT, collection).into_iter().filter_map(move |(at, element)| {
        let was = before.element(&at).is_some_and(|old| !old.gone && is(old));
        (is(element) && !was).then_some(at)
    })
}

fn payments(before: &Order, after: &Order, found: &mut Vec<(&str, At)>) {
    let text = |one: &Element, field: FieldId| one.fields.text(field).map(str::to_owned);
    for (kinds, name) in
        [(["capture", "sale"], "payment.captured"), (["refund", "chargeback"], "payment.refunded")]
    {
        let is = |one: &Element| {
            text(one, known::payment::STATUS).as_deref() == Some("succeeded")
                && text(one, known::payment::KIND).is_some_and(|kind| kinds.contains(&&*kind))
        };
        came(before, after, Collection::Payments, is).for_each(|at| found.push((name, at)));
    }
}

/// Holds that came or went, as effects and as events.
fn holds(before: &Order, after: &Order, found: &mut Vec<(&str, At)>) -> Vec<Effect> {
    let live = |order: &Order| -> Vec<(At, Box<str>)> {
        let all = order.elements_at(&At::ROOT, Collection::Holds).into_iter();
        all.map(|(at, hold)| (at, hold.fields.text(known::hold::CODE).unwrap_or_default().into()))
            .collect()
    };
    let (old, new) = (live(before), live(after));
    let placed = new.iter().filter(|hold| !old.contains(hold)).map(|hold| (hold, true));
    let ended = old.iter().filter(|hold| !new.contains(hold)).map(|hold| (hold, false));
    let moved: Vec<_> = placed.chain(ended).collect();
    for (_, placed) in &moved {
        found.push((if *placed { "order.held" } else { "order.released_hold" }, At::ROOT));
    }
    moved
        .into_iter()
        .map(|((_, code), placed)| Effect::Hold { code: code.clone(), placed })
        .collect()
}
