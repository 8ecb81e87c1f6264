//! What left a warehouse although it was cancelled.
//!
//! **Invariant:** a parcel that leaves for an order, or for a fulfilment, that was cancelled by then is shown to a person, one
//! todo for each fulfilment; not what had left before, nor an order that comes cancelled and shipped. Rules
//! `left-although-cancelled`, `left-before-it-was-cancelled`.

use std::collections::BTreeMap;

use super::books::{fulfilment_of, has_left};
use super::cancel::was_asked;
use super::fulfilment;
use crate::catalogue::{catalogue, known};
use crate::causes;
use crate::fold::{Effect, TodoItem, TodoKind};
use crate::ids::{At, Collection, ElementId, SystemName};
use crate::model::{Element, Order};

/// A todo for each fulfilment of which something left in this turn, and for each parcel of none. `by`: who says so.
pub(crate) fn left_although_cancelled(
    before: &Order,
    after: &Order,
    by: Option<&SystemName>,
) -> Vec<Effect> {
    if before.version == 0 {
        return Vec::new();
    }
    let ended = matches!(before.lifecycle(), "cancel_requested" | "cancelled" | "rejected");
    let mut found: BTreeMap<At, &str> = BTreeMap::new();
    for (at, parcel) in after.elements_at(&At::ROOT, Collection::Shipments) {
        let was = before.element(&at).is_some_and(left);
        let of = fulfilment_of(parcel).map(|id| fulfilment(&ElementId::new(id)));
        let cancelled = of.as_ref().is_some_and(|of| is_cancelled(before, of));
        if left(parcel) && !was && (ended || cancelled) {
            found.insert(of.unwrap_or(at), what(cancelled));
        }
    }
    for (at, one) in after.elements_at(&At::ROOT, Collection::Fulfilments) {
        let was = before.element(&at).is_some_and(is_shipped);
        let cancelled = is_cancelled(before, &at);
        if is_shipped(one) && !was && (ended || cancelled) {
            found.insert(at, what(cancelled));
        }
    }
    found.into_iter().map(|(at, what)| todo(&at, what, by)).collect()
}

fn what(cancelled: bool) -> &'static str {
    if cancelled { "it" } else { "the order" }
}

fn todo(at: &At, what: &str, by: Option<&SystemName>) -> Effect {
    let said = by.map(|system| format!(" ({system} says so)")).unwrap_or_default();
    Effect::Todo(TodoItem {
        kind: TodoKind::Finding,
        cause: causes::LEFT.word.into(),
        system: by.cloned(),
        why: format!(
            "`{at}`, or a parcel of it, has left although {what} was cancelled{said}: stop it while it can be"
        ),
        about: Some(format!("left {at}").into()),
    })
}

fn left(parcel: &Element) -> bool {
    !parcel.gone && has_left(parcel.fields.text(known::shipment::STATUS))
}

fn is_shipped(one: &Element) -> bool {
    let rank = |status| catalogue().rank("fulfilment_order", status);
    let status = one.fields.text(known::fulfilment::STATUS).and_then(rank);
    !one.gone && status >= rank("partially_shipped")
}

/// Whether a fulfilment was cancelled, or asked to be.
fn is_cancelled(before: &Order, at: &At) -> bool {
    let status = before.record(at).and_then(|record| record.text(known::fulfilment::STATUS));
    was_asked(before, at) || matches!(status, Some("cancel_requested" | "cancelled" | "rejected"))
}
