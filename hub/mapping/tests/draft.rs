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
use orderhub_mapping::draft::{Asked, Draft, Refused, Sample, draft};
use orderhub_mapping::{Mapping, Named};
use orderhub_order::ids::Entity;

/// Drafts, compiles and runs the cases of what was drafted.
fn proved(name: &str, entity: Entity, samples: &[(&str, &str)]) -> Draft {
    let given: Vec<Sample<'_>> =
        samples.iter().map(|(file, body)| Sample { file, body: body.as_bytes() }).collect();
    let asked = Asked { name, entity, key: None };
    let drafted = draft(&asked, &given).unwrap_or_else(|why| panic!("{name}: {why:?}"));
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

fn refused(entity: Entity, key: Option<&str>, samples: &[(&str, &str)]) -> Refused {
    let given: Vec<Sample<'_>> =
        samples.iter().map(|(file, body)| Sample { file, body: body.as_bytes() }).collect();
    draft(&Asked { name: "a.b", entity, key }, &given).unwrap_err()
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
        "- { hub: state.payment, system: paid, as: { table: { rows: { \"true\": captured, \"false\": pending }, on_unknown: hold } } } # guess",
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
    let why = refused(Entity::Order, None, &[("a.json", "{ \"note\": null }")]);
    assert!(why.why.starts_with("no key was found"), "{why:?}");
    let why = refused(Entity::Order, None, &[("a.json", "{ no")]);
    assert!(why.why.contains("`a.json` is no JSON"), "{why:?}");
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

/// Drafts, and looks for lines of the file.
fn has(name: &str, entity: Entity, samples: &[(&str, &str)], lines: &[&str]) -> Draft {
    let drafted = proved(name, entity, samples);
    for line in lines {
        assert!(
            drafted.text.lines().any(|known| known.trim() == *line),
            "{line}\n{}",
            drafted.text
        );
    }
    drafted
}

#[test]
fn a_key_is_found_by_its_name_else_by_its_values_else_it_is_asked_for() {
    let samples = [
        ("samples/a.json", r#"{ "vip": true, "kind": "K", "parcel": "P-1", "job": "J-17" }"#),
        ("samples/b.json", r#"{ "vip": false, "kind": "K", "parcel": "P-2", "job": "J-18" }"#),
    ];
    let drafted = has("a.parcel", Entity::Shipment, &samples, &["key: parcel # guess"]);
    assert!(!drafted.key.named);
    assert_eq!(drafted.key.others, ["job"]);
    // The same order at two moments has the same id.
    let twice = [
        ("samples/a.json", r#"{ "number": 1, "status": "open" }"#),
        ("samples/b.json", r#"{ "number": 1, "status": "closed" }"#),
    ];
    has("a.order", Entity::Order, &twice, &["key: number # guess"]);
    let nested = r#"{ "order": { "id": 7 }, "buyer": { "name": "x" } }"#;
    has("a.order", Entity::Order, &[("samples/a.json", nested)], &["key: order.id # guess"]);
    let why = refused(Entity::Shipment, Some("parcl"), &samples);
    assert_eq!(why.hint.unwrap(), "did you mean `--key parcel`?");
    let same = [samples[0], ("samples/b.json", samples[0].1)];
    let why = refused(Entity::Shipment, None, &same);
    assert!(why.hint.unwrap().starts_with("say which it is: `--key kind`"), "{}", why.why);
    let given = same.map(|(file, body)| Sample { file, body: body.as_bytes() });
    let asked = Asked { name: "a.b", entity: Entity::Shipment, key: Some("job") };
    assert_eq!(draft(&asked, &given).unwrap().key.path, "job");
}

#[test]
fn documents_one_level_down_in_a_list_are_found() {
    let listed = r#"[{ "order": { "id": "T3JkZXI6MQ==", "number": "1" } }]"#;
    has(
        "a.order",
        Entity::Order,
        &[("samples/a.json", listed)],
        &["documents: { at: \"*.order\" } # guess"],
    );
    let deep =
        r#"{ "ok": true, "data": { "total": 1, "records": [{ "code": "A", "price": 1 }] } }"#;
    let at = "documents: { at: \"data.records.*\" } # guess";
    has("a.order", Entity::Order, &[("samples/a.json", deep)], &[at, "key: code # guess"]);
    // Lines of an order are no documents.
    let lines = r#"{ "parcel": "P", "positions": [{ "line": "L1" }] }"#;
    has("a.parcel", Entity::Shipment, &[("samples/a.json", lines)], &["key: parcel # guess"]);
}

#[test]
fn a_currency_is_never_made_up() {
    let small = r#"{ "id": 1, "currency_code": "usd", "total": 10, "items": [{ "id": "a", "unit_price": 5 }] }"#;
    let drafted = has(
        "a.order",
        Entity::Order,
        &[("samples/a.json", small)],
        &["- { hub: currency, system: currency_code, as: upper } # guess"],
    );
    assert!(drafted.text.contains("currency: /currency_code"), "{}", drafted.text);
    let none = r#"{ "id": 1, "total": 10 }"#;
    has(
        "a.order",
        Entity::Order,
        &[("samples/a.json", none)],
        &[
            "# - { hub: totals.total, system: total, as: { money: { currency: ? } } } # an amount; no place of the samples says its currency",
        ],
    );
    let objects = r#"{ "id": 1, "total": { "amount": "10.00", "currency": "EUR" } }"#;
    has(
        "a.order",
        Entity::Order,
        &[("samples/a.json", objects)],
        &[
            "- { hub: totals.total, system: total, as: { money: { amount: amount, currency: currency } } } # guess",
        ],
    );
}

const PARCEL: &str = r#"{ "id": "P-1", "job": "till-17-F1", "changed": "2026-03-02 14:05:30", "status": "GONE", "carrier": "DHL",
  "shipped_at": "2026-03-02 14:05:00", "boxes": [{ "no": 1, "weight_g": 1250 }, { "no": 2, "weight_g": 80 }],
  "positions": [{ "line": "L1", "pieces": 2 }, { "line": "L2", "pieces": 1 }] }"#;
const JOB: &str = r#"{ "id": 501, "ref": "till-17-F1", "status": "PICKING", "changed": "2026-03-02 10:00:12",
  "to": { "name": "Customer 17", "street1": "Weg 12", "city": "Hamburg", "zip": "20095", "country": "DE" },
  "positions": [{ "line": "L1", "picked": 8 }] }"#;

#[test]
fn shipments_and_fulfilments_are_known_by_their_own_names() {
    let drafted = has(
        "depot.parcel",
        Entity::Shipment,
        &[("samples/p.json", PARCEL)],
        &[
            "key: id # guess",
            "parent: [{ ref: job }] # guess",
            "revision: { system: changed, as: { timestamp: { format: \"%Y-%m-%d %H:%M:%S\", zone: UTC } } } # guess",
            "- { hub: status, system: status, as: { table: { rows: { \"GONE\": handed_over }, on_unknown: hold } } } # guess",
            "- hub: packages # guess",
            "key: no",
            "- { hub: weight_kg, system: weight_g, as: { scale: { by: 0.001 } } } # guess",
            "- hub: lines # guess",
            "ours: line",
            "- { hub: qty, system: pieces, as: decimal } # guess",
        ],
    );
    assert!(drafted.revision);
    has(
        "depot.job",
        Entity::Fulfilment,
        &[("samples/j.json", JOB)],
        &[
            "parent: [{ ref: ref }] # guess",
            "- { hub: status, system: status, as: { table: { rows: { \"PICKING\": picking }, on_unknown: hold } } } # guess",
            "- hub: /addresses.ship_to # guess",
            "direction: out",
            "- { hub: postal_code, system: zip } # guess",
            "ours: line",
            "- { hub: picked, system: picked, as: decimal } # guess",
        ],
    );
    let odd = PARCEL.replace("GONE", "F7");
    let drafted = proved("depot.parcel", Entity::Shipment, &[("samples/p.json", &odd)]);
    let line = "# - { hub: status, system: status, as: { table: { rows: { \"F7\": ? }, on_unknown: hold } } } # one of planned,";
    assert!(drafted.text.contains(line), "{}", drafted.text);
}

#[test]
fn samples_may_be_tables_xml_and_forms() {
    let table = "order_no;ordered;currency;ship_city;sku;qty;price\nA-1;02.03.2026 14:05;EUR;Hamburg;MUG;2;7,70\nA-1;02.03.2026 14:05;EUR;Hamburg;CAP;2;1.009,00\nA-2;03.03.2026 09:00;EUR;;CAP;1;9,90\n";
    has(
        "till.order",
        Entity::Order,
        &[("samples/orders.csv", table)],
        &[
            "format: { csv: { delimiter: \";\" } } # guess",
            "documents: { by: order_no } # guess",
            "key: rows.0.order_no # guess",
            "none: [\"\"] # the format knows texts alone: an empty one says that there is nothing",
            "- { hub: addresses.ship_to.city, system: rows.0.ship_city } # guess",
            "- hub: lines # guess",
            "system: rows",
            "key: sku",
            "- { hub: qty.ordered, system: qty, as: decimal } # guess",
            "- { hub: unit_price, system: price, as: { money: { currency: /rows.0.currency, mark: \",\", group: \".\" } } } # guess",
        ],
    );
    let plain = "id,status\n1,open\n2,closed\n";
    let drafted = has(
        "till.order",
        Entity::Order,
        &[("samples/o.csv", plain)],
        &["format: csv # guess", "key: id # guess"],
    );
    assert!(!drafted.text.contains("documents:"), "{}", drafted.text);
    let one = "<orders><order no=\"1\"><total>5.00</total><currency>EUR</currency><line><id>1</id><sku>A</sku></line></order></orders>";
    let two = "<orders><order no=\"2\"><total>5.00</total><currency>EUR</currency><line><id>1</id><sku>A</sku></line><line><id>2</id><sku>B</sku></line></order><order no=\"3\"/></orders>";
    has(
        "till.order",
        Entity::Order,
        &[("samples/1.xml", one), ("samples/2.xml", two)],
        &["format: xml # guess", "- { hub: currency, system: currency } # guess"],
    );
    let form = "order_id=17&status=paid&param=%7B%22total%22%3A%225.00%22%7D";
    has(
        "pay.order",
        Entity::Order,
        &[("samples/push.txt", form)],
        &["format: { form: { json: [param] } } # guess", "key: order_id # guess"],
    );
    let why = refused(Entity::Order, None, &[("a.json", "{ \"id\": 1 }"), ("b.csv", "id\n1\n")]);
    assert_eq!(why.why, "`a.json` is JSON, `b.csv` is CSV: one mapping reads one format");
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
            if draft(&Asked { name: "a.b", entity, key: None }, &[sample]).is_ok() {
                proved("a.b", entity, &[("samples/a.json", &text)]);
                drafted += 1;
            }
        }
    }
    assert!(drafted > 30, "only {drafted} drafts");
}
