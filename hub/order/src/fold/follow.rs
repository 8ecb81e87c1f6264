//! What follows from each verdict: kept, agreed, accepted, shown to a person, sent again.

use jiff::{SignedDuration, Timestamp};

use super::canonical::{Canon, newest, older};
use super::conflict::{
    agree_with, agreed, conflict, differ, ends, keep_word, loser, lost_word, overruled, said_other,
    withdrawn,
};
use super::entries;
use super::field::Spot;
use super::judge::{Standing, Verdict, Writer, level};
use super::owner::{standing, writer};
use super::work::{Again, Speaker, Work};
use crate::catalogue::{FieldId, FieldSet, Merge};
use crate::causes;
use crate::contribution::{Revision, Stated};
use crate::flow::{Others, near};
use crate::ids::{At, SystemName};
use crate::lane::{Facet, FieldState, Flight, Lane, RING_HOURS, WantKey};
use crate::model::Shared;
use crate::route::reads;
use crate::value::Value;

/// Does what a verdict says.
pub(super) fn apply(
    work: &mut Work<'_>,
    speaker: &Speaker<'_>,
    spot: &Spot<'_>,
    value: &Stated,
    verdict: Verdict,
) {
    match verdict {
        Verdict::Stale | Verdict::Late { behind: true } => {}
        Verdict::Agreed => agree(work, speaker, spot, value),
        Verdict::Untouched => {
            let other = said_other(work, speaker, spot, value);
            restate(work, speaker, spot, value);
            if other {
                // What it had changed it has changed back.
                withdrawn(work, speaker, spot);
            }
        }
        Verdict::Late { behind: false } | Verdict::Unknown => {
            restate(work, speaker, spot, value);
        }
        Verdict::Echo(place) => echo(work, speaker, spot, value, place),
        Verdict::Foreign(others) => foreign(work, speaker, spot, value, others),
        Verdict::Accept { won, left_final } => {
            let loser = if won { loser(work, spot) } else { None };
            accept(work, speaker, spot, value, value);
            if won {
                overruled(work, speaker, spot, loser);
            }
            if left_final {
                left_a_final_rank(work, speaker, spot);
            }
        }
        Verdict::Both(both) => {
            accept(work, speaker, spot, value, &Some(Value::List(both.into())));
            send_again(work, speaker, spot);
        }
        Verdict::Entries { merged, clash } => entries(work, speaker, spot, value, (&merged, clash)),
        Verdict::Lost => {
            let word = lost_word(work, speaker, spot, value, true);
            keep_word(work, speaker, spot, &word);
            restate(work, speaker, spot, value);
            differ(work, speaker, spot, (causes::LOST, &entries::about(&spot.path(), &word)));
            send_again(work, speaker, spot);
        }
        Verdict::Manual => {
            restate(work, speaker, spot, value);
            conflict(work, speaker, spot, causes::MANUAL);
        }
        Verdict::Differs => {
            restate(work, speaker, spot, value);
            work.differs.push(spot.path());
        }
    }
}

/// A map of which the speaker changed some names: they come in; what becomes of those that both changed is `clash`.
fn entries(
    work: &mut Work<'_>,
    speaker: &Speaker<'_>,
    spot: &Spot<'_>,
    value: &Stated,
    (merged, clash): (&Stated, Option<Box<Verdict>>),
) {
    let loser = loser(work, spot);
    let word = lost_word(work, speaker, spot, value, true);
    if clash.as_deref() == Some(&Verdict::Lost) {
        keep_word(work, speaker, spot, &word);
    }
    let lane = work.state.lanes.get(speaker.system);
    let before = lane.and_then(|lane| spot.state(lane));
    let agreed = entries::agreed(before.and_then(|state| state.base.as_ref()), value, merged);
    // Of its names some are ours still.
    let told_at = before.map_or(0, |state| state.told_at.max(state.rung_for));
    let what = entries::about(&spot.path(), &word);
    accept(work, speaker, spot, value, merged);
    let state = spot.state_made(work.lane(speaker.system, speaker.role));
    (state.base, state.told_at) = (Some(agreed), told_at);
    match clash.map(|clash| *clash) {
        Some(Verdict::Accept { won: true, .. }) => overruled(work, speaker, spot, loser),
        Some(Verdict::Lost) => {
            differ(work, speaker, spot, (causes::LOST, &what));
            send_again(work, speaker, spot);
        }
        Some(Verdict::Manual) => differ(work, speaker, spot, (causes::MANUAL, &what)),
        Some(Verdict::Differs) => work.differs.push(spot.path()),
        _ => {}
    }
}

