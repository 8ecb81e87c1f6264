//! Several processes on one server: who has which lane and lease, who is gone, who comes back too late.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use orderhub::apply::{Unit, UnitOutcome, Word};
use orderhub::store::postgres::PostgresStore;
use orderhub::store::{
    Ask, Batch, Lease, Leave, News, PauseRow, Peers as _, Reads as _, Scope, Shared, Store,
    StoreError,
};
use orderhub_order::ids::{Entity, OrderKey, SystemName};
use sqlx::{Connection as _, PgConnection, query};
use tokio::time::Instant;

use crate::contract::rules::POISON;
use crate::contract::{World, flights, order_of, say};
use crate::postgres::Postgres;

fn erp() -> SystemName {
    SystemName::new("erp")
}

/// Two processes on one database; the world speaks to the first.
async fn two(place: &Postgres) -> (World, Arc<PostgresStore>, Arc<PostgresStore>) {
    let mut world = World::new(place).await;
    let (first, second) = (place.store().await, place.store().await);
    world.store = Arc::<PostgresStore>::clone(&first);
    (world, first, second)
}

/// What others do when a process was silent for too long.
async fn take_off(place: &Postgres, process: u64) {
    let sql = "DELETE FROM processes WHERE process = $1";
    let process = i64::try_from(process).unwrap();
    query(sql).bind(process).execute(&mut place.direct().await).await.unwrap();
}

/// Asks until there is an answer: within the time that one process needs to hear of another.
async fn until<T, F: Future<Output = Option<T>>>(mut ask: impl FnMut() -> F) -> T {
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), asking).await.expect("it never came to that")
}

async fn claim(world: &World, store: &PostgresStore) -> Vec<OrderKey> {
    store.claim(&erp(), world.now, 100).await.unwrap()
}

async fn orders(world: &mut World, count: i32) -> Vec<UnitOutcome> {
    let said = |n: i32| say::order("shop_eu", &n.to_string(), 1, "a");
    let orders = (0..count).map(|n| world.message(vec![said(n)])).collect();
    world.apply(orders).await.unwrap()
}

#[tokio::test]
async fn two_processes_claim_each_lane_once() {
    let place = Postgres::new();
    let (mut world, first, second) = two(&place).await;
    let made = orders(&mut world, 1_100).await;
    let left = made.iter().filter(|outcome| !outcome.left.is_empty()).count();
    let (a, b) = tokio::join!(claim(&world, &first), claim(&world, &second));
    let mut all: Vec<_> = a.iter().chain(&b).collect();
    all.sort();
    all.dedup();
    assert_eq!((all.len(), a.len() + b.len()), (left, left));
}

/// What a process that was there all the time and one that reads the rows say of orders.
async fn same(place: &Postgres, store: &PostgresStore, keys: &[OrderKey]) {
    let fresh = place.store().await;
    for key in keys {
        let known = store.state(&Scope::All, *key).await.unwrap().unwrap();
        let read = fresh.state(&Scope::All, *key).await.unwrap().unwrap();
        assert_eq!(format!("{known:#?}"), format!("{read:#?}"));
    }
    fresh.close().await;
}

/// States are kept decoded beside what their rows hold: whatever befell those, nobody is told anything else.
#[tokio::test]
async fn what_a_process_knows_of_orders_is_what_their_rows_hold() {
    let place = Postgres::new();
    let (mut world, first, second) = two(&place).await;
    let poisoned = order_of(&world.say(say::order("shop_eu", "bad", 1, POISON)).await);
    let made = orders(&mut world, 3).await;
    let keys: Vec<OrderKey> = made.iter().map(order_of).chain([poisoned]).collect();
    same(&place, &first, &keys).await;
    // Twice in one batch, and beside one that fails alone: its part is undone, and all comes again.
    let said = |key: &str, revision, note: &str| say::order("shop_eu", key, revision, note);
    let batch = vec![
        world.message(vec![said("0", 2, "b")]),
        world.message(vec![said("bad", 2, "fine")]),
        world.message(vec![said("0", 3, "c"), said("1", 2, "b")]),
    ];
    let _outcomes = world.apply(batch).await.unwrap();
    same(&place, &first, &keys).await;
    let call = flights::call(&world, keys[0], Entity::Order).await;
    let _flown = world.one(call).await;
    same(&place, &first, &keys).await;
    world.store = Arc::<PostgresStore>::clone(&second);
    let _told = world.say(said("1", 3, "from elsewhere")).await;
    same(&place, &first, &keys).await;
    world.store = Arc::<PostgresStore>::clone(&first);
    let _told = world.say(said("1", 4, "and on")).await;
    same(&place, &first, &keys).await;
    same(&place, &second, &keys).await;
}

