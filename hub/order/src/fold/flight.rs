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
use crate::route::{Plan, Teller, Unrouted, plan, reads, settle_wish, skips, unrouted};
use crate::rules::Mode;

/// Takes a call off: judged once more, frozen, its values in the rings, its fence raised.
///
/// **Invariant:** what goes on with an attempt before goes on with the call that the lane is bound to, or not at all. Test:
/// `a_call_that_is_over_is_not_made_again` in `tests/it/looked.rs`.
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
        // What it goes on with is over.
        Some(_) | None if flight.may_have_acted || flight.wrote => {
            return refused(LaneCode::Dropped);
        }
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
///
/// **Invariant:** what was found before the order, its lane or the files became others ends no wish, and says nothing of
/// what is there. Rules `looked-before`, `looked-before-a-word`; tests `what_was_found_before_a_wish_ended_says_nothing`,
/// `what_was_found_by_other_files_ends_nothing` in `tests/it/looked.rs`.
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
    if !is_there(lane, want) {
        return Err(Box::new(Outcome::Refused(LaneCode::Dropped)));
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
    if !is_so(work, system, (want, version), (code, hash)) {
        return Err(Box::new(Outcome::Refused(LaneCode::Retry)));
    }
    let shadow = is_shadow(work, system);
    let lane = work.lane(system, role);
    let sent = if shadow { &mut lane.shadow } else { &mut lane.sent };
    if let (LaneCode::ProjectionEqual | LaneCode::Shadow, Some(hash)) = (code, hash) {
        sent.insert(want.text(), Sent::new(version, hash));
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

/// Whether a wish is there, or its call: what is over waits for nothing.
fn is_there(lane: &Lane, want: &WantKey) -> bool {
    let of_it = |flight: &Flight| flight.want == *want;
    lane.wants.iter().any(|known| known.key == *want) || lane.flying.as_ref().is_some_and(of_it)
}

/// Whether what was found of a wish, and ends it, is so still.
fn is_so(
    work: &Work<'_>,
    system: &SystemName,
    (want, version): (&WantKey, u32),
    (code, hash): (LaneCode, Option<[u8; 16]>),
) -> bool {
    let shadow = is_shadow(work, system);
    match code {
        LaneCode::ProjectionEqual => {
            let lane = work.state.lanes.get(system);
            let sent = lane.map(|lane| if shadow { &lane.shadow } else { &lane.sent });
            let sent = sent.and_then(|sent| sent.get(&want.text()));
            work.state.order.version <= version
                && sent.is_some_and(|sent| !sent.overwritten && Some(sent.hash) == hash)
        }
        LaneCode::Shadow => shadow,
        LaneCode::OwnChange | LaneCode::Dropped | LaneCode::NoUpdate | LaneCode::Delivered => {
            skips(work.state, system, want, work.rules) == Some(code)
        }
        LaneCode::Held
        | LaneCode::Paused
        | LaneCode::NotRouted
        | LaneCode::NotLinked
        | LaneCode::Limited
        | LaneCode::BreakerOpen
        | LaneCode::Retry
        | LaneCode::NotAllowed
        | LaneCode::InDoubt
        | LaneCode::Dead
        | LaneCode::LetBe => true,
    }
}

fn is_shadow(work: &Work<'_>, system: &SystemName) -> bool {
    work.rules.systems.get(system).is_some_and(|known| known.mode == Mode::Shadow)
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
