//! What finds orders, and their lines as rows: how both follow what orders say, and how they are made anew.

use orderhub::store::{Filter, Part, Reach, Scope};
use orderhub_order::catalogue::{FieldId, known};
use orderhub_order::contribution::{
    CollectionStatement, Contribution, ElementStatement, ParentReference, Revision,
};
use orderhub_order::ids::{Collection, Entity, OrderKey, SystemName};
use orderhub_order::value::{Address, Currency, Money, Value};

use super::{Factory, World, order_of, say};

/// Sets fields of a document.
fn set(said: &mut ElementStatement, values: Vec<(FieldId, Value)>) {
    said.fields.retain(|(field, _)| !values.iter().any(|(other, _)| field == other));
    said.fields.extend(values.into_iter().map(|(field, value)| (field, Some(value))));
    said.fields.sort_by_key(|(field, _)| *field);
}

fn text(field: FieldId, text: &str) -> (FieldId, Value) {
    (field, Value::text(text))
}

/// An order of a person.
pub(crate) fn order(key: &str, revision: i64, number: &str, person: (&str, &str)) -> Contribution {
    let mut said = say::order("shop_eu", key, revision, "a");
    let address = Address {
        name: Some(person.0.into()),
        postal_code: Some("80331".into()),
        phone: Some("+49 (0)89 1234567".into()),
        ..Address::default()
    };
    set(
        &mut said.body,
        vec![
            text(known::order::ORDER_NO, number),
            text(known::order::CUSTOMER_NAME, person.0),
            text(known::order::CUSTOMER_EMAIL, person.1),
            text(known::order::CURRENCY, "EUR"),
            (known::order::ADDRESSES_SHIP_TO, Value::Address(address.into())),
        ],
    );
    said
}

/// All elements of a collection, as the system knows them now: key, and one field.
pub(crate) fn elements(
    collection: Collection,
    all: &[(&str, FieldId, Value)],
) -> CollectionStatement {
    let element = |(key, field, value): &(&str, FieldId, Value)| ElementStatement {
        key: Some((*key).into()),
        adds: true,
        fields: vec![(*field, Some(value.clone()))],
        ..ElementStatement::default()
    };
    let elements = all.iter().map(element).collect();
    CollectionStatement { collection, complete: true, elements }
}

async fn found(world: &World, q: &str, reach: Reach) -> Vec<OrderKey> {
    let filter = Filter { q: Some(q.to_owned()), reach, limit: 500, ..Filter::default() };
    let page = world.store.list(&Scope::All, &filter).await.unwrap();
    assert!(page.next.is_none());
    page.items.iter().map(|order| order.key).collect()
}

async fn people(world: &World, q: &str) -> Vec<OrderKey> {
    found(world, q, Reach::People).await
}

pub(crate) async fn what_finds_an_order_follows_it(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let tracking = |number: &str| {
        let value = Value::text(number);
        vec![elements(Collection::Shipments, &[("S-9", known::shipment::TRACKING_NO, value)])]
    };
    let mut first = order("4711", 1, "#1001", ("Anna Müller-Lüdenscheid", "anna@example.com"));
    first.body.collections = tracking("1Z 999 AA1");
    let key = order_of(&world.say(first).await);
    let both = [
        "shop_eu-1001",
        "SHOP_EU-10",
        "#1001",
        "4711",
        "S-9",
        "1z999aa1",
        "1Z 999 AA1",
        "shop_eu-1001-S1",
    ];
    for q in both {
        assert_eq!(found(&world, q, Reach::Identifiers).await, [key], "{q}");
        assert_eq!(people(&world, q).await, [key], "{q}");
    }
    let before = [
        "anna@example.com",
        "Anna",
        "müller",
        "MÜLLER-LÜDENSCHEID anna",
        "089 1234567",
        "+49 89 1234567",
        "80331 1001",
    ];
    for q in before {
        assert_eq!(people(&world, q).await, [key], "{q}");
        assert!(found(&world, q, Reach::Identifiers).await.is_empty(), "{q}");
    }
    // A beginning of what is personal finds nothing, and every word counts.
    for q in ["ann", "ann*", "anna@", "anna 1002", "1001 nobody", "10_1", "10%", "*1001"] {
        assert!(people(&world, q).await.is_empty(), "{q}");
    }

    let mut second = order("4711", 2, "#2002", ("王小明", "wang@example.com"));
    second.body.collections = tracking("77");
    world.say(second).await;
    for q in ["2002", "王小明", "wang@example.com", "77", "８０３３１"] {
        assert_eq!(people(&world, q).await, [key], "{q}");
    }
    for q in ["#1001", "1z999aa1", "anna", "anna@example.com", "müller"] {
        let left = people(&world, q).await;
        assert!(left.is_empty(), "{q} still finds it");
    }
    let mut third = order("4711", 3, "#2002", ("王小明", "wang@example.com"));
    third.body.collections = vec![elements(Collection::Shipments, &[])];
    world.say(third).await;
    for q in ["77", "S-9"] {
        assert!(people(&world, q).await.is_empty(), "{q}: its shipment is gone");
    }
    assert_eq!(people(&world, "4711 2002 王小明").await, [key]);
    let world = world.reopen(factory).await;
    assert_eq!(people(&world, "wang@example.com").await, [key], "under the same key");
    assert_eq!(world.store.find(&Scope::All, "#2002").await.unwrap(), [key]);
}

