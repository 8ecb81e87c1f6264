//! What follows from a merge: derived values, holds, releases, and what each lane wants.
//!
//! The fold merges first and then calls [`settle`] once.

use std::collections::BTreeSet;

use crate::catalogue::FieldId;
use crate::causes;
use crate::derive::{derive, left_although_cancelled};
use crate::flow::{Firing, ORDER_CHANGED, fire};
use crate::fold::{Effect, RESENT, TodoItem, TodoKind};
use crate::history::{Edit, between, changed_fields};
use crate::ids::{At, Collection, SystemName};
use crate::model::{Order, State};
use crate::route::{Outline, events, route, tell};
use crate::rules::Rules;

/// How often releases are looked at in one turn. Each pass fires what the one before made true; a flow
/// that still fires after so many feeds on itself. What fired stays, and a todo names the order.
pub const MOST_PASSES: usize = 16;

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

impl Turn<'_> {
    /// The version that this turn makes, if it makes one.
    pub fn version(&self) -> u32 {
        self.before.version.saturating_add(1)
    }
}

/// Brings an order to rest: derive ► fire until nothing fires ► derive ► route.
///
/// Changes the order (derived fields, holds, fulfilments, `bound`, `fired`) and the wants of its
/// lanes. The version is not raised here: [`crate::history::seal`] does that, once, at the end.
pub fn settle(state: &mut State, turn: Turn<'_>, rules: &Rules<'_>) -> Vec<Effect> {
    let mut effects = Vec::new();
    let (firings, changed) = rest(state, turn, rules, &mut effects);
    let edits = match changed.is_empty() {
        true => between(turn.before, &state.order).edits,
        false => Vec::new(),
    };
    let differs = !changed.is_empty() || !edits.is_empty();
    let version = if differs { turn.version() } else { turn.before.version };
    let only_asked = changed.is_empty() && edits.iter().all(is_asking);
    let outline = Outline { turn, changed: &changed, firings: &firings, version, only_asked };
    effects.extend(route(state, outline, rules));
    if differs {
        effects.extend(left_although_cancelled(turn.before, &state.order, turn.by));
        let mut happened = events(turn.before, &state.order, &firings);
        if only_asked {
            // Nor is it an event of the order: who hears of all would hear of it as often as anybody asks.
            happened.retain(|effect| !is_change(effect));
        }
        tell(state, &happened, (version, turn.now), rules, &mut effects);
        effects.extend(happened);
    }
    effects
}

/// Whether an edit says only that somebody had the order sent to a system again.
fn is_asking(edit: &Edit) -> bool {
    matches!(edit, Edit::Fired { key, .. } if key.starts_with(RESENT))
}

fn is_change(effect: &Effect) -> bool {
    matches!(effect, Effect::Event { name, .. } if **name == *ORDER_CHANGED)
}

/// Derives and fires until nothing fires any more.
fn rest(
    state: &mut State,
    turn: Turn<'_>,
    rules: &Rules<'_>,
    effects: &mut Vec<Effect>,
) -> (Vec<Firing>, Vec<(At, FieldId)>) {
    let mut firings = Vec::new();
    let mut done = BTreeSet::new();
    for _ in 0..MOST_PASSES {
        derive(state, rules, turn.now);
        let holds = state.order.collections.get(&Collection::Holds).cloned();
        let changed = changed_fields(turn.before, &state.order);
        let fired = fire(state, turn, rules, &changed, &mut done);
        let held = state.order.collections.get(&Collection::Holds) != holds.as_ref();
        if fired.is_empty() && !held {
            return (firings, changed);
        }
        firings.extend(fired);
    }
    derive(state, rules, turn.now);
    let why = format!("the flow `{}` fires without end", rules.flow.name);
    let cause = causes::FLOW_ENDLESS.word.into();
    effects.push(Effect::Todo(TodoItem {
        kind: TodoKind::Finding,
        cause,
        system: None,
        why,
        about: None,
    }));
    let changed = changed_fields(turn.before, &state.order);
    (firings, changed)
}
