//! Every code is explained, and its example shows it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "helpers of tests fail like tests"
)]

use std::collections::BTreeSet;

use orderhub_lang::diagnostic::{Diagnostic, Source, render};
use orderhub_mapping::codes::{CODES, Explanation};
use orderhub_mapping::{Integration, Mapping, Named};

/// What an example gives: rules, a whole mapping, or an integration with one mapping, `order`.
fn findings(example: &str) -> Vec<Diagnostic> {
    if example.contains("integration: ") {
        let order = "orderhub: 1\nmapping: shop.order\nkey: id\n\
                     revision: { system: rev, as: integer }\nfields:\n  - { hub: order_no, system: name }\n";
        let files = [("connector.yaml", ""), ("integration.yaml", example), ("order.yaml", order)];
        return Integration::load("shop", &files).diagnostics;
    }
    let text = if example.starts_with("orderhub") {
        example.to_owned()
    } else {
        let rules: String = example.lines().map(|line| format!("  {line}\n")).collect();
        format!("orderhub: 1\nmapping: shop.order\nkey: id\nfields:\n{rules}")
    };
    Mapping::compile(&Source::new("example.yaml", text), &Named::default())
        .err()
        .unwrap_or_default()
}

#[test]
fn every_code_is_shown_by_its_own_example() {
    for Explanation { code, wrong, right, .. } in CODES {
        let found = findings(wrong);
        let codes: BTreeSet<&str> = found.iter().map(|finding| finding.code).collect();
        assert_eq!(codes, BTreeSet::from([*code]), "{}", render(&found));
        let found = findings(right);
        assert!(found.is_empty(), "{code}: {}", render(&found));
    }
}

#[test]
fn codes_are_unique_in_order_and_explained_in_sentences() {
    let codes: Vec<&str> = CODES.iter().map(|entry| entry.code).collect();
    assert!(codes.windows(2).all(|pair| pair[0] < pair[1]), "{codes:?}");
    for entry in CODES {
        assert!(entry.text.ends_with('.') && !entry.title.ends_with('.'), "{}", entry.code);
    }
}
