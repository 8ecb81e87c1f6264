use std::fmt::Write as _;

use super::super::ends::Used;
use super::super::whole::{Judged, MOST_TRIPS, file};
use crate::integration::Integration;

/// A file with `plain` rules beside others: what is found, and with how many documents.
fn judge(plain: usize, others: &str, most: usize) -> (Judged, usize) {
    let mut mapping = "orderhub: 1\nmapping: t.order\nkey: id\nfields:\n".to_owned();
    for number in 0..plain {
        writeln!(mapping, "  - {{ hub: ext.f{number:03}, system: f{number:03} }}").unwrap();
    }
    mapping.push_str(others);
    let head = "orderhub: 1\nintegration: t\nrole: channel\nconnector: declared\n\
                intake: [{ message: order, ordering: queue }]\n\
                deliver: [{ on: order.changed, do: put, with: order }]\n";
    let files = [("integration.yaml", head), ("connector.yaml", ""), ("order.yaml", &mapping)];
    let loaded = Integration::load("t", &files);
    assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics);
    let integration = loaded.integration.unwrap();
    let (used, mut judged) = (Used::of(&integration), Judged::default());
    let mapping = used.both().next().unwrap();
    let trips = file(mapping, &used.ends(), most, &mut judged);
    (judged, trips)
}

fn lost(judged: &Judged) -> Vec<&str> {
    judged.lost.iter().map(|lost| lost.field.as_str()).collect()
}

const REFUSED: &str = "  - { hub: ext.x, system: a, as: lower }\n  - { hub: ext.y, system: a.b }\n";
const SHARED: &str =
    "  - { hub: customer.email, system: contact }\n  - { hub: customer.phone, system: contact }\n";
const SHARED_LATE: &str = "  - { hub: ext.x, system: f200 }\n";

#[test]
fn a_disturbed_field_is_found_in_few_trips() {
    let (judged, trips) = judge(400, "", MOST_TRIPS);
    assert!(judged.lost.is_empty() && judged.untried.is_empty());
    assert_eq!(trips, 401, "each alone, and all together");

    let (judged, trips) = judge(400, REFUSED, MOST_TRIPS);
    assert_eq!(lost(&judged), ["ext.x", "ext.y"], "what is refused alone says nothing of others");
    assert!(judged.untried.is_empty());
    assert_eq!(trips, 403);

    for (others, wanted) in [(SHARED, "customer.phone"), (SHARED_LATE, "ext.x")] {
        let (judged, trips) = judge(400, others, MOST_TRIPS);
        assert_eq!(lost(&judged), [wanted]);
        let hint = format!("{:?}", judged.lost.first().map(|lost| &lost.finding));
        assert!(hint.contains("writes or reads the same place"), "{hint}");
        assert!(trips < 402 + 30, "{others}: {trips}");
    }
}

#[test]
fn what_a_file_has_no_trips_left_for_is_counted() {
    let told = |most| {
        let (judged, trips) = judge(10, SHARED, most);
        assert!(trips <= most);
        let untried = judged.untried.iter().map(|one| one.message.clone()).collect::<Vec<_>>();
        (judged.lost.len(), untried)
    };
    let spent = |fields, most| {
        format!(
            "{fields} fields, from `customer.email` on, are not tried with all others: \
             a file is tried with {most} documents"
        )
    };
    assert_eq!(told(MOST_TRIPS), (1, Vec::new()));
    assert_eq!(told(3), (0, vec![spent(12, 3)]), "while each is sent alone");
    assert_eq!(told(13), (0, vec![spent(12, 13)]), "while the one is looked for");
}
