//! What a turn is to the outside: events of releases, of payments and of returns. Those of the
//! order as a whole, of holds and of arrivals are the fold's, once the version is known.

use std::collections::BTreeSet;

use crate::catalogue::known;
use crate::flow::Firing;
use crate::fold::Effect;
use crate::ids::{At, Collection};
use crate::model::{Element, Order};

/// The events of a turn, each once.
pub(crate) fn events(before: &Order, after: &Order, firings: &[Firing]) -> Vec<Effect> {
    let mut found: Vec<(&str, At)> = Vec::new();
    found.extend(firings.iter().map(|firing| (&*firing.emits, firing.subject.clone())));
    for (kinds, name) in
        [(["capture", "sale"], "payment.captured"), (["refund", "chargeback"], "payment.refunded")]
    {
        let is = |one: &Element| {
            let text = |field| one.fields.text(field).unwrap_or_default();
            text(known::payment::STATUS) == "succeeded"
                && kinds.contains(&text(known::payment::KIND))
        };
        found.extend(came(before, after, Collection::Payments, is).map(|at| (name, at)));
    }
    let received = |one: &Element| one.fields.text(known::return_case::STATUS) == Some("received");
    let returns = Collection::Returns;
    found.extend(came(before, after, returns, |_| true).map(|at| ("return.opened", at)));
    found.extend(came(before, after, returns, received).map(|at| ("return.received", at)));
    found.push((crate::flow::ORDER_CHANGED, At::ROOT));
    let mut seen = BTreeSet::new();
    found.retain(|event| seen.insert(event.clone()));
    let event = |(name, subject): (&str, At)| Effect::Event { name: name.into(), subject };
    found.into_iter().map(event).collect()
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
