//! What only a file can do wrong: a full disk, damage, another process, another program's schema.

use std::sync::Arc;

use orderhub::apply::Unit;
use orderhub::store::sqlite::{Options, SqliteStore};
use orderhub::store::{Batch, Outcomes, StoreError};

use tokio::task::JoinHandle;

use crate::contract::{Factory, World, say};
use crate::sqlite::Sqlite;

#[tokio::test]
async fn what_was_answered_is_there_after_a_kill() {
    let (place, copy) = (Sqlite::new(), Sqlite::new());
    let mut world = World::new(&place).await;
    for turn in 0..20 {
        let _outcome = world.say(say::order("shop_eu", &turn.to_string(), 1, "a")).await;
    }
    // What the disk holds at this moment, while the store is open: file and log, no closing.
    for file in ["orderhub.db", "orderhub.db-wal"] {
        std::fs::copy(place.0.path().join(file), copy.0.path().join(file)).unwrap();
    }
    let after = World::new(&copy).await;
    assert_eq!(after.orders().await, 20);
    assert_eq!(after.store.install(), world.store.install());
}

#[tokio::test]
async fn a_full_disk_acknowledges_nothing_and_passes() {
    let place = Sqlite::new();
    let mut world = World::new(&place).await;
    let _first = world.say(say::order("shop_eu", "1", 1, "a")).await;
    world.store.close().await;
    let tight = Options { most_pages: Some(60), ..place.options() };
    let store = Arc::new(SqliteStore::open(&tight).unwrap());
    world.store = store;
    let mut stored = 1;
    let full = loop {
        let message = world.message(vec![say::order("shop_eu", &format!("n{stored}"), 1, "a")]);
        match world.apply(vec![message]).await {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
        assert!(stored < 1_000, "the file never filled");
    };
    assert!(matches!(full, StoreError::Full), "{full}");
    assert_eq!(world.orders().await, stored);
    for _ in 0..2 {
        assert!(
            matches!(world.store.ready().await, Err(StoreError::Full)),
            "until a write succeeds"
        );
    }
    // The row of a trial has its place in the file.
    world.store.sweep(world.now).await.unwrap();
    world.store.ready().await.unwrap();
    world.store.close().await;
    let mut world = world.reopen(&place).await;
    let message = world.message(vec![say::order("shop_eu", "there is room", 1, "a")]);
    assert!(world.apply(vec![message]).await.is_ok());
    assert_eq!(world.orders().await, stored + 1);
}

#[tokio::test]
async fn the_log_does_not_grow_under_load() {
    let place = Sqlite::new();
    let mut world = World::new(&place).await;
    let log = place.0.path().join("orderhub.db-wal");
    let body: String =
        (0_u64..400).map(|n| n.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_string()).collect();
    let (mut under_way, mut most) = (None::<JoinHandle<Result<Outcomes, StoreError>>>, 0);
    for turn in 0..120_i64 {
        let mut units = Vec::new();
        // More orders than are kept decoded, so that each is read anew.
        for key in (0..100).map(|place| (turn * 100 + place) % 1_500) {
            let mut message = world.message(vec![say::order(
                "shop_eu",
                &key.to_string(),
                turn,
                &turn.to_string(),
            )]);
            if let Unit::Message(message) = &mut message {
                message.envelope.body = body.clone().into();
            }
            units.push(message);
        }
        let batch = Batch::new(units, Arc::clone(&world.bundle), world.now);
        let batch = world.store.prepare(batch).await.unwrap();
        if let Some(before) = under_way.take() {
            before.await.unwrap().unwrap();
        }
        let store = Arc::clone(&world.store);
        under_way = Some(tokio::spawn(async move { store.commit(batch).await }));
        most = most.max(std::fs::metadata(&log).map_or(0, |log| log.len()));
    }
    under_way.unwrap().await.unwrap().unwrap();
    assert!(most > 16 << 20, "{most}: it began anew");
    assert!(most < 48 << 20, "{most}");
}

#[tokio::test]
async fn a_second_process_is_refused_in_words() {
    let place = Sqlite::new();
    let _first = place.open().await;
    let second = SqliteStore::open(&place.options()).unwrap_err().to_string();
    assert!(second.contains("is in use by another process"), "{second}");
    let link = place.0.path().join("link.db");
    std::os::unix::fs::symlink(place.0.path().join("orderhub.db"), &link).unwrap();
    let second = SqliteStore::open(&Options::at(link)).unwrap_err().to_string();
    assert!(second.contains("is in use by another process"), "by another name: {second}");
}

#[tokio::test]
async fn a_store_of_a_newer_program_is_refused() {
    let place = Sqlite::new();
    place.open().await.close().await;
    let direct = rusqlite::Connection::open(place.0.path().join("orderhub.db")).unwrap();
    direct.execute("UPDATE meta SET value = '99' WHERE name = 'schema'", []).unwrap();
    drop(direct);
    let refused = SqliteStore::open(&place.options()).unwrap_err();
    assert!(matches!(refused, StoreError::Newer { found: 99, .. }), "{refused}");
}

#[tokio::test]
async fn a_store_from_before_the_first_release_is_refused_in_words() {
    let place = Sqlite::new();
    place.open().await.close().await;
    let direct = rusqlite::Connection::open(place.0.path().join("orderhub.db")).unwrap();
    direct.execute("UPDATE meta SET value = '1' WHERE name = 'schema'", []).unwrap();
    drop(direct);
    let refused = SqliteStore::open(&place.options()).unwrap_err();
    assert!(matches!(refused, StoreError::Unreleased), "{refused}");
}

#[tokio::test]
async fn a_closed_store_is_one_file() {
    let place = Sqlite::new();
    let mut world = World::new(&place).await;
    for turn in 0..20 {
        let units = (0..20).map(|key| {
            world.message(vec![say::order("shop_eu", &key.to_string(), turn, &turn.to_string())])
        });
        let batch = Batch::new(units.collect(), Arc::clone(&world.bundle), world.now);
        let batch = world.store.prepare(batch).await.unwrap();
        world.store.commit(batch).await.unwrap();
    }
    world.store.close().await;
    for left in ["orderhub.db-wal", "orderhub.db-shm"] {
        assert!(!place.0.path().join(left).exists(), "{left}");
    }
}

#[tokio::test]
async fn readiness_is_asked_without_a_write() {
    let place = Sqlite::new();
    let store = place.open().await;
    let direct = rusqlite::Connection::open(place.0.path().join("orderhub.db")).unwrap();
    // Raised by every commit of another connection.
    let commits =
        || direct.query_row("PRAGMA data_version", [], |row| row.get::<_, i64>(0)).unwrap();
    let before = commits();
    store.ready().await.unwrap();
    assert_eq!(commits(), before);
    store.try_write().await.unwrap();
    assert_ne!(commits(), before);
}
