//! A world on a real store: each document a message, each act a unit, one commit each; woken documents
//! are driven as the worker drives them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use orderhub::apply::{MessageUnit, OrderUnit, Redrive, Unit, UnitOutcome, Word};
use orderhub::bundle::Bundle;
use orderhub::intake::Envelope;
use orderhub::store::{Filter, Scope, Store, TodoEnd, TodoFilter, TodoRow, TodoState};
use orderhub_mapping::Mapped;
use orderhub_order::contribution::Contribution;
use orderhub_order::fold::{Act, Facts, Outcome, TodoItem};
use orderhub_order::history::{Delta, decode_delta};
use orderhub_order::ids::OrderKey;
use orderhub_order::model::{Order, State};

use super::world::{Settings, Told, World};

/// Opens the store of a world, at the beginning and at each start anew.
pub type Open = Box<dyn Fn() -> BoxFuture<'static, Arc<dyn Store>>>;

/// Bodies hold the contributions as JSON: a redrive maps the stored bytes again.
pub struct StoreWorld {
    open: Open,
    /// `None`: between two starts.
    store: Option<Arc<dyn Store>>,
    bundle: Arc<Bundle>,
    runtime: tokio::runtime::Runtime,
    now: Timestamp,
    /// Todos as they were seen open, each time that one came up or took the place of another.
    shown: RefCell<Vec<TodoRow>>,
}

impl fmt::Debug for StoreWorld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreWorld").field("store", &self.store).finish_non_exhaustive()
    }
}

/// The bundle of a story's rules.
fn bundle(settings: Settings) -> Arc<Bundle> {
    let Settings { systems, flow, ownership, shapes, .. } = settings;
    let (none, shapes) = (BTreeMap::new(), Box::new(shapes));
    Arc::new(Bundle::from_parts("story".into(), flow, ownership, systems, none, shapes))
}

impl StoreWorld {
    /// An empty store under the rules of a story, at the same time as the world in memory.
    pub fn new(open: Open, settings: Settings) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        Self {
            // Where it is opened it works: connections belong to the runtime that made them.
            store: Some(runtime.block_on(open())),
            open,
            bundle: bundle(settings),
            runtime,
            now: Timestamp::from_second(1_767_225_600).expect("a time"),
            shown: RefCell::default(),
        }
    }

    fn store(&self) -> &dyn Store {
        self.store.as_deref().expect("it is open")
    }

    /// The open todos, oldest first.
    fn rows(&self) -> Vec<TodoRow> {
        let filter = TodoFilter { limit: 500, ..TodoFilter::default() };
        let page = self.runtime.block_on(self.store().todos(&Scope::All, &filter));
        let mut rows = page.expect("a page").items;
        rows.sort_by_key(|row| row.id);
        rows
    }

    fn apply(&self, unit: Unit) -> UnitOutcome {
        let bundle = Arc::clone(&self.bundle);
        let applied = self.runtime.block_on(self.store().apply(vec![unit], bundle, self.now));
        applied.expect("the store applies").remove(0)
    }

    /// Drives what the last commit woke, until nothing is woken any more.
    fn drive(&self, told: &mut Told) {
        loop {
            let pending = self.runtime.block_on(self.store().take_pending(self.now, 100));
            let pending = pending.expect("what is pending");
            if pending.is_empty() {
                return;
            }
            for row in pending {
                let redrive = Redrive {
                    first: row.message.id,
                    document: row.document,
                    attempts: row.attempts,
                    let_go: row.let_go,
                };
                let unit = message(row.message.envelope, Some(redrive));
                told.woken.push(said(&self.apply(unit)));
            }
        }
    }
}

/// A message with the document that its body holds.
fn message(envelope: Envelope, redrive: Option<Redrive>) -> Unit {
    let contribution: Contribution =
        serde_json::from_slice(&envelope.body).expect("the body is a contribution");
    let mapped = vec![Mapped::Document(Box::new(contribution))];
    Unit::Message(Box::new(MessageUnit {
        envelope,
        bundle: "test".into(),
        recorded: Default::default(),
        mapped,
        refused: None,
        skipped: false,
        redrive,
        beside: Default::default(),
    }))
}

