//! What becomes of a file when rows are thrown away: small steps, pages used again, bytes overwritten.

use std::sync::Arc;

use jiff::SignedDuration;
use orderhub::apply::Unit;
use orderhub::config::{Keep, KeptFor};
use orderhub::store::Scope;
use orderhub::store::sqlite::{Options, SqliteStore};

use crate::contract::{Factory as _, World, unit};
use crate::sqlite::Sqlite;

/// A world that keeps raw messages for so many days.
async fn world(place: &Sqlite, days: u16) -> World {
    let mut world = World::new(place).await;
    world.store.close().await;
    let keep = Keep { messages: KeptFor::days(days).unwrap(), ..Keep::default() };
    let options = Options { keep, ..place.options() };
    world.store = Arc::new(SqliteStore::open(&options).unwrap());
    world
}

fn later(world: &mut World, days: i64) {
    world.now = world.now.checked_add(SignedDuration::from_hours(24 * days)).unwrap();
}

/// A message that leaves its row behind and nothing else.
fn message(world: &World, body: &str) -> Unit {
    let mut unit = unit(world.now, None, body, Vec::new());
    unit.skipped = true;
    Unit::Message(Box::new(unit))
}

fn count(place: &Sqlite, sql: &str) -> i64 {
    place.direct().query_row(sql, [], |row| row.get(0)).unwrap()
}

/// Bytes that no compressor makes shorter.
fn noise(seed: u64) -> String {
    let mixed = |n: u64| (n ^ (n >> 31)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (0..100).map(|n| mixed(mixed(seed * 1_000 + n)).to_string()).collect()
}

#[tokio::test]
async fn a_step_is_bounded_and_the_next_goes_on() {
    let place = Sqlite::new();
    let mut world = world(&place, 1).await;
    for _ in 0..5 {
        let messages = (0..200).map(|_| message(&world, "body")).collect();
        world.apply(messages).await.unwrap();
    }
    later(&mut world, 3);
    let mut left = 1_000;
    let mut steps = 0;
    while world.store.prune(world.now).await.unwrap().more {
        let now = count(&place, "SELECT count(*) FROM messages");
        assert!(left - now <= 200, "{left} to {now} in one step");
        left = now;
        steps += 1;
        assert!(steps < 1_100, "it comes to an end");
    }
    assert_eq!(left, 0);
    assert!(steps > 5);
}

#[tokio::test]
async fn a_body_that_was_thrown_away_is_gone_from_the_file() {
    let place = Sqlite::new();
    let mut world = world(&place, 1).await;
    // Short ones lie in their page; long ones have pages of their own.
    let secret = "Ann Example, 1 Side Street";
    let long: String = std::iter::once(secret.to_owned()).chain((0..20).map(noise)).collect();
    let messages =
        (0..300).flat_map(|n| [message(&world, &format!("{n} {secret}")), message(&world, &long)]);
    let outcomes = world.apply(messages.collect()).await.unwrap();
    let first = outcomes[0].message.unwrap();
    // As they lie in the file, packed: one of each kind, and of the long one a part behind its first page.
    let stored = place.bytes("SELECT body FROM messages ORDER BY id LIMIT 2").await;
    let wanted = [secret.as_bytes(), &stored[1][stored[1].len() - 64..]];
    let holds = || {
        let files = ["orderhub.db", "orderhub.db-wal"].map(|name| place.0.path().join(name));
        let bytes = files.iter().flat_map(|file| std::fs::read(file).unwrap()).collect::<Vec<u8>>();
        wanted.map(|part| bytes.windows(part.len()).filter(|at| *at == part).count())
    };
    assert!(
        holds().iter().all(|times| *times >= 300),
        "they are looked for where they are: {:?}",
        holds()
    );
    later(&mut world, 3);
    world.prune().await;
    assert!(world.store.message(&Scope::All, first).await.unwrap().is_none());
    assert_eq!(holds(), [0, 0]);
}

#[tokio::test]
async fn a_log_that_somebody_reads_is_emptied_by_the_next_round() {
    let place = Sqlite::new();
    let mut world = world(&place, 1).await;
    world.apply((0..50).map(|_| message(&world, "body")).collect()).await.unwrap();
    later(&mut world, 3);
    let reader = place.direct();
    reader.execute_batch("BEGIN; SELECT count(*) FROM messages").unwrap();
    world.prune().await;
    let log = place.0.path().join("orderhub.db-wal");
    assert!(std::fs::metadata(&log).unwrap().len() > 0, "the reader needs it");
    // Who commits does not wait for the reader.
    world.apply(vec![message(&world, "body")]).await.unwrap();
    drop(reader);
    world.prune().await;
    assert_eq!(std::fs::metadata(&log).unwrap().len(), 0);
}

#[tokio::test]
async fn a_file_stops_growing_when_as_much_goes_as_comes() {
    let place = Sqlite::new();
    let mut world = world(&place, 2).await;
    let mut pages = Vec::new();
    for day in 0..30_u64 {
        for batch in 0..3 {
            let body = |n: u64| noise(day * 1_000 + batch * 100 + n);
            let messages = (0..60).map(|n| message(&world, &body(n))).collect();
            world.apply(messages).await.unwrap();
        }
        world.prune().await;
        pages.push(count(&place, "PRAGMA page_count"));
        later(&mut world, 1);
    }
    assert!(pages[3] > pages[0], "it grows at first: {pages:?}");
    let (then, last) = (pages[5], pages[29]);
    assert!(last <= then + then / 50, "{pages:?}");
}
