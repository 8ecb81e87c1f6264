//! By which rows processes know of each other: what others lock stays as it is, who is silent is taken off, and a
//! program of the schema before goes on beside this one.

use std::sync::Arc;
use std::time::Duration;

use orderhub::store::postgres::{Options, PostgresStore, look};
use orderhub::store::{Peers as _, Store as _};
use orderhub_order::ids::SystemName;
use sqlx::{AssertSqlSafe, PgConnection, query, query_as, query_scalar, raw_sql};

use crate::contract::{Factory as _, World, say};
use crate::postgres::Postgres;

/// What a program of the schema before says to the database.
mod before {
    pub(super) const SCHEMA: [&str; 9] = [
        include_str!("../../migrations/postgres/0001_first.sql"),
        include_str!("../../migrations/postgres/0002_bodies.sql"),
        include_str!("../../migrations/postgres/0003_processes.sql"),
        include_str!("../../migrations/postgres/0004_access.sql"),
        include_str!("../../migrations/postgres/0005_intake.sql"),
        include_str!("../../migrations/postgres/0006_views.sql"),
        include_str!("../../migrations/postgres/0007_search.sql"),
        include_str!("../../migrations/postgres/0008_waits.sql"),
        include_str!("../../migrations/postgres/0009_keep.sql"),
    ];
    pub(super) const BEGINS: &str = "INSERT INTO processes (process, instance, until, search)
        VALUES (nextval('process_numbers'), $1, clock_timestamp() + make_interval(secs => $2), 1)
        RETURNING process";
    pub(super) const SPEAKS: &str = "UPDATE processes
        SET until = clock_timestamp() + make_interval(secs => $2) WHERE process = $1";
    pub(super) const COMMITS: &str =
        "SELECT process FROM processes WHERE process = $1 FOR KEY SHARE";
    pub(super) const TAKES_OFF: &str = "DELETE FROM processes WHERE process IN (
            SELECT process FROM processes WHERE until < clock_timestamp()
            FOR UPDATE SKIP LOCKED)
        RETURNING process";
    pub(super) const LEAVES: &str = "DELETE FROM processes WHERE process = $1";
}

/// Asks whether it is so, until it is: within the time that a process needs to speak, and to judge others.
async fn until(mut so: impl AsyncFnMut() -> bool) {
    let asking = async {
        while !so().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), asking).await.expect("it never came to that");
}

async fn until_gone(c: &mut PgConnection, process: i64) {
    let gone = "SELECT NOT EXISTS (SELECT FROM processes WHERE process = $1)";
    until(async || query_scalar(gone).bind(process).fetch_one(&mut *c).await.unwrap()).await;
}

async fn word(c: &mut PgConnection, process: i64) -> String {
    let word = "SELECT until::text FROM beats WHERE process = $1";
    query_scalar(word).bind(process).fetch_one(c).await.unwrap()
}

fn number_of(store: &PostgresStore) -> i64 {
    i64::try_from(store.process()).unwrap()
}

async fn names(c: &mut PgConnection) -> Vec<String> {
    let names = query_scalar("SELECT instance FROM processes ORDER BY instance");
    names.fetch_all(c).await.unwrap()
}

/// Where the row lies that commits and claims lock, and which transaction wrote it.
async fn locked(c: &mut PgConnection, process: i64) -> (String, String) {
    let row = "SELECT ctid::text, xmin::text FROM processes WHERE process = $1";
    query_as(row).bind(process).fetch_one(c).await.unwrap()
}

#[tokio::test]
async fn however_often_a_process_speaks_what_others_lock_stays_the_same_row() {
    let place = Postgres::new();
    let mut world = World::new(&place).await;
    let store = place.store().await;
    world.store = Arc::<PostgresStore>::clone(&store);
    let process = number_of(&store);
    let (mut direct, mut holder) = (place.direct().await, place.direct().await);
    let pinned = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM orders";
    raw_sql(pinned).execute(&mut holder).await.unwrap();
    let begun = locked(&mut direct, process).await;
    for revision in 1..=4 {
        let _told = world.say(say::order("shop_eu", "1", revision, "a")).await;
        let _claimed = store.claim(&SystemName::new("erp"), world.now, 10).await.unwrap();
        let last = word(&mut direct, process).await;
        until(async || word(&mut direct, process).await != last).await;
    }
    assert_eq!(locked(&mut direct, process).await, begun, "no word writes where others lock");
}

