//! Versions, deltas, keyframes and the chain.

use orderhub::apply::{OrderUnit, Unit, Word};
use orderhub::store::Scope;
use orderhub_order::catalogue::known;
use orderhub_order::contribution::{CollectionStatement, ElementStatement, ParentReference};
use orderhub_order::fold::{Act, Facts, PersonAct};
use orderhub_order::ids::{At, Collection};
use orderhub_order::lane::Facet;
use orderhub_order::model::State;
use orderhub_order::value::Value;

use super::{Factory, World, order_of, say};

pub(crate) async fn every_version_shows_as_it_was(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let (mut heads, mut key) = (Vec::new(), None);
    // Beyond two keyframes by number, and one by size.
    for turn in 0..120_i64 {
        let long = if turn % 40 == 0 { "x".repeat(30_000) } else { String::new() };
        let outcome =
            world.say(say::order("shop_eu", "1001", turn, &format!("{turn} {long}"))).await;
        let known = *key.get_or_insert(order_of(&outcome));
        heads.push(world.store.state(&Scope::All, known).await.unwrap().unwrap().order.clone());
    }
    let key = key.unwrap();
    assert_eq!(heads.last().unwrap().version, 120);
    let world = world.reopen(factory).await;
    for head in &heads {
        let at = world.store.at(&Scope::All, key, head.version).await.unwrap().unwrap();
        assert_eq!(at, **head, "version {}", head.version);
    }
    assert!(world.store.at(&Scope::All, key, 0).await.unwrap().is_none());
    assert!(world.store.at(&Scope::All, key, 121).await.unwrap().is_none());
}

pub(crate) async fn each_change_says_who_and_what(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let first = world.say(say::order("shop_eu", "1001", 1, "a")).await;
    let second = world.say(say::order("shop_eu", "1001", 2, "b")).await;
    let changes = world.store.changes(&Scope::All, order_of(&first)).await.unwrap();
    let row = &changes[1];
    assert_eq!((row.version, row.actor.as_str()), (2, "system:shop_eu"));
    assert_eq!(row.cause, format!("message:{}", second.message.unwrap()));
    assert_eq!((row.bundle.as_str(), row.at), ("test", world.now));
    assert!(row.touched.contains(known::order::NOTES_CUSTOMER));
    assert!(!row.touched.contains(known::order::ORDER_NO));
    assert!(row.delta.windows(8).all(|part| part != b"A person"), "personal values lie apart");
}

pub(crate) async fn a_change_by_a_person_keeps_the_reason(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let key = order_of(&world.say(say::order("shop_eu", "1001", 1, "a")).await);
    let note = Some(Value::text("call first"));
    let edit =
        PersonAct::Edit { seen: 1, values: vec![(At::ROOT, known::order::NOTES_INTERNAL, note)] };
    let facts = Facts {
        actor: "person:ann".into(),
        cause: "api".into(),
        reason: Some("the customer called".into()),
        ..Facts::default()
    };
    let unit = OrderUnit { key, act: Act::Person(edit), facts, receipt: None };
    let _edited = world.one(Unit::Order(Box::new(unit))).await;
    let world = world.reopen(factory).await;
    let changes = world.store.changes(&Scope::All, key).await.unwrap();
    let said: Vec<_> =
        changes.iter().map(|row| (row.actor.as_str(), row.reason.as_deref())).collect();
    assert_eq!(said, [("system:shop_eu", None), ("person:ann", Some("the customer called"))]);
}

pub(crate) async fn what_is_read_back_is_what_was_folded(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let mut said = say::order("shop_eu", "1001", 1, "a");
    // Null is not absent, and agreed is not never stated.
    said.body.fields.iter_mut().for_each(|(field, value)| {
        if *field == known::order::CUSTOMER_NAME {
            *value = None;
        }
    });
    let key = order_of(&world.say(said).await);
    let _second = world.say(say::order("shop_eu", "1001", 2, "b")).await;
    let before = world.store.state(&Scope::All, key).await.unwrap().unwrap();
    let world = world.reopen(factory).await;
    let after = world.store.state(&Scope::All, key).await.unwrap().unwrap();
    assert_eq!(after.order, before.order);
    assert_eq!(after.lanes, before.lanes);
}

