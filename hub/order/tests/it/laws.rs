//! What holds for every order, whatever is said of it.

use std::collections::BTreeMap;

use orderhub_order::catalogue::{FieldId, FieldType, catalogue};
use orderhub_order::derive::{Books, derive};
use orderhub_order::history::seal;
use orderhub_order::ids::{At, Collection, ElementId, OrderKey, SystemName};
use orderhub_order::model::{Order, State};
use orderhub_order::settle::{Turn, settle};
use orderhub_order::value::{Currency, Money, Reference, Value};
use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::world::World;

/// A statement: which of the places, which of its fields, what value.
type Said = (usize, usize, i64, u8);

const PLACES: [&str; 13] = [
    "",
    "lines[L1]",
    "lines[L2]",
    "lines[L3]",
    "payments[P1]",
    "fulfilments[F1]",
    "fulfilments[F1].lines[L1]",
    "fulfilments[F1].lines[L2]",
    "shipments[S1]",
    "shipments[S1].lines[L1]",
    "shipments[S2].lines[L2]",
    "returns[R1]",
    "returns[R1].lines[L1]",
];

fn reach(order: &mut Order, at: &At) {
    let mut place = At::ROOT;
    for (collection, id) in &at.0 {
        let next = place.with(*collection, id.clone());
        // Elements before it are made along the way; their ids rise from 1.
        for _ in 0..3 {
            if order.element(&next).is_none() {
                order.add(&place, *collection, Some(&ElementId::new(id.as_str())), None).unwrap();
            }
        }
        place = next;
    }
}

fn value(field: FieldId, number: i64, seed: u8) -> Option<Value> {
    let field = catalogue().field(field)?;
    let decimal = Decimal::new(number, u32::from(seed % 4));
    match field.ty {
        FieldType::Decimal => Some(Value::Decimal(decimal)),
        FieldType::Money => {
            let currency = Currency::parse(["EUR", "JPY", "KWD"][usize::from(seed) % 3])?;
            let amount = Decimal::new(number, currency.digits()?);
            Some(Value::Money(Money::new(amount, currency).ok()?))
        }
        FieldType::Enum(name) => {
            let values = catalogue().enum_values(name);
            Some(Value::text(values[usize::from(seed) % values.len()]))
        }
        FieldType::Boolean => Some(Value::Boolean(seed.is_multiple_of(2))),
        FieldType::Currency => Some(Value::text("EUR")),
        FieldType::Ref(_) => {
            seed.is_multiple_of(3).then(|| Value::Ref(Reference::Ours("F1".into())))
        }
        FieldType::Text
        | FieldType::Integer
        | FieldType::Timestamp
        | FieldType::Date
        | FieldType::Country
        | FieldType::Language
        | FieldType::Uom
        | FieldType::Address
        | FieldType::List
        | FieldType::Map => None,
    }
}

fn say(order: &mut Order, (place, choice, number, seed): Said) {
    let at = At::parse(PLACES[place % PLACES.len()]).unwrap();
    reach(order, &at);
    let given: Vec<FieldId> = catalogue()
        .fields_of(at.collection())
        .filter(|field| field.kind != orderhub_order::catalogue::Kind::Derived)
        .map(|field| field.id)
        .collect();
    let field = given[choice % given.len()];
    order.set(&at, field, value(field, number, seed));
}

fn new() -> State {
    let name = SystemName::new("shop");
    State::new(Order::new(OrderKey(7), "shop-1001".into(), name, "default".into()))
}

fn monies(order: &Order) -> BTreeMap<String, Money> {
    let mut all = BTreeMap::new();
    for collection in Collection::ALL {
        for place in PLACES.iter().filter_map(|place| At::parse(place)) {
            for (field, value) in order.record(&place).into_iter().flat_map(|record| record.iter())
            {
                let derived = catalogue().field(field).unwrap().kind;
                if place.collection() == collection
                    && derived != orderhub_order::catalogue::Kind::Derived
                    && let Some(Value::Money(money)) = value
                {
                    all.insert(place.path_of(field), money.clone());
                }
            }
        }
    }
    all
}

fn said() -> impl Strategy<Value = Vec<Vec<Said>>> {
    let one = (0_usize..64, 0_usize..64, -5_i64..40, any::<u8>());
    prop::collection::vec(prop::collection::vec(one, 0..10), 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn quantities_are_never_negative(turns in said()) {
        let names = ["shop", "erp", "wms", "tms"].map(str::to_owned);
        let world = World::of(&names);
        let mut state = new();
        for turn in turns {
            let before = state.order.clone();
            turn.into_iter().for_each(|one| say(&mut state.order, one));
            let turn = Turn { before: &before, by: None, now: jiff::Timestamp::UNIX_EPOCH };
            settle(&mut state, turn, &world.rules());
            seal(&before, &mut state.order);
            for (line, book) in &Books::of(&state.order).lines {
                let all = [
                    book.ordered, book.open, book.released, book.allocated, book.picked, book.packed,
                    book.short, book.covered, book.outside, book.shipped, book.delivered, book.returned,
                    book.unreleased(),
                ];
                prop_assert!(all.iter().all(|quantity| *quantity >= Decimal::ZERO), "{line}: {book:?}");
                let at = At::of(Collection::Lines, line.clone());
                for (field, value) in state.order.record(&at).unwrap().iter() {
                    let field = catalogue().field(field).unwrap();
                    if field.kind == orderhub_order::catalogue::Kind::Derived
                        && let Some(Value::Decimal(quantity)) = value
                    {
                        prop_assert!(*quantity >= Decimal::ZERO, "{}", field.path);
                    }
                }
            }
        }
    }

    #[test]
    fn money_never_changes_scale_or_currency(turns in said()) {
        let world = World::of(&["shop".to_owned(), "wms".to_owned()]);
        let mut state = new();
        for turn in turns {
            let before = state.order.clone();
            turn.into_iter().for_each(|one| say(&mut state.order, one));
            let given = monies(&state.order);
            let turn = Turn { before: &before, by: None, now: jiff::Timestamp::UNIX_EPOCH };
            settle(&mut state, turn, &world.rules());
            let kept = monies(&state.order);
            for (path, money) in given {
                let now = &kept[&path];
                prop_assert_eq!(now.currency, money.currency);
                prop_assert_eq!(now.amount.to_string(), money.amount.to_string());
            }
        }
    }

    #[test]
    fn deriving_twice_changes_nothing(turns in said()) {
        let world = World::of(&["shop".to_owned(), "erp".to_owned()]);
        let mut state = new();
        turns.into_iter().flatten().for_each(|one| say(&mut state.order, one));
        derive(&mut state, &world.rules(), jiff::Timestamp::UNIX_EPOCH);
        let once = state.order.clone();
        derive(&mut state, &world.rules(), jiff::Timestamp::UNIX_EPOCH);
        prop_assert_eq!(once, state.order);
    }
}
