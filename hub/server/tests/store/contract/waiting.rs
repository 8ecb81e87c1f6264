//! Documents that wait for their order, suspects, and what wakes them.

use orderhub::apply::{Unit, Word};
use orderhub_order::contribution::ParentReference;

use super::{Factory, World, order_of, say, unit, words};

fn by_ref() -> ParentReference {
    ParentReference::Ref("shop_eu-1001".into())
}

pub(crate) async fn a_shipment_before_its_order_waits_and_is_woken(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let shipment = say::shipment("P1", by_ref());
    let early = world.say(shipment.clone()).await;
    assert_eq!(words(&early), [Word::Waiting]);
    assert!(world.pending().await.is_empty());
    assert_eq!(world.orders().await, 0, "no empty order is made");

    let order = world.say(say::order("shop_eu", "1001", 1, "a")).await;
    let driven = world.drive(&[shipment]).await;
    assert_eq!(driven.len(), 1);
    assert_eq!(words(&driven[0]), [Word::Applied]);
    assert_eq!(order_of(&driven[0]), order_of(&order));
    assert!(world.pending().await.is_empty());
    world.later(3_600);
    assert!(world.pending().await.is_empty(), "what was driven is done");
}

pub(crate) async fn in_one_batch_it_is_woken_too(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let shipment = say::shipment("P1", by_ref());
    let early = world.message(vec![shipment.clone()]);
    let order = world.message(vec![say::order("shop_eu", "1001", 1, "a")]);
    let outcomes = world.apply(vec![early, order]).await.unwrap();
    assert_eq!(words(&outcomes[0]), [Word::Waiting]);
    let driven = world.drive(&[shipment]).await;
    assert_eq!(words(&driven[0]), [Word::Applied]);
}

pub(crate) async fn only_the_document_that_waited_is_driven_again(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let shipment = say::shipment("P1", by_ref());
    let documents = vec![say::order("shop_us", "5", 1, "a"), shipment];
    let message = world.message(documents.clone());
    let outcome = world.one(message).await;
    assert_eq!(words(&outcome), [Word::Applied, Word::Waiting]);
    let _order = world.say(say::order("shop_eu", "1001", 1, "a")).await;
    let driven = world.drive(&documents).await;
    assert_eq!(words(&driven[0]), [Word::Skipped, Word::Applied]);
}

pub(crate) async fn what_waits_for_a_week_is_shown(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let _early = world.say(say::payment("T1", "1001")).await;
    world.later(6 * 24 * 3_600);
    world.store.sweep(world.now).await.unwrap();
    assert!(world.causes().await.is_empty());
    world.later(2 * 24 * 3_600);
    for _ in 0..2 {
        world.store.sweep(world.now).await.unwrap();
        assert_eq!(world.causes().await, ["waits_long"], "once");
    }
    // It goes on waiting.
    let _order = world.say(say::order("shop_eu", "1001", 1, "a")).await;
    assert_eq!(world.pending().await.len(), 1);
}

fn suspect(world: &World) -> Unit {
    let mut unit = unit(world.now, Some("m9"), "body", Vec::new());
    unit.envelope.suspect = true;
    Unit::Message(Box::new(unit))
}

pub(crate) async fn a_suspect_is_stored_and_driven_alone(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let stored = world.one(suspect(&world)).await;
    assert_eq!(words(&stored), [Word::Stored]);
    let again = world.one(suspect(&world)).await;
    assert_eq!(words(&again), [Word::Duplicate], "its raw row is there");
    let mut world = world.reopen(factory).await;
    let driven = world.drive(&[say::order("shop_eu", "1001", 1, "a")]).await;
    assert_eq!(words(&driven[0]), [Word::Applied]);
    assert_ne!(driven[0].message, stored.message, "a drive has its own row");
    world.later(3_600);
    assert!(world.pending().await.is_empty());
}

pub(crate) async fn three_drives_without_an_end_make_a_todo(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let _stored = world.one(suspect(&world)).await;
    for attempt in 1..=3 {
        let rows = world.pending().await;
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].attempts, attempt);
        assert!(world.pending().await.is_empty(), "not at once again");
        // The process dies while it drives.
        world = world.reopen(factory).await;
        world.later(60);
    }
    assert!(world.pending().await.is_empty());
    assert_eq!(world.causes().await, ["drive_failed"]);
}
