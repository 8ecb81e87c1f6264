//! The batch loop: order of answers, reserved lanes, stopping.

use std::sync::Arc;

use orderhub::apply::{self, Apply, Unit};
use orderhub::clock::Clock;
use orderhub::store::sqlite::{Options, SqliteStore};
use orderhub::store::{Filter, Scope, StoreError};
use orderhub_order::ids::{OrderKey, SystemName};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::contract::{World, order_of, say, unit};
use crate::sqlite::Sqlite;

struct Loop {
    apply: Apply,
    reserved: mpsc::Receiver<(SystemName, OrderKey)>,
    stop: CancellationToken,
    ended: tokio::task::JoinHandle<()>,
    _bundle: watch::Sender<Arc<orderhub::bundle::Bundle>>,
}

fn start(world: &World, ring: usize) -> Loop {
    let (reserve, reserved) = mpsc::channel(ring);
    let (sender, bundle) = watch::channel(Arc::clone(&world.bundle));
    let stop = CancellationToken::new();
    let parts = apply::Parts {
        store: Arc::clone(&world.store),
        bundle,
        clock: Clock::starting_at(world.now),
        reserved: reserve,
    };
    let (apply, ended) = apply::start(parts, 1_000, stop.clone());
    Loop { apply, reserved, stop, ended, _bundle: sender }
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
    while let Ok((_, key)) = running.reserved.try_recv() {
        rung.push(key);
    }
    let erp = SystemName::new("erp");
    let later = world.now.checked_add(jiff::SignedDuration::from_secs(60)).unwrap();
    let due = world.store.due(&erp, later, 100).await.unwrap();
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

#[tokio::test]
async fn nothing_overtakes_what_was_not_stored() {
    let place = Sqlite::new();
    let tight = Options { most_pages: Some(60), ..place.options() };
    let mut world = World::new(&place).await;
    world.store.close().await;
    world.store = Arc::new(SqliteStore::open(&tight).unwrap());
    let running = start(&world, 1_000);
    let message = |world: &mut World, number: &str, body: String| {
        let said = say::order("shop_eu", number, 1, "a");
        let mapped = vec![orderhub_mapping::Mapped::Document(Box::new(said))];
        let mut unit = unit(world.now, None, "", mapped);
        unit.envelope.body = body.into();
        Unit::Message(Box::new(unit))
    };
    // What no compressor makes small enough for the file.
    let noise: String =
        (0_u64..60_000).map(|n| n.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_string()).collect();
    let (source, other) = (running.apply.in_order(), running.apply.in_order());
    let large = source.queue(message(&mut world, "1", noise)).await.unwrap();
    let behind = source.queue(message(&mut world, "2", String::new())).await.unwrap();
    assert!(matches!(large.await.unwrap(), Err(StoreError::Full)));
    assert!(behind.await.unwrap().is_err());
    let late = source.submit(message(&mut world, "3", String::new())).await;
    assert!(matches!(late, Err(StoreError::Behind)), "{late:?}");
    other.submit(message(&mut world, "4", String::new())).await.unwrap();
    running.apply.in_order().submit(message(&mut world, "2", String::new())).await.unwrap();
    assert_eq!(world.orders().await, 2);
}
