//! A person has an order sent again: everything that a system is owed by what has happened so far goes to it once more,
//! whole, as its rules and the order are now.
//!
//! It makes a version of the order, with who asked and why, as every act of a person does; so the calls of states are new
//! ones, under keys of their own. A fact's call has the key of its firing, whenever it is made; one that was given up, and
//! is not there, has a key of its own again: a target that keeps its answers by key would give its refusal. A call under way
//! is left to its end, and what is asked for goes behind it.
//!
//! **Invariant:** what is sent again goes whole, though it equals what was sent; what would not be sent to one who got
//! nothing yet is not sent, and nothing at all where a person has to decide first. Tests: `what_is_sent_again_goes_whole`,
//! `what_cannot_be_sent_again_is_refused_with_a_sentence`. **Invariant:** a fact that was told is not told again. Test:
//! `a_fact_is_told_once`. Facts that were given up: `lane::given_up`. All in `tests/it/resend.rs`.
//!
//! **Bounds:** a lane has at most 64 wishes. **Invariant:** where not all that is to be sent has room, nothing is sent and
//! whoever asked is told. Test: `a_full_lane_says_no_before_anything_is_changed`.

use orderhub_lang::codes::Cause;

use super::Effect;
use super::person::{refused, undecided};
use super::work::{Done, Folding, Work};
use crate::catalogue::known;
use crate::causes;
use crate::ids::{At, Collection, SystemName};
use crate::lane::{Lane, LaneCode, MOST_WANTS, Want};
use crate::model::State;
use crate::route::{Owed, outlook, owed, want_or_tell, yields};
use crate::rules::Rules;

/// Why nothing can be sent: the cause, and a sentence that says what to do.
type Refusal = (&'static Cause, String);

/// Wants it all again.
pub(super) fn resend(work: &mut Work<'_>, system: &SystemName) -> Folding<Done> {
    let found = match sendable(work.state, system, work.rules) {
        Ok(found) => found,
        Err((cause, why)) => return refused(cause, why),
    };
    let Some(role) = work.rules.systems.get(system).map(|known| known.role) else {
        return Ok(Done::Merged);
    };
    let version = work.state.order.version.saturating_add(1);
    // That it was asked for is part of the order's history.
    work.state.order.fired.insert(format!("resent {system}"), version);
    for (key, release) in found {
        work.settle(system, &key.text(), "a person had it sent again".to_owned());
        let (rules, mut effects) = (work.rules, Vec::new());
        let lane = work.lane(system, role);
        want_or_tell(lane, &key, (version, Some(release)), rules, &mut effects);
        if let Some(want) = lane.wants.iter_mut().find(|want| want.key == key) {
            (want.whole, want.unfit) = (true, false);
        }
        work.effects.append(&mut effects);
    }
    let now = work.now;
    let lane = work.lane(system, role);
    if lane.due_at.is_none() {
        lane.due_at = Some(now);
        work.effects.push(Effect::Deliver { system: system.clone() });
    }
    Ok(Done::Merged)
}

/// What can be sent now.
fn sendable(state: &State, system: &SystemName, rules: &Rules<'_>) -> Result<Vec<Owed>, Refusal> {
    let Some(known) = rules.systems.get(system) else {
        return Err((causes::UNKNOWN_SYSTEM, format!("the settings name no system `{system}`")));
    };
    if known.deliver.iter().all(|rule| rule.is_nothing()) {
        let why = format!(
            "`{system}` is sent nothing: its integration has no entry of `deliver:` that sends"
        );
        return Err((causes::SENT_NOTHING, why));
    }
    if let Some(lane) = state.lanes.get(system)
        && (undecided(lane).is_some() || lane.doubts(None))
    {
        let why = format!(
            "a call to `{system}` waits for a person, because nobody knows whether it took effect, or it was given up: decide \
             its todo first (`orderhub todo list --system {system}`)"
        );
        return Err((causes::UNDECIDED, why));
    }
    let owed = owed(state, system, rules);
    if owed.is_empty() {
        let why = format!(
            "nothing of this order is for `{system}` so far: `orderhub why` says which release has not happened, or what was \
             told once and for all"
        );
        return Err((causes::NOT_RELEASED, why));
    }
    let (mut trial, version) = (state.clone(), state.order.version.saturating_add(1));
    let lane = trial.lanes.made(system, || Lane::new(system.clone(), known.role));
    let wish = |(key, release): &Owed| Want {
        key: key.clone(),
        version,
        release: Some(release.clone()),
        since: None,
        unfit: false,
        whole: true,
    };
    // All of them are judged, also where there are more than a lane holds.
    lane.wants = owed.iter().map(wish).collect();
    let judged = outlook(&trial, system, rules);
    let goes =
        |(key, _): &Owed| judged.iter().any(|one| one.want.key == *key && one.operation.is_some());
    let found: Vec<Owed> = owed.into_iter().filter(goes).collect();
    if found.is_empty() {
        let code = judged.iter().find_map(|one| one.code);
        return Err(kept(state, system, code.unwrap_or(LaneCode::NotRouted)));
    }
    match room(state, system, rules, &found) {
        Some(refusal) => Err(refusal),
        None => Ok(found),
    }
}

/// Why not all of it has room beside what waits.
fn room(state: &State, system: &SystemName, rules: &Rules<'_>, found: &[Owed]) -> Option<Refusal> {
    let wants = state.lanes.get(system).map_or(&[][..], |lane| &lane.wants);
    let yields = state.lanes.get(system).map_or(0, |lane| yields(lane, rules));
    let fresh = found.iter().filter(|(key, _)| wants.iter().all(|want| want.key != *key)).count();
    if wants.len().saturating_sub(yields).saturating_add(fresh) > MOST_WANTS {
        let why = format!(
            "{} wishes of this order wait for `{system}` already, and {fresh} more have no room beside them: at most \
             {MOST_WANTS} are kept. `orderhub why` says what stands in their way",
            wants.len()
        );
        return Some((causes::NO_ROOM, why));
    }
    None
}

/// Why nothing of what a system is owed can be sent now.
fn kept(state: &State, system: &SystemName, code: LaneCode) -> Refusal {
    match code {
        LaneCode::Held => {
            let holds = state.order.elements_at(&At::ROOT, Collection::Holds);
            let codes = holds.iter().filter_map(|(_, hold)| hold.fields.text(known::hold::CODE));
            let codes: Vec<&str> = codes.collect();
            let why = match codes.is_empty() {
                true => format!(
                    "the flow, or a `when:` of its deliver rules, does not let it go to `{system}` now: `orderhub why` says what \
                     the order lacks"
                ),
                false => format!(
                    "the order is held ({}): end the hold first, `orderhub order release`",
                    codes.join(", ")
                ),
            };
            (causes::HELD, why)
        }
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
        LaneCode::ProjectionEqual
        | LaneCode::OwnChange
        | LaneCode::Shadow
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
            format!("nothing can be sent to `{system}` now: `orderhub why` says why"),
        ),
    }
}
