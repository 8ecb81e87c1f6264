//! A shop as Shopify behaves: tells every change of an order by webhook, with duplicates and out of order, and takes
//! fulfilments, tracking, cancels, notes and tags by its GraphQL Admin API, behind a bucket of points.
//!
//! Bodies of webhooks have the shape of the vendor's REST order, which webhooks carry; signatures are
//! `X-Shopify-Hmac-Sha256` over the raw bytes. Two changes of one order are at least one second apart
//! in `updated_at`, because the vendor's times have whole seconds and a receiver orders by them.
//! Customers, streets and articles are made up by number.

mod bucket;
mod bulk;
mod emit;
mod graph;
mod make;
mod order;
mod render;
mod roots;
mod routes;
mod stream;
mod ways;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use jiff::Timestamp;

pub use bulk::BulkWays;
pub use emit::{Emit, TOPICS};
pub use make::{Article, Assortment, Country};
pub use order::{Fulfilment, Line, Order, Payment, Place};
pub use stream::Plan;
pub use ways::Ways;

use self::bucket::Bucket;
use self::bulk::Bulks;
use crate::clock::stamp;
use crate::frame::{Frame, lock};
use crate::outbox::Message;
use crate::sign::Sign;

/// A fulfilment was made.
pub const FULFILLED: &str = "fulfilment.created";
/// A fulfilment got another tracking number.
pub const TRACKED: &str = "tracking.updated";
/// An order was cancelled through the API.
pub const CANCELLED: &str = "order.cancelled";

/// Kinds that may take effect once per reference.
pub const ONCE: &[&str] = &[FULFILLED, CANCELLED];

/// The vendor's API version that paths and headers name.
pub const VERSION: &str = "2026-10";

/// The proof of the shop's webhooks.
pub fn proof(secret: &str) -> Sign {
    Sign::HmacBase64 { header: "X-Shopify-Hmac-Sha256", secret: secret.to_owned() }
}

/// A shop. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Shop {
    /// What every twin has.
    pub frame: Frame,
    /// Distinguishes the ids of several shops; ids are unique over all shops at the vendor.
    number: u64,
    book: Arc<Mutex<Book>>,
    bucket: Bucket,
    bulks: Bulks,
    ways: Arc<Mutex<Ways>>,
}

#[derive(Debug, Default)]
struct Book {
    orders: BTreeMap<u64, Order>,
    last_id: u64,
    /// The number of the next order that it is told to make.
    next_number: u64,
}

impl Shop {
    /// A shop without orders; `number` keeps its ids apart from those of other shops.
    pub fn new(frame: Frame, number: u16) -> Self {
        let bucket = Bucket::full(&frame.clock);
        let (number, ways, bulks) = (u64::from(number), Arc::default(), Bulks::default());
        Self { frame, number, book: Arc::default(), bucket, bulks, ways }
    }

    /// A shop by itself whose first order has this number; its ids follow from it, so that one that begins
    /// again with higher numbers says nothing of old orders.
    /// `promised` orders come by themselves: those that it is told to make have numbers behind them.
    pub fn starting_at(frame: Frame, first_number: u64, promised: u64) -> Self {
        let shop = Self::new(frame, 1);
        // Room for the lines of every order below the first.
        let mut book = lock(&shop.book);
        book.last_id = first_number.saturating_mul(100);
        book.next_number = first_number.saturating_add(promised);
        drop(book);
        shop
    }

    /// The vendor's API as far as the hub uses it, and the twin's own calls.
    pub fn router(&self) -> Router {
        routes::router(self)
    }

    /// All orders, in the order of their making.
    pub fn orders(&self) -> Vec<Order> {
        lock(&self.book).orders.values().cloned().collect()
    }

    /// A fresh id, unique over all shops.
    fn id(&self) -> u64 {
        let mut book = lock(&self.book);
        book.last_id += 1;
        5_000_000_000_000 + self.number * 100_000_000_000 + book.last_id
    }

    /// Has an order as it stands, with the times that it has, and tells nobody.
    pub fn has(&self, order: Order) {
        lock(&self.book).orders.insert(order.id, order);
    }

    /// Takes a new order and tells it.
    pub async fn place(&self, mut order: Order) {
        let now = self.frame.clock.now();
        order.created_at = now;
        order.updated_at = now;
        let message = self.message(&order, "orders/create");
        lock(&self.book).orders.insert(order.id, order);
        self.say(message).await;
    }

    /// Changes an order and tells it under a topic. False: there is no such order, or the change says
    /// that there is nothing to change.
    pub async fn change(
        &self,
        id: u64,
        change: impl FnOnce(&mut Order, Timestamp) -> Option<&'static str>,
    ) -> bool {
        let message = {
            let mut book = lock(&self.book);
            let Some(order) = book.orders.get_mut(&id) else { return false };
            let now = self.frame.clock.now();
            let Some(topic) = change(order, now) else { return false };
            order.touch(now);
            self.message(order, topic)
        };
        self.say(message).await;
        true
    }

    /// The merchant takes a piece that did not leave off an order and does not put it back into stock. False: there is
    /// none.
    pub async fn edit_away(&self, id: u64) -> bool {
        let mut line = None;
        let edit = |order: &mut Order, _| {
            line = order.edit_away();
            line.map(|_| "orders/updated")
        };
        if !self.change(id, edit).await {
            return false;
        }
        let message = {
            let book = lock(&self.book);
            let order = book.orders.get(&id).zip(line);
            order.map(|(order, line)| {
                let body = render::edit(order, line);
                self.told(order, "orders/edited", &body)
            })
        };
        if let Some(message) = message {
            self.say(message).await;
        }
        true
    }

    async fn say(&self, message: Message) {
        if let Some(outbox) = &self.frame.outbox {
            outbox.say(message).await;
        }
    }

    fn message(&self, order: &Order, topic: &str) -> Message {
        self.told(order, topic, &render::order(order, &self.frame.name))
    }

    fn told(&self, order: &Order, topic: &str, body: &serde_json::Value) -> Message {
        // One change gives one event; every copy and retry has the same ids.
        let event = format!("{:016x}-{:04x}", order.id, order.sequence);
        Message {
            id: format!("{topic}/{event}"),
            topic: topic.to_owned(),
            subject: order.id.to_string(),
            sequence: order.sequence,
            headers: vec![
                ("X-Shopify-Topic".to_owned(), topic.to_owned()),
                ("X-Shopify-Shop-Domain".to_owned(), format!("{}.example", self.frame.name)),
                ("X-Shopify-API-Version".to_owned(), VERSION.to_owned()),
                ("X-Shopify-Webhook-Id".to_owned(), format!("w-{event}")),
                ("X-Shopify-Event-Id".to_owned(), format!("e-{event}")),
                ("X-Shopify-Triggered-At".to_owned(), stamp(order.updated_at)),
            ],
            body: Bytes::from(body.to_string()),
        }
    }
}
