//! The hub's own events: CloudEvents 1.0 to a topic exchange, for whoever wants to know.
//!
//! There is no second outbox: the exchange is one more system, [`SYSTEM`], with a lane for each order ([`EVENT`]). A
//! publish is a delivery like any other: stored before it leaves, tried again until the broker has taken and routed
//! it, in the order of the order's history, under an `id` that stays the same. **Invariant:** what the broker did not
//! confirm, or could not route, stays wanted in its lane. Tests: `events_come_through_a_crash_once_and_in_order`,
//! `an_event_that_nobody_is_bound_to_waits_for_a_binding`.
//!
//! Events of systems have no order and no lane: they are published best effort, and counted.
//! Bounds: as every lane, that of an order holds 64 wishes: of an order that changes more often than that while the
//! broker is away, later events are not taken, and a todo `lane_full` says so.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use orderhub_connectors::contract::{Idempotency, Operation, OperationKind};
use orderhub_order::flow::EVENTS;
use orderhub_order::ids::{Entity, Role, SystemName};
use orderhub_order::lane::WantKey;
use orderhub_order::model::Order;
use orderhub_order::route::EVENT;
use orderhub_order::rules::{
    DeliverRule, Mode, OperationKind as Kind, OperationRule, SystemRules, WhileDown,
};
use serde_json::{Value, json};

use crate::bundle::System;
use crate::config::Bus;

mod connector;
mod publisher;
mod route;

use connector::Exchange;
pub(crate) use publisher::Publisher;
pub(crate) use route::Routed;

/// The system that stands for the exchange.
pub(crate) const SYSTEM: &str = "events";
/// What events of systems begin with.
const OF_SYSTEMS: &str = "system.";
/// The scheme of addresses of the exchange, in requests.
const SCHEME: &str = "amqp-exchange:";
/// The content type of an event in structured mode.
const CONTENT_TYPE: &str = "application/cloudevents+json";
/// Where events come from.
const SOURCE: &str = "/orderhub";

/// The names of the events of orders that are published, in the order of the catalogue of events.
fn published(bus: &Bus) -> impl Iterator<Item = &'static str> + '_ {
    let wanted = |name: &&str| bus.events.is_empty() || bus.events.iter().any(|one| one == name);
    EVENTS.into_iter().filter(|name| !name.starts_with(OF_SYSTEMS)).filter(wanted)
}

/// What is wrong with the names of the settings, if anything.
pub(crate) fn unknown(bus: &Bus) -> impl Iterator<Item = &String> {
    bus.events.iter().filter(|name| !EVENTS.contains(&name.as_str()))
}

/// The exchange as a system, and what it listens to; `None`: nothing is published.
pub(crate) fn system(bus: &Bus) -> Option<(System, SystemRules)> {
    if bus.events_exchange.is_empty() {
        return None;
    }
    let operations: Vec<Operation> = published(bus).map(operation).collect();
    let deliver = published(bus).map(|name| DeliverRule {
        once: false,
        id: format!("{EVENT}{name}").into(),
        on: format!("{EVENT}{name}").into(),
        create: None,
        update: None,
        single: Some(OperationRule {
            name: name.into(),
            kind: Kind::Fact,
            entity: Entity::Order,
            creates: false,
        }),
        when: None,
        while_down: WhileDown::Queue,
    });
    let rules = SystemRules {
        role: Role::Sink,
        integration: SYSTEM.into(),
        tags: Vec::new(),
        unit: "default".into(),
        mode: Mode::Live,
        owns: None,
        deliver: deliver.collect(),
        gone: Vec::new(),
    };
    let system = System {
        name: SystemName::new(SYSTEM),
        integration: SYSTEM.into(),
        role: Role::Sink,
        mode: Mode::Live,
        base_url: format!("{SCHEME}{}", bus.events_exchange),
        settings: Arc::new(BTreeMap::new()),
        connector: Arc::new(Exchange::of(operations)),
        intakes: Vec::new(),
        deliveries: BTreeMap::new(),
        reads: BTreeMap::new(),
    };
    Some((system, rules))
}

