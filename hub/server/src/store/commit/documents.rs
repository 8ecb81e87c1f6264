//! One mapped document through the working set: who it is about, then the fold.

use std::collections::BTreeMap;
use std::sync::Arc;

use orderhub_order::causes::UNKNOWN_SYSTEM;
use orderhub_order::contribution::{Contribution, ParentReference, Revision};
use orderhub_order::fold::{Act, Facts, Folded, Outcome, TodoItem, TodoKind, fold};
use orderhub_order::identify::{self, Bound, Identity, ReferenceKey};
use orderhub_order::ids::{At, Collection, Entity, OrderKey, SystemName};

use super::messages::{By, word};
use super::plan::{contribution, spoken_keys};
use super::working_set::{WorkingSet, busy};
use super::writes::{Stands, TodoWrite, WaitKey};
use crate::apply::{DocumentOutcome, Word};
use crate::causes;

/// Where a document belongs.
struct Belongs {
    key: OrderKey,
    at: Option<At>,
    parent: Option<At>,
}

impl WorkingSet<'_> {
    /// Applies a document.
    pub(super) fn said(
        &mut self,
        act: &mut Act,
        keys: &[ReferenceKey],
        by: By<'_>,
    ) -> DocumentOutcome {
        let Some(said) = contribution(act) else { return word(Word::Skipped, None) };
        let Belongs { key, at, parent } = match self.belongs(said, keys, by) {
            Ok(belongs) => belongs,
            Err(outcome) => return *outcome,
        };
        if let Act::Document(document) = act {
            (document.at, document.parent) = (at, parent);
        }
        self.fold_document(key, act, by)
    }

    /// Which order a document is about; otherwise what becomes of it.
    fn belongs(
        &mut self,
        said: &Contribution,
        keys: &[ReferenceKey],
        by: By<'_>,
    ) -> Result<Belongs, Box<DocumentOutcome>> {
        if let Some(key) = self.waits_behind(said, by) {
            let keys = about(said).chain([key]).collect();
            let why = "waits behind a document of its order that is parked, or waits itself";
            return Err(Box::new(self.waiting(by, keys, why)));
        }
        let found: Vec<Option<Bound>> =
            keys.iter().map(|key| self.references.get(key).cloned().flatten()).collect();
        match identify::identify(said, &found) {
            Identity::Known { order, at, parent } => Ok(Belongs { key: order, at, parent }),
            Identity::Create => match self.create(said) {
                Some(key) => Ok(Belongs { key, at: Some(At::default()), parent: None }),
                None => {
                    let why = format!("no system `{}` is configured", said.system);
                    Err(Box::new(self.park(
                        by,
                        Some(by.document),
                        UNKNOWN_SYSTEM.word,
                        why,
                        Some(&said.key),
                    )))
                }
            },
            Identity::Wait(keys) => {
                let keys = keys.iter().map(WaitKey::reference).chain(about(said)).collect();
                let waits = self.waiting(by, keys, "its order is not known yet");
                self.instead(said, by);
                Err(Box::new(waits))
            }
            Identity::Ambiguous(orders) => {
                let orders: Vec<String> = orders.iter().map(|key| key.shown()).collect();
                let why = format!("it names several orders: {}", orders.join(", "));
                let item =
                    self.item(TodoKind::Ambiguous, causes::SEVERAL_ORDERS.word, by, why.clone());
                Err(Box::new(self.todo(by, item, None, why)))
            }
        }
    }

    /// The fold of an act on an order that is open: made ahead, or now.
    pub(super) fn folded(&mut self, key: OrderKey, act: &Act, facts: &Facts) -> Folded {
        let ahead = self.take_ahead(key, act, facts);
        let (rules, now) = (&self.context.rules, self.context.now);
        let Some(open) = self.orders.get_mut(&key) else { return Folded::nothing() };
        match ahead {
            Some((state, folded)) => {
                open.locked.state = Arc::new(state);
                folded
            }
            None => fold(Arc::make_mut(&mut open.locked.state), act, rules, facts, now),
        }
    }

    fn fold_document(&mut self, key: OrderKey, act: &Act, by: By<'_>) -> DocumentOutcome {
        let facts = by.facts();
        let Some(open) = self.orders.get(&key) else {
            let why = format!("order {} is referred to, but is not there", key.shown());
            let item = self.item(TodoKind::Finding, causes::ORDER_MISSING.word, by, why.clone());
            return self.todo(by, item, Some(key), why);
        };
        let before = busy(&open.locked.state);
        let folded = self.folded(key, act, &facts);
        let outcome = folded.outcome.clone();
        let (passed, not_there) = (folded.passed.values().sum(), not_there(&folded.passed));
        let message = Some((by.first, Some(by.document)));
        self.absorb(key, folded, &facts, message, &before);
        let Some(said) = contribution(act) else { return word(Word::Skipped, None) };
        let (word, why) = match &outcome {
            Outcome::Applied { .. } => (Word::Applied, not_there),
            Outcome::Unchanged => (Word::Unchanged, not_there),
            Outcome::Stale => (Word::Stale, Some(self.older_than(key, said))),
            Outcome::WaitForLane => {
                let keys = about(said).chain([WaitKey::lane(&said.system, key)]).collect();
                self.wait(by.first, Some(by.document), "waiting", None, keys);
                (Word::Waiting, Some("a call to its system is under way".to_owned()))
            }
            Outcome::Todo(item) => {
                self.record(by, item.clone(), Some(key));
                (Word::Todo, Some(item.why.clone()))
            }
            Outcome::Refused(code) => (Word::Unchanged, Some(format!("{code:?}"))),
        };
        if matches!(word, Word::Applied | Word::Unchanged | Word::Stale) {
            self.supersede(said, by);
        }
        let order = (!self.uncreate(key)).then_some(key);
        DocumentOutcome { order, outcome: word, folded: Some(outcome), why, passed }
    }

    /// Why a document changed nothing although it says something else.
    fn older_than(&self, key: OrderKey, said: &Contribution) -> String {
        let system = &said.system;
        let lane = self.orders.get(&key).and_then(|open| open.locked.state.lanes.get(system));
        let name = format!("{}/{}", said.document, said.key);
        let known = lane.and_then(|lane| lane.documents.get(&name)?.revision.as_ref());
        match (known, &said.revision) {
            (Some(Revision::Timestamp(known)), Some(Revision::Timestamp(said))) if known > said => {
                format!("older: {system} said it at {said}, and something else at {known}")
            }
            (Some(Revision::Integer(known)), Some(Revision::Integer(said))) if known > said => {
                format!("older: {system} said it at revision {said}, and something else at {known}")
            }
            (_, _) => format!("older than what {system} said before"),
        }
    }

    /// Facts wait behind a document of their order that is parked, or waits for what it looks up: what it says must be
    /// there first.
    fn waits_behind(&self, said: &Contribution, by: By<'_>) -> Option<WaitKey> {
        if self.parked.is_empty() || said.entity != Entity::Payment {
            return None;
        }
        let own = |kind: &str, key: &str| kind == &*by.head.envelope.document && key == &*said.key;
        let before = spoken_keys(said).find(|spoken| {
            let parked = self.parked.iter();
            let mut parked =
                parked.filter(|(system, _, key)| *system == said.system && **key == **spoken);
            parked.any(|(_, kind, key)| !own(kind, key))
        })?;
        Some(WaitKey::parked(&said.system, before))
    }

    /// A document that could be applied does away with parked ones of its kind and key, and facts wait no more behind those
    /// that wait for what they look up.
    ///
    /// **Invariant:** no fact waits behind a document that a later one of its key did away with. Test:
    /// `a_later_document_frees_what_waits_behind_one_that_waits`.
    fn supersede(&mut self, said: &Contribution, by: By<'_>) {
        if self.parked.is_empty() {
            return;
        }
        let kind: Box<str> = (&*by.head.envelope.document).into();
        let key = (said.system.clone(), kind, said.key.clone());
        if self.parked.remove(&key) {
            self.woken.insert(WaitKey::parked(&said.system, &said.key));
            self.pending.iter_mut().for_each(|waits| waits.let_go(&key));
            self.superseded.push(key);
        }
    }

    pub(super) fn waiting(&mut self, by: By<'_>, keys: Vec<WaitKey>, why: &str) -> DocumentOutcome {
        self.wait(by.first, Some(by.document), "waiting", None, keys);
        word(Word::Waiting, Some(why.to_owned()))
    }

    /// What was asked for and waits takes the place of what waits of the same document, here and in the store.
    fn instead(&mut self, said: &Contribution, by: By<'_>) {
        let Some(key) = WaitKey::document(said).filter(|_| by.asked()) else { return };
        let Some(mut waits) = self.pending.pop() else { return };
        waits.keys.push(key.clone());
        // What is driven again may be older than what waits by now.
        if by.head.redrive.is_none() {
            self.pending.retain(|earlier| earlier.instead.as_ref() != Some(&key));
            waits.instead = Some(key);
        }
        self.pending.push(waits);
    }

    fn todo(
        &mut self,
        by: By<'_>,
        item: TodoItem,
        order: Option<OrderKey>,
        why: String,
    ) -> DocumentOutcome {
        self.record(by, item, order);
        word(Word::Todo, Some(why))
    }

    fn record(&mut self, by: By<'_>, mut item: TodoItem, order: Option<OrderKey>) {
        let system: &SystemName = &by.head.envelope.system;
        item.system.get_or_insert_with(|| system.clone());
        let message = Some((by.first, Some(by.document)));
        self.todos.push(TodoWrite { item, order, message, document: None, stands: Stands::Beside });
    }
}

/// What is told of rows that the order does not have, and that add none.
fn not_there(passed: &BTreeMap<Collection, u32>) -> Option<String> {
    let lists = passed.iter().map(|(list, rows)| match rows {
        1 => format!("1 row of `{}` is not in the order", list.path()),
        rows => format!("{rows} rows of `{}` are not in the order", list.path()),
    });
    (!passed.is_empty()).then(|| lists.collect::<Vec<_>>().join(", "))
}

/// What a document is about, by which people ask for it: its own key, and what it names.
fn about(said: &Contribution) -> impl Iterator<Item = WaitKey> {
    let parents = said.parents.iter().map(|parent| match parent {
        ParentReference::Xref { ext_id, .. } => &**ext_id,
        ParentReference::Ref(reference) => &**reference,
    });
    let words = std::iter::once(&*said.key).chain(parents);
    words.filter_map(|word| WaitKey::about(&said.system, word))
}
