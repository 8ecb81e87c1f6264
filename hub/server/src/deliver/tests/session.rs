//! Systems whose credential is a session that a login gives.

use std::collections::BTreeMap;
use std::time::Duration;

use orderhub_order::ids::SystemName;
use orderhub_order::lane::LaneCode;

use super::erp;
use super::rig::{ERP, Rig, SINK, Setup};
use super::twin::{Fault, Login};
use crate::resilience::stale::Answered;

/// A login shows the secret; calls carry what it gave.
const SESSION: &str = r#"auth: { session: { url: "{base_url}/login", headers: { X-Token: "{secret.token}" }, save: { token: body.session }, timeout: 100ms }, headers: { X-Token: "{session.token}" } }"#;

/// What a call may count as is set aside before, and nothing of it comes back by itself.
const POINTS: &str =
    "{ rate: 1/60m, burst: 1000, cost: body.cost, reserve: { first: 600, then: body.asked } }";

fn sessions() -> Setup {
    Setup { auth: SESSION, ..Setup::default() }
}

/// Paths that were asked for, in order.
fn paths(rig: &Rig) -> Vec<String> {
    let requests = rig.twin.requests.lock().unwrap();
    requests.iter().map(|(_, url, _)| url.trim_start_matches("http://twin").to_owned()).collect()
}

#[tokio::test]
async fn a_session_that_ended_is_renewed_without_a_refused_call() {
    let rig = Rig::new(sessions());
    rig.deliverer.pause(&erp(), "only the sink matters here");
    let first = rig.order(1, 1, "captured").await;
    rig.delivered(first, SINK).await;
    assert_eq!(paths(&rig), ["/login", "/put"]);
    let second = rig.order(2, 1, "captured").await;
    rig.delivered(second, SINK).await;
    assert_eq!(paths(&rig), ["/login", "/put", "/put"], "a session is kept");
    rig.twin.sessions.lock().unwrap().valid = Some("another".to_owned());
    let third = rig.order(3, 1, "captured").await;
    rig.delivered(third, SINK).await;
    assert_eq!(paths(&rig), ["/login", "/put", "/put", "/put", "/login", "/put"]);
    assert_eq!(rig.receipts(third).await.len(), 1, "one attempt, and it went well");
    assert_eq!(rig.twin.effects().len(), 3);
}

#[tokio::test]
async fn a_call_that_was_refused_with_its_session_counts_as_nothing() {
    let rig = Rig::new(Setup { limit: POINTS, ..sessions() });
    rig.deliverer.pause(&erp(), "only the sink matters here");
    let cheap = || Fault::Says(200, r#"{"cost":10}"#);
    rig.twin.fail_with([cheap(), cheap(), cheap()]);
    let first = rig.order(1, 1, "captured").await;
    rig.delivered(first, SINK).await;
    rig.twin.sessions.lock().unwrap().valid = Some("another".to_owned());
    let second = rig.order(2, 1, "captured").await;
    rig.delivered(second, SINK).await;
    assert_eq!(paths(&rig), ["/login", "/put", "/put", "/login", "/put"]);
    // Six hundred are there still.
    let third = rig.order(3, 1, "captured").await;
    rig.delivered(third, SINK).await;
}

#[tokio::test]
async fn a_login_that_is_refused_waits_like_a_refused_credential() {
    let rig = Rig::new(sessions());
    rig.deliverer.pause(&erp(), "only the sink matters here");
    *rig.twin.takes.lock().unwrap() = Some("T2");
    rig.twin.sessions.lock().unwrap().takes = Duration::from_millis(30);
    // All of them at once: they share one login.
    rig.deliverer.pause(&SystemName::new(SINK), "until all are there");
    let mut keys = Vec::new();
    for number in 1..=5 {
        keys.push(rig.order(number, 1, "captured").await);
    }
    rig.deliverer.resume(&SystemName::new(SINK));
    for key in &keys {
        let lane = rig.until(*key, SINK, |lane| lane.code == Some(LaneCode::NotAllowed)).await;
        assert_eq!(lane.attempts, 0);
    }
    assert!(paths(&rig).iter().all(|path| path == "/login"), "no call is made");
    // What is watched is the secret that the login shows, whoever of the five asked for the session.
    *rig.token.lock().unwrap() = "T2";
    for key in keys {
        rig.delivered(key, SINK).await;
    }
}

#[tokio::test]
async fn a_login_that_fails_leaves_no_doubt() {
    let rig = Rig::new(Setup { create: "create_unsafe", ..sessions() });
    let faults = [Login::Status(503), Login::Breaks, Login::Hangs, Login::Status(429)];
    rig.twin.sessions.lock().unwrap().faults.extend(faults);
    let key = rig.order(1, 1, "captured").await;
    rig.delivered(key, ERP).await;
    assert_eq!(rig.twin.sales().len(), 1, "made once, and nobody had to look");
}

#[tokio::test]
async fn a_read_logs_in_though_its_step_may_take_longer_than_all_of_it() {
    let rig = Rig::new(Setup { timeout: "120s", ..sessions() });
    rig.twin.sessions.lock().unwrap().takes = Duration::from_millis(30);
    let args = BTreeMap::from([("sku".to_owned(), "A-1".to_owned())]);
    let answer = rig.deliverer.read(&erp(), "stock", &args).await.unwrap();
    assert!(matches!(answer, Answered::Fresh(_)), "{answer:?}");
}
