//! What every store must do, as functions over a factory, and the one list of them that each store runs.
//!
//! Time is a value: nothing here waits for a clock.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use orderhub::apply::{MessageUnit, OrderUnit, Redrive, Unit, UnitOutcome, Word};
use orderhub::bundle::Bundle;
use orderhub::intake::Envelope;
use orderhub::store::{PendingRow, ReceiptRow, Scope, Store, StoreError, TodoFilter, TodoRow};
use orderhub_mapping::Mapped;
use orderhub_order::contribution::Contribution;
use orderhub_order::fold::{Act, Facts};
use orderhub_order::ids::{OrderKey, SystemName};

pub(crate) mod answers;
pub(crate) mod batches;
mod cases;
pub(crate) mod damage;
pub(crate) mod duplicates;
pub(crate) mod fetches;
pub(crate) mod flights;
pub(crate) mod history;
pub(crate) mod lanes;
pub(crate) mod listens;
pub(crate) mod lists;
pub(crate) mod pauses;
pub(crate) mod reading;
pub(crate) mod retention;
pub(crate) mod rules;
pub(crate) mod say;
pub(crate) mod scopes;
pub(crate) mod search;
pub(crate) mod todos;
pub(crate) mod waiting;

pub(crate) use cases::run;

/// A place for a store, empty at first, gone when it is dropped.
pub(crate) trait Factory {
    /// Opens the place; the last one that was opened here is gone by then. It gives the same orders again.
    fn open(&self) -> BoxFuture<'_, Arc<dyn Store>>;

    /// A place of the same kind.
    fn another(&self) -> Box<dyn Factory>;

    /// Does to the tables what no store does; bytes are written `x'00FF'`.
    fn sql<'s>(&'s self, sql: &'s str) -> BoxFuture<'s, ()>;

    /// The bytes in the first column of what is asked for.
    fn bytes<'s>(&'s self, sql: &'s str) -> BoxFuture<'s, Vec<Vec<u8>>>;
}

/// A store with rules, and a moment that the tests move.
pub(crate) struct World {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) bundle: Arc<Bundle>,
    pub(crate) now: Timestamp,
    ids: u32,
}

impl World {
    pub(crate) async fn new(factory: &dyn Factory) -> Self {
        let now = "2026-11-02T09:00:00Z".parse().unwrap();
        Self { store: factory.open().await, bundle: Arc::new(rules::bundle()), now, ids: 0 }
    }

    /// The process dies and another one starts.
    pub(crate) async fn reopen(self, factory: &dyn Factory) -> Self {
        let Self { store, bundle, now, ids } = self;
        drop(store);
        Self { store: factory.open().await, bundle, now, ids }
    }

    pub(crate) fn later(&mut self, seconds: i64) {
        self.now = self.now.checked_add(SignedDuration::from_secs(seconds)).unwrap();
    }

    pub(crate) async fn apply(&mut self, units: Vec<Unit>) -> Result<Vec<UnitOutcome>, StoreError> {
        self.later(1);
        self.store.apply(units, Arc::clone(&self.bundle), self.now).await
    }

    /// Applies one unit alone.
    pub(crate) async fn one(&mut self, unit: Unit) -> UnitOutcome {
        let mut outcomes = self.apply(vec![unit]).await.unwrap();
        assert_eq!(outcomes.len(), 1);
        outcomes.remove(0)
    }

    /// A message with an id of its own.
    pub(crate) fn message(&mut self, documents: Vec<Contribution>) -> Unit {
        self.ids += 1;
        let id = format!("m{}", self.ids);
        let mapped = documents.into_iter().map(|document| Mapped::Document(Box::new(document)));
        Unit::Message(Box::new(unit(self.now, Some(&id), &format!("body {id}"), mapped.collect())))
    }

    pub(crate) async fn say(&mut self, document: Contribution) -> UnitOutcome {
        let message = self.message(vec![document]);
        self.one(message).await
    }

    pub(crate) fn act(key: OrderKey, act: Act) -> Unit {
        let facts = Facts { actor: "hub".into(), cause: "test".into(), ..Facts::default() };
        Unit::Order(Box::new(OrderUnit { key, act, facts, receipt: None }))
    }

    pub(crate) async fn pending(&self) -> Vec<PendingRow> {
        self.store.take_pending(self.now, 100).await.unwrap()
    }

    /// Drives what is due, as the worker does, with what mapping in gives now.
    pub(crate) async fn drive(&mut self, documents: &[Contribution]) -> Vec<UnitOutcome> {
        let mut outcomes = Vec::new();
        for row in self.pending().await {
            let mapped =
                documents.iter().map(|document| Mapped::Document(Box::new(document.clone())));
            let redrive = Redrive {
                first: row.message.id,
                document: row.document,
                attempts: row.attempts,
                let_go: row.let_go,
            };
            let unit = MessageUnit {
                envelope: row.message.envelope,
                bundle: "test".into(),
                recorded: Default::default(),
                mapped: mapped.collect(),
                refused: None,
                skipped: false,
                redrive: Some(redrive),
                beside: Default::default(),
            };
            outcomes.push(self.one(Unit::Message(Box::new(unit))).await);
        }
        outcomes
    }

    pub(crate) async fn version(&self, key: OrderKey) -> u32 {
        self.store.state(&Scope::All, key).await.unwrap().unwrap().order.version
    }

    pub(crate) async fn todos(&self) -> Vec<TodoRow> {
        let filter = TodoFilter { limit: 500, ..TodoFilter::default() };
        self.store.todos(&Scope::All, &filter).await.unwrap().items
    }

    /// The causes of the open todos, newest first.
    pub(crate) async fn causes(&self) -> Vec<String> {
        self.todos().await.into_iter().map(|todo| todo.item.cause.into()).collect()
    }

    pub(crate) async fn orders(&self) -> usize {
        let filter = orderhub::store::Filter { limit: 500, ..Default::default() };
        self.store.list(&Scope::All, &filter).await.unwrap().items.len()
    }
}

/// A message unit.
pub(crate) fn unit(
    now: Timestamp,
    id: Option<&str>,
    body: &str,
    mapped: Vec<Mapped>,
) -> MessageUnit {
    MessageUnit {
        envelope: Envelope {
            source: "queue:orders".into(),
            system: SystemName::new("shop_eu"),
            document: "order_rest".into(),
            message_id: id.map(str::to_owned),
            body: Bytes::copy_from_slice(body.as_bytes()),
            headers: vec![("x-kind".to_owned(), "paid".to_owned())],
            received: now,
            suspect: false,
        },
        bundle: "test".into(),
        recorded: Default::default(),
        mapped,
        refused: None,
        skipped: false,
        redrive: None,
        beside: Default::default(),
    }
}

/// The words of the documents of a unit.
pub(crate) fn words(outcome: &UnitOutcome) -> Vec<Word> {
    outcome.documents.iter().map(|document| document.outcome).collect()
}

/// The order that a unit of one document went to.
pub(crate) fn order_of(outcome: &UnitOutcome) -> OrderKey {
    outcome.documents[0].order.expect("it went to an order")
}

/// An attempt at the ERP that went well.
pub(crate) fn attempt(at: Timestamp) -> ReceiptRow {
    ReceiptRow {
        at,
        system: "erp".to_owned(),
        operation: "create_sale".to_owned(),
        attempt: 1,
        class: "ok".to_owned(),
        status: Some(201),
        ms: 12,
        why: String::new(),
    }
}
