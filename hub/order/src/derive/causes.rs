//! Holds that have a cause: they come and go with it.

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::{Books, cancel, fulfilment, totals};
use crate::catalogue::known;
use crate::holds::{self, Cause};
use crate::ids::Collection;
use crate::model::State;

/// The codes that are decided here, and nowhere else.
const CODES: [&str; 5] =
    ["amount_mismatch", "inventory_short", "conflict", "fulfilment_rejected", "unknown_value"];

/// Finds the causes and places, keeps or ends their holds.
pub(super) fn place(state: &mut State, books: &Books, now: Timestamp) {
    let order = &state.order;
    let mut causes = Vec::new();
    for lane in state.lanes.iter() {
        for path in &lane.unknown {
            let detail = format!("by {}", lane.system);
            causes.push(Cause { code: "unknown_value", scope: path.clone(), detail });
        }
    }
    causes.sort_by(|a, b| a.scope.cmp(&b.scope));
    // Two systems may say what nobody knows of one field: one hold for it.
    causes.dedup_by(|a, b| a.scope == b.scope);
    if let Some(detail) = totals::mismatch(order) {
        causes.push(Cause { code: "amount_mismatch", scope: "order".to_owned(), detail });
    }
    for (line, book) in &books.lines {
        if book.uncovered() {
            let detail =
                format!("{} of {} covered", book.covered.normalize(), book.open.normalize());
            causes.push(Cause { code: "inventory_short", scope: line.to_string(), detail });
        }
        if book.shipped > book.ordered && book.shipped > Decimal::ZERO {
            let (shipped, ordered) = (book.shipped.normalize(), book.ordered.normalize());
            let detail = format!("{shipped} shipped, {ordered} ordered");
            causes.push(Cause { code: "conflict", scope: line.to_string(), detail });
        }
    }
    for one in order.elements(Collection::Fulfilments) {
        let status = one.fields.text(known::fulfilment::STATUS);
        let unasked =
            status == Some("cancelled") && !cancel::was_asked(order, &fulfilment(&one.id));
        if status == Some("rejected") || unasked {
            let detail = status.unwrap_or_default().to_owned();
            causes.push(Cause { code: "fulfilment_rejected", scope: one.id.to_string(), detail });
        }
    }
    holds::reconcile(&mut state.order, &CODES, causes, now);
}