/// Each event is an operation of its own, so that one that nobody is bound to does not shut the breaker of others.
fn operation(name: &str) -> Operation {
    Operation {
        window: None,
        slides: false,
        name: name.to_owned(),
        kind: OperationKind::Fact,
        entity: Some(Entity::Order.as_str().to_owned()),
        creates: false,
        in_steps: false,
        proof: None,
        names: false,
        lists: false,
        args: Vec::new(),
        limit: "default".to_owned(),
        timeout: publisher::WITHIN,
    }
}

/// Publishing again is harmless: whoever listens knows an event by its `id`.
const IDEMPOTENCY: Idempotency = Idempotency::Safe;

/// The event that a wish of an order's lane stands for; `None`: the wish is for something else. It says which version
/// of the order it is about and where to read that, and nothing personal.
pub(crate) fn of_order(want: &WantKey, order: &Order, id: &str, now: Timestamp) -> Option<Vec<u8>> {
    let name = want.rule.strip_prefix(EVENT)?;
    let version = want.fact?;
    let (key, subject) = (order.key.shown(), want.subject.to_string());
    let data = json!({
        "order": key,
        "ref": order.reference,
        "origin": order.origin.as_str(),
        "unit": order.unit,
        "version": version,
        "subject": Some(subject).filter(|_| !want.subject.is_root()),
        "href": format!("/api/v1/orders/{key}?at={version}"),
    });
    Some(envelope(name, id, &key, now, &data))
}

/// An event of a system.
fn of_system(name: &str, system: &SystemName, now: Timestamp, data: &Value) -> (String, Vec<u8>) {
    let id = uuid::Uuid::now_v7().simple().to_string();
    let body = envelope(name, &id, system.as_str(), now, data);
    (id, body)
}

fn envelope(name: &str, id: &str, subject: &str, now: Timestamp, data: &Value) -> Vec<u8> {
    let event = json!({
        "specversion": "1.0",
        "id": id,
        "source": SOURCE,
        "type": name,
        "subject": subject,
        "time": now.to_string(),
        "datacontenttype": "application/json",
        "data": data,
    });
    event.to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use orderhub_order::ids::{At, Collection, ElementId, OrderKey};

    use super::*;

    fn bus(events: &[&str]) -> Bus {
        let text = format!(
            "[bus]\nurl = \"amqp://127.0.0.1\"\nevents_exchange = \"orderhub.events\"\nevents = {events:?}\n"
        );
        let none = std::collections::HashMap::new();
        crate::config::parse("test", &text, &none).unwrap().config.bus.unwrap()
    }

    #[test]
    fn all_events_of_orders_are_published_unless_some_are_named() {
        assert_eq!(published(&bus(&[])).count(), EVENTS.len() - 1);
        let some = bus(&["shipment.created", "order.created", "system.breaker_changed"]);
        assert_eq!(published(&some).collect::<Vec<_>>(), ["order.created", "shipment.created"]);
        let (_, rules) = system(&some).unwrap();
        assert_eq!(&*rules.deliver[0].id, "event:order.created");
    }

    #[test]
    fn an_event_is_a_cloud_event_without_anything_personal() {
        let subject = At::of(Collection::Shipments, ElementId::new("S1"));
        let rule = "event:shipment.created".into();
        let want = WantKey { rule, subject, fact: Some(3) };
        let shop = SystemName::new("shop");
        let order = Order::new(OrderKey(1), "shop-1001".into(), shop, "default".into());
        let event = of_order(&want, &order, "k1", Timestamp::UNIX_EPOCH).unwrap();
        let key = order.key.shown();
        let expected = json!({
            "specversion": "1.0", "id": "k1", "source": "/orderhub", "type": "shipment.created",
            "subject": key, "time": "1970-01-01T00:00:00Z", "datacontenttype": "application/json",
            "data": {
                "order": key, "ref": "shop-1001", "origin": "shop", "unit": "default", "version": 3,
                "subject": "shipments[S1]", "href": format!("/api/v1/orders/{key}?at=3"),
            },
        });
        assert_eq!(serde_json::from_slice::<Value>(&event).unwrap(), expected);
        let other = WantKey { rule: "order.changed/put".into(), ..want };
        assert_eq!(of_order(&other, &order, "k1", Timestamp::UNIX_EPOCH), None);
    }
}
