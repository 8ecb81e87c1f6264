//! What a change of a mapping does to a document.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail like tests"
)]

use std::collections::BTreeMap;

use orderhub_lang::diagnostic::{Source, render};
use orderhub_mapping::cases::{given, out};
use orderhub_mapping::diff::{differences, differences_out};
use orderhub_mapping::facts::NoFacts;
use orderhub_mapping::{Context, Mapping, Named};
use orderhub_order::ids::SystemName;
use serde_json::json;

const RULES: &str = "orderhub: 1
mapping: t.order
key: id
fields:
  - { hub: order_no, system: name }
  - { hub: totals.total, system: total, as: { money: { currency: /currency } } }
  - { hub: state.lifecycle, value: open }
  - { hub: addresses.ship_to, system: to, fields: [{ hub: city, system: city }] }
  - { hub: ext.color, system: color }
  - hub: lines
    system: items
    each: { key: id, fields: [{ hub: sku, system: sku }, { hub: qty.ordered, system: n, as: decimal }] }
";

const BODY: &str = r#"{ "id": 1, "name": "A", "total": "2.50", "currency": "EUR", "to": { "city": "Bonn", "zip": "1" }, "color": "red",
  "items": [{ "id": 7, "sku": "M", "n": 2 }, { "id": 8, "sku": "N", "n": 1 }] }"#;

/// A change of the rules, and the fields in which the documents differ: field, before, after, line of each rule.
const CHANGES: &[(&str, &str, &[&str])] = &[
    ("", "", &[]),
    // Another order of rules, and a rule for what is not there, change nothing.
    (
        "  - { hub: ext.color, system: color }\n",
        "  - { hub: ext.color, system: color }\n  - { hub: region, system: region }\n",
        &[],
    ),
    ("system: name", "system: nam", &["order_no \"A\" - 5 -"]),
    ("value: open", "value: draft", &["state.lifecycle \"open\" \"draft\" 7 7"]),
    (
        "hub: city, system: city",
        "hub: postal_code, system: zip",
        &["addresses.ship_to.city \"Bonn\" - 8 -", "addresses.ship_to.postal_code - \"1\" - 8"],
    ),
    ("hub: ext.color", "hub: ext.colour", &["ext.color \"red\" - 9 -", "ext.colour - \"red\" - 9"]),
    (
        "currency: /currency",
        "currency: USD",
        &[
            "totals.total {\"amount\":\"2.50\",\"currency\":\"EUR\"} {\"amount\":\"2.50\",\"currency\":\"USD\"} 6 6",
        ],
    ),
    (
        "system: sku }",
        "system: sku, as: lower }",
        &["lines[7].sku \"M\" \"m\" 12 12", "lines[8].sku \"N\" \"n\" 12 12"],
    ),
    (
        "    system: items\n",
        "    system: items\n    where: { n: [\"2\"] }\n",
        &["lines[8] true - 10 -", "lines[8].qty.ordered \"1\" - 12 -", "lines[8].sku \"N\" - 12 -"],
    ),
];

fn mapping(text: &str) -> Mapping {
    let compiled = Mapping::compile(&Source::new("a.yaml", text), &Named::default());
    compiled.unwrap_or_else(|found| panic!("{}", render(&found)))
}

#[test]
fn two_mappings_differ_where_what_they_give_differs() {
    let (system, settings, args) = (SystemName::new("t"), BTreeMap::new(), BTreeMap::new());
    let context = Context { system: &system, settings: &settings, args: &args, hub: None };
    let old = mapping(RULES);
    for (from, to, expected) in CHANGES {
        let new = mapping(&RULES.replacen(from, to, 1));
        let line = |rule: &Option<String>| {
            rule.as_ref().map_or("-", |rule| rule.split(':').nth(1).unwrap()).to_owned()
        };
        let shown = |value: &Option<serde_json::Value>| {
            value.as_ref().map_or("-".to_owned(), ToString::to_string)
        };
        let found = differences((&old, &context), (&new, &context), BODY.as_bytes(), &NoFacts);
        let told: Vec<String> = found
            .iter()
            .map(|one| {
                let (old, new) = (shown(&one.old), shown(&one.new));
                let (before, after) = (line(&one.old_rule), line(&one.new_rule));
                format!("{} {old} {new} {before} {after}", one.field)
            })
            .collect();
        assert_eq!(told, *expected, "{from} ► {to}");
        let gives = |mapping: &Mapping| given(mapping, BODY.as_bytes(), &context);
        assert_eq!(found.is_empty(), gives(&old) == gives(&new), "{from} ► {to}");
    }
}

#[test]
fn what_goes_out_is_compared_by_its_places() {
    let (system, settings, args) = (SystemName::new("t"), BTreeMap::new(), BTreeMap::new());
    let context = Context { system: &system, settings: &settings, args: &args, hub: None };
    let (old, new) = (mapping(RULES), mapping(&RULES.replace("system: n,", "system: pieces,")));
    let hub = json!({ "order_no": "A", "lines": [{ "$key": "7", "qty": { "ordered": "2" } }] });
    let found = differences_out((&old, &context), (&new, &context), &hub).unwrap();
    let told: Vec<&str> = found.iter().map(|one| one.field.as_str()).collect();
    assert_eq!(told, ["items[0].n", "items[0].pieces"]);
    assert_eq!(found[0].old_rule.as_deref(), Some("a.yaml:12:58"));
    assert_eq!(found[1].new_rule.as_deref(), Some("a.yaml:12:58"));
    assert_ne!(out(&old, &hub, &context), out(&new, &hub, &context));
    assert_eq!(differences_out((&old, &context), (&old, &context), &hub), Ok(Vec::new()));
}
