//! Deltas, codec and chain over random orders.

use std::sync::Arc;

use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;
use crate::catalogue::{FieldId, FieldType, catalogue, known};
use crate::contribution::Stated;
use crate::ids::{At, Collection, Role, SystemName};
use crate::lane::{Facet, FieldState, Flight, Lane, WantKey};
use crate::model::samples;
use crate::value::{Address, Currency, Money, Reference, Text, Value};

/// One random step: a collection to work in, a field number to choose, a value to make, an action.
type Step = (usize, usize, u8, u8);

fn value(ty: &FieldType, seed: u8) -> Stated {
    if seed.is_multiple_of(7) {
        return None;
    }
    let number = Decimal::new(i64::from(seed), u32::from(seed % 3));
    let text = || Value::text(format!("v{}", seed % 5));
    Some(match ty {
        FieldType::Integer => Value::Integer(i64::from(seed)),
        FieldType::Decimal => Value::Decimal(number),
        FieldType::Money => {
            let currency =
                Currency::parse(if seed.is_multiple_of(2) { "EUR" } else { "KWD" }).unwrap();
            Value::Money(Money { amount: number, currency })
        }
        FieldType::Timestamp => {
            Value::Timestamp(jiff::Timestamp::from_second(i64::from(seed)).unwrap())
        }
        FieldType::Date => {
            Value::Date(jiff::civil::date(2026, 1, 1 + i8::try_from(seed % 28).unwrap()))
        }
        FieldType::Boolean => Value::Boolean(seed.is_multiple_of(2)),
        FieldType::Address => Value::Address(Arc::new(Address {
            line1: Some(format!("Street {seed}").into()),
            ..Address::default()
        })),
        FieldType::List => Value::List([Text::from("a"), format!("t{seed}").into()].into()),
        FieldType::Map => {
            let entries = [("k".into(), None), ("n".into(), Some("x".into()))];
            Value::Map(Arc::new(entries.into()))
        }
        FieldType::Ref(_) => Value::Ref(Reference::Ours("L1".into())),
        FieldType::Text
        | FieldType::Enum(_)
        | FieldType::Country
        | FieldType::Currency
        | FieldType::Language
        | FieldType::Uom => text(),
    })
}

fn places(order: &Order) -> Vec<At> {
    let mut all = vec![At::ROOT];
    let mut next = 0;
    while let Some(at) = all.get(next).cloned() {
        for inner in at.collection().children() {
            all.extend(order.elements_at(&at, inner).into_iter().map(|(place, _)| place));
        }
        next += 1;
    }
    all
}

fn step(order: &mut Order, (place, choice, seed, action): Step) {
    let all = places(order);
    let at = all[place % all.len()].clone();
    match action % 12 {
        0 | 1 => {
            let inner: Vec<Collection> = at.collection().children().collect();
            if let Some(collection) = inner.get(choice % inner.len().max(1)) {
                let line = crate::ids::ElementId::numbered(*collection, u32::from(seed));
                let taken = at.with(*collection, line.clone());
                if order.element(&taken).is_none() {
                    order.add(&at, *collection, Some(&line), Some(SystemName::new("wms")));
                }
            }
        }
        2 if !at.is_root() => order.element_mut(&at).unwrap().gone = seed.is_multiple_of(2),
        3 => drop(order.bound.insert(Role::Erp, SystemName::new(format!("erp{}", seed % 2)))),
        4 => drop(order.fired.insert(format!("x{}", seed % 4), order.version)),
        5 => drop(order.fired.remove(&format!("x{}", seed % 4))),
        6 => drop(order.collections.remove(&Collection::Holds)),
        7 => {
            let fields: Vec<FieldId> =
                catalogue().fields_of(at.collection()).map(|f| f.id).collect();
            order.record_mut(&at).unwrap().remove(fields[choice % fields.len()]);
        }
        _ => {
            let fields: Vec<_> = catalogue().fields_of(at.collection()).collect();
            let field = fields[choice % fields.len()];
            order.set(&at, field.id, value(&field.ty, seed));
        }
    }
}

fn turns() -> impl Strategy<Value = Vec<Vec<Step>>> {
    let step = (0_usize..40, 0_usize..60, any::<u8>(), any::<u8>());
    prop::collection::vec(prop::collection::vec(step, 0..12), 1..8)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn replaying_deltas_gives_the_head(turns in turns()) {
        let mut head = samples::order();
        let mut replayed = samples::order();
        for turn in turns {
            let before = head.clone();
            turn.into_iter().for_each(|one| step(&mut head, one));
            let change = seal(&before, &mut head);
            prop_assert_eq!(change.is_some(), head.version > before.version);
            if let Some(change) = change {
                prop_assert_eq!(change.version, before.version + 1);
                let delta = decode_delta(&change.delta, &change.personal).unwrap();
                apply(&mut replayed, &delta).unwrap();
                let (stored, again) = (encode_order(&head), encode_order(&replayed));
                prop_assert_eq!(stored, again);
            }
        }
    }

    #[test]
    fn what_is_encoded_is_decoded(turns in turns()) {
        let mut order = samples::order();
        turns.into_iter().flatten().for_each(|one| step(&mut order, one));
        let stored = encode_order(&order);
        let read = decode_order(&stored.body, &stored.personal).unwrap();
        prop_assert_eq!(encode_order(&read), stored);
        prop_assert_eq!(read, order);
    }
}

