//! What the fold asks of compiled mappings: canonical forms, what a rule reads and writes, and the
//! rules of a system.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "helpers of tests fail like tests"
)]

use std::collections::BTreeMap;
use std::sync::Arc;

use orderhub_lang::diagnostic::{Source, render};
use orderhub_mapping::integration::{OperationFacts, OperationUse, SystemShape, SystemShapes};
use orderhub_mapping::{Context, Integration, Mapping, Named, Projection};
use orderhub_order::catalogue::{FieldId, catalogue};
use orderhub_order::contribution::Stated;
use orderhub_order::ids::{At, Collection, Entity, OrderKey, SystemName};
use orderhub_order::model::{Order, Subject};
use orderhub_order::rules::{Mode, OperationKind, Shapes, WhileDown};
use orderhub_order::value::{Address, Money, Value};

const INTEGRATION: &str = "orderhub: 1
integration: erp
role: erp
connector: declared
use: { m: { money: { amount: amount, currency: currency } } }
intake: [{ message: status, ordering: revision }]
deliver:
  - { on: order.accepted, do: { create: make, update: change }, with: { create: full, update: short } }
  - { on: order.cancelled, do: { update: stop }, when: { state.payment: [voided] }, while_down: fail }
owns: [state.finance_audit]
";
const FULL: &str = "orderhub: 1
mapping: erp.full
fields:
  - { hub: ref, system: reference }
  - { hub: customer.name, system: name, as: [{ truncate: 10 }] }
  - { hub: region, system: region, as: upper }
  - { hub: totals.total, system: total, as: m }
  - { hub: placed_at, system: day, as: [{ timestamp: { format: \"%Y-%m-%d\", zone: UTC } }] }
  - hub: addresses.ship_to
    system: to
    fields:
      - { hub: line1, system: street, as: [{ truncate: 5 }] }
      - { hub: city, system: city }
      - { hub: phone, system: phone }
  - { hub: lines, system: lines, each: { ours: id, fields: [{ hub: sku, system: sku }] } }
";
const SHORT: &str = "orderhub: 1
mapping: erp.short
fields:
  - { hub: region, system: region, as: upper }
  - { hub: notes.customer, system: note }
";
const STATUS: &str = "orderhub: 1
mapping: erp.status
key: id
revision: { system: rev, as: integer }
fields:
  - { hub: customer.name, system: name, as: trim }
  - { hub: state.finance_audit, system: audit }
  - { hub: addresses.ship_to, system: to, fields: [{ hub: line1, system: street, as: upper }, { hub: city, system: city }] }
";

fn integration() -> Arc<Integration> {
    let files = [
        ("integration.yaml", INTEGRATION),
        ("connector.yaml", ""),
        ("full.yaml", FULL),
        ("short.yaml", SHORT),
        ("status.yaml", STATUS),
    ];
    let loaded = Integration::load("erp", &files);
    assert!(loaded.diagnostics.is_empty(), "{}", render(&loaded.diagnostics));
    Arc::new(loaded.integration.unwrap())
}

fn shapes() -> (SystemName, SystemShapes) {
    let system = SystemName::new("erp_eu");
    let settings = Arc::new(BTreeMap::new());
    let shape = SystemShape { integration: integration(), settings };
    let shapes = SystemShapes::new([(system.clone(), shape)].into_iter().collect());
    (system, shapes)
}

fn field(path: &str) -> FieldId {
    catalogue().find_full(path).unwrap().id
}

fn address(parts: &[(&str, &str)]) -> Value {
    let mut address = Address::default();
    for (name, text) in parts {
        *address.part_mut(name).unwrap() = Some((*text).into());
    }
    Value::Address(address.into())
}

#[test]
fn canon_is_idempotent_and_the_identity_elsewhere() {
    let (system, shapes) = shapes();
    let long =
        address(&[("line1", "Am Ufer 17"), ("city", "Köln"), ("phone", "1"), ("company", "C")]);
    let cases = [
        ("customer.name", Value::text("Maximiliane Muster"), Value::text("Maximilian")),
        ("customer.name", Value::text("  Ada "), Value::text("Ada")),
        ("region", Value::text("nrw"), Value::text("NRW")),
        ("order_no", Value::text("  kept "), Value::text("  kept ")),
        ("notes.customer", Value::text(" kept too "), Value::text(" kept too ")),
        (
            "placed_at",
            Value::Timestamp("2026-11-20T09:15:30Z".parse().unwrap()),
            Value::Timestamp("2026-11-20T00:00:00Z".parse().unwrap()),
        ),
        (
            "totals.total",
            Value::Money(Money::parse("12.5", "EUR", None).unwrap()),
            Value::Money(Money::parse("12.5", "EUR", None).unwrap()),
        ),
        // The phone goes out and does not come back, the company does neither.
        ("addresses.ship_to", long, address(&[("line1", "AM UF"), ("city", "Köln")])),
    ];
    for (path, value, expected) in cases {
        let (value, expected) = (Some(value), Some(expected));
        let canon = shapes.canon(&system, field(path), &value);
        assert_eq!(canon, expected, "{path}");
        assert_eq!(shapes.canon(&system, field(path), &canon), canon, "{path} twice");
        let other = SystemName::new("unknown");
        assert_eq!(shapes.canon(&other, field(path), &value), value);
    }
}

/// The shapes of a system whose one file goes both ways.
fn both_ways(name: &SystemName, head: &str, rules: &[&str]) -> SystemShapes {
    let rules: String = rules.iter().map(|rule| format!("  - {rule}\n")).collect();
    let mapping = format!("orderhub: 1\nmapping: crm.order\nkey: id\n{head}fields:\n{rules}");
    let integration = "orderhub: 1\nintegration: crm\nrole: crm\nconnector: declared\n\
                       intake: [{ message: order, ordering: queue }]\n\
                       deliver: [{ on: order.changed, do: put, with: order }]\n";
    let files =
        [("integration.yaml", integration), ("connector.yaml", ""), ("order.yaml", &mapping)];
    let loaded = Integration::load("crm", &files);
    assert!(loaded.diagnostics.is_empty(), "{}", render(&loaded.diagnostics));
    let integration = Arc::new(loaded.integration.unwrap());
    let shape = SystemShape { integration, settings: Arc::new(BTreeMap::new()) };
    SystemShapes::new([(name.clone(), shape)].into_iter().collect())
}

#[test]
fn null_has_a_canonical_form_and_is_one() {
    let system = SystemName::new("crm");
    let text = |text: &str| Some(Value::text(text));
    let note = |rule: &str, head: &str, value: &Option<Value>| {
        let shapes = both_ways(&system, head, &[rule]);
        let canon = shapes.canon(&system, field("notes.customer"), value);
        let again = shapes.canon(&system, field("notes.customer"), &canon);
        assert_eq!(again, canon, "{rule}: {value:?} twice");
        canon
    };
    let standard = r#"{ hub: notes.customer, system: n, none: [""], as: { table: { rows: { g: gold, null: standard } } } }"#;
    let only_in = standard.replace("system: n,", "system: n, direction: in,");
    let where_ = standard.replace("system: n,", "system: n, where: { kind: [a] },");
    let [only_in, where_] =
        [only_in, where_].map(|rule| format!("{rule}\n  - {{ hub: region, system: r }}"));
    let cases = [
        (r"{ hub: notes.customer, system: n, as: html_text }", "", text(""), None),
        (r"{ hub: notes.customer, system: n, as: html_text }", "", text("  "), None),
        (r"{ hub: notes.customer, system: n, as: trim }", "", text(" "), None),
        (r"{ hub: notes.customer, system: n }", "", text(""), text("")),
        (r#"{ hub: notes.customer, system: n, none: ["", "-"] }"#, "", text("-"), None),
        (r#"{ hub: notes.customer, system: n, none: [""] }"#, "", None, None),
        (r"{ hub: notes.customer, system: n }", "none: [\"\"]\n", text(""), None),
        (standard, "", None, text("standard")),
        (standard, "", text(""), text("standard")),
        (standard, "", text("gold"), text("gold")),
        // Of what never goes out, or what another value of the document decides, no null comes back.
        (&only_in, "", None, None),
        (&where_, "", None, None),
        // A table has no null, and XML no empty text.
        (r"{ hub: notes.customer, system: n }", "format: csv\n", None, text("")),
        (r"{ hub: notes.customer, system: o.n }", "format: xml\n", text(""), None),
    ];
    for (rule, head, value, expected) in cases {
        assert_eq!(note(rule, head, &value), expected, "{head}{rule}: {value:?}");
    }
}

#[test]
fn an_address_of_which_nothing_comes_back_is_null() {
    let system = SystemName::new("crm");
    let rules = [
        r#"{ hub: addresses.ship_to.line1, system: street, none: [""] }"#,
        r"{ hub: addresses.ship_to.country, value: CN, where: { street: present } }",
    ];
    let shapes = both_ways(&system, "", &rules);
    let canon = |value| shapes.canon(&system, field("addresses.ship_to"), &value);
    assert_eq!(canon(Some(address(&[("country", "CN")]))), None);
    assert_eq!(canon(None), None);
    let known = Some(address(&[("line1", "Weg 1")]));
    assert_eq!(canon(Some(address(&[("line1", "Weg 1"), ("country", "CN")]))), known);
    // Without a place of its own its parts say what nothing is.
    let rules =
        [r#"{ hub: addresses.ship_to.region, system: r, as: { table: { rows: { null: S } } } }"#];
    let shapes = both_ways(&system, "", &rules);
    let canon = |value| shapes.canon(&system, field("addresses.ship_to"), &value);
    assert_eq!(canon(None), Some(address(&[("region", "S")])));
}

#[test]
fn a_rule_reads_what_its_mappings_read_and_writes_what_is_there() {
    let (system, shapes) = shapes();
    let reads = shapes.reads(&system, "order.accepted/make");
    for path in ["ref", "customer.name", "notes.customer", "addresses.ship_to", "lines.sku"] {
        assert!(reads.contains(field(path)), "{path}");
    }
    assert!(!reads.contains(field("order_no")) && !reads.contains(field("state.finance_audit")));
    assert!(shapes.reads(&system, "order.cancelled/stop").is_empty());

    let mut order = Order::new(OrderKey(7), "shop-1".into(), system.clone(), "default".into());
    order.set(&At::ROOT, field("region"), Some(Value::text("nrw")));
    order.set(&At::ROOT, field("notes.customer"), None);
    order.add(&At::ROOT, Collection::Lines, None, None).unwrap();
    let subject = Subject { order: &order, at: &At::ROOT, lane: None };
    let writes = shapes.writes(&system, "order.accepted/make", subject);
    let expected = ["ref", "region", "notes.customer"].map(field);
    assert_eq!(writes.iter().collect::<Vec<_>>(), expected);

    let mapping = Arc::clone(integration().mapping("full").unwrap());
    let (settings, args) = (BTreeMap::new(), BTreeMap::new());
    let context = Context { system: &system, settings: &settings, args: &args, hub: None };
    let projection = mapping.reverse(subject, &context).unwrap();
    assert_eq!(
        String::from_utf8(projection.bytes).unwrap(),
        r#"{"reference":"shop-1","region":"NRW","lines":[{"id":"L1"}]}"#
    );
    // Ring and base hold the hub's values, not the system's form of them.
    let region = projection.values.iter().find(|(_, id, _)| *id == field("region")).unwrap();
    assert_eq!(region.2, Some(Value::text("nrw")));
}

#[test]
fn the_rules_of_a_system_follow_its_files_and_its_connector() {
    let facts = |name: &str| match name {
        "make" | "change" => Some(OperationFacts {
            kind: OperationUse::Write(OperationKind::State),
            entity: Some(Entity::Order),
            creates: false,
        }),
        "stop" => Some(OperationFacts {
            kind: OperationUse::Write(OperationKind::Fact),
            entity: None,
            creates: false,
        }),
        _ => None,
    };
    let rules =
        integration().system_rules(&facts, vec!["home".into()], "default".into(), Mode::Live);
    assert_eq!(rules.owns.as_deref(), Some(["state.finance_audit".into()].as_slice()));
    let [accepted, cancelled] = rules.deliver.as_slice() else { panic!("two rules") };
    assert_eq!(&*accepted.id, "order.accepted/make");
    // The create of a pair always makes something.
    assert!(
        accepted.create.as_ref().unwrap().creates && !accepted.update.as_ref().unwrap().creates
    );
    assert!(accepted.single.is_none() && accepted.when.is_none());
    let stop = cancelled.update.as_ref().unwrap();
    assert_eq!((stop.kind, stop.entity), (OperationKind::Fact, Entity::Order));
    assert!(cancelled.create.is_none() && cancelled.when.is_some());
    assert_eq!((accepted.while_down, cancelled.while_down), (WhileDown::Queue, WhileDown::Fail));
    assert!(
        rules.fails(None) && rules.fails(Some(&cancelled.id)) && !rules.fails(Some(&accepted.id))
    );
}

/// An order of so many lines, mapped out.
fn mapped_out(mapping: &str, lines: usize) -> Projection {
    let map = |count: u32| {
        let entries = (0..count).map(|n| (format!("k{n}").into(), Some(format!("v{n}").into())));
        Value::Map(Arc::new(entries.collect()))
    };
    let compiled = Mapping::compile(&Source::new("all.yaml", mapping), &Named::default());
    let mapping = compiled.unwrap_or_else(|found| panic!("{}", render(&found)));
    let system = SystemName::new("erp_eu");
    let mut order = Order::new(OrderKey(7), "shop-1".into(), system.clone(), "default".into());
    order.set(&At::ROOT, field("ext"), Some(map(20)));
    order.set(&At::ROOT, field("tags"), Some(Value::List(["b".into(), "a".into()].into())));
    for _ in 0..lines {
        let at = order.add(&At::ROOT, Collection::Lines, None, None).unwrap();
        order.set(&at, field("lines.properties"), Some(map(20)));
    }
    let subject = Subject { order: &order, at: &At::ROOT, lane: None };
    let (settings, args) = (BTreeMap::new(), BTreeMap::new());
    let context = Context { system: &system, settings: &settings, args: &args, hub: None };
    mapping.reverse(subject, &context).unwrap()
}

#[test]
fn the_same_subject_gives_the_same_bytes() {
    const MAPPING: &str = "orderhub: 1
mapping: erp.all
fields:
  - { hub: ext, system: ext }
  - { hub: tags, system: tags }
  - { hub: lines, system: lines, each: { ours: id, fields: [{ hub: properties, system: options }] } }
";
    let first = mapped_out(MAPPING, 3);
    assert!(first.bytes.len() > 500, "{}", String::from_utf8_lossy(&first.bytes));
    for _ in 0..5 {
        assert_eq!(mapped_out(MAPPING, 3), first);
    }
}

/// The tenth line stands before the second, and two rules read the same field.
#[test]
fn what_went_out_stands_in_order_and_each_field_once() {
    const MAPPING: &str = "orderhub: 1
mapping: erp.all
fields:
  - { hub: tags, system: tags }
  - { hub: ext, system: ext }
  - { hub: tags, system: again, direction: out }
  - { hub: lines, system: lines, each: { ours: id, fields: [{ hub: properties, system: options }] } }
";
    for lines in [0, 2, 12] {
        let values = mapped_out(MAPPING, lines).values;
        assert_eq!(values.len(), 2 + lines, "{values:?}");
        let ascends = |(left, right): (&(At, FieldId, Stated), &(At, FieldId, Stated))| {
            (&left.0, left.1) < (&right.0, right.1)
        };
        assert!(values.iter().zip(values.iter().skip(1)).all(ascends), "{values:?}");
    }
}

/// An entry that a map does not have was looked for and not written; the order's own reference stands in no record.
#[test]
fn what_was_only_looked_at_did_not_go_out() {
    const MAPPING: &str = "orderhub: 1
mapping: erp.all
fields:
  - { hub: tags, system: tags }
  - { hub: ext.nothing, system: nothing }
  - { hub: ref, system: ref, direction: out }
";
    let gone: Vec<_> = mapped_out(MAPPING, 1).values.into_iter().map(|(_, id, _)| id).collect();
    let mut wanted = [field("ref"), field("tags")];
    wanted.sort();
    assert_eq!(gone, wanted);
}

/// What rules may make is bounded; an order of many lines, of which each value is read a few times, is far from it.
#[test]
fn a_long_order_is_far_from_the_bound() {
    const MAPPING: &str = "orderhub: 1
mapping: erp.order
key: id
fields:
  - { hub: lines, system: lines, each: { key: id, fields: [{ hub: sku, system: sku }, { hub: name, system: name }] } }
  - { hub: order_no, with: { a: lines.*.name }, expr: text(len(a)) }
";
    let compiled = Mapping::compile(&Source::new("order.yaml", MAPPING), &Named::default());
    let mapping = compiled.unwrap_or_else(|found| panic!("{}", render(&found)));
    let line =
        |n: usize| format!("{{\"id\":{n},\"sku\":\"A{n}\",\"name\":\"{}\"}}", "x".repeat(40));
    let lines: Vec<String> = (0..20_000).map(line).collect();
    let body = format!("{{\"id\":1,\"lines\":[{}]}}", lines.join(","));
    let system = SystemName::new("erp_eu");
    let (settings, args) = (BTreeMap::new(), BTreeMap::new());
    let context = Context { system: &system, settings: &settings, args: &args, hub: None };
    let mapped = mapping.run(body.as_bytes(), &context);
    assert!(matches!(mapped.as_slice(), [orderhub_mapping::Mapped::Document(_)]));
}
