//! Wishes of rules that are gone: what happens while an entry of `deliver:` is missing is not lost.
//!
//! A file that was cut short, or an entry that was taken out by mistake, is a switch like any other: it must not end in
//! silence what a target is owed. So a system's rules name, besides what it listens to, what it listened to by earlier
//! files of this hub and by these does not ([`GoneRule`]; the program keeps which those are). Such a rule goes on hearing
//! events, and makes the wish that it made before, under the same key. [`plan`](super::plan()) lets it wait, code
//! `not_routed`: the lane rests, is counted and told of. Once files have the rule again the wish is judged by it as any
//! other wish of a lane that rested, by the order as it stands then. Nothing else is done anew, so nothing is made or told
//! twice: a wish for a state is one, however often it was made; what equals what was sent by this rule is not sent.
//!
//! What decides that a rule is owed something is that this system had it, in files that this hub used, and when it
//! vanished: a rule that comes for the first time gets nothing of former days, because nobody made wishes for it.
//! A rule is forgotten, and its wishes end, when
//!
//! - the files say `do: none` for the event: that nothing is to be done is meant;
//! - it was gone for seven days: that is taken as meant, too.
//!
//! A rule with another operation that comes in its place (it was never in the same files as the one that is gone) takes
//! its wishes over: the event is heard by it from now on, and those before are judged by it. It takes over, too, what
//! was sent: a fact that was told under the former name is told, a thing that was made is made; a state goes once more
//! when something is wanted of it, for its document is another rule's.
//!
//! **Invariant:** what happened while a rule was gone is wanted once it is back, once, and nothing that happened before.
//! Test: `what_happened_while_its_rule_was_gone_is_wanted`. **Invariant:** a call that may be there keeps its wish, whatever
//! the files are. Test: `a_call_that_may_be_there_keeps_its_wish`. Both in `tests/it/gone.rs`.
//!
//! **Invariant:** what was told or made by a rule is not told or made again by the one in its place. Tests:
//! `what_was_told_is_told_whatever_the_rule_is_called`, `what_was_made_is_made_whatever_the_rule_is_called`.
//! **Invariant:** what waits for a rule that is gone takes no room from what can be sent: at most 16 such wishes are added
//! to a lane, and in a full lane the newest of them gives way to one whose rule is there; a finding names what was left
//! out. Tests: `what_waits_for_its_rule_has_a_share_of_a_lane`, `what_waits_for_its_rule_gives_way_in_a_full_lane`.
//!
//! **Bounds:** a lane has at most 64 wishes, those of rules that are gone among them.

use std::collections::BTreeMap;

use crate::catalogue::FieldSet;
use crate::causes;
use crate::fold::{Effect, undecided};
use crate::ids::SystemName;
use crate::lane::{Flight, GivenUp, Lane, MOST_WANTS, Sent, Want, WantKey};
use crate::model::State;
use crate::rules::{DeliverRule, GoneRule, OperationKind, Rules};

/// How a wish stands that was found without a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unrouted {
    /// The files of now have its rule.
    Back,
    /// Its rule is gone: it waits.
    Waits,
    /// Another rule stands in its place.
    Inherited,
    /// Nobody will send it.
    Over,
}

/// Judges a wish by its rule.
pub(crate) fn unrouted(rules: &Rules<'_>, system: &SystemName, rule: &str) -> Unrouted {
    let there = rules.systems.get(system).map_or(&[][..], |system| &system.deliver);
    if there.iter().any(|one| &*one.id == rule && !one.is_nothing()) {
        return Unrouted::Back;
    }
    match of(rules, system, rule) {
        Some(gone) if there.iter().any(|one| Some(&one.id) == gone.heir.as_ref()) => {
            Unrouted::Inherited
        }
        Some(_) => Unrouted::Waits,
        None => Unrouted::Over,
    }
}

/// A rule of a system that is gone.
pub(super) fn of<'a>(rules: &Rules<'a>, system: &SystemName, rule: &str) -> Option<&'a GoneRule> {
    rules.systems.get(system)?.gone.iter().find(|gone| &*gone.id == rule)
}

