//! The contract of stores, run over SQLite; and what only a file can do wrong.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic, its helpers too"
)]

use std::sync::Arc;

use orderhub::store::sqlite::{Options, SqliteStore};
use orderhub::store::{Store, StoreError};
use tempfile::TempDir;

mod contract;

use contract::{Factory, World, batches, duplicates, history, lanes, say, todos, waiting};

/// A file in a folder that goes with it.
struct Sqlite(TempDir);

impl Sqlite {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn options(&self) -> Options {
        Options::at(self.0.path().join("orderhub.db"))
    }
}

impl Factory for Sqlite {
    fn open(&self) -> Arc<dyn Store> {
        Arc::new(SqliteStore::open(&self.options()).unwrap())
    }
}

#[tokio::test]
async fn duplicates() {
    duplicates::a_known_id_is_a_duplicate_and_changes_nothing(&Sqlite::new()).await;
    duplicates::a_known_id_with_another_body_is_shown_and_not_applied(&Sqlite::new()).await;
    duplicates::ids_are_remembered_over_weeks(&Sqlite::new()).await;
    duplicates::what_says_nothing_new_leaves_only_its_id(&Sqlite::new()).await;
}

#[tokio::test]
async fn batches() {
    batches::a_creation_race_in_one_batch_makes_one_order(&Sqlite::new()).await;
    batches::two_shops_with_one_number_are_two_orders(&Sqlite::new()).await;
    batches::one_number_twice_in_a_shop_gives_two_references(&Sqlite::new()).await;
    batches::a_message_of_several_documents_has_an_outcome_for_each(&Sqlite::new()).await;
    batches::batches_change_nothing_but_the_speed(&Sqlite::new(), &Sqlite::new()).await;
}

#[tokio::test]
async fn a_unit_that_fails_alone_hurts_no_neighbour() {
    batches::a_unit_that_fails_alone_hurts_no_neighbour(&Sqlite::new()).await;
}

#[tokio::test]
async fn waiting() {
    waiting::a_shipment_before_its_order_waits_and_is_woken(&Sqlite::new()).await;
    waiting::in_one_batch_it_is_woken_too(&Sqlite::new()).await;
    waiting::only_the_document_that_waited_is_driven_again(&Sqlite::new()).await;
    waiting::what_waits_for_a_week_is_shown(&Sqlite::new()).await;
    waiting::a_reference_that_passed_by_is_joined_by_the_sweep(&Sqlite::new()).await;
}

#[tokio::test]
async fn suspects() {
    waiting::a_suspect_is_stored_and_driven_alone(&Sqlite::new()).await;
    waiting::three_drives_without_an_end_make_a_todo(&Sqlite::new()).await;
}

#[tokio::test]
async fn todos() {
    todos::what_cannot_be_mapped_is_parked_with_its_place(&Sqlite::new()).await;
    todos::a_later_document_of_the_key_supersedes(&Sqlite::new()).await;
    todos::facts_wait_behind_a_parked_document_of_their_order(&Sqlite::new()).await;
    todos::a_replay_drives_the_message_again(&Sqlite::new()).await;
    todos::a_discarded_todo_keeps_its_reason_and_its_message(&Sqlite::new()).await;
    todos::gates_and_unwanted_kinds_are_stored(&Sqlite::new()).await;
}

#[tokio::test]
async fn history() {
    history::every_version_shows_as_it_was(&Sqlite::new()).await;
    history::each_change_says_who_and_what(&Sqlite::new()).await;
}

#[tokio::test]
async fn lanes() {
    lanes::a_lane_made_due_is_reserved_until_the_process_ends(&Sqlite::new()).await;
    lanes::a_ring_without_room_gives_lanes_back(&Sqlite::new()).await;
    lanes::what_the_dispatcher_skipped_is_not_due_any_more(&Sqlite::new()).await;
}

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
async fn a_second_process_is_refused_in_words() {
    let place = Sqlite::new();
    let _first = place.open();
    let second = SqliteStore::open(&place.options()).unwrap_err().to_string();
    assert!(second.contains("is in use by another process"), "{second}");
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
    world.store.ping().await.unwrap();
    world.store.close().await;
    let message = world.message(vec![say::order("shop_eu", "1", 1, "a")]);
    assert!(matches!(world.apply(vec![message]).await, Err(StoreError::Closed)));
}
