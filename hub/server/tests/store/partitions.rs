//! Days of PostgreSQL that come and go while others read, commit, prune; and a store of the schema before.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use orderhub::apply::Word;
use orderhub::config::{Keep, KeptFor};
use orderhub::store::postgres::{Options, PostgresStore, held};
use orderhub::store::{Scope, Store as _};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, query_scalar, raw_sql};
use tokio::time::timeout;

use crate::contract::{World, order_of, say, words};
use crate::postgres::Postgres;

/// The day on which a world begins.
const TODAY: i64 = 20_759;
/// Longer than anything here may wait for a reader.
const SOON: Duration = Duration::from_secs(20);

async fn run(c: &mut PgConnection, sql: &str) {
    raw_sql(AssertSqlSafe(sql.to_owned())).execute(c).await.unwrap();
}

/// The partitions of a table, as the server has them.
async fn days(c: &mut PgConnection, table: &str) -> Vec<String> {
    let sql = "SELECT relname::text FROM pg_class JOIN pg_inherits ON oid = inhrelid
               WHERE inhparent = $1::regclass ORDER BY 1";
    query_scalar(sql).bind(table).fetch_all(c).await.unwrap()
}

fn later(world: &mut World, days: i64) {
    world.now = world.now.checked_add(SignedDuration::from_hours(24 * days)).unwrap();
}

async fn says(world: &mut World, key: &str) -> i64 {
    let outcome = world.say(say::order("shop_eu", key, 1, "a")).await;
    assert_eq!(words(&outcome), [Word::Applied]);
    outcome.message.unwrap()
}

/// Somebody who looks at all messages and attempts, and does not end.
async fn reader(place: &Postgres) -> PgConnection {
    let mut reader = place.direct().await;
    run(
        &mut reader,
        "SET application_name = 'a dump'; BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM messages; SELECT count(*) FROM v1_attempts;
         SELECT count(*) FROM seen",
    )
    .await;
    reader
}

/// Does something, in which nobody comes to lock a whole table, or to wait for that: behind it all would wait.
async fn unlocked<T>(place: &Postgres, work: impl Future<Output = T>) -> T {
    let mut watcher = place.direct().await;
    let mut work = std::pin::pin!(work);
    loop {
        let sql = "SELECT count(*) FROM pg_locks JOIN pg_class c ON c.oid = relation
                   WHERE relname IN ('messages', 'receipts', 'seen') AND mode = 'AccessExclusiveLock'";
        let locks = query_scalar::<_, i64>(sql).fetch_one(&mut watcher);
        tokio::select! {
            biased;
            locks = locks => assert_eq!(locks.unwrap(), 0, "a whole table is locked"),
            done = &mut work => return done,
        }
        // The watcher answers sooner than the work ends: let that go on.
        if let std::task::Poll::Ready(done) = futures_util::poll!(&mut work) {
            return done;
        }
    }
}

#[tokio::test]
async fn a_long_reader_holds_up_neither_commits_nor_partitions() {
    let place = Postgres::new();
    let mut world = World::new(&place).await;
    says(&mut world, "1").await;
    let reader = reader(&place).await;
    let all = async {
        for days in [0, 1, 91, 1] {
            // Each on a day that has no partition yet, made by the commit itself or ahead of it.
            later(&mut world, days);
            let now = world.now;
            says(&mut world, &format!("of {now}")).await;
            unlocked(&place, world.store.prune(now)).await.unwrap();
            says(&mut world, &format!("after {now}")).await;
        }
    };
    timeout(SOON, all).await.expect("nobody waits for a reader");
    drop(reader);
}

#[tokio::test]
async fn what_a_reader_holds_goes_when_the_reader_has_gone() {
    let place = Postgres::new();
    let mut world = World::new(&place).await;
    let old = says(&mut world, "1").await;
    let mut direct = place.direct().await;
    let over = format!("messages_{TODAY}");
    assert!(days(&mut direct, "messages").await.contains(&over));
    let mut reader = reader(&place).await;
    later(&mut world, 91);
    for _ in 0..2 {
        let pruned = world.store.prune(world.now).await.unwrap();
        assert!(pruned.held.is_some(), "{pruned:?}");
    }
    let gone = world.store.message(&Scope::All, old).await.unwrap();
    assert!(gone.is_none(), "who begins to read now does not see it any more");
    let sees: i64 =
        query_scalar("SELECT count(*) FROM messages").fetch_one(&mut reader).await.unwrap();
    assert_eq!(sees, 1, "who began before does");
    let kept = (&Keep::default(), 30);
    let seen = held(&place.url_at(None), None, kept).await.unwrap().unwrap();
    assert!(seen.over.contains(&over), "{seen:?}");
    assert_eq!(seen.holder.unwrap().who, "a dump");
    assert_eq!(seen.tables.len(), 11);
    reader.close().await.unwrap();
    let pruned = world.store.prune(world.now).await.unwrap();
    assert_eq!(pruned.held, None);
    let left = days(&mut direct, "messages").await;
    assert!(!left.contains(&over), "{left:?}");
    let sql = format!("SELECT to_regclass('{over}') IS NULL");
    let gone = query_scalar::<_, bool>(AssertSqlSafe(sql)).fetch_one(&mut direct).await.unwrap();
    assert!(gone, "also from the disk");
}

