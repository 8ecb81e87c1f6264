//! Lets releases fire, in file order.
//!
//! A release without `fields:` fires once per (rule, subject, system), as soon as its `when` holds;
//! with `fields:` at each change. What fired is kept in the order (`fired`).

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use super::assign::{Choice, choose};
use super::{Flow, ORDER_CHANGED, Release, Target};
use crate::catalogue::{FieldId, known};
use crate::condition::Scene;
use crate::derive::{Books, empty, unheard};
use crate::holds::{self, Cause};
use crate::ids::{At, Collection, Role, SystemName, element_reference};
use crate::model::{Order, State};
use crate::rules::Rules;
use crate::settle::Turn;
use crate::value::Value;

/// One release that fired for one system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Firing {
    /// The event.
    pub emits: Box<str>,
    /// The release's target, with `emits` its name.
    pub to: Target,
    /// What it is about.
    pub subject: At,
    /// To whom; `None`: the event happened and nobody is to be told.
    pub system: Option<SystemName>,
}

/// The key of a firing in the order's `fired`.
pub(crate) fn fired_key(emits: &str, to: Target, subject: &At, system: &SystemName) -> String {
    format!("{emits}>{} {subject} {system}", to.as_str())
}

/// What one pass over the releases may look at and write.
struct Pass<'a> {
    state: &'a mut State,
    turn: Turn<'a>,
    rules: &'a Rules<'a>,
    changed: &'a [(At, FieldId)],
    firings: Vec<Firing>,
    unassigned: Vec<Cause>,
}

/// One pass over all releases. `changed` is what this turn changed so far; `done` holds what fired
/// by a change of fields already in this turn. Gives what fired.
pub fn fire(
    state: &mut State,
    turn: Turn<'_>,
    rules: &Rules<'_>,
    changed: &[(At, FieldId)],
    done: &mut BTreeSet<String>,
) -> Vec<Firing> {
    let flow: &Flow = rules.flow;
    let mut pass =
        Pass { state, turn, rules, changed, firings: Vec::new(), unassigned: Vec::new() };
    for release in flow.releases.iter().filter(|release| &*release.emits != ORDER_CHANGED) {
        if release.creates {
            pass.create(release);
        } else {
            for subject in subjects(&pass.state.order, release) {
                pass.subject(release, &subject, done);
            }
        }
    }
    let Pass { firings, unassigned, .. } = pass;
    holds::reconcile(&mut state.order, &["unassigned"], unassigned, turn.now);
    firings
}

/// The subjects of a release.
pub(crate) fn subjects(order: &Order, release: &Release) -> Vec<At> {
    let collection = if release.creates { Collection::Fulfilments } else { release.subject };
    if collection == Collection::Root {
        return vec![At::ROOT];
    }
    order.elements_at(&At::ROOT, collection).into_iter().map(|(at, _)| at).collect()
}

/// The systems that a release means besides those of one role.
pub(crate) fn targets(state: &State, release: &Release, rules: &Rules<'_>) -> Vec<SystemName> {
    let order = &state.order;
    let knows = |name: &SystemName| state.lanes.get(name).is_some_and(|lane| lane.knows());
    let all = rules.systems.iter();
    let meant = all.filter(|(name, system)| match release.to {
        Target::Role(_) => false,
        Target::Origin => **name == order.origin,
        Target::Linked => knows(name),
        Target::All => {
            let part = knows(name)
                || order.bound.values().any(|bound| bound == *name)
                || system.role == Role::Sink;
            part && system.hears_of(&release.emits)
        }
    });
    meant.map(|(name, _)| name.clone()).collect()
}

