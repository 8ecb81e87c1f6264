//! Deliveries through the real store and fold, against a twin with faults.

use std::time::Duration;

use orderhub_order::ids::{At, SystemName};
use orderhub_order::lane::LaneCode;
use orderhub_order::rules::Mode;

use super::prospect::prospects;
use crate::resilience::Policy;
use crate::resilience::gate::{BreakerPolicy, Force, GateState};
use crate::resilience::retry::Retries;
use crate::store::Scope;

mod again;
mod changed;
mod down;
mod ease;
mod echoes;
mod files;
mod keys;
mod permits;
mod proofs;
mod read;
mod rig;
mod session;
mod systems;
mod told;
mod twin;
mod woken;

use rig::{ERP, Rig, SINK, Setup};
use twin::Fault;

fn erp() -> SystemName {
    SystemName::new(ERP)
}

#[tokio::test]
async fn an_order_is_delivered_once_to_each_system_and_its_reference_is_bound() {
    let rig = Rig::new(Setup::default());
    let key = rig.order(1001, 1, "captured").await;
    let lane = rig.delivered(key, ERP).await;
    assert!(lane.ext_id("order", &At::ROOT).is_some_and(|id| id.starts_with('S')));
    rig.delivered(key, SINK).await;
    assert_eq!(rig.twin.effects().len(), 2);
    assert_eq!(lane.code, Some(LaneCode::Delivered));
    let classes: Vec<_> = rig.receipts(key).await.into_iter().map(|row| row.class).collect();
    assert_eq!(classes, ["ok", "ok"]);
}

#[tokio::test]
async fn an_answer_lost_after_the_effect_is_looked_for_and_nothing_is_made_twice() {
    let rig = Rig::new(Setup::default());
    rig.deliverer.pause(&SystemName::new(SINK), "only the erp matters here");
    rig.twin.fail_with([Fault::LostAfterEffect]);
    let key = rig.order(1001, 1, "captured").await;
    let lane = rig.delivered(key, ERP).await;
    assert!(lane.ext_id("order", &At::ROOT).is_some());
    assert_eq!(rig.twin.sales().len(), 1);
    let rows = rig.receipts(key).await;
    assert!(rows.iter().any(|row| row.class == "may_have_acted" && row.status == Some(504)));
}

#[tokio::test]
async fn what_was_looked_for_in_vain_is_looked_for_again_before_it_is_made() {
    let rig = Rig::new(Setup::default());
    rig.deliverer.pause(&SystemName::new(SINK), "only the erp matters here");
    rig.twin.fail_with([Fault::LostBeforeEffect, Fault::Refused, Fault::Refused]);
    let key = rig.order(1001, 1, "captured").await;
    rig.delivered(key, ERP).await;
    assert_eq!(rig.twin.sales().len(), 1);
    let classes: Vec<_> = rig.receipts(key).await.into_iter().map(|row| row.class).collect();
    assert_eq!(classes, ["ok", "not_acted", "may_have_acted"]);
    let requests = rig.twin.requests.lock().unwrap().clone();
    let after = requests.iter().skip(2).map(|(method, ..)| method.as_str());
    let after: Vec<_> = after.collect();
    assert_eq!(after, ["GET", "POST", "POST", "GET", "POST"], "{requests:#?}");
}

#[tokio::test]
async fn a_step_that_certainly_did_not_act_is_not_in_doubt_for_the_one_before_it() {
    let rig = Rig::new(Setup { create: "create_in_two", ..Setup::default() });
    rig.deliverer.pause(&SystemName::new(SINK), "only the erp matters here");
    rig.twin.fail_with([Fault::Works, Fault::Refused, Fault::Refused]);
    let key = rig.order(1001, 1, "captured").await;
    let lane = rig.until(key, ERP, |lane| lane.code == Some(LaneCode::Retry)).await;
    let flight = lane.flying.unwrap();
    assert!(flight.wrote && !flight.may_have_acted && !flight.may_be_replaced(), "{flight:?}");
    let attempt = rig.receipts(key).await.pop().unwrap();
    assert_eq!(attempt.class, "may_have_acted", "the party is there: {attempt:?}");
    assert!(attempt.why.contains("an earlier step of this attempt took effect"), "{attempt:?}");
    rig.delivered(key, ERP).await;
    let effects = rig.twin.effects();
    let made = |path: &str| effects.iter().filter(|effect| effect.starts_with(path)).count();
    assert_eq!((made("/parties"), made("/sales")), (1, 1), "{effects:?}");
}

