//! A world in memory: orders, cross references, waiting documents and todos, driven as the store
//! drives them, without one.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use orderhub_order::catalogue::known;
use orderhub_order::contribution::Contribution;
use orderhub_order::fold::{
    Act, DocumentAct, Effect, Facts, Folded, Outcome, TodoItem, TodoKind, binds, create, fold,
};
use orderhub_order::history::{self, Delta};
use orderhub_order::identify::{Bound, Identity, ReferenceKey, identify, references};
use orderhub_order::ids::{At, OrderKey, SystemName, order_reference};
use orderhub_order::model::{Order, State};
use std::sync::Arc;

use super::world::{Settings, Told, World};

/// A document that waits: for a reference it names, or for a flight.
#[derive(Debug)]
struct Waiting {
    contribution: Contribution,
    sequence: i64,
    for_references: Vec<ReferenceKey>,
    for_lane: Option<(OrderKey, SystemName)>,
}

/// The world.
#[derive(Debug)]
pub struct MemoryWorld {
    settings: Arc<Settings>,
    now: Timestamp,
    sequence: i64,
    orders: BTreeMap<OrderKey, State>,
    versions: BTreeMap<(OrderKey, u32), Order>,
    references: BTreeMap<ReferenceKey, Bound>,
    waiting: Vec<Waiting>,
    seen: BTreeMap<(SystemName, String), String>,
    todos: Vec<TodoItem>,
    /// Those about something that are open, each with its order.
    open: Vec<(OrderKey, TodoItem)>,
    deltas: BTreeMap<(OrderKey, u32), Delta>,
}

impl MemoryWorld {
    /// An empty world at a fixed time.
    pub fn new(settings: Arc<Settings>) -> Self {
        Self {
            settings,
            now: Timestamp::from_second(1_767_225_600).expect("a time"),
            sequence: 0,
            orders: BTreeMap::new(),
            versions: BTreeMap::new(),
            references: BTreeMap::new(),
            waiting: Vec::new(),
            seen: BTreeMap::new(),
            todos: Vec::new(),
            open: Vec::new(),
            deltas: BTreeMap::new(),
        }
    }

    /// Everything that the table of cross references says.
    pub fn references(&self) -> &BTreeMap<ReferenceKey, Bound> {
        &self.references
    }

