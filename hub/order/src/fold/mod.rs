//! The fold: the one place where the rules about ownership, staleness, echoes, conflicts, states,
//! flow and routing live. Pure: `now` and facts come in, nothing is fetched.

use crate::contribution::Contribution;
use crate::identify::ReferenceKey;
use crate::ids::OrderKey;
use crate::lane::is_shared;
use crate::model::{Order, State};
use crate::rules::Rules;

mod act;
mod outcome;

pub use act::{Act, DocumentAct, Facts, PersonAct, Receipt, ReceiptClass};
pub use outcome::{Change, Effect, Folded, Outcome, TodoItem, TodoKind};

/// The references that an act would bind at its system: what the table says of them goes into
/// [`Facts::bound`]. A document's own are looked up by [`crate::identify::references`].
pub fn binds(act: &Act) -> Vec<ReferenceKey> {
    let (system, xrefs) = match act {
        Act::Receipt(receipt) => (&receipt.system, &receipt.xrefs),
        Act::Memo { system, xrefs, .. } => (system, xrefs),
        Act::Document(_) | Act::Fly { .. } | Act::Skip { .. } | Act::Person(_) | Act::Tick => {
            return Vec::new();
        }
    };
    let xrefs = xrefs.iter().filter(|xref| !is_shared(&xref.kind));
    xrefs
        .map(|xref| ReferenceKey::Xref {
            system: system.clone(),
            kind: xref.kind.clone(),
            ext_id: xref.ext_id.clone(),
        })
        .collect()
}

/// Applies one act to an order under the locks of the commit.
pub fn fold(
    _state: &mut State,
    _act: &Act,
    _rules: &Rules<'_>,
    _facts: &Facts,
    _now: jiff::Timestamp,
) -> Folded {
    Folded { outcome: Outcome::Unchanged, change: None, effects: Vec::new(), lanes: Vec::new() }
}

/// A new order with the lane of its origin, before its first document is folded; `None`: the rules
/// know no such system. `reference` is unique ([`crate::ids::order_reference`]).
pub fn create(
    key: OrderKey,
    reference: Box<str>,
    contribution: &Contribution,
    rules: &Rules<'_>,
    _now: jiff::Timestamp,
) -> Option<State> {
    let system = &contribution.system;
    let origin = rules.systems.get(system)?;
    let mut order = Order::new(key, reference, system.clone(), origin.unit.clone());
    order.bound.insert(origin.role, system.clone());
    let mut state = State::new(order);
    let lane = crate::lane::Lane::new(system.clone(), origin.role);
    state.lanes.insert(system.clone(), lane);
    Some(state)
}
