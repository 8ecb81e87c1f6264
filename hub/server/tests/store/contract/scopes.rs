//! What who asks may see: the same answers as from a store that holds nothing else.

use std::collections::BTreeSet;
use std::sync::Arc;

use orderhub::apply::Unit;
use orderhub::store::{AttemptFilter, Filter, Part, ReceiptRow, Scope, TodoFilter};
use orderhub_mapping::{MapError, Mapped};
use orderhub_order::catalogue::known;
use orderhub_order::fold::Act;
use orderhub_order::ids::{OrderKey, SystemName};
use orderhub_order::value::Value;

use super::{Factory, World, attempt, order_of, say, unit};

const PENDING: &[(orderhub_order::catalogue::FieldId, &[&str])] =
    &[(known::order::STATE_PAYMENT, &["pending", "authorized"])];

fn part(part: Part) -> Scope {
    Scope::Part(Arc::new(part))
}

fn systems(names: &[&str]) -> Option<BTreeSet<SystemName>> {
    Some(names.iter().map(|name| SystemName::new(*name)).collect())
}

/// An order with an attempt, and a todo of its own.
async fn order(world: &mut World, shop: &str, unit: &str, payment: &str) -> OrderKey {
    let mut said = say::order(shop, "1", 1, "a");
    said.body.fields.retain(|(field, _)| *field != known::order::STATE_PAYMENT);
    said.body.fields.push((known::order::STATE_PAYMENT, Some(Value::text(payment))));
    said.body.fields.push((known::order::BUSINESS_UNIT, Some(Value::text(unit))));
    said.body.fields.sort_by_key(|(field, _)| *field);
    let key = order_of(&world.say(said).await);
    let mut act = World::act(key, Act::Tick);
    if let Unit::Order(unit) = &mut act {
        unit.receipt = Some(ReceiptRow { ..attempt(world.now) });
    }
    let _ticked = world.one(act).await;
    key
}

/// A message that cannot be mapped: a todo of no order. Answers the message.
async fn parked(world: &mut World, shop: &str) -> i64 {
    let error = MapError {
        cause: "malformed",
        rule: None,
        place: None,
        path: String::new(),
        why: "no document".to_owned(),
        key: None,
        digest: None,
        lacks: Default::default(),
    };
    let mut parked = unit(world.now, Some(shop), "{", vec![Mapped::Failed(error)]);
    parked.envelope.system = SystemName::new(shop);
    world.one(Unit::Message(Box::new(parked))).await.message.unwrap()
}

pub(crate) async fn what_lies_outside_of_a_scope_is_not_there(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let eu = order(&mut world, "shop_eu", "north", "captured").await;
    let us = order(&mut world, "shop_us", "south", "pending").await;
    let (of_eu, of_us) = (parked(&mut world, "shop_eu").await, parked(&mut world, "shop_us").await);
    let cases = [
        (Scope::All, vec![us, eu], vec![of_eu, of_us]),
        (
            part(Part {
                systems: systems(&["shop_eu"]),
                heard: systems(&["shop_eu"]),
                ..Part::default()
            }),
            vec![eu],
            vec![of_eu],
        ),
        (
            part(Part {
                units: Some(["south".to_owned()].into()),
                heard: systems(&["shop_us", "erp"]),
                ..Part::default()
            }),
            vec![us],
            vec![of_us],
        ),
        (part(Part { rows: PENDING, heard: systems(&[]), ..Part::default() }), vec![us], vec![]),
        (
            part(Part { systems: systems(&[]), heard: systems(&[]), ..Part::default() }),
            vec![],
            vec![],
        ),
    ];
    for (scope, orders, messages) in cases {
        sees(&world, &scope, &orders, &[eu, us]).await;
        for message in [of_eu, of_us] {
            let found = world.store.message(&scope, message).await.unwrap();
            assert_eq!(found.is_some(), messages.contains(&message), "{scope:?} {message}");
        }
        let filter = TodoFilter { limit: 1, ..TodoFilter::default() };
        let (mut found, mut filter) = (Vec::new(), filter);
        loop {
            let page = world.store.todos(&scope, &filter).await.unwrap();
            found.extend(page.items.into_iter().map(|row| row.message.unwrap()));
            let Some(next) = page.next else { break };
            filter.cursor = Some(next);
        }
        found.sort_unstable();
        assert_eq!(found, messages, "{scope:?}");
        for row in world.todos().await {
            let seen = world.store.todo(&scope, row.id).await.unwrap().is_some();
            assert_eq!(seen, messages.contains(&row.message.unwrap()), "{scope:?}");
        }
        let counted: u64 =
            world.store.todo_counts(&scope).await.unwrap().iter().map(|count| count.open).sum();
        assert_eq!(counted, messages.len() as u64, "{scope:?}");
    }
}

/// Every read of orders speaks of `orders` and of no other of `all`.
async fn sees(world: &World, scope: &Scope, orders: &[OrderKey], all: &[OrderKey]) {
    let store = &world.store;
    let filter = Filter { limit: 500, ..Filter::default() };
    let listed = store.list(scope, &filter).await.unwrap().items;
    let listed: Vec<_> = listed.iter().map(|order| order.key).collect();
    assert_eq!(listed, orders, "{scope:?}");
    let found = store.find(scope, "1").await.unwrap();
    assert_eq!(found, orders, "{scope:?}");
    let filter = AttemptFilter { limit: 500, ..AttemptFilter::default() };
    let tried = store.attempts(scope, &filter).await.unwrap().items;
    let tried: Vec<_> = tried.iter().map(|row| row.order).collect();
    assert_eq!(tried, orders, "{scope:?}");
    for key in all {
        let seen = orders.contains(key);
        assert_eq!(store.state(scope, *key).await.unwrap().is_some(), seen, "{scope:?} {key:?}");
        assert_eq!(store.at(scope, *key, 1).await.unwrap().is_some(), seen, "{scope:?} {key:?}");
        assert_eq!(
            !store.changes(scope, *key).await.unwrap().is_empty(),
            seen,
            "{scope:?} {key:?}"
        );
        assert_eq!(
            !store.receipts(scope, *key).await.unwrap().is_empty(),
            seen,
            "{scope:?} {key:?}"
        );
        let found = store.find(scope, &key.shown()).await.unwrap();
        assert_eq!(found.contains(key), seen, "{scope:?} {key:?}");
    }
}
