//! Conditions over a small order, and what is reported of a wrong one.

use orderhub_lang::diagnostic::render;
use orderhub_lang::yaml::{self, Budget};

use super::*;
use crate::lane::Lane;
use crate::model::{Element, Shared, samples};
use crate::value::{Address, Reference};

fn read(text: &str, subject: Collection) -> Result<Condition, String> {
    let source = Source::new("flow.yaml", text);
    let node = yaml::parse(&source, &Budget::default()).unwrap();
    Condition::parse(&source, &node, subject).map_err(|findings| render(&findings))
}

/// One line, two shipments (planned with a carrier; delivered), an address in CN, no lifecycle.
fn order() -> Order {
    let mut order = samples::order();
    let address = Address { country: Some("CN".into()), ..Address::default() };
    let fields = &mut order.fields;
    fields.set(known::order::ADDRESSES_SHIP_TO, Some(Value::Address(address.into())));
    fields.set(known::order::STATE_PAYMENT, Some(Value::text("captured")));
    fields.set(known::order::CUSTOMER_EMAIL, None);
    fields.set(known::order::TAGS, Some(Value::List([].into())));
    let line = order.add(&At::ROOT, Collection::Lines, None, None).unwrap();
    order.set(&line, known::line::SKU, Some(Value::text("A")));
    for status in ["planned", "delivered"] {
        let at = order.add(&At::ROOT, Collection::Shipments, None, None).unwrap();
        order.set(&at, known::shipment::STATUS, Some(Value::text(status)));
        let reference = Value::Ref(Reference::Ours("F1".into()));
        order.set(&at, known::shipment::FULFILMENT, Some(reference));
    }
    order
}

fn holds(text: &str, at: &str) -> bool {
    let order = order();
    let at = At::parse(at).unwrap();
    let (mut lanes, mut systems) = (Lanes::default(), BTreeMap::new());
    let name = SystemName::new("erp");
    lanes.insert(Shared::new(Lane::new(name.clone(), Role::Erp)));
    let rules = SystemRules {
        role: Role::Erp,
        integration: "erp".into(),
        tags: Vec::new(),
        unit: "default".into(),
        mode: crate::rules::Mode::Live,
        owns: None,
        deliver: Vec::new(),
        gone: Vec::new(),
    };
    systems.insert(name, rules);
    let scene = Scene { order: &order, lanes: &lanes, systems: &systems, past: None };
    read(text, at.collection()).unwrap().holds(scene, &at)
}

#[test]
fn each_test_holds_for_what_it_says() {
    let cases = [
        ("{ state.payment: [authorized, captured] }", "", true),
        ("{ state.payment: [authorized] }", "", false),
        ("{ state.payment: { not: [authorized] } }", "", true),
        ("{ state.settlement: { not: [settled] } }", "", true),
        ("{ state.payment: { starts: cap } }", "", true),
        ("{ state.payment: { starts: [auth, cap] } }", "", true),
        ("{ state.payment: { starts: apt } }", "", false),
        ("{ customer.email: { starts: a } }", "", false),
        ("{ lines.*.sku: { starts: A } }", "", true),
        ("{ state.lifecycle: [open] }", "", true),
        ("{ state.payment: [captured], state.lifecycle: [draft] }", "", false),
        ("{ customer.email: absent, customer.name: absent }", "", true),
        ("{ customer.email: present }", "", false),
        ("{ tags: absent }", "", true),
        ("{ holds: none }", "", true),
        ("{ lines: present }", "", true),
        ("{ lines: none }", "", false),
        ("{ addresses.ship_to.country: [CN] }", "", true),
        ("{ addresses.ship_to.city: absent }", "", true),
        ("{ addresses.ship_to: present }", "", true),
        ("{ lines.*.sku: [A] }", "", true),
        ("{ lines.*.sku: [B] }", "", false),
        ("{ shipments.*.status: [delivered] }", "", true),
        ("{ shipments.*.status: { from: handed_over } }", "", true),
        ("{ returns.*.status: absent }", "", true),
        ("{ status: { from: handed_over } }", "shipments[S1]", false),
        ("{ status: { from: handed_over } }", "shipments[S2]", true),
        ("{ fulfilment: [F1], /state.payment: [captured] }", "shipments[S2]", true),
        ("{ linked: erp }", "", false),
        ("{ linked: wms }", "", true),
        ("{ linked: [erp, wms] }", "", true),
    ];
    for (text, at, expected) in cases {
        assert_eq!(holds(text, at), expected, "{text} at `{at}`");
    }
}

#[test]
fn a_hold_of_the_role_that_assigns_is_seen_past() {
    let mut order = samples::order();
    crate::holds::place(&mut order, "unassigned", "wms", "", "hub", jiff::Timestamp::UNIX_EPOCH);
    let none = read("{ holds: none }", Collection::Root).unwrap();
    let (lanes, systems) = (Lanes::default(), BTreeMap::new());
    let scene = |past| Scene { order: &order, lanes: &lanes, systems: &systems, past };
    assert!(!none.holds(scene(None), &At::ROOT));
    assert!(!none.holds(scene(Some(Role::Erp)), &At::ROOT));
    assert!(none.holds(scene(Some(Role::Wms)), &At::ROOT));
    assert_eq!(
        order.elements(Collection::Holds).map(|h: &Element| h.gone).collect::<Vec<_>>(),
        [false]
    );
}

#[test]
fn mistakes_are_reported_at_their_place_with_a_hint() {
    let cases = [
        ("{ state.paymnt: [captured] }", "F0001", "did you mean `state.payment`?"),
        ("{ state.payment: [captred] }", "F0002", "did you mean `captured`?"),
        ("{ linked: epr }", "F0003", "did you mean `erp`?"),
        ("{ linked: present }", "F0004", "write `linked: erp`"),
        ("{ lines.sku: [A] }", "F0001", "write `lines.*.…`"),
        ("{ holds: [a] }", "F0004", "a collection is `none` or `present`"),
        ("{ order_no: none }", "F0004", "write `absent`"),
        ("{ order_no: { from: x } }", "F0004", "this field has none"),
        ("{ state.lifecycle: { from: opn } }", "F0002", "did you mean `open`?"),
        ("{ $settings.x: [a] }", "F0001", "only paths of the subject"),
    ];
    for (text, code, hint) in cases {
        let report = read(text, Collection::Root).unwrap_err();
        assert!(report.contains(&format!("error[{code}]")), "{text}: {report}");
        assert!(report.contains(hint), "{text}: {report}");
    }
}
