//! Cancelled quantity: taken first from what no warehouse was asked for, then out of open
//! fulfilments, the newest first, never below what is packed or has left.

use rust_decimal::Decimal;

use super::books::{Books, fulfilment_of, has_left, minus, plus, quantity};
use super::{fulfilment, linked, put};
use crate::catalogue::known::{self, fulfilment_line as part};
use crate::ids::{At, Collection, ElementId};
use crate::lane::{Facet, Flight, Lane, WantKey};
use crate::model::{Element, Order, Shared, State};
use crate::value::Value;

/// Fulfilments whose quantities may still be lowered.
fn is_open(status: Option<&str>) -> bool {
    !matches!(status, Some("rejected" | "cancel_requested" | "cancelled" | "shipped"))
}

/// The key in `fired` that remembers that this cancellation was asked for.
fn asked_key(at: &At) -> String {
    format!("cancel_requested@{at}")
}

/// Whether anyone asked for the cancellation of a fulfilment; its warehouse cancels unasked else.
pub(super) fn was_asked(order: &Order, at: &At) -> bool {
    order.fired.contains_key(&asked_key(at))
}

/// Remembers which fulfilments were asked to be cancelled, by whomever.
pub(super) fn note_asked(order: &mut Order) {
    let asked: Vec<String> = order
        .elements(Collection::Fulfilments)
        .filter(|one| one.fields.text(known::fulfilment::STATUS) == Some("cancel_requested"))
        .map(|one| asked_key(&fulfilment(&one.id)))
        .collect();
    for key in asked {
        let version = order.version.saturating_add(1);
        order.fired.entry(key).or_insert(version);
    }
}

/// Lowers open fulfilments to what is still wanted; what falls to zero is asked to be cancelled, or
/// is cancelled at once where the warehouse has never heard of it.
pub(super) fn take_back(state: &mut State) {
    let all = matches!(state.order.lifecycle(), "cancel_requested" | "cancelled" | "rejected");
    let books = Books::of(&state.order);
    let mut lowered: Vec<ElementId> = Vec::new();
    for (line, book) in &books.lines {
        let open = if all { Decimal::ZERO } else { book.open };
        let excess = minus(plus(book.outside, book.covered), open);
        if excess > Decimal::ZERO {
            lower(&mut state.order, line, excess, &mut lowered);
        }
    }
    for id in lowered {
        end_if_empty(state, &id);
    }
}

fn lower(order: &mut Order, line: &ElementId, mut excess: Decimal, lowered: &mut Vec<ElementId>) {
    let mut newest: Vec<ElementId> = order
        .elements(Collection::Fulfilments)
        .filter(|one| is_open(one.fields.text(known::fulfilment::STATUS)))
        .filter(|one| one.element(Collection::FulfilmentLines, line.as_str()).is_some())
        .map(|one| one.id.clone())
        .collect();
    newest.reverse();
    for id in newest {
        let left = has_left_of(order, &id, line);
        let at = fulfilment(&id).with(Collection::FulfilmentLines, line.clone());
        let Some(record) = order.record_mut(&at) else { continue };
        let qty = quantity(record, part::QTY);
        let kept = quantity(record, part::PACKED).max(left);
        let floor = plus(kept, quantity(record, part::SHORT));
        let off = minus(qty, floor).min(excess);
        if off > Decimal::ZERO {
            record.set(part::QTY, Some(Value::Decimal(minus(qty, off).normalize())));
            lowered.push(id);
            excess = minus(excess, off);
        }
    }
}

/// How much of a line has left in shipments of a fulfilment.
pub(super) fn has_left_of(order: &Order, id: &ElementId, line: &ElementId) -> Decimal {
    order
        .elements(Collection::Shipments)
        .filter(|one| fulfilment_of(one) == Some(id.as_str()))
        .filter(|one| has_left(one.fields.text(known::shipment::STATUS)))
        .filter_map(|one| one.element(Collection::ShipmentLines, line.as_str()))
        .filter(|part| !part.gone)
        .fold(Decimal::ZERO, |sum, part| {
            plus(sum, quantity(&part.fields, known::shipment_line::QTY))
        })
}