    /// Takes a document without the first layer of duplicate detection.
    fn take(
        &mut self,
        contribution: &Contribution,
        sequence: i64,
        told: &mut Told,
    ) -> &'static str {
        let found: Vec<Option<Bound>> =
            references(contribution).iter().map(|key| self.references.get(key).cloned()).collect();
        let (key, at, parent) = match identify(contribution, &found) {
            Identity::Known { order, at, parent } => (order, at, parent),
            Identity::Create => (self.make(contribution), Some(At::ROOT), None),
            Identity::Wait(keys) => {
                self.wait(contribution, sequence, keys, None);
                return "waiting";
            }
            Identity::Ambiguous(orders) => {
                let why = format!("names {} orders or elements", orders.len());
                self.todo(TodoKind::Ambiguous, "several_orders", contribution, why);
                return "todo";
            }
        };
        let act = Act::Document(DocumentAct { contribution: contribution.clone(), at, parent });
        match self.fold(key, &act, sequence, told) {
            Outcome::Applied { .. } => "applied",
            Outcome::Unchanged => "unchanged",
            Outcome::Stale => "stale",
            Outcome::WaitForLane => {
                let lane = Some((key, contribution.system.clone()));
                self.wait(contribution, sequence, Vec::new(), lane);
                "waiting"
            }
            Outcome::Todo(item) => {
                self.todos.push(item);
                "todo"
            }
            Outcome::Refused(code) => panic!("a document was refused with {code:?}"),
        }
    }

    fn wait(
        &mut self,
        contribution: &Contribution,
        sequence: i64,
        for_references: Vec<ReferenceKey>,
        for_lane: Option<(OrderKey, SystemName)>,
    ) {
        let contribution = contribution.clone();
        self.waiting.push(Waiting { contribution, sequence, for_references, for_lane });
    }

    fn todo(&mut self, kind: TodoKind, cause: &str, of: &Contribution, why: String) {
        let system = Some(of.system.clone());
        self.todos.push(TodoItem { kind, cause: cause.into(), system, why, about: None });
    }

    fn make(&mut self, contribution: &Contribution) -> OrderKey {
        let key = OrderKey(i64::try_from(self.orders.len()).expect("few") + 1);
        let number = contribution.body.fields.iter().find(|(id, _)| *id == known::order::ORDER_NO);
        let number = number.and_then(|(_, value)| value.as_ref()?.as_str().map(str::to_owned));
        let made = |taken| order_reference(&contribution.system, number.as_deref(), taken, key);
        let free = !self.references.contains_key(&ReferenceKey::Ref(made(false).into()));
        let reference = made(!free).into();
        let settings = Arc::clone(&self.settings);
        let state = create(key, reference, contribution, &settings.rules(), self.now);
        self.orders.insert(key, state.expect("the settings know the system"));
        key
    }

    fn fold(&mut self, key: OrderKey, act: &Act, sequence: i64, told: &mut Told) -> Outcome {
        let settings = Arc::clone(&self.settings);
        let bound = binds(act)
            .into_iter()
            .filter_map(|key| Some((key.clone(), self.references.get(&key)?.clone())))
            .collect();
        let facts = Facts { sequence, bound, received: Some(self.now), ..Facts::default() };
        let state = self.orders.get_mut(&key).expect("the order is known");
        let before = state.clone();
        let folded = fold(state, act, &settings.rules(), &facts, self.now);
        check(&before, state, &folded);
        self.versions.insert((key, state.order.version), Order::clone(&state.order));
        if let Some(change) = &folded.change {
            let delta = history::decode_delta(&change.delta, &change.personal).expect("a delta");
            self.deltas.insert((key, change.version), delta);
        }
        let woken_lane = before.lanes.iter().find_map(|lane| {
            let system = &lane.system;
            let settled = state.lanes.get(system).is_some_and(|now| now.flying.is_none());
            (lane.flying.is_some() && settled).then(|| (key, system.clone()))
        });
        self.follow(key, folded.effects, told);
        self.wake(woken_lane, told);
        folded.outcome
    }

    /// Takes the todo that is open about this off.
    fn end(
        &mut self,
        order: OrderKey,
        system: Option<&SystemName>,
        about: &str,
    ) -> Option<TodoItem> {
        let place = self.open.iter().position(|(key, item)| {
            (*key, item.system.as_ref(), item.about.as_deref()) == (order, system, Some(about))
        })?;
        Some(self.open.remove(place).1)
    }

    fn follow(&mut self, order: OrderKey, effects: Vec<Effect>, told: &mut Told) {
        for effect in effects {
            match effect {
                Effect::Reference { key, at, .. } => {
                    let bound = Bound { order, at };
                    let first = self.references.entry(key.clone()).or_insert_with(|| bound.clone());
                    if *first != bound {
                        // What is bound stays; a person decides.
                        let why = format!("{key:?} is bound already");
                        let cause = "reference_bound_elsewhere".into();
                        let (kind, system) = (TodoKind::Finding, None);
                        self.todos.push(TodoItem { kind, cause, system, why, about: None });
                    }
                }
                Effect::Event { name, subject } => told.events.push(format!("{name} {subject}")),
                Effect::Todo(item) => {
                    if let Some(about) = &item.about {
                        self.end(order, item.system.as_ref(), about);
                        self.open.push((order, item.clone()));
                    }
                    self.todos.push(item);
                }
                Effect::Carried { system, about, to, why } => {
                    if let Some(item) = self.end(order, Some(&system), &about) {
                        self.end(order, Some(&system), &to);
                        let item = TodoItem { about: Some(to), why, ..item };
                        self.open.push((order, item.clone()));
                        self.todos.push(item);
                    }
                }
                Effect::Settled { system, about, reason } => {
                    self.end(order, system.as_ref(), &about);
                    told.events.push(format!("settled {about}: {reason}"));
                }
                Effect::Deliver { .. } | Effect::Hold { .. } | Effect::Timer(_) => {}
            }
        }
    }

    /// Drives what no longer has to wait, in the order in which it came.
    fn wake(&mut self, lane: Option<(OrderKey, SystemName)>, told: &mut Told) {
        while let Some(place) = self.waiting.iter().position(|waiting| {
            let known = |key| self.references.contains_key(key);
            waiting.for_references.iter().any(known)
                || (waiting.for_lane.is_some() && waiting.for_lane == lane)
        }) {
            let waiting = self.waiting.remove(place);
            let word = self.take(&waiting.contribution, waiting.sequence, told);
            told.woken.push(word);
        }
    }
}