#[tokio::test]
async fn a_step_that_was_cut_off_half_way_is_gone_on_with() {
    let place = Postgres::new();
    let mut world = World::new(&place).await;
    says(&mut world, "1").await;
    later(&mut world, 1);
    says(&mut world, "2").await;
    let mut direct = place.direct().await;
    let names = days(&mut direct, "messages").await;
    let [first, second] = [&names[0], &names[1]];
    // One died after it had detached a day, and before it dropped it.
    run(&mut direct, &format!("ALTER TABLE messages DETACH PARTITION {first} CONCURRENTLY")).await;
    later(&mut world, 95);
    world.prune().await;
    for table in [first, second] {
        let sql = format!("SELECT to_regclass('{table}') IS NULL");
        assert!(query_scalar::<_, bool>(AssertSqlSafe(sql)).fetch_one(&mut direct).await.unwrap());
    }
}

#[tokio::test]
async fn a_commit_whose_day_was_taken_away_makes_it_again() {
    let place = Postgres::new();
    let mut world = World::new(&place).await;
    says(&mut world, "1").await;
    let mut direct = place.direct().await;
    for table in ["messages", "receipts", "seen"] {
        for day in days(&mut direct, table).await {
            if day != "messages_beyond" {
                run(&mut direct, &format!("DROP TABLE {day}")).await;
            }
        }
    }
    let message = says(&mut world, "2").await;
    assert!(world.store.message(&Scope::All, message).await.unwrap().is_some());
    assert!(world.todos().await.is_empty(), "it is no fault of the message");
}

#[tokio::test]
async fn two_processes_prune_at_once_and_a_third_commits() {
    let place = Postgres::new();
    let mut world = World::new(&place).await;
    let mut messages = Vec::new();
    for n in 0..12 {
        later(&mut world, 1);
        messages.push(says(&mut world, &n.to_string()).await);
    }
    later(&mut world, 90);
    let (first, second) = (place.store().await, place.store().await);
    let now = world.now;
    let until_done = async |store: &Arc<PostgresStore>| {
        while store.prune(now).await.unwrap().more {
            tokio::task::yield_now().await;
        }
    };
    let bundle = Arc::clone(&world.bundle);
    let said = |n: i32| say::order("shop_eu", &format!("beside {n}"), 1, "a");
    let units = (0..20).map(said).collect::<Vec<_>>();
    let mut beside = Vec::new();
    for said in units {
        beside.push(world.message(vec![said]));
    }
    let commits = async {
        for unit in beside {
            world.store.apply(vec![unit], Arc::clone(&bundle), world.now).await.unwrap();
        }
    };
    tokio::join!(until_done(&first), until_done(&second), commits);
    for store in [&first, &second] {
        until_done(store).await;
    }
    for message in &messages[..11] {
        assert!(world.store.message(&Scope::All, *message).await.unwrap().is_none());
    }
    assert!(world.store.message(&Scope::All, messages[11]).await.unwrap().is_some());
    assert_eq!(world.orders().await, 32);
}

#[tokio::test]
async fn partitions_of_today_and_tomorrow_are_there_before_they_are_needed() {
    let place = Postgres::new();
    let world = World::new(&place).await;
    world.prune().await;
    let mut direct = place.direct().await;
    for (table, numbers) in [("messages", [TODAY, TODAY + 1]), ("receipts", [TODAY, TODAY + 1])] {
        let there = days(&mut direct, table).await;
        let missing = numbers.map(|number| format!("{table}_{number}"));
        assert!(missing.iter().all(|name| there.contains(name)), "{there:?}");
    }
}

