//! Which ways a rule goes, as it is told to people: by every check with `--one-way`, and by the laws.

#![allow(clippy::unwrap_used, reason = "tests fail like tests")]

use std::collections::BTreeMap;
use std::sync::Arc;

use orderhub_lang::diagnostic::{Source, render};
use orderhub_mapping::integration::{SystemShape, SystemShapes};
use orderhub_mapping::{Integration, Mapping, Named, Way};
use orderhub_order::catalogue::catalogue;
use orderhub_order::ids::{Entity, SystemName};
use orderhub_order::rules::Shapes as _;

/// The way of the rule that has a system path.
fn way(rules: &str, system: &str) -> Way {
    let text = format!("orderhub: 1\nmapping: t.case\nkey: id\nfields:\n{rules}");
    let mapping = Mapping::compile(&Source::new("case.yaml", text), &Named::default()).unwrap();
    mapping.rules().iter().find(|rule| &*rule.system == system).unwrap().way.clone()
}

#[test]
fn parts_of_an_address_that_stand_in_one_text_go_both_ways() {
    let rules = "  - hub: addresses.ship_to
    system: to
    fields:
      - { hub: { a: line1, b: line2 }, system: street, as: { split: ', ' } }
";
    assert_eq!(way(rules, "to.street"), Way::Both);
}

/// Which rule brought a word, for the hold of one that nobody knows: not the constant beside it, and only of documents
/// about the entity.
#[test]
fn the_rule_of_a_field_is_found_by_who_speaks_of_what() {
    const STATUS: &str = "orderhub: 1
mapping: wms.job
entity: fulfilment
key: id
fields:
  - { hub: status, value: cancelled, where: { gone: present } }
  - { hub: status, system: code }
  - { hub: lines, system: rows, each: { ours: id, fields: [{ hub: picked, system: n, as: decimal }] } }
";
    const INTEGRATION: &str = "orderhub: 1
integration: wms
role: wms
connector: declared
intake: [{ message: job, ordering: queue }]
";
    let files = [("integration.yaml", INTEGRATION), ("connector.yaml", ""), ("job.yaml", STATUS)];
    let loaded = Integration::load("wms", &files);
    assert!(loaded.integration.is_some(), "{}", render(&loaded.diagnostics));
    let (integration, settings) =
        (Arc::new(loaded.integration.unwrap()), Arc::new(BTreeMap::new()));
    let system = SystemName::new("wms_de");
    let shape = SystemShape { integration, settings };
    let shapes = SystemShapes::new([(system.clone(), shape)].into_iter().collect());
    let field = |path: &str| catalogue().find_full(path).unwrap().id;
    let of = |entity, path: &str| shapes.rule_of(&system, entity, field(path));
    let status = of(Entity::Fulfilment, "fulfilments.status").unwrap();
    assert!(status.ends_with("job.yaml:7:5"), "{status}");
    let picked = of(Entity::Fulfilment, "fulfilments.lines.picked").unwrap();
    assert!(picked.contains("job.yaml:8:"), "{picked}");
    assert_eq!(of(Entity::Shipment, "fulfilments.status"), None);
    assert_eq!(of(Entity::Fulfilment, "fulfilments.ref"), None);
}
