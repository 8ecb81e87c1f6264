//! The working set of one attempt: orders and lanes under the lock, references as they stand in this
//! transaction, and everything that will be written.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;
use orderhub_order::catalogue::{FieldSet, known};
use orderhub_order::contribution::Contribution;
use orderhub_order::fold::{TodoItem, TodoKind};
use orderhub_order::identify::{Bound, ReferenceKey};
use orderhub_order::ids::{At, Entity, OrderKey, SystemName, order_reference};
use orderhub_order::lane::{Flight, Lane};
use orderhub_order::model::State;

use super::ahead::Folds;
use super::index::IndexWrites;
use super::writes::{
    ChangeWrite, Count, FetchWrite, Field, Hold, LaneWrite, MessageWrite, OrderWrite, PendingWrite,
    Stands, TodoWrite, WaitKey, Writes,
};
use super::{Context, DocumentKey, Hand, Locked};
use crate::apply::{Cursor, FetchKey, Word};
use crate::causes;
use crate::store::ReceiptRow;
use crate::store::pack::PackedAhead;

/// One order on the working set.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) locked: Locked,
    /// What stood under the lock; nothing of one that has no row yet.
    pub(super) before: Option<Arc<State>>,
    /// The fields that its new versions touched.
    pub(super) touched: FieldSet,
    /// It has no row yet.
    pub(super) new: bool,
    /// A version was made, or a timer set.
    pub(super) dirty: bool,
    /// Lanes to write.
    pub(super) lanes: BTreeSet<SystemName>,
}

/// A message row to write; its envelope is borrowed when all folds are done.
#[derive(Debug)]
pub(super) struct Row<'a> {
    pub(super) id: i64,
    pub(super) first: Option<i64>,
    pub(super) envelope: &'a crate::intake::Envelope,
    pub(super) bundle: &'a str,
    pub(super) recorded: &'a crate::apply::Recorded,
    pub(super) outcome: Word,
    pub(super) why: String,
}

/// The working set.
#[derive(Debug)]
pub(super) struct WorkingSet<'a> {
    pub(super) context: Context<'a>,
    pub(super) orders: BTreeMap<OrderKey, Open>,
    pub(super) references: HashMap<ReferenceKey, Option<Bound>>,
    pub(super) parked: HashSet<DocumentKey>,
    /// Numbers for orders to be made.
    next_order: i64,

    pub(super) messages: Vec<Row<'a>>,
    pub(super) changes: Vec<ChangeWrite>,
    pub(super) bindings: Vec<(ReferenceKey, Bound)>,
    pub(super) index: IndexWrites,
    pub(super) receipts: Vec<(OrderKey, ReceiptRow)>,
    pub(super) todos: Vec<TodoWrite>,
    pub(super) superseded: Vec<DocumentKey>,
    /// What todos are about by another name from now on, and their sentences.
    pub(super) carried: BTreeMap<Field, (Box<str>, String)>,
    /// What is settled about fields, and how.
    pub(super) settled: BTreeMap<Field, String>,
    pub(super) driven: Vec<(i64, Option<u32>)>,
    pub(super) pending: Vec<PendingWrite>,
    pub(super) woken: BTreeSet<WaitKey>,
    pub(super) fetches: BTreeMap<FetchKey, FetchWrite>,
    pub(super) cursors: BTreeMap<(SystemName, Box<str>), Cursor>,
    pub(super) reserved: BTreeSet<(SystemName, OrderKey)>,
    /// Lanes that whoever held them has spoken for.
    pub(super) ended: BTreeSet<(SystemName, OrderKey)>,
    /// Reserved by the unit at hand.
    pub(super) fresh: Vec<(SystemName, OrderKey)>,
    /// Systems of lanes that the unit at hand made due, and that nobody has room for.
    pub(super) left: Vec<SystemName>,
    /// How many lanes of each system this commit has handed over.
    pub(super) handed: HashMap<SystemName, usize>,
    /// Lanes that take off with this commit.
    pub(super) flown: BTreeSet<(SystemName, OrderKey)>,
    /// Who commits; nobody yet, of a batch whose turn is to come.
    pub(super) hand: Option<Hand<'a>>,
    pub(super) counts: HashMap<(SystemName, Arc<str>, Word), u32>,
    /// What was folded before its turn.
    pub(super) folds: Folds,
    /// What was packed before its turn.
    pub(super) packed: PackedAhead,
}

