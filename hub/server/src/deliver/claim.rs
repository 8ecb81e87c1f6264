//! What a lane in hand asks for now: the judgement of the pure side, with what only this process knows.

use jiff::Timestamp;
use orderhub_order::ids::SystemName;
use orderhub_order::lane::{Flight, LaneCode, WantKey};
use orderhub_order::model::State;
use orderhub_order::route::{Plan, Send, plan};
use orderhub_order::rules::Rules;

/// What to do with a lane.
#[derive(Debug)]
pub(super) enum Claim<'a> {
    /// Nothing, now.
    Rest,
    /// Nothing for this wish, and why.
    Skip {
        /// The wish.
        want: WantKey,
        /// The order version that was looked at.
        version: u32,
        /// Why.
        code: LaneCode,
    },
    /// Settle a flight whose process is gone.
    Lapsed(&'a Flight),
    /// Fly again what is frozen.
    Resume(&'a Flight),
    /// Freeze and fly.
    Fresh(Box<Send<'a>>),
}

/// Judges a lane. `gone`: whether the process of a number is, so that nobody ends what it flew.
pub(super) fn claim<'a>(
    state: &'a State,
    system: &SystemName,
    rules: &Rules<'a>,
    now: Timestamp,
    gone: impl Fn(u64) -> bool,
) -> Claim<'a> {
    let Some(lane) = state.lanes.get(system) else { return Claim::Rest };
    if let Some(flight) = lane.flying.as_ref().filter(|flight| flight.in_air) {
        let lapsed = gone(flight.process) || flight.deadline <= now;
        return if lapsed { Claim::Lapsed(flight) } else { Claim::Rest };
    }
    if lane.due_at.is_none_or(|due| due > now) {
        return Claim::Rest;
    }
    match plan(state, system, rules) {
        Plan::Idle | Plan::Wait { key: None, .. } => Claim::Rest,
        Plan::Resume(flight) => Claim::Resume(flight),
        Plan::Send(send) => Claim::Fresh(send),
        Plan::Skip { key, version, code } => Claim::Skip { want: key, version, code },
        // The lane says so already, unless the rules changed since its last commit.
        Plan::Wait { key: Some(want), code } => {
            let waits = matches!(
                code,
                LaneCode::Held | LaneCode::NotLinked | LaneCode::Dead | LaneCode::NotRouted
            );
            let version = state.order.version;
            if waits { Claim::Skip { want, version, code } } else { Claim::Rest }
        }
    }
}
