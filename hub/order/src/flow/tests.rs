//! The embedded files, and what is reported of wrong ones.

use orderhub_lang::diagnostic::render;

use super::*;
use crate::catalogue::known;
use crate::model::samples;
use crate::value::Value;

fn flow(text: &str) -> Result<Flow, String> {
    Flow::parse(&Source::new("flow.yaml", text)).map_err(|findings| render(&findings))
}

fn ownership(text: &str) -> Result<Ownership, String> {
    Ownership::parse(&Source::new("ownership.yaml", text)).map_err(|findings| render(&findings))
}

#[test]
fn the_embedded_files_are_read() {
    let flow = flow(include_str!("../../../../mappings/hub/flow.yaml")).unwrap();
    assert_eq!(flow.releases.len(), 10);
    assert_eq!(Flow::embedded().releases.len(), 10);
    assert!(flow.release("fulfilment.released", "wms").is_some_and(|release| release.creates));
    assert!(flow.assign.contains_key(&Role::Wms));
    let ownership = ownership(include_str!("../../../../mappings/hub/ownership.yaml")).unwrap();
    assert_eq!(ownership.rules.len(), 1);
    assert_eq!(Ownership::embedded().rules.len(), 1);
}

#[test]
fn an_event_is_heard_by_the_roles_that_it_is_emitted_to() {
    let flow = Flow::embedded();
    let cases = [
        ("order.accepted", Role::Erp, true),
        ("order.accepted", Role::Wms, false),
        ("shipment.handed_over", Role::Channel, true),
        ("shipment.tracking_changed", Role::Wms, true),
        ("order.changed", Role::Sink, true),
        ("payment.captured", Role::Erp, false),
    ];
    for (event, role, heard) in cases {
        assert_eq!(flow.emits_to(event, role), heard, "{event} {role}");
    }
    assert_eq!(flow.subject_of("fulfilment.released"), Some(Collection::Fulfilments));
    assert_eq!(flow.subject_of("shipment.created"), Some(Collection::Shipments));
    assert_eq!(flow.subject_of("order.accepted"), Some(Collection::Root));
    assert_eq!(flow.subject_of("delivery.dead"), None);
}

#[test]
fn an_exception_to_ownership_holds_while_its_condition_does() {
    let rules = Ownership::embedded();
    let field = known::order::ADDRESSES_SHIP_TO;
    let mut order = samples::order();
    assert_eq!(rules.exception(&order, &At::ROOT, field), None);
    order.fields.set(known::order::STATE_FULFILMENT, Some(Value::text("released")));
    let exception = rules.exception(&order, &At::ROOT, field).unwrap();
    assert_eq!(exception, Exception { owners: &[Owner::Service], others: Others::Propose });
    assert_eq!(rules.exception(&order, &At::ROOT, known::order::ADDRESSES_BILL_TO), None);
}

#[test]
fn mistakes_of_a_flow_are_reported_at_their_place_with_a_hint() {
    let cases = [
        ("{ emits: order.acepted, to: erp }", "F0005", "did you mean `order.accepted`?"),
        ("{ emits: order.accepted, to: orign }", "F0007", "did you mean `origin`?"),
        ("{ emits: order.accepted, to: erp, for: shipment }", "F0008", "did you mean `shipments`?"),
        ("{ emits: order.accepted, to: erp, wen: {} }", "L0001", "did you mean `when`?"),
        ("{ emits: order.accepted }", "L0002", "needs the key `to`"),
        ("{ emits: order.accepted, to: erp, when: { state.paid: [x] } }", "F0001", "no such field"),
        (
            "{ emits: shipment.created, to: tms, for: shipments, fields: [trackng_no] }",
            "F0001",
            "did you mean",
        ),
        (
            "{ emits: shipment.created, to: tms, for: shipments, creates: fulfilment }",
            "F0009",
            "of the order",
        ),
        ("{ emits: order.accepted, to: erp, creates: label }", "F0009", "`fulfilment`"),
        ("{ emits: order.accepted, to: all, creates: fulfilment }", "F0009", "to a role"),
        ("{ emits: order.changed, to: all, fields: [tags] }", "F0008", "every version"),
    ];
    for (release, code, part) in cases {
        let report = flow(&format!("flow: x\nreleases:\n  - {release}\n")).unwrap_err();
        assert!(report.contains(&format!("error[{code}]")), "{release}: {report}");
        assert!(report.contains(part), "{release}: {report}");
    }
    let twice =
        "releases: [{ emits: order.accepted, to: erp }, { emits: order.accepted, to: erp }]";
    assert!(flow(twice).unwrap_err().contains("F0006"));
    let cases = [
        ("wsm: { else: only }", "F0003", "did you mean `wms`?"),
        ("wms: { else: first }", "F0010", "`else` is `only`"),
        ("wms: { by: addresses.ship_to.contry, else: only }", "F0001", "no such field"),
        ("wms: { by: lines, else: only }", "F0001", "a field of the order is needed"),
        ("wms: { by: region, table: [a] }", "L0003", "`table` is a mapping"),
    ];
    for (assign, code, part) in cases {
        let report = flow(&format!("releases: []\nassign: {{ {assign} }}\n")).unwrap_err();
        assert!(report.contains(&format!("error[{code}]")), "{assign}: {report}");
        assert!(report.contains(part), "{assign}: {report}");
    }
}

#[test]
fn mistakes_of_ownership_are_reported_at_their_place_with_a_hint() {
    let cases = [
        (
            "{ fields: [adresses.ship_to], owner: [service] }",
            "F0001",
            "did you mean `addresses.ship_to`?",
        ),
        ("{ fields: [customer], owner: [servce] }", "F0011", "did you mean `service`?"),
        (
            "{ fields: [customer], owner: [erp], others: proposed }",
            "F0012",
            "did you mean `propose`?",
        ),
        ("{ fields: [customer], owner: [erp], when: { linked: erp } }", "F0004", "who is linked"),
        ("{ fields: [customer] }", "L0002", "needs the key `owner`"),
    ];
    for (rule, code, part) in cases {
        let report = ownership(&format!("rules:\n  - {rule}\n")).unwrap_err();
        assert!(report.contains(&format!("error[{code}]")), "{rule}: {report}");
        assert!(report.contains(part), "{rule}: {report}");
    }
}
