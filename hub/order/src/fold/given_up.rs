//! What was given up and nothing sends by itself: kept by its call's end, sent again or taken as done by a person.
//!
//! **Invariant:** what a person decides is done: it goes, by the rule that sends it now, or it counts as sent; where
//! neither can be, nothing is changed and a sentence says why. Its todo ends with it, and not with the answer to the
//! person: should it come to the same again, that is another todo. Tests: `a_fact_that_may_be_there_waits_for_a_person`,
//! `what_nobody_tells_any_more_is_not_told_again`, `what_was_given_up_is_decided_by_itself`, all in `tests/it/given_up.rs`.
//! **Invariant:** what was given up is said until the system has it, or it is not wanted any more, whatever became of its
//! todo; and of each how it can be sent. Test: `what_is_left_says_how_it_can_be_sent`, same file.

use jiff::Timestamp;

use super::inherit::{inherit, known_as};
use super::person::refused;
use super::resend::{asked, hand_over, judged};
use super::work::{Done, Folding, Work};
use super::{Effect, Facts};
use crate::causes;
use crate::ids::SystemName;
use crate::lane::{Flight, GivenUp, Lane, LaneCode, Sent, WantKey};
use crate::model::State;
use crate::route::{EVENT, Unrouted, missing, unrouted, want};
use crate::rules::{OperationRule, Rules};

/// Keeps what is given up, before its wish goes. `true`: a fact that may be there, and a person has to decide.
/// `wrote`: something of the last attempt is there, or may be. A state may be there as well: it goes whole when it goes.
pub(super) fn keep(lane: &mut Lane, flight: &Flight, wrote: bool) -> bool {
    let (key, may_be_there) = (&flight.want, wrote || flight.may_have_acted || flight.wrote);
    if key.rule.starts_with(EVENT) {
        return false;
    }
    let may_be_there = may_be_there && key.fact.is_some();
    let wish = lane.wants.iter().find(|want| want.key == *key);
    let release = wish.and_then(|want| want.release.clone());
    let whole = wish.is_some_and(|want| want.whole);
    lane.give_up(key, GivenUp { version: flight.version, release, may_be_there, whole });
    may_be_there
}

/// A person has decided about one: to be sent again, or sent. `None`: there is none of this key, or its wish waits, and
/// that is what is decided about.
pub(super) fn decided(
    work: &mut Work<'_>,
    (system, about): (&SystemName, &str),
    again: bool,
) -> Option<Folding<Done>> {
    let lane = work.state.lanes.get(system)?;
    let key = named_now(work, lane, WantKey::parse(about)?);
    let (role, text) = (lane.role, key.text());
    let about = text.as_str();
    let fact = match lane.given_up.get(about) {
        Some(fact) => fact.clone(),
        // A state that an earlier program gave up: it kept no more than that somebody is asked about it.
        None if key.fact.is_none() && lane.open_conflicts.iter().any(|open| open == about) => {
            let version = work.state.order.version;
            GivenUp { version, release: None, may_be_there: false, whole: false }
        }
        None => return None,
    };
    if !fact.may_be_there && lane.wants.iter().any(|want| want.key == key) {
        return None;
    }
    if again && let Err(done) = send_again(work, (system, &key), &fact) {
        return Some(done);
    }
    let lane = work.lane(system, role);
    lane.given_up.remove(about);
    if again {
        // The person has looked: it did not happen.
        let now = known_as(work.rules, system, &key, fact.version);
        let fact = GivenUp { may_be_there: false, ..fact };
        work.lane(system, role).give_up(&now, fact);
    } else {
        taken(lane, &key, fact.version);
    }
    // One that may be there is in no list of what is asked.
    lane_asks_no_more(work, system, about);
    Some(Ok(Done::Merged))
}

/// Who decides may have been asked by a name that was the entry's before this act.
fn named_now(work: &Work<'_>, lane: &Lane, key: WantKey) -> WantKey {
    let is_kept = |key: &WantKey| lane.given_up.contains_key(&key.text());
    let now = known_as(work.rules, &lane.system, &key, work.state.order.version);
    if !is_kept(&key) && is_kept(&now) { now } else { key }
}

/// It counts as sent. What the hash of it is, nobody knows.
fn taken(lane: &mut Lane, key: &WantKey, version: u32) {
    let version = lane.sent.get(&key.text()).map_or(version, |sent| sent.version.max(version));
    lane.sent.insert(key.text(), Sent::new(version, [0; 16]));
    if key.fact.is_none() {
        return;
    }
    lane.unwant(key, u32::MAX);
    if lane.flying.as_ref().is_some_and(|flight| flight.want == *key && !flight.in_air) {
        lane.flying = None;
        lane.attempts = 0;
    }
}

fn lane_asks_no_more(work: &mut Work<'_>, system: &SystemName, about: &str) {
    let reason = || "a person decided".to_owned();
    if !work.settle(system, about, reason()) {
        let (system, about) = (Some(system.clone()), about.into());
        work.effects.push(Effect::Settled { system, about, reason: reason() });
    }
}