/// An invoice of the ERP for the order of a reference.
fn invoice(key: &str, revision: i64, number: &str, reference: &str) -> Contribution {
    Contribution {
        system: SystemName::new("erp"),
        document: "invoice".into(),
        entity: Entity::Invoice,
        parents: vec![ParentReference::Ref(reference.into())],
        revision: Some(Revision::Integer(revision)),
        body: ElementStatement {
            adds: true,
            fields: vec![(known::invoice::NO, Some(Value::text(number)))],
            ..ElementStatement::default()
        },
        ..say::payment(key, "")
    }
}

/// Numbers of invoices and parcels are picked by others: they may be what another order is called.
pub(crate) async fn a_number_names_an_order_and_no_invoice_or_parcel_of_another(
    factory: &dyn Factory,
) {
    let mut world = World::new(factory).await;
    let named = order_of(&world.say(order("1", 1, "#1001", ("Anna", "anna@example.com"))).await);
    let mut other = order("2", 1, "#1002", ("Bert", "bert@example.com"));
    let tracking = [("77", known::shipment::TRACKING_NO, Value::text("shop_eu-1001"))];
    other.body.collections = vec![elements(Collection::Shipments, &tracking)];
    other.body.xrefs = vec![("checkout".into(), "C-1".into()), ("invoice".into(), "1004".into())];
    let other = order_of(&world.say(other).await);
    assert_eq!(order_of(&world.say(invoice("1", 1, "1001", "shop_eu-1002")).await), other);
    // An invoice of an order may have the order's own number.
    let same = order_of(&world.say(order("3", 1, "#1003", ("Cem", "cem@example.com"))).await);
    assert_eq!(order_of(&world.say(invoice("9", 1, "1003", "shop_eu-1003")).await), same);
    let find = async |world: &World, word: &str| world.store.find(&Scope::All, word).await.unwrap();
    let one: [(&str, &[OrderKey]); 10] = [
        ("C-1", &[other]),
        ("1004", &[]),
        ("#1001", &[named]),
        ("SHOP_EU-1001", &[named]),
        ("1", &[named]),
        ("1002", &[other]),
        ("1003", &[same]),
        ("77", &[]),
        ("9", &[]),
        ("shop_eu-1002-s1", &[]),
    ];
    for (word, orders) in one {
        assert_eq!(find(&world, word).await, orders, "{word}");
    }
    let all: [(&str, &[OrderKey]); 8] = [
        ("C-1", &[other]),
        ("1004", &[other]),
        ("1001", &[other, named]),
        ("shop_eu-1001", &[other, named]),
        ("1", &[other, named]),
        ("77", &[other]),
        ("1003", &[same]),
        ("shop_eu-1001-s1", &[named]),
    ];
    for (q, orders) in all {
        assert_eq!(found(&world, q, Reach::Identifiers).await, orders, "{q}");
    }
    // What was the order's number is its invoice's only, and the other way round.
    for (revision, number, said) in [(2, "#2003", "1003"), (3, "#1003", "2003")] {
        world.say(order("3", revision, number, ("Cem", "cem@example.com"))).await;
        world.say(invoice("9", revision, said, "shop_eu-1003")).await;
        assert_eq!(find(&world, number).await, [same], "{number}");
        assert!(find(&world, said).await.is_empty(), "{said}");
        for q in [number, said] {
            assert_eq!(found(&world, q, Reach::Identifiers).await, [same], "{q}");
        }
    }
}

