//! What only a server can do wrong: cut lines, other processes, a schema of another program.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::Timestamp;
use orderhub::apply::{Unit, UnitOutcome, Word};
use orderhub::store::postgres::{Options, PostgresStore};
use orderhub::store::{Reads as _, Scope, Store, StoreError};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, query_scalar, raw_sql};

use crate::contract::{Factory, World, order_of, say, words};
use crate::cut::{self, Plan};
use crate::postgres::{Postgres, server};

async fn count(c: &mut PgConnection, of: &str) -> i64 {
    query_scalar(AssertSqlSafe(format!("SELECT count(*) FROM {of}"))).fetch_one(c).await.unwrap()
}

/// A world whose store reaches its server over a line that can be cut.
async fn over_a_line(place: &Postgres) -> (World, Arc<Plan>) {
    let mut world = World::new(place).await;
    let plan = Arc::new(Plan::default());
    let before = server().rsplit_once('/').unwrap().0.to_owned();
    let port = before.rsplit_once(':').unwrap().1.parse().unwrap();
    let port = cut::line(port, Arc::clone(&plan)).await;
    let options = Options::at(place.url_at(Some(port)), "over a line");
    world.store = Arc::new(PostgresStore::open(&options).await.unwrap());
    (world, plan)
}

/// A batch of three orders, of which one was there before.
async fn three(world: &mut World) -> Vec<UnitOutcome> {
    let batch = (0..3).map(|n| world.message(vec![say::order("shop_eu", &n.to_string(), 2, "b")]));
    let batch = batch.collect();
    world.apply(batch).await.unwrap()
}

/// Whatever happened on the way: three orders, four versions, four messages, and answers that agree.
async fn stored_once(world: &World, place: &Postgres, outcomes: &[UnitOutcome]) {
    assert!(outcomes.iter().all(|outcome| words(outcome) == [Word::Applied]));
    let mut direct = place.direct().await;
    for (of, rows) in [("orders", 3), ("changes", 4), ("messages", 4), ("seen", 4)] {
        assert_eq!(count(&mut direct, of).await, rows, "{of}");
    }
    for (outcome, version) in outcomes.iter().zip([2, 1, 1]) {
        let key = order_of(outcome);
        assert_eq!(world.version(key).await, version, "{}", key.shown());
        let kept = world.store.message(&Scope::All, outcome.message.unwrap()).await.unwrap();
        assert!(kept.is_some(), "the answer names the row that holds it");
    }
    world.store.ready().await.unwrap();
}

#[tokio::test]
async fn a_commit_without_an_answer_is_stored_once() {
    let place = Postgres::new();
    let (mut world, plan) = over_a_line(&place).await;
    let _first = world.say(say::order("shop_eu", "0", 1, "a")).await;
    plan.after_commit.store(true, Ordering::SeqCst);
    let outcomes = three(&mut world).await;
    assert_eq!(plan.cuts.load(Ordering::SeqCst), 1);
    stored_once(&world, &place, &outcomes).await;
}

#[tokio::test]
async fn a_commit_that_did_not_arrive_is_stored_once() {
    let place = Postgres::new();
    let (mut world, plan) = over_a_line(&place).await;
    let _first = world.say(say::order("shop_eu", "0", 1, "a")).await;
    plan.before_commit.store(true, Ordering::SeqCst);
    let outcomes = three(&mut world).await;
    assert_eq!(plan.cuts.load(Ordering::SeqCst), 1);
    stored_once(&world, &place, &outcomes).await;
}

/// The batch is held up by a lock, so that it is there to be killed.
#[tokio::test]
async fn a_batch_whose_connection_is_killed_is_stored_once() {
    let place = Postgres::new();
    let mut world = World::new(&place).await;
    let _first = world.say(say::order("shop_eu", "0", 1, "a")).await;
    let mut other = place.direct().await;
    raw_sql("BEGIN; SELECT FROM orders FOR UPDATE").execute(&mut other).await.unwrap();
    let kill = async {
        let sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let mut direct = place.direct().await;
        while query_scalar::<_, i64>(sql).fetch_one(&mut direct).await.unwrap() == 0 {
            tokio::task::yield_now().await;
        }
        raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    };
    let (outcomes, ()) = tokio::join!(three(&mut world), kill);
    stored_once(&world, &place, &outcomes).await;
}