#[tokio::test]
async fn looking_begins_only_when_the_system_may_have_settled() {
    let rig = Rig::new(Setup::default());
    rig.deliverer.pause(&SystemName::new(SINK), "only the erp matters here");
    rig.twin.fail_with([Fault::LostAfterEffect]);
    let key = rig.order(1001, 1, "captured").await;
    let lane = rig.until(key, ERP, |lane| lane.code == Some(LaneCode::Retry)).await;
    let flight = lane.flying.unwrap();
    let wait = lane.due_at.unwrap().duration_since(flight.began.unwrap());
    // The step's timeout and its `settles`.
    assert!(wait.as_millis() >= 1_300, "{wait:?}");
    rig.delivered(key, ERP).await;
    assert_eq!(rig.twin.sales().len(), 1);
}

#[tokio::test]
async fn a_hang_after_the_effect_of_a_write_that_cannot_be_repeated_is_shown_to_a_person() {
    let rig = Rig::new(Setup { create: "create_unsafe", ..Setup::default() });
    rig.deliverer.pause(&SystemName::new(SINK), "only the erp matters here");
    rig.twin.fail_with([Fault::Hangs]);
    let key = rig.order(1001, 1, "captured").await;
    let lane = rig.until(key, ERP, |lane| lane.code == Some(LaneCode::InDoubt)).await;
    assert!(lane.due_at.is_none() && lane.flying.is_some());
    let todos = rig.store.todos(&crate::store::Scope::All, &all()).await.unwrap().items;
    assert!(todos.iter().any(|todo| todo.item.kind == orderhub_order::fold::TodoKind::InDoubt));
    assert_eq!(rig.twin.effects().len(), 1);
}

fn all() -> crate::store::TodoFilter {
    crate::store::TodoFilter { limit: 10, ..crate::store::TodoFilter::default() }
}

#[tokio::test]
async fn a_retry_goes_under_the_same_key_and_nothing_supersedes_it() {
    let rig = Rig::new(Setup::default());
    rig.deliverer.pause(&erp(), "only the sink matters here");
    rig.twin.fail_with([Fault::LostAfterEffect, Fault::LostAfterEffect, Fault::LostAfterEffect]);
    let key = rig.order(1001, 1, "captured").await;
    rig.until(key, SINK, |lane| lane.flying.as_ref().is_some_and(|f| f.may_have_acted)).await;
    rig.order(1001, 2, "partially_refunded").await;
    rig.delivered(key, SINK).await;
    let requests = rig.twin.requests.lock().unwrap().clone();
    let keys: std::collections::BTreeSet<_> = requests.iter().map(|(_, _, key)| key).collect();
    assert_eq!(keys.len(), 1, "nothing supersedes what may have acted: {requests:#?}");
}

#[tokio::test]
async fn what_certainly_did_not_arrive_gives_way_to_the_newest_state() {
    let rig = Rig::new(Setup::default());
    rig.deliverer.pause(&erp(), "only the sink matters here");
    rig.twin.fail_with([Fault::Refused, Fault::Refused]);
    let key = rig.order(1001, 1, "captured").await;
    rig.until(key, SINK, |lane| lane.code == Some(LaneCode::Retry)).await;
    rig.order(1001, 2, "partially_refunded").await;
    let lane = rig.delivered(key, SINK).await;
    assert!(lane.sent.values().all(|sent| sent.version >= 2), "{:?}", lane.sent);
    assert_eq!(rig.twin.effects().len(), 1);
}

