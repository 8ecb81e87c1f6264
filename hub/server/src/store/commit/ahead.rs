//! Folds what stands alone in its batch ahead of the others, on several cores ([`cores`]).
//!
//! A fold looks at its order, its act and its facts, and at nothing else of the batch. A unit stands
//! alone when no other unit of the batch touches its order or names one of its references: then it does
//! not matter when it is folded. What was folded ahead lies on a copy of the state, and counts only if
//! the unit, when its turn comes, is found to belong where it was thought to, and nothing has touched the
//! order meanwhile. **Invariant:** a batch comes out the same whatever was folded ahead. Test:
//! `what_is_folded_ahead_changes_nothing_but_the_speed`.

use std::borrow::Cow;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use orderhub_order::fold::{Act, Facts, Folded, binds, fold};
use orderhub_order::identify::{self, Bound, Identity, ReferenceKey};
use orderhub_order::ids::{At, OrderKey};
use orderhub_order::model::State;

use super::messages::By;
use super::plan::{Document, Item, Prepared, Sequence, contribution};
use super::working_set::WorkingSet;
use super::{Context, Seen};
use crate::store::cores;

/// Fewer units are folded sooner than a thread has started.
const WORTH_A_THREAD: usize = 8;

/// The result of a fold that was made before its turn.
#[derive(Debug)]
pub(super) struct Ahead {
    /// Where the act lies: no other is meant.
    act: usize,
    /// What it was folded on.
    from: Arc<State>,
    state: State,
    folded: Folded,
}

/// A unit that stands alone.
struct Alone<'u> {
    key: OrderKey,
    act: &'u Act,
    facts: Cow<'u, Facts>,
    from: Arc<State>,
}

/// How often orders and references are named in a batch.
#[derive(Default)]
struct Named {
    orders: HashMap<OrderKey, u32>,
    references: HashMap<ReferenceKey, u32>,
}

impl Named {
    fn order(&mut self, key: OrderKey) {
        *self.orders.entry(key).or_default() += 1;
    }

    fn reference(&mut self, key: ReferenceKey) {
        *self.references.entry(key).or_default() += 1;
    }

    fn alone(&self, key: OrderKey, mut references: impl Iterator<Item = ReferenceKey>) -> bool {
        self.orders.get(&key) == Some(&1)
            && references.all(|reference| self.references.get(&reference) == Some(&1))
    }
}