#[tokio::test]
async fn rows_of_the_schema_before_are_there_after_the_migration() {
    let place = Postgres::new();
    let mut direct = place.direct().await;
    let before = [
        include_str!("../../migrations/postgres/0001_first.sql"),
        include_str!("../../migrations/postgres/0002_bodies.sql"),
        include_str!("../../migrations/postgres/0003_processes.sql"),
        include_str!("../../migrations/postgres/0004_access.sql"),
        include_str!("../../migrations/postgres/0005_intake.sql"),
        include_str!("../../migrations/postgres/0006_views.sql"),
        include_str!("../../migrations/postgres/0007_search.sql"),
        include_str!("../../migrations/postgres/0008_waits.sql"),
    ];
    for script in before {
        run(&mut direct, script).await;
    }
    // Two rows a second before and at midnight; one that names the first.
    run(
        &mut direct,
        "INSERT INTO meta (name, value) VALUES ('schema', '8');
         INSERT INTO messages (id, first, source, system, document, message_id, received, at, outcome, why, bundle, body)
         SELECT i.id, i.first, 'queue:orders', 'shop_eu', 'order_rest', NULL, i.at, i.at, 'applied', '', 'b', i.body
         FROM (VALUES (1, NULL::bigint, 1793577599000000000, '\\x01616263'::bytea),
                      (2, 1, 1793577600000000000, NULL)) AS i (id, first, at, body);
         INSERT INTO receipts (k, at, system, operation, attempt, class, ms, why)
         VALUES (7, 1793577599000000000, 'erp', 'create', 1, 'ok', 5, ''), (7, 1793577600000000000, 'erp', 'create', 2, 'ok', 5, '');
         CREATE ROLE keep_analyst; GRANT SELECT ON v1_attempts TO keep_analyst",
    )
    .await;
    let mut world = World::new(&place).await;
    for message in [1, 2] {
        let row = world.store.message(&Scope::All, message).await.unwrap().unwrap();
        assert_eq!(&row.envelope.body[..], b"abc");
    }
    let key = orderhub_order::ids::OrderKey(7);
    assert_eq!(world.store.receipts(&Scope::All, key).await.unwrap().len(), 2);
    let messages = days(&mut direct, "messages").await;
    assert!(messages.iter().any(|day| day == "messages_20758"), "{messages:?}");
    assert!(messages.iter().any(|day| day == "messages_20759"), "{messages:?}");
    let may = "SELECT has_table_privilege('keep_analyst', 'v1_attempts', 'SELECT')";
    let may = query_scalar::<_, bool>(may).fetch_one(&mut direct).await.unwrap();
    run(&mut direct, "DROP OWNED BY keep_analyst; DROP ROLE keep_analyst").await;
    assert!(may, "who may read the view still may");
    // The numbers of attempts go on, and a program of the schema before can still write.
    let made = order_of(&world.say(say::order("shop_eu", "9", 1, "a")).await);
    run(
        &mut direct,
        "INSERT INTO receipts (k, at, system, operation, attempt, class, ms, why)
         VALUES (7, 1793577600000000000, 'erp', 'create', 3, 'ok', 5, '');
         INSERT INTO messages (id, source, system, document, received, at, outcome, why, bundle)
         VALUES (999999, 's', 's', 'd', 1, 1, 'applied', '', 'b')",
    )
    .await;
    let numbers: Vec<i64> =
        query_scalar("SELECT id FROM receipts ORDER BY id").fetch_all(&mut direct).await.unwrap();
    assert_eq!(numbers, [1, 2, 3]);
    assert!(world.store.state(&Scope::All, made).await.unwrap().is_some());
}

#[tokio::test]
async fn what_is_kept_for_long_shares_partitions_and_none_of_it_goes_early() {
    let place = Postgres::new();
    let mut world = World::new(&place).await;
    let open = async |days: u16| {
        let messages = KeptFor::days(days).unwrap();
        let keep = Keep { messages, ..Keep::default() };
        let options = Options { keep, ..place.options() };
        Arc::new(PostgresStore::open(&options).await.unwrap())
    };
    world.store = open(365).await;
    let begun = world.now;
    let mut messages = Vec::new();
    for day in 0..28 {
        messages.push(says(&mut world, &day.to_string()).await);
        later(&mut world, 1);
    }
    let mut direct = place.direct().await;
    let there = days(&mut direct, "messages").await;
    assert!(there.len() <= 28 / 7 + 1 + 2, "a week each: {there:?}");
    // Whoever shortens the time does not lose what shares a partition with older rows.
    world.store = open(20).await;
    world.prune().await;
    for (day, message) in (0..).zip(&messages) {
        let age = world.now.duration_since(begun).as_hours() / 24 - day;
        let there = world.store.message(&Scope::All, *message).await.unwrap().is_some();
        assert!(there || age > 20, "of day {day}, {age} days ago");
        assert!(!there || age <= 20 + 7, "of day {day}, {age} days ago");
    }
}
