//! What follows from each verdict: kept, agreed, accepted, shown to a person, sent again.

use jiff::{SignedDuration, Timestamp};
use orderhub_lang::codes::Cause;

use super::canonical::{Canon, newest, older};
use super::entries;
use super::field::Spot;
use super::judge::{Standing, Verdict, Writer, level};
use super::owner::{standing, writer};
use super::work::{Again, Speaker, Work};
use crate::catalogue::Merge;
use crate::causes;
use crate::contribution::Stated;
use crate::flow::Others;
use crate::ids::SystemName;
use crate::lane::{FieldState, Lane, RING_HOURS, WantKey};
use crate::model::Shared;
use crate::route::{Teller, reads};
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
            restate(work, speaker, spot, value);
            conflict(work, speaker, spot, causes::LOST);
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
    let lane = work.state.lanes.get(speaker.system);
    let base = lane.and_then(|lane| spot.state(lane)?.base.as_ref());
    let agreed = entries::agreed(base, value, merged);
    let what = entries::clashed(&spot.path(), value, merged);
    accept(work, speaker, spot, value, merged);
    let state = spot.state_made(work.lane(speaker.system, speaker.role));
    (state.base, state.told_at) = (Some(agreed), 0);
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
    state
}

/// Case 2: both say the same; what we sent up to it has arrived.
fn agree(work: &mut Work<'_>, speaker: &Speaker<'_>, spot: &Spot<'_>, value: &Stated) {
    let current = work.state.order.record(spot.at).and_then(|r| r.get(spot.field.id)).cloned();
    let other = said_other(work, speaker, spot, value);
    let canon = Canon::new(work.rules.shapes, speaker.system);
    let id = spot.field.id;
    let state = restate(work, speaker, spot, value);
    let ours = state.ring.iter().rposition(|(sent, _)| canon.same(id, sent, value));
    if let Some(place) = ours {
        state.ring.drain(..=place);
    }
    let is_new = state.base != current;
    (state.base, state.told_at) = (current, if is_new { 0 } else { state.told_at });
    if is_new && ours.is_some() {
        // Its word of what a call of ours wrote, before the call's own answer: what that call tells, no other does.
        let told_at = under_way(work, speaker.system, spot);
        spot.state_made(work.lane(speaker.system, speaker.role)).told_at = told_at;
    }
    match other {
        true => withdrawn(work, speaker, spot),
        false => agreed(work, speaker.system, &spot.path()),
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
        Writer::Speaker | Writer::Hub(_) | Writer::Person => false,
    };
    let lane = work.state.lanes.get(speaker.system);
    let stated = lane.and_then(|lane| spot.state(lane)?.stated.as_ref());
    if first && stated.is_some_and(|(stated, _)| stated == value) {
        unwritten(work, spot, Some(speaker.system));
        spot.state_made(work.lane(speaker.system, speaker.role)).wrote = true;
    }
}

/// The version under which the call under way tells of a field; zero: nobody else does, or it does not tell of it.
fn under_way(work: &Work<'_>, system: &SystemName, spot: &Spot<'_>) -> u32 {
    let flying = work.state.lanes.get(system).and_then(|lane| lane.flying.as_ref());
    let teller = flying.map(|flying| Teller::of(work.rules, system, flying));
    let tells = teller.filter(|teller| teller.tells(spot.at, spot.field.id));
    tells.map_or(0, |teller| teller.told_at(spot.at, spot.field.id))
}

/// Case 4: our own value come back.
fn echo(work: &mut Work<'_>, speaker: &Speaker<'_>, spot: &Spot<'_>, value: &Stated, place: usize) {
    let told_at = under_way(work, speaker.system, spot);
    let state = restate(work, speaker, spot, value);
    let later = state.ring.get(place + 1..).unwrap_or_default();
    let confirmed = later.iter().any(|(sent, _)| Some(sent) == state.base.as_ref());
    let last = later.is_empty();
    if !confirmed {
        state.base = state.ring.get(place).map(|(sent, _)| sent.clone());
        state.told_at = told_at;
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
    restate(work, speaker, spot, value);
    match others {
        Others::Keep => {}
        Others::Propose => conflict(work, speaker, spot, causes::PROPOSAL),
        Others::Correct => send_again(work, speaker, spot),
    }
}

/// Cases 6 and 7 won: `kept` becomes the order's value, `value` is what the speaker said.
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
    let state = restate(work, speaker, spot, value);
    // It was shown ours, and has moved on: what comes back from now on is its own word again.
    let confirmed = state.ring.iter().rposition(|(sent, _)| Some(sent) == state.base.as_ref());
    if let Some(place) = confirmed {
        state.ring.drain(..=place);
    }
    (state.base, state.told_at) = (Some(kept), 0);
    state.wrote = true;
    moved_on(work, speaker.system, spot);
    let path = spot.path();
    work.settle(speaker.system, &path, format!("the value of {} stands now", speaker.system));
    agree_with(work, speaker, spot);
}