/// The rules that are gone and still hear of an event: nothing stands in their place.
pub(super) fn listened<'a, 'e>(
    rules: &Rules<'a>,
    system: &SystemName,
    event: &'e str,
) -> impl Iterator<Item = &'a GoneRule> + use<'a, 'e> {
    let gone = rules.systems.get(system).map_or(&[][..], |system| &system.gone);
    gone.iter().filter(move |gone| &*gone.on == event && gone.heir.is_none())
}

/// A wish that waits for its rule is added to a lane that has fewer of them.
const SHARE: usize = 16;

/// Makes room in a lane for a new wish, of a rule that is there or of one that is gone. What gives way is named by an
/// effect. `false`: there is none.
pub(super) fn make_room(
    lane: &mut Lane,
    key: &WantKey,
    rules: &Rules<'_>,
    effects: &mut Vec<Effect>,
) -> bool {
    if lane.wants.iter().any(|want| want.key == *key) {
        return true;
    }
    let waits = |key: &WantKey| unrouted(rules, &lane.system, &key.rule) == Unrouted::Waits;
    if waits(key) {
        return lane.wants.len() < MOST_WANTS
            && lane.wants.iter().filter(|want| waits(&want.key)).count() < SHARE;
    }
    if lane.wants.len() < MOST_WANTS {
        return true;
    }
    let Some(at) = lane.wants.iter().rposition(|want| gives_way(lane, want, rules)) else {
        return false;
    };
    let left = lane.wants.remove(at).key;
    effects.extend(asked_no_more(lane, &left, "it was left out"));
    let why = format!(
        "`{}` of {} waited for its entry of `deliver:`, and gave way to `{}`: no more than {MOST_WANTS} wishes wait in one \
         lane",
        left.rule, left.subject, key.rule
    );
    effects.push(super::todo(causes::LANE_FULL, &lane.system, why));
    true
}

/// How many wishes of a lane would give way.
pub(crate) fn yields(lane: &Lane, rules: &Rules<'_>) -> usize {
    lane.wants.iter().filter(|want| gives_way(lane, want, rules)).count()
}

/// Whether it waits for its rule, and no call of it is frozen or under way.
fn gives_way(lane: &Lane, want: &Want, rules: &Rules<'_>) -> bool {
    let flies = lane.flying.as_ref().is_some_and(|flight| flight.want == want.key);
    !flies && unrouted(rules, &lane.system, &want.key.rule) == Unrouted::Waits
}

/// Nobody is asked about a wish any more.
fn asked_no_more(lane: &mut Lane, key: &WantKey, reason: &str) -> Option<Effect> {
    let about = key.text();
    let was = lane.open_conflicts.len();
    lane.open_conflicts.retain(|open| *open != about);
    let asked = lane.open_conflicts.len() < was;
    let (system, reason) = (Some(lane.system.clone()), reason.to_owned());
    asked.then(|| Effect::Settled { system, about: about.into(), reason })
}

/// The fields that the mappings of a rule read, or did.
pub(super) fn reads(rules: &Rules<'_>, system: &SystemName, rule: &str) -> FieldSet {
    let read = rules.shapes.reads(system, rule);
    of(rules, system, rule).map_or(read, |gone| gone.reads)
}

/// Gives the wishes of rules that are gone, and what was sent by them, to those that stand in their place.
pub(super) fn inherit(state: &mut State, rules: &Rules<'_>, effects: &mut Vec<Effect>) {
    let systems: Vec<SystemName> = state.lanes.systems().cloned().collect();
    for system in systems {
        let Some(known) = rules.systems.get(&system) else { continue };
        let heirs = known.gone.iter().filter_map(|gone| {
            let heir = known.deliver.iter().find(|rule| Some(&rule.id) == gone.heir.as_ref());
            Some((&*gone.id, heir?))
        });
        for (gone, heir) in heirs.collect::<Vec<_>>() {
            let Some(lane) = state.lanes.get(&system) else { continue };
            let own = |text: &String| is_of(text, gone);
            let sent = lane.sent.keys().chain(lane.shadow.keys()).any(own)
                || lane.given_up.iter().any(|(text, fact)| own(text) && !fact.may_be_there);
            let keys =
                lane.wants.iter().filter(|want| *want.key.rule == *gone && moves(lane, want));
            let keys = keys.map(|want| want.key.clone()).collect::<Vec<_>>();
            if !sent && keys.is_empty() {
                continue;
            }
            if let Some(lane) = state.lanes.get_mut(&system) {
                let Lane { sent, shadow, given_up, .. } = &mut **lane;
                hand_given_up(given_up, gone, heir);
                [sent, shadow].into_iter().for_each(|sent| hand_sent(sent, gone, heir));
                effects.extend(keys.iter().filter_map(|key| hand_over(lane, key, heir)));
            }
        }
    }
}

