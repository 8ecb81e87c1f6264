//! A wish that the files make no call of: a template of the connector needs what its mapping does not write.
//!
//! **Invariant:** what the files keep from being sent is one open todo for each wish, stays wanted, and is tried again
//! when its order changes or the files do; the todo ends when the wish is served or not wanted any more. Test:
//! `what_the_files_make_no_call_of_is_a_todo_until_it_is_sent` in `tests/it/unfit.rs`.

use super::document::role_of;
use super::work::{Done, Ended, Folding, Work, item};
use super::{Effect, TodoItem, TodoKind};
use crate::ids::SystemName;
use crate::lane::{LaneCode, WantKey};
use crate::route::settle_wish;

/// Settles an attempt that could not begin.
pub(super) fn unfit(
    work: &mut Work<'_>,
    system: &SystemName,
    want: &WantKey,
    why: &str,
) -> Folding<Done> {
    let role = role_of(work, system)?;
    let lane = work.lane(system, role);
    if lane.flying.as_ref().is_some_and(|flight| flight.want == *want && !flight.may_be_there()) {
        lane.flying = None;
    }
    lane.attempts = 0;
    lane.code = Some(LaneCode::Dead);
    lane.due_at = None;
    let about = want.text();
    if !lane.open_conflicts.contains(&about) {
        lane.open_conflicts.push(about.clone());
    }
    let about = Some(about.into());
    let todo = item(TodoKind::Dead, "not_given", Some(system), why.to_owned());
    work.todo(TodoItem { about, ..todo });
    Ok(Done::Ended(Ended::Lane))
}

/// It flies: nobody is asked any more.
pub(super) fn served(work: &mut Work<'_>, system: &SystemName, want: &WantKey) {
    if work.state.lanes.get(system).is_some_and(|lane| !lane.open_conflicts.is_empty()) {
        work.settle(system, &want.text(), "the files make a call of it now".to_owned());
    }
}

/// A person has decided: again, or not any more. Whether there was anything to decide.
pub(super) fn decided(work: &mut Work<'_>, system: &SystemName, again: bool) -> bool {
    let lane = work.state.lanes.get(system);
    let Some(want) = lane.and_then(|lane| lane.unfit().cloned()) else { return false };
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
        lane.code = Some(LaneCode::Retry);
        lane.due_at = Some(now);
    }
    // Due already, so that the end of the turn would hand it to nobody.
    work.effects.push(Effect::Deliver { system: system.clone() });
    true
}
