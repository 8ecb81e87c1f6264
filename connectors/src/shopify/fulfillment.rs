//! A parcel as Shopify's fulfilment: which fulfilment orders it is taken from, and which fulfilment it is, if it is there.
//!
//! The vendor divides an order among the locations that send it, one fulfilment order each (Admin API 2026-10,
//! `FulfillmentOrder`; holds, moves and splits make more of them at any time), and a fulfilment may take from those of one
//! location only ("All fulfillment orders must be assigned to the same location"). The mutation has no idempotency key
//! and no field for a reference of ours.
//!
//! **Invariants.** One parcel is one fulfilment: what no single location has left is refused with what each of them has,
//! never divided. What the shop had before the first look is never taken for ours, unless it bears the parcel's own
//! tracking number; after a lost answer exactly what is new and holds the same pieces and numbers is. What another
//! parcel of the order is known as is never this one's; where it is alike, number and pieces, nobody can tell a second
//! such parcel from the same one that somebody typed in the shop: nothing is made beside it, and it is for a person, as are
//! several that may be ours. Tests: `tests/data/connectors/shopify-*.yaml`.
//!
//! Document: `lines: [{ id, quantity }]` (`gid://shopify/LineItem/…`), `tracking: { company, number, numbers, url, urls }`,
//! `notify`, `location`, `taken` (ids of the fulfilments that other parcels of the order are). Gives: `before` (ids of the fulfilments at the first look), `id` (of ours), `input` (a
//! `FulfillmentInput`; only where there is none).

use std::collections::BTreeMap;

use orderhub_lang::value::Value;

use crate::error::CallError;
use crate::native::{Example, Given, Native};

/// `native: shopify_fulfillment`.
pub(crate) const FULFILLMENT: Native = Native {
    name: "shopify_fulfillment",
    gives: &["before", "id", "input"],
    work,
    example: Example {
        document: r#"{"lines":[{"id":"71","quantity":1}],"tracking":{"number":"71"}}"#,
        bodies: &[
            r#"{"data":{"order":{"id":"71","fulfillments":[],"fulfillmentOrders":{"nodes":[{"id":"71","status":"OPEN","assignedLocation":{"name":"71"},"lineItems":{"nodes":[{"id":"71","remainingQuantity":1,"lineItem":{"id":"71"}}]}}]}}}}"#,
            r#"{"data":{"order":{"id":"71","fulfillments":[{"id":"71","status":"SUCCESS","trackingInfo":[{"number":"71"}],"fulfillmentLineItems":{"nodes":[{"quantity":1,"lineItem":{"id":"71"}}]}}],"fulfillmentOrders":{"nodes":[]}}}}"#,
        ],
    },
};

/// Pieces of order lines, by the line's id.
type Pieces = BTreeMap<String, i64>;

fn work(given: &Given<'_>) -> Result<Vec<(&'static str, Value)>, CallError> {
    let no = |why: String| CallError::SaidNo { status: given.status, why };
    let order = ["data", "order"].iter().try_fold(given.body, |value, key| value.get(key));
    let order = order.filter(|order| !order.is_null());
    let order = order.ok_or_else(|| no("the shop has no such order".to_owned()))?;
    whole(order).map_err(no)?;
    let parcel = Parcel::of(given.doc).map_err(no)?;
    let taken = list(given.doc, &["taken"]);
    let others = |it: &Value| it.get("id").is_some_and(|id| taken.contains(id));
    let there = list(order, &["fulfillments"]).iter().filter(|it| stands(it) && !others(it));
    let there: Vec<&Value> = there.collect();
    let before = match given.memo.get("before") {
        Some(Value::List(before)) => before.clone(),
        Some(_) | None => there.iter().filter_map(|it| it.get("id").cloned()).collect(),
    };
    let is_new = |it: &Value| it.get("id").is_some_and(|id| !before.contains(id));
    let found: Vec<&&Value> = there.iter().filter(|it| parcel.is(it, is_new(it))).collect();
    let mut gives = vec![("before", Value::List(before.clone()))];
    match found.as_slice() {
        [] => {
            let fulfillments = list(order, &["fulfillments"]).iter();
            let mut alike = fulfillments.filter(|it| stands(it) && parcel.is(it, false));
            if let Some(other) = alike.next().and_then(|it| text(it, "id")) {
                return Err(no(format!(
                    "{other} holds the same pieces under the same number, and is another parcel of the order: if this is a second one, fulfil it in the shop, then send again"
                )));
            }
            gives.push(("input", parcel.input(order)?));
        }
        [ours] => gives.push(("id", ours.get("id").cloned().unwrap_or_default())),
        several => {
            let names = several.iter().filter_map(|it| text(it, "id")).collect::<Vec<_>>();
            let why = format!(
                "several fulfilments hold the same pieces and tracking numbers: {}",
                names.join(", ")
            );
            return Err(no(why));
        }
    }
    Ok(gives)
}

