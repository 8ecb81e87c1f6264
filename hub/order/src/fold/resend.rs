//! A person has an order sent to a system: what it lacks, or all that it is owed once more.
//!
//! What it lacks is what was given up and what it was never told or sent, of what has happened so far; also a state of
//! which a field that its mapping reads has changed since it was sent. Asked for with `all`, every state goes besides, whole,
//! as its rules and the order are now. A fact that was told is told once, in either case.
//!
//! It makes a version of the order, with who asked and why, as every act of a person does; so the calls of states are new
//! ones, under keys of their own. A fact's call has the key of its firing, whenever it is made; one that was given up, and
//! is not there, has a key of its own again: a target that keeps its answers by key would give its refusal. A call under way
//! is left to its end, and what is asked for goes behind it.
//!
//! **Invariant:** what a system has is not sent again unless all was asked for, whatever its rule is called by now; what was
//! asked for and waits is not asked for again; and that somebody asked is no change of the order that anybody is told. Tests:
//! `what_is_there_is_not_sent_again`, `what_waits_is_not_asked_for_again`, `that_it_was_asked_for_is_told_nobody`; rule
//! `sent-again`. **Invariant:** where all is asked for it goes whole, though it equals what was sent; what would not be sent
//! to one who got nothing yet is not sent, and nothing at all where a person has to decide first. Tests:
//! `what_is_sent_again_goes_whole`, `what_cannot_be_sent_again_is_refused_with_a_sentence`. **Invariant:** a fact that was
//! told is not told again. Test: `a_fact_is_told_once`. Facts that were given up: `lane::given_up`. All in
//! `tests/it/resend.rs`.
//!
//! **Bounds:** a lane has at most 64 wishes. **Invariant:** where not all that is to be sent has room, nothing is sent and
//! whoever asked is told. Test: `a_full_lane_says_no_before_anything_is_changed`.

use orderhub_lang::codes::Cause;

use super::person::refused;
use super::work::{Done, Folding, Work};
use super::{Effect, Outcome};
use crate::catalogue::known;
use crate::causes;
use crate::ids::{At, Collection, Role, SystemName};
use crate::lane::{Lane, LaneCode, MOST_WANTS, Want, WantKey};
use crate::model::State;
use crate::route::{Owed, missing, outlook, owed, want_or_tell, yields};
use crate::rules::Rules;

