//! The law of the merge: a set of documents gives the same values and references, whatever the order
//! in which they arrive and however often.

use std::collections::BTreeMap;
use std::sync::Arc;

use orderhub_order::catalogue::{FieldType, Kind, catalogue};
use orderhub_order::contribution::Contribution;
use orderhub_order::ids::{At, Collection, Role, SystemName};
use orderhub_order::model::{Element, Order, Record, State};
use orderhub_order::rules::{Mode, SystemRules};
use orderhub_order::value::Value;
use orderhub_tests::stories::memory::MemoryWorld;
use orderhub_tests::stories::read::{Document, contribution};
use orderhub_tests::stories::world::{Settings, World};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

/// A shop, two roles that both write shipments, and nothing that is released.
fn settings() -> Arc<Settings> {
    let roles = [("shop", Role::Channel), ("wms", Role::Wms), ("tms", Role::Tms)];
    let system = |role| SystemRules {
        role,
        integration: "test".into(),
        tags: Vec::new(),
        unit: "default".into(),
        mode: Mode::Live,
        owns: None,
        deliver: Vec::new(),
        gone: Vec::new(),
    };
    let systems =
        roles.into_iter().map(|(name, role)| (SystemName::new(name), system(role))).collect();
    Arc::new(Settings { systems, ..Settings::default() })
}

fn document(json: Json) -> Contribution {
    let document: Document = serde_json::from_value(json).expect("a document");
    contribution(&document, document.system == "shop")
}

/// Null, absent or one of a few values.
fn member(
    name: &'static str,
    values: &'static [&'static str],
) -> BoxedStrategy<Vec<(String, Json)>> {
    let value = prop_oneof![
        1 => Just(Vec::new()),
        1 => Just(vec![(name.to_owned(), Json::Null)]),
        4 => prop::sample::select(values).prop_map(move |value| vec![(name.to_owned(), json!(value))]),
    ];
    value.boxed()
}

const MONEY: &[&str] = &["10 EUR", "10.0 EUR", "10.00 EUR", "99.50 EUR", "7 JPY", "1.234 KWD"];
const QUANTITIES: &[&str] = &["0", "1", "2.0", "3.50", "-1", "-0.5"];

fn line(key: &'static str) -> impl Strategy<Value = Json> {
    let fields = (
        member("sku", &["A", "B"]),
        member("qty.ordered", QUANTITIES),
        member("qty.cancelled", QUANTITIES),
        member("unit_price", MONEY),
    );
    fields.prop_map(move |(a, b, c, d)| {
        let mut line = serde_json::Map::from_iter([a, b, c, d].concat());
        line.insert("key".to_owned(), json!(key));
        Json::Object(line)
    })
}

fn shop(revision: usize) -> impl Strategy<Value = Contribution> {
    let lines = (
        any::<bool>(),
        prop::sample::subsequence(vec!["a", "b", "c"], 0..=3),
        [line("a"), line("b"), line("c")],
    );
    let fields = (
        member("notes.customer", &["red", "blue", ""]),
        member("state.payment", &["pending", "captured", "curious"]),
        member("state.lifecycle", &["draft", "open", "cancelled", "rejected", "closed"]),
        member("totals.total", MONEY),
        prop::option::of(prop::sample::select(vec!["c-1", "c-2"])),
        prop::option::of(lines),
    );
    fields.prop_map(move |(notes, payment, lifecycle, total, customer, lines)| {
        let mut says = serde_json::Map::from_iter([notes, payment, lifecycle, total].concat());
        says.insert("order_no".to_owned(), json!("1001"));
        if let Some(customer) = customer {
            says.insert("xrefs".to_owned(), json!({ "customer": customer, "tracker": customer }));
        }
        if let Some((complete, keys, lines)) = lines {
            let there = |line: &Json| keys.iter().any(|key| line["key"] == json!(key));
            let elements: Vec<Json> = lines.into_iter().filter(there).collect();
            says.insert("lines".to_owned(), json!({ "complete": complete, "elements": elements }));
        }
        document(json!({ "system": "shop", "key": "5001", "revision": revision, "says": says }))
    })
}

const SHIPMENT: &[&str] = &[
    "planned",
    "cancelled",
    "handed_over",
    "in_transit",
    "customs",
    "out_for_delivery",
    "lost",
    "refused",
    "delivered",
    "odd",
];

/// The warehouse makes the one shipment; of its fields, `sscc` is the warehouse's alone.
fn warehouse(revision: usize) -> impl Strategy<Value = Contribution> {
    (member("status", SHIPMENT), member("sscc", &["1", "2", "3"])).prop_map(
        move |(status, sscc)| {
            let mut says = serde_json::Map::from_iter(status);
            let mut package = serde_json::Map::from_iter(sscc);
            package.insert("key".to_owned(), json!("p"));
            says.insert("packages".to_owned(), json!([package]));
            document(json!({
                "system": "wms", "entity": "shipment", "key": "77", "ref": "shop-1001",
                "revision": revision, "says": says,
            }))
        },
    )
}

fn carrier(revision: usize) -> impl Strategy<Value = Contribution> {
    (member("status", SHIPMENT), member("label_url", &["u", "v"])).prop_map(
        move |(status, label)| {
            let says = serde_json::Map::from_iter([status, label].concat());
            document(json!({
                "system": "tms", "entity": "shipment", "key": "T-1", "ref": "shop-1001-S1",
                "revision": revision, "says": says,
            }))
        },
    )
}

