//! One act on a known order through the working set: receipts, flights, timers, people.

use std::borrow::Cow;
use std::sync::Arc;

use orderhub_order::fold::{Act, Facts, Outcome, TodoItem, TodoKind, binds, hold};
use orderhub_order::identify::{Bound, ReferenceKey};
use orderhub_order::ids::SystemName;
use orderhub_order::lane::LaneCode;

use super::messages::word;
use super::working_set::{WorkingSet, busy};
use super::writes::TodoWrite;
use crate::apply::{DocumentOutcome, OrderUnit, UnitOutcome, Word};
use crate::causes;

impl WorkingSet<'_> {
    pub(super) fn take_order(
        &mut self,
        unit: &OrderUnit,
        condemned: Option<&'static str>,
    ) -> UnitOutcome {
        // The dispatcher speaks of a lane that it held; what the lane wants next is reserved anew. One that it
        // skips a wish of, or parks, it still has in hand, unless it waits in the store.
        if !matches!(unit.act, Act::Skip { until: None, .. } | Act::Unfit { .. } | Act::Down { .. })
        {
            self.ended.extend(system(&unit.act).map(|system| (system, unit.key)));
        }
        let outcome = match condemned {
            Some(why) => self.fault(unit, why),
            None => self.act(unit),
        };
        // What was found wanting, and is not wanted or is otherwise by now, was no attempt.
        let refused = matches!(outcome.folded, Some(Outcome::Refused(_)));
        if let Some(receipt) = &unit.receipt
            && self.orders.contains_key(&unit.key)
            && !(refused && matches!(unit.act, Act::Unfit { .. } | Act::Down { .. }))
        {
            self.receipts.push((unit.key, receipt.clone()));
        }
        let (reserved, left) = self.take_handed();
        UnitOutcome { documents: vec![outcome], message: None, reserved, left, commit: None }
    }

    fn act(&mut self, unit: &OrderUnit) -> DocumentOutcome {
        let facts = self.facts(unit);
        let now = self.now();
        let Some(open) = self.orders.get_mut(&unit.key) else {
            let why =
                format!("something happened to order {}, which is not there", unit.key.shown());
            return self.finding(unit, causes::ORDER_MISSING, why);
        };
        let rung = open.locked.next_timer.is_some_and(|at| at <= now);
        if matches!(unit.act, Act::Tick) && rung {
            open.locked.next_timer = None;
            open.dirty = true;
        }
        if let Act::Fly { flight, .. } = &unit.act
            && self.hand.is_some_and(|hand| hand.process != flight.process)
        {
            // The process was taken for gone since: others may have the lane by now.
            let folded = Some(Outcome::Refused(LaneCode::Retry));
            return DocumentOutcome { folded, ..word(Word::Unchanged, None) };
        }
        let before = busy(&open.locked.state);
        let folded = self.folded(unit.key, &unit.act, &facts);
        let outcome = folded.outcome.clone();
        if let (Act::Fly { system, .. }, Outcome::Applied { .. }) = (&unit.act, &outcome) {
            self.flown.insert((system.clone(), unit.key));
        }
        self.absorb(unit.key, folded, &facts, None, &before);
        let (word, why) = match &outcome {
            Outcome::Applied { .. } => (Word::Applied, None),
            Outcome::Unchanged | Outcome::Refused(_) => (Word::Unchanged, None),
            Outcome::Stale => (Word::Stale, None),
            Outcome::WaitForLane => (Word::Waiting, None),
            // People are told at once why not: nothing is left for anybody to decide.
            Outcome::Todo(item) if matches!(unit.act, Act::Person(_)) => {
                (Word::Unchanged, Some(item.why.clone()))
            }
            Outcome::Todo(item) => {
                let todo = TodoWrite::of_order(item.clone(), unit.key);
                self.todos.push(todo);
                (Word::Todo, Some(item.why.clone()))
            }
        };
        let (order, passed) = (Some(unit.key), 0);
        DocumentOutcome { order, outcome: word, folded: Some(outcome), why, passed }
    }

    /// Shown to a person; nothing is applied.
    fn finding(&mut self, unit: &OrderUnit, cause: &causes::Cause, why: String) -> DocumentOutcome {
        let (kind, system) = (TodoKind::Finding, system(&unit.act));
        let item =
            TodoItem { kind, cause: cause.word.into(), system, why: why.clone(), about: None };
        let todo = TodoWrite::of_order(item, unit.key);
        self.todos.push(todo);
        word(Word::Todo, Some(why))
    }

    /// What the table says of the references that the act would bind goes with its facts.
    pub(super) fn facts<'u>(&self, unit: &'u OrderUnit) -> Cow<'u, Facts> {
        let keys = binds(&unit.act);
        let bound = keys.into_iter().filter_map(|key| {
            let bound = self.references.get(&key)?.clone()?;
            Some((key, bound))
        });
        let bound: Vec<(ReferenceKey, Bound)> = bound.collect();
        if bound.is_empty() {
            return Cow::Borrowed(&unit.facts);
        }
        Cow::Owned(Facts { bound, ..unit.facts.clone() })
    }

    /// The act is not tried again by itself: its lane is held, its timer has rung.
    fn fault(&mut self, unit: &OrderUnit, why: &str) -> DocumentOutcome {
        let (system, mut kind) = (system(&unit.act), TodoKind::Finding);
        if let Some(open) = self.orders.get_mut(&unit.key) {
            match &system {
                Some(system) => {
                    if hold(Arc::make_mut(&mut open.locked.state), system) {
                        kind = TodoKind::InDoubt;
                    }
                    open.lanes.insert(system.clone());
                }
                None => {
                    open.locked.next_timer = None;
                    open.dirty = true;
                }
            }
        }
        let why = format!("an act on the order could not be applied: {why}");
        let item = TodoItem {
            kind,
            cause: causes::FAULT.word.into(),
            system,
            why: why.clone(),
            about: None,
        };
        let todo = TodoWrite::of_order(item, unit.key);
        self.todos.push(todo);
        word(Word::Todo, Some(why))
    }
}

/// The system whose lane the act settles.
fn system(act: &Act) -> Option<SystemName> {
    match act {
        Act::Receipt(receipt) => Some(receipt.system.clone()),
        Act::Fly { system, .. }
        | Act::Memo { system, .. }
        | Act::Skip { system, .. }
        | Act::Unfit { system, .. }
        | Act::Down { system, .. } => Some(system.clone()),
        // Whoever has it in hand goes on with it.
        Act::Document(_) | Act::Hurry { .. } | Act::Person(_) | Act::Tick => None,
    }
}