#[test]
fn no_personal_value_stands_in_a_body() {
    let before = samples::order();
    let mut order = before.clone();
    let address = Address { line1: Some("Planted Street 1".into()), ..Address::default() };
    let email = Some(Value::text("planted@example.com"));
    order.fields.set(known::order::CUSTOMER_EMAIL, email.clone());
    order.fields.set(known::order::ADDRESSES_SHIP_TO, Some(Value::Address(address.into())));
    order.fields.set(known::order::CUSTOMER_PHONE, None);
    let payment = order.add(&At::ROOT, Collection::Payments, None, None).unwrap();
    order.set(&payment, known::payment::REF, Some(Value::text("planted-txn")));
    let change = seal(&before, &mut order).unwrap();
    let mut lane = Lane::new(SystemName::new("erp"), Role::Erp);
    let state = FieldState {
        stated: Some((email.clone(), None)),
        base: Some(email.clone()),
        ring: vec![(email.clone(), jiff::Timestamp::UNIX_EPOCH)],
        ..FieldState::default()
    };
    lane.fields.insert(&At::ROOT, Facet::Field(known::order::CUSTOMER_EMAIL), state);
    lane.flying = Some(flight(email));
    let stored = [encode_order(&order), encode_lane(&lane, &order)];
    for body in stored.iter().map(|stored| &stored.body).chain([&change.delta]) {
        let text = String::from_utf8_lossy(body).to_lowercase();
        assert!(!text.contains("planted"), "{text}");
    }
    assert!(String::from_utf8_lossy(&change.personal).contains("Planted Street"));
    let [order_stored, lane_stored] = stored;
    assert_eq!(decode_order(&order_stored.body, &order_stored.personal).unwrap(), order);
    assert_eq!(decode_lane(&lane_stored.body, &lane_stored.personal, &order).unwrap(), lane);
}

pub(super) fn flight(email: Stated) -> Flight {
    Flight {
        want: WantKey { rule: "order.accepted/create".into(), subject: At::ROOT, fact: None },
        operation: "create".into(),
        entity: crate::ids::Entity::Order,
        creates: true,
        in_steps: false,
        attempt: 1,
        fence: 1,
        deadline: jiff::Timestamp::UNIX_EPOCH,
        version: 1,
        bundle: "b".into(),
        inputs: b"planted inputs".to_vec(),
        hash: [0; 16],
        memo: Vec::new(),
        key: "k".into(),
        values: vec![(At::ROOT, known::order::CUSTOMER_EMAIL, email)],
        without: vec![(At::ROOT, known::order::CUSTOMER_PHONE)],
        may_have_acted: false,
        decided: false,
        awaits: false,
        wrote: true,
        process: 0,
        in_air: true,
        began: None,
        called: None,
    }
}

#[test]
fn a_turn_without_a_change_makes_no_version() {
    let before = samples::order();
    let mut order = before.clone();
    assert!(seal(&before, &mut order).is_none());
    assert_eq!(order, before);
}

#[test]
fn a_word_that_does_not_stand_is_in_the_version() {
    let field = known::order::NOTES_CUSTOMER;
    let text = |text: &str| Some(Value::text(text));
    let mut before = samples::order();
    before.fields.set(field, text("planted till"));
    before.touched.insert(&At::ROOT, field, 2);
    before.version = 3;
    let heard = [Heard { at: At::ROOT, field, said: text("planted user") }];
    let mut order = before.clone();
    // Nothing else, and beside a change of the same field.
    for (changed, since) in [(None, 2), (Some(text("planted other")), 5)] {
        if let Some(value) = changed.clone() {
            order.fields.set(field, value);
        }
        let change = seal_with(&before, &mut order, &heard).unwrap();
        assert_eq!(change.version, before.version + 1);
        assert_eq!(change.touched.contains(field), changed.is_some());
        assert!(!String::from_utf8_lossy(&change.delta).contains("planted"), "it is personal");
        let delta = decode_delta(&change.delta, &change.personal).unwrap();
        let found = lost(&delta);
        let [word] = &found[..] else { panic!("{found:?}") };
        assert_eq!((word.said, word.since), (&heard[0].said, Some(since)));
        let mut replayed = before.clone();
        apply(&mut replayed, &delta).unwrap();
        assert_eq!(replayed, order);
        before = order.clone();
    }
    // Of what the order does not say.
    let unsaid = [Heard { field: known::order::CANCEL_REASON, ..heard[0].clone() }];
    let change = seal_with(&before, &mut order, &unsaid).unwrap();
    let delta = decode_delta(&change.delta, &change.personal).unwrap();
    let found = lost(&delta);
    let [word] = &found[..] else { panic!("{found:?}") };
    assert_eq!((word.said, word.stands, word.since), (&unsaid[0].said, None, None));
    let mut replayed = before.clone();
    apply(&mut replayed, &delta).unwrap();
    assert_eq!(replayed, order);
    before = order.clone();
    order.fields.set(field, text("again"));
    let change = seal(&before, &mut order).unwrap();
    assert!(lost(&decode_delta(&change.delta, &change.personal).unwrap()).is_empty());
}

