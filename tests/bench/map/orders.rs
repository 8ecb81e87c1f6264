//! What is mapped: bodies of shop orders of so many lines, and orders as the hub holds them.

use orderhub_order::contribution::{Contribution, ElementStatement};
use orderhub_order::ids::{At, Collection, OrderKey, Role, SystemName};
use orderhub_order::lane::{Lane, Xref};
use orderhub_order::model::{Order, Subject};
use orderhub_tests::measure::order;

/// The body of an order with so many lines: those of the template over and over, each with its own id.
pub(crate) fn body(number: u64, lines: usize) -> String {
    let body = order::body(number, 2);
    let start =
        body.find("\"line_items\":[").expect("the template has lines") + "\"line_items\":[".len();
    let end = start + body[start..].find("],\"refunds\"").expect("refunds follow");
    let second = start + 1 + body[start..end].rfind("},{\"id\":").expect("two lines");
    let two = [&body[start..second], &body[second + 1..end]];
    let line = |n: usize| {
        let text = two[n % 2];
        let id = format!("{{\"id\":{}", 900_000_000_000_u64 + n as u64);
        let rest = text.find(',').expect("more keys follow");
        format!("{id}{}", &text[rest..])
    };
    let all: Vec<String> = (0..lines).map(line).collect();
    format!("{}{}{}", &body[..start], all.join(","), &body[end..])
}

/// An order as the hub holds it, and the shop's lane.
pub(crate) struct Held {
    pub(crate) order: Order,
    pub(crate) lane: Lane,
    at: At,
}

impl Held {
    /// What one document gives.
    pub(crate) fn new(said: &Contribution) -> Self {
        let system = SystemName::new("shop_eu");
        let order = Order::new(OrderKey(1), "shop_eu-1".into(), system.clone(), "default".into());
        let mut held = Self { order, lane: Lane::new(system, Role::Channel), at: At::ROOT };
        held.link("order", &At::ROOT, &said.key);
        held.fill(&At::ROOT, &said.body);
        held
    }

    pub(crate) fn subject(&self) -> Subject<'_> {
        Subject { order: &self.order, at: &self.at, lane: Some(&self.lane) }
    }

    fn link(&mut self, kind: &str, at: &At, id: &str) {
        self.lane.xrefs.push(Xref { kind: kind.into(), at: at.clone(), ext_id: id.into() });
    }

    fn fill(&mut self, at: &At, said: &ElementStatement) {
        for (id, value) in &said.fields {
            self.order.set(at, *id, value.clone());
        }
        for (kind, id) in &said.xrefs {
            self.link(kind, at, id);
        }
        for collection in said.collections.iter().filter(|c| c.collection == Collection::Lines) {
            for line in &collection.elements {
                let place = self.order.add(at, Collection::Lines, None, None);
                let place = place.expect("the order is there");
                self.link("line", &place, line.key.as_deref().unwrap_or_default());
                self.fill(&place, line);
            }
        }
    }
}
