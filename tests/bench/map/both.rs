//! One order of 3.6 KB by the mapping and by hand, both ways: what is measured here in turns, and in
//! `tests/bench/beside` by criterion.

use std::collections::BTreeMap;
use std::sync::Arc;

use orderhub_lang::value::Value;
use orderhub_mapping::{Context, Mapped, Mapping, Projection, view};
use orderhub_order::contribution::Contribution;
use orderhub_order::ids::SystemName;
use orderhub_tests::measure::order;

use crate::orders::Held;
use crate::{by_hand, shipped};

/// Different bodies: more than the caches nearest to the processor hold.
const BODIES: u64 = 400;

/// The shipped mapping, and what surrounds its documents.
pub(crate) struct Bench {
    mapping: Arc<Mapping>,
    system: SystemName,
    settings: BTreeMap<String, String>,
    args: BTreeMap<String, Value>,
    document: Arc<str>,
    pub(crate) bodies: Vec<String>,
}

impl Bench {
    /// # Panics
    ///
    /// When the two give anything else than each other for any of the orders.
    pub(crate) fn new() -> Self {
        let bodies: Vec<String> =
            (0..BODIES).map(|n| order::body(100_000 + n, 1 + n % 3)).collect();
        let bench = Self {
            mapping: shipped::mapping("shopify", "order_rest"),
            system: SystemName::new("shop_eu"),
            settings: BTreeMap::from([("money".to_owned(), "shop_money".to_owned())]),
            args: BTreeMap::new(),
            document: "order_rest".into(),
            bodies,
        };
        bench.same();
        bench
    }

    /// Both give the same, for every order, both ways.
    fn same(&self) {
        for body in &self.bodies {
            let ours = self.contribution(body);
            assert_eq!(ours, self.by_hand(body), "both give the same");
            let (ours, hand) = (view::bytes(&ours), json(body));
            assert_eq!(String::from_utf8(ours), String::from_utf8(hand), "both write the same");
        }
        for held in &self.held() {
            let (ours, (bytes, sent)) = (self.projection(held), Self::back_by_hand(held));
            let (ours, values) = (String::from_utf8(ours.bytes), ours.values);
            assert_eq!(ours, String::from_utf8(bytes), "both write the same");
            assert_eq!(values, sent, "both say what went out");
        }
    }

    /// Bytes of a body, about.
    pub(crate) fn size(&self) -> usize {
        self.bodies.iter().map(String::len).sum::<usize>() / self.bodies.len()
    }

    /// One body in, to hub JSON.
    pub(crate) fn hub_json(&self, body: &str) -> Vec<u8> {
        view::bytes(&self.contribution(body))
    }

    fn context(&self) -> Context<'_> {
        Context { system: &self.system, settings: &self.settings, args: &self.args, hub: None }
    }

    /// One body in, by the mapping.
    pub(crate) fn contribution(&self, body: &str) -> Contribution {
        match self.mapping.run(body.as_bytes(), &self.context()).pop() {
            Some(Mapped::Document(contribution)) => *contribution,
            other => panic!("the order is not mapped: {other:?}"),
        }
    }

    /// One body in, by hand.
    pub(crate) fn by_hand(&self, body: &str) -> Contribution {
        by_hand::map(body.as_bytes(), &self.system, &self.document).expect("it is good")
    }

    /// One order back, by the mapping.
    pub(crate) fn projection(&self, held: &Held) -> Projection {
        self.mapping.reverse(held.subject(), &self.context()).expect("it goes out")
    }

    /// One order back, by hand.
    pub(crate) fn back_by_hand(held: &Held) -> (Vec<u8>, by_hand::back::Sent) {
        by_hand::back::map(&held.order, &held.lane).expect("it goes out")
    }

    /// The orders as the hub holds them.
    pub(crate) fn held(&self) -> Vec<Held> {
        self.bodies.iter().map(|body| Held::new(&self.contribution(body))).collect()
    }
}

/// One body to hub JSON, by hand.
pub(crate) fn json(body: &str) -> Vec<u8> {
    by_hand::hub_json(body.as_bytes()).expect("it is good")
}