/// More orders have the number than are told apart.
pub(crate) async fn a_number_of_many_orders_finds_the_newest_that_are_seen(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let mut keys = Vec::new();
    for turn in 0..78 {
        let (shop, unit) = if turn < 52 { ("shop_us", "south") } else { ("shop_eu", "north") };
        let mut said = order(&format!("id-{turn}"), 1, "#1001", ("Anna", "anna@example.com"));
        said.system = SystemName::new(shop);
        set(&mut said.body, vec![text(known::order::BUSINESS_UNIT, unit)]);
        keys.insert(0, order_of(&world.say(said).await));
    }
    let part = |part: Part| Scope::Part(part.into());
    let systems = Some([SystemName::new("shop_us")].into());
    let units = |unit: &str| Some([unit.to_owned()].into());
    let cases: [(Scope, &[OrderKey]); 4] = [
        (Scope::All, &keys[..50]),
        (part(Part { systems, ..Part::default() }), &keys[26..76]),
        (part(Part { units: units("south"), ..Part::default() }), &keys[26..76]),
        (part(Part { units: units("west"), ..Part::default() }), &[]),
    ];
    for (scope, orders) in cases {
        assert_eq!(world.store.find(&scope, "1001").await.unwrap(), orders, "{scope:?}");
    }
}

pub(crate) async fn personal_values_lie_in_no_table_of_the_search(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    world.say(order("4711", 1, "#1001", ("Anna Müller", "anna@example.com"))).await;
    let words = factory.bytes("SELECT CAST(word AS BLOB) FROM search_words").await;
    let words: Vec<String> =
        words.into_iter().map(|word| String::from_utf8(word).unwrap()).collect();
    assert!(words.contains(&"1001\t".to_owned()), "{words:?}");
    for personal in ["anna", "müller", "example", "1234567", "80331"] {
        assert!(!words.iter().any(|word| word.contains(personal)), "{words:?}");
    }
    let names = factory.bytes("SELECT CAST(name AS BLOB) FROM meta").await;
    assert!(names.contains(&b"search_check".to_vec()));
}

/// Words of orders that are not there, so that a beginning finds more than are looked at one by one.
const COMMON: &str =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4200)
    INSERT INTO search_words (word, k) SELECT 'shop_eu-' || i || 'y', 1000000 + i FROM n";