#[tokio::test]
async fn a_create_that_only_looked_may_still_give_way() {
    let rig = Rig::new(Setup::default());
    rig.deliverer.pause(&SystemName::new(SINK), "only the erp matters here");
    rig.twin.fail_with([Fault::Refused, Fault::Refused]);
    let key = rig.order(1001, 1, "captured").await;
    let lane = rig.until(key, ERP, |lane| lane.code == Some(LaneCode::Retry)).await;
    let flight = lane.flying.unwrap();
    assert!(flight.may_be_replaced(), "found nothing, wrote nothing");
}

#[tokio::test]
async fn a_create_without_a_name_in_its_answer_is_in_doubt() {
    let rig = Rig::new(Setup::default());
    rig.deliverer.pause(&SystemName::new(SINK), "only the erp matters here");
    rig.twin.fail_with([Fault::Nameless]);
    let key = rig.order(1001, 1, "captured").await;
    rig.until(key, ERP, |lane| lane.code == Some(LaneCode::InDoubt)).await;
}

#[tokio::test]
async fn a_refusal_is_final_and_blocks_nobody_else() {
    let rig = Rig::new(Setup::default());
    rig.deliverer.pause(&erp(), "only the sink matters here");
    rig.twin.fail_with([Fault::SaysNo]);
    let first = rig.order(1001, 1, "captured").await;
    rig.until(first, SINK, |lane| lane.code == Some(LaneCode::Dead)).await;
    let second = rig.order(1002, 1, "captured").await;
    rig.delivered(second, SINK).await;
}

#[tokio::test]
async fn a_preview_says_what_would_really_happen() {
    let rig = Rig::new(Setup::default());
    rig.deliverer.pause(&SystemName::new(SINK), "only the erp matters here");
    rig.twin.fail_with([Fault::SaysNo]);
    let key = rig.order(1001, 1, "captured").await;
    rig.until(key, ERP, |lane| lane.code == Some(LaneCode::Dead)).await;
    let code = async |system: &str| {
        let state = rig.store.state(&Scope::All, key).await.unwrap().unwrap();
        let stands = |system: &SystemName, operation: &str| rig.deliverer.stands(system, operation);
        let found = prospects(&rig.deliverer.common.bundle(), &state, 0, stands);
        found.into_iter().find(|one| one.system == system).unwrap().code
    };
    assert_eq!(code(ERP).await, Some(LaneCode::Dead), "a person has to decide first");
    assert_eq!(code(SINK).await, Some(LaneCode::Paused));
    rig.deliverer.force(&SystemName::new(SINK), "put", Some(Force::Open));
    rig.deliverer.common.stopping.cancel();
    rig.deliverer.resume(&SystemName::new(SINK));
    assert_eq!(code(SINK).await, Some(LaneCode::BreakerOpen));
    rig.deliverer.force(&SystemName::new(SINK), "put", None);
    assert_eq!(code(SINK).await, None, "it would be called");
}

#[tokio::test]
async fn throttling_waits_as_asked_and_spends_no_attempt() {
    let rig = Rig::new(Setup::default());
    rig.deliverer.pause(&erp(), "only the sink matters here");
    rig.twin.fail_with([Fault::Throttled(1)]);
    let start = std::time::Duration::from_secs(1);
    let began = tokio::time::Instant::now();
    let key = rig.order(1001, 1, "captured").await;
    let lane = rig.until(key, SINK, |lane| lane.code == Some(LaneCode::Limited)).await;
    assert_eq!(lane.attempts, 0);
    rig.delivered(key, SINK).await;
    assert!(began.elapsed() >= start);
    assert_eq!(rig.receipts(key).await[0].attempt, 1);
}

