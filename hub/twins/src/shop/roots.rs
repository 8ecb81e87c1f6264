//! What each field at the root of a document does: the vendor's queries and mutations as far as the hub uses them.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::graph::{self, gid, number};
use super::order::{Fulfilment, Order, Part, Place};
use super::{CANCELLED, FULFILLED, Shop, TRACKED};
use crate::frame::{lock, member, whole};
use crate::graphql::Field;
use crate::ledger::Effect;

/// How long after a part of an order left the shop takes the missing rest off it (twin time).
const REST: Duration = Duration::from_secs(6 * 3600);

/// The name of a call, for faults and counts.
pub(super) fn operation(root: &Field) -> &'static str {
    let selects = |name: &str| root.fields.iter().any(|field| field.name == name);
    match root.name.as_str() {
        "orders" => "list_orders",
        "bulkOperationRunQuery" => "begin_bulk",
        "node" => "read_bulk",
        "order" if selects("lineItems") => "read_order",
        "order" if selects("fulfillmentOrders") => "find_fulfilment",
        "order" => "find_cancel",
        "job" => "read_job",
        "fulfillmentCreate" => "create_fulfilment",
        "fulfillmentTrackingInfoUpdate" => "update_tracking",
        "orderCancel" => "cancel_order",
        "orderUpdate" | "tagsAdd" => "annotate_order",
        "productVariants" => "read_stock",
        "locations" => "list_locations",
        _ => "unknown",
    }
}

impl Shop {
    /// The whole tree behind a root field, with its effect.
    pub(super) async fn root(&self, field: &Field) -> Result<Value, String> {
        Ok(match field.name.as_str() {
            "order" => self.find(field.arg("id")).unwrap_or_default(),
            "orders" => self.list(field)?,
            "bulkOperationRunQuery" => self.begin_bulk(field)?,
            "node" => self.bulk(field.arg("id")),
            "job" => json!({ "id": field.arg("id"), "done": true }),
            "fulfillmentCreate" => self.fulfil(field.arg("fulfillment")).await,
            "fulfillmentTrackingInfoUpdate" => {
                self.track(field.arg("fulfillmentId"), field.arg("trackingInfoInput")).await
            }
            "orderCancel" => self.cancel(field.arg("orderId"), field.arg("reason")).await,
            "orderUpdate" => {
                let input = field.arg("input");
                self.annotate(input.get("id").unwrap_or(&Value::Null), input, &[]).await
            }
            "tagsAdd" => {
                let tags = field.arg("tags").as_array().cloned().unwrap_or_default();
                let tags: Vec<String> = tags.iter().map(crate::frame::text).collect();
                self.annotate(field.arg("id"), &Value::Null, &tags).await
            }
            "productVariants" => graph::nodes(std::iter::empty()),
            "locations" => graph::nodes(Place::ALL.into_iter().map(location)),
            other => return Err(format!("Field '{other}' doesn't exist on type 'QueryRoot'")),
        })
    }

    fn find(&self, id: &Value) -> Option<Value> {
        let book = lock(&self.book);
        let order = book.orders.get(&number(id)?)?;
        Some(graph::order(order, &self.frame.name))
    }

    /// Orders by the time of their change, which `query` bounds ([`times`]).
    fn list(&self, field: &Field) -> Result<Value, String> {
        let (least, most) = times(field.arg("query").as_str().unwrap_or_default())?;
        // The change and the id of the last order of the page before.
        let after = field.arg("after").as_str().map(|place| {
            let (at, id) = place.split_once('-')?;
            Some((at.parse::<i64>().ok()?, id.parse::<u64>().ok()?))
        });
        let after = after
            .unwrap_or(Some((i64::MIN, 0)))
            .ok_or("Invalid cursor for current pagination sort.")?;
        let first = field.arg("first").as_u64().and_then(|first| usize::try_from(first).ok());
        let first = first.filter(|first| (1..=250).contains(first)).ok_or("`first` is 1 to 250")?;
        let place = |order: &Order| (order.updated_at.as_second(), order.id);
        let book = lock(&self.book);
        let mut orders: Vec<&Order> = book.orders.values().collect();
        orders.retain(|order| (least..=most).contains(&place(order).0));
        let all = orders.len();
        orders.retain(|order| place(order) > after);
        let deepest = self.ways().deepest;
        if all - orders.len() >= deepest && !orders.is_empty() {
            return Err(format!("Pagination is limited to {deepest} objects"));
        }
        orders.sort_by_key(|order| place(order));
        let more = orders.len() > first;
        orders.truncate(first);
        let end = orders.last().map(|last| format!("{}-{}", place(last).0, place(last).1));
        let page: Value =
            orders.iter().map(|order| graph::order(order, &self.frame.name)).collect();
        Ok(json!({ "nodes": page, "pageInfo": { "hasNextPage": more, "endCursor": end } }))
    }