#[tokio::test]
async fn a_lane_that_another_process_holds_is_not_claimed() {
    let place = Postgres::new();
    let (mut world, first, second) = two(&place).await;
    let made = orders(&mut world, 1).await;
    let key = order_of(&made[0]);
    let call = flights::call(&world, key, Entity::Order).await;
    assert!(claim(&world, &second).await.is_empty(), "it was handed over where it was made");
    // The second process hears of the order: that takes nothing from the first.
    world.store = Arc::<PostgresStore>::clone(&second);
    let _told = world.say(say::order("shop_eu", "0", 2, "b")).await;
    assert!(claim(&world, &second).await.is_empty());
    world.store = Arc::<PostgresStore>::clone(&first);
    let _flown = world.one(call).await;
    world.later(3_600);
    world.store = Arc::<PostgresStore>::clone(&second);
    let _told = world.say(say::order("shop_eu", "0", 3, "c")).await;
    assert!(claim(&world, &second).await.is_empty(), "its call is in the air");
    let flown_by = first.process();
    drop(first);
    take_off(&place, flown_by).await;
    let freed = until(async || Some(claim(&world, &second).await).filter(|keys| !keys.is_empty()));
    assert_eq!(freed.await, [key]);
    assert!(second.is_gone(flown_by));
}

#[tokio::test]
async fn who_ends_in_order_leaves_lanes_and_leases_to_others_at_once() {
    let place = Postgres::new();
    let (mut world, first, second) = two(&place).await;
    let made = orders(&mut world, 2).await;
    let lease = first.lease("queue:orders").await.unwrap().unwrap();
    assert!(second.lease("queue:orders").await.unwrap().is_none());
    assert!(first.lease("queue:others").await.unwrap().is_some());
    first.give_back(lease.clone()).await;
    assert!(lease.is_lost());
    assert!(second.lease("queue:orders").await.unwrap().unwrap().is_orderly());
    first.close().await;
    let others = second.lease("queue:others").await.unwrap().unwrap();
    assert!(!others.is_orderly(), "it was not given back");
    let keys: Vec<_> = made.iter().map(order_of).collect();
    assert_eq!(claim(&world, &second).await, keys);
}

/// A message taken under a lease.
async fn apply_under(world: &mut World, lease: &Lease) -> Result<Vec<UnitOutcome>, StoreError> {
    world.later(1);
    let revision = world.now.as_second();
    let unit: Unit =
        world.message(vec![say::order("shop_eu", "9", revision, &revision.to_string())]);
    let batch = Batch::new(vec![unit], Arc::clone(&world.bundle), world.now);
    let committed = world.store.commit(batch.under([Some(lease.clone())])).await?;
    committed.into_iter().collect()
}

#[tokio::test]
async fn what_was_read_under_a_lease_that_another_has_is_not_stored() {
    let place = Postgres::new();
    let (mut world, first, second) = two(&place).await;
    let lease = first.lease("queue:orders").await.unwrap().unwrap();
    let _stored = apply_under(&mut world, &lease).await.unwrap();
    let again = first.lease("queue:orders").await.unwrap().unwrap();
    assert!(lease.is_lost() && again.epoch() > lease.epoch());
    assert!(matches!(apply_under(&mut world, &lease).await, Err(StoreError::Fenced)));
    let _stored = apply_under(&mut world, &again).await.unwrap();
    first.give_back(again.clone()).await;
    let _taken = second.lease("queue:orders").await.unwrap().unwrap();
    assert!(matches!(apply_under(&mut world, &again).await, Err(StoreError::Fenced)));
    assert_eq!(world.orders().await, 1);
    let messages: i64 = messages(&place).await;
    assert_eq!(messages, 2, "what was refused left nothing");
}

