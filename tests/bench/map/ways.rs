//! Both ways of one order of 3.6 KB: the mapping, the program by hand, and what stands beside.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use orderhub_lang::value::Value;
use orderhub_mapping::{Context, Mapped, Mapping, Projection, view};
use orderhub_order::contribution::Contribution;
use orderhub_order::ids::SystemName;
use orderhub_tests::measure::{order, row};

use crate::orders::Held;
use crate::turns::{self, Contender};
use crate::{BAR, by_hand, shipped};

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
    pub(crate) fn new() -> Self {
        let bodies: Vec<String> =
            (0..BODIES).map(|n| order::body(100_000 + n, 1 + n % 3)).collect();
        let size = bodies.iter().map(String::len).sum::<usize>() / bodies.len();
        row("bodies", &format!("{BODIES} different ones of {size} bytes"));
        Self {
            mapping: shipped::mapping("shopify", "order_rest"),
            system: SystemName::new("shop_eu"),
            settings: BTreeMap::from([("money".to_owned(), "shop_money".to_owned())]),
            args: BTreeMap::new(),
            document: "order_rest".into(),
            bodies,
        }
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

    pub(crate) fn way_in(&self, bound: Duration) {
        println!("-- in: bytes of the shop to hub JSON bytes");
        for body in &self.bodies {
            let ours = self.contribution(body);
            assert_eq!(ours, self.by_hand(body), "both give the same");
            let (ours, hand) = (view::bytes(&ours), json(body));
            assert_eq!(String::from_utf8(ours), String::from_utf8(hand), "both write the same");
        }
        let body = |n: usize| self.bodies[n].as_str();
        let contenders: [Contender<'_>; 2] = [
            ("mapping, to hub JSON", &|n| {
                drop(black_box(view::bytes(&self.contribution(body(n)))));
            }),
            ("by hand, to hub JSON, same bytes", &|n| drop(black_box(json(body(n))))),
        ];
        let figures = turns::measure(&contenders, self.bodies.len(), bound);
        turns::print(&contenders, &figures, Some(BAR));
        row(
            "  CPU s per 1,000 orders, mapping",
            &format!("{:.4} (one thread)", figures[0].micros / 1e3),
        );
        let contenders: [Contender<'_>; 3] = [
            ("mapping, to what the hub works on", &|n| drop(black_box(self.contribution(body(n))))),
            ("by hand, to the same, equal", &|n| drop(black_box(self.by_hand(body(n))))),
            ("beside: serde_json::Value, unchecked", &|n| {
                drop(black_box(serde_json::from_str::<serde_json::Value>(body(n))));
            }),
        ];
        let figures = turns::measure(&contenders, self.bodies.len(), bound / 2);
        turns::print(&contenders, &figures, None);
    }

    pub(crate) fn way_back(&self, bound: Duration) {
        println!("-- back: the order as the hub holds it to bytes of the shop, with what went out");
        let held = self.held();
        for held in &held {
            let (ours, (bytes, sent)) = (self.projection(held), Self::back_by_hand(held));
            assert_eq!(
                String::from_utf8(ours.bytes),
                String::from_utf8(bytes),
                "both write the same"
            );
            assert_eq!(ours.values, sent, "both say what went out");
        }
        let size = held.iter().map(|held| self.projection(held).bytes.len()).sum::<usize>();
        row("documents", &format!("{} bytes, the same from both", size / held.len()));
        let contenders: [Contender<'_>; 2] = [
            ("mapping, back", &|n| drop(black_box(self.projection(&held[n])))),
            ("by hand, back, same bytes and values", &|n| {
                drop(black_box(Self::back_by_hand(&held[n])));
            }),
        ];
        let figures = turns::measure(&contenders, held.len(), bound);
        turns::print(&contenders, &figures, Some(BAR));
    }
}

/// One body to hub JSON, by hand.
pub(crate) fn json(body: &str) -> Vec<u8> {
    by_hand::hub_json(body.as_bytes()).expect("it is good")
}