impl Pass<'_> {
    fn holds(&self, release: &Release, at: &At, order: &Order) -> bool {
        let past = if let Target::Role(role) = release.to { Some(role) } else { None };
        let (lanes, systems) = (&self.state.lanes, self.rules.systems);
        release.when.holds(Scene { order, lanes, systems, past }, at)
    }

    fn subject(&mut self, release: &Release, at: &At, done: &mut BTreeSet<String>) {
        if !self.holds(release, at, &self.state.order) {
            return;
        }
        if release.fields.is_some_and(|fields| {
            !self.changed.iter().any(|(place, field)| fields.contains(*field) && near(place, at))
        }) {
            return;
        }
        let systems = match release.to {
            Target::Role(role) => self.of_role(role, at).into_iter().collect(),
            Target::Origin | Target::Linked | Target::All => {
                targets(self.state, release, self.rules)
            }
        };
        // Nobody is told who made it true himself, but it counts as fired: he knows.
        let made_true = release.to == Target::Linked
            && !(self.turn.before.version > 0 && self.holds(release, at, self.turn.before));
        for system in systems {
            let key = fired_key(&release.emits, release.to, at, &system);
            let first = !self.state.order.fired.contains_key(&key);
            let again = release.fields.is_some() && done.insert(key.clone());
            let knows = made_true && self.turn.by == Some(&system);
            if first {
                // 0: fired, and never told.
                let version = if knows { 0 } else { self.turn.version() };
                self.state.order.fired.insert(key, version);
            }
            if first || again {
                self.push(release, at, if knows { None } else { Some(system) });
            }
        }
    }

    /// The one system of a role, bound from now on; nobody plays it: the release does not fire.
    fn of_role(&mut self, role: Role, at: &At) -> Option<SystemName> {
        match choose(&self.state.order, at, role, self.rules) {
            Choice::System(system) => {
                self.state.order.bound.entry(role).or_insert_with(|| system.clone());
                Some(system)
            }
            Choice::Nobody => None,
            Choice::Unassigned(detail) => {
                let cause =
                    Cause { code: "unassigned", scope: role.to_string(), detail, rule: None };
                if !self.unassigned.contains(&cause) {
                    self.unassigned.push(cause);
                }
                None
            }
        }
    }

    fn push(&mut self, release: &Release, at: &At, system: Option<SystemName>) {
        let emits = release.emits.clone();
        self.firings.push(Firing { emits, to: release.to, subject: at.clone(), system });
    }

    /// Makes one fulfilment of everything that ships and that no warehouse was asked for yet.
    fn create(&mut self, release: &Release) {
        if !self.holds(release, &At::ROOT, &self.state.order) {
            return;
        }
        let Target::Role(role) = release.to else { return };
        let books = Books::of(&self.state.order);
        let open: Vec<_> = books
            .lines
            .iter()
            .filter(|(_, book)| book.ships && book.unreleased() > Decimal::ZERO)
            .map(|(line, book)| (line.clone(), book.unreleased()))
            .collect();
        if open.is_empty() {
            return;
        }
        let Some(system) = self.of_role(role, &At::ROOT) else { return };
        let unheard = unheard(self.state);
        let order = &mut self.state.order;
        let at = match unheard {
            Some(at) => {
                empty(order, &at);
                Some(at)
            }
            None => order.add(&At::ROOT, Collection::Fulfilments, None, None),
        };
        let Some(at) = at else { return };
        let reference =
            at.id().map(|id| element_reference(&order.reference, Collection::Fulfilments, id));
        let texts = [
            (known::fulfilment::REF, reference.unwrap_or_default()),
            (known::fulfilment::SYSTEM, system.to_string()),
            (known::fulfilment::STATUS, "queued".to_owned()),
        ];
        for (field, text) in texts {
            order.set(&at, field, Some(Value::text(text)));
        }
        order.set(&at, known::fulfilment::RELEASED_AT, Some(Value::Timestamp(self.turn.now)));
        for (line, quantity) in open {
            if let Some(part) = order.add(&at, Collection::FulfilmentLines, Some(&line), None) {
                let quantity = Some(Value::Decimal(quantity.normalize()));
                order.set(&part, known::fulfilment_line::QTY, quantity);
            }
        }
        let key = fired_key(&release.emits, release.to, &at, &system);
        self.state.order.fired.insert(key, self.turn.version());
        self.push(release, &at, Some(system));
    }
}

/// A change at `place` concerns the subject at `at`: it is in it, or in the order around it.
pub(crate) fn near(place: &At, at: &At) -> bool {
    place.within(at)
        || place.is_root()
        || place.collection() != at.collection() && !sibling(place, at)
}

/// Both stand in elements of one collection, and not in the same one.
fn sibling(place: &At, at: &At) -> bool {
    match (place.0.first(), at.0.first()) {
        (Some((a, one)), Some((b, other))) => a == b && one != other,
        (_, _) => false,
    }
}
