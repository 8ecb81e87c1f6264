//! Wishes of rules that are gone: what happens while an entry of `deliver:` is missing is not lost.
//!
//! A file that was cut short, or an entry that was taken out by mistake, is a switch like any other: it must not end in
//! silence what a target is owed. So a system's rules name, besides what it listens to, what it listened to by earlier
//! files of this hub and by these does not ([`GoneRule`]; the program keeps which those are). Such a rule goes on hearing
//! events, and makes the wish that it made before, under the same key. [`plan`](super::plan()) lets it wait, code
//! `not_routed`: the lane rests, is counted and told of. Once files have the rule again the wish is judged by it as any
//! other wish of a lane that rested, by the order as it stands then. Nothing else is done anew, so nothing is sent twice:
//! a wish for a state is one, however often it was made; what equals what was sent is not sent; a fact is told once.
//!
//! What decides that a rule is owed something is that this system had it, in files that this hub used, and when it
//! vanished: a rule that comes for the first time gets nothing of former days, because nobody made wishes for it.
//! A rule is forgotten, and its wishes end, when
//!
//! - the files say `do: none` for the event: that nothing is to be done is meant;
//! - it was gone for seven days: that is taken as meant, too.
//!
//! A rule with another operation that comes in its place (it was never in the same files as the one that is gone) takes
//! its wishes over: the event is heard by it from now on, and those before are judged by it.
//!
//! **Invariant:** what happened while a rule was gone is wanted once it is back, once, and nothing that happened before.
//! Test: `what_happened_while_its_rule_was_gone_is_wanted`. **Invariant:** a call that may be there keeps its wish, whatever
//! the files are. Test: `a_call_that_may_be_there_keeps_its_wish`. Both in `tests/it/gone.rs`.
//!
//! **Invariant:** what waits for a rule that is gone takes no room from what can be sent: at most 16 such wishes are added
//! to a lane, and in a full lane the newest of them gives way to one whose rule is there; a finding names what was left
//! out. Tests: `what_waits_for_its_rule_has_a_share_of_a_lane`, `what_waits_for_its_rule_gives_way_in_a_full_lane`.
//!
//! **Bounds:** a lane has at most 64 wishes, those of rules that are gone among them.

use crate::catalogue::FieldSet;
use crate::causes;
use crate::fold::Effect;
use crate::ids::SystemName;
use crate::lane::{Flight, Lane, MOST_WANTS, Want, WantKey};
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
        Some(gone) if gone.heir.is_some() => Unrouted::Inherited,
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
    let waits = |want: &Want| unrouted(rules, &lane.system, &want.key.rule) == Unrouted::Waits;
    if unrouted(rules, &lane.system, &key.rule) == Unrouted::Waits {
        return lane.wants.len() < MOST_WANTS
            && lane.wants.iter().filter(|want| waits(want)).count() < SHARE;
    }
    if lane.wants.len() < MOST_WANTS {
        return true;
    }
    let Some(at) = lane.wants.iter().rposition(|want| waits(want) && !flies(lane, want)) else {
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
    let waits = |want: &Want| unrouted(rules, &lane.system, &want.key.rule) == Unrouted::Waits;
    lane.wants.iter().filter(|want| waits(want) && !flies(lane, want)).count()
}

/// Whether a call of it is frozen or under way.
fn flies(lane: &Lane, want: &Want) -> bool {
    lane.flying.as_ref().is_some_and(|flight| flight.want == want.key)
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

/// Gives the wishes of rules that are gone to those that stand in their place.
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
            let keys =
                lane.wants.iter().filter(|want| *want.key.rule == *gone && moves(lane, want));
            for key in keys.map(|want| want.key.clone()).collect::<Vec<_>>() {
                if let Some(lane) = state.lanes.get_mut(&system) {
                    effects.extend(hand_over(lane, &key, heir));
                }
            }
        }
    }
}

/// Whether nothing of a wish may be there.
fn moves(lane: &Lane, want: &Want) -> bool {
    let own = |flight: &&Flight| flight.want == want.key;
    lane.flying.as_ref().filter(own).is_none_or(Flight::may_be_replaced)
}

/// The wish in its place among the others, as the other rule's.
fn hand_over(lane: &mut Lane, key: &WantKey, heir: &DeliverRule) -> Option<Effect> {
    let at = lane.wants.iter().position(|want| want.key == *key)?;
    let want = lane.wants.get(at)?;
    let fact = (heir.kind() == OperationKind::Fact).then_some(key.fact.unwrap_or(want.version));
    let other = WantKey { rule: heir.id.clone(), fact, ..key.clone() };
    let version = want.version;
    if let Some(known) = lane.wants.iter_mut().find(|known| known.key == other) {
        known.version = known.version.max(version);
        lane.wants.remove(at);
    } else if let Some(want) = lane.wants.get_mut(at) {
        want.key = other;
        want.unfit = false;
    }
    asked_no_more(lane, key, "another rule stands in its place")
}
