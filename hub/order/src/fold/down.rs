//! A wish that is not kept waiting while its system is down: its rule says `while_down: fail`.
//!
//! Nothing of it was sent. A create holds its lane, as any that was given up does: what comes after it needs it. A state
//! gives way to the next change of the order, a fact is kept for sending it again ([`crate::lane::GivenUp`]). The todo
//! about either ends by itself once it is sent, or not wanted any more.
//!
//! **Invariant:** what may be there is not given up here, however long the system is down; nor anything before which a
//! person has to decide. Tests: `what_may_be_there_is_not_given_up_for_a_system_that_is_down`,
//! `what_waits_behind_a_decision_is_not_given_up`. **Invariant:** what waits before it goes on as it did, whether a call of it was begun or
//! not. Tests: `what_is_given_up_leaves_the_call_before_it_alone`, `what_is_given_up_leaves_the_wish_before_it_alone`. All in
//! `tests/it/down.rs`.

use super::dead::tell_dead;
use super::document::role_of;
use super::work::{Done, Folding, Work, item};
use super::{Outcome, TodoItem, TodoKind, given_up};
use crate::causes;
use crate::ids::SystemName;
use crate::lane::{Flight, Lane, LaneCode};
use crate::route::{Plan, plan};

/// Gives a wish up.
pub(super) fn down(
    work: &mut Work<'_>,
    system: &SystemName,
    flight: &Flight,
    why: &str,
) -> Folding<Done> {
    let role = role_of(work, system)?;
    if let Err(code) = may_be_given_up(work, system, flight) {
        return Err(Box::new(Outcome::Refused(code)));
    }
    let of_the_lane = is_the_call(work, system, flight);
    let lane = work.lane(system, role);
    let todo = item(TodoKind::Dead, causes::SYSTEM_DOWN, Some(system), why.to_owned());
    if flight.creates {
        hold(lane, flight);
        let about = Some(flight.about());
        tell_dead(work, system, flight, TodoItem { about, ..todo });
        return Ok(Done::Merged);
    }
    given_up::keep(lane, flight, false);
    // A newer version of it is looked at by itself.
    lane.unwant(&flight.want, flight.version);
    if of_the_lane || (lane.flying.is_none() && lane.wants.is_empty()) {
        lane.flying = None;
        lane.attempts = 0;
        lane.code = Some(LaneCode::Dead);
        // What is left to send is due by the end of the turn, and handed to the dispatcher.
        lane.due_at = None;
    }
    lane.asks_about(&flight.want);
    let about = Some(flight.want.text().into());
    tell_dead(work, system, flight, TodoItem { about, ..todo });
    Ok(Done::Merged)
}

/// Whether it is what its lane stands for: the call that it is bound to, or has to make first.
fn is_the_call(work: &Work<'_>, system: &SystemName, flight: &Flight) -> bool {
    let flying = work.state.lanes.get(system).and_then(|lane| lane.flying.as_ref());
    match (flying, plan(work.state, system, work.rules)) {
        (Some(flying), _) => flying.want == flight.want,
        (None, Plan::Send(send)) => send.want.key == flight.want,
        (None, Plan::Resume(_) | Plan::Skip { .. } | Plan::Wait { .. } | Plan::Idle) => false,
    }
}

/// A create waits for a person, as it was frozen: it may be made later.
fn hold(lane: &mut Lane, flight: &Flight) {
    lane.fence = flight.fence;
    lane.flying = Some(Flight { in_air: false, ..flight.clone() });
    lane.awaits(LaneCode::Dead);
}

/// Whether the wish still stands, does not wait by the rules of now, and nothing of it is there.
fn may_be_given_up(work: &Work<'_>, system: &SystemName, flight: &Flight) -> Result<(), LaneCode> {
    let known = work.rules.systems.get(system);
    let Some(lane) = work.state.lanes.get(system) else { return Err(LaneCode::Dropped) };
    if !known.is_some_and(|known| known.fails(Some(&flight.want.rule)))
        || flight.fence != lane.fence.saturating_add(1)
        || flight.may_have_acted
        || flight.wrote
    {
        return Err(LaneCode::Retry);
    }
    if let Some((_, code)) = lane.undecided() {
        return Err(code);
    }
    if lane.wants.iter().all(|want| want.key != flight.want) {
        return Err(LaneCode::Dropped);
    }
    match &lane.flying {
        Some(flying) if flying.want == flight.want && flying.may_be_there() => Err(LaneCode::Retry),
        // The lane is another call's.
        Some(flying) if flying.want != flight.want && flight.creates => Err(LaneCode::Retry),
        Some(_) | None => Ok(()),
    }
}
