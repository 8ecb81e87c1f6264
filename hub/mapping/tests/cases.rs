//! Cases of a mapping, run over files that are given.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail like tests")]

use orderhub_lang::diagnostic::{Severity, Source, render};
use orderhub_mapping::cases::{run_cases, silent};
use orderhub_mapping::{Mapping, Named};

const MAPPING: &str = "orderhub: 1
mapping: shop.order
key: id
fields:
  - { hub: order_no, system: name }
cases:
  - { why: both ways, system: order.json, hub: order.hub.json, out: order.out.json }
";

fn mapping() -> Mapping {
    let compiled = Mapping::compile(&Source::new("order.yaml", MAPPING), &Named::default());
    compiled.unwrap_or_else(|found| panic!("{}", render(&found)))
}

#[test]
fn files_that_begin_with_a_byte_order_mark_are_read_without_it() {
    let read = |file: &str| {
        let text = match file {
            "order.json" => "{ \"id\": 1, \"name\": \"A\" }",
            "order.hub.json" => "{ \"$key\": \"1\", \"order_no\": \"A\" }",
            _ => "{ \"name\": \"A\" }",
        };
        Some(format!("\u{feff}{text}").into_bytes())
    };
    let results = run_cases(&mapping(), &read);
    assert!(results.iter().all(|result| result.failures.is_empty()), "{results:?}");
}

#[test]
fn a_file_that_is_not_there_and_one_that_is_no_json_fail_the_case_by_name() {
    let read = |file: &str| (file == "order.hub.json").then(|| b"{ no".to_vec());
    let results = run_cases(&mapping(), &read);
    let failures = results.first().map(|result| result.failures.join("\n")).unwrap_or_default();
    assert!(failures.contains("`order.json` is not there"), "{failures}");
    assert!(failures.contains("`order.hub.json` is not JSON"), "{failures}");
}

#[test]
fn a_case_that_does_not_say_what_is_looked_up_is_told_what_to_write() {
    let rule =
        "  - { hub: customer.tier, system: group, as: { lookup: { read: groups, take: name } } }\n";
    let case = "system: order.json, hub: order.hub.json";
    let text = MAPPING.replace("cases:", &format!("{rule}cases:"));
    let text = text.replace(", out: order.out.json", "");
    let run = |text: String, wanted: &str| {
        let compiled = Mapping::compile(&Source::new("order.yaml", text), &Named::default());
        let mapping = compiled.unwrap_or_else(|found| panic!("{}", render(&found)));
        let read = |file: &str| {
            let body = "{ \"id\": 1, \"name\": \"A\", \"group\": \"MUG-BLUE\" }";
            Some(if file == "order.json" { body } else { wanted }.as_bytes().to_vec())
        };
        run_cases(&mapping, &read).remove(0).failures
    };
    let gold = r#"{ "$key": "1", "order_no": "A", "customer": { "tier": "gold" } }"#;
    let failures = run(text.clone(), gold);
    let hint =
        "the case does not say what it looks up: add `context: { $lookup.groups.MUG-BLUE: … }`";
    assert!(failures[0].contains("unknown_value"), "{failures:?}");
    assert_eq!(failures.last().map(String::as_str), Some(hint));
    let said = text.replace(case, &format!("{case}, context: {{ $lookup.groups.MUG-BLUE: gold }}"));
    assert_eq!(run(said.clone(), gold), [""; 0]);
    let other = run(said, &gold.replace("gold", "silver"));
    assert!(other.len() == 1 && !other[0].contains("context"), "{other:?}");
    // That nobody knows it may be what the case is about.
    let meant = r#"{ "$error": "unknown_value", "key": "1", "path": "group",
        "why": "the read `groups` gives no `name` for it: `MUG-BLUE`" }"#;
    assert_eq!(run(text, meant), [""; 0]);
}

/// A revision, and parents, that no document of any case has are told at their place; one document that has them is enough.
#[test]
fn what_no_case_shows_of_the_head_is_told_at_its_place() {
    const PARCEL: &str = "orderhub: 1
mapping: depot.parcel
entity: shipment
documents: { at: parcels.* }
key: no
parent: [{ xref: fulfilment, system: job }, { ref: reference }]
revision: { system: changed, as: integer }
fields:
  - { hub: tracking_no, system: no }
cases:
  - { why: a parcel, system: parcel.json, hub: parcel.hub.json }
";
    let told = |body: &str| {
        let compiled = Mapping::compile(&Source::new("parcel.yaml", PARCEL), &Named::default());
        let mapping = compiled.unwrap_or_else(|found| panic!("{}", render(&found)));
        let read = |file: &str| (file == "parcel.json").then(|| body.as_bytes().to_vec());
        let found = silent(&mapping, &read);
        assert!(found.iter().all(|one| one.code == "M0109" && one.hint.is_some()), "{found:?}");
        let told = found.iter().map(|one| (one.position().line, one.severity));
        told.collect::<Vec<_>>()
    };
    let warning = Severity::Warning;
    let around = r#"{ "job": 5, "changed": 3, "parcels": [{ "no": "a" }, { "no": "b" }] }"#;
    assert_eq!(told(around), [(7, warning), (6, warning)]);
    let within = r#"{ "parcels": [{ "no": "a" }, { "no": "b", "changed": 3, "reference": "R" }] }"#;
    assert_eq!(told(within), []);
    assert_eq!(told(r#"{ "parcels": [] }"#), [], "nothing was looked at");
}
