//! What orders documents: local times that come twice, and the moment since which listings are asked for, as the
//! system's documents write it.

use std::collections::BTreeMap;

use orderhub_lang::diagnostic::{Source, render};
use orderhub_lang::value::Value;
use orderhub_mapping::{Context, Mapped, Mapping, Named};
use orderhub_order::contribution::Revision;
use orderhub_order::ids::SystemName;

/// The revision of a document that carries a time.
fn revision(mapping: &Mapping, at: &str) -> Option<Revision> {
    let (system, settings, args) = (SystemName::new("till"), BTreeMap::new(), BTreeMap::new());
    let context = Context { system: &system, settings: &settings, args: &args, hub: None };
    let body = format!(r#"{{ "id": 1, "at": "{at}" }}"#);
    let mapped = mapping.run(body.as_bytes(), &context).pop();
    let Some(Mapped::Document(said)) = mapped else { return None };
    said.revision
}

#[test]
fn no_document_of_the_hour_that_comes_twice_is_older() {
    let zones = [
        (
            "Europe/Berlin",
            [
                "2026-10-25 01:59:59",
                "2026-10-25 02:50:00",
                "2026-10-25 02:10:00",
                "2026-10-25 03:00:00",
            ],
        ),
        (
            "Australia/Lord_Howe",
            [
                "2026-04-05 01:29:59",
                "2026-04-05 01:50:00",
                "2026-04-05 01:30:00",
                "2026-04-05 02:00:00",
            ],
        ),
        (
            "America/New_York",
            [
                "2026-11-01 00:59:59",
                "2026-11-01 01:59:59",
                "2026-11-01 01:00:00",
                "2026-11-01 02:00:00",
            ],
        ),
    ];
    for (zone, times) in zones {
        for twice in ["earlier", "later"] {
            let text = format!(
                "orderhub: 1\nmapping: t.order\nkey: id\nrevision: {{ system: at, as: {{ timestamp: {{ format: \"%Y-%m-%d %H:%M:%S\", \
                 zone: {zone}, twice: {twice} }} }} }}\nfields:\n  - {{ hub: order_no, system: name }}\n"
            );
            let mapping = Mapping::compile(&Source::new("order.yaml", text), &Named::default());
            let mapping = mapping.unwrap_or_else(|found| panic!("{}", render(&found)));
            let [before, late, early, after] = times.map(|at| revision(&mapping, at));
            assert_eq!(late, early, "{zone} {twice}");
            assert!(
                before.is_some() && before < late && late < after,
                "{zone} {twice}: {before:?} {late:?} {after:?}"
            );
        }
    }
}

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