/// Fulfilments that are read at once; fulfillment_orders.graphql asks for one more.
const MOST_SENT: usize = 100;

/// Only an answer that has all of it says what is there and what is left.
fn whole(order: &Value) -> Result<(), String> {
    let more = |of: &Value| {
        of.get("pageInfo").and_then(|page| page.get("hasNextPage")) == Some(&Value::Bool(true))
    };
    let lists = |of: &Value, key: &str| of.get(key).is_some_and(more);
    let parts =
        list(order, &["fulfillmentOrders", "nodes"]).iter().any(|part| lists(part, "lineItems"));
    let sent = list(order, &["fulfillments"]);
    let sent = sent.len() > MOST_SENT || sent.iter().any(|it| lists(it, "fulfillmentLineItems"));
    if lists(order, "fulfillmentOrders") || parts || sent {
        return Err("the order has more fulfilments, fulfilment orders, or lines in one of them, than are read at once: fulfil it in the shop".to_owned());
    }
    Ok(())
}

/// Neither taken back nor failed.
fn stands(fulfillment: &Value) -> bool {
    !matches!(text(fulfillment, "status").as_deref(), Some("CANCELLED" | "ERROR" | "FAILURE"))
}

/// What is to be sent.
struct Parcel<'a> {
    pieces: Pieces,
    numbers: Vec<String>,
    doc: &'a Value,
}

impl<'a> Parcel<'a> {
    fn of(doc: &'a Value) -> Result<Self, String> {
        let mut pieces = Pieces::new();
        for line in list(doc, &["lines"]) {
            let id = text(line, "id").ok_or("a line of the parcel has no id of the shop")?;
            let quantity = line.get("quantity").and_then(whole_number).filter(|pieces| *pieces > 0);
            let quantity = quantity.ok_or_else(|| format!("{id}: the shop counts whole pieces"))?;
            let held = pieces.entry(id).or_default();
            *held = quantity.saturating_add(*held);
        }
        if pieces.is_empty() {
            return Err("the parcel has no lines".to_owned());
        }
        let tracking = doc.get("tracking").unwrap_or(&Value::Null);
        // As they are sent, and therefore shown: of several these alone.
        let several = list(tracking, &["numbers"]);
        let numbers = if several.is_empty() {
            sorted(text(tracking, "number").into_iter())
        } else {
            sorted(several.iter().filter_map(plain))
        };
        Ok(Self { pieces, numbers, doc })
    }

    /// Whether a fulfilment is this parcel: one that came since the first look by what it holds, one that was there by its
    /// tracking number, too.
    fn is(&self, fulfillment: &Value, is_new: bool) -> bool {
        let numbers =
            list(fulfillment, &["trackingInfo"]).iter().filter_map(|info| text(info, "number"));
        let numbers = sorted(numbers);
        let mut pieces = Pieces::new();
        for line in list(fulfillment, &["fulfillmentLineItems", "nodes"]) {
            let id = line.get("lineItem").and_then(|line| text(line, "id")).unwrap_or_default();
            let quantity = line.get("quantity").and_then(whole_number).unwrap_or(0);
            let held = pieces.entry(id).or_default();
            *held = quantity.saturating_add(*held);
        }
        (is_new || !numbers.is_empty()) && numbers == self.numbers && pieces == self.pieces
    }

    /// A `FulfillmentInput`: of the wished location, else of the first that has all of it left.
    fn input(&self, order: &Value) -> Result<Value, CallError> {
        let open: Vec<Open<'_>> =
            list(order, &["fulfillmentOrders", "nodes"]).iter().filter_map(Open::of).collect();
        let mut places: Vec<&str> = Vec::new();
        for part in &open {
            if !places.contains(&part.place.as_str()) {
                places.push(&part.place);
            }
        }
        let wished = text(self.doc, "location").filter(|wished| !wished.is_empty());
        let at = |place: &str| {
            let wished = wished.as_deref();
            wished.is_none_or(|wished| place == wished || place.rsplit('/').next() == Some(wished))
        };
        let taken = places
            .iter()
            .filter(|place| at(place))
            .find_map(|place| self.take(&open, place, false));
        if let Some(taken) = taken {
            return Ok(self.with_tracking(taken));
        }
        let held = places.iter().any(|place| at(place) && self.take(&open, place, true).is_some());
        let why = self.lacks(&open, wished.as_deref());
        Err(if held {
            CallError::NotActed {
                why: format!("what is to be sent is on hold in the shop; {why}"),
                retry_after: None,
            }
        } else {
            CallError::SaidNo { status: 200, why }
        })
    }

