//! The one list of what every store must do, and how a store runs it.

use std::any::type_name_of_val;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::LocalBoxFuture;

use super::{
    Factory, answers, batches, damage, duplicates, fetches, flights, history, lanes, listens,
    lists, pauses, reading, retention, scopes, search, todos, waiting,
};

/// Cases that run at once; most of their time they wait for the disk.
const AT_ONCE: usize = 4;

struct Case {
    name: &'static str,
    run: Box<Run>,
}

type Run = dyn for<'f> Fn(&'f dyn Factory) -> LocalBoxFuture<'f, ()>;

fn case(run: impl AsyncFn(&dyn Factory) + Copy + 'static) -> Case {
    let name = type_name_of_val(&run);
    Case { name, run: Box::new(move |factory| Box::pin(async move { run(factory).await })) }
}

/// Every case, once.
fn cases() -> Vec<Case> {
    let mut cases = cases_of_intake();
    cases.extend(cases_of_what_is_asked_for());
    cases.extend(cases_of_what_is_kept());
    cases.extend(cases_of_what_follows());
    cases
}

/// What becomes of messages.
fn cases_of_intake() -> Vec<Case> {
    vec![
        case(duplicates::a_known_id_is_a_duplicate_and_changes_nothing),
        case(duplicates::a_known_id_with_another_body_is_shown_and_not_applied),
        case(duplicates::ids_are_remembered_over_weeks),
        case(duplicates::a_document_without_a_revision_is_never_older_than_one_before_a_restart),
        case(duplicates::what_says_nothing_new_leaves_only_its_id),
        case(batches::a_creation_race_in_one_batch_makes_one_order),
        case(batches::two_shops_with_one_number_are_two_orders),
        case(batches::one_number_twice_in_a_shop_gives_two_references),
        case(batches::a_message_of_several_documents_has_an_outcome_for_each),
        case(batches::batches_change_nothing_but_the_speed),
        case(batches::what_is_folded_ahead_changes_nothing_but_the_speed),
        case(batches::what_is_folded_before_its_turn_changes_nothing),
        case(batches::a_unit_that_fails_alone_hurts_no_neighbour),
        case(
            batches::a_message_names_the_bundle_that_mapped_it_and_a_change_the_one_that_folded_it,
        ),
        case(waiting::a_shipment_before_its_order_waits_and_is_woken),
        case(waiting::in_one_batch_it_is_woken_too),
        case(waiting::only_the_document_that_waited_is_driven_again),
        case(waiting::what_waits_for_a_week_is_shown),
        case(waiting::what_is_asked_for_again_and_waits_is_one_that_waits),
        case(waiting::a_suspect_is_stored_and_driven_alone),
        case(waiting::three_drives_without_an_end_make_a_todo),
        case(waiting::what_waits_for_its_system_is_given_to_who_asks_it),
        case(reading::what_waits_for_an_answer_is_woken_by_one_and_by_other_files),
        case(reading::what_waits_is_found_by_what_it_is_about),
        case(reading::facts_wait_behind_a_document_that_waits_for_a_look_up),
        case(reading::a_later_document_frees_what_waits_behind_one_that_waits),
        case(reading::what_waits_and_is_discarded_holds_nothing_back),
        case(reading::a_document_that_is_driven_again_counts_with_its_end),
        case(todos::what_fails_again_in_the_same_way_keeps_its_number),
        case(todos::what_is_asked_for_again_and_cannot_be_read_is_one_todo),
        case(todos::what_is_asked_for_again_and_names_nothing_is_known_by_its_bytes),
        case(todos::a_conflict_is_one_todo_that_ends_with_it),
        case(todos::a_revision_that_is_still_to_come_is_told_once),
        case(todos::what_cannot_be_mapped_is_parked_with_its_place),
        case(todos::a_later_document_of_the_key_supersedes),
        case(todos::facts_wait_behind_a_parked_document_of_their_order),
        case(todos::a_replay_drives_the_message_again),
        case(todos::a_discarded_todo_keeps_its_reason_and_its_message),
        case(todos::a_person_who_is_refused_leaves_nothing_to_do),
        case(todos::an_act_on_an_order_that_is_not_there_is_shown),
        case(todos::the_open_ones_are_found_by_kind_system_cause_and_order),
        case(todos::gates_and_unwanted_kinds_are_stored),
        case(history::every_version_shows_as_it_was),
        case(history::what_a_bystander_said_of_a_line_stays_when_it_comes_back_otherwise),
        case(history::what_a_bystander_said_stays_when_the_order_changes),
        case(history::what_a_system_said_stays_when_the_order_changes),
        case(history::what_is_read_back_is_what_was_folded),
        case(history::each_change_says_who_and_what),
        case(history::a_change_by_a_person_keeps_the_reason),
    ]
}

