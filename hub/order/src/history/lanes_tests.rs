//! Lanes as they are stored.

use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;
use crate::catalogue::known;
use crate::ids::{Collection, ElementId, Role, SystemName};
use crate::lane::Swing;
use crate::model::samples;
use crate::value::{Text, Value};

const SPOTS: [(&str, Facet); 9] = [
    ("", Facet::Field(known::order::ORDER_NO)),
    ("", Facet::Field(known::order::CUSTOMER_EMAIL)),
    ("", Facet::Doubt(known::order::CUSTOMER_EMAIL)),
    ("", Facet::Xref(Text::new_static("customer"))),
    ("", Facet::Word(known::order::NOTES_CUSTOMER)),
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
        16 => FieldState { taken: 2, ..usual },
        17 => FieldState { told_at: 7, ..sent(Some(value.clone())) },
        18 => FieldState { rung_for: 7, ..sent(Some(value.clone())) },
        19 => FieldState { unsure: true, ..usual },
        20 => {
            let times = vec![jiff::Timestamp::UNIX_EPOCH];
            let swing = Swing { from: value.clone(), times, frozen: true };
            FieldState { swing: Some(Box::new(swing)), ..usual }
        }
        _ => FieldState::default(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_lane_is_stored_and_read_back(
        fields in prop::collection::vec((0_u8..22, 0_u8..3, 0_u8..4), 9),
        bytes: Vec<u8>,
    ) {
        let mut order = samples::order();
        let line = order.add(&At::ROOT, Collection::Lines, None, None).unwrap();
        prop_assert_eq!(line, At::parse("lines[L1]").unwrap());
        let mut lane = Lane::new(SystemName::new("shop"), Role::Channel);
        let value = |seed| (seed > 0).then(|| Value::text(format!("planted {seed}")));
        for ((at, facet), (kind, seed, head)) in SPOTS.into_iter().zip(fields) {
            let (at, value, head) = (At::parse(at).unwrap(), value(seed), value(head));
            // Sometimes as the order has it, sometimes not, and some fields the order has not.
            if let (Facet::Field(field), Some(value)) = (&facet, head) {
                order.set(&at, *field, Some(value));
            }
            lane.fields.insert(&at, facet, state(kind, &value));
        }
        lane.flying = Some(crate::history::tests::flight(Some(Value::text("planted"))));
        if let Some(flight) = &mut lane.flying {
            flight.inputs = bytes;
            flight.hash = [9; 16];
        }
        let stored = encode_lane(&lane, &order);
        let read = decode_lane(&stored.body, &stored.personal, &order).unwrap();
        prop_assert_eq!(&read, &lane);
        prop_assert_eq!(encode_lane(&read, &order), stored, "byte for byte");
    }
}

#[test]
fn what_most_fields_share_stands_once() {
    let mut lane = Lane::new(SystemName::new("shop"), Role::Channel);
    for number in 1..21 {
        let usual = state(0, &Some(Value::text("abc")));
        let line = At::of(Collection::Lines, ElementId::numbered(Collection::Lines, number));
        lane.fields.insert(&line, Facet::Field(known::line::SKU), usual.clone());
        lane.fields.insert(&line, Facet::Field(known::line::QTY_ORDERED), usual);
    }
    let mut order = samples::order();
    let body = String::from_utf8(encode_lane(&lane, &order).body).unwrap();
    assert_eq!(body.matches("1970-01-01T00:00:07Z").count(), 1, "{body}");
    assert!(body.len() < 40 * 40, "{} bytes: {body}", body.len());
    for number in 1..21 {
        let line = order.add(&At::ROOT, Collection::Lines, None, None).unwrap();
        assert_eq!(line.id().unwrap(), &ElementId::numbered(Collection::Lines, number));
        order.set(&line, known::line::SKU, Some(Value::text("abc")));
        order.set(&line, known::line::QTY_ORDERED, Some(Value::text("abc")));
    }
    let shown = encode_lane(&lane, &order);
    assert!(shown.body.len() < 40 * 20, "{} bytes", shown.body.len());
    assert_eq!(decode_lane(&shown.body, &shown.personal, &order).unwrap(), lane);
    let other = decode_lane(&shown.body, &shown.personal, &samples::order());
    assert!(matches!(other, Err(CodecError::Head)), "{other:?}");
}