/// What holds after every fold, whatever the story.
fn check(before: &State, after: &State, folded: &Folded) {
    let kept =
        matches!(folded.outcome, Outcome::Todo(_) | Outcome::WaitForLane | Outcome::Refused(_));
    if kept {
        assert_eq!(before.order, after.order, "what cannot be applied changes nothing");
        assert_eq!(before.lanes, after.lanes, "what cannot be applied changes nothing");
        assert!(folded.change.is_none() && folded.effects.is_empty());
    }
    match &folded.change {
        Some(change) => {
            assert_eq!(after.order.version, before.order.version + 1);
            assert_eq!(change.version, after.order.version);
            let delta = history::decode_delta(&change.delta, &change.personal).expect("a delta");
            let mut replayed = before.order.clone();
            history::apply(&mut replayed, &delta).expect("the delta applies");
            assert_eq!(replayed, after.order, "replaying the delta gives the head");
        }
        None => assert_eq!(before.order, after.order, "no change, no version"),
    }
    for lane in after.lanes.iter() {
        let system = &lane.system;
        let same = before.lanes.get(system) == Some(lane);
        let written = folded.lanes.contains(system);
        assert!(same || written, "the lane of {system} changed unsaid");
        if !written {
            let stored = history::encode_lane(lane, &before.order);
            let read = history::decode_lane(&stored.body, &stored.personal, &after.order);
            let reads = read.is_ok_and(|read| read == **lane);
            assert!(reads, "the lane of {system} is stored beside another head");
        }
    }
}

impl World for MemoryWorld {
    fn document(&mut self, contribution: &Contribution, id: Option<&str>) -> Told {
        let mut told = Told::default();
        self.sequence += 1;
        if let Some(id) = id {
            let body = format!("{contribution:?}");
            let key = (contribution.system.clone(), id.to_owned());
            if let Some(seen) = self.seen.insert(key, body.clone()) {
                told.word = "duplicate";
                if seen != body {
                    told.word = "todo";
                    let why = "the id was used for another body".to_owned();
                    self.todo(TodoKind::Finding, "reused_id", contribution, why);
                }
                return told;
            }
        }
        told.word = self.take(contribution, self.sequence, &mut told);
        told
    }

    fn act(&mut self, order: OrderKey, act: &Act) -> (Outcome, Told) {
        let mut told = Told::default();
        self.sequence += 1;
        let outcome = self.fold(order, act, self.sequence, &mut told);
        // People are told at once.
        if let Outcome::Todo(item) = &outcome
            && !matches!(act, Act::Person(_))
        {
            self.todos.push(item.clone());
        }
        (outcome, told)
    }

    fn orders(&self) -> Vec<OrderKey> {
        self.orders.keys().copied().collect()
    }

    fn state(&self, order: OrderKey) -> State {
        self.orders.get(&order).expect("the order is known").clone()
    }

    fn at(&self, order: OrderKey, version: u32) -> Order {
        self.versions.get(&(order, version)).expect("there was such a version").clone()
    }

    fn process(&self) -> u64 {
        0
    }

    fn todos(&self) -> Vec<TodoItem> {
        self.todos.clone()
    }

    fn open(&self) -> Vec<String> {
        self.open.iter().filter_map(|(_, item)| item.about.clone().map(String::from)).collect()
    }

    fn discard(&mut self, about: &str) {
        let open = self.open.len();
        self.open.retain(|(_, item)| item.about.as_deref() != Some(about));
        assert!(self.open.len() < open, "no todo is open about `{about}`");
    }

    fn delta(&self, order: OrderKey, version: u32) -> Option<Delta> {
        self.deltas.get(&(order, version)).cloned()
    }

    fn waiting(&self) -> Option<usize> {
        Some(self.waiting.len())
    }

    fn tells_events(&self) -> bool {
        true
    }

    fn switch(&mut self, settings: &Settings) {
        self.settings = Arc::new(settings.clone());
    }

    fn now(&self) -> Timestamp {
        self.now
    }

    fn advance(&mut self, by: SignedDuration) {
        self.now = self.now.checked_add(by).expect("a time");
    }
}
