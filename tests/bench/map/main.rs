//! Mapping in: the shipped `shopify/order_rest.yaml` from bytes to a contribution, beside structs written
//! by hand that give the same contribution, and beside merely parsing the JSON.
//!
//! Bar of this stage: at most 2.5 times the hand-written one. Every run first checks that both give equal
//! contributions for every body.

mod by_hand;

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use orderhub_mapping::{Context, Mapped, Mapping};
use orderhub_order::contribution::Contribution;
use orderhub_order::ids::SystemName;
use orderhub_tests::measure::watch::Watch;
use orderhub_tests::measure::{self, order, process, row};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Different bodies: more than the caches nearest to the processor hold.
const BODIES: u64 = 400;
/// Bar: times the hand-written one.
const BAR: f64 = 2.5;

fn main() {
    let folder = measure::folder();
    measure::preamble("mapping in: one shop order, bytes to contribution", folder.path());
    let mapping = shipped();
    let bodies: Vec<String> = (0..BODIES).map(|n| order::body(100_000 + n, 1 + n % 3)).collect();
    let system = SystemName::new("shop_eu");
    let settings = BTreeMap::from([("money".to_owned(), "shop_money".to_owned())]);
    let args = BTreeMap::new();
    let context = Context { system: &system, settings: &settings, args: &args, hub: None };
    let document: Arc<str> = "order_rest".into();
    let ours = |body: &str| by_mapping(&mapping, body, &context);
    let hand = |body: &str| by_hand::map(body.as_bytes(), &system, &document).expect("it is good");
    for body in &bodies {
        assert_eq!(ours(body), hand(body), "both give the same");
    }
    let size = bodies.iter().map(String::len).sum::<usize>() / bodies.len();
    row(
        "bodies",
        &format!("{BODIES} different ones of {size} bytes, equal contributions from both"),
    );

    let bound = Duration::from_secs(measure::number("ORDERHUB_BENCH_SECS", 8));
    let (began, before) = (Watch::start(), process::own());
    let (mut mapped, mut by_hand, mut parsed) = (Vec::new(), Vec::new(), Vec::new());
    // In turns, so that noise of the machine hits all alike.
    while began.elapsed() < bound || mapped.len() < 5 {
        mapped.push(micros(&bodies, |body| drop(black_box(ours(body)))));
        by_hand.push(micros(&bodies, |body| drop(black_box(hand(body)))));
        parsed.push(micros(&bodies, |body| {
            drop(black_box(serde_json::from_str::<serde_json::Value>(body)));
        }));
    }
    let used = process::own().since(before);
    let (best, best_hand) = (least(&mapped), least(&by_hand));
    let rounds = mapped.len();
    let (mapped, hand) = (measure::median(&mut mapped), measure::median(&mut by_hand));
    let parsed = measure::median(&mut parsed);
    row("mapping", &format!("{mapped:.2} us an order (median of {rounds} rounds, best {best:.2})"));
    row(
        "yardstick: by hand, same checks, same result",
        &format!("{hand:.2} us (best {best_hand:.2})"),
    );
    row("beside: serde_json::Value, nothing checked", &format!("{parsed:.2} us"));
    let (times, best) = (mapped / hand, best / best_hand);
    row("mapping / by hand", &format!("{times:.2} x (best round {best:.2} x), bar {BAR} x"));
    row("CPU s per 1,000 orders, mapping", &format!("{:.4} (one thread)", mapped / 1000.0));
    row("commit mode", "none: pure, nothing is stored");
    row("this process", &used.per(rounds as u64 * BODIES * 3).to_string());
}

fn by_mapping(mapping: &Mapping, body: &str, context: &Context<'_>) -> Contribution {
    match mapping.run(body.as_bytes(), context).pop() {
        Some(Mapped::Document(contribution)) => *contribution,
        other => panic!("the order is not mapped: {other:?}"),
    }
}

/// The mapping of the shipped files, as the hub compiles them.
fn shipped() -> Arc<Mapping> {
    let integration = orderhub_tests::mappings::integration("shopify");
    Arc::clone(integration.mapping("order_rest").expect("order_rest.yaml is shipped"))
}

/// Time per body of one round over all of them.
fn micros(bodies: &[String], work: impl Fn(&str)) -> f64 {
    let began = Watch::start();
    bodies.iter().for_each(|body| work(body));
    began.elapsed().as_secs_f64() * 1e6 / bodies.len() as f64
}

fn least(of: &[f64]) -> f64 {
    of.iter().copied().fold(f64::INFINITY, f64::min)
}