#[tokio::test]
async fn a_refused_credential_pauses_the_system_until_it_is_taken_again() {
    let rig = Rig::new(Setup::default());
    rig.deliverer.pause(&erp(), "only the sink matters here");
    rig.twin.fail_with([Fault::NotAllowed]);
    let key = rig.order(1001, 1, "captured").await;
    rig.until(key, SINK, |lane| lane.code == Some(LaneCode::NotAllowed)).await;
    let other = rig.order(1002, 1, "captured").await;
    let status = rig.deliverer.status().into_iter().find(|status| status.system == SINK).unwrap();
    assert_eq!(status.credential, "refused");
    assert_eq!(rig.twin.requests(), 1, "nothing more is sent");
    rig.deliverer.resume(&SystemName::new(SINK));
    rig.delivered(other, SINK).await;
}

fn quick_breaker() -> Policy {
    let first_open = Duration::from_secs(1);
    let breaker = BreakerPolicy { consecutive: 3, first_open, ..BreakerPolicy::default() };
    Policy { breaker, ..rig::policy() }
}

#[tokio::test]
async fn while_the_breaker_is_open_lanes_wait_without_attempts_and_then_drain_in_order() {
    let rig = Rig::new(Setup { policy: quick_breaker, ..Setup::default() });
    rig.deliverer.pause(&erp(), "only the sink matters here");
    *rig.twin.down.lock().unwrap() = true;
    let mut keys = Vec::new();
    for number in 0..40 {
        keys.push(rig.order(number, 1, "captured").await);
    }
    let parked = |lane: &orderhub_order::lane::Lane| lane.code == Some(LaneCode::BreakerOpen);
    rig.until(*keys.last().unwrap(), SINK, parked).await;
    let status = rig.deliverer.status().into_iter().find(|status| status.system == SINK).unwrap();
    assert_eq!(status.breakers[0].state, GateState::Open);
    assert!(rig.twin.requests() < 12, "{}", rig.twin.requests());
    *rig.twin.down.lock().unwrap() = false;
    for key in &keys {
        let lane = rig.delivered(*key, SINK).await;
        assert_eq!(lane.attempts, 0);
    }
    assert_eq!(rig.twin.effects().len(), 40);
    let dead_end = rig.receipts(*keys.last().unwrap()).await;
    assert_eq!(dead_end.len(), 1, "no attempt was spent on the open gate: {dead_end:?}");
}

fn one_more_failure_opens_it() -> Policy {
    let wait = Duration::from_secs(1);
    let retries = Retries { attempts: 3, first_wait: wait, longest_wait: wait };
    let breaker = BreakerPolicy { consecutive: 2, ..BreakerPolicy::default() };
    Policy { breaker, retries, ..Policy::default() }
}

#[tokio::test]
async fn a_hub_that_is_cut_off_from_its_store_opens_no_breaker() {
    let rig = Rig::new(Setup { policy: one_more_failure_opens_it, ..Setup::default() });
    rig.deliverer.pause(&erp(), "only the sink matters here");
    rig.twin.fail_with([Fault::Refused]);
    rig.order(1001, 1, "captured").await;
    rig.requests(1).await;
    // While the call waits for its second attempt, the store goes away.
    rig.store.close().await;
    let sink = || rig.deliverer.status().into_iter().find(|status| status.system == SINK).unwrap();
    rig.so("the call has ended", || sink().in_flight == 0).await;
    assert_eq!(rig.twin.requests(), 1, "nothing leaves without a store");
    assert_eq!(
        sink().breakers[0].state,
        GateState::Closed,
        "what we did not send is not its fault"
    );
}

#[tokio::test]
async fn a_dead_system_holds_up_nobody_else() {
    let rig = Rig::new(Setup::default());
    let name = SystemName::new(ERP);
    rig.deliverer.force(&name, "create_sale", Some(Force::Open));
    let key = rig.order(1001, 1, "captured").await;
    rig.delivered(key, SINK).await;
    rig.until(key, ERP, |lane| lane.code == Some(LaneCode::BreakerOpen)).await;
    assert_eq!(rig.twin.effects().len(), 1);
    rig.deliverer.force(&name, "create_sale", None);
    rig.delivered(key, ERP).await;
}

