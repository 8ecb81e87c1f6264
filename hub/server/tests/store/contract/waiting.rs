//! Documents that wait for their order, suspects, and what wakes them.

use jiff::Timestamp;
use orderhub::apply::{MessageUnit, Redrive, Unit, Word};
use orderhub_mapping::facts::{Lacks, LookupKey, LookupOf};
use orderhub_mapping::{MapError, Mapped};
use orderhub_order::contribution::{Contribution, ParentReference};
use orderhub_order::ids::SystemName;

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

/// A page of a listing with these.
fn listed(world: &mut World, documents: Vec<Contribution>) -> Unit {
    let Unit::Message(mut page) = world.message(documents) else { unreachable!() };
    page.envelope.message_id = None;
    page.envelope.source = "poll".into();
    Unit::Message(page)
}

async fn waiting(world: &World) -> u64 {
    world.store.waits().await.unwrap().iter().map(|row| row.count).sum()
}

pub(crate) async fn what_is_asked_for_again_and_waits_is_one_that_waits(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let (one, other) = (say::shipment("P1", by_ref()), say::shipment("P2", by_ref()));
    let first = listed(&mut world, vec![one.clone(), other.clone()]);
    assert_eq!(words(&world.one(first).await), [Word::Waiting, Word::Waiting]);
    // It waits since the first time it was listed; a week later a person is asked, once.
    let mut last = None;
    for _ in 0..9 {
        world.later(24 * 3_600);
        world.store.sweep(world.now).await.unwrap();
        let again = listed(&mut world, vec![say::shipment("P9", by_ref()), one.clone()]);
        last = world.one(again).await.message;
        assert_eq!(waiting(&world).await, 3);
    }
    let todos = world.todos().await;
    let of_one: Vec<_> = todos.iter().filter(|todo| todo.message == last).collect();
    assert_eq!((todos.len(), of_one.len()), (3, 2), "{todos:#?}");
    // Twice in one batch, and twice on one page.
    let two =
        [listed(&mut world, vec![one.clone(), one.clone()]), listed(&mut world, vec![one.clone()])];
    world.apply(two.into()).await.unwrap();
    assert_eq!(waiting(&world).await, 3);
    // What the system sent by itself may say something else.
    let told = world.say(one.clone()).await;
    assert_eq!((words(&told), waiting(&world).await), (vec![Word::Waiting], 4));
    let _order = world.say(say::order("shop_eu", "1001", 1, "a")).await;
    assert_eq!(world.pending().await.len(), 4, "its order wakes it, where it stands now");
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

/// A message whose document lacks an answer of its system.
pub(super) fn unanswered(world: &World, asking: Option<Timestamp>) -> MessageUnit {
    let key = LookupKey {
        of: LookupOf::Read,
        name: "groups".into(),
        take: "note".into(),
        id: "G1".into(),
        waits: true,
    };
    let lacks = Lacks { keys: [key.clone()].into(), rest: None };
    let error = MapError {
        cause: "lookup_waits",
        rule: None,
        place: None,
        path: "group".to_owned(),
        why: String::new(),
        key: Some("5".to_owned()),
        digest: None,
        lacks,
    };
    let mut unit = unit(world.now, Some("u5"), "body", vec![Mapped::Failed(error)]);
    unit.recorded.lacks.insert(key, "it has not come yet".to_owned());
    unit.recorded.asking = asking;
    unit
}

pub(crate) async fn what_waits_for_its_system_is_given_to_who_asks_it(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let message = unanswered(&world, None);
    let system = message.envelope.system.clone();
    let came = world.one(Unit::Message(Box::new(message))).await;
    assert_eq!(words(&came), [Word::Waiting]);
    // Due at once, for no one else.
    assert!(world.pending().await.is_empty());
    assert_eq!(world.store.asking(world.now).await.unwrap(), std::slice::from_ref(&system));
    let other = SystemName::new("another");
    assert!(world.store.take_asking(&other, world.now, 8).await.unwrap().is_empty());
    let waiting = world.store.waiting_about(std::slice::from_ref(&system), &["5"], 10);
    let waiting = waiting.await.unwrap();
    assert_eq!((waiting[0].read.as_deref(), waiting[0].keys.len()), (Some("groups"), 0));
    let waits = world.store.waits().await.unwrap();
    assert_eq!((waits[0].why.as_str(), waits[0].count), ("reading", 1));

    // Not answered: the later the longer it waits, from the first time on.
    let began = world.now;
    for (waited, next) in [(1, 2), (60, 15), (86_400, 600)] {
        world.now = began;
        world.later(waited);
        let rows = world.store.take_asking(&system, world.now, 8).await.unwrap();
        assert_eq!((rows.len(), rows[0].since), (1, began), "after {waited} s");
        assert!(world.store.take_asking(&system, world.now, 8).await.unwrap().is_empty());
        let mut again = unanswered(&world, Some(rows[0].since));
        let (first, document) = (rows[0].message.id, rows[0].document);
        again.redrive =
            Some(Redrive { first, document, attempts: rows[0].attempts, let_go: false });
        world.now = began;
        world.later(waited - 1);
        world.one(Unit::Message(Box::new(again))).await;
        world.later(next - 1);
        assert!(world.store.asking(world.now).await.unwrap().is_empty(), "after {waited} s");
        world.later(1);
        assert_eq!(world.store.asking(world.now).await.unwrap(), std::slice::from_ref(&system));
    }

    // After a week a person is asked, who may drive it again as a whole.
    world.later(8 * 24 * 3_600);
    world.store.sweep(world.now).await.unwrap();
    assert_eq!(world.causes().await, ["waits_long"]);
    let todo = world.todos().await.remove(0).id;
    assert!(world.store.replay(todo, "me", world.now).await.unwrap());
    assert!(world.store.asking(world.now).await.unwrap().is_empty());
    assert_eq!(world.pending().await.len(), 1);
}
