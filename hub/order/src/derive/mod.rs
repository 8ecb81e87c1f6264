//! What the hub computes from an order: fulfilments advanced by their shipments, quantities, totals,
//! holds that have a cause, states and stage. Nothing here is ever mapped in.
//!
//! **Invariant:** deriving twice gives what deriving once gives. Test: `deriving_twice_changes_nothing` in
//! `tests/it/laws.rs`.

use jiff::Timestamp;

use crate::catalogue::{FieldId, known};
use crate::ids::{At, Collection, ElementId};
use crate::lane::Lane;
use crate::model::{Order, State};
use crate::rules::Rules;
use crate::value::Value;

mod books;
mod cancel;
mod causes;
mod left;
mod stage;
mod states;
mod totals;

pub use books::{Books, LineBook};
pub(crate) use cancel::{empty, unheard};
pub(crate) use left::left_although_cancelled;

/// Computes everything that follows from what systems and people said.
pub fn derive(state: &mut State, rules: &Rules<'_>, now: Timestamp) {
    states::advance_fulfilments(&mut state.order);
    cancel::note_asked(&mut state.order);
    cancel::take_back(state);
    cancel::made_after_all(state);
    // What was taken back may leave nothing but what has left already.
    states::advance_fulfilments(&mut state.order);
    let books = Books::of(&state.order);
    books.write(&mut state.order);
    totals::write(&mut state.order);
    states::write(&mut state.order, &books);
    causes::place(state, &books, rules, now);
    let stage = stage::stage(state, &books, rules);
    put(&mut state.order, &At::ROOT, known::order::STAGE, stage);
}

/// The lane's system knows this subject by an id of its own.
pub fn linked(lane: &Lane, subject: &At) -> bool {
    let Some(entity) = subject.collection().entity() else { return false };
    lane.named().any(|xref| xref.at == *subject && &*xref.kind == entity.as_str())
}

/// A fulfilment that still counts: its warehouse has neither rejected nor cancelled it.
pub(crate) fn counts(status: Option<&str>) -> bool {
    !matches!(status, Some("rejected" | "cancelled"))
}

/// Writes a text where it differs: what is the same is no change.
fn put(order: &mut Order, at: &At, field: FieldId, text: &str) {
    if let Some(record) = order.record_mut(at)
        && record.text(field) != Some(text)
    {
        record.set(field, Some(Value::text(text)));
    }
}

/// The place of a fulfilment.
fn fulfilment(id: &ElementId) -> At {
    At::of(Collection::Fulfilments, id.clone())
}
