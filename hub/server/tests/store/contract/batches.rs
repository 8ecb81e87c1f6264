//! What one transaction over many units promises.

use std::sync::Arc;

use orderhub::apply::{Unit, UnitOutcome, Word};
use orderhub::store::{Batch, Scope};
use orderhub_order::catalogue::known;
use orderhub_order::contribution::{Contribution, Revision};
use orderhub_order::ids::OrderKey;
use orderhub_order::lane::Want;

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
    let newest_first = [keys[1], keys[0]];
    assert_eq!(world.store.find(&Scope::All, "1001").await.unwrap(), newest_first);
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
fn mixed(turn: i64) -> Contribution {
    let key = (turn * 37 % 90).to_string();
    match turn % 9 {
        4 => say::shipment(&format!("P{turn}"), say::at_shop(&(turn * 13 % 90).to_string())),
        7 => say::payment(&format!("T{turn}"), &key),
        _ => say::order("shop_eu", &key, turn, &format!("note {turn}")),
    }
}

pub(crate) async fn what_is_folded_ahead_changes_nothing_but_the_speed(factory: &dyn Factory) {
    let together = factory.another();
    let (mut one, mut many) = (World::new(factory).await, World::new(&*together).await);
    for batch in [0..80, 80..200] {
        let mut units = Vec::new();
        let mut expected = Vec::new();
        for turn in batch {
            expected.push(words(&one.say(mixed(turn)).await));
            units.push(many.message(vec![mixed(turn)]));
        }
        let outcomes = many.apply(units).await.unwrap();
        let found: Vec<_> = outcomes.iter().map(words).collect();
        assert_eq!(found, expected);
    }
    the_same(&one, &many).await;
    assert_eq!(one.causes().await, many.causes().await);
}

/// Each batch is prepared before the one before it is committed: with numbers that are yet to be given, and
/// on orders that are about to change where both are of one group. Every batch speaks of each order of its
/// group once, so that each stands alone.
pub(crate) async fn what_is_folded_before_its_turn_changes_nothing(factory: &dyn Factory) {
    let groups = [0, 1, 0, 1, 1, 0, 0];
    let said = |turn: i64| {
        let group = groups[usize::try_from(turn / 40).unwrap()];
        let key = (group * 100 + turn % 40).to_string();
        match turn % 7 {
            3 if turn >= 80 => say::payment(&format!("T{turn}"), &key),
            _ => say::order("shop_eu", &key, turn, &format!("note {turn}")),
        }
    };
    let together = factory.another();
    let (mut one, mut many) = (World::new(factory).await, World::new(&*together).await);
    let mut before: Option<(Batch, Vec<i64>)> = None;
    for batch in
        (0..280_i64).collect::<Vec<_>>().chunks(40).map(<[i64]>::to_vec).chain([Vec::new()])
    {
        let units = batch.iter().map(|turn| many.message(vec![said(*turn)])).collect();
        many.later(1);
        let units = Batch::new(units, Arc::clone(&many.bundle), many.now);
        let mut prepared = many.store.prepare(units).await.unwrap();
        if let Some((before, turns)) = before.take() {
            let outcomes = many.store.commit(before).await.unwrap();
            for (turn, outcome) in turns.into_iter().zip(outcomes) {
                let outcome = outcome.unwrap();
                assert_eq!(words(&one.say(said(turn)).await), words(&outcome), "turn {turn}");
                numbered(&many, &outcome, turn).await;
            }
        }
        // What is taken out gives its number to what is behind it.
        let stays = |turn: i64| !matches!(turn, 2 | 81 | 95 | 201);
        prepared.keep(|place| stays(batch[place]));
        before = Some((prepared, batch.into_iter().filter(|turn| stays(*turn)).collect()));
    }
    the_same(&one, &many).await;
    let many = many.reopen(&*together).await;
    the_same(&one, &many).await;
    assert_eq!(one.causes().await, many.causes().await);
}

/// A payment carries no revision: the number of its message counts as one.
async fn numbered(world: &World, outcome: &UnitOutcome, turn: i64) {
    let state = world.store.state(&Scope::All, order_of(outcome)).await.unwrap().unwrap();
    let documents = &state.lanes.get("shop_eu").unwrap().documents;
    let payment = documents.iter().find(|(name, _)| name.ends_with(&format!("/T{turn}")));
    if let Some((_, payment)) = payment {
        assert_eq!(payment.revision, outcome.message.map(Revision::Integer));
    }
}

/// All orders stand the same in both.
async fn the_same(one: &World, many: &World) {
    for key in 0..140 {
        let mut heads = Vec::new();
        for world in [one, many] {
            let keys = world.store.find(&Scope::All, &key.to_string()).await.unwrap();
            let Some(key) = keys.first() else { continue };
            let state = world.store.state(&Scope::All, *key).await.unwrap().unwrap();
            let mut fields = state.order.fields.clone();
            // The moments of the commits are the one thing that differs.
            fields.remove(known::order::RECEIVED_AT);
            let timeless = |want: &Want| Want { since: None, ..want.clone() };
            let wants = state.lanes.iter().map(|lane| lane.wants.iter().map(timeless).collect());
            let wants: Vec<Vec<_>> = wants.collect();
            heads.push((state.order.version, fields, state.order.collections.clone(), wants));
        }
        assert_eq!(heads.first(), heads.get(1), "order {key}");
    }
}

/// Files are switched while messages wait for their commit: what mapped them and what folds them may differ then.
pub(crate) async fn a_message_names_the_bundle_that_mapped_it_and_a_change_the_one_that_folded_it(
    factory: &dyn Factory,
) {
    let mut world = World::new(factory).await;
    let mut batch = Vec::new();
    for (number, bundle) in ["before", "test"].iter().enumerate() {
        let mut unit = world.message(vec![say::order("shop_eu", &number.to_string(), 1, "a")]);
        if let Unit::Message(message) = &mut unit {
            message.bundle = (*bundle).into();
        }
        batch.push(unit);
    }
    let outcomes = world.apply(batch).await.unwrap();
    world.store.close().await;
    for bundle in ["before", "test"] {
        let sql = format!("SELECT body FROM messages WHERE bundle = '{bundle}'");
        assert_eq!(factory.bytes(&sql).await.len(), 1, "{bundle}");
    }
    let world = world.reopen(factory).await;
    for outcome in &outcomes {
        let changes = world.store.changes(&Scope::All, order_of(outcome)).await.unwrap();
        assert_eq!(&*changes[0].bundle, "test");
    }
}
