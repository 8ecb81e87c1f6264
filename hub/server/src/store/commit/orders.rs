//! One act on a known order through the desk: receipts, flights, timers, people.

use std::borrow::Cow;

use orderhub_order::fold::{Act, Outcome, Receipt, ReceiptClass, TodoItem, TodoKind, fold};
use orderhub_order::identify::{Bound, ReferenceKey};

use super::desk::{Desk, busy};
use super::messages::word;
use super::writes::TodoWrite;
use crate::apply::{DocumentOutcome, OrderUnit, UnitOutcome, Word};

impl Desk<'_> {
    pub(super) fn take_order(
        &mut self,
        unit: &OrderUnit,
        condemned: Option<&'static str>,
    ) -> UnitOutcome {
        if let Some(receipt) = &unit.receipt {
            self.receipts.push((unit.key, receipt.clone()));
        }
        let outcome = match condemned {
            Some(why) => self.fault(unit, why),
            None => self.act(unit),
        };
        UnitOutcome { documents: vec![outcome], message: None, reserved: self.take_reserved() }
    }

    fn act(&mut self, unit: &OrderUnit) -> DocumentOutcome {
        let act = self.checked(unit);
        let Some(open) = self.orders.get_mut(&unit.key) else {
            return word(Word::Todo, Some(format!("there is no order {}", unit.key.shown())));
        };
        if matches!(*act, Act::Tick) && open.locked.next_timer.take().is_some() {
            open.dirty = true;
        }
        let before = busy(&open.locked.state);
        let (rules, now) = (&self.context.rules, self.context.now);
        let folded = fold(&mut open.locked.state, &act, rules, &unit.facts, now);
        let outcome = folded.outcome.clone();
        self.absorb(unit.key, folded, &unit.facts, None, &before);
        let (word, why) = match &outcome {
            Outcome::Applied { .. } => (Word::Applied, None),
            Outcome::Unchanged | Outcome::Refused(_) => (Word::Unchanged, None),
            Outcome::Stale => (Word::Stale, None),
            Outcome::WaitForLane => (Word::Waiting, None),
            Outcome::Todo(item) => {
                let todo = TodoWrite {
                    item: item.clone(),
                    order: Some(unit.key),
                    message: None,
                    document: None,
                };
                self.todos.push(todo);
                (Word::Todo, Some(item.why.clone()))
            }
        };
        DocumentOutcome { order: Some(unit.key), outcome: word, folded: Some(outcome), why }
    }

    /// A receipt that names an external id of something else must not bind it, nor count as done: the
    /// lane is held in doubt, and a person sees both.
    fn checked<'u>(&mut self, unit: &'u OrderUnit) -> Cow<'u, Act> {
        let Act::Receipt(receipt) = &unit.act else { return Cow::Borrowed(&unit.act) };
        let foreign: Vec<(ReferenceKey, Bound)> = receipt
            .xrefs
            .iter()
            .map(|xref| {
                let key = ReferenceKey::Xref {
                    system: receipt.system.clone(),
                    kind: xref.kind.clone(),
                    ext_id: xref.ext_id.clone(),
                };
                (key, Bound { order: unit.key, at: xref.at.clone() })
            })
            .filter(|(key, bound)| {
                let found = self.references.get(key).and_then(Option::as_ref);
                found.is_some_and(|other| other != bound)
            })
            .collect();
        if foreign.is_empty() {
            return Cow::Borrowed(&unit.act);
        }
        let taken = |kind: &str, ext_id: &str| {
            foreign.iter().any(|(key, _)| match key {
                ReferenceKey::Xref { kind: k, ext_id: e, .. } => &**k == kind && &**e == ext_id,
                ReferenceKey::Ref(_) => false,
            })
        };
        let kept = receipt.xrefs.iter().filter(|xref| !taken(&xref.kind, &xref.ext_id));
        let checked = Receipt {
            class: ReceiptClass::InDoubt,
            xrefs: kept.cloned().collect(),
            reply: None,
            why: "the id that it answered with is bound to something else".to_owned(),
            ..(**receipt).clone()
        };
        for (key, bound) in foreign {
            self.bind(key, bound);
        }
        Cow::Owned(Act::Receipt(Box::new(checked)))
    }

    fn fault(&mut self, unit: &OrderUnit, why: &str) -> DocumentOutcome {
        let system = match &unit.act {
            Act::Receipt(receipt) => Some(receipt.system.clone()),
            Act::Memo { system, .. } | Act::Skip { system, .. } => Some(system.clone()),
            Act::Document(_) | Act::Fly(_) | Act::Person(_) | Act::Tick => None,
        };
        let why = format!("an act on the order could not be applied: {why}");
        let item =
            TodoItem { kind: TodoKind::Finding, cause: "fault".into(), system, why: why.clone() };
        let todo = TodoWrite { item, order: Some(unit.key), message: None, document: None };
        self.todos.push(todo);
        word(Word::Todo, Some(why))
    }
}