/// Why nothing can be sent: the cause, and a sentence that says what to do.
pub(super) type Refusal = (&'static Cause, String);

/// What the versions are known by that say that somebody had an order sent again, among what has fired.
pub(crate) const RESENT: &str = "resent ";

/// Wants what a system lacks, or all of it again.
pub(super) fn resend(work: &mut Work<'_>, system: &SystemName, all: bool) -> Folding<Done> {
    let found = match sendable(work.state, system, all, work.rules) {
        Ok(found) => found,
        Err((cause, why)) => return refused(cause, why),
    };
    let Some(role) = work.rules.systems.get(system).map(|known| known.role) else {
        return Ok(Done::Merged);
    };
    if found.is_empty() {
        return Err(Box::new(Outcome::Unchanged));
    }
    let version = asked(work, system);
    for (key, release) in found {
        work.settle(system, &key.text(), "a person had it sent again".to_owned());
        let (rules, mut effects) = (work.rules, Vec::new());
        let lane = work.lane(system, role);
        let whole = all || was_whole(lane, &key);
        want_or_tell(lane, &key, (version, Some(release)), rules, &mut effects);
        if let Some(want) = lane.wants.iter_mut().find(|want| want.key == key) {
            (want.whole, want.unfit) = (want.whole || whole, false);
        }
        work.effects.append(&mut effects);
    }
    hand_over(work, (system, role));
    Ok(Done::Merged)
}

/// Whether it was given up as it was to go whole.
fn was_whole(lane: &Lane, key: &WantKey) -> bool {
    lane.given_up.get(&key.text()).is_some_and(|one| one.whole)
}

/// The version that says that it was asked for: part of the order's history.
pub(super) fn asked(work: &mut Work<'_>, system: &SystemName) -> u32 {
    let version = work.state.order.version.saturating_add(1);
    work.state.order.fired.insert(format!("{RESENT}{system}"), version);
    version
}

/// A lane that waits for nothing is due now.
pub(super) fn hand_over(work: &mut Work<'_>, (system, role): (&SystemName, Role)) {
    let now = work.now;
    let lane = work.lane(system, role);
    if lane.due_at.is_none() && lane.undecided().is_none() {
        lane.due_at = Some(now);
        work.effects.push(Effect::Deliver { system: system.clone() });
    }
}

/// What can be sent now, and does not wait to be sent already.
fn sendable(
    state: &State,
    system: &SystemName,
    all: bool,
    rules: &Rules<'_>,
) -> Result<Vec<Owed>, Refusal> {
    if let Some(refusal) = nothing_at_all(state, system, rules) {
        return Err(refusal);
    }
    let owed = if all { owed(state, system, rules) } else { missing(state, system, rules) };
    if owed.is_empty() {
        return Err(nothing_owed(state, system, rules));
    }
    let (mut found, mut codes) = (Vec::new(), Vec::new());
    for (one, code) in judged(state, system, rules, (owed, all)) {
        match code {
            None => found.push(one),
            Some(code) => codes.push(code),
        }
    }
    if found.is_empty() {
        let there = |code: &&LaneCode| matches!(code, LaneCode::OwnChange);
        let code = codes.iter().find(|code| !there(code)).or_else(|| codes.first());
        return Err(kept(state, system, code.copied().unwrap_or(LaneCode::NotRouted)));
    }
    let lane = state.lanes.get(system);
    found.retain(|(key, _)| !lane.is_some_and(|lane| waits(lane, key, all)));
    match room(state, system, rules, &found) {
        Some(refusal) => Err(refusal),
        None => Ok(found),
    }
}

/// What would become of these wishes, each with why it is not sent now.
pub(super) fn judged(
    state: &State,
    system: &SystemName,
    rules: &Rules<'_>,
    (owed, whole): (Vec<Owed>, bool),
) -> Vec<(Owed, Option<LaneCode>)> {
    let Some(known) = rules.systems.get(system) else { return Vec::new() };
    let (mut trial, version) = (state.clone(), state.order.version.saturating_add(1));
    let lane = trial.lanes.made(system, || Lane::new(system.clone(), known.role));
    let wish = |(key, release): &Owed| Want {
        key: key.clone(),
        version,
        release: Some(release.clone()),
        since: None,
        unfit: false,
        whole: whole || state.lanes.get(system).is_some_and(|lane| was_whole(lane, key)),
    };
    // All of them are judged, also where there are more than a lane holds.
    lane.wants = owed.iter().map(wish).collect();
    let judged = outlook(&trial, system, rules).into_iter();
    let codes: Vec<_> = judged.map(|one| one.code.filter(|_| one.operation.is_none())).collect();
    owed.into_iter().zip(codes).collect()
}

/// Whether it waits to be sent already, as it is asked for.
fn waits(lane: &Lane, key: &WantKey, all: bool) -> bool {
    let is_due = lane.due_at.is_some() || lane.flying.as_ref().is_some_and(|flight| flight.in_air);
    let waits = |want: &Want| want.key == *key && !want.unfit;
    let as_asked = |want: &Want| want.whole || !all || key.fact.is_some();
    is_due && lane.wants.iter().any(|want| waits(want) && as_asked(want))
}

/// Why a system is sent nothing, whatever the order is.
fn nothing_at_all(state: &State, system: &SystemName, rules: &Rules<'_>) -> Option<Refusal> {
    let Some(known) = rules.systems.get(system) else {
        return Some((causes::UNKNOWN_SYSTEM, format!("the settings name no system `{system}`")));
    };
    if known.deliver.iter().all(|rule| rule.is_nothing()) {
        let why = format!(
            "`{system}` is sent nothing: its integration has no entry of `deliver:` that sends"
        );
        return Some((causes::SENT_NOTHING, why));
    }
    let lane = state.lanes.get(system)?;
    (lane.undecided().is_some() || lane.doubts(None)).then(|| {
        let why = format!(
            "a call to `{system}` waits for a person, because nobody knows whether it took effect, or it was given up: decide \
             its todo first (`orderhub todo list --system {system}`)"
        );
        (causes::UNDECIDED, why)
    })
}

/// Why there is nothing to be sent of what has happened so far.
fn nothing_owed(state: &State, system: &SystemName, rules: &Rules<'_>) -> Refusal {
    let sent = state.lanes.get(system).is_some_and(|lane| !lane.sent.is_empty());
    match sent || !owed(state, system, rules).is_empty() {
        true => nothing_missing(state, system),
        false => {
            let why = format!(
                "nothing of this order is for `{system}` so far: `orderhub why {} {system}` says which release has not happened",
                state.order.reference
            );
            (causes::NOT_RELEASED, why)
        }
    }
}

/// Why nothing goes to a system that has all of it.
pub fn nothing_missing(state: &State, system: &SystemName) -> Refusal {
    let why = format!(
        "`{system}` was sent all that is for it of this order: `orderhub order resend {} {system} --all --reason \"lost there\"` \
         sends every state once more, whole; a fact that was told is told once",
        state.order.reference
    );
    (causes::NOTHING_MISSING, why)
}

/// Why not all of it has room beside what waits.
fn room(state: &State, system: &SystemName, rules: &Rules<'_>, found: &[Owed]) -> Option<Refusal> {
    let wants = state.lanes.get(system).map_or(&[][..], |lane| &lane.wants);
    let yields = state.lanes.get(system).map_or(0, |lane| yields(lane, rules));
    let fresh = found.iter().filter(|(key, _)| wants.iter().all(|want| want.key != *key)).count();
    if wants.len().saturating_sub(yields).saturating_add(fresh) > MOST_WANTS {
        let why = format!(
            "{} wishes of this order wait for `{system}` already, and {fresh} more have no room beside them: at most \
             {MOST_WANTS} are kept. `orderhub why {} {system}` says what stands in their way",
            wants.len(),
            state.order.reference
        );
        return Some((causes::NO_ROOM, why));
    }
    None
}

/// Why nothing of what a system is owed can be sent now.
fn kept(state: &State, system: &SystemName, code: LaneCode) -> Refusal {
    match code {
        LaneCode::Held => (causes::HELD, held(state, system)),
        LaneCode::NotLinked => {
            let why = format!("what `{system}` calls it is not known yet, and the call needs that");
            (causes::NOT_LINKED, why)
        }
        LaneCode::NoUpdate | LaneCode::Delivered => {
            let why = format!(
                "`{system}` has it, and its integration has no `update:` for what is there"
            );
            (causes::NO_UPDATE, why)
        }
        LaneCode::Dropped => {
            let why = format!(
                "the order's life has ended, and `{system}` is told nothing of it any more"
            );
            (causes::DROPPED, why)
        }
        LaneCode::ProjectionEqual | LaneCode::OwnChange => nothing_missing(state, system),
        LaneCode::Shadow
        | LaneCode::Paused
        | LaneCode::NotRouted
        | LaneCode::Limited
        | LaneCode::BreakerOpen
        | LaneCode::Retry
        | LaneCode::NotAllowed
        | LaneCode::InDoubt
        | LaneCode::Dead
        | LaneCode::LetBe => (
            causes::NOTHING_SENDABLE,
            format!(
                "nothing can be sent to `{system}` now: `orderhub why {} {system}` says why",
                state.order.reference
            ),
        ),
    }
}

/// What holds the order.
fn held(state: &State, system: &SystemName) -> String {
    let reference = &state.order.reference;
    let holds = state.order.elements_at(&At::ROOT, Collection::Holds);
    let codes = holds.iter().filter_map(|(_, hold)| hold.fields.text(known::hold::CODE));
    let codes: Vec<&str> = codes.collect();
    let first = holds.first().and_then(|(at, _)| at.id());
    let Some(first) = first.filter(|_| !codes.is_empty()) else {
        return format!(
            "the flow, or a `when:` of its deliver rules, does not let it go to `{system}` now: `orderhub why {reference} {system}` \
             says what the order lacks"
        );
    };
    format!(
        "the order is held ({}): end the hold first, `orderhub order release {reference} {} --reason \"checked\"`",
        codes.join(", "),
        first.as_str()
    )
}