fn end_if_empty(state: &mut State, id: &ElementId) {
    let at = fulfilment(id);
    let Some(element) = state.order.element(&at) else { return };
    let left = element
        .elements(Collection::FulfilmentLines)
        .any(|line| quantity(&line.fields, part::QTY) > quantity(&line.fields, part::SHORT));
    if left || !is_open(element.fields.text(known::fulfilment::STATUS)) {
        return;
    }
    let heard = heard_of(element, state.lanes.iter(), &at);
    // 0: there was nobody to ask.
    let version = if heard { state.order.version.saturating_add(1) } else { 0 };
    state.order.fired.entry(asked_key(&at)).or_insert(version);
    let status = if heard { "cancel_requested" } else { "cancelled" };
    put(&mut state.order, &at, known::fulfilment::STATUS, status);
}

/// What was cancelled while no warehouse had heard of it, and a warehouse has after all (somebody made it there by hand, or
/// an answer came that nobody waited for any more), is asked to be cancelled there. Not where it says itself that it is.
///
/// **Invariant:** what a warehouse has of what is cancelled is asked to be cancelled there, however late it is known. Rule
/// `made-after-all`.
pub(super) fn made_after_all(state: &mut State) {
    let unasked = |(at, one): &(At, &Element)| {
        one.fields.text(known::fulfilment::STATUS) == Some("cancelled")
            && state.order.fired.get(&asked_key(at)) == Some(&0)
            && state.lanes.iter().any(|lane| linked(lane, at) && !says_ended(lane, at))
    };
    let all = state.order.elements_at(&At::ROOT, Collection::Fulfilments).into_iter();
    let made: Vec<At> = all.filter(unasked).map(|(at, _)| at).collect();
    for at in made {
        let version = state.order.version.saturating_add(1);
        state.order.fired.insert(asked_key(&at), version);
        put(&mut state.order, &at, known::fulfilment::STATUS, "cancel_requested");
    }
}

/// Whether the last word of a lane's system on a fulfilment is that nothing comes of it.
fn says_ended(lane: &Lane, at: &At) -> bool {
    let state = lane.fields.get(at, &Facet::Field(known::fulfilment::STATUS));
    let stated = state.and_then(|state| state.stated.as_ref());
    let status = stated.and_then(|(stated, _)| stated.as_ref()?.as_str());
    matches!(status, Some("rejected" | "cancelled"))
}

/// A fulfilment that was taken back before any warehouse heard of it: the next one is made of it, so that an
/// order that changes its lines all the time does not collect empty ones.
///
/// **Invariant:** what any system was told of, or spoke of, is never used again. Tests:
/// `what_no_warehouse_heard_of_is_used_again`, `what_a_warehouse_may_know_is_not_used_again`.
pub(crate) fn unheard(state: &State) -> Option<At> {
    let mut newest = state.order.elements(Collection::Fulfilments).collect::<Vec<_>>();
    newest.reverse();
    let unheard = newest.into_iter().find(|one| {
        let (at, id) = (fulfilment(&one.id), one.id.as_str());
        let taken_back = one.fields.text(known::fulfilment::STATUS) == Some("cancelled");
        let mut shipments = state.order.elements(Collection::Shipments);
        let shipped = shipments.any(|shipment| fulfilment_of(shipment) == Some(id));
        let named = |key: &str| WantKey::parse(key).is_some_and(|key| key.subject.within(&at));
        let told = |lane: &Shared<Lane>| {
            linked(lane, &at)
                || lane.flying.as_ref().is_some_and(|flight| flight.want.subject.within(&at))
                || lane.sent.keys().any(|key| named(key))
                || lane.fields.places().any(|(place, _)| place.within(&at))
        };
        taken_back && one.added_by.is_none() && !shipped && !state.lanes.iter().any(told)
    });
    unheard.map(|one| fulfilment(&one.id))
}

/// Empties a fulfilment that nobody heard of, as if it was made now.
pub(crate) fn empty(order: &mut Order, at: &At) {
    if let Some(element) = order.element_mut(at) {
        element.collections.clear();
    }
    let (asked, subject) = (asked_key(at), at.to_string());
    order.fired.retain(|key, _| *key != asked && key.split(' ').nth(1) != Some(&subject));
}

/// Whether its warehouse may know of a fulfilment: it was taken on, is linked, or a call is under way.
fn heard_of<'a>(
    element: &Element,
    mut lanes: impl Iterator<Item = &'a Shared<Lane>>,
    at: &At,
) -> bool {
    let status = element.fields.text(known::fulfilment::STATUS);
    let waiting = matches!(status, None | Some("draft" | "queued"));
    let under_way = |lane: &Lane| {
        let flight = lane.flying.as_ref().filter(|flight| flight.want.subject == *at);
        flight.is_some_and(Flight::may_be_there)
    };
    !waiting || lanes.any(|lane| linked(lane, at) || under_way(lane))
}