impl<'a> WorkingSet<'a> {
    pub(super) fn new(
        context: Context<'a>,
        references: HashMap<ReferenceKey, Option<Bound>>,
        locked: Vec<Locked>,
        parked: HashSet<DocumentKey>,
        next_order: i64,
    ) -> Self {
        let open = |locked: Locked| {
            let key = locked.state.order.key;
            let before = Some(Arc::clone(&locked.state));
            let (touched, lanes) = (FieldSet::EMPTY, BTreeSet::new());
            (key, Open { locked, before, touched, new: false, dirty: false, lanes })
        };
        Self {
            context,
            orders: locked.into_iter().map(open).collect(),
            references,
            parked,
            next_order,
            messages: Vec::new(),
            changes: Vec::new(),
            bindings: Vec::new(),
            index: IndexWrites::default(),
            receipts: Vec::new(),
            todos: Vec::new(),
            superseded: Vec::new(),
            carried: BTreeMap::new(),
            settled: BTreeMap::new(),
            driven: Vec::new(),
            pending: Vec::new(),
            woken: BTreeSet::new(),
            fetches: BTreeMap::new(),
            cursors: BTreeMap::new(),
            reserved: BTreeSet::new(),
            ended: BTreeSet::new(),
            fresh: Vec::new(),
            left: Vec::new(),
            handed: HashMap::new(),
            flown: BTreeSet::new(),
            hand: None,
            counts: HashMap::new(),
            folds: Folds::default(),
            packed: PackedAhead::default(),
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.context.now
    }

    /// The reference that an order made from this document would like to have.
    pub(super) fn reference_of(said: &Contribution) -> Option<ReferenceKey> {
        let number = order_no(said).filter(|_| said.creates && said.entity == Entity::Order)?;
        let reference = order_reference(&said.system, Some(number), false, OrderKey(0));
        Some(ReferenceKey::Ref(reference.into()))
    }

    /// Makes an order from its first document: the key is new, the reference unique. `None`: its system
    /// is not configured.
    pub(super) fn create(&mut self, said: &Contribution) -> Option<OrderKey> {
        let key = OrderKey(self.next_order);
        let taken = Self::reference_of(said)
            .is_some_and(|wanted| self.references.get(&wanted).is_some_and(Option::is_some));
        let reference = order_reference(&said.system, order_no(said), taken, key);
        let state = self.new_state(key, &reference, said)?;
        self.next_order += 1;
        self.bind(
            ReferenceKey::Ref(reference.as_str().into()),
            Bound { order: key, at: At::default() },
        );
        let locked = Locked { state, chain: [0; 32], since_keyframe: 0, next_timer: None };
        let (touched, lanes) = (FieldSet::EMPTY, BTreeSet::new());
        let open = Open { locked, before: None, touched, new: true, dirty: true, lanes };
        self.orders.insert(key, open);
        Some(key)
    }

    /// An order as its first document finds it: the one that was made ahead, or another like it.
    fn new_state(&self, key: OrderKey, reference: &str, said: &Contribution) -> Option<Arc<State>> {
        if let Some(made) = self.folds.made(key, reference, &said.system) {
            return Some(made);
        }
        let (rules, now) = (&self.context.rules, self.now());
        orderhub_order::fold::create(key, reference.into(), said, rules, now).map(Arc::new)
    }

    /// The key of an order that is made after `before` others of this batch.
    pub(super) fn order_to_be(&self, before: usize) -> OrderKey {
        OrderKey(self.next_order.saturating_add(i64::try_from(before).unwrap_or(i64::MAX)))
    }

    /// An order as it will be made, if its reference is free as far as is known.
    pub(super) fn to_be(&self, key: OrderKey, said: &Contribution) -> Option<Arc<State>> {
        let taken = Self::reference_of(said)
            .is_some_and(|wanted| self.references.get(&wanted).is_some_and(Option::is_some));
        let reference = order_reference(&said.system, order_no(said), taken, key);
        self.new_state(key, &reference, said)
    }

    /// Takes back an order whose first document could not be applied: no empty order is made. Answers
    /// whether it did.
    pub(super) fn uncreate(&mut self, key: OrderKey) -> bool {
        if self.orders.get(&key).is_none_or(|open| open.locked.state.order.version > 0) {
            return false;
        }
        self.orders.remove(&key);
        let todos = self.todos.iter_mut().filter(|todo| todo.order == Some(key));
        todos.for_each(|todo| todo.order = None);
        let references = &mut self.references;
        self.bindings.retain(|(reference, bound)| {
            let other = bound.order != key;
            if !other {
                references.insert(reference.clone(), None);
            }
            other
        });
        true
    }

    /// Notes a reference. One that is known to be bound elsewhere stays there: a todo.
    pub(super) fn bind(&mut self, key: ReferenceKey, bound: Bound) {
        match self.references.get(&key) {
            Some(Some(other)) if *other == bound => {}
            Some(Some(other)) => {
                let other = other.clone();
                self.clash(&key, &bound, &other);
            }
            Some(None) | None => {
                self.references.insert(key.clone(), Some(bound.clone()));
                self.bindings.push((key, bound));
            }
        }
    }

    /// References to write, sorted: the lock order of those that nobody had asked for.
    pub(super) fn new_references(&self) -> Vec<(ReferenceKey, Bound)> {
        let mut references = self.bindings.clone();
        references.sort_by(|(a, _), (b, _)| a.cmp(b));
        references
    }

    /// Some references were bound to something else before: those stay, a person decides.
    pub(super) fn note_clashes(
        &mut self,
        references: &[(ReferenceKey, Bound)],
        clashes: Vec<Option<Bound>>,
    ) {
        for ((key, bound), other) in references.iter().zip(clashes) {
            match other {
                Some(other) => self.clash(key, bound, &other),
                None => {
                    self.woken.insert(WaitKey::reference(key));
                }
            }
        }
    }

    fn clash(&mut self, key: &ReferenceKey, bound: &Bound, other: &Bound) {
        let (what, system) = match key {
            ReferenceKey::Xref { system, kind, ext_id } => {
                (format!("the {kind} `{ext_id}`"), Some(system.clone()))
            }
            ReferenceKey::Ref(text) => (format!("the reference `{text}`"), None),
        };
        let why = format!(
            "{what} is bound to {} of order {} already, and is now named for {} of order {}",
            place(&other.at),
            other.order.shown(),
            place(&bound.at),
            bound.order.shown(),
        );
        let item = TodoItem {
            kind: TodoKind::Ambiguous,
            cause: causes::REFERENCE_BOUND.word.into(),
            system,
            why,
            about: None,
        };
        let order = Some(bound.order);
        let (message, document) = (None, None);
        self.todos.push(TodoWrite { item, order, message, document, stands: Stands::Beside });
    }

    /// Whose the lane is after this commit.
    ///
    /// **Invariant:** a commit that only says something of an order takes no lane from whoever holds it. Test:
    /// `a_lane_that_another_process_holds_is_not_claimed`.
    fn hold(&self, key: OrderKey, lane: &Lane) -> Hold {
        let at = (lane.system.clone(), key);
        let process = self.hand.map_or(0, |hand| hand.process);
        if self.flown.contains(&at) || self.reserved.contains(&at) {
            return Hold::By(process);
        }
        let in_air = lane.flying.as_ref().is_some_and(|flight| flight.in_air);
        if self.ended.contains(&at) && !in_air { Hold::Free } else { Hold::Kept }
    }

    /// Lanes whose reservation ends with this commit.
    pub(super) fn settled(&self) -> Vec<(SystemName, OrderKey)> {
        self.ended.difference(&self.reserved).cloned().collect()
    }

    /// The orders as they are after this commit.
    pub(super) fn into_heads(self) -> Vec<Locked> {
        self.orders.into_values().map(|open| open.locked).collect()
    }

    /// Everything, sorted where rows are locked.
    pub(super) fn writes(&self) -> Writes<'_> {
        let orders = self.orders.values().filter(|open| open.dirty);
        let lanes = self.orders.values().flat_map(|open| {
            let lanes = open.lanes.iter().filter_map(|name| open.locked.state.lanes.get(name));
            lanes.map(|lane| {
                let order = &open.locked.state.order;
                LaneWrite { order, lane, hold: self.hold(order.key, lane) }
            })
        });
        let messages = self.messages.iter().map(|row| MessageWrite {
            id: row.id,
            first: row.first,
            envelope: row.envelope,
            bundle: row.bundle,
            recorded: row.recorded,
            outcome: row.outcome,
            why: &row.why,
        });
        let counts = self.counts.iter().map(|((system, document, outcome), n)| Count {
            system: system.clone(),
            document: Arc::clone(document),
            outcome: *outcome,
            n: *n,
        });
        Writes {
            messages: messages.collect(),
            changes: &self.changes,
            orders: orders.map(head).collect(),
            lanes: lanes.collect(),
            index: &self.index,
            receipts: &self.receipts,
            todos: &self.todos,
            superseded: &self.superseded,
            carried: &self.carried,
            settled: &self.settled,
            driven: &self.driven,
            pending: &self.pending,
            woken: self.woken.iter().cloned().collect(),
            counts: counts.collect(),
            fetches: &self.fetches,
            cursors: &self.cursors,
            now: self.context.now,
            bundle: self.context.rules.bundle,
            ahead: &self.packed,
        }
    }
}

fn head(open: &Open) -> OrderWrite<'_> {
    OrderWrite {
        order: &open.locked.state.order,
        new: open.new,
        chain: open.locked.chain,
        since_keyframe: open.locked.since_keyframe,
        next_timer: open.locked.next_timer,
    }
}

fn place(at: &At) -> String {
    if at.is_root() { "the order itself".to_owned() } else { format!("`{at}`") }
}

fn order_no(said: &Contribution) -> Option<&str> {
    let stated = said.body.fields.iter().find(|(field, _)| *field == known::order::ORDER_NO)?;
    stated.1.as_ref()?.as_str()
}

/// How a lane stands towards its system: a call that may have left is not over.
pub(super) fn busy(state: &State) -> Vec<SystemName> {
    let lanes = state.lanes.iter();
    let busy = lanes.filter(|lane| lane.flying.as_ref().is_some_and(Flight::may_be_there));
    busy.map(|lane| lane.system.clone()).collect()
}
