//! What only a file can do wrong: a full disk, damage, another process, another program's schema.

use std::sync::Arc;

use orderhub::store::sqlite::{Options, SqliteStore};
use orderhub::store::{AttemptFilter, Filter, Scope, StoreError};
use orderhub_order::hash::parts;
use orderhub_order::history::chain;

use crate::Sqlite;
use crate::contract::{Factory, World, order_of, say};

#[tokio::test]
async fn what_was_answered_is_there_after_a_kill() {
    let (place, copy) = (Sqlite::new(), Sqlite::new());
    let mut world = World::new(&place);
    for turn in 0..20 {
        let _outcome = world.say(say::order("shop_eu", &turn.to_string(), 1, "a")).await;
    }
    // What the disk holds at this moment, while the store is open: file and log, no closing.
    for file in ["orderhub.db", "orderhub.db-wal"] {
        std::fs::copy(place.0.path().join(file), copy.0.path().join(file)).unwrap();
    }
    let after = World::new(&copy);
    assert_eq!(after.orders().await, 20);
    assert_eq!(after.store.install(), world.store.install());
}

#[tokio::test]
async fn a_full_disk_acknowledges_nothing_and_passes() {
    let place = Sqlite::new();
    let mut world = World::new(&place);
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
    let mut world = world.reopen(&place);
    let message = world.message(vec![say::order("shop_eu", "there is room", 1, "a")]);
    assert!(world.apply(vec![message]).await.is_ok());
    assert_eq!(world.orders().await, stored + 1);
}

#[tokio::test]
async fn a_damaged_order_hurts_no_neighbour() {
    let place = Sqlite::new();
    let mut world = World::new(&place);
    let _first = world.say(say::order("shop_eu", "bad", 1, "a")).await;
    let direct = rusqlite::Connection::open(place.0.path().join("orderhub.db")).unwrap();
    direct.execute("UPDATE orders SET body = x'01FF'", []).unwrap();
    drop(direct);
    let mut world = world.reopen(&place);
    let batch: Vec<_> = (0..20)
        .map(|number| {
            let key = if number == 7 { "bad".to_owned() } else { number.to_string() };
            world.message(vec![say::order("shop_eu", &key, 2, "b")])
        })
        .collect();
    let outcomes = world.apply(batch).await.unwrap();
    let todo: Vec<usize> =
        (0..20).filter(|at| outcomes[*at].documents[0].order.is_none()).collect();
    assert_eq!(todo, [7]);
    assert_eq!(world.causes().await, ["fault"]);
}

#[tokio::test]
async fn a_waiter_and_a_reference_that_passed_each_other_are_joined_by_the_sweep() {
    let place = Sqlite::new();
    let mut world = World::new(&place);
    let _early = world.say(say::payment("T1", "1001")).await;
    assert_eq!(world.store.sweep(world.now).await.unwrap(), 0);
    let _order = world.say(say::order("shop_eu", "1001", 1, "a")).await;
    // As if the order's commit had not seen the waiter, which two replicas can do to each other.
    let direct = rusqlite::Connection::open(place.0.path().join("orderhub.db")).unwrap();
    direct.execute("UPDATE pending SET due_at = NULL, why = 'waiting'", []).unwrap();
    assert!(world.pending().await.is_empty());
    assert_eq!(world.store.sweep(world.now).await.unwrap(), 1);
    assert_eq!(world.pending().await.len(), 1);
}

#[tokio::test]
async fn a_second_process_is_refused_in_words() {
    let place = Sqlite::new();
    let _first = place.open();
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
    place.open().close().await;
    let direct = rusqlite::Connection::open(place.0.path().join("orderhub.db")).unwrap();
    direct.execute("UPDATE meta SET value = '99' WHERE name = 'schema'", []).unwrap();
    drop(direct);
    let refused = SqliteStore::open(&place.options()).unwrap_err();
    assert!(matches!(refused, StoreError::Newer { found: 99, .. }), "{refused}");
}