fn said(outcome: &UnitOutcome) -> &'static str {
    outcome.documents.first().map_or(Word::Skipped, |document| document.outcome).as_str()
}

impl World for StoreWorld {
    fn document(&mut self, contribution: &Contribution, id: Option<&str>) -> Told {
        let envelope = Envelope {
            source: "queue:story".into(),
            system: contribution.system.clone(),
            document: Arc::clone(&contribution.document),
            message_id: id.map(str::to_owned),
            body: serde_json::to_vec(contribution).expect("a contribution").into(),
            headers: Vec::new(),
            received: self.now,
            suspect: false,
        };
        let mut told = Told { word: said(&self.apply(message(envelope, None))), ..Told::default() };
        self.drive(&mut told);
        told
    }

    fn act(&mut self, key: OrderKey, act: &Act) -> (Outcome, Told) {
        let facts = Facts { actor: "hub".into(), cause: "story".into(), ..Facts::default() };
        let unit = OrderUnit { key, act: act.clone(), facts, receipt: None };
        let mut outcome = self.apply(Unit::Order(Box::new(unit)));
        let mut told = Told::default();
        self.drive(&mut told);
        (outcome.documents.remove(0).folded.expect("it was folded"), told)
    }

    fn orders(&self) -> Vec<OrderKey> {
        let filter = Filter { limit: 500, ..Filter::default() };
        let page = self.runtime.block_on(self.store().list(&Scope::All, &filter));
        let mut keys: Vec<OrderKey> =
            page.expect("a page").items.iter().map(|order| order.key).collect();
        keys.sort_unstable();
        keys
    }

    fn state(&self, order: OrderKey) -> State {
        let state = self.runtime.block_on(self.store().state(&Scope::All, order));
        (*state.expect("a state").expect("the order is known")).clone()
    }

    fn at(&self, order: OrderKey, version: u32) -> Order {
        let then = self.runtime.block_on(self.store().at(&Scope::All, order, version));
        then.expect("an answer").expect("there was such a version")
    }

    fn process(&self) -> u64 {
        self.store().process()
    }

    fn todos(&self) -> Vec<TodoItem> {
        let rows = self.rows();
        let mut shown = self.shown.borrow_mut();
        for row in rows {
            // A newer one about the same field has the row of the one before it.
            let last = shown.iter().rev().find(|last| last.id == row.id);
            let same = |last: &TodoRow| {
                (last.at, last.message) == (row.at, row.message) && last.item == row.item
            };
            if !last.is_some_and(same) {
                shown.push(row);
            }
        }
        shown.iter().map(|row| row.item.clone()).collect()
    }

    fn open(&self) -> Vec<String> {
        let rows = self.rows().into_iter();
        rows.filter_map(|row| row.item.about.map(String::from)).collect()
    }

    fn discard(&mut self, about: &str) {
        let row = self.rows().into_iter().find(|row| row.item.about.as_deref() == Some(about));
        let row = row.unwrap_or_else(|| panic!("no todo is open about `{about}`"));
        let (state, at) = (TodoState::Discarded, self.now);
        let end = TodoEnd { state, by: "person".to_owned(), reason: "as told".to_owned(), at };
        let closed = self.runtime.block_on(self.store().close_todo(row.id, end));
        assert!(closed.expect("the store closes it"));
    }

    fn delta(&self, order: OrderKey, version: u32) -> Option<Delta> {
        let changes = self.runtime.block_on(self.store().changes(&Scope::All, order));
        let mut changes = changes.expect("its versions").into_iter();
        let change = changes.find(|change| change.version == version)?;
        Some(decode_delta(&change.delta, &change.personal).expect("a delta"))
    }

    fn waiting(&self) -> Option<usize> {
        None
    }

    fn tells_events(&self) -> bool {
        false
    }

    fn switch(&mut self, settings: &Settings) {
        self.store = None;
        self.store = Some(self.runtime.block_on((self.open)()));
        self.bundle = bundle(settings.clone());
    }

    fn now(&self) -> Timestamp {
        self.now
    }

    fn advance(&mut self, by: SignedDuration) {
        self.now = self.now.checked_add(by).expect("a time");
    }
}