/// What the hub asks systems for by itself.
fn cases_of_what_is_asked_for() -> Vec<Case> {
    vec![
        case(fetches::an_answer_settles_the_hints_before_it),
        case(fetches::a_hint_is_counted_once_and_only_if_it_is_stored),
        case(fetches::what_is_put_off_waits_whatever_hints_come),
        case(fetches::hints_go_before_what_a_listing_named),
        case(fetches::a_cursor_moves_with_its_page_or_not_at_all),
    ]
}

/// What is kept how long.
fn cases_of_what_is_kept() -> Vec<Case> {
    vec![
        case(retention::a_day_goes_when_its_last_moment_is_over),
        case(retention::versions_are_kept_for_ever),
        case(retention::minutes_go_with_their_day),
        case(retention::what_waits_or_is_an_open_todo_is_kept_beyond_its_time),
        case(retention::a_todo_that_is_replayed_late_has_its_message),
        case(retention::a_clock_that_steps_back_over_midnight_loses_nothing),
        case(retention::a_batch_of_yesterday_is_committed_while_days_go),
    ]
}

/// What becomes of orders: deliveries, lists, damage.
fn cases_of_what_follows() -> Vec<Case> {
    vec![
        case(flights::a_document_waits_for_a_call_to_its_system_and_is_woken),
        case(flights::a_call_that_was_prepared_early_forgets_no_wish),
        case(flights::a_flight_is_its_process_s_until_its_deadline_and_anybody_s_after_its_end),
        case(flights::an_id_that_is_bound_elsewhere_is_not_bound_again),
        case(flights::an_act_that_cannot_be_folded_holds_its_lane),
        case(flights::a_memo_that_names_another_order_stops_the_call),
        case(flights::a_call_that_goes_again_is_handed_to_the_dispatcher),
        case(flights::a_call_that_is_let_be_is_dropped),
        case(lanes::a_lane_made_due_is_reserved_until_the_process_ends),
        case(lanes::a_ring_without_room_gives_lanes_back),
        case(lanes::a_lane_beyond_the_room_of_its_ring_is_free_for_others),
        case(lanes::a_call_of_a_process_that_is_another_by_now_does_not_take_off),
        case(lanes::what_the_dispatcher_skipped_is_not_due_any_more),
        case(lanes::what_waits_in_the_store_for_its_turn_is_claimed_then_and_not_before),
        case(lanes::the_oldest_wish_is_told_while_it_waits),
        case(lanes::what_was_put_off_is_found_and_hurried),
        case(lanes::what_rests_is_found_with_and_without_holds),
        case(lists::orders_are_found_by_what_they_are),
        case(lists::pages_follow_each_other_without_gap_or_end_page),
        case(lists::attempts_are_found_over_all_orders),
        case(scopes::what_lies_outside_of_a_scope_is_not_there),
        case(search::what_finds_an_order_follows_it),
        case(search::a_number_names_an_order_and_no_invoice_or_parcel_of_another),
        case(search::a_number_of_many_orders_finds_the_newest_that_are_seen),
        case(search::personal_values_lie_in_no_table_of_the_search),
        case(search::pages_of_what_is_found_follow_each_other),
        case(search::what_was_there_before_is_found_when_the_job_is_done),
        case(search::lines_are_rows_that_follow_their_order),
        case(lists::a_cursor_that_no_page_gave_is_refused),
        case(answers::a_key_is_answered_once_and_then_the_same_again),
        case(answers::a_key_that_nobody_answered_can_be_taken_again),
        case(listens::what_is_gone_is_kept_with_the_switch_and_owed),
        case(listens::a_list_that_cannot_be_read_stays),
        case(pauses::a_pause_outlives_the_process_until_it_is_ended),
        case(pauses::what_a_system_said_last_is_kept_whoever_heard_it),
        case(damage::a_damaged_order_hurts_no_neighbour),
        case(damage::a_waiter_and_a_reference_that_passed_each_other_are_joined_by_the_sweep),
        case(damage::a_closed_store_says_so),
        case(damage::the_chain_covers_who_why_when_and_what_and_holds_without_personal_values),
        case(damage::a_page_looks_at_so_many_rows_and_the_next_goes_on),
        case(damage::texts_that_a_store_cannot_hold_are_todos_in_every_store),
        case(damage::letters_that_a_store_may_not_know_hurt_no_neighbour),
    ]
}

/// Runs every case, each on a place of its own, and names those that failed.
pub(crate) fn run(place: &(dyn Fn() -> Box<dyn Factory> + Sync)) {
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                let cases = cases();
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if catch_unwind(AssertUnwindSafe(|| alone(case, &*place()))).is_err() {
                        failed.lock().unwrap().push(case.name);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "these cases failed, see above: {failed:#?}");
}

fn alone(case: &Case, factory: &dyn Factory) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on((case.run)(factory));
}