/// A document may change three fields of each of a thousand lines, and a log reads every version of its order. A pass for each
/// field took a second then; of twenty times as many it takes minutes.
#[test]
fn the_words_of_a_long_version_are_found_in_one_pass() {
    let text = |text: &str| Some(Some(Value::text(text)));
    let fields = [known::line::SKU, known::line::NAME, known::line::QTY_ORDERED];
    let edit = |line, field, old, new| {
        let line = crate::ids::ElementId::numbered(Collection::Lines, line);
        Edit::Field { at: At::of(Collection::Lines, line), field, old, new }
    };
    let all = (0..20_000).flat_map(|line| fields.map(|field| (line, field)));
    let changes = all.clone().map(|(line, field)| edit(line, field, text("a"), text("b")));
    let mut delta = Delta { version: 7, edits: changes.collect() };
    assert!(lost(&delta).is_empty());
    // All of them lost, besides.
    let words = all.map(|(line, field)| {
        [edit(line, field, text("b"), text("c")), edit(line, field, text("c"), text("b"))]
    });
    delta.edits.extend(words.flatten());
    assert_eq!(lost(&delta).len(), 60_000);
}

#[test]
fn digits_of_a_number_are_history_too() {
    let before = {
        let mut order = samples::order();
        order.fields.set(known::order::TOTALS_TOTAL, money("1.0"));
        order
    };
    let mut order = before.clone();
    order.fields.set(known::order::TOTALS_TOTAL, money("1.00"));
    assert_eq!(before.fields, order.fields, "equal as numbers");
    assert!(seal(&before, &mut order).is_some());
}

fn money(amount: &str) -> Stated {
    Some(Value::Money(Money::parse(amount, "EUR", None).unwrap()))
}

#[test]
fn blame_is_a_look_up_and_people_see_what_changed() {
    let before = samples::order();
    let mut order = before.clone();
    order.fields.set(known::order::STATE_PAYMENT, Some(Value::text("pending")));
    order.fields.set(known::order::CUSTOMER_EMAIL, Some(Value::text("a@example.com")));
    let line = order.add(&At::ROOT, Collection::Lines, None, None).unwrap();
    order.set(&line, known::line::QTY_ORDERED, Some(Value::Decimal(2.into())));
    seal(&before, &mut order).unwrap();
    let second = order.clone();
    order.fields.set(known::order::STATE_PAYMENT, Some(Value::text("captured")));
    let change = seal(&second, &mut order).unwrap();
    assert_eq!(blame(&order, &At::ROOT, known::order::STATE_PAYMENT), Some(2));
    assert_eq!(blame(&order, &line, known::line::QTY_ORDERED), Some(1));
    assert_eq!(blame(&order, &line, known::line::SKU), None);
    assert_eq!(change.touched.iter().collect::<Vec<_>>(), [known::order::STATE_PAYMENT]);

    let shown = serde_json::to_value(describe(&between(&before, &order), true)).unwrap();
    let expected = serde_json::json!([
        { "path": "state.payment", "new": "captured" },
        { "path": "customer.email", "new": "***" },
        { "path": "lines[L1]", "old": false, "new": true },
        { "path": "lines[L1].qty.ordered", "new": "2" },
    ]);
    assert_eq!(shown, expected);
    let plain = describe(&between(&before, &order), false);
    assert_eq!(plain[1].new, Some("a@example.com".into()));
}

#[test]
fn the_chain_breaks_where_a_delta_was_altered() {
    let links =
        |deltas: &[&[u8]]| deltas.iter().fold([0; 32], |previous, delta| chain(&previous, delta));
    let whole = links(&[b"one", b"two", b"three"]);
    assert_eq!(whole, links(&[b"one", b"two", b"three"]));
    for other in [
        &[b"one".as_slice(), b"tow", b"three"][..],
        &[b"one", b"three"],
        &[b"two", b"one", b"three"],
    ] {
        assert_ne!(whole, links(other));
    }
}

#[test]
fn a_delta_that_does_not_fit_is_refused() {
    let mut order = samples::order();
    let at = At::parse("lines[L9]").unwrap();
    let edit = Edit::Field { at, field: known::line::SKU, old: None, new: Some(None) };
    let error = apply(&mut order, &Delta { version: 1, edits: vec![edit] }).unwrap_err();
    assert_eq!(error.to_string(), "the delta to version 1 does not fit version 0: lines[L9].sku");
    for (bytes, error) in
        [(&b""[..], "nothing"), (b"\x09{}", "format 9"), (b"\x01{", "cannot be read")]
    {
        assert!(decode_order(bytes, b"").unwrap_err().to_string().contains(error));
    }
}