/// Wants it, by the rule that sends it now, whole where it was wanted so. What a target was certainly not told goes by a
/// version of its own, as whatever is sent again does.
///
/// **Invariant:** what a person wants again goes as it was wanted. Rule `given-up-whole`.
fn send_again(
    work: &mut Work<'_>,
    (system, key): (&SystemName, &WantKey),
    fact: &GivenUp,
) -> Result<(), Folding<Done>> {
    let (rules, mut effects) = (work.rules, Vec::new());
    if unrouted(rules, system, &key.rule) == Unrouted::Over {
        let why = format!(
            "no entry of `deliver:` of `{system}` tells it any more, and none is waited for (`{}`): put one back and decide \
             then, or tell it by hand and take it as done",
            key.rule
        );
        return Err(refused(causes::NOTHING_SENDABLE, why));
    }
    let version = match fact.may_be_there {
        true => work.state.order.version.max(fact.version),
        false => asked(work, system),
    };
    let key = known_as(rules, system, key, fact.version);
    let Some(lane) = work.lane_there(system) else { return Ok(()) };
    let role = lane.role;
    want(lane, &key, (version, fact.release.clone()), rules, &mut effects)
        .map_err(|why| refused(causes::NO_ROOM, why))?;
    if let Some(want) = lane.wants.iter_mut().find(|want| want.key == key) {
        want.whole |= fact.whole;
    }
    work.effects.append(&mut effects);
    if !fact.may_be_there {
        hand_over(work, (system, role));
    }
    Ok(())
}

/// Something that was given up and that nothing sends by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// What.
    pub key: WantKey,
    /// The order version of which it was to tell.
    pub version: u32,
    /// The operation that sends it, by the files of now: of a rule with two, by what the system has. `None`: its rule is gone.
    pub operation: Option<Box<str>>,
    /// How it can be sent.
    pub way: Way,
}

/// How something that was given up can be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By whoever has the order sent again.
    Resend,
    /// Not before a person has decided whether it is there.
    Decide,
    /// By whoever has the order sent again, once this is no more so.
    Later(LaneCode),
    /// Once its entry of `deliver:` is back.
    Entry,
    /// By nobody: it is told by hand.
    Nobody,
}

/// What a rule calls for a subject: what changes it, where the system has it.
fn operation(rules: &Rules<'_>, lane: &Lane, key: &WantKey) -> Option<Box<str>> {
    let rule = rules.systems.get(&lane.system)?.deliver.iter().find(|one| one.id == key.rule)?;
    let linked = |one: &&OperationRule| lane.ext_id(one.entity.as_str(), &key.subject).is_some();
    let update = rule.update.as_ref().filter(linked);
    let operation = update.or(rule.create.as_ref()).or(rule.single.as_ref());
    Some(operation.or(rule.update.as_ref())?.name.clone())
}

/// What a system was to be sent of an order and was not, and that waits for nobody but a person; not what is not wanted any
/// more.
pub fn left(state: &State, system: &SystemName, rules: &Rules<'_>) -> Vec<Left> {
    if state.lanes.get(system).is_none_or(|lane| lane.given_up.is_empty()) {
        return Vec::new();
    }
    // By the names of these files.
    let (mut state, facts) = (state.clone(), Facts::default());
    inherit(&mut Work::new(&mut state, rules, &facts, Timestamp::UNIX_EPOCH));
    let Some(lane) = state.lanes.get(system) else { return Vec::new() };
    let missing = judged(&state, system, rules, (missing(&state, system, rules), false));
    let way = |key: &WantKey| {
        let found = missing.iter().find(|((owed, _), _)| owed == key);
        match (found.map(|(_, code)| *code), unrouted(rules, system, &key.rule)) {
            // Not wanted any more, or there by now.
            (Some(Some(LaneCode::Dropped | LaneCode::OwnChange | LaneCode::Delivered)), _) => None,
            (Some(Some(code)), _) => Some(Way::Later(code)),
            (Some(None), _) => Some(Way::Resend),
            (None, Unrouted::Waits) => Some(Way::Entry),
            // The release of a state has not happened any more.
            (None, Unrouted::Back) if key.fact.is_none() => None,
            (None, Unrouted::Back | Unrouted::Inherited | Unrouted::Over) => Some(Way::Nobody),
        }
    };
    let all = lane.given_up.iter().filter_map(|(text, fact)| {
        let key = WantKey::parse(text)?;
        let way = match fact.may_be_there {
            true => Way::Decide,
            false if lane.wants.iter().any(|want| want.key == key) => return None,
            false => way(&key)?,
        };
        let operation = operation(rules, lane, &key);
        Some(Left { key, version: fact.version, operation, way })
    });
    let mut found: Vec<Left> = all.collect();
    found.sort_by_key(|left| left.version);
    found
}