#[tokio::test]
async fn a_server_that_is_gone_acknowledges_nothing_and_the_store_says_so() {
    let place = Postgres::new();
    let mut world = World::new(&place).await;
    let _first = world.say(say::order("shop_eu", "0", 1, "a")).await;
    let allow = |allowed: bool| {
        let name = place.url_at(None).rsplit_once('/').unwrap().1.to_owned();
        AssertSqlSafe(format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {allowed}"))
    };
    let mut outside = PgConnection::connect(&server()).await.unwrap();
    raw_sql(allow(false)).execute(&mut outside).await.unwrap();
    let name = place.url_at(None).rsplit_once('/').unwrap().1.to_owned();
    let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1";
    sqlx::query(kill).bind(name).execute(&mut outside).await.unwrap();
    let message = world.message(vec![say::order("shop_eu", "1", 1, "a")]);
    assert!(matches!(world.apply(vec![message]).await, Err(StoreError::Failed(_))));
    assert!(world.store.ready().await.is_err());
    raw_sql(allow(true)).execute(&mut outside).await.unwrap();
    world.store.sweep(world.now).await.unwrap();
    world.store.ready().await.unwrap();
    assert_eq!(world.orders().await, 1);
}

#[tokio::test]
async fn two_stores_that_hear_of_one_order_make_one() {
    let place = Postgres::new();
    let mut world = World::new(&place).await;
    let stores = [place.store().await, place.store().await];
    for round in 0..20 {
        let mut said = |note: &str| {
            let said =
                say::order("shop_eu", &round.to_string(), if note == "a" { 1 } else { 2 }, note);
            vec![world.message(vec![said])]
        };
        let (first, second) = (said("a"), said("b"));
        let apply = |store: usize, units: Vec<Unit>| {
            stores[store].apply(units, Arc::clone(&world.bundle), world.now)
        };
        let (first, second) = tokio::join!(apply(0, first), apply(1, second));
        let (first, second) = (first.unwrap().remove(0), second.unwrap().remove(0));
        let key = order_of(&first);
        assert_eq!(order_of(&second), key, "round {round}");
        let order = world.store.state(&Scope::All, key).await.unwrap().unwrap();
        assert_eq!(&*order.order.reference, format!("shop_eu-{round}"));
    }
    assert_eq!(world.orders().await, 20);
    assert_eq!(world.causes().await, Vec::<String>::new(), "nobody has to decide anything");
}

/// Two batches over the same orders from both ends, and over the same references.
#[tokio::test]
async fn two_stores_that_write_the_same_orders_end_well() {
    let place = Postgres::new();
    let mut world = World::new(&place).await;
    let stores = [place.store().await, place.store().await];
    for revision in 1..=10 {
        let mut batch = |numbers: Vec<i32>, note: &str| -> Vec<Unit> {
            let said = |n: i32| say::order("shop_eu", &n.to_string(), revision, note);
            numbers.into_iter().map(|n| world.message(vec![said(n)])).collect()
        };
        let (up, down) = (batch((0..50).collect(), "up"), batch((0..50).rev().collect(), "down"));
        let now: Timestamp = world.now;
        let apply =
            |store: usize, units| stores[store].apply(units, Arc::clone(&world.bundle), now);
        let (up, down) = tokio::join!(apply(0, up), apply(1, down));
        let mut keys: Vec<_> = up.unwrap().iter().map(order_of).collect();
        keys.reverse();
        assert_eq!(keys, down.unwrap().iter().map(order_of).collect::<Vec<_>>());
    }
    assert_eq!(world.orders().await, 50);
    let mut direct = place.direct().await;
    let numbers = count(&mut direct, "(SELECT DISTINCT id FROM messages) AS m").await;
    assert_eq!(count(&mut direct, "messages").await, numbers);
    let gaps = "orders o WHERE version <> (SELECT count(*) FROM changes c WHERE c.k = o.k)";
    assert_eq!(count(&mut direct, gaps).await, 0, "every version has its row");
}

/// Somebody locks two orders in the other order, and is in no hurry: the server ends the batch.
#[tokio::test]
async fn a_batch_that_loses_a_deadlock_is_stored_once() {
    let place = Postgres::new();
    let mut world = World::new(&place).await;
    let _first = world.say(say::order("shop_eu", "0", 1, "a")).await;
    let _second = world.say(say::order("shop_eu", "1", 1, "a")).await;
    let mut other = place.direct().await;
    let lock = "SET deadlock_timeout = '1min'; BEGIN;
                SELECT FROM orders WHERE k = (SELECT max(k) FROM orders) FOR UPDATE";
    raw_sql(lock).execute(&mut other).await.unwrap();
    let cross = async {
        let mut direct = place.direct().await;
        let waits =
            "pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while count(&mut direct, waits).await == 0 {
            tokio::task::yield_now().await;
        }
        let lock = "SELECT FROM orders WHERE k = (SELECT min(k) FROM orders) FOR UPDATE; COMMIT";
        raw_sql(lock).execute(&mut other).await.unwrap();
        let sql = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
        while query_scalar::<_, i64>(sql).fetch_one(&mut direct).await.unwrap() == 0 {
            tokio::task::yield_now().await;
        }
    };
    let (outcomes, ()) = tokio::join!(three(&mut world), cross);
    assert!(outcomes.iter().all(|outcome| words(outcome) == [Word::Applied]));
    let mut direct = place.direct().await;
    for (of, rows) in [("orders", 3), ("changes", 5), ("messages", 5), ("seen", 5)] {
        assert_eq!(count(&mut direct, of).await, rows, "{of}");
    }
}

