//! Folds what stands alone in its batch ahead of the others, on several cores ([`cores`]): while the batch
//! before it is committed ([`look_ahead`]), and what is left at the beginning of its own commit.
//!
//! A fold looks at its order, its act and its facts, and at nothing else of the batch. A unit stands
//! alone when no other unit of the batch touches its order or names one of its references: then it does
//! not matter when it is folded. What was folded ahead lies on a copy of the state, and counts only if
//! the unit, when its turn comes, is found to belong where it was thought to, with the same facts, and
//! nothing has touched the order meanwhile: then the fold would give the same again. **Invariant:** a batch
//! comes out the same whatever was folded ahead. Tests: `what_is_folded_ahead_changes_nothing_but_the_speed`,
//! `what_is_folded_before_its_turn_changes_nothing`, `a_call_that_was_prepared_early_forgets_no_wish`.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use orderhub_order::fold::{Act, Facts, Folded, Outcome, binds, fold};
use orderhub_order::identify::{self, Bound, Identity, ReferenceKey};
use orderhub_order::ids::{At, OrderKey, SystemName};
use orderhub_order::model::State;

use super::messages::By;
use super::plan::{self, Document, Item, Prepared, Sequence, contribution};
use super::working_set::WorkingSet;
use super::{Context, Lookup, Seen, TxError};
use crate::store::cores;
use crate::store::pack::{self, Address, Lent, Packed, PackedAhead, Packers};

/// Fewer units are folded sooner than a thread has woken.
const WORTH_A_THREAD: usize = 8;

/// Fewer units are not worth a look before their turn.
pub(crate) const WORTH_LOOKING: usize = 2 * WORTH_A_THREAD;

/// What was done of a batch before its turn.
#[derive(Debug, Default)]
pub(crate) struct DoneAhead {
    /// The results of folds, with what they will write.
    pub(super) folds: Folds,
    /// Raw bodies.
    pub(super) bodies: PackedAhead,
}

/// The results of folds that were made before their turn, by order.
#[derive(Debug, Default)]
pub(super) struct Folds(HashMap<OrderKey, Ahead>);

/// The result of a fold that was made before its turn, and all that it depended on besides the bundle
/// and the time of the commit.
#[derive(Debug)]
struct Ahead {
    /// Where the act lies: no other is meant.
    act: usize,
    place: Place,
    facts: Facts,
    /// What it was folded on.
    from: Arc<State>,
    state: State,
    folded: Folded,
    packed: Vec<(Address, Packed)>,
}

impl DoneAhead {
    /// The bodies are not where they were.
    pub(super) fn forget_bodies(&mut self) {
        self.bodies = PackedAhead::default();
    }
}

impl Folds {
    /// The acts that say nothing new, by where they lie.
    fn quiet(&self) -> HashSet<usize> {
        let quiet = self.0.values().filter(|ahead| ahead.folded.outcome == Outcome::Unchanged);
        quiet.map(|ahead| ahead.act).collect()
    }

    /// The state that an order was made with ahead, which is made of nothing but these.
    pub(super) fn made(
        &self,
        key: OrderKey,
        reference: &str,
        origin: &SystemName,
    ) -> Option<Arc<State>> {
        let from = &self.0.get(&key)?.from;
        let same = *from.order.reference == *reference && from.order.origin == *origin;
        (same && from.order.version == 0).then(|| Arc::clone(from))
    }
}

/// The body of a message, if it looks like being stored: what says nothing new is not.
fn stored<'w>(work: &'w Prepared, quiet: &HashSet<usize>) -> Option<&'w [u8]> {
    let Item::Message(head, documents) = &work.item else { return None };
    let unchanged = |document: &Document| match document {
        Document::Said(act, _) => quiet.contains(&address(act)),
        Document::Skipped | Document::Failed(_) => false,
    };
    let nothing = !documents.is_empty() && documents.iter().all(unchanged);
    (head.redrive.is_none() && !nothing).then_some(&head.envelope.body[..])
}

