//! A wish that the files make no call of: a template of the connector needs what its mapping does not write.
//!
//! **Invariants:** what the files keep from being sent is one open todo for each wish and stays wanted; the todo ends
//! when the wish is served or not wanted any more. Test: `what_the_files_make_no_call_of_is_a_todo_until_it_is_sent`. It
//! stops no other wish of its lane: the wish is marked, and passed over until the order has a newer version, a reference
//! is bound, a [`Tick`](super::Act::Tick) comes (a timer, other files, a start), or a person asks for it. Tests:
//! `what_the_files_make_no_call_of_stops_nothing_behind_it`, `what_was_unfit_is_tried_again`. What was looked at before
//! the order changed says nothing: `what_has_changed_since_is_looked_at_again`. All in `tests/it/unfit.rs`.

use super::document::role_of;
use super::work::{Done, Ended, Folding, Work, item};
use super::{Effect, Outcome, TodoItem, TodoKind};
use crate::causes;
use crate::ids::SystemName;
use crate::lane::{Flight, LaneCode, WantKey};
use crate::route::{Plan, plan, settle_wish};

/// Settles an attempt that could not begin.
pub(super) fn unfit(
    work: &mut Work<'_>,
    system: &SystemName,
    (want, version): (&WantKey, u32),
    why: &str,
) -> Folding<Done> {
    let role = role_of(work, system)?;
    let is_newer = work.state.order.version > version;
    let lane = work.lane(system, role);
    if let Some((_, code)) = lane.undecided() {
        // Looked at before its call came to be decided by a person.
        return Err(Box::new(Outcome::Refused(code)));
    }
    let Some(at) = lane.wants.iter().position(|known| known.key == *want) else {
        return Err(Box::new(Outcome::Refused(LaneCode::Dropped)));
    };
    let frozen = |flight: &Flight| flight.want == *want && !flight.may_be_there();
    if lane.flying.as_ref().is_some_and(frozen) {
        lane.flying = None;
        lane.attempts = 0;
    } else if is_newer {
        return Err(Box::new(Outcome::Refused(LaneCode::Retry)));
    }
    if is_newer {
        // What was frozen was of the former version, too: due as it is, and frozen anew.
        return Ok(Done::Ended(Ended::Lane));
    }
    if let Some(want) = lane.wants.get_mut(at) {
        want.unfit = true;
    }
    let about = want.text();
    if !lane.open_conflicts.contains(&about) {
        lane.open_conflicts.push(about.clone());
    }
    let about = Some(about.into());
    let todo = item(TodoKind::Dead, causes::NOT_GIVEN, Some(system), why.to_owned());
    work.todo(TodoItem { about, ..todo });
    go_on(work, system);
    Ok(Done::Ended(Ended::Lane))
}

/// The lane stays due for what else it can send.
fn go_on(work: &mut Work<'_>, system: &SystemName) {
    let now = work.now;
    let rest = match plan(work.state, system, work.rules) {
        Plan::Wait { key: Some(_), code } => Some(code),
        Plan::Idle => Some(LaneCode::Dead),
        Plan::Wait { key: None, .. } | Plan::Send(_) | Plan::Skip { .. } | Plan::Resume(_) => None,
    };
    let Some(lane) = work.lane_there(system) else { return };
    match rest {
        Some(code) => lane.rest(code),
        None => {
            lane.code = None;
            lane.due_at.get_or_insert(now);
        }
    }
}

/// Tries what the files made no call of again, in every lane of the order.
pub(super) fn again(work: &mut Work<'_>) {
    for system in crate::lane::unfit(&work.state.lanes) {
        if let Some(lane) = work.lane_there(&system) {
            lane.try_again();
        }
    }
}

/// It flies: nobody is asked any more why it did not.
pub(super) fn served(work: &mut Work<'_>, system: &SystemName, want: &WantKey) {
    if work.state.lanes.get(system).is_some_and(|lane| !lane.open_conflicts.is_empty()) {
        work.settle(system, &want.text(), "a call of it is made now".to_owned());
    }
}

/// A person has decided about a wish, the first or the one of this key: again, or not any more. Whether there was
/// anything to decide.
pub(super) fn decided(
    work: &mut Work<'_>,
    (system, about): (&SystemName, Option<&str>),
    again: bool,
) -> bool {
    let lane = work.state.lanes.get(system);
    let Some(want) = lane.and_then(|lane| lane.unfit(about).cloned()) else { return false };
    work.touch(system);
    if !again {
        let (key, version) = (&want.key, want.version);
        settle_wish(work.state, system, key, version, LaneCode::LetBe, &mut work.effects);
        return true;
    }
    // Ends here, and not with the answer to the person: should it come to no call again, that is another todo.
    work.settle(system, &want.key.text(), "a person decided".to_owned());
    let now = work.now;
    if let Some(lane) = work.lane_there(system) {
        if let Some(known) = lane.wants.iter_mut().find(|known| known.key == want.key) {
            known.unfit = false;
        }
        lane.says(LaneCode::Retry);
        lane.falls_due(now);
        if lane.due_at.is_none() {
            // It goes behind the call that waits for a person.
            return true;
        }
    }
    // Due already, so that the end of the turn would hand it to nobody.
    work.effects.push(Effect::Deliver { system: system.clone() });
    true
}