/// Drops values that have been in the ring too long.
pub(super) fn expire(state: &mut FieldState, now: Timestamp) {
    let oldest = now.saturating_sub(SignedDuration::from_hours(RING_HOURS)).unwrap_or(now);
    state.ring.retain(|(_, at)| *at >= oldest);
    rung(state);
}

/// What was kept for the values of the ring goes with the last of them.
pub(super) fn rung(state: &mut FieldState) {
    if state.ring.is_empty() {
        state.rung_for = 0;
    }
}

/// Keeps what the speaker said, with its revision, and gives the merge state. Of ranked fields the best it
/// said: the law holds only over the highest.
pub(super) fn restate<'a>(
    work: &'a mut Work<'_>,
    speaker: &Speaker<'_>,
    spot: &Spot<'_>,
    value: &Stated,
) -> &'a mut FieldState {
    let lane = work.lane(speaker.system, speaker.role);
    let heard = lane.heard;
    let state = spot.state_made(lane);
    let same_entity = state.entity == Some(speaker.entity);
    let ranked = matches!(spot.field.merge, Merge::Advance | Merge::Max);
    if let Some((stated, revision)) = &state.stated
        && ranked
    {
        let (said, best) = (level(spot.field, value), level(spot.field, stated));
        let late = said == best && older(speaker.revision, revision.as_ref());
        if said < best || (late && same_entity) {
            return state;
        }
    }
    let former = state.stated.take().and_then(|(_, revision)| revision);
    let revision = match speaker.revision {
        Some(revision) if same_entity && !ranked => newest(former, Some(revision.clone())),
        Some(revision) => Some(revision.clone()),
        None => former,
    };
    state.stated = Some((value.clone(), revision));
    state.entity = Some(speaker.entity);
    state.heard = heard;
    state.taken = 0;
    state.unsure = false;
    state
}

/// Case 2: both say the same; what we sent up to it has arrived.
fn agree(work: &mut Work<'_>, speaker: &Speaker<'_>, spot: &Spot<'_>, value: &Stated) {
    let order = &work.state.order;
    let current = order.record(spot.at).and_then(|r| r.get(spot.field.id)).cloned();
    let since = order.touched.get(spot.at, &spot.field.id).copied().unwrap_or_default();
    let other = said_other(work, speaker, spot, value);
    let canon = Canon::new(work.rules.shapes, speaker.system);
    let id = spot.field.id;
    // What is still out may overwrite it there, and the order may say that by then.
    let lane = work.state.lanes.get(speaker.system);
    let differs = lane.and_then(|lane| still_out(lane, speaker)).is_some_and(|flight| {
        let sent = flight.value(spot.at, id);
        flight.carries(spot.at, id) && !sent.is_some_and(|sent| canon.same(id, sent, value))
    });
    let state = restate(work, speaker, spot, value);
    state.owed |= differs;
    let ours = state.ring.iter().rposition(|(sent, _)| canon.same(id, sent, value));
    if let Some(place) = ours {
        state.ring.drain(..=place);
    }
    let is_new = state.base != current;
    if is_new {
        // Its word of what a call of ours wrote says nothing of what others write; nor does what one of its things shows
        // of those that were told something else since the order had this before.
        let ours = if ours.is_some() { state.rung_for } else { 0 };
        let apart = state.told_at > 0 || state.rung_for > 0;
        state.told_at = if apart { since.max(ours) } else { 0 };
        state.base = current;
    }
    rung(state);
    if is_new && ours.is_none() {
        moved_on(work, speaker.system, spot);
    }
    match other {
        true => withdrawn(work, speaker, spot),
        false => agreed(work, speaker.system, spot),
    }
    if matches!(spot.field.merge, Merge::Advance | Merge::Max) {
        vouch(work, speaker, spot, value);
    }
}

