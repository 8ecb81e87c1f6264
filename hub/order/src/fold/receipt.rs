//! What came of an attempt: references, what both sides agree on now, the reply, and where the lane
//! goes from here.
//!
//! **Invariant:** a result whose fence is old changes nothing. Rule `old-fence`.
//! **Invariant:** after "may have acted" the flight stays until it is delivered, dead, or decided by
//! a person; nothing supersedes it. Rule `retries`, story `answered-after-the-effect`.

use jiff::{SignedDuration, Timestamp};
use orderhub_lang::diagnostic::visible;

use super::dead::dead;
use super::document::{bind_role, role_of};
use super::field::Spot;
use super::follow::{expire, owed, rung};
use super::refer::{Binding, bind, named, shown};
use super::work::{Again, Done, Ended, Folding, Speaker, Work, item};
use super::{Receipt, ReceiptClass, TodoKind, element};
use crate::catalogue::{catalogue, known};
use crate::causes;
use crate::contribution::{Revision, Stated};
use crate::ids::{At, Entity, Role, SystemName};
use crate::lane::{Facet, Flight, LaneCode, Sent, Xref};
use crate::route::{EVENT, Teller, reads};
use crate::value::Value;

/// How long a lane waits where the retry policy says nothing.
const WAIT: SignedDuration = SignedDuration::from_secs(5);

/// Settles the lane's flight.
pub(super) fn receipt(work: &mut Work<'_>, receipt: &Receipt) -> Folding<Done> {
    let role = role_of(work, &receipt.system)?;
    let Some(flight) = flight_of(work, &receipt.system, receipt.fence) else {
        return Ok(Done::Ended(Ended::Stale));
    };
    let system = &receipt.system;
    let lane = work.lane(system, role);
    if lane.undecided().is_some() && !acted(receipt.class) {
        // Another word on it is there already, and a person decides: that it was done is all that counts now.
        return Ok(Done::Ended(Ended::Stale));
    }
    if let Some(flying) = &mut lane.flying {
        flying.in_air = false;
        flying.memo.clone_from(&receipt.memo);
    }
    if !bind_all(work, (system, role), &receipt.xrefs) {
        return Ok(Done::Merged);
    }
    if acted(receipt.class) {
        take_reply(work, role, &flight, receipt)?;
    }
    match receipt.class {
        ReceiptClass::Ok | ReceiptClass::Already => delivered(work, (system, role), &flight),
        ReceiptClass::Shadowed => shadowed(work, (system, role), &flight),
        ReceiptClass::NotActed => again(work, (system, role), receipt, Retrying::NOT_ACTED),
        ReceiptClass::MayHaveActed => {
            again(work, (system, role), receipt, Retrying::MAY_HAVE_ACTED)
        }
        ReceiptClass::Throttled => again(work, (system, role), receipt, Retrying::THROTTLED),
        ReceiptClass::NotAllowed => again(work, (system, role), receipt, Retrying::NOT_ALLOWED),
        ReceiptClass::InDoubt => in_doubt(work, (system, role), &receipt.why),
        ReceiptClass::SaidNo => {
            dead(work, (system, role), (&flight, receipt.wrote), (causes::REFUSED, &receipt.why))
        }
        ReceiptClass::Dead => {
            dead(work, (system, role), (&flight, receipt.wrote), (causes::GIVEN_UP, &receipt.why))
        }
    }
    settle_linked(work, system);
    Ok(Done::Merged)
}

/// The lane's flight, if it has this fence.
pub(super) fn flight_of(work: &Work<'_>, system: &SystemName, fence: u64) -> Option<Flight> {
    let flight = work.state.lanes.get(system)?.flying.as_ref()?;
    (flight.fence == fence).then(|| flight.clone())
}

fn acted(class: ReceiptClass) -> bool {
    matches!(class, ReceiptClass::Ok | ReceiptClass::Already)
}

/// Binds the references of an answer, whatever came of the attempt. `false`: one names another
/// thing; the lane is held until a person has looked.
pub(super) fn bind_all(
    work: &mut Work<'_>,
    (system, role): (&SystemName, Role),
    xrefs: &[Xref],
) -> bool {
    let mut held = false;
    for xref in xrefs {
        match bind(work, (system, role), &xref.kind, &xref.at, &xref.ext_id) {
            Binding::Bound => bind_role(work, system, role),
            Binding::Nothing => {}
            Binding::Two => {
                let why = format!(
                    "{system} answered with another id for `{}` than it showed before: there are \
                     two there",
                    shown(&xref.at)
                );
                work.todo(item(TodoKind::Finding, causes::TWO_THERE, Some(system), why));
            }
            Binding::Taken(other) => {
                let why = format!(
                    "{system} answered with a {} id for `{}` that names another thing: `{}` is {}",
                    xref.kind,
                    shown(&xref.at),
                    visible(&xref.ext_id),
                    named(work, &other)
                );
                work.todo(item(TodoKind::Ambiguous, causes::REFERENCE_TAKEN, Some(system), why));
                held = true;
            }
        }
    }
    if held {
        work.lane(system, role).put_in_doubt(true);
    }
    !held
}

