//! The hub's own events as wishes of the systems that publish them.
//!
//! Such a system listens to `event:<name>` instead of a release: it is told that something happened, whatever the
//! flow releases to whom. **Invariant:** each event of an order is wished for once, as a fact of its version, in
//! the order in which it happened; it is served in that order, for a lane has one call at a time. Test:
//! `events_are_wished_for_once_and_in_their_order` in `tests/it/route.rs`.

use super::{Hears, Wish, wake, write};
use crate::flow::Target;
use crate::fold::Effect;
use crate::ids::{At, Role, SystemName};
use crate::model::State;
use crate::rules::Rules;

/// What the rules of a system that publishes events begin with, as its `on:` and as their names.
pub const EVENT: &str = "event:";

/// Writes the events among what happened into the lanes of those who publish them, and wakes these.
pub(crate) fn tell(
    state: &mut State,
    happened: &[Effect],
    (version, now): (u32, jiff::Timestamp),
    rules: &Rules<'_>,
    effects: &mut Vec<Effect>,
) {
    for system in publishers(rules) {
        for effect in happened {
            if let Effect::Event { name, subject } = effect {
                wish(state, &system, (name, subject), version, rules, effects);
            }
        }
        wake(state, &system, rules, now, effects);
    }
}

/// One event besides those of a turn; whoever says so wakes the lanes.
pub(crate) fn tell_of(
    state: &mut State,
    by: &SystemName,
    event: (&str, &At),
    rules: &Rules<'_>,
    effects: &mut Vec<Effect>,
) {
    let version = state.order.version;
    for system in publishers(rules) {
        // What a publisher could not tell it is not told about, or that would never end.
        if system != *by {
            wish(state, &system, event, version, rules, effects);
        }
    }
}

fn publishers(rules: &Rules<'_>) -> Vec<SystemName> {
    let sinks = rules.systems.iter().filter(|(_, system)| system.role == Role::Sink);
    let publish =
        sinks.filter(|(_, system)| system.deliver.iter().any(|rule| rule.on.starts_with(EVENT)));
    publish.map(|(name, _)| name.clone()).collect()
}

fn wish(
    state: &mut State,
    system: &SystemName,
    (name, subject): (&str, &At),
    version: u32,
    rules: &Rules<'_>,
    effects: &mut Vec<Effect>,
) {
    let deliver = rules.systems.get(system).map_or(&[][..], |system| &system.deliver);
    let listens = |on: &str| on.strip_prefix(EVENT).is_some_and(|event| event == name);
    for rule in deliver.iter().filter(|rule| listens(&rule.on)) {
        let rule = Hears { id: &rule.id, kind: rule.kind() };
        let (emits, to) = (name, Target::All);
        write(state, &Wish { system, rule, emits, to, subject, version }, rules, effects);
    }
}
