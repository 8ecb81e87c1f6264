//! What one transaction over many units promises.

use orderhub::apply::{Unit, Word};
use orderhub::store::Scope;
use orderhub_order::catalogue::known;
use orderhub_order::contribution::Contribution;
use orderhub_order::ids::OrderKey;

use super::rules::POISON;
use super::{Factory, World, order_of, say, words};

pub(crate) async fn a_creation_race_in_one_batch_makes_one_order(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let first = world.message(vec![say::order("shop_eu", "1001", 1, "a")]);
    let second = world.message(vec![say::order("shop_eu", "1001", 2, "b")]);
    let outcomes = world.apply(vec![first, second]).await.unwrap();
    assert_eq!(words(&outcomes[1]), [Word::Applied]);
    let key = order_of(&outcomes[0]);
    assert_eq!(order_of(&outcomes[1]), key);
    assert_eq!(world.orders().await, 1);
    let head = world.store.state(&Scope::All, key).await.unwrap().unwrap().order.clone();
    assert_eq!(head.fields.text(known::order::NOTES_CUSTOMER), Some("b"));
    assert_eq!(world.store.changes(&Scope::All, key).await.unwrap().len(), 2);
}

pub(crate) async fn two_shops_with_one_number_are_two_orders(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let first = world.message(vec![say::order("shop_eu", "1001", 1, "a")]);
    let second = world.message(vec![say::order("shop_us", "1001", 1, "a")]);
    let outcomes = world.apply(vec![first, second]).await.unwrap();
    let keys: Vec<OrderKey> = outcomes.iter().map(order_of).collect();
    assert_eq!(world.store.find(&Scope::All, "1001").await.unwrap(), keys);
    assert_eq!(world.store.find(&Scope::All, "shop_eu-1001").await.unwrap(), [keys[0]]);
    assert_eq!(world.store.find(&Scope::All, &keys[1].shown()).await.unwrap(), [keys[1]]);
    assert!(world.store.find(&Scope::All, "1002").await.unwrap().is_empty());
}

pub(crate) async fn one_number_twice_in_a_shop_gives_two_references(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let mut other = say::order("shop_eu", "1001", 1, "a");
    other.key = "another id".into();
    let first = world.say(say::order("shop_eu", "1001", 1, "a")).await;
    let second = world.say(other).await;
    assert_ne!(order_of(&first), order_of(&second));
    let state = world.store.state(&Scope::All, order_of(&second)).await.unwrap().unwrap();
    assert!(state.order.reference.starts_with("shop_eu-1001-"), "{}", state.order.reference);
}

pub(crate) async fn a_message_of_several_documents_has_an_outcome_for_each(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let documents = ["1001", "1002", "1003"].map(|key| say::order("shop_eu", key, 1, "a"));
    let message = world.message(documents.to_vec());
    let outcome = world.one(message).await;
    assert_eq!(words(&outcome), [Word::Applied; 3]);
    assert_eq!(world.orders().await, 3);
}

pub(crate) async fn a_unit_that_fails_alone_hurts_no_neighbour(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let poisoned = world.say(say::order("shop_eu", "bad", 1, POISON)).await;
    assert_eq!(words(&poisoned), [Word::Applied]);
    let mut batch: Vec<Unit> = Vec::new();
    for number in 0..256 {
        let key = if number == 77 { "bad".to_owned() } else { format!("{number}") };
        batch.push(world.message(vec![say::order("shop_eu", &key, 2, "fine")]));
    }
    let outcomes = world.apply(batch).await.unwrap();
    for (number, outcome) in outcomes.iter().enumerate() {
        let expected = if number == 77 { Word::Todo } else { Word::Applied };
        assert_eq!(words(outcome), [expected], "unit {number}");
    }
    assert_eq!(world.causes().await, ["fault"]);
    assert_eq!(world.orders().await, 256);
    let raw = world.store.message(&Scope::All, outcomes[77].message.unwrap()).await.unwrap();
    assert_eq!(&raw.unwrap().envelope.body[..], b"body m79", "it is stored raw");
    assert_eq!(world.version(order_of(&poisoned)).await, 1);
}

/// Whatever the batches, the heads are those of one unit after the other.
pub(crate) async fn batches_change_nothing_but_the_speed(factory: &dyn Factory) {
    let said: Vec<Contribution> = (0..60)
        .map(|turn| {
            let key = (turn * 7 % 5).to_string();
            say::order("shop_eu", &key, turn, &format!("note {}", turn % 3))
        })
        .collect();
    let together = factory.another();
    let (mut one, mut many) = (World::new(factory).await, World::new(&*together).await);
    let mut batch = Vec::new();
    for said in said {
        let _outcome = one.say(said.clone()).await;
        batch.push(many.message(vec![said]));
    }
    many.apply(batch).await.unwrap();
    for key in 0..5 {
        let mut heads = Vec::new();
        for world in [&one, &many] {
            let keys = world.store.find(&Scope::All, &key.to_string()).await.unwrap();
            let mut head =
                world.store.state(&Scope::All, keys[0]).await.unwrap().unwrap().order.clone();
            // The moment of the first commit is the one thing that differs.
            head.fields.remove(known::order::RECEIVED_AT);
            heads.push((head.version, head.fields.clone(), head.collections.clone()));
        }
        assert_eq!(heads[0], heads[1]);
    }
}

/// Orders that stand alone in a batch beside such that do not: made, changed, named by others, twice.
pub(crate) async fn what_is_folded_ahead_changes_nothing_but_the_speed(factory: &dyn Factory) {
    let said = |turn: i64| {
        let key = (turn * 37 % 90).to_string();
        match turn % 9 {
            4 => say::shipment(&format!("P{turn}"), say::at_shop(&(turn * 13 % 90).to_string())),
            7 => say::payment(&format!("T{turn}"), &key),
            _ => say::order("shop_eu", &key, turn, &format!("note {turn}")),
        }
    };
    let together = factory.another();
    let (mut one, mut many) = (World::new(factory).await, World::new(&*together).await);
    for batch in [0..80, 80..200] {
        let mut units = Vec::new();
        let mut expected = Vec::new();
        for turn in batch {
            expected.push(words(&one.say(said(turn)).await));
            units.push(many.message(vec![said(turn)]));
        }
        let outcomes = many.apply(units).await.unwrap();
        let found: Vec<_> = outcomes.iter().map(words).collect();
        assert_eq!(found, expected);
    }
    for key in 0..90 {
        let mut heads = Vec::new();
        for world in [&one, &many] {
            let keys = world.store.find(&Scope::All, &key.to_string()).await.unwrap();
            let Some(key) = keys.first() else { continue };
            let state = world.store.state(&Scope::All, *key).await.unwrap().unwrap();
            let mut fields = state.order.fields.clone();
            // The moment of the first commit is the one thing that differs.
            fields.remove(known::order::RECEIVED_AT);
            let wants: Vec<_> = state.lanes.values().map(|lane| lane.wants.clone()).collect();
            heads.push((state.order.version, fields, state.order.collections.clone(), wants));
        }
        assert_eq!(heads.first(), heads.get(1), "order {key}");
    }
    assert_eq!(one.causes().await, many.causes().await);
}