#[tokio::test]
async fn one_lost_lease_refuses_what_was_read_under_it_and_nothing_else() {
    let place = Postgres::new();
    let (mut world, first, second) = two(&place).await;
    let lost = first.lease("queue:orders").await.unwrap().unwrap();
    let held = first.lease("queue:parcels").await.unwrap().unwrap();
    first.give_back(lost.clone()).await;
    let _taken = second.lease("queue:orders").await.unwrap().unwrap();
    let leases = [None, Some(&lost), Some(&held), Some(&lost), None, Some(&held)];
    let said = |n: usize| say::order("shop_eu", &n.to_string(), 1, "a");
    let units = (0..leases.len()).map(|n| world.message(vec![said(n)])).collect();
    let batch = Batch::new(units, Arc::clone(&world.bundle), world.now);
    let batch = batch.under(leases.map(Option::<&Lease>::cloned));
    let outcomes = world.store.commit(batch).await.unwrap();
    for (place, outcome) in outcomes.iter().enumerate() {
        let found = outcome.as_ref().map(|outcome| outcome.documents[0].outcome);
        match place {
            1 | 3 => assert!(matches!(found, Err(StoreError::Fenced)), "{place}: {found:?}"),
            _ => assert!(matches!(found, Ok(Word::Applied)), "{place}: {found:?}"),
        }
    }
    assert_eq!((outcomes.len(), world.orders().await, messages(&place).await), (6, 4, 4));
    assert!(lost.is_lost() && !held.is_lost());
}

async fn messages(place: &Postgres) -> i64 {
    let count = sqlx::query_scalar("SELECT count(*) FROM messages");
    count.fetch_one(&mut place.direct().await).await.unwrap()
}

#[tokio::test]
async fn a_process_that_was_away_changes_nothing_and_begins_again() {
    let place = Postgres::new();
    let (mut world, first, second) = two(&place).await;
    let lease = first.lease("queue:orders").await.unwrap().unwrap();
    let before = first.process();
    take_off(&place, before).await;
    let taken = second.lease("queue:orders").await.unwrap().unwrap();
    assert!(!taken.is_orderly());
    assert!(matches!(apply_under(&mut world, &lease).await, Err(StoreError::Fenced)));
    assert_eq!(messages(&place).await, 0);
    // What needs no lease passes under the next number.
    let _told = world.say(say::order("shop_eu", "0", 1, "a")).await;
    assert!(first.process() > before && first.lives() && lease.is_lost());
    until(async || second.is_gone(before).then_some(())).await;
}

#[tokio::test]
async fn two_that_live_do_not_share_a_name() {
    let place = Postgres::new();
    let first = place.options();
    let _one = PostgresStore::open(&first).await.unwrap();
    let refused = PostgresStore::open(&first).await.unwrap_err().to_string();
    assert!(refused.contains("`server.instance`"), "{refused}");
}

/// The line of a process is cut, as by a crash: its next one goes on at once, and what it held is free.
#[tokio::test]
async fn a_crashed_process_begins_again_under_its_name_at_once() {
    let place = Postgres::new();
    let options = place.options();
    let mut world = World::new(&place).await;
    let first = Arc::new(PostgresStore::open(&options).await.unwrap());
    world.store = Arc::<PostgresStore>::clone(&first);
    let made = orders(&mut world, 1).await;
    let before = first.process();
    world.store = place.store().await;
    drop(first);
    let second = Arc::new(PostgresStore::open(&options).await.unwrap());
    assert!(second.process() > before && second.is_gone(before));
    assert_eq!(claim(&world, &second).await, [order_of(&made[0])]);
    let mut direct: PgConnection = place.direct().await;
    direct.ping().await.unwrap();
}

#[tokio::test]
async fn a_pause_holds_for_every_process() {
    let place = Postgres::new();
    let (world, first, second) = two(&place).await;
    let pause = PauseRow {
        system: erp(),
        operation: None,
        reason: "stocktaking".to_owned(),
        actor: "person".to_owned(),
        at: world.now,
    };
    first.pause(pause.clone()).await.unwrap();
    let is_there = |shared: &Arc<Shared>| shared.pauses == std::slice::from_ref(&pause);
    assert!(is_there(&first.shared().unwrap().borrow()), "at once where it was said");
    let mut heard = second.shared().unwrap();
    heard.wait_for(is_there).await.unwrap();
    assert!(first.resume(&erp(), None).await.unwrap());
    assert!(first.shared().unwrap().borrow().pauses.is_empty());
    heard.wait_for(|shared| shared.pauses.is_empty()).await.unwrap();
}

