//! Amazon's Selling Partner API, as far as orders go: a search with a lag and page tokens, one order, a confirmed
//! shipment, each behind a bucket of its own; and the queue in which notices of changed orders stand.
//!
//! As the vendor's models `orders_2026-01-01.json` and `ordersV0.json` say, whose examples are replayed against it by the
//! test `amazon`; what they leave open is marked where it is decided. Orders are kept in the vendor's own shape.
//! Rates, lives and lags are *twin time*; moments are stamped in ours ([`Clock::ours`](crate::Clock::ours)), for callers
//! bound what they ask for by their own clock. Customers, streets and articles are made up by number.

#![expect(
    clippy::indexing_slicing,
    reason = "what a document of the vendor's shape does not have is null, by its name"
)]

mod confirm;
mod make;
mod plan;
mod queue;
mod routes;
mod search;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use axum::Router;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

pub use make::{MARKETPLACE, order, order_id};

use self::plan::Plans;
use self::queue::Queue;
use self::search::Listing;
use crate::frame::{Frame, lock};

/// A package was confirmed.
pub const CONFIRMED: &str = "package.confirmed";
/// A package got another number, carrier or content.
pub const CORRECTED: &str = "package.corrected";

/// Kinds that may take effect once per reference: a package of an order.
pub const ONCE: &[&str] = &[CONFIRMED];

/// A seller's account. Clones are the same one.
#[derive(Clone)]
pub struct Amazon {
    /// What every twin has.
    pub frame: Frame,
    plans: Plans,
    book: Arc<Mutex<Book>>,
    queue: Arc<Mutex<Queue>>,
    /// What callers of the queue sign with; without, nobody looks.
    secret: Option<Arc<str>>,
}

#[derive(Debug, Default)]
struct Book {
    orders: BTreeMap<String, Order>,
    /// Tokens of further pages.
    pages: HashMap<String, Listing>,
    /// Access tokens, with when each was given (twin time since the start).
    access: HashMap<String, std::time::Duration>,
    last: u64,
}

/// An order: the vendor's document, and when it changed.
#[derive(Clone, Debug)]
struct Order {
    document: Value,
    updated: Timestamp,
}

impl std::fmt::Debug for Amazon {
    /// Without the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Amazon").field("frame", &self.frame).finish_non_exhaustive()
    }
}

impl Amazon {
    /// An account without orders.
    pub fn new(frame: Frame) -> Self {
        let plans = Plans::full(&frame.clock);
        Self { frame, plans, book: Arc::default(), queue: Arc::default(), secret: None }
    }

    /// The same; callers of its queue must sign with this.
    #[must_use]
    pub fn signed_with(self, secret: &str) -> Self {
        Self { secret: Some(secret.into()), ..self }
    }

    /// The vendor's API as far as the hub uses it, and the twin's own calls.
    pub fn router(&self) -> Router {
        routes::router(self)
    }

    /// Takes an order as it stands, at the moment that it names as its last change.
    pub fn put(&self, document: Value) {
        let id = text(&document["orderId"]);
        let updated = document["lastUpdatedTime"].as_str().and_then(|at| at.parse().ok());
        let updated = updated.unwrap_or_else(|| self.frame.clock.ours());
        lock(&self.book).orders.insert(id, Order { document, updated });
    }

    /// Takes a new order: it is made now.
    pub fn place(&self, mut document: Value) {
        let now = self.frame.clock.ours();
        document["createdTime"] = json!(written(now));
        document["lastUpdatedTime"] = json!(written(now));
        self.notify(&document);
        self.put(document);
    }

    /// Changes an order now. False: there is none.
    pub fn change(&self, id: &str, change: impl FnOnce(&mut Value)) -> bool {
        let now = self.frame.clock.ours();
        let mut book = lock(&self.book);
        let Some(order) = book.orders.get_mut(id) else { return false };
        change(&mut order.document);
        order.touch(now);
        self.notify(&order.document);
        true
    }

    /// All orders as they stand, by id.
    pub fn orders(&self) -> Vec<Value> {
        lock(&self.book).orders.values().map(|order| order.document.clone()).collect()
    }

    /// Calls of an operation that were refused for their rate.
    pub fn throttled(&self) -> u64 {
        let received = self.frame.ledger.counts().received;
        received.iter().filter(|(name, _)| name.ends_with(plan::REFUSED)).map(|(_, n)| n).sum()
    }

    /// Lets orders come in, a minute of twin time apart.
    pub async fn live(&self, orders: u64, first_number: u64) {
        for number in first_number..first_number.saturating_add(orders) {
            self.place(order(number));
            self.frame.clock.sleep(std::time::Duration::from_secs(60)).await;
        }
    }
}

impl Order {
    /// One more change; two of one order are at least a second apart, for receivers order them by it.
    fn touch(&mut self, now: Timestamp) {
        let next = self.updated.checked_add(SignedDuration::from_secs(1)).unwrap_or(self.updated);
        self.updated = now.max(next);
        self.document["lastUpdatedTime"] = json!(written(self.updated));
    }
}

/// A moment as the vendor writes it.
fn written(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;
