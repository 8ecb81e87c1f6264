//! Cases of a mapping, run over files that are given.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail like tests")]

use orderhub_lang::diagnostic::{Source, render};
use orderhub_mapping::cases::run_cases;
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