/// A lane is stored beside the head: what the head no longer has must still stand in it.
pub(crate) async fn what_a_system_said_stays_when_the_order_changes(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let key = order_of(&world.say(say::order("shop_eu", "1001", 1, "a")).await);
    let name = Some(Value::text("Another person"));
    let values = vec![(At::ROOT, known::order::CUSTOMER_NAME, name.clone())];
    let edit = Act::Person(PersonAct::Edit { seen: 1, values });
    let edited = world.one(World::act(key, edit)).await;
    assert_eq!(super::words(&edited), [Word::Applied]);
    let before = world.store.state(&Scope::All, key).await.unwrap().unwrap();
    assert_eq!(before.order.fields.get(known::order::CUSTOMER_NAME), Some(&name));
    let world = world.reopen(factory).await;
    let after = world.store.state(&Scope::All, key).await.unwrap().unwrap();
    let said = |state: &State| {
        let lane = state.lanes.get("shop_eu").unwrap();
        let facet = Facet::Field(known::order::CUSTOMER_NAME);
        lane.fields.get(&At::ROOT, &facet).unwrap().stated.clone().unwrap().0
    };
    assert_eq!(said(&after), said(&before));
    assert_ne!(said(&after), name);
    assert_eq!(after.lanes, before.lanes);
}

/// The same of a system that has nothing to do with the change.
pub(crate) async fn what_a_bystander_said_stays_when_the_order_changes(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let key = order_of(&world.say(say::order("shop_eu", "1001", 1, "a")).await);
    let mut copy = say::order("shop_us", "7", 1, "a");
    copy.creates = false;
    copy.parents = vec![ParentReference::Ref("shop_eu-1001".into())];
    assert_eq!(order_of(&world.say(copy).await), key);
    let changed = world.say(say::order("shop_eu", "1001", 2, "b")).await;
    assert_eq!(super::words(&changed), [Word::Applied]);
    let before = world.store.state(&Scope::All, key).await.unwrap().unwrap();
    let lane = before.lanes.get("shop_us").unwrap();
    let note = lane.fields.get(&At::ROOT, &Facet::Field(known::order::NOTES_CUSTOMER)).unwrap();
    assert_eq!(note.stated.clone().unwrap().0, Some(Value::text("a")));
    let world = world.reopen(factory).await;
    let after = world.store.state(&Scope::All, key).await.unwrap().unwrap();
    assert_eq!(after.lanes, before.lanes);
}

/// A line goes and comes back without a field that a bystander had said of it, too.
pub(crate) async fn what_a_bystander_said_of_a_line_stays_when_it_comes_back_otherwise(
    factory: &dyn Factory,
) {
    let mut world = World::new(factory).await;
    let text = |text: &str| Some(Value::text(text));
    let (sku, name) = (known::line::SKU, known::line::NAME);
    let with = |shop, key: &str, revision, complete, elements| {
        let mut said = say::order(shop, key, revision, "a");
        let collection = Collection::Lines;
        said.body.collections = vec![CollectionStatement { collection, complete, elements }];
        said
    };
    let line = |key: &str, fields| ElementStatement {
        key: Some(key.into()),
        adds: true,
        fields,
        ..ElementStatement::default()
    };
    let both = vec![(sku, text("A")), (name, text("Lamp"))];
    let first = world.say(with("shop_eu", "1001", 1, true, vec![line("1", both)])).await;
    let key = order_of(&first);
    let known = ElementStatement {
        ours: Some("L1".into()),
        fields: vec![(name, text("Lamp"))],
        ..ElementStatement::default()
    };
    let mut copy = with("shop_us", "7", 1, false, vec![known]);
    copy.creates = false;
    copy.parents = vec![ParentReference::Ref("shop_eu-1001".into())];
    assert_eq!(super::words(&world.say(copy).await), [Word::Applied]);
    let gone = with("shop_eu", "1001", 2, true, Vec::new());
    let back = with("shop_eu", "1001", 3, true, vec![line("1", vec![(sku, text("A"))])]);
    for said in [gone, back] {
        assert_eq!(super::words(&world.say(said).await), [Word::Applied]);
    }
    let before = world.store.state(&Scope::All, key).await.unwrap().unwrap();
    let place = At::parse("lines[L1]").unwrap();
    assert_eq!(before.order.record(&place).unwrap().get(name), None, "it went with the line");
    let lane = before.lanes.get("shop_us").unwrap();
    assert!(lane.fields.get(&place, &Facet::Field(name)).is_some());
    let world = world.reopen(factory).await;
    let after = world.store.state(&Scope::All, key).await.unwrap().unwrap();
    assert_eq!(after.lanes, before.lanes);
}