/// The target shows something else by now than what was last sent of this field: what was sent says nothing any more of
/// what is there. Nothing is sent for that alone.
fn moved_on(work: &mut Work<'_>, system: &SystemName, spot: &Spot<'_>) {
    let rules = work.rules;
    let Some(lane) = work.lane_there(system) else { return };
    for (text, sent) in &mut lane.sent {
        let Some(key) = WantKey::parse(text) else { continue };
        let about = key.fact.is_none() && spot.at.within(&key.subject);
        if about && reads(rules, system, &key.rule).contains(spot.field.id) {
            sent.hash = [0; 16];
        }
    }
}

/// Others that said so before agree now.
fn agree_with(work: &mut Work<'_>, speaker: &Speaker<'_>, spot: &Spot<'_>) {
    let (path, id) = (spot.path(), spot.field.id);
    let Some(value) = work.state.order.record(spot.at).and_then(|record| record.get(id)) else {
        return;
    };
    let agrees = |lane: &&Shared<Lane>| {
        let open = lane.system != *speaker.system && lane.open_conflicts.contains(&path);
        let stated = spot.state(lane).and_then(|state| state.stated.as_ref());
        let canon = Canon::new(work.rules.shapes, &lane.system);
        open && stated.is_some_and(|(stated, _)| canon.same(id, stated, value))
    };
    let lanes = work.state.lanes.iter().filter(agrees).map(|lane| lane.system.clone());
    for system in lanes.collect::<Vec<_>>() {
        agreed(work, &system, &path);
    }
}

/// Whether the speaker's last word of a field was another.
fn said_other(work: &Work<'_>, speaker: &Speaker<'_>, spot: &Spot<'_>, value: &Stated) -> bool {
    let lane = work.state.lanes.get(speaker.system);
    let stated = lane.and_then(|lane| spot.state(lane)?.stated.as_ref());
    stated.is_some_and(|(stated, _)| stated != value)
}

fn agreed(work: &mut Work<'_>, system: &SystemName, path: &str) {
    work.settle(system, path, format!("agreed: the order has the value of {system}"));
}

fn withdrawn(work: &mut Work<'_>, speaker: &Speaker<'_>, spot: &Spot<'_>) {
    let system = speaker.system;
    work.settle(system, &spot.path(), format!("withdrawn: {system} does not say so any more"));
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

/// Whose value is about to lose; `None`: a person's, or nobody's in particular.
fn loser(work: &Work<'_>, spot: &Spot<'_>) -> Option<SystemName> {
    let mut lanes = work.state.lanes.iter();
    lanes.find(|lane| spot.wrote(lane)).map(|lane| lane.system.clone())
}

/// The speaker's value stands; whose it replaces is shown to a person.
fn overruled(
    work: &mut Work<'_>,
    speaker: &Speaker<'_>,
    spot: &Spot<'_>,
    loser: Option<SystemName>,
) {
    let (path, winner) = (spot.path(), speaker.system);
    if let Some(lane) = loser.as_ref().and_then(|loser| work.lane_there(loser))
        && !lane.open_conflicts.contains(&path)
    {
        lane.open_conflicts.push(path.clone());
    }
    let why = format!("`{path}` was changed on both sides; the value of {winner} stands");
    work.conflict(causes::OVERRULED, loser.as_ref(), (&path, why));
}

/// A person is shown that two sides differ; the statement stays in the lane.
pub(super) fn conflict(
    work: &mut Work<'_>,
    speaker: &Speaker<'_>,
    spot: &Spot<'_>,
    cause: &'static Cause,
) {
    differ(work, speaker, spot, (cause, &spot.path()));
}

/// The same about some names of a map.
fn differ(
    work: &mut Work<'_>,
    speaker: &Speaker<'_>,
    spot: &Spot<'_>,
    (cause, what): (&'static Cause, &str),
) {
    let lane = work.lane(speaker.system, speaker.role);
    let path = spot.path();
    if !lane.open_conflicts.contains(&path) {
        lane.open_conflicts.push(path.clone());
    }
    let system = speaker.system;
    let why = if cause == causes::PROPOSAL {
        format!("{system} proposes another value for `{what}`")
    } else if cause == causes::LOST {
        format!("`{what}` was changed on both sides; the value of {system} does not stand")
    } else if cause == causes::FACT_CHANGED {
        format!("{system} says `{what}` otherwise than before; facts stay as they are")
    } else {
        format!(
            "`{what}` was changed on both sides; decide between the order's value and that of {system}"
        )
    };
    work.conflict(cause, Some(speaker.system), (&path, why));
}

/// The speaker shall get the order's value again, whatever it was sent last.
fn send_again(work: &mut Work<'_>, speaker: &Speaker<'_>, spot: &Spot<'_>) {
    let lane = work.lane(speaker.system, speaker.role);
    if lane.flying.as_ref().is_some_and(|flight| flight.in_air) {
        // What is under way may have been overwritten there before it is answered.
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