/// Each by its name, until when it is heard by its two rows, and what somebody does to it in an open transaction.
const PROCESSES: [(&str, &str, Option<&str>, Option<&str>); 7] = [
    ("silent", "infinity", Some("-1 second"), None),
    ("silent before", "-1 second", None, None),
    ("heard", "-1 second", Some("1 hour"), None),
    ("heard before", "1 hour", None, None),
    (
        "speaking",
        "infinity",
        Some("-1 second"),
        Some("UPDATE beats SET until = now() + interval '1 hour' WHERE process = $1"),
    ),
    (
        "speaking before",
        "-1 second",
        None,
        Some("UPDATE processes SET until = now() + interval '1 hour' WHERE process = $1"),
    ),
    ("committing", "infinity", Some("-1 second"), Some(before::COMMITS)),
];

/// Writes the rows of a process; its number.
async fn written(c: &mut PgConnection, name: &str, until: &str, beat: Option<&str>) -> i64 {
    let sql = "INSERT INTO processes (process, instance, until, search)
               SELECT nextval('process_numbers'), $1, CASE $2 WHEN 'infinity' THEN 'infinity'
                   ELSE clock_timestamp() + CAST($2 AS interval) END, 1 RETURNING process";
    let number = query_scalar(sql).bind(name).bind(until).fetch_one(&mut *c).await.unwrap();
    if let Some(beat) = beat {
        let sql = "INSERT INTO beats VALUES ($1, clock_timestamp() + CAST($2 AS interval))";
        query(sql).bind(number).bind(beat).execute(c).await.unwrap();
    }
    number
}

#[tokio::test]
async fn who_is_silent_is_taken_off_and_who_speaks_is_not() {
    let place = Postgres::new();
    let options = Options { instance: "the one that judges".to_owned(), ..place.options() };
    let store = PostgresStore::open(&options).await.unwrap();
    let mut direct = place.direct().await;
    let mut holder = place.direct().await;
    raw_sql("BEGIN").execute(&mut holder).await.unwrap();
    let mut numbers = Vec::new();
    for (name, until, beat, _) in PROCESSES {
        numbers.push(written(&mut direct, name, until, beat).await);
    }
    for ((.., done), number) in PROCESSES.iter().zip(&numbers) {
        if let Some(done) = *done {
            query(done).bind(number).execute(&mut holder).await.unwrap();
        }
    }
    for silent in &numbers[..2] {
        until_gone(&mut direct, *silent).await;
    }
    let stay = [
        "committing",
        "heard",
        "heard before",
        "speaking",
        "speaking before",
        "the one that judges",
    ];
    assert_eq!(names(&mut direct).await, stay, "with others, in the same look");
    raw_sql("COMMIT").execute(&mut holder).await.unwrap();
    let falls_silent = [
        "UPDATE beats SET until = clock_timestamp() WHERE process = $1",
        "UPDATE processes SET until = clock_timestamp() WHERE process = $1",
    ];
    for (falls_silent, number) in falls_silent.into_iter().zip(&numbers[2..4]) {
        query(falls_silent).bind(number).execute(&mut direct).await.unwrap();
    }
    for gone in numbers[2..4].iter().chain(&numbers[6..]) {
        until_gone(&mut direct, *gone).await;
    }
    let stay = ["speaking", "speaking before", "the one that judges"];
    assert_eq!(names(&mut direct).await, stay);
    assert!(store.lives());
}

