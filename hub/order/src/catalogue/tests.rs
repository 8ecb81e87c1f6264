//! The embedded catalogue, looked at from all sides.

use super::*;

#[test]
fn the_embedded_file_is_read_whole() {
    let parsed = parse::parse(include_str!("../../catalogue.yaml"));
    assert_eq!(parsed.map(|catalogue| catalogue.fields().count()), Ok(150));
}

#[test]
fn numbers_are_unique_and_fit_a_set() {
    let all: FieldSet = catalogue().fields().map(|field| field.id).collect();
    assert_eq!(all.iter().count(), catalogue().fields().count());
    assert!(catalogue().fields().all(|field| field.id.0 > 0 && field.id.0 < 256));
}

#[test]
fn a_field_is_found_by_its_place_and_by_its_path() {
    let cases = [
        ("state.payment", Collection::Root, "state.payment"),
        ("lines.qty.ordered", Collection::Lines, "qty.ordered"),
        ("shipments.lines.qty", Collection::ShipmentLines, "qty"),
        ("shipments.packages.lines.line", Collection::PackageLines, "line"),
        ("shipments.tracking_no", Collection::Shipments, "tracking_no"),
    ];
    for (full, collection, path) in cases {
        let field = catalogue().find_full(full).unwrap();
        assert_eq!((field.collection, field.path), (collection, path));
        assert_eq!(catalogue().find(collection, path).unwrap().id, field.id);
        assert_eq!(field.full_path(), full);
    }
    assert!(catalogue().find_full("customer.e_mail").is_none());
    assert!(catalogue().find_full("lines").is_none());
}

#[test]
fn every_enum_field_and_every_machine_names_a_known_enum() {
    for field in catalogue().fields() {
        if let FieldType::Enum(name) = field.ty {
            assert!(!catalogue().enum_values(name).is_empty(), "{}", field.full_path());
            if field.merge == Merge::Advance {
                for value in catalogue().enum_values(name) {
                    assert!(catalogue().rank(name, value).is_some(), "{name} {value}");
                }
            }
        }
    }
}

#[test]
fn who_adds_and_what_identifies_is_data() {
    let lines = catalogue().rules(Collection::Lines).unwrap();
    assert_eq!(
        (lines.key.as_slice(), lines.adds.as_slice()),
        (["id"].as_slice(), [Owner::Role(Role::Channel)].as_slice())
    );
    let package_lines = catalogue().rules(Collection::PackageLines).unwrap();
    assert_eq!(package_lines.key, ["line"]);
    assert_eq!(catalogue().rules(Collection::Fulfilments).unwrap().adds, [Owner::Hub]);
}

#[test]
fn ranks_rise_and_finals_are_final() {
    let rank = |value| catalogue().rank("shipment", value);
    assert!(rank("handed_over") > rank("cancelled"));
    assert_eq!(rank("lost"), rank("refused"));
    assert_eq!(rank("teleported"), None);
    assert!(catalogue().is_final("lifecycle", "closed"));
    assert!(!catalogue().is_final("lifecycle", "open"));
}

#[test]
fn a_prefix_names_the_fields_below_it() {
    let customer = catalogue().below("customer");
    assert!(customer.contains(known::order::CUSTOMER_EMAIL));
    assert_eq!(customer.iter().count(), 7);
    assert!(catalogue().below("lines").contains(known::line::QTY_ORDERED));
    assert!(!catalogue().below("lines").contains(known::shipment_line::QTY));
}

#[test]
fn sets_are_sets() {
    let mut set = FieldSet::default();
    assert!(set.is_empty());
    set.insert(FieldId(3));
    set.insert(FieldId(200));
    assert!(set.contains(FieldId(200)) && !set.contains(FieldId(4)));
    let other: FieldSet = [FieldId(4)].into_iter().collect();
    assert!(!set.intersects(&other));
    assert_eq!(set.union(other).iter().collect::<Vec<_>>(), [FieldId(3), FieldId(4), FieldId(200)]);
}