/// Of several systems that say the same of a ranked field, the first owner answers for it: another
/// of equal rank from a later owner does not take its place.
fn vouch(work: &mut Work<'_>, speaker: &Speaker<'_>, spot: &Spot<'_>, value: &Stated) {
    let Standing::Owner(place) = standing(work.state, work.rules, speaker, spot) else {
        return;
    };
    let first = match writer(work.state, work.rules, speaker, spot) {
        Writer::Other(other) => other.is_none_or(|other| place < other),
        Writer::Speaker | Writer::Hub(_) | Writer::Person(_) => false,
    };
    let lane = work.state.lanes.get(speaker.system);
    let stated = lane.and_then(|lane| spot.state(lane)?.stated.as_ref());
    if first && stated.is_some_and(|(stated, _)| stated == value) {
        unwritten(work, spot, Some(speaker.system));
        spot.state_made(work.lane(speaker.system, speaker.role)).wrote = true;
    }
}

/// Case 4: our own value come back.
fn echo(work: &mut Work<'_>, speaker: &Speaker<'_>, spot: &Spot<'_>, value: &Stated, place: usize) {
    let state = restate(work, speaker, spot, value);
    let later = state.ring.get(place + 1..).unwrap_or_default();
    let confirmed = later.iter().any(|(sent, _)| Some(sent) == state.base.as_ref());
    let last = later.is_empty();
    if !confirmed {
        state.base = state.ring.get(place).map(|(sent, _)| sent.clone());
        state.told_at = state.rung_for;
    }
    state.ring.drain(..place);
    if last && !confirmed {
        // The system now shows an older value of ours, and nothing newer is on its way: what it
        // changed itself in between was overwritten there by our own late write.
        send_again(work, speaker, spot);
    }
}

/// Case 5: kept; shown or corrected where `ownership.yaml` says so.
fn foreign(
    work: &mut Work<'_>,
    speaker: &Speaker<'_>,
    spot: &Spot<'_>,
    value: &Stated,
    others: Others,
) {
    if others == Others::Correct {
        let word = lost_word(work, speaker, spot, value, false);
        keep_word(work, speaker, spot, &word);
    }
    restate(work, speaker, spot, value);
    match others {
        Others::Keep => {}
        Others::Propose => conflict(work, speaker, spot, causes::PROPOSAL),
        Others::Correct => send_again(work, speaker, spot),
    }
}

/// Cases 6 and 7 won: `kept` becomes the order's value, `value` is what the speaker said.
///
/// **Invariant:** what a call of ours wrote after the word of a target's user is no word of his, however late it lands or
/// is told. Rules `late-call`, `late-echo`, `late-echo-queued`.
fn accept(
    work: &mut Work<'_>,
    speaker: &Speaker<'_>,
    spot: &Spot<'_>,
    value: &Stated,
    kept: &Stated,
) {
    let id = spot.field.id;
    let canon = Canon::new(work.rules.shapes, speaker.system);
    let current = work.state.order.record(spot.at).and_then(|record| record.get(id));
    let kept = canon.accepted(id, current, kept);
    work.state.order.set(spot.at, id, kept.clone());
    unwritten(work, spot, Some(speaker.system));
    let lane = work.state.lanes.get(speaker.system);
    let flight = lane.and_then(|lane| still_out(lane, speaker));
    let carried = flight.is_some_and(|flight| flight.carries(spot.at, id));
    let out = flight.and_then(|flight| flight.value(spot.at, id)).cloned();
    let settled = settled(work.now, speaker.revision);
    let state = restate(work, speaker, spot, value);
    // It was given ours, and has moved on: what comes back from now on is its own word again. What was sent just now, or
    // may still land, may be there after this word, and is still to be shown.
    let confirmed = state.ring.iter().rposition(|(sent, rung)| {
        Some(sent) == state.base.as_ref() && *rung < settled && out.as_ref() != Some(sent)
    });
    if let Some(place) = confirmed {
        state.ring.drain(..=place);
        rung(state);
    }
    (state.base, state.told_at) = (Some(kept), 0);
    state.wrote = true;
    // The call may land after it, and overwrite it there.
    state.owed |= carried;
    moved_on(work, speaker.system, spot);
    let stands = format!("the value of {} stands now", speaker.system);
    ends(work, speaker.system, spot, stands);
    agree_with(work, speaker, spot);
}

