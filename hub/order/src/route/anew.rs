//! What systems are told of an order, judged over again: for people who compare files. Pure; writes no wishes.
//!
//! Of each event that has befallen the order the rules that hear of it are looked at, whoever was told of it then: a new
//! order like it would be told by them. Conditions are judged by the order as it stands. What ends or delays a create for
//! a time (the lifecycle and the holds of its release) is left out, for another order is in another state when it comes.

use std::collections::BTreeSet;

use super::{EVENT, events, listening, meant, own};
use crate::condition::Scene;
use crate::flow::{Firing, ORDER_CHANGED, fired_key, subjects, targets};
use crate::flow::{Release, Target};
use crate::fold::Effect;
use crate::ids::{At, Role, SystemName};
use crate::lane::{Want, WantKey};
use crate::model::{Order, State};
use crate::rules::{DeliverRule, OperationKind, OperationRule, Rules};

/// One rule that hears of one event of an order.
#[derive(Clone, Debug)]
pub struct Anew<'a> {
    /// Whose it is.
    pub system: SystemName,
    /// The rule.
    pub rule: &'a DeliverRule,
    /// What the event is about.
    pub subject: At,
    /// The operation that would be called.
    pub operation: Option<&'a OperationRule>,
    /// Whether it is.
    pub told: Told,
}

/// What becomes of such an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// An operation is called.
    Yes,
    /// The rule's `when` does not hold.
    Held,
    /// Nothing is called: the system knows of it by itself, or does not have what would be updated.
    No,
}

/// An event that befell an order: who is meant, its name, what it is about, and whether it is about values alone.
type Befell = (SystemName, Box<str>, At, bool);

/// What each rule of each system would do about what has befallen an order.
pub fn anew<'a>(state: &State, rules: &Rules<'a>) -> Vec<Anew<'a>> {
    let mut found = Vec::new();
    for (system, on, subject, by_values) in befell(state, rules) {
        for rule in listening(rules, &system, &on).filter(|rule| !rule.is_nothing()) {
            let (operation, told) = judge(state, rules, (&system, rule, &subject), by_values);
            let (system, subject) = (system.clone(), subject.clone());
            found.push(Anew { system, rule, subject, operation, told });
        }
    }
    found
}

fn befell(state: &State, rules: &Rules<'_>) -> BTreeSet<Befell> {
    let mut all = BTreeSet::new();
    let mut firings = Vec::new();
    for release in &rules.flow.releases {
        let changed = &*release.emits == ORDER_CHANGED;
        let by_values = changed || release.fields.is_some();
        let subjects = if changed { vec![At::ROOT] } else { subjects(&state.order, release) };
        for subject in subjects {
            let fired = fired(state, release, &subject, rules);
            if !fired.is_empty() && !changed {
                let (emits, to) = (release.emits.clone(), release.to);
                firings.push(Firing { emits, to, subject: subject.clone(), system: None });
            }
            all.extend(fired.into_iter().map(|system| {
                let (on, subject) = (release.emits.clone(), subject.clone());
                (system, on, subject, by_values)
            }));
        }
    }
    publish(state, rules, &firings, &mut all);
    all
}

/// Whom a release meant. To `all` means those who listen: what fired before somebody did is not written down.
fn fired(
    state: &State,
    release: &Release,
    subject: &At,
    rules: &Rules<'_>,
) -> BTreeSet<SystemName> {
    let State { order, lanes } = state;
    let scene = Scene { order, lanes, systems: rules.systems, past: None };
    if &*release.emits == ORDER_CHANGED {
        let holds = release.when.holds(scene, &At::ROOT);
        return if holds {
            meant(state, release, rules).into_iter().collect()
        } else {
            BTreeSet::new()
        };
    }
    let told = |system: &&SystemName| {
        let key = fired_key(&release.emits, release.to, subject, system);
        // 0: who made it true himself is never told.
        order.fired.get(&key).is_some_and(|version| *version > 0)
    };
    let mut fired: BTreeSet<SystemName> = rules.systems.keys().filter(told).cloned().collect();
    if release.to == Target::All && release.when.holds(scene, subject) {
        fired.extend(targets(state, release, rules));
    }
    fired
}

/// The hub's own events, as of an order that came as it stands.
fn publish(state: &State, rules: &Rules<'_>, firings: &[Firing], all: &mut BTreeSet<Befell>) {
    let sinks = rules.systems.iter().filter(|(_, system)| system.role == Role::Sink);
    let publishers: Vec<&SystemName> = sinks
        .filter(|(_, system)| system.deliver.iter().any(|rule| rule.on.starts_with(EVENT)))
        .map(|(name, _)| name)
        .collect();
    if publishers.is_empty() {
        return;
    }
    let Order { key, reference, origin, unit, .. } = &*state.order;
    let before = Order::new(*key, reference.clone(), origin.clone(), unit.clone());
    for effect in events(&before, &state.order, firings) {
        if let Effect::Event { name, subject } = effect {
            let event = |system: &&SystemName| {
                let on: Box<str> = format!("{EVENT}{name}").into();
                ((*system).clone(), on, subject.clone(), false)
            };
            all.extend(publishers.iter().map(event));
        }
    }
}

fn judge<'a>(
    state: &State,
    rules: &Rules<'a>,
    (system, rule, subject): (&SystemName, &'a DeliverRule, &At),
    by_values: bool,
) -> (Option<&'a OperationRule>, Told) {
    let lane = state.lanes.get(system);
    let linked = |operation: &OperationRule| {
        lane.is_some_and(|lane| lane.ext_id(operation.entity.as_str(), subject).is_some())
    };
    let own = |key: WantKey| key.rule == rule.id && key.subject == *subject;
    // Then it is known there by this rule: a new order like it is made.
    let sent =
        lane.is_some_and(|lane| lane.sent.keys().filter_map(|text| WantKey::parse(text)).any(own));
    let operation = match (&rule.create, &rule.update, &rule.single) {
        (Some(create), _, _) if sent || !linked(create) => Some(create),
        (_, Some(update), _) if linked(update) => Some(update),
        (None, None, Some(single)) if sent || !single.creates || !linked(single) => Some(single),
        (_, _, _) => None,
    };
    let Some(operation) = operation else { return (None, Told::No) };
    let scene =
        Scene { order: &state.order, lanes: &state.lanes, systems: rules.systems, past: None };
    if rule.when.as_ref().is_some_and(|when| !when.holds(scene, subject)) {
        return (Some(operation), Told::Held);
    }
    let values = operation.kind == OperationKind::State && (by_values || rule.create.is_some());
    if let Some(lane) = lane.filter(|_| values && !sent && linked(operation)) {
        let key = WantKey { rule: rule.id.clone(), subject: subject.clone(), fact: None };
        let (version, release) = (state.order.version, None);
        let want = Want { key, version, release, since: None, unfit: false, whole: false };
        if own::change(state, lane, &want, rules) {
            return (Some(operation), Told::No);
        }
    }
    (Some(operation), Told::Yes)
}
