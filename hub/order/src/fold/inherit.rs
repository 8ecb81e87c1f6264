//! What a rule that is gone leaves to the one in its place: [`GoneRule::heir`].
//!
//! It goes over where a fold begins, so that whatever an act asks (what is wanted, was told, was made, was given up) it
//! asks by the names of these files, and what went over is written, or undone, with the act; and once more when the act
//! has been merged, for what became free by it. So nothing else in the hub knows of names that were.
//!
//! - **Wishes** are the heir's, judged by it. A wish whose call may be there, or waits for a person, stays as it is until
//!   that is decided.
//! - **What was sent** was sent, whatever its rule is called: it stands under the heir's name, too, and stays under its
//!   own, for the day when the first is back beside the other. How the heir would have written a state is not known, nor
//!   what of the former document is left by then: a state goes once more when something is wanted of it, by either.
//! - **What was given up** is the heir's to send again; not a fact where it tells none, and one that a person has to
//!   decide about keeps the name in its todo until then. A todo that ends with the sending goes on by the heir's name.
//!
//! **Invariant:** what was told or made by a rule is not told or made again by the one in its place, nor by itself when it is
//! back, and it is wanted by one of them. Tests, each with the first act after the switch:
//! `what_was_told_is_told_whatever_the_rule_is_called`, `what_was_made_is_made_whatever_the_rule_is_called`,
//! `what_was_left_to_another_rule_is_known_to_the_first_when_it_is_back`, `a_state_that_was_told_is_no_fact_to_be_told` in
//! `tests/it/heirs.rs`, `what_was_given_up_is_sent_by_the_rule_in_its_place` in `tests/it/given_up.rs`; rule `renamed`,
//! through each store and a start.
//!
//! **Bounds:** as long as the program keeps that the first was there: as long as its heir is there, or is remembered.

use std::collections::BTreeMap;

use super::Effect;
use super::work::Work;
use crate::ids::SystemName;
use crate::lane::{Flight, Lane, Sent, Want, WantKey};
use crate::route::heir;
use crate::rules::{DeliverRule, GoneRule, OperationKind, Rules};

/// The key by which a wish, or a fact, is known in the place of a rule that is gone; its own where nobody is.
pub(super) fn known_as(
    rules: &Rules<'_>,
    system: &SystemName,
    key: &WantKey,
    version: u32,
) -> WantKey {
    heir(rules, system, &key.rule).map_or_else(|| key.clone(), |heir| key_of(key, version, heir))
}

/// Hands over what can be by now, in every lane of the order.
pub(super) fn inherit(work: &mut Work<'_>) {
    let rules = work.rules;
    for (system, known) in rules.systems {
        for gone in &known.gone {
            let heir = known.deliver.iter().find(|one| Some(&one.id) == gone.heir.as_ref());
            let lane = work.state.lanes.get(system);
            if let (Some(heir), Some(lane)) = (heir, lane)
                && leaves(lane, gone, heir)
            {
                hand(work, system, gone, heir);
            }
        }
    }
}

/// Whether anything goes over.
fn leaves(lane: &Lane, gone: &GoneRule, heir: &DeliverRule) -> bool {
    lane.wants.iter().any(|want| moves(lane, want, gone))
        || [&lane.sent, &lane.shadow].into_iter().any(|sent| !to_know(sent, gone, heir).is_empty())
        || !to_send(lane, gone, heir).is_empty()
}

fn hand(work: &mut Work<'_>, system: &SystemName, gone: &GoneRule, heir: &DeliverRule) {
    let Some(lane) = work.lane_there(system) else { return };
    for sent in [&mut lane.sent, &mut lane.shadow] {
        for (text, key) in to_know(sent, gone, heir) {
            hand_sent(sent, &text, &key);
        }
    }
    let mut asked = Vec::new();
    for (text, key) in to_send(lane, gone, heir) {
        if let Some(fact) = lane.given_up.remove(&text) {
            if lane.open_conflicts.contains(&text) {
                asked.push((text, key.clone(), fact.version));
            }
            // The heir's own may be one that a person has to decide about: it stays so.
            let whole = fact.whole;
            lane.given_up.entry(key.text()).or_insert(fact).whole |= whole;
        }
    }
    let wants = lane.wants.iter().filter(|want| moves(lane, want, gone));
    for key in wants.map(|want| want.key.clone()).collect::<Vec<_>>() {
        if let Some(lane) = work.lane_there(system) {
            hand_wish(lane, &key, heir);
        }
        work.settle(system, &key.text(), "another rule stands in its place".to_owned());
    }
    for (text, key, version) in asked {
        ask_on(work, system, (&text, version), &key);
    }
}