    async fn fulfil(&self, wanted: &Value) -> Value {
        let fresh = self.id();
        let (order, parts) = match asked(wanted) {
            Ok(asked) => asked,
            Err(why) => return refused("fulfillment", why),
        };
        let (mut refusal, mut made) = ("no such order", Value::Null);
        let change = |order: &mut Order, now| {
            if let Err(why) = check(order, &parts) {
                refusal = why;
                return None;
            }
            let mut lines = BTreeMap::new();
            for (part, line, pieces) in &parts {
                for held in order.lines.iter_mut().filter(|held| held.id == *line) {
                    held.fulfilled += pieces;
                    held.apart -= if *part == Part::Second { *pieces } else { 0 };
                }
                *lines.entry(*line).or_default() += pieces;
            }
            let mut fulfilment = Fulfilment {
                id: fresh,
                created_at: now,
                updated_at: now,
                company: None,
                tracking_no: None,
                more_numbers: Vec::new(),
                tracking_url: None,
                lines: lines.into_iter().collect(),
            };
            set_tracking(&mut fulfilment, wanted.get("trackingInfo").unwrap_or(&Value::Null));
            made = graph::fulfilment(&fulfilment, order);
            self.write(FULFILLED, &parcel(order, &fulfilment), fresh);
            order.fulfilments.push(fulfilment);
            Some(if order.is_fulfilled() {
                "orders/fulfilled"
            } else {
                "orders/partially_fulfilled"
            })
        };
        if self.change(order, change).await {
            self.rest_later(order);
            json!({ "fulfillment": made, "userErrors": [] })
        } else {
            refused("fulfillment", refusal)
        }
    }

    async fn track(&self, id: &Value, wanted: &Value) -> Value {
        let id = number(id).unwrap_or(0);
        let order = {
            let book = lock(&self.book);
            let holds = |order: &&Order| order.fulfilments.iter().any(|it| it.id == id);
            book.orders.values().find(holds).map(|order| order.id)
        };
        let Some(order) = order else {
            return refused("fulfillment", "Fulfillment does not exist.");
        };
        let mut shown = Value::Null;
        let change = |order: &mut Order, now| {
            let held = order.fulfilments.iter_mut().find(|it| it.id == id)?;
            let before = held.clone();
            set_tracking(held, wanted);
            let same = held.numbers().eq(before.numbers())
                && held.company == before.company
                && held.tracking_url == before.tracking_url;
            held.updated_at = if same { held.updated_at } else { now };
            let held = held.clone();
            shown = graph::fulfilment(&held, order);
            if same {
                return None;
            }
            self.write(TRACKED, &parcel(order, &held), id);
            Some("orders/updated")
        };
        if !self.change(order, change).await {
            self.frame.ledger.repeated();
        }
        json!({ "fulfillment": shown, "userErrors": [] })
    }

    async fn cancel(&self, id: &Value, reason: &Value) -> Value {
        let id = number(id).unwrap_or(0);
        let why = match reason.as_str() {
            Some("CUSTOMER") => "customer",
            Some("INVENTORY") => "inventory",
            Some("FRAUD") => "fraud",
            Some("DECLINED") => "declined",
            Some("STAFF") => "staff",
            _ => "other",
        };
        let known = lock(&self.book).orders.get(&id).map(|order| order.cancelled.is_some());
        let no = |why: &str| json!({ "job": null, "orderCancelUserErrors": [{ "field": ["orderId"], "message": why, "code": "INVALID" }] });
        let change = |order: &mut Order, now| {
            let topic = order.cancel(why, now)?;
            self.write(CANCELLED, &id.to_string(), id);
            Some(topic)
        };
        match known {
            None => no("Order does not exist"),
            Some(true) => no("Order has already been cancelled"),
            Some(false) if self.change(id, change).await => {
                json!({ "job": { "id": gid("Job", id), "done": false }, "orderCancelUserErrors": [] })
            }
            Some(false) => no("Cannot cancel an order with fulfillments"),
        }
    }

    /// Sets the note, where one is said, and adds tags.
    async fn annotate(&self, id: &Value, input: &Value, tags: &[String]) -> Value {
        let known = number(id).unwrap_or(0);
        let change = |order: &mut Order, _| {
            let before = (order.note.clone(), order.tags.len());
            if let Some(note) = input.get("note") {
                order.note = note.as_str().map(str::to_owned);
            }
            let more = tags.iter().filter(|tag| !order.tags.contains(tag));
            let more: Vec<String> = more.cloned().collect();
            order.tags.extend(more);
            ((order.note.clone(), order.tags.len()) != before).then_some("orders/updated")
        };
        if !self.change(known, change).await {
            self.frame.ledger.repeated();
        }
        match self.find(id) {
            Some(order) => json!({ "order": order, "node": order, "userErrors": [] }),
            None => refused("order", "Order does not exist"),
        }
    }

    fn write(&self, kind: &str, reference: &str, subject: u64) {
        self.frame.ledger.wrote(Effect {
            kind: kind.to_owned(),
            key: None,
            reference: reference.to_owned(),
            subject: subject.to_string(),
            version: None,
        });
    }