/// How long after it was sent a system may take a value, by clocks that differ.
const PLAY: SignedDuration = SignedDuration::from_mins(5);

/// What was sent before this has been taken, or never will be, as seen by a word of the system: by the time of its
/// document, which may have come late, where that has one.
fn settled(now: Timestamp, revision: Option<&Revision>) -> Timestamp {
    let said = match revision {
        Some(Revision::Timestamp(time)) => now.min(*time),
        Some(Revision::Integer(_)) | None => now,
    };
    said.saturating_sub(PLAY).unwrap_or(said)
}

/// The call that may still take effect, or may have since the speaker's word, answered or not. That of a reply has been.
fn still_out<'a>(lane: &'a Lane, speaker: &Speaker<'_>) -> Option<&'a Flight> {
    lane.flying.as_ref().filter(|flight| flight.may_be_there() && !speaker.reply)
}

/// The target shows something else by now than what was last sent of this field: what was sent says nothing any more of
/// what is there. Nothing is sent for that alone.
fn moved_on(work: &mut Work<'_>, system: &SystemName, spot: &Spot<'_>) {
    let rules = work.rules;
    let Some(lane) = work.lane_there(system) else { return };
    for (text, sent) in &mut lane.sent {
        let Some(key) = WantKey::parse(text) else { continue };
        let about = key.fact.is_none() && near(spot.at, &key.subject);
        if about && reads(rules, system, &key.rule).contains(spot.field.id) {
            sent.forget();
        }
    }
}

/// What a lane still owes of what a rule tells of a subject: from now on somebody else sees to it.
pub(super) fn owed(lane: &mut Lane, subject: &At, reads: FieldSet) -> Vec<(At, FieldId)> {
    let mut found = Vec::new();
    for (at, facet, state) in lane.fields.within_mut(&At::ROOT) {
        if let Facet::Field(field) = facet
            && state.owed
            && reads.contains(*field)
            && near(at, subject)
        {
            state.owed = false;
            found.push((at.clone(), *field));
        }
    }
    found
}

/// Nobody's value any more, but `writer`'s.
pub(super) fn unwritten(work: &mut Work<'_>, spot: &Spot<'_>, writer: Option<&SystemName>) {
    let wrote = |lane: &&Shared<Lane>| Some(&lane.system) != writer && spot.wrote(lane);
    let systems = work.state.lanes.iter().filter(wrote);
    for system in systems.map(|lane| lane.system.clone()).collect::<Vec<_>>() {
        if let Some(state) = work.lane_there(&system).and_then(|lane| spot.state_mut(lane)) {
            state.wrote = false;
        }
    }
}

/// The speaker shall get the order's value again, whatever it was sent last.
///
/// **Invariant:** a correction that comes up while a call may be there goes out behind it, also where the next attempt of
/// that call only finds what the first one made. Rules `owed-between-attempts`, `owed-after-doubt`.
fn send_again(work: &mut Work<'_>, speaker: &Speaker<'_>, spot: &Spot<'_>) {
    let lane = work.lane(speaker.system, speaker.role);
    if still_out(lane, speaker).is_some() {
        // What is under way may have been overwritten there before it is answered, or is taken for sent then without
        // being written.
        spot.state_made(lane).owed = true;
    }
    work.again.push(Again {
        system: speaker.system.clone(),
        at: spot.at.clone(),
        field: spot.field.id,
    });
}

fn left_a_final_rank(work: &mut Work<'_>, speaker: &Speaker<'_>, spot: &Spot<'_>) {
    let detail = format!("{} was moved on from its end by {}", spot.path(), speaker.system);
    let order = &mut work.state.order;
    crate::holds::place(order, "illegal_transition", "order", &detail, "hub", work.now);
}
