//! What a person is told of an order that cannot be mapped out: why, the rule's place, the hub field and the place in
//! the document, and of the value what may be shown.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail like tests")]

use std::collections::BTreeMap;

use orderhub_lang::diagnostic::{Source, render};
use orderhub_mapping::cases::project;
use orderhub_mapping::{Context, Mapping, Named, ReverseError};
use orderhub_order::ids::SystemName;
use serde_json::{Value, json};

const MAPPING: &str = "orderhub: 1
mapping: shop.order
key: id
fields:
  - { hub: region, system: a.zone, as: { table: { rows: { N: north }, on_unknown: fail } } }
  - { hub: customer.tier, system: tier, as: { table: { rows: { G: gold }, on_unknown: fail } } }
  - { hub: customer.name, system: name, as: { table: { rows: { A: Ada }, on_unknown: fail } } }
";

fn told(hub: &Value) -> String {
    let compiled =
        Mapping::compile(&Source::new("mappings/shop/order.yaml", MAPPING), &Named::default());
    let mapping = compiled.unwrap_or_else(|found| panic!("{}", render(&found)));
    let (system, settings, args) = (SystemName::new("shop"), BTreeMap::new(), BTreeMap::new());
    let context = Context { system: &system, settings: &settings, args: &args, hub: None };
    match project(&mapping, hub, &context).unwrap() {
        Err(ReverseError::Failed(unwritten)) => unwritten.told(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_cannot_be_mapped_out_names_its_rule_its_field_and_the_value() {
    assert_eq!(
        told(&json!({ "$key": "1", "region": "south" })),
        "not in the rule's table: `south`; rule: mappings/shop/order.yaml:5:5; hub field: region; in the document: a.zone"
    );
    let name = told(&json!({ "$key": "1", "customer": { "name": "Grace Hopper" } }));
    assert_eq!(
        name,
        "not in the rule's table; rule: mappings/shop/order.yaml:7:5; hub field: customer.name; in the document: name"
    );
}