impl WorkingSet<'_> {
    /// Folds ahead what stands alone. With few units it does nothing.
    pub(super) fn fold_ahead(&mut self, works: &mut [Prepared], sequences: &[Sequence]) {
        if works.len() < 2 * WORTH_A_THREAD {
            return;
        }
        let (named, made) = self.place(works, sequences);
        let alone = self.alone(works, sequences, &named, &made);
        let context = self.context;
        let folded = cores::map(&alone, WORTH_A_THREAD, || (), |(), unit| ahead(unit, context));
        self.ahead = folded.into_iter().flatten().collect();
    }

    /// Says of every document where it belongs by what is known before the first fold, and counts what
    /// is named. Gives the orders that will be made, by the place of the act.
    fn place(
        &self,
        works: &mut [Prepared],
        sequences: &[Sequence],
    ) -> (Named, HashMap<usize, OrderKey>) {
        let (mut named, mut made) = (Named::default(), HashMap::new());
        for (work, sequence) in works.iter_mut().zip(sequences) {
            if !is_live(work, *sequence) {
                continue;
            }
            match &mut work.item {
                Item::Order(unit) => {
                    named.order(unit.key);
                    binds(&unit.act).into_iter().for_each(|key| named.reference(key));
                }
                Item::Message(_, documents) => {
                    for document in documents {
                        let Document::Said(act, keys) = document else { continue };
                        self.place_document(act, keys, &mut named, &mut made);
                    }
                }
            }
        }
        (named, made)
    }

    fn place_document(
        &self,
        act: &mut Act,
        keys: &[ReferenceKey],
        named: &mut Named,
        made: &mut HashMap<usize, OrderKey>,
    ) {
        let place = address(act);
        let Act::Document(document) = act else { return };
        let said = &document.contribution;
        keys.iter().cloned().chain(Self::reference_of(said)).for_each(|key| named.reference(key));
        let found: Vec<Option<Bound>> =
            keys.iter().map(|key| self.references.get(key).cloned().flatten()).collect();
        match identify::identify(said, &found) {
            Identity::Known { order, at, parent } => {
                named.order(order);
                (document.at, document.parent) = (at, parent);
            }
            Identity::Create => {
                let key = self.order_to_be(made.len());
                named.order(key);
                (document.at, document.parent) = (Some(At::default()), None);
                made.insert(place, key);
            }
            Identity::Wait(_) | Identity::Ambiguous(_) => {}
        }
    }

    fn alone<'u>(
        &self,
        works: &'u [Prepared],
        sequences: &[Sequence],
        named: &Named,
        made: &HashMap<usize, OrderKey>,
    ) -> Vec<Alone<'u>> {
        let mut alone = Vec::new();
        for (work, sequence) in works.iter().zip(sequences) {
            if !is_live(work, *sequence) {
                continue;
            }
            match &work.item {
                Item::Order(unit) => {
                    let Some(open) = self.orders.get(&unit.key) else { continue };
                    let key = unit.key;
                    // A timer also changes its row.
                    let timer = matches!(unit.act, Act::Tick);
                    if !timer && named.alone(key, binds(&unit.act).into_iter()) {
                        let from = Arc::clone(&open.locked.state);
                        alone.push(Alone { key, act: &unit.act, facts: self.facts(unit), from });
                    }
                }
                Item::Message(head, documents) => {
                    let first = head.redrive.map_or(sequence.row, |redrive| redrive.first);
                    for (position, document) in (0..).zip(documents) {
                        let Document::Said(act, keys) = document else { continue };
                        let by = By { head, first, document: position };
                        alone.extend(self.document_alone(act, keys, named, made, by));
                    }
                }
            }
        }
        alone
    }

    fn document_alone<'u>(
        &self,
        act: &'u Act,
        keys: &[ReferenceKey],
        named: &Named,
        made: &HashMap<usize, OrderKey>,
        by: By<'_>,
    ) -> Option<Alone<'u>> {
        let said = contribution(act)?;
        let (key, from) = match made.get(&address(act)) {
            Some(key) => (*key, self.to_be(*key, said)?),
            None => {
                let bound = keys.iter().find_map(|key| self.references.get(key)?.as_ref())?;
                (bound.order, Arc::clone(&self.orders.get(&bound.order)?.locked.state))
            }
        };
        let references = keys.iter().cloned().chain(Self::reference_of(said));
        let facts = Cow::Owned(by.facts());
        named.alone(key, references).then_some(Alone { key, act, facts, from })
    }

    /// What was folded ahead for this act, if nothing has touched the order meanwhile.
    pub(super) fn take_ahead(&mut self, key: OrderKey, act: &Act) -> Option<(State, Folded)> {
        let ahead = self.ahead.remove(&key)?;
        let now = &self.orders.get(&key)?.locked.state;
        let same = ahead.act == address(act) && Arc::ptr_eq(now, &ahead.from);
        same.then_some((ahead.state, ahead.folded))
    }

    /// The state that an order was made with ahead, if its reference came out the same.
    pub(super) fn made_ahead(&self, key: OrderKey, reference: &str) -> Option<Arc<State>> {
        let ahead = self.ahead.get(&key)?;
        (*ahead.from.order.reference == *reference).then(|| Arc::clone(&ahead.from))
    }
}

/// Whether the unit is going to be folded at all.
fn is_live(work: &Prepared, sequence: Sequence) -> bool {
    let taken = match &work.item {
        Item::Order(_) => true,
        Item::Message(head, _) => {
            let suspect = head.envelope.suspect && head.redrive.is_none();
            head.refused.is_none() && !head.skipped && !suspect
        }
    };
    taken && work.condemned.is_none() && sequence.seen == Seen::New
}

/// Acts lie still while their batch is under way.
fn address(act: &Act) -> usize {
    std::ptr::from_ref(act).addr()
}

/// One that panics is left to its turn, where it is found out.
fn ahead(unit: &Alone<'_>, context: Context<'_>) -> Option<(OrderKey, Ahead)> {
    let folded = catch_unwind(AssertUnwindSafe(|| {
        let mut state = (*unit.from).clone();
        let folded = fold(&mut state, unit.act, &context.rules, &unit.facts, context.now);
        (state, folded)
    }));
    let (state, folded) = folded.ok()?;
    let (act, from) = (address(unit.act), Arc::clone(&unit.from));
    Some((unit.key, Ahead { act, from, state, folded }))
}