/// The sent values are agreed on now, unless the system has said otherwise since the call began;
/// then the reply is taken like a document of the same thing.
fn take_reply(work: &mut Work<'_>, role: Role, flight: &Flight, receipt: &Receipt) -> Folding<()> {
    let system = &receipt.system;
    let reply = receipt.reply.as_ref();
    let revision = reply.and_then(|reply| reply.revision.as_ref());
    taken(work, (system, role), flight, revision);
    if let Some(reply) = reply {
        let mut speaker = Speaker::of(reply, role, revision);
        speaker.entity = flight.entity;
        speaker.reply = true;
        let lane = work.lane(system, role);
        lane.heard = lane.heard.saturating_add(1);
        element::state(work, &speaker, &flight.want.subject, &reply.body)?;
    }
    Ok(())
}

/// All that a call told of is what both sides have, and that what it was without is gone.
pub(super) fn taken(
    work: &mut Work<'_>,
    (system, role): (&SystemName, Role),
    flight: &Flight,
    revision: Option<&Revision>,
) {
    let teller = Teller::of(work.rules, system, flight);
    let values = flight.values.iter().map(|(at, field, value)| (at, field, value));
    let without = flight.without.iter().map(|(at, field)| (at, field, &None));
    for (at, field, value) in values.chain(without) {
        if let Some(field) = catalogue().field(*field) {
            let (spot, told_at) = (Spot { at, field }, teller.told_at(at, field.id));
            agree(work, (system, role, flight.entity), &spot, (value, revision, told_at));
        }
    }
}

/// What was sent is what both sides have. A reply with a revision states it at that revision. What the system said while
/// the call was under way may be older or newer than what the call wrote there: where the order says otherwise than the
/// call by now, nobody knows what it has, and it is told again. Rule `spoken-under-way`.
fn agree(
    work: &mut Work<'_>,
    (system, role, entity): (&SystemName, Role, Entity),
    spot: &Spot<'_>,
    (value, revision, told_at): (&Stated, Option<&Revision>, u32),
) {
    let now = work.now;
    let lane = work.lane(system, role);
    let (heard, began) = (lane.heard, lane.heard_at_call);
    let state = spot.state_made(lane);
    expire(state, now);
    let unsure = std::mem::take(&mut state.unsure);
    if state.stated.is_some() && state.heard > began {
        let order = &work.state.order;
        let stands = order.standing(spot.at).and_then(|record| record.get(spot.field.id));
        let moved = stands.unwrap_or(&None) != value;
        let state = spot.state_made(work.lane(system, role));
        let outrun = state.stated.as_ref().is_some_and(|(stated, _)| stated != value);
        if moved || outrun {
            (state.base, state.told_at) = (Some(value.clone()), told_at);
        }
        if moved {
            let (system, at) = (system.clone(), spot.at.clone());
            work.again.push(Again { system, at, field: spot.field.id });
        }
        return;
    }
    let outrun = state.stated.as_ref().is_some_and(|(stated, _)| stated != value);
    // What it had said otherwise may stand in all that others write.
    let anew = state.base.as_ref() != Some(value) || outrun && state.taken == 0 || unsure;
    // What it said between two attempts of the call may be newer than what either wrote: that stands until it is told again.
    let revision = revision.filter(|_| !state.owed);
    let outrun = outrun && revision.is_none() && !state.owed;
    state.taken = if outrun { began } else { 0 };
    if anew {
        state.told_at = told_at;
    }
    state.base = Some(value.clone());
    if let Some(revision) = revision {
        state.stated = Some((value.clone(), Some(revision.clone())));
        state.entity = Some(entity);
        state.heard = heard;
    }
}

/// The target looks as it should: the wish is met, unless a newer one came up meanwhile.
pub(super) fn delivered(work: &mut Work<'_>, (system, role): (&SystemName, Role), flight: &Flight) {
    let rules = work.rules;
    let lane = work.lane(system, role);
    // An event is wished for once: what was published need not be remembered, and would pile up.
    if !flight.want.rule.starts_with(EVENT) {
        lane.sent.insert(flight.want.text(), Sent::new(flight.version, flight.hash));
    }
    if !lane.given_up.is_empty() {
        lane.given_up.remove(&flight.want.text());
    }
    lane.unwant(&flight.want, flight.version);
    if let Some(newer) = lane.wants.iter_mut().find(|want| want.key == flight.want) {
        // The target has what stood when this began: it lags no longer than that.
        newer.since = flight.began.or(newer.since);
    }
    lane.flying = None;
    lane.attempts = 0;
    lane.code = Some(LaneCode::Delivered);
    let reads = reads(rules, system, &flight.want.rule);
    for (at, field) in owed(lane, &flight.want.subject, reads) {
        work.again.push(Again { system: system.clone(), at, field });
    }
    let lane = work.lane(system, role);
    // What is left to send is due by the end of the turn, and handed to the dispatcher.
    lane.due_at = None;
    bind_role(work, system, role);
    // An upsert as well as a create: the warehouse has it now.
    if flight.entity == Entity::Fulfilment {
        fulfilment_sent(work, &flight.want.subject);
    }
}