#[tokio::test]
async fn a_breaker_is_open_for_every_process_and_one_tries() {
    let place = Postgres::new();
    let (_world, first, second) = two(&place).await;
    let shut =
        |left| News::Shut { operation: "create".into(), left, delay: Duration::from_secs(2) };
    first.tell(&erp(), shut(Duration::from_secs(60))).await.unwrap();
    let mut heard = second.shared().unwrap();
    heard.wait_for(|shared| !shared.shuts.is_empty()).await.unwrap();
    let row = heard.borrow().shuts[0].clone();
    assert_eq!((&*row.operation, row.delay), ("create", Duration::from_secs(2)));
    assert!(!second.may_probe(&erp(), "create").await.unwrap(), "not before its time");
    first.tell(&erp(), shut(Duration::ZERO)).await.unwrap();
    assert!(second.may_probe(&erp(), "create").await.unwrap());
    assert!(!first.may_probe(&erp(), "create").await.unwrap(), "another tries");
    second.tell(&erp(), shut(Duration::ZERO)).await.unwrap();
    assert!(first.may_probe(&erp(), "create").await.unwrap(), "the try has failed");
    take_off(&place, first.process()).await;
    assert!(second.may_probe(&erp(), "create").await.unwrap(), "who tried is gone");
    second.tell(&erp(), News::Opened { operation: "create".into() }).await.unwrap();
    assert!(first.may_probe(&erp(), "create").await.unwrap(), "nobody holds it open");
    first.shared().unwrap().wait_for(|shared| shared.shuts.is_empty()).await.unwrap();
}

#[tokio::test]
async fn several_processes_keep_one_limit() {
    let place = Postgres::new();
    let (_world, first, second) = two(&place).await;
    let (every, burst) = (Duration::from_millis(10), 5);
    let key = || Box::from("");
    let ask = |want| Ask {
        system: erp(),
        limit: "default".into(),
        key: key(),
        every,
        burst,
        least: 1,
        want,
    };
    let began = Instant::now();
    let calls = |store: Arc<PostgresStore>| async move {
        let mut calls = 0;
        while calls < 30 {
            match store.take(ask(2)).await.unwrap() {
                Leave::Calls(got) => calls += got,
                Leave::Wait(wait) => assert!(wait <= every * 2, "{wait:?}"),
            }
        }
        calls
    };
    let (a, b) = tokio::join!(calls(Arc::clone(&first)), calls(second));
    let allowed = began.elapsed().as_secs_f64() / every.as_secs_f64() + f64::from(burst);
    assert!(f64::from(a + b) <= allowed, "{} calls, {allowed} allowed", a + b);
    let other = Ask { key: "parcel 7".into(), ..ask(1) };
    assert_eq!(first.take(other).await.unwrap(), Leave::Calls(1), "each key has its own");
    let peace = News::Throttled { limit: "default".into(), left: Duration::from_secs(30) };
    first.tell(&erp(), peace).await.unwrap();
    let heard = first.shared().unwrap().borrow().throttles.clone();
    assert!(heard[0].until > Instant::now() + Duration::from_secs(20), "{heard:?}");
}

#[tokio::test]
async fn several_processes_set_aside_from_one_limit() {
    let place = Postgres::new();
    let (_world, first, second) = two(&place).await;
    // A point a second: what comes back while the test runs is none.
    let (every, burst) = (Duration::from_secs(1), 2_000);
    let ask = |calls| Ask {
        system: erp(),
        limit: "default".into(),
        key: "".into(),
        every,
        burst,
        least: calls,
        want: calls,
    };
    let settled = |back, more, left| News::Settled {
        limit: "default".into(),
        every,
        burst,
        back,
        more,
        left,
    };
    for store in [&first, &second, &first] {
        assert_eq!(store.take(ask(600)).await.unwrap(), Leave::Calls(600));
    }
    let Leave::Wait(wait) = second.take(ask(600)).await.unwrap() else { panic!("it is overdrawn") };
    assert!((380..=400).contains(&wait.as_secs()), "all or none: {wait:?}");
    first.tell(&erp(), settled(550, 0, None)).await.unwrap();
    assert_eq!(
        second.take(ask(600)).await.unwrap(),
        Leave::Calls(600),
        "what came back is there for all"
    );
    first.tell(&erp(), settled(0, 100, None)).await.unwrap();
    assert!(matches!(second.take(ask(100)).await.unwrap(), Leave::Wait(_)), "more was spent");
    first.tell(&erp(), settled(1_000, 0, Some(300))).await.unwrap();
    assert!(matches!(second.take(ask(400)).await.unwrap(), Leave::Wait(_)), "the system says less");
    assert_eq!(second.take(ask(290)).await.unwrap(), Leave::Calls(290));
}