#[tokio::test]
async fn shadow_mode_computes_and_sends_nothing() {
    let rig = Rig::new(Setup { mode: Mode::Shadow, ..Setup::default() });
    let key = rig.order(1001, 1, "captured").await;
    let lane = rig.until(key, ERP, |lane| lane.code == Some(LaneCode::Shadow)).await;
    assert_eq!((lane.shadow.len(), lane.sent.len(), lane.xrefs.len()), (1, 0, 0));
    rig.delivered(key, SINK).await;
    assert_eq!(rig.twin.requests(), 1);
}

#[tokio::test]
async fn what_came_up_while_the_settings_paused_a_system_goes_when_they_do_not() {
    let rig = Rig::new(Setup { mode: Mode::Paused, ..Setup::default() });
    let key = rig.order(1001, 1, "captured").await;
    rig.delivered(key, SINK).await;
    let lane = rig.lane(key, ERP).await.unwrap();
    assert_eq!((lane.code, lane.due_at.is_some()), (Some(LaneCode::Paused), true));
    let rig = rig.restart(Mode::Live).await;
    rig.delivered(key, ERP).await;
    assert_eq!(rig.twin.sales().len(), 1);
}

#[tokio::test]
async fn an_equal_projection_is_not_sent_again() {
    let rig = Rig::new(Setup::default());
    let key = rig.order(1001, 1, "captured").await;
    rig.delivered(key, SINK).await;
    rig.order(1001, 2, "partially_refunded").await;
    let equal = Some(LaneCode::ProjectionEqual);
    rig.until(key, SINK, |lane| lane.code == equal && lane.wants.is_empty()).await;
    let puts =
        rig.twin.requests.lock().unwrap().iter().filter(|(_, url, _)| url.contains("put")).count();
    assert_eq!(puts, 1);
}

#[tokio::test]
async fn a_flight_of_a_process_that_died_is_looked_for_and_made_once() {
    let rig = Rig::new(Setup::default());
    rig.deliverer.pause(&SystemName::new(SINK), "only the erp matters here");
    rig.twin.fail_with([Fault::Hangs]);
    let key = rig.order(1001, 1, "captured").await;
    rig.effects(1).await;
    let flight = rig.lane(key, ERP).await.unwrap().flying.unwrap();
    assert!(flight.in_air, "stored before the first byte");
    assert!(!flight.memo.is_empty(), "stored before the step that is not repeatable");
    let rig = rig.crash().await;
    let lane = rig.delivered(key, ERP).await;
    assert_eq!(lane.ext_id("order", &At::ROOT), Some("S1"));
    let rows = rig.receipts(key).await;
    assert!(rows.iter().any(|row| row.why.contains("lapsed")), "{rows:?}");
    assert_eq!(rig.twin.sales().len(), 1);
}

#[tokio::test]
async fn what_was_only_reserved_when_the_process_died_is_delivered_by_the_next() {
    let rig = Rig::new(Setup::default());
    rig.deliverer.pause(&erp(), "not now");
    rig.deliverer.pause(&SystemName::new(SINK), "not now");
    let key = rig.order(1001, 1, "captured").await;
    let rig = rig.crash().await;
    rig.delivered(key, ERP).await;
    rig.delivered(key, SINK).await;
    assert_eq!(rig.twin.effects().len(), 2);
}

#[tokio::test]
async fn stopping_lets_calls_end_and_takes_nothing_new() {
    let rig = Rig::new(Setup::default());
    let first = rig.order(1001, 1, "captured").await;
    rig.delivered(first, SINK).await;
    rig.delivered(first, ERP).await;
    rig.deliverer.stop(Duration::from_secs(5)).await;
    let second = rig.order(1002, 1, "captured").await;
    let lane = rig.lane(second, SINK).await.unwrap();
    assert!(lane.flying.is_none() && lane.wants.len() == 1);
    assert_eq!(rig.twin.effects().len(), 2);
    let rig = rig.crash().await;
    rig.delivered(second, SINK).await;
}
