//! The contract of stores, run over SQLite; what only a file can do wrong; the loops above a store.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic, its helpers too"
)]

use std::sync::Arc;

use orderhub::store::Store;
use orderhub::store::sqlite::{Options, SqliteStore};
use tempfile::TempDir;

mod apply;
mod contract;
mod file;
mod jobs;

use contract::{
    Factory, batches, duplicates, flights, history, lanes, lists, pauses, todos, waiting,
};

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
    duplicates::a_document_without_a_revision_is_never_older_than_one_before_a_restart(
        &Sqlite::new(),
    )
    .await;
    duplicates::what_says_nothing_new_leaves_only_its_id(&Sqlite::new()).await;
}

#[tokio::test]
async fn batches() {
    batches::a_creation_race_in_one_batch_makes_one_order(&Sqlite::new()).await;
    batches::two_shops_with_one_number_are_two_orders(&Sqlite::new()).await;
    batches::one_number_twice_in_a_shop_gives_two_references(&Sqlite::new()).await;
    batches::a_message_of_several_documents_has_an_outcome_for_each(&Sqlite::new()).await;
    batches::batches_change_nothing_but_the_speed(&Sqlite::new(), &Sqlite::new()).await;
    batches::what_is_folded_ahead_changes_nothing_but_the_speed(&Sqlite::new(), &Sqlite::new())
        .await;
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
    todos::a_person_who_is_refused_leaves_nothing_to_do(&Sqlite::new()).await;
    todos::an_act_on_an_order_that_is_not_there_is_shown(&Sqlite::new()).await;
    todos::the_open_ones_are_found_by_kind_system_cause_and_order(&Sqlite::new()).await;
    todos::gates_and_unwanted_kinds_are_stored(&Sqlite::new()).await;
}

#[tokio::test]
async fn history() {
    history::every_version_shows_as_it_was(&Sqlite::new()).await;
    history::what_is_read_back_is_what_was_folded(&Sqlite::new()).await;
    history::each_change_says_who_and_what(&Sqlite::new()).await;
    history::a_change_by_a_person_keeps_the_reason(&Sqlite::new()).await;
}

#[tokio::test]
async fn flights() {
    flights::a_document_waits_for_a_call_to_its_system_and_is_woken(&Sqlite::new()).await;
    flights::a_flight_outlives_its_process_and_lapses_at_its_deadline(&Sqlite::new()).await;
    flights::an_id_that_is_bound_elsewhere_is_not_bound_again(&Sqlite::new()).await;
    flights::an_act_that_cannot_be_folded_holds_its_lane(&Sqlite::new()).await;
    flights::a_memo_that_names_another_order_stops_the_call(&Sqlite::new()).await;
    flights::a_call_that_goes_again_is_handed_to_the_dispatcher(&Sqlite::new()).await;
    flights::a_call_that_is_let_be_is_dropped(&Sqlite::new()).await;
}

#[tokio::test]
async fn lanes() {
    lanes::a_lane_made_due_is_reserved_until_the_process_ends(&Sqlite::new()).await;
    lanes::a_ring_without_room_gives_lanes_back(&Sqlite::new()).await;
    lanes::what_the_dispatcher_skipped_is_not_due_any_more(&Sqlite::new()).await;
}

#[tokio::test]
async fn lists() {
    lists::orders_are_found_by_what_they_are(&Sqlite::new()).await;
    lists::pages_follow_each_other_without_gap_or_end_page(&Sqlite::new()).await;
    lists::attempts_are_found_over_all_orders(&Sqlite::new()).await;
    lists::a_cursor_that_no_page_gave_is_refused(&Sqlite::new()).await;
}

#[tokio::test]
async fn pauses() {
    pauses::a_pause_outlives_the_process_until_it_is_ended(&Sqlite::new()).await;
}
