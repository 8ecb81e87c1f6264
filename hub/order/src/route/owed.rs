//! What a system is owed of an order by what has happened so far, and what of that it lacks.

use super::told::EVENT;
use super::{gone, listening, meant};
use crate::catalogue::FieldId;
use crate::condition::Scene;
use crate::flow::{ORDER_CHANGED, Release, fired_key, near, subjects};
use crate::ids::{At, SystemName};
use crate::lane::{Sent, WantKey};
use crate::model::State;
use crate::rules::{DeliverRule, OperationKind, Rules};

/// A wish, and the release (`emits`, `to`) that makes it.
pub(crate) type Owed = (WantKey, (Box<str>, Box<str>));

/// A wish for each rule of the system and each subject of which a release has happened for it, in the order of the flow.
/// A fact that was told is not owed, nor is anything of which it knew itself; one that waits, or was given up, is owed as
/// the firing that it is of, and no other about the same for the sake of now. Facts that were given up come last.
pub(crate) fn owed(state: &State, system: &SystemName, rules: &Rules<'_>) -> Vec<Owed> {
    let mut found = Vec::new();
    for release in &rules.flow.releases {
        let (emits, to) = (&*release.emits, release.to);
        let mut heard =
            listening(rules, system, emits).filter(|rule| !rule.is_nothing()).peekable();
        if heard.peek().is_none() {
            continue;
        }
        let happened = happened(state, system, release, rules);
        for rule in heard {
            for (subject, version) in &happened {
                let fact = (rule.kind() == OperationKind::Fact).then_some(*version);
                if fact.is_some() && known(state, system, rule, subject) {
                    continue;
                }
                let key = WantKey { rule: rule.id.clone(), subject: subject.clone(), fact };
                if !found.iter().any(|(known, _)| *known == key) {
                    found.push((key, (emits.into(), to.as_str().into())));
                }
            }
        }
    }
    waiting(state, system, rules, &mut found);
    given_up(state, system, rules, &mut found);
    found
}

/// The facts that wait to be told.
fn waiting(state: &State, system: &SystemName, rules: &Rules<'_>, found: &mut Vec<Owed>) {
    let (Some(lane), Some(known)) = (state.lanes.get(system), rules.systems.get(system)) else {
        return;
    };
    for want in lane.wants.iter().filter(|want| want.key.fact.is_some()) {
        let rule = known.deliver.iter().find(|rule| rule.id == want.key.rule);
        let Some(rule) = rule.filter(|rule| rule.kind() == OperationKind::Fact) else { continue };
        if !rule.on.starts_with(EVENT) && !found.iter().any(|(key, _)| *key == want.key) {
            let release = want.release.clone();
            found.push((want.key.clone(), release.unwrap_or_else(|| of_the_rule(rule))));
        }
    }
}

/// The release of a wish that names none.
fn of_the_rule(rule: &DeliverRule) -> (Box<str>, Box<str>) {
    (rule.on.clone(), "all".into())
}

/// What the system lacks of what it is owed: facts that it was not told, and states that it was never sent, of which a
/// change was given up, which it may have overwritten, or of which a field that their mapping reads has changed since. What
/// was sent by a rule that is gone was sent by the one in its place.
pub(crate) fn missing(state: &State, system: &SystemName, rules: &Rules<'_>) -> Vec<Owed> {
    let mut found = owed(state, system, rules);
    found.retain(|(key, _)| key.fact.is_some() || lacks(state, system, key, rules));
    found
}

/// Whether a system lacks something of a state.
fn lacks(state: &State, system: &SystemName, key: &WantKey, rules: &Rules<'_>) -> bool {
    let Some(lane) = state.lanes.get(system) else { return true };
    let text = key.text();
    let stands = |sent: &&Sent| !sent.overwritten && !lane.given_up.contains_key(&text);
    let Some(sent) = lane.sent.get(&text).filter(stands) else { return true };
    let reads = gone::reads(rules, system, &key.rule);
    let later = |(at, field, version): (&At, &FieldId, &u32)| {
        *version > sent.version && reads.contains(*field) && near(at, &key.subject)
    };
    state.order.touched.iter().any(later)
}

/// The facts that were given up, the oldest firing first; not those of which a person has to decide whether they are there.
fn given_up(state: &State, system: &SystemName, rules: &Rules<'_>, found: &mut Vec<Owed>) {
    let (Some(lane), Some(known)) = (state.lanes.get(system), rules.systems.get(system)) else {
        return;
    };
    let mut facts: Vec<Owed> = Vec::new();
    for (text, fact) in lane.given_up.iter().filter(|(_, fact)| !fact.may_be_there) {
        let Some(key) = WantKey::parse(text) else { continue };
        let rule = known.deliver.iter().find(|rule| rule.id == key.rule);
        let Some(rule) = rule.filter(|rule| rule.kind() == OperationKind::Fact) else { continue };
        let release = fact.release.clone().unwrap_or_else(|| of_the_rule(rule));
        if !found.iter().any(|(known, _)| *known == key) {
            facts.push((key, release));
        }
    }
    facts.sort_by_key(|(key, _)| key.fact);
    found.extend(facts);
}

/// The subjects of which a release has happened for a system, with the version at which it did.
fn happened(
    state: &State,
    system: &SystemName,
    release: &Release,
    rules: &Rules<'_>,
) -> Vec<(At, u32)> {
    if *release.emits == *ORDER_CHANGED {
        let State { order, lanes } = state;
        let scene = Scene { order, lanes, systems: rules.systems, past: None };
        let is_meant = release.when.holds(scene, &At::ROOT)
            && meant(state, release, rules).iter().any(|name| name == system);
        return is_meant.then(|| (At::ROOT, order.version)).into_iter().collect();
    }
    let fired = |at: At| {
        let key = fired_key(&release.emits, release.to, &at, system);
        // 0: who made it true himself was never told.
        let version = state.order.fired.get(&key).copied().filter(|version| *version > 0)?;
        Some((at, version))
    };
    subjects(&state.order, release).into_iter().filter_map(fired).collect()
}

/// Whether a fact about a subject was told, waits to be told, or was given up: as the firing that it is of.
fn known(state: &State, system: &SystemName, rule: &DeliverRule, subject: &At) -> bool {
    let Some(lane) = state.lanes.get(system) else { return false };
    let about = |key: &WantKey| key.rule == rule.id && key.subject == *subject;
    let kept = lane.sent.keys().chain(lane.given_up.keys());
    let mut kept = kept.filter_map(|text| WantKey::parse(text));
    kept.any(|key| about(&key)) || lane.wants.iter().any(|want| about(&want.key))
}
