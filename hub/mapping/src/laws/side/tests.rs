//! How many documents it takes to find what disturbs what, counted; and what is told where it is not found.

use std::fmt::Write as _;

use std::collections::BTreeMap;

use super::super::document::Document;
use super::super::ends::Used;
use super::super::whole::{Judged, MOST_TRIPS, fields, most_trips, tried};
use super::{Sent, Untaken};
use crate::integration::Integration;

/// A file with `plain` rules beside others: what is found, and with how many documents.
fn judge(plain: usize, others: &str, most: usize) -> (Judged, usize) {
    judge_by(plain, others, most, &|_| None)
}

/// Why a document does not come back, by whether a field stands in it.
type Fails<'f> = &'f dyn Fn(&dyn Fn(&str) -> bool) -> Option<Untaken>;

/// With documents that do not come back for what stands in them, by the paths of their fields.
fn judge_by(plain: usize, others: &str, most: usize, fails: Fails<'_>) -> (Judged, usize) {
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
    let (mapping, ends) = (used.both().next().unwrap(), used.ends());
    let document = Document::of(mapping, BTreeMap::new()).unwrap();
    let send = |sent: &[&Sent<'_>]| {
        let has = |path: &str| sent.iter().any(|one| one.key.path() == path);
        fails(&has).map_or_else(|| document.back(sent), Err)
    };
    let trips = tried(mapping, &send, fields(mapping, &ends), most, &mut judged);
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
    let most = [0, 400, 1_000, 5_000].map(most_trips);
    assert_eq!(most, [MOST_TRIPS, MOST_TRIPS, MOST_TRIPS, 400], "less for what costs more");
}

#[test]
fn what_does_not_stand_together_is_told_and_stops_nothing_else() {
    let refused = || Some(Untaken::Refused("no".to_owned()));
    let two = |has: &dyn Fn(&str) -> bool| (has("ext.f003") && has("ext.f150")).then(refused)?;
    let three = |has: &dyn Fn(&str) -> bool| has("ext.f007").then(|| two(has))?;
    let leaves = |has: &dyn Fn(&str) -> bool| two(has).map(|_| Untaken::Left);
    let judge = |fails: Fails<'_>| {
        let (judged, trips) = judge_by(200, SHARED, MOST_TRIPS, fails);
        assert!(trips < 203 + 60, "{trips}");
        let mut lost: Vec<String> = lost(&judged).into_iter().map(str::to_owned).collect();
        lost.sort_unstable();
        (lost, judged.untried.into_iter().map(|one| one.message).collect::<Vec<_>>())
    };
    let apart = |other: &str, why: &str| {
        format!("`ext.f150` cannot be tried with all others, as with `{other}`: {why}")
    };
    let left = "`where:` of the file leaves it to others";
    assert_eq!(judge(&two).0, ["customer.phone", "ext.f003", "ext.f150"], "both of a refused pair");
    assert_eq!(judge(&two).1, [""; 0]);
    assert_eq!(judge(&three), (vec!["customer.phone".to_owned()], vec![apart("ext.f007", "no")]));
    assert_eq!(judge(&leaves), (vec!["customer.phone".to_owned()], vec![apart("ext.f003", left)]));
}
