//! Which settings a mapping cannot do without.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail like tests")]

use orderhub_lang::diagnostic::{Source, render};
use orderhub_mapping::{Mapping, Named};

const MAPPING: &str = "orderhub: 1
mapping: shop.order
key: id
fields:
  - { hub: order_no, system: name }
  - { system: a, value: 1, where: { $settings.asked: present } }
  - { hub: $settings.read_where_there, system: b, where: { $settings.read_where_there: present } }
  - { hub: region, system: c.($settings.within), where: { $settings.within: present } }
  - { system: d, value: 1, where: { $settings.compared: [x] } }
  - { system: e, value: 1, where: { $settings.missing: absent } }
  - { hub: $settings.read, system: f }
  - { system: g, value: 1, where: { $settings.read: present } }
  - hub: lines
    system: rows
    where: { $settings.list: present }
    each: { key: id, fields: [ { hub: sku, system: h.($settings.list) }, { hub: $settings.inner, system: i } ] }
  - hub: addresses.ship_to
    system: to
    fields:
      - { hub: line1, system: j.($settings.part), where: { $settings.part: present } }
      - { hub: city, system: k.($settings.city) }
";

#[test]
fn a_setting_that_is_only_asked_for_or_read_where_it_is_there_is_optional() {
    let compiled = Mapping::compile(&Source::new("order.yaml", MAPPING), &Named::default());
    let mapping = compiled.unwrap_or_else(|found| panic!("{}", render(&found)));
    let mut needed: Vec<&str> = mapping.needed_settings().collect();
    needed.sort_unstable();
    assert_eq!(needed, ["city", "compared", "inner", "read"]);
    assert_eq!(mapping.settings().count(), 10);
}
