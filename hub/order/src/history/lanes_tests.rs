//! Lanes as they are stored.

use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;
use crate::catalogue::known;
use crate::ids::{Collection, ElementId, Role, SystemName};
use crate::value::{Text, Value};

const SPOTS: [(&str, Facet); 8] = [
    ("", Facet::Field(known::order::ORDER_NO)),
    ("", Facet::Field(known::order::CUSTOMER_EMAIL)),
    ("", Facet::Doubt(known::order::CUSTOMER_EMAIL)),
    ("", Facet::Xref(Text::new_static("customer"))),
    ("", Facet::List(Collection::Lines)),
    ("lines[L1]", Facet::Shown),
    ("lines[L1]", Facet::Field(known::line::SKU)),
    ("shipments[S1].lines[L1]", Facet::Field(known::shipment_line::QTY)),
];

fn state(kind: u8, value: &Stated) -> FieldState {
    let at = |second| Some(Revision::Timestamp(jiff::Timestamp::from_second(second).unwrap()));
    let usual = FieldState {
        stated: Some((value.clone(), at(7))),
        base: Some(value.clone()),
        entity: Some(Entity::Order),
        heard: 2,
        wrote: true,
        ..FieldState::default()
    };
    let sent = |base: Option<Stated>| {
        let ring = vec![(value.clone(), jiff::Timestamp::from_second(9).unwrap())];
        FieldState { base, ring, ..FieldState::default() }
    };
    let number = |text: &str| Some(Value::Decimal(Decimal::from_str_exact(text).unwrap()));
    match kind {
        0 => usual,
        1 => FieldState { wrote: false, ..usual },
        2 => FieldState { base: None, wrote: false, ..usual },
        3 => FieldState { base: Some(value.clone()), ..FieldState::default() },
        4 => FieldState { ring: vec![(value.clone(), jiff::Timestamp::UNIX_EPOCH)], ..usual },
        5 => FieldState { stated: Some((value.clone(), at(8))), ..usual },
        6 => FieldState { stated: Some((None, None)), ..usual },
        7 => {
            let stated = Some((number("1.0"), at(7)));
            FieldState { stated, base: Some(number("1.00")), ..usual }
        }
        8 => FieldState { heard: 1, ..usual },
        9 => FieldState { owed: true, ..usual },
        10 => sent(Some(value.clone())),
        11 => sent(None),
        12 => FieldState { wrote: true, ..sent(Some(value.clone())) },
        13 => FieldState { ring: sent(None).ring, ..usual },
        14 => FieldState { ring: sent(None).ring, base: None, wrote: false, ..usual },
        15 => FieldState { ring: sent(None).ring, base: Some(None), ..usual },
        _ => FieldState::default(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_lane_is_stored_and_read_back(fields in prop::collection::vec((0_u8..17, 0_u8..3), 8), bytes: Vec<u8>) {
        let mut lane = Lane::new(SystemName::new("shop"), Role::Channel);
        for ((at, facet), (kind, seed)) in SPOTS.into_iter().zip(fields) {
            let value = (seed > 0).then(|| Value::text(format!("planted {seed}")));
            lane.fields.insert(&At::parse(at).unwrap(), facet, state(kind, &value));
        }
        lane.flying = Some(crate::history::tests::flight(Some(Value::text("planted"))));
        if let Some(flight) = &mut lane.flying {
            flight.inputs = bytes;
            flight.hash = [9; 16];
        }
        let stored = encode_lane(&lane);
        let read = decode_lane(&stored.body, &stored.personal).unwrap();
        prop_assert_eq!(&read, &lane);
        prop_assert_eq!(encode_lane(&read), stored, "byte for byte");
    }
}

#[test]
fn what_most_fields_share_stands_once() {
    let mut lane = Lane::new(SystemName::new("shop"), Role::Channel);
    for number in 0..20 {
        let usual = state(0, &Some(Value::text("abc")));
        let line = At::of(Collection::Lines, ElementId::numbered(Collection::Lines, number));
        lane.fields.insert(&line, Facet::Field(known::line::SKU), usual.clone());
        lane.fields.insert(&line, Facet::Field(known::line::QTY_ORDERED), usual);
    }
    let body = String::from_utf8(encode_lane(&lane).body).unwrap();
    assert_eq!(body.matches("1970-01-01T00:00:07Z").count(), 1, "{body}");
    assert!(body.len() < 40 * 40, "{} bytes: {body}", body.len());
}