#[tokio::test]
async fn two_processes_that_start_at_once_make_one_schema() {
    let place = Postgres::new();
    let stores = futures_util::future::join_all((0..4).map(|_| place.store())).await;
    for store in &stores {
        assert_eq!(store.install(), stores[0].install());
    }
}

#[tokio::test]
async fn a_store_of_a_newer_program_is_refused() {
    let place = Postgres::new();
    place.store().await.close().await;
    place.sql("UPDATE meta SET value = '99' WHERE name = 'schema'").await;
    let refused = PostgresStore::open(&place.options()).await.unwrap_err();
    assert!(matches!(refused, StoreError::Newer { found: 99, .. }), "{refused}");
    place.sql("UPDATE meta SET value = '1' WHERE name = 'schema'").await;
    let refused = PostgresStore::open(&place.options()).await.unwrap_err();
    assert!(matches!(refused, StoreError::Unreleased), "{refused}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    let options = Options::at("postgres://hub@127.0.0.1:1/orders", "nobody");
    let refused = PostgresStore::open(&options).await.unwrap_err().to_string();
    assert!(refused.contains("cannot open the store at `127.0.0.1:1/orders`"), "{refused}");
    assert!(
        refused.ends_with("start PostgreSQL there, or correct `store.url` and `store.password`")
    );
}

#[tokio::test]
async fn a_reader_with_a_long_statement_is_stopped_at_its_deadline() {
    let place = Postgres::new();
    let mut world = World::new(&place).await;
    let key = order_of(&world.say(say::order("shop_eu", "1", 1, "a")).await);
    let options = Options { read_deadline: Duration::from_millis(200), ..place.options() };
    let store = PostgresStore::open(&options).await.unwrap();
    let mut other = place.direct().await;
    raw_sql("BEGIN; LOCK TABLE orders").execute(&mut other).await.unwrap();
    assert!(matches!(store.state(&Scope::All, key).await, Err(StoreError::Deadline(200))));
    let waits = "pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    assert_eq!(count(&mut other, waits).await, 0, "the server has stopped, too");
    raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    assert!(store.state(&Scope::All, key).await.unwrap().is_some());
}

#[tokio::test]
async fn numbers_of_messages_rise_from_store_to_store() {
    let place = Postgres::new();
    let mut world = World::new(&place).await;
    let stores = [place.store().await, place.store().await];
    let mut last = 0;
    for turn in 0..6 {
        world.store = Arc::clone(&stores[turn % 2]) as Arc<dyn Store>;
        let outcome = world.say(say::order("shop_eu", &turn.to_string(), 1, "a")).await;
        assert!(outcome.message.unwrap() > last, "turn {turn}");
        last = outcome.message.unwrap();
    }
}