/// Whether something sent is of this rule.
fn is_of(text: &str, rule: &str) -> bool {
    text.strip_prefix(rule).is_some_and(|rest| rest.starts_with(' '))
}

/// What a rule that is gone has sent was sent, whatever its name is now: a fact is told, a thing is made. How the other
/// rule would have written a state is not known: it is sent once more.
fn hand_sent(sent: &mut BTreeMap<String, Sent>, gone: &str, heir: &DeliverRule) {
    let texts: Vec<String> = sent.keys().filter(|text| is_of(text, gone)).cloned().collect();
    for text in texts {
        let Some(key) = WantKey::parse(&text) else { continue };
        let Some(was) = sent.remove(&text) else { continue };
        let key = key_of(&key, was.version, heir);
        let hash = if key.fact.is_some() { was.hash } else { [0; 16] };
        let known = sent.entry(key.text()).or_insert(Sent { version: was.version, hash });
        known.version = known.version.max(was.version);
        if key.fact.is_none() {
            known.hash = hash;
        }
    }
}

/// Facts that were given up; one that a person has to decide about goes once that is done, for its todo names it.
fn hand_given_up(facts: &mut BTreeMap<String, GivenUp>, gone: &str, heir: &DeliverRule) {
    let own = facts.iter().filter(|(text, fact)| is_of(text, gone) && !fact.may_be_there);
    for text in own.map(|(text, _)| text.clone()).collect::<Vec<_>>() {
        let (key, fact) = (WantKey::parse(&text), facts.remove(&text));
        if let (Some(key), Some(fact)) = (key, fact) {
            facts.insert(key_of(&key, fact.version, heir).text(), fact);
        }
    }
}

/// The key of a wish as the other rule's.
fn key_of(key: &WantKey, version: u32, heir: &DeliverRule) -> WantKey {
    let fact = (heir.kind() == OperationKind::Fact).then_some(key.fact.unwrap_or(version));
    WantKey { rule: heir.id.clone(), fact, ..key.clone() }
}

/// Whether nothing of a wish may be there, and no person has to decide about its call.
fn moves(lane: &Lane, want: &Want) -> bool {
    let own = |flight: &&Flight| flight.want == want.key;
    let asked = undecided(lane).is_some_and(|flight| flight.want == want.key);
    !asked && lane.flying.as_ref().filter(own).is_none_or(Flight::may_be_replaced)
}

/// The wish in its place among the others, as the other rule's; what was frozen for it goes.
fn hand_over(lane: &mut Lane, key: &WantKey, heir: &DeliverRule) -> Option<Effect> {
    let at = lane.wants.iter().position(|want| want.key == *key)?;
    let want = lane.wants.get(at)?.clone();
    let other = key_of(key, want.version, heir);
    if let Some(known) = lane.wants.iter_mut().find(|known| known.key == other) {
        known.version = known.version.max(want.version);
        known.whole |= want.whole;
        known.since = [known.since, want.since].into_iter().flatten().min();
        lane.wants.remove(at);
    } else if let Some(want) = lane.wants.get_mut(at) {
        want.key = other;
        want.unfit = false;
    }
    if lane.flying.as_ref().is_some_and(|flight| flight.want == *key) {
        lane.flying = None;
        lane.attempts = 0;
    }
    asked_no_more(lane, key, "another rule stands in its place")
}
