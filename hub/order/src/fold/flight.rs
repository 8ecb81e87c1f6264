//! The life of a call before its receipt: taken off, its memo, let be, lapsed.
//!
//! **Invariant:** reserved is not flying: nothing counts as acted before the commit of
//! [`Act::Fly`](super::Act::Fly), and after it only a receipt says what became of the call: whoever
//! finds a flight past its deadline, or of a process that is gone, writes that receipt. Story
//! `answered-after-the-effect`.

use jiff::Timestamp;

use super::document::{drop_hashes, role_of};
use super::follow::{expire, owed};
use super::receipt::{bind_all, flight_of};
use super::work::{Done, Ended, Folding, Work};
use super::{Effect, Outcome};
use crate::ids::SystemName;
use crate::lane::{Facet, Flight, Lane, LaneCode, MOST_IN_RING, Sent, WantKey, Xref};
use crate::route::{Plan, Teller, Unrouted, plan, reads, settle_wish, unrouted};

/// Takes a call off: judged once more, frozen, its values in the rings, its fence raised.
pub(super) fn fly(work: &mut Work<'_>, system: &SystemName, flight: &Flight) -> Folding<Done> {
    let role = role_of(work, system)?;
    let refused = |code| Err(Box::new(Outcome::Refused(code)));
    let Some(lane) = work.state.lanes.get(system) else { return refused(LaneCode::Dropped) };
    if let Some((_, code)) = lane.undecided() {
        return refused(code);
    }
    if flight.fence != lane.fence.saturating_add(1) {
        return refused(LaneCode::Retry);
    }
    let (mut frozen, mut anew) = (flight.clone(), true);
    match &lane.flying {
        Some(flying) if flying.in_air => return refused(LaneCode::Retry),
        Some(flying) if same_call(flying, flight) => {
            frozen.may_have_acted = flying.may_have_acted;
            frozen.wrote = flying.wrote;
            anew = false;
        }
        Some(flying) if !flying.may_be_replaced() => return refused(LaneCode::Retry),
        Some(_) | None => {}
    }
    if !frozen.may_have_acted
        && let Err(code) = allowed(work, system, flight)
    {
        return refused(code);
    }
    let (now, teller) = (work.now, Teller::of(work.rules, system, flight));
    let reads = reads(work.rules, system, &flight.want.rule);
    frozen.takes_off(now);
    let lane = work.lane(system, role);
    lane.fence = frozen.fence;
    lane.attempts = lane.attempts.saturating_add(1);
    frozen.attempt = lane.attempts;
    lane.heard_at_call = lane.heard;
    lane.due_at = Some(frozen.deadline);
    // What the last call came to says nothing of this one.
    lane.code = None;
    drop_hashes(lane);
    if anew && flight.want.fact.is_none() {
        // It tells what stands now.
        owed(lane, &flight.want.subject, reads);
    }
    for (at, field, value) in &frozen.values {
        let state = lane.fields.entry(at, Facet::Field(*field));
        expire(state, now);
        match state.ring.last_mut() {
            Some((sent, rung)) if sent == value => *rung = now,
            _ => state.ring.push((value.clone(), now)),
        }
        state.rung_for = teller.told_at(at, *field);
        let excess = state.ring.len().saturating_sub(MOST_IN_RING);
        state.ring.drain(..excess);
    }
    lane.flying = Some(frozen);
    super::unfit::served(work, system, &flight.want);
    Ok(Done::Ended(Ended::Lane))
}

/// A retry: the same wish with the same bytes under the same key.
fn same_call(flying: &Flight, flight: &Flight) -> bool {
    flying.want == flight.want
        && flying.operation == flight.operation
        && flying.key == flight.key
        && flying.inputs == flight.inputs
}

/// Whether holds, lifecycle and `deliver.when` still let this call go.
fn allowed(work: &Work<'_>, system: &SystemName, flight: &Flight) -> Result<(), LaneCode> {
    match plan(work.state, system, work.rules) {
        Plan::Send(send) => {
            let same = send.want.key == flight.want && send.operation.name == flight.operation;
            if same { Ok(()) } else { Err(LaneCode::Retry) }
        }
        Plan::Resume(flying) if flying.want == flight.want => Ok(()),
        Plan::Resume(_) => Err(LaneCode::Retry),
        Plan::Wait { code, .. } | Plan::Skip { code, .. } => Err(code),
        Plan::Idle => Err(LaneCode::Dropped),
    }
}

