//! The stage: one word for where an order is, the first of a list that holds.

use super::Books;
use super::states::{any_status, returns, shipped};
use crate::catalogue::known;
use crate::ids::{Collection, Role};
use crate::model::State;
use crate::rules::Rules;

/// A shipment in one of these needs somebody.
const TROUBLE: [&str; 4] = ["delivery_failed", "refused", "lost", "abnormal"];

/// The order's stage, by the list of the design: the first line that holds.
pub(super) fn stage(state: &State, books: &Books, rules: &Rules<'_>) -> &'static str {
    let order = &state.order;
    let is = |field, names: &[&str]| {
        order.fields.text(field).is_some_and(|value| names.contains(&value))
    };
    let rejected = order
        .elements(Collection::Holds)
        .any(|hold| hold.fields.text(known::hold::CODE) == Some("fulfilment_rejected"));
    let held = order.elements(Collection::Holds).next().is_some();
    let trouble = order.elements(Collection::Shipments).any(|one| {
        one.fields.text(known::shipment::STATUS).is_some_and(|status| TROUBLE.contains(&status))
    });
    let (return_open, return_done) = returns(order);
    let (all_shipped, some_shipped) = shipped(books);
    let some = |of: fn(&super::LineBook) -> bool| books.shipping().any(|(_, book)| of(book));
    match () {
        () if matches!(order.lifecycle(), "cancelled" | "rejected") => "cancelled",
        () if order.lifecycle() == "cancel_requested" => "cancelling",
        () if order.lifecycle() == "closed" => "completed",
        () if rejected || trouble => "exception",
        () if held => "on_hold",
        () if return_open => "returning",
        () if return_done => "returned",
        () if is(known::order::STATE_FULFILMENT, &["delivered"]) => "delivered",
        () if all_shipped => "in_transit",
        () if some_shipped => "partially_shipped",
        () if any_status(order, "packed") || some(|book| !book.packed.is_zero()) => "packed",
        () if any_status(order, "picking") || some(|book| !book.picked.is_zero()) => "picking",
        () if some(|book| !book.released.is_zero()) => "released",
        () if is(known::order::STATE_FINANCE_AUDIT, &["pending"]) => "finance_audit",
        () if is(known::order::STATE_PAYMENT, &["pending", "failed"]) => "awaiting_payment",
        () if erp_knows(state, rules) => "ready_to_release",
        () => "received",
    }
}

/// The order is linked to an ERP, or none is configured.
fn erp_knows(state: &State, rules: &Rules<'_>) -> bool {
    let configured = rules.systems.values().any(|system| system.role == Role::Erp);
    let mut erps = state.lanes.iter().filter(|lane| lane.role == Role::Erp);
    !configured || erps.any(|lane| lane.knows())
}