/// Who was asked about something that a rule did not send is asked about it by the other's name: it ends with that. Who
/// has ended what was asked is not asked anew.
///
/// **Invariant:** what people are asked about an entry goes on by its new name, all of it, and nothing that they have
/// ended. Rule `renamed-asked`.
fn ask_on(work: &mut Work<'_>, system: &SystemName, (text, version): (&str, u32), key: &WantKey) {
    let to = key.text();
    let over = |lane: &Lane| {
        lane.wants.iter().any(|want| want.key == *key) || lane.open_conflicts.contains(&to)
    };
    if work.state.lanes.get(system).is_none_or(|lane| over(lane)) {
        work.settle(system, text, "another rule stands in its place".to_owned());
        return;
    }
    if let Some(lane) = work.lane_there(system) {
        let asked = lane.open_conflicts.iter_mut().filter(|open| **open == *text);
        asked.for_each(|open| open.clone_from(&to));
    }
    let was = text.rsplit_once(' ').map_or(text, |(rule, _)| rule);
    let subject = if key.subject.is_root() { "the order" } else { &*format!("`{}`", key.subject) };
    let reference = &work.state.order.reference;
    let why = format!(
        "`{was}` is called `{}` by now; {subject} of version {version} was not sent while `{system}` was down: once it is back, \
         `orderhub todo resolve ID --again --reason \"it is back\"` sends it (`orderhub order resend {reference} {system} \
         --reason \"it is back\"` all that {system} lacks of the order)",
        key.rule
    );
    let (system, about) = (system.clone(), text.into());
    work.effects.push(Effect::Carried { system, about, to: to.into(), why });
}

/// The key of a wish, or of a fact, as the other rule's.
fn key_of(key: &WantKey, version: u32, heir: &DeliverRule) -> WantKey {
    let fact = (heir.kind() == OperationKind::Fact).then_some(key.fact.unwrap_or(version));
    WantKey { rule: heir.id.clone(), fact, ..key.clone() }
}

/// What the rule sent, by its text, and the key by which it is not known yet, or known by a hash that says nothing any
/// more. A state that was told stands as one for a rule that tells facts, too: it is of no firing.
fn to_know(
    sent: &BTreeMap<String, Sent>,
    gone: &GoneRule,
    heir: &DeliverRule,
) -> Vec<(String, WantKey)> {
    let own = sent.iter().filter(|(text, _)| is_of(text, &gone.id));
    let all = own.filter_map(|(text, was)| {
        let key = WantKey::parse(text)?;
        let stale = key.fact.is_none() && (!was.says_nothing() || was.overwritten);
        let fact = key.fact.filter(|_| heir.kind() == OperationKind::Fact);
        let key = WantKey { rule: heir.id.clone(), fact, ..key };
        (stale || !sent.contains_key(&key.text())).then(|| (text.clone(), key))
    });
    all.collect()
}

/// It stands under both names; a state's hash says nothing under either.
fn hand_sent(sent: &mut BTreeMap<String, Sent>, text: &str, key: &WantKey) {
    let Some(own) = sent.get_mut(text) else { return };
    let was = own.clone();
    if key.fact.is_none() {
        // What is to be told again is the heir's to tell.
        *own = Sent::new(own.version, [0; 16]);
    }
    let known = sent.entry(key.text()).or_insert_with(|| was.clone());
    known.version = known.version.max(was.version);
    if key.fact.is_none() {
        known.forget();
        known.overwritten |= was.overwritten;
    }
}

/// What was given up, by its text, and its keys as the heir's, which sends the like.
fn to_send(lane: &Lane, gone: &GoneRule, heir: &DeliverRule) -> Vec<(String, WantKey)> {
    let tells = heir.kind() == OperationKind::Fact;
    let own = lane.given_up.iter();
    let own = own.filter(|(text, fact)| is_of(text, &gone.id) && !fact.may_be_there);
    own.filter_map(|(text, fact)| {
        let key = WantKey::parse(text).filter(|key| tells || key.fact.is_none())?;
        Some((text.clone(), key_of(&key, fact.version, heir)))
    })
    .collect()
}

/// Whether something kept by its text is of this rule.
fn is_of(text: &str, rule: &str) -> bool {
    text.rsplit_once(' ').is_some_and(|(own, _)| own == rule)
}

/// Whether nothing of a wish of this rule may be there, and no person has to decide about its call.
fn moves(lane: &Lane, want: &Want, gone: &GoneRule) -> bool {
    let own = |flight: &&Flight| flight.want == want.key;
    let asked = lane.undecided().is_some_and(|(flight, _)| flight.want == want.key);
    want.key.rule == gone.id
        && !asked
        && lane.flying.as_ref().filter(own).is_none_or(Flight::may_be_replaced)
}

/// The wish in its place among the others, as the other rule's; what was frozen for it goes.
fn hand_wish(lane: &mut Lane, key: &WantKey, heir: &DeliverRule) {
    let Some(at) = lane.wants.iter().position(|want| want.key == *key) else { return };
    let Some(want) = lane.wants.get(at).cloned() else { return };
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
}