/// At least one document of the shop and of the warehouse, so that everything finds its place.
fn documents() -> impl Strategy<Value = Vec<Contribution>> {
    let shop = prop::collection::vec(Just(()), 1..5)
        .prop_flat_map(|all| (1..=all.len()).map(shop).collect::<Vec<_>>());
    let wms = prop::collection::vec(Just(()), 1..5)
        .prop_flat_map(|all| (1..=all.len()).map(warehouse).collect::<Vec<_>>());
    let tms = prop::collection::vec(Just(()), 0..4)
        .prop_flat_map(|all| (1..=all.len()).map(carrier).collect::<Vec<_>>());
    (shop, wms, tms).prop_map(|(shop, wms, tms)| [shop, wms, tms].concat())
}

/// Shown as one line each where a case fails.
#[derive(Clone)]
struct Documents(Vec<Contribution>);

impl std::fmt::Debug for Documents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (place, document) in self.0.iter().enumerate() {
            let body = serde_json::to_string(&document.body).map_err(|_| std::fmt::Error)?;
            writeln!(f, "{place}: {} {:?} {body}", document.system, document.revision)?;
        }
        Ok(())
    }
}

/// The documents, and twice an order of arrival with repetitions.
fn arrivals() -> impl Strategy<Value = (Documents, Vec<usize>, Vec<usize>)> {
    documents().prop_flat_map(|documents| {
        let all: Vec<usize> = (0..documents.len()).collect();
        let order = prop::collection::vec(0..documents.len(), 0..4).prop_flat_map(move |again| {
            let arrivals: Vec<usize> = all.iter().copied().chain(again).collect();
            Just(arrivals).prop_shuffle()
        });
        let other = order.clone();
        (Just(Documents(documents)), order, other)
    })
}

fn run(documents: &[Contribution], arrivals: &[usize]) -> State {
    let mut world = MemoryWorld::new(settings());
    for place in arrivals {
        world.document(&documents[*place], None);
        for order in world.orders() {
            sane(&world.state(order).order, documents);
        }
    }
    assert_eq!(world.waiting(), Some(0), "everything found its order: {:?}", world.todos());
    let orders = world.orders();
    assert_eq!(orders.len(), 1, "one order");
    world.state(orders[0])
}

/// Quantities are never negative; money is, digit for digit, as somebody said it.
fn sane(order: &Order, documents: &[Contribution]) {
    let said = format!("{documents:?}");
    each(order, &mut |_, record| {
        for (field, value) in record.iter() {
            let ty = catalogue().field(field).map(|field| (&field.ty, field.kind));
            match (ty, value) {
                (Some((FieldType::Decimal, _)), Some(Value::Decimal(number))) => {
                    assert!(!number.is_sign_negative() || number.is_zero(), "{number} below zero");
                }
                (Some((_, Kind::Atomic)), Some(Value::Money(money))) => {
                    assert!(said.contains(&format!("{money:?}")), "{money:?} was never said");
                }
                _ => {}
            }
        }
    });
}

fn each(order: &Order, see: &mut impl FnMut(&At, &Record)) {
    see(&At::ROOT, &order.fields);
    for (collection, elements) in &order.collections {
        elements.iter().for_each(|element| inner(&At::ROOT, *collection, element, see));
    }
}

fn inner(at: &At, collection: Collection, element: &Element, see: &mut impl FnMut(&At, &Record)) {
    if element.gone {
        return;
    }
    let at = at.with(collection, element.id.clone());
    see(&at, &element.fields);
    for (collection, elements) in &element.collections {
        elements.iter().for_each(|element| inner(&at, *collection, element, see));
    }
}

/// What systems said, by their own ids: ours depend on who came first.
fn shown(state: &State) -> BTreeMap<String, String> {
    let mut shown = BTreeMap::new();
    let name = |at: &At| {
        let named = |system: &str| {
            let lane = state.lanes.get(system)?;
            Some(
                lane.xrefs
                    .iter()
                    .find(|x| x.at == *at && &*x.kind != "tracker")?
                    .ext_id
                    .to_string(),
            )
        };
        let id = named("shop").or_else(|| named("wms"));
        format!("{:?}[{}]", at.collection(), id.unwrap_or_else(|| at.to_string()))
    };
    each(&state.order, &mut |at, record| {
        for (field, value) in record.iter() {
            let field = catalogue().field(field).expect("a field");
            if matches!(field.kind, Kind::Given | Kind::Atomic | Kind::Fact) {
                shown.insert(format!("{}.{}", name(at), field.path), said(value));
            }
        }
        for lane in state.lanes.iter() {
            for xref in lane.xrefs.iter().filter(|xref| xref.at == *at) {
                let key = format!("{} {} {}", lane.system, xref.kind, name(at));
                shown.insert(key, xref.ext_id.to_string());
            }
        }
    });
    shown
}

/// A value as it compares: `10` and `10.0` are the same amount.
fn said(value: &Option<Value>) -> String {
    match value {
        Some(Value::Decimal(number)) => number.normalize().to_string(),
        Some(Value::Money(money)) => format!("{} {:?}", money.amount.normalize(), money.currency),
        other => format!("{other:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, max_shrink_iters: 4000, ..ProptestConfig::default() })]

    #[test]
    fn every_order_of_arrival_gives_the_same_values_and_references(
        (Documents(documents), one, other) in arrivals()
    ) {
        let (one, other) = (run(&documents, &one), run(&documents, &other));
        prop_assert_eq!(shown(&one), shown(&other));
    }
}
