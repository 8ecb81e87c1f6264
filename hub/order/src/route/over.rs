//! Creates of which nothing is there, for something that has ended meanwhile.
//!
//! A create that its system refused, or that it was down for, holds its lane until a person has decided. Where what it was
//! to make is cancelled in the meantime nothing is left to decide: made now, it would be picked and shipped, and nothing
//! would cancel it there, for what no system has needs no cancellation. So it ends like one of which no byte has left: its
//! wish is dropped, its firing undone, and its todo ends. What may be there is not judged here: it was asked to be cancelled,
//! and is, right behind what a person decides.
//!
//! **Invariant:** what was cancelled before it was made is not made. Rules `refused-and-cancelled`,
//! `refused-and-order-cancelled`, `down-and-cancelled`.

use super::{plan, settle_wish};
use crate::fold::Effect;
use crate::ids::SystemName;
use crate::lane::{Lane, LaneCode, WantKey};
use crate::model::State;
use crate::rules::Rules;

/// How the todo of such a create ends.
const CANCELLED: &str = "cancelled before it was made";

/// Ends the create that a lane is held for, where nothing is left that it is for.
pub(super) fn end(
    state: &mut State,
    system: &SystemName,
    rules: &Rules<'_>,
    effects: &mut Vec<Effect>,
) {
    if is_over(state, system, rules) {
        drop_refused(state, system, CANCELLED, effects);
    }
}

/// Whether a lane is held for a create of which nothing is there, and the life of what it would make has ended.
pub(crate) fn is_over(state: &State, system: &SystemName, rules: &Rules<'_>) -> bool {
    let refused = state.lanes.get(system).and_then(|lane| lane.refused());
    let code = refused.and_then(|flight| plan::skips(state, system, &flight.want, rules));
    code == Some(LaneCode::Dropped)
}

/// Drops that create with its wish; its lane goes on.
pub(crate) fn drop_refused(
    state: &mut State,
    system: &SystemName,
    reason: &str,
    effects: &mut Vec<Effect>,
) {
    let Some(lane) = state.lanes.get_mut(system) else { return };
    let Some(flight) = lane.refused() else { return };
    let (key, about, reason) = (flight.want.clone(), flight.about(), reason.to_owned());
    lane.flying = None;
    lane.attempts = 0;
    let version = wanted(lane, &key);
    settle_wish(state, system, &key, version, LaneCode::Dropped, effects);
    effects.push(Effect::Settled { system: Some(system.clone()), about, reason });
}

/// The version at which a lane wants something.
fn wanted(lane: &Lane, key: &WantKey) -> u32 {
    lane.wants.iter().find(|want| want.key == *key).map_or(0, |want| want.version)
}