pub(crate) async fn pages_of_what_is_found_follow_each_other(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let mut keys = Vec::new();
    for number in 1..=5 {
        let number = number.to_string();
        let said = order(&number, 1, &format!("no-{number}"), ("Anna", "anna@example.com"));
        keys.insert(0, order_of(&world.say(said).await));
    }
    world.say(order("6", 1, "other", ("Bert", "bert@example.com"))).await;
    for common in [false, true] {
        if common {
            factory.sql(COMMON).await;
        }
        for q in ["shop_eu-no anna", "shop_eu-n", "anna@example.com shop*"] {
            let (mut gathered, mut cursor) = (Vec::new(), None);
            loop {
                let q = Some(q.to_owned());
                let filter =
                    Filter { q, reach: Reach::People, limit: 2, cursor, ..Filter::default() };
                let page = world.store.list(&Scope::All, &filter).await.unwrap();
                gathered.extend(page.items.iter().map(|order| order.key));
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
            assert_eq!(gathered, keys, "{q}, common: {common}");
        }
    }
}

/// As a store is that a program filled which knew less.
const FORMER: &str = "DELETE FROM search_words; DELETE FROM search_hashes; DELETE FROM order_lines;
    INSERT INTO search_words (word, k) VALUES ('stale', 1);
    UPDATE meta SET value = '0' WHERE name = 'search_version'";

pub(crate) async fn what_was_there_before_is_found_when_the_job_is_done(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let mut keys = Vec::new();
    for number in 1..=5 {
        let mut said =
            order(&number.to_string(), 1, &format!("no-{number}"), ("Anna", "anna@example.com"));
        said.body.collections = lines(&[("a", "MUG")]);
        keys.push(order_of(&world.say(said).await));
    }
    let rows = factory.bytes(LINES).await;
    assert_eq!(rows.len(), 5);
    factory.sql(FORMER).await;
    let mut world = world.reopen(factory).await;
    assert!(world.store.is_indexing().await.unwrap());
    // Both an order that is yet to be done, and a new one, are written meanwhile.
    let changed = order("5", 2, "no-5b", ("Anna", "new@example.com"));
    world.say(changed).await;
    let mut steps = 0;
    while world.store.index_more(2).await.unwrap() {
        steps += 1;
        if steps == 1 {
            let said = order("6", 1, "no-6", ("Anna", "anna@example.com"));
            keys.push(order_of(&world.say(said).await));
        }
        assert!(steps < 10);
    }
    assert!(steps >= 2 && !world.store.is_indexing().await.unwrap());
    keys.reverse();
    assert_eq!(people(&world, "no-").await, keys);
    assert_eq!(people(&world, "anna").await, keys);
    assert_eq!(people(&world, "new@example.com").await, [keys[1]]);
    for q in ["anna@example.com no-5b", "stale"] {
        assert!(people(&world, q).await.is_empty(), "{q}");
    }
    assert!(people(&world, "no-5 anna@example.com").await.is_empty());
    assert_eq!(factory.bytes(LINES).await, rows, "lines likewise");
}

const LINES: &str = "SELECT CAST(order_key || ' ' || line || ' ' || coalesce(sku, '-') || ' '
    || coalesce(CAST(unit_price AS TEXT), '-') || ' ' || coalesce(currency, '-') || ' '
    || coalesce(CAST(qty_ordered AS TEXT), '-') || ' '
    || CASE WHEN removed THEN 'removed' ELSE 'there' END AS BLOB) FROM v1_lines ORDER BY order_key, line";

fn lines(all: &[(&str, &str)]) -> Vec<CollectionStatement> {
    let all: Vec<_> =
        all.iter().map(|(key, sku)| (*key, known::line::SKU, Value::text(*sku))).collect();
    vec![elements(Collection::Lines, &all)]
}

/// An order of one line.
pub(crate) fn of_one_line(key: &str) -> Contribution {
    let mut said = order(key, 1, key, ("Anna", "anna@example.com"));
    said.body.collections = lines(&[("a", "MUG")]);
    let amount =
        Money::with_digits("0.100001".parse().unwrap(), Currency::parse("EUR").unwrap(), 6);
    said.body.collections[0].elements[0].fields.extend([
        (known::line::UNIT_PRICE, Some(Value::Money(amount.unwrap()))),
        (known::line::QTY_ORDERED, Some(Value::Decimal("2.50".parse().unwrap()))),
    ]);
    said
}

pub(crate) async fn lines_are_rows_that_follow_their_order(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let rows = async || {
        let rows = factory.bytes(LINES).await;
        rows.into_iter().map(|row| String::from_utf8(row).unwrap()).collect::<Vec<_>>()
    };
    let mut said = of_one_line("1");
    said.body.collections[0].elements.extend(lines(&[("b", "CUP")])[0].elements.clone());
    let key = order_of(&world.say(said).await).0;
    assert_eq!(
        rows().await,
        [format!("{key} L1 MUG 0.100001 EUR 2.5 there"), format!("{key} L2 CUP - EUR - there")]
    );
    let mut said = order("1", 2, "no-1", ("Anna", "anna@example.com"));
    said.body.collections = lines(&[("b", "CUP"), ("c", "PAN")]);
    world.say(said).await;
    assert_eq!(
        rows().await,
        [
            format!("{key} L1 MUG 0.100001 EUR 2.5 removed"),
            format!("{key} L2 CUP - EUR - there"),
            format!("{key} L3 PAN - EUR - there"),
        ]
    );
}
