//! What a system is owed of an order by what has happened so far, whatever it was sent.

use super::{listening, meant};
use crate::condition::Scene;
use crate::flow::{ORDER_CHANGED, Release, fired_key, subjects};
use crate::ids::{At, SystemName};
use crate::lane::WantKey;
use crate::model::State;
use crate::rules::{DeliverRule, OperationKind, Rules};

/// A wish, and the release (`emits`, `to`) that makes it.
pub(crate) type Owed = (WantKey, (Box<str>, Box<str>));

/// A wish for each rule of the system and each subject of which a release has happened for it, in the order of the flow.
/// A fact that was told is not owed, nor is anything of which it knew itself. Facts that were given up are, last, each
/// as it was.
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
                if fact.is_some() && told(state, system, rule, subject) {
                    continue;
                }
                let key = WantKey { rule: rule.id.clone(), subject: subject.clone(), fact };
                if !found.iter().any(|(known, _)| *known == key) {
                    found.push((key, (emits.into(), to.as_str().into())));
                }
            }
        }
    }
    given_up(state, system, rules, &mut found);
    found
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
        let release = fact.release.clone().unwrap_or_else(|| (rule.on.clone(), "all".into()));
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

/// Whether a fact about a subject was told.
fn told(state: &State, system: &SystemName, rule: &DeliverRule, subject: &At) -> bool {
    let Some(lane) = state.lanes.get(system) else { return false };
    let keys = lane.sent.keys().filter_map(|text| WantKey::parse(text));
    { keys }.any(|key| key.rule == rule.id && key.subject == *subject)
}
