//! Calls that are looked for: after a kill, and because a person has them made again.

use std::time::Duration;

use orderhub_order::fold::PersonAct;
use orderhub_order::ids::{At, OrderKey, SystemName};
use orderhub_order::lane::LaneCode;
use tokio::time::Instant;

use super::down::acts;
use super::rig::{ERP, Rig, SINK, Setup};
use super::twin::Fault;

/// A hub of which only the ERP matters, with a create of so many milliseconds.
fn rig(create: &'static str, timeout: &'static str) -> Rig {
    let rig = Rig::new(Setup { create, timeout, ..Setup::default() });
    rig.deliverer.pause(&SystemName::new(SINK), "only the erp matters here");
    rig
}

async fn again(rig: &Rig, key: OrderKey) {
    let act = PersonAct::Settle { system: SystemName::new(ERP), again: true, about: None };
    acts(rig, key, act).await;
}

/// Effects at a path.
fn made(rig: &Rig, path: &str) -> usize {
    rig.twin.effects().iter().filter(|effect| effect.starts_with(path)).count()
}

/// Looks for a sale.
fn looks(rig: &Rig) -> usize {
    let requests = rig.twin.requests.lock().unwrap();
    requests.iter().filter(|(method, url, _)| method == "GET" && url.contains("/sales")).count()
}

/// The step's timeout and its `settles`, without what a busy machine may take.
const SETTLES: Duration = Duration::from_millis(2_500);

#[tokio::test]
async fn a_look_after_a_kill_counts_from_the_call_and_not_from_what_stood_before_it() {
    let rig = rig("create_sale", "2s");
    *rig.twin.look_takes.lock().unwrap() = Duration::from_millis(1_900);
    rig.twin.fail_with([Fault::Hangs]);
    let key = rig.order(1001, 1, "captured").await;
    rig.effects(1).await;
    let called = Instant::now();
    let rig = rig.crash().await;
    rig.so("it is looked for", || looks(&rig) == 2).await;
    assert!(called.elapsed() >= SETTLES, "{:?}", called.elapsed());
    rig.delivered(key, ERP).await;
    assert_eq!(rig.twin.sales().len(), 1);
}

/// A login with time to spare.
const SESSION: &str = r#"auth: { session: { url: "{base_url}/login", headers: { X-Token: "{secret.token}" }, save: { token: body.session }, timeout: 9s }, headers: { X-Token: "{session.token}" } }"#;

#[tokio::test]
async fn a_look_after_a_kill_counts_from_the_call_and_not_from_the_login_before_it() {
    let rig = Rig::new(Setup { timeout: "2s", auth: SESSION, ..Setup::default() });
    rig.deliverer.pause(&SystemName::new(SINK), "only the erp matters here");
    *rig.twin.look_takes.lock().unwrap() = Duration::from_millis(300);
    rig.twin.fail_with([Fault::Hangs]);
    let key = rig.order(1001, 1, "captured").await;
    rig.so("it is looked for", || looks(&rig) == 1).await;
    // The session ends before the next step.
    rig.twin.sessions.lock().unwrap().valid = Some("another".to_owned());
    rig.twin.sessions.lock().unwrap().takes = Duration::from_millis(2_500);
    rig.effects(1).await;
    let called = Instant::now();
    rig.twin.sessions.lock().unwrap().takes = Duration::ZERO;
    let rig = rig.crash().await;
    rig.so("it is looked for", || looks(&rig) == 2).await;
    assert!(called.elapsed() >= SETTLES, "{:?}", called.elapsed());
    rig.delivered(key, ERP).await;
    assert_eq!(rig.twin.sales().len(), 1);
}

#[tokio::test]
async fn a_look_for_a_person_counts_from_the_call_and_not_from_what_stood_before_it() {
    let rig = rig("create_sale", "2s");
    *rig.twin.look_takes.lock().unwrap() = Duration::from_millis(1_900);
    rig.twin.fail_with([Fault::Nameless]);
    let key = rig.order(1001, 1, "captured").await;
    rig.until(key, ERP, |lane| lane.code == Some(LaneCode::InDoubt)).await;
    let called = Instant::now();
    again(&rig, key).await;
    rig.so("it is looked for", || looks(&rig) == 2).await;
    assert!(called.elapsed() >= SETTLES, "{:?}", called.elapsed());
    rig.delivered(key, ERP).await;
    assert_eq!(rig.twin.sales().len(), 1);
}

#[tokio::test]
async fn what_a_person_has_made_again_and_is_found_goes_on_where_it_ended() {
    for is_there in [true, false] {
        let rig = rig("create_with_lines", "300ms");
        rig.twin.fail_with([Fault::Nameless]);
        let key = rig.order(1001, 1, "captured").await;
        rig.until(key, ERP, |lane| lane.code == Some(LaneCode::InDoubt)).await;
        assert_eq!((made(&rig, "/sales"), made(&rig, "/lines")), (0, 2));
        if is_there {
            rig.twin.effects.lock().unwrap().push("/sales by hand".to_owned());
        }
        again(&rig, key).await;
        let lane = rig.delivered(key, ERP).await;
        assert_eq!(lane.ext_id("order", &At::ROOT), Some("S1"));
        let effects = rig.twin.effects();
        let lines = if is_there { 2 } else { 4 };
        assert_eq!((made(&rig, "/sales"), made(&rig, "/lines")), (1, lines), "{effects:?}");
    }
}

#[tokio::test]
async fn what_a_person_has_made_again_is_made_where_a_question_by_post_stands_behind_it() {
    let rig = rig("create_and_read", "300ms");
    rig.twin.fail_with([Fault::Nameless]);
    let key = rig.order(1001, 1, "captured").await;
    rig.until(key, ERP, |lane| lane.code == Some(LaneCode::InDoubt)).await;
    again(&rig, key).await;
    rig.delivered(key, ERP).await;
    assert_eq!(made(&rig, "/sales"), 1, "{:?}", rig.twin.effects());
}