    /// What a warehouse could not send within a while is taken off the order and paid back.
    fn rest_later(&self, id: u64) {
        let shop = self.clone();
        tokio::spawn(async move {
            shop.frame.clock.sleep(REST).await;
            // One id for the refund, and room for those of its parts.
            let fresh = shop.id() * 100;
            let rest = |order: &mut Order, now| {
                order.take_off_the_rest(fresh, now).map(|()| "orders/updated")
            };
            shop.change(id, rest).await;
        });
    }
}

/// The first and the last second of a search: `updated_at:>='2026-11-20T10:00:00Z' updated_at:<='2026-11-20T16:00:00Z'`.
pub(super) fn times(query: &str) -> Result<(i64, i64), String> {
    let (mut least, mut most) = (i64::MIN, i64::MAX);
    for term in query.split_whitespace() {
        let bound = term.strip_prefix("updated_at:").unwrap_or_default();
        let (end, at) = match (bound.strip_prefix(">="), bound.strip_prefix("<=")) {
            (Some(at), _) => (&mut least, at),
            (_, Some(at)) => (&mut most, at),
            (None, None) => return Err(format!("the twin does not search for `{term}`")),
        };
        let at: jiff::Timestamp = at.trim_matches('\'').parse().map_err(|_| "no such time")?;
        *end = at.as_second();
    }
    Ok((least, most))
}

fn location(place: Place) -> Value {
    json!({
        "id": place.id(), "name": place.name(), "isActive": true, "fulfillsOnlineOrders": true, "shipsInventory": true,
        "address": { "city": "Hamburg", "countryCode": "DE" },
    })
}

fn refused(what: &str, why: &str) -> Value {
    json!({ what: null, "node": null, "userErrors": [{ "field": [what], "message": why }] })
}

/// A parcel by what leaves: there is no reference of the caller's. One that is made twice has the same.
fn parcel(order: &Order, fulfilment: &Fulfilment) -> String {
    let numbers: Vec<&str> = fulfilment.numbers().map(String::as_str).collect();
    let lines: Vec<String> =
        fulfilment.lines.iter().map(|(id, pieces)| format!("{id}x{pieces}")).collect();
    let known = if numbers.is_empty() { lines.join(" ") } else { numbers.join(" ") };
    format!("#{} {known}", order.number)
}

/// Lines by their ids in a part of an order, with pieces.
type Pieces = Vec<(Part, u64, u64)>;

/// The order and the pieces of its lines that a `FulfillmentInput` names.
fn asked(wanted: &Value) -> Result<(u64, Pieces), &'static str> {
    let parts = wanted["lineItemsByFulfillmentOrder"].as_array();
    let parts = parts.filter(|parts| !parts.is_empty()).ok_or("no fulfillment orders")?;
    let (mut of, mut pieces) = (None, Pieces::new());
    for asked in parts {
        let known = Part::of(&asked["fulfillmentOrderId"]);
        let (part, order) = known.ok_or("Fulfillment order does not exist.")?;
        if *of.get_or_insert(order) != order {
            return Err("All fulfillment orders must belong to the same order.");
        }
        for line in asked["fulfillmentOrderLineItems"].as_array().ok_or("no lines")? {
            let known = Part::of(&line["id"]).filter(|(its, _)| *its == part);
            let (_, id) = known.ok_or("Invalid fulfillment order line item.")?;
            let count = whole(line, "quantity").filter(|count| *count > 0);
            pieces.push((part, id, count.ok_or("Quantity must be greater than zero.")?));
        }
    }
    Ok((of.ok_or("no fulfillment orders")?, pieces))
}

/// Whether one location has that much left of the lines.
fn check(order: &Order, parts: &Pieces) -> Result<(), &'static str> {
    if order.cancelled.is_some() {
        return Err("Fulfillment order is cancelled.");
    }
    let mut places = parts.iter().map(|(part, ..)| order.place(*part));
    let first = places.next();
    if places.any(|place| Some(place) != first) {
        return Err("All fulfillment orders must be assigned to the same location.");
    }
    for (part, id, pieces) in parts {
        let held = order.lines.iter().find(|line| line.id == *id);
        let held = held.ok_or("Invalid fulfillment order line item.")?;
        if *pieces > held.open_in(*part) {
            return Err("Invalid fulfillment order line item quantity requested.");
        }
    }
    Ok(())
}

/// Takes what the caller states; what it leaves out stays.
fn set_tracking(fulfilment: &mut Fulfilment, info: &Value) {
    let stated = |name: &str| Some(member(info, name)).filter(|text| !text.is_empty());
    fulfilment.company = stated("company").or(fulfilment.company.take());
    let several = info.get("numbers").and_then(Value::as_array).into_iter().flatten();
    let mut numbers: Vec<String> = several.map(crate::frame::text).collect();
    numbers.extend(stated("number").filter(|_| numbers.is_empty()));
    if !numbers.is_empty() {
        fulfilment.tracking_no = Some(numbers.remove(0));
        fulfilment.more_numbers = numbers;
    }
    fulfilment.tracking_url = stated("url").or(fulfilment.tracking_url.take());
}