#[tokio::test]
async fn a_program_of_the_schema_before_goes_on_beside_this_one() {
    let place = Postgres::new();
    let mut direct = place.direct().await;
    for script in before::SCHEMA {
        raw_sql(script).execute(&mut direct).await.unwrap();
    }
    place.sql("INSERT INTO meta (name, value) VALUES ('schema', '9')").await;
    let begins = query_scalar::<_, i64>(before::BEGINS).bind("former").bind(3_600.0);
    let former = begins.fetch_one(&mut direct).await.unwrap();
    let lease = "INSERT INTO leases (name, epoch, process, orderly)
                 VALUES ('queue:orders', nextval('lease_epochs'), $1, true)";
    query(lease).bind(former).execute(&mut direct).await.unwrap();
    let url = place.url_at(None);
    assert_eq!(look(&url, None).await.unwrap().processes, ["former"]);
    let options = Options { instance: "this one".to_owned(), ..place.options() };
    let store = PostgresStore::open(&options).await.unwrap();
    let seen = look(&url, None).await.unwrap();
    assert_eq!(
        (seen.schema, seen.processes),
        (seen.known, vec!["former".into(), "this one".into()])
    );
    assert_eq!((store.older(), seen.older), (vec!["former".to_owned()], vec!["former".to_owned()]));
    assert!(store.lease("queue:orders").await.unwrap().is_none(), "the former one has it");
    for (says, seconds) in [(before::SPEAKS, Some(3_600.0)), (before::COMMITS, None)] {
        let mut says = query(says).bind(former);
        if let Some(seconds) = seconds {
            says = says.bind(seconds);
        }
        assert_eq!(says.execute(&mut direct).await.unwrap().rows_affected(), 1);
    }
    let silent = query(before::SPEAKS).bind(former).bind(0.0);
    silent.execute(&mut direct).await.unwrap();
    until_gone(&mut direct, former).await;
    until(async || store.older().is_empty()).await;
    let taken = store.lease("queue:orders").await.unwrap().unwrap();
    assert!(!taken.is_orderly() && store.is_gone(u64::try_from(former).unwrap()));
    // It is there again, and looks for itself who is silent: longer ago than this one's first word.
    let begins = query_scalar::<_, i64>(before::BEGINS).bind("former").bind(3_600.0);
    let former = begins.fetch_one(&mut direct).await.unwrap();
    let gone: Vec<i64> = query_scalar(before::TAKES_OFF).fetch_all(&mut direct).await.unwrap();
    assert_eq!(gone, [0_i64; 0]);
    assert_eq!(names(&mut direct).await, ["former", "this one"]);
    // A minute later it tells the former one again.
    let later =
        "UPDATE processes SET until = clock_timestamp() + interval '30 seconds' WHERE process = $1";
    query(later).bind(number_of(&store)).execute(&mut direct).await.unwrap();
    let told =
        "SELECT until > clock_timestamp() + interval '1 minute' FROM processes WHERE process = $1";
    until(async || {
        query_scalar(told).bind(number_of(&store)).fetch_one(&mut direct).await.unwrap()
    })
    .await;
    query(before::LEAVES).bind(former).execute(&mut direct).await.unwrap();
    assert_eq!(look(&url, None).await.unwrap().processes, ["this one"]);
}

/// A machine that is cut off keeps its line, and with it the name, for longer than its process is heard.
#[tokio::test]
async fn a_name_is_free_when_its_process_is_silent_whatever_stands_in_the_other_row() {
    let place = Postgres::new();
    place.store().await.close().await;
    let mut line = place.direct().await;
    let named = "SELECT pg_advisory_lock(hashtextextended(current_schema() || '/cut off', $1))";
    query(named).bind(0x6f72_6465_7268_7562_i64 + 3).execute(&mut line).await.unwrap();
    let options = Options { instance: "cut off".to_owned(), ..place.options() };
    for (until, beat) in [("infinity", Some("-1 second")), ("-1 second", None)] {
        let before = written(&mut line, "cut off", until, beat).await;
        let store = PostgresStore::open(&options).await.unwrap();
        assert!(number_of(&store) > before, "it has begun at once");
        store.close().await;
    }
    written(&mut line, "cut off", "1 hour", None).await;
    let refused = PostgresStore::open(&options).await.unwrap_err().to_string();
    assert!(refused.contains("another hub named `cut off`"), "{refused}");
}

/// Whoever looks at the row of this process waits for the test, in the middle of a statement that has begun.
async fn held_up(c: &mut PgConnection, process: i64) {
    let view = format!(
        "ALTER TABLE beats RENAME TO words;
         CREATE VIEW beats AS SELECT process, until FROM words WHERE CASE process
             WHEN {process} THEN pg_advisory_xact_lock_shared(1) IS NOT NULL ELSE true END;
         SELECT pg_advisory_lock(1)"
    );
    raw_sql(AssertSqlSafe(view)).execute(c).await.unwrap();
}

#[tokio::test]
async fn who_speaks_while_it_is_being_taken_off_stays() {
    let place = Postgres::new();
    place.store().await.close().await;
    let mut direct = place.direct().await;
    let silent = written(&mut direct, "silent", "infinity", Some("-1 second")).await;
    let speaks = written(&mut direct, "speaks", "infinity", Some("-1 second")).await;
    held_up(&mut direct, speaks).await;
    let options = Options { instance: "the one that judges".to_owned(), ..place.options() };
    let _judge = PostgresStore::open(&options).await.unwrap();
    let waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
                     AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))";
    until(async || query_scalar(waits).fetch_one(&mut direct).await.unwrap()).await;
    let says = "UPDATE words SET until = clock_timestamp() + interval '1 hour' WHERE process = $1";
    query(says).bind(speaks).execute(&mut direct).await.unwrap();
    query("SELECT pg_advisory_unlock(1)").execute(&mut direct).await.unwrap();
    until_gone(&mut direct, silent).await;
    assert_eq!(names(&mut direct).await, ["speaks", "the one that judges"]);
}