/// Where a document was thought to belong within its order: its element, and its parent.
type Place = (Option<At>, Option<At>);

impl Ahead {
    fn fits(&self, act: &Act, facts: &Facts, from: &Arc<State>) -> bool {
        self.act == address(act)
            && Arc::ptr_eq(&self.from, from)
            && self.facts == *facts
            && self.place == place_of(act)
    }
}

fn place_of(act: &Act) -> Place {
    match act {
        Act::Document(document) => (document.at.clone(), document.parent.clone()),
        Act::Fly { .. }
        | Act::Memo { .. }
        | Act::Skip { .. }
        | Act::Unfit { .. }
        | Act::Down { .. }
        | Act::Receipt(_)
        | Act::Person(_)
        | Act::Hurry { .. }
        | Act::Tick => (None, None),
    }
}

/// Folds of a batch whose turn is yet to come what stands alone in it, on what is committed by now.
///
/// # Errors
///
/// What the look-ups fail with: nothing is folded, and nothing is lost by it.
pub(crate) async fn look_ahead<L: Lookup>(
    lookup: &mut L,
    works: &mut [Prepared],
    context: Context<'_>,
    packers: &Packers,
) -> Result<DoneAhead, TxError> {
    let sequences = plan::foreseen(lookup, works).await?;
    let mut working_set = plan::working_set(lookup, works, &sequences, context).await?;
    working_set.fold_ahead(works, &sequences, Some(packers));
    let folds = working_set.folds;
    let quiet = folds.quiet();
    let stored: Vec<&[u8]> = works.iter().filter_map(|work| stored(work, &quiet)).collect();
    let lend = || packers.lend();
    let bodies = cores::map(&stored, WORTH_A_THREAD, lend, |packer, body| pack::raw(packer, body));
    Ok(DoneAhead { folds, bodies: PackedAhead::of_bodies(bodies.into_iter().flatten()) })
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
    /// With packers, what comes of it is packed, too.
    pub(super) fn fold_ahead(
        &mut self,
        works: &mut [Prepared],
        sequences: &[Sequence],
        packers: Option<&Packers>,
    ) {
        if works.len() < WORTH_LOOKING {
            return;
        }
        let (named, made) = self.place(works, sequences);
        let mut alone = self.alone(works, sequences, &named, &made);
        alone.retain(|unit| {
            let known = self.folds.0.get(&unit.key);
            !known.is_some_and(|known| known.fits(unit.act, &unit.facts, &unit.from))
        });
        let context = self.context;
        let lend = || packers.map(Packers::lend);
        let folded = cores::map(&alone, WORTH_A_THREAD, lend, |packer, unit| {
            fold_alone(unit, context, packer.as_mut())
        });
        self.folds.0.extend(folded.into_iter().flatten());
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
    pub(super) fn take_ahead(
        &mut self,
        key: OrderKey,
        act: &Act,
        facts: &Facts,
    ) -> Option<(State, Folded)> {
        let ahead = self.folds.0.remove(&key)?;
        let now = &self.orders.get(&key)?.locked.state;
        if !ahead.fits(act, facts, now) {
            return None;
        }
        self.packed.keep(ahead.state.clone(), ahead.packed);
        Some((ahead.state, ahead.folded))
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
fn fold_alone(
    unit: &Alone<'_>,
    context: Context<'_>,
    packer: Option<&mut Lent<'_>>,
) -> Option<(OrderKey, Ahead)> {
    let folded = catch_unwind(AssertUnwindSafe(|| {
        let mut state = (*unit.from).clone();
        let folded = fold(&mut state, unit.act, &context.rules, &unit.facts, context.now);
        let packed = packer.map(|packer| pack::folded(packer, &state, &folded));
        (state, folded, packed.unwrap_or_default())
    }));
    let (state, folded, packed) = folded.ok()?;
    let (act, place) = (address(unit.act), place_of(unit.act));
    let (facts, from) = (unit.facts.clone().into_owned(), Arc::clone(&unit.from));
    Some((unit.key, Ahead { act, place, facts, from, state, folded, packed }))
}
