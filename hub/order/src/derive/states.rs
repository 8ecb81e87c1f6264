//! Fulfilments advanced by their shipments, and the states of fulfilment and return.

use rust_decimal::Decimal;

use super::books::{Books, LineBook, minus, quantity};
use super::cancel::has_left_of;
use super::{counts, fulfilment, put};
use crate::catalogue::{catalogue, known};
use crate::ids::{At, Collection};
use crate::model::{Element, Order};

/// Moves each fulfilment to `partially_shipped` or `shipped` by what left in its shipments, never down.
pub(super) fn advance_fulfilments(order: &mut Order) {
    let moves: Vec<(At, &str)> = order
        .elements(Collection::Fulfilments)
        .filter_map(|one| Some((fulfilment(&one.id), reached(order, one)?)))
        .collect();
    for (at, status) in moves {
        put(order, &at, known::fulfilment::STATUS, status);
    }
}

fn reached(order: &Order, one: &Element) -> Option<&'static str> {
    let mut any = false;
    let mut all = true;
    for line in one.elements(Collection::FulfilmentLines) {
        let left = has_left_of(order, &one.id, &line.id);
        let qty = quantity(&line.fields, known::fulfilment_line::QTY);
        let due = minus(qty, quantity(&line.fields, known::fulfilment_line::SHORT));
        any |= left > Decimal::ZERO;
        all &= left >= due;
    }
    let status = match (any, all) {
        (false, _) => return None,
        (true, false) => "partially_shipped",
        (true, true) => "shipped",
    };
    let rank = |status| catalogue().rank("fulfilment_order", status);
    let now = one.fields.text(known::fulfilment::STATUS).and_then(rank);
    (rank(status) > now).then_some(status)
}

/// Writes `state.fulfilment` and `state.return`.
pub(super) fn write(order: &mut Order, books: &Books) {
    let fulfilment = fulfilment_state(order, books);
    put(order, &At::ROOT, known::order::STATE_FULFILMENT, fulfilment);
    let returned = return_state(order, books);
    put(order, &At::ROOT, known::order::STATE_RETURN, returned);
}

/// Whether `of` reaches what is open on every line that ships, or on some.
fn reach(books: &Books, of: impl Fn(&LineBook) -> Decimal) -> (bool, bool) {
    let all = books.shipping().all(|(_, book)| of(book) >= book.open);
    let some = books.shipping().any(|(_, book)| of(book) > Decimal::ZERO);
    (all && some, some)
}

/// Everything, or something, has left.
pub(super) fn shipped(books: &Books) -> (bool, bool) {
    reach(books, |book| book.shipped)
}

fn fulfilment_state(order: &Order, books: &Books) -> &'static str {
    let (all_delivered, some_delivered) = reach(books, |book| book.delivered);
    let (all_shipped, some_shipped) = shipped(books);
    let status_in = |names: &[&str]| {
        order.elements(Collection::Fulfilments).any(|one| {
            one.fields.text(known::fulfilment::STATUS).is_some_and(|status| names.contains(&status))
        })
    };
    match () {
        () if books.shipping().next().is_none() => "not_required",
        () if all_delivered => "delivered",
        () if some_delivered => "partially_delivered",
        () if all_shipped => "shipped",
        () if some_shipped => "partially_shipped",
        () if status_in(&["accepted", "picking", "packed"]) => "in_progress",
        () if books.shipping().any(|(_, book)| book.released > Decimal::ZERO) => "released",
        () => "unfulfilled",
    }
}

/// Whether any return is under way, and whether any has come to its end.
pub(super) fn returns(order: &Order) -> (bool, bool) {
    let (mut open, mut done) = (false, false);
    for case in order.elements(Collection::Returns) {
        match case.fields.text(known::return_case::STATUS) {
            Some("rejected" | "cancelled") => {}
            Some("restocked" | "scrapped" | "refunded" | "manual_refund" | "completed") => {
                done = true;
            }
            Some(_) | None => open = true,
        }
    }
    (open, done)
}

fn return_state(order: &Order, books: &Books) -> &'static str {
    let (open, done) = returns(order);
    let only_asked = order.elements(Collection::Returns).all(|case| {
        let status = case.fields.text(known::return_case::STATUS);
        matches!(status, None | Some("requested" | "rejected" | "cancelled"))
    });
    let came_back = |book: &LineBook| book.open > Decimal::ZERO && book.returned >= book.open;
    let whole = books.lines.values().any(came_back)
        && books.lines.values().all(|book| book.open == Decimal::ZERO || came_back(book));
    match (open, done) {
        (false, false) => "none",
        (true, false) if only_asked => "requested",
        (true, _) => "in_progress",
        (false, true) if whole => "returned",
        (false, true) => "partially_returned",
    }
}

/// A fulfilment that counts has this status.
pub(super) fn any_status(order: &Order, wanted: &str) -> bool {
    order
        .elements(Collection::Fulfilments)
        .map(|one| one.fields.text(known::fulfilment::STATUS))
        .any(|status| counts(status) && status == Some(wanted))
}
