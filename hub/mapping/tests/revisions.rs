//! Listings are asked for what changed since a moment, as the system's documents write it.

use orderhub_lang::diagnostic::{Source, render};
use orderhub_lang::value::Value;
use orderhub_mapping::{Mapping, Named};

#[test]
fn a_moment_is_written_as_revisions_are() {
    let at = "2026-11-02T09:00:00Z".parse().unwrap();
    let cases = [
        ("{ system: at, as: timestamp }", Some(Value::text("2026-11-02T09:00:00Z"))),
        ("{ system: at, as: { timestamp: epoch_s } }", Some(Value::Int(1_793_610_000))),
        (
            "{ system: at, as: { timestamp: { format: \"%Y-%m-%d %H:%M:%S\", zone: Asia/Shanghai } } }",
            Some(Value::text("2026-11-02 17:00:00")),
        ),
        ("{ system: version, as: integer }", None),
    ];
    for (revision, written) in cases {
        let text = format!(
            "orderhub: 1\nmapping: t.order\nkey: id\nrevision: {revision}\n\
             fields:\n  - {{ hub: order_no, system: name }}\n"
        );
        let mapping = Mapping::compile(&Source::new("order.yaml", text), &Named::default());
        let mapping = mapping.unwrap_or_else(|found| panic!("{}", render(&found)));
        assert_eq!(mapping.revision_at(at), written, "{revision}");
    }
}