#[tokio::test]
async fn a_closed_store_says_so() {
    let place = Sqlite::new();
    let mut world = World::new(&place);
    world.store.ready().await.unwrap();
    world.store.close().await;
    let message = world.message(vec![say::order("shop_eu", "1", 1, "a")]);
    assert!(matches!(world.apply(vec![message]).await, Err(StoreError::Closed)));
    assert!(matches!(world.store.ready().await, Err(StoreError::Closed)));
    assert!(matches!(world.store.try_write().await, Err(StoreError::Closed)));
}

#[tokio::test]
async fn readiness_is_asked_without_a_write() {
    let place = Sqlite::new();
    let store = place.open();
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

#[tokio::test]
async fn the_chain_covers_who_why_when_and_what_and_holds_without_personal_values() {
    let place = Sqlite::new();
    let mut world = World::new(&place);
    let mut last = None;
    for turn in 1..=3 {
        let said = say::order("shop_eu", "1001", turn, &format!("note {turn}"));
        last = world.say(said).await.documents[0].order;
    }
    let direct = rusqlite::Connection::open(place.0.path().join("orderhub.db")).unwrap();
    // A customer is erased.
    assert_eq!(direct.execute("UPDATE changes SET personal = NULL", []).unwrap(), 3);
    let mut chains = direct.prepare("SELECT chain FROM changes ORDER BY version").unwrap();
    let chains = chains.query_map([], |row| row.get::<_, [u8; 32]>(0)).unwrap();
    let rows = world.store.changes(&Scope::All, last.unwrap()).await.unwrap();
    let mut link = [0; 32];
    for (row, stored) in rows.iter().zip(chains) {
        let (number, at) = (row.version.to_be_bytes(), row.at.as_nanosecond().to_be_bytes());
        let (who, why, by) = (row.actor.as_bytes(), row.cause.as_bytes(), row.bundle.as_bytes());
        let reason = row.reason.as_deref().unwrap_or_default().as_bytes();
        link = chain(&link, &parts([&number[..], &at, who, why, reason, by, &row.delta]));
        assert_eq!(link, stored.unwrap(), "version {}", row.version);
    }
    assert_eq!(rows.len(), 3);
}

/// Rows that no index tells apart are looked at one by one: a page ends before that takes long.
#[tokio::test]
async fn a_page_looks_at_so_many_rows_and_the_next_goes_on() {
    let place = Sqlite::new();
    let mut world = World::new(&place);
    let key = order_of(&world.say(say::order("shop_eu", "1", 1, "a")).await);
    world.store.close().await;
    let direct = rusqlite::Connection::open(place.0.path().join("orderhub.db")).unwrap();
    direct
        .execute_batch(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
             INSERT INTO receipts (k, at, system, operation, attempt, class, ms, why)
             SELECT 1, 0, 'erp', 'create_sale', 1, iif(i = 1, 'said_no', 'ok'), 1, '' FROM n
             UNION ALL SELECT 1, 0, 'erp', 'create_sale', 1, 'ok', 1, '';
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
             INSERT INTO orders SELECT k + i, unit, origin, ref, order_no, version, 'cancelled', holds,
                 placed_at, next_timer, chain, since_keyframe, body, personal FROM orders, n;",
        )
        .unwrap();
    drop(direct);
    let world = world.reopen(&place);
    let first =
        AttemptFilter { class: Some("said_no".to_owned()), limit: 50, ..Default::default() };
    let page = world.store.attempts(&Scope::All, &first).await.unwrap();
    assert!(page.items.is_empty(), "it is the oldest");
    let rest = AttemptFilter { cursor: page.next, ..first };
    let page = world.store.attempts(&Scope::All, &rest).await.unwrap();
    assert_eq!((page.items.len(), page.next), (1, None));
    let first = Filter { stage: Some("received".to_owned()), limit: 50, ..Default::default() };
    let page = world.store.list(&Scope::All, &first).await.unwrap();
    assert!(page.items.is_empty());
    let rest = Filter { cursor: page.next, ..first };
    let page = world.store.list(&Scope::All, &rest).await.unwrap();
    let found: Vec<_> = page.items.iter().map(|order| order.key).collect();
    assert_eq!((found, page.next), (vec![key], None));
}
