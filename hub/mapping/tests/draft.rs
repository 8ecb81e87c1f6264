//! Drafts from samples: what is guessed, and that it holds.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail like tests"
)]

use std::fs;
use std::path::{Path, PathBuf};

use orderhub_lang::diagnostic::{Source, render};
use orderhub_mapping::cases::run_cases;
use orderhub_mapping::draft::{Draft, Sample, draft};
use orderhub_mapping::{Mapping, Named};
use orderhub_order::ids::Entity;

/// Drafts, compiles and runs the cases of what was drafted.
fn proved(name: &str, entity: Entity, samples: &[(&str, &str)]) -> Draft {
    let given: Vec<Sample<'_>> =
        samples.iter().map(|(file, body)| Sample { file, body: body.as_bytes() }).collect();
    let drafted = draft(name, entity, &given).unwrap_or_else(|why| panic!("{name}: {why}"));
    let mapping = Mapping::compile(&Source::new("d.yaml", &*drafted.text), &Named::default());
    let mapping = mapping.unwrap_or_else(|found| panic!("{}\n{}", render(&found), drafted.text));
    let read = |file: &str| {
        let sample = samples.iter().find(|(known, _)| *known == file);
        let sample = sample.map(|(_, body)| body.as_bytes().to_vec());
        let expected = drafted.expected.iter().find(|(known, _)| known == file);
        sample.or_else(|| expected.map(|(_, json)| json.to_string().into_bytes()))
    };
    let results = run_cases(&mapping, &read);
    assert_eq!(results.len(), samples.len());
    for result in results {
        assert!(result.failures.is_empty(), "{:?}\n{}", result.failures, drafted.text);
        let given = result.hub.unwrap().to_string();
        assert!(!given.contains("$error"), "{given}\n{}", drafted.text);
    }
    drafted
}

const ORDER: &str = r#"{ "number": "A-1", "created_at": "2026-03-01 09:00:00", "currency": "EUR", "paid": true, "total": "19.90",
  "shipping": { "method": "post", "price": 4.5 }, "customer": { "email": "a@example.com", "vip": false },
  "delivery_address": { "name": "Ada", "street": "Weg 1", "zip": "20095", "city": "Hamburg", "country": "DE", "floor": 3 },
  "items": [{ "pos": 1, "article": "MUG", "title": "Mug", "pieces": 2, "price": "7.70" }, { "pos": 2, "article": "CAP", "title": "Cap", "pieces": 1, "price": "0" }],
  "remark": null, "shop": { "terminal": 5 } }"#;

#[test]
fn names_and_values_become_rules_and_the_rest_stands_open() {
    let drafted = proved("till.order", Entity::Order, &[("samples/a.json", ORDER)]);
    for line in [
        "key: number # guess",
        "- { hub: order_no, system: number } # guess",
        "- { hub: placed_at, system: created_at, as: { timestamp: { format: \"%Y-%m-%d %H:%M:%S\", zone: UTC } } } # guess",
        "- { hub: currency, system: currency } # guess",
        "- { hub: state.payment, system: paid, as: { table: { rows: { \"true\": captured }, on_unknown: hold } } } # guess",
        "- { hub: totals.total, system: total, as: { money: { currency: /currency } } } # guess",
        "- { hub: totals.shipping, system: shipping.price, as: { money: { currency: /currency } } } # guess",
        "- { hub: customer.email, system: customer.email } # guess",
        "- hub: addresses.ship_to # guess",
        "- { hub: line1, system: street } # guess",
        "# - { hub: , system: floor } # a number",
        "- hub: lines # guess",
        "key: pos",
        "- { hub: sku, system: article } # guess",
        "- { hub: qty.ordered, system: pieces, as: decimal } # guess",
        "- { hub: unit_price, system: price, as: { money: { currency: /currency } } } # guess",
        "# - { hub: , system: shop.terminal } # a number",
        "# - { hub: , system: customer.vip } # a boolean",
        "# - { hub: , system: remark } # always null",
    ] {
        assert!(drafted.text.lines().any(|known| known.trim() == line), "{line}\n{}", drafted.text);
    }
    assert!(!drafted.text.contains("example.com"), "values of samples stay out of the file");
    assert_eq!(drafted.open, drafted.text.matches("# - {").count());
}

#[test]
fn what_does_not_fit_is_taken_back() {
    // Amounts with more digits than their currency has, a country of three letters, a list twice.
    let odd = r#"{ "id": 1, "total": "1.2345", "currency": "EUR", "shipping_address": { "country": "DEU" }, "items": [{ "sku": "A" }, { "sku": "A" }] }"#;
    let drafted = proved("odd.order", Entity::Order, &[("samples/odd.json", odd)]);
    assert!(drafted.text.contains("# - { hub: totals.total,"), "{}", drafted.text);
    assert!(!drafted.text.contains("\n  - hub:"), "{}", drafted.text);
    let why = draft("a.b", Entity::Order, &[Sample { file: "a", body: b"{ \"note\": null }" }]);
    assert!(why.unwrap_err().contains("looks like a key"));
    let why = draft("a.b", Entity::Order, &[Sample { file: "a", body: b"{ no" }]);
    assert!(why.unwrap_err().contains("`a` is no JSON"));
}

#[test]
fn documents_in_lists_and_wrappers_are_found() {
    let many = r#"[{ "id": 1, "name": "x" }, { "id": 2, "name": "y" }]"#;
    let drafted = proved("a.order", Entity::Order, &[("samples/many.json", many)]);
    assert!(drafted.text.contains("documents: { at: \"*\" }"), "{}", drafted.text);
    let wrapped = r#"{ "page": 1, "orders": [{ "id": 1, "name": "x" }] }"#;
    let drafted = proved("a.order", Entity::Order, &[("samples/wrapped.json", wrapped)]);
    assert!(drafted.text.contains("documents: { at: \"orders.*\" }"), "{}", drafted.text);
    let one = r#"{ "order": { "id": 1, "name": "x" } }"#;
    let drafted = proved("a.order", Entity::Order, &[("samples/one.json", one)]);
    assert!(drafted.text.contains("documents: { at: order }"), "{}", drafted.text);
}

/// Every document that comes in by a case of a shipped mapping.
fn shipped(folder: &Path, found: &mut Vec<PathBuf>) {
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            shipped(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            found.push(path);
        }
    }
}

#[test]
fn a_draft_compiles_and_its_own_cases_hold() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../mappings");
    let mut files = Vec::new();
    shipped(&root, &mut files);
    let mut drafted = 0;
    for path in files.iter().filter(|path| !path.to_string_lossy().contains(".hub.")) {
        let text = fs::read_to_string(path).unwrap();
        let sample = Sample { file: "samples/a.json", body: text.as_bytes() };
        for entity in Entity::ALL {
            // Samples without a key are no documents; all others are drafted from.
            if draft("a.b", entity, &[sample]).is_ok() {
                proved("a.b", entity, &[("samples/a.json", &text)]);
                drafted += 1;
            }
        }
    }
    assert!(drafted > 30, "only {drafted} drafts");
}
