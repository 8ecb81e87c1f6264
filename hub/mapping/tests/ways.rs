//! Which ways a rule goes, as it is told to people: by every check with `--one-way`, and by the laws.

#![allow(clippy::unwrap_used, reason = "tests fail like tests")]

use orderhub_lang::diagnostic::Source;
use orderhub_mapping::{Mapping, Named, Way};

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