/// Its receipt makes a fulfilment `sent`, unless its warehouse is further already.
fn fulfilment_sent(work: &mut Work<'_>, at: &At) {
    let rank =
        |status: Option<&str>| catalogue().rank("fulfilment_order", status.unwrap_or("draft"));
    let Some(record) = work.state.order.record_mut(at) else { return };
    if rank(record.text(known::fulfilment::STATUS)) < rank(Some("sent")) {
        record.set(known::fulfilment::STATUS, Some(Value::text("sent")));
    }
}

/// Shadow mode: what would have been sent is remembered apart, nothing is linked.
fn shadowed(work: &mut Work<'_>, (system, role): (&SystemName, Role), flight: &Flight) {
    let lane = work.lane(system, role);
    lane.shadow.insert(flight.want.text(), Sent::new(flight.version, flight.hash));
    lane.unwant(&flight.want, flight.version);
    lane.flying = None;
    lane.attempts = 0;
    lane.code = Some(LaneCode::Shadow);
    // What is left to send is due by the end of the turn, and handed to the dispatcher.
    lane.due_at = None;
    never_landed(work, (system, role), flight);
}

/// What another attempt costs and is called.
struct Retrying {
    code: LaneCode,
    may_have_acted: bool,
    spends_an_attempt: bool,
}

impl Retrying {
    const NOT_ACTED: Retrying =
        Retrying { code: LaneCode::Retry, may_have_acted: false, spends_an_attempt: true };
    const MAY_HAVE_ACTED: Retrying =
        Retrying { code: LaneCode::Retry, may_have_acted: true, spends_an_attempt: true };
    const THROTTLED: Retrying =
        Retrying { code: LaneCode::Limited, may_have_acted: false, spends_an_attempt: false };
    const NOT_ALLOWED: Retrying =
        Retrying { code: LaneCode::NotAllowed, may_have_acted: false, spends_an_attempt: false };
}

/// Another attempt follows. What nobody can have seen leaves the ring.
fn again(
    work: &mut Work<'_>,
    (system, role): (&SystemName, Role),
    receipt: &Receipt,
    next: Retrying,
) {
    let due = due(work.now, receipt);
    let lane = work.lane(system, role);
    lane.code = Some(next.code);
    lane.due_at = Some(due);
    if !next.spends_an_attempt {
        lane.attempts = lane.attempts.saturating_sub(1);
    }
    let Some(flying) = &mut lane.flying else { return };
    flying.may_have_acted |= next.may_have_acted;
    flying.wrote |= receipt.wrote;
    if !flying.may_be_there() {
        let flight = flying.clone();
        never_landed(work, (system, role), &flight);
    }
}

/// When the next attempt is due: the policy's word.
fn due(now: Timestamp, receipt: &Receipt) -> Timestamp {
    receipt.next_due.unwrap_or_else(|| now.saturating_add(WAIT).unwrap_or(now))
}

/// Takes the values of a call that certainly did not act out of the rings again.
fn never_landed(work: &mut Work<'_>, (system, role): (&SystemName, Role), flight: &Flight) {
    let lane = work.lane(system, role);
    for (at, field, value) in &flight.values {
        if let Some(state) = lane.fields.get_mut(at, &Facet::Field(*field))
            && let Some(place) = state.ring.iter().rposition(|(sent, _)| sent == value)
        {
            state.ring.remove(place);
            rung(state);
        }
    }
}

/// Nobody can say whether it happened: a person is shown it, and the lane is held.
fn in_doubt(work: &mut Work<'_>, (system, role): (&SystemName, Role), why: &str) {
    work.lane(system, role).put_in_doubt(true);
    work.todo(item(TodoKind::InDoubt, causes::MAY_HAVE_ACTED, Some(system), why.to_owned()));
}

/// A create that may have acted is settled by whatever shows its subject to be linked: it is there. One in several steps
/// goes on by itself instead: its subject is there from the first of them on.
///
/// **Invariant:** a create of which steps are left is never taken for delivered. Rule `half-made`. **Invariant:** what is
/// shown to be there is not made again, whatever its lane waits for meanwhile. Rules `shown-before-again`,
/// `shown-while-it-waits`.
pub(super) fn settle_linked(work: &mut Work<'_>, system: &SystemName) {
    let Some(lane) = work.state.lanes.get(system) else { return };
    let (role, Some(flight)) = (lane.role, &lane.flying) else { return };
    // What a person has looked for and not found may have come since.
    let open = flight.creates
        && (flight.may_have_acted || flight.decided)
        && !flight.in_air
        && !flight.in_steps;
    // A lane that is held for a taken or doubtful reference waits for its person; one that waits for anything else does not.
    let goes_on = lane.undecided().is_none();
    let linked = lane.ext_id(flight.entity.as_str(), &flight.want.subject).is_some();
    if open && goes_on && linked {
        let flight = flight.clone();
        taken(work, (system, role), &flight, None);
        delivered(work, (system, role), &flight);
    }
}