/// Keeps the memo of a flight, and what is known of its references, before the next step.
pub(super) fn memo(
    work: &mut Work<'_>,
    system: &SystemName,
    fence: u64,
    (memo, xrefs): (&[u8], &[Xref]),
) -> Folding<Done> {
    let role = role_of(work, system)?;
    if flight_of(work, system, fence).is_none() {
        return Err(Box::new(Outcome::Refused(LaneCode::Retry)));
    }
    if let Some((_, code)) = work.lane(system, role).undecided() {
        return Err(Box::new(Outcome::Refused(code)));
    }
    let now = work.now;
    if let Some(flying) = &mut work.lane(system, role).flying {
        flying.memo = memo.to_vec();
        // What is not repeatable begins now.
        flying.called = Some(now);
    }
    if !bind_all(work, (system, role), xrefs) {
        // The call must not go on; its receipt names the reference again, and holds the lane.
        return Err(Box::new(Outcome::Refused(LaneCode::InDoubt)));
    }
    Ok(if xrefs.is_empty() { Done::Ended(Ended::Lane) } else { Done::Merged })
}

/// Nothing has to be sent for a wish, or not now: why is kept. A lane whose order has changed since it was looked at
/// stays due: what it waits for may have come.
pub(super) fn skip(
    work: &mut Work<'_>,
    system: &SystemName,
    (want, version): (&WantKey, u32),
    (code, hash, until): (LaneCode, Option<[u8; 16]>, Option<Timestamp>),
) -> Folding<Done> {
    let role = role_of(work, system)?;
    let now = work.now;
    let is_newer = work.state.order.version > version;
    let unrouted = (code == LaneCode::NotRouted).then(|| unrouted(work.rules, system, &want.rule));
    let lane = work.lane(system, role);
    if lane.undecided().is_some() {
        // Looked at before its call came to be decided by a person: that is what all of its lane waits for.
        return Err(Box::new(Outcome::Refused(LaneCode::InDoubt)));
    }
    match unrouted {
        // Found by other files than those of now: it stays due.
        Some(Unrouted::Back) => return Err(Box::new(Outcome::Refused(LaneCode::Retry))),
        Some(Unrouted::Inherited) => return Ok(Done::Merged),
        Some(Unrouted::Waits | Unrouted::Over) | None => {}
    }
    let unrouted = unrouted == Some(Unrouted::Waits);
    if unrouted || waits(code) {
        let rests =
            unrouted || matches!(code, LaneCode::Held | LaneCode::NotLinked | LaneCode::Dead);
        if rests && !is_newer {
            lane.rest(code);
            return Ok(Done::Ended(Ended::Lane));
        }
        lane.code = Some(code);
        if until.is_some() && lane.due_at.is_some() {
            lane.due_at = until;
        }
        return Ok(Done::Ended(Ended::Lane));
    }
    match (code, hash) {
        (LaneCode::ProjectionEqual, Some(hash)) => {
            if let Some(sent) = lane.sent.get_mut(&want.text()).filter(|sent| !sent.overwritten) {
                *sent = Sent::new(version, hash);
            }
        }
        (LaneCode::Shadow, Some(hash)) => {
            lane.shadow.insert(want.text(), Sent::new(version, hash));
        }
        (_, _) => {}
    }
    settle_wish(work.state, system, want, version, code, &mut work.effects);
    let lane = work.lane(system, role);
    if lane.flying.as_ref().is_some_and(|f| f.want == *want && f.may_be_replaced()) {
        lane.flying = None;
        lane.attempts = 0;
    }
    lane.due_at = (!lane.wants.is_empty()).then_some(now);
    Ok(if code == LaneCode::Dropped { Done::Merged } else { Done::Ended(Ended::Lane) })
}

/// What stood in the way is gone: a lane that waits for the end of its time is due, and handed over.
pub(super) fn hurry(work: &mut Work<'_>, system: &SystemName) -> Folding<Done> {
    let now = work.now;
    if let Some(lane) = work.state.lanes.get(system)
        && lane.is_put_off(now)
    {
        let role = lane.role;
        work.lane(system, role).due_at = Some(now);
        work.effects.push(Effect::Deliver { system: system.clone() });
    }
    Ok(Done::Ended(Ended::Lane))
}

/// Nothing leaves for a lane before a person has decided about its call: what became of it, or what an
/// act on it would have done, is not known. A lane without a call rests until its order changes.
pub(super) fn hold(lane: &mut Lane) {
    if let Some(flying) = &mut lane.flying
        && flying.in_air
    {
        flying.may_have_acted = true;
    }
    lane.awaits(LaneCode::InDoubt);
}

/// Whether the wish stays: it waits for a change of the order, a reference, a permit or a person.
fn waits(code: LaneCode) -> bool {
    match code {
        LaneCode::Held
        | LaneCode::NotLinked
        | LaneCode::Paused
        | LaneCode::Limited
        | LaneCode::BreakerOpen
        | LaneCode::Retry
        | LaneCode::NotAllowed
        | LaneCode::InDoubt
        | LaneCode::Dead => true,
        LaneCode::ProjectionEqual
        | LaneCode::OwnChange
        | LaneCode::Dropped
        | LaneCode::Shadow
        | LaneCode::NotRouted
        | LaneCode::NoUpdate
        | LaneCode::LetBe
        | LaneCode::Delivered => false,
    }
}
