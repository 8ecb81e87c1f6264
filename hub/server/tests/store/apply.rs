//! The batch loop: order of answers, lanes that are due, stopping.

use std::sync::Arc;

use orderhub::apply::{self, Apply, Handed, Unit};
use orderhub::clock::Clock;
use orderhub::store::sqlite::{Options, SqliteStore};
use orderhub::store::{Filter, Scope, StoreError};
use orderhub_order::ids::SystemName;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::contract::{World, order_of, say, unit};
use crate::sqlite::Sqlite;

struct Loop {
    apply: Apply,
    handed: mpsc::Receiver<Handed>,
    stop: CancellationToken,
    ended: tokio::task::JoinHandle<()>,
    _bundle: watch::Sender<Arc<orderhub::bundle::Bundle>>,
}

fn start(world: &World, ring: usize) -> Loop {
    let (hand, handed) = mpsc::channel(ring);
    let (sender, bundle) = watch::channel(Arc::clone(&world.bundle));
    let stop = CancellationToken::new();
    let parts = apply::Parts {
        store: Arc::clone(&world.store),
        bundle,
        clock: Clock::starting_at(world.now),
        handed: hand,
    };
    let (apply, ended) = apply::start(parts, 1_000, stop.clone());
    Loop { apply, handed, stop, ended, _bundle: sender }
}

#[tokio::test]
async fn a_lane_is_told_after_its_commit_and_what_finds_no_room_is_due() {
    let place = Sqlite::new();
    let mut world = World::new(&place).await;
    let mut running = start(&world, 10);
    let mut answers = Vec::new();
    for number in 0..40 {
        let message = world.message(vec![say::order("shop_eu", &number.to_string(), 1, "a")]);
        answers.push(running.apply.queue(message).await.unwrap());
    }
    let mut keys = Vec::new();
    for answer in answers {
        keys.push(order_of(&answer.await.unwrap().unwrap()));
    }
    assert!(keys.is_sorted(), "answers in the order of submission");
    let mut rung = Vec::new();
    while let Ok(Handed::Lane(_, key)) = running.handed.try_recv() {
        rung.push(key);
    }
    let erp = SystemName::new("erp");
    let later = world.now.checked_add(jiff::SignedDuration::from_secs(60)).unwrap();
    let due = world.store.claim(&erp, later, 100).await.unwrap();
    assert_eq!((rung.len(), due.len()), (10, 30));
    rung.extend(due);
    rung.sort();
    assert_eq!(rung, keys, "each lane is in the ring or due, none in both");
}

#[tokio::test]
async fn what_was_queued_before_the_stop_is_committed() {
    let place = Sqlite::new();
    let mut world = World::new(&place).await;
    let running = start(&world, 1_000);
    let mut answers = Vec::new();
    for number in 0..600 {
        let message = world.message(vec![say::order("shop_eu", &number.to_string(), 1, "a")]);
        answers.push(running.apply.queue(message).await.unwrap());
    }
    running.stop.cancel();
    for answer in answers {
        answer.await.unwrap().unwrap();
    }
    running.ended.await.unwrap();
    let late = world.message(vec![say::order("shop_eu", "late", 1, "a")]);
    assert!(matches!(running.apply.submit(late).await, Err(StoreError::Closed)));
    let filter = Filter { limit: 500, ..Filter::default() };
    let page = world.store.list(&Scope::All, &filter).await.unwrap();
    assert_eq!(page.items.len(), 500);
    let rest = Filter { cursor: page.next, ..filter };
    assert_eq!(world.store.list(&Scope::All, &rest).await.unwrap().items.len(), 100);
}

/// A store whose file may have so many pages.
async fn tight(place: &Sqlite, pages: u32) -> World {
    let tight = Options { most_pages: Some(pages), ..place.options() };
    let mut world = World::new(place).await;
    world.store.close().await;
    world.store = Arc::new(SqliteStore::open(&tight).unwrap());
    world
}

/// An order in a message with this body.
fn message(world: &World, number: &str, body: String) -> Unit {
    let said = say::order("shop_eu", number, 1, "a");
    let mapped = vec![orderhub_mapping::Mapped::Document(Box::new(said))];
    let mut unit = unit(world.now, None, "", mapped);
    unit.envelope.body = body.into();
    Unit::Message(Box::new(unit))
}

/// What no compressor makes much smaller: 2 MB.
fn noise() -> String {
    (0_u64..200_000).map(|n| n.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_string()).collect()
}

#[tokio::test]
async fn nothing_overtakes_what_was_not_stored() {
    let place = Sqlite::new();
    let world = tight(&place, 60).await;
    let running = start(&world, 1_000);
    let (source, other) = (running.apply.in_order(), running.apply.in_order());
    let large = source.queue(message(&world, "1", noise())).await.unwrap();
    let behind = source.queue(message(&world, "2", String::new())).await.unwrap();
    assert!(matches!(large.await.unwrap(), Err(StoreError::Full)));
    assert!(behind.await.unwrap().is_err());
    let late = source.submit(message(&world, "3", String::new())).await;
    assert!(matches!(late, Err(StoreError::Behind)), "{late:?}");
    other.submit(message(&world, "4", String::new())).await.unwrap();
    running.apply.in_order().submit(message(&world, "2", String::new())).await.unwrap();
    assert_eq!(world.orders().await, 2);
}

#[tokio::test]
async fn what_was_prepared_behind_a_batch_that_failed_is_not_committed() {
    let place = Sqlite::new();
    // Room for all that is behind.
    let world = tight(&place, 400).await;
    let running = start(&world, 1_000);
    let source = running.apply.in_order();
    // All at once, before the loop sees the first: the rest is prepared while that one is being committed.
    let answers = tokio::task::unconstrained(async {
        let mut answers = vec![source.queue(message(&world, "large", noise())).await.unwrap()];
        for number in 0..399 {
            let small = message(&world, &number.to_string(), String::new());
            answers.push(source.queue(small).await.unwrap());
        }
        answers
    });
    let answers = answers.await;
    let (mut full, mut behind) = (0, 0);
    for answer in answers {
        match answer.await.unwrap() {
            Err(StoreError::Full) => full += 1,
            Err(StoreError::Behind) => behind += 1,
            other => panic!("{other:?}"),
        }
    }
    // The body of the first closed its batch.
    assert_eq!((full, behind), (1, 399));
    running.stop.cancel();
    running.ended.await.unwrap();
    assert_eq!(world.orders().await, 0);
}