    /// All pieces of one place; `None`: it has not all of them left.
    fn take(&self, open: &[Open<'_>], place: &str, held: bool) -> Option<Value> {
        let mut wanted = self.pieces.clone();
        let mut orders = Vec::new();
        for part in open.iter().filter(|part| part.place == place && (held || !part.held)) {
            let mut lines = Vec::new();
            for line in part.lines {
                let of = line.get("lineItem").and_then(|line| text(line, "id")).unwrap_or_default();
                let Some(left) = wanted.get_mut(&of).filter(|left| **left > 0) else { continue };
                let has = line.get("remainingQuantity").and_then(whole_number).unwrap_or(0);
                let taken = has.min(*left);
                if taken > 0 {
                    *left -= taken;
                    let id = line.get("id").cloned().unwrap_or_default();
                    lines.push(map([("id", id), ("quantity", Value::Int(taken))]));
                }
            }
            if !lines.is_empty() {
                let id = Value::text(part.id.as_str());
                orders.push(map([
                    ("fulfillmentOrderId", id),
                    ("fulfillmentOrderLineItems", Value::List(lines)),
                ]));
            }
        }
        wanted.values().all(|left| *left == 0).then_some(Value::List(orders))
    }

    fn with_tracking(&self, orders: Value) -> Value {
        let notify = self.doc.get("notify").cloned().filter(|notify| !notify.is_null());
        let mut input = vec![
            ("lineItemsByFulfillmentOrder", orders),
            ("notifyCustomer", notify.unwrap_or(Value::Bool(false))),
        ];
        input.extend(self.tracking().map(|tracking| ("trackingInfo", tracking)));
        map(input)
    }

    /// A `FulfillmentTrackingInput`: of several numbers these alone, for the vendor takes either.
    fn tracking(&self) -> Option<Value> {
        let tracking = self.doc.get("tracking").and_then(Value::as_map)?;
        let several = !list(self.doc, &["tracking", "numbers"]).is_empty();
        let sent = |key: &str| match key {
            "number" | "url" => !several,
            "numbers" => several,
            _ => true,
        };
        let sent = tracking.iter().filter(|(key, value)| sent(key) && !value.is_null());
        let sent: Vec<(String, Value)> = sent.cloned().collect();
        (!sent.is_empty()).then_some(Value::Map(sent))
    }

    /// For a person: what each place has left of what is missing there.
    fn lacks(&self, open: &[Open<'_>], wished: Option<&str>) -> String {
        let line = |(id, wanted): (&String, &i64)| {
            let mut has: BTreeMap<&str, i64> = BTreeMap::new();
            for part in open {
                let left = part.left(id);
                let sum = has.entry(part.name.as_str()).or_default();
                *sum = left.saturating_add(*sum);
            }
            let has = has.iter().filter(|(_, left)| **left > 0);
            let has: Vec<String> = has.map(|(place, left)| format!("{left} at {place}")).collect();
            let has = if has.is_empty() { "none".to_owned() } else { has.join(", ") };
            format!("{id}: {wanted} to be sent, {has} left")
        };
        let lines: Vec<String> = self.pieces.iter().map(line).collect();
        let whose =
            wished.map_or("no location".to_owned(), |wished| format!("location {wished} not"));
        format!(
            "{whose} has all of it left to be sent ({}); move it to one location in the shop, then send again",
            lines.join("; ")
        )
    }
}

/// A fulfilment order of which something may be sent.
struct Open<'a> {
    id: String,
    place: String,
    name: String,
    held: bool,
    lines: &'a [Value],
}

impl<'a> Open<'a> {
    fn of(order: &'a Value) -> Option<Self> {
        let held = match text(order, "status")?.as_str() {
            "OPEN" | "IN_PROGRESS" => false,
            "ON_HOLD" | "SCHEDULED" => true,
            _ => return None,
        };
        let place = order.get("assignedLocation")?;
        let name = text(place, "name").unwrap_or_default();
        // A location that was deleted has a name only.
        let id = place.get("location").and_then(|place| text(place, "id"));
        let place = id.unwrap_or_else(|| name.clone());
        let lines = list(order, &["lineItems", "nodes"]);
        Some(Self { id: text(order, "id")?, place, name, held, lines })
    }

    fn left(&self, id: &str) -> i64 {
        let of = |line: &&Value| {
            line.get("lineItem").and_then(|line| text(line, "id")).as_deref() == Some(id)
        };
        let left = self.lines.iter().filter(of);
        left.filter_map(|line| line.get("remainingQuantity").and_then(whole_number))
            .fold(0, i64::saturating_add)
    }
}

fn list<'a>(value: &'a Value, path: &[&str]) -> &'a [Value] {
    let found = path.iter().try_fold(value, |value, key| value.get(key));
    found.and_then(Value::as_list).unwrap_or_default()
}

fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key).and_then(plain)
}

/// A text or a number, as text; an empty one is none.
fn plain(value: &Value) -> Option<String> {
    value.scalar_text().map(std::borrow::Cow::into_owned).filter(|text| !text.is_empty())
}

fn whole_number(value: &Value) -> Option<i64> {
    value.scalar_text()?.parse().ok()
}

fn sorted(numbers: impl Iterator<Item = String>) -> Vec<String> {
    let mut numbers: Vec<String> = numbers.collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

fn map(entries: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    Value::Map(entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}
