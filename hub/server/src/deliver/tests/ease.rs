//! What was put off is due when what stood in its way is gone.

use orderhub_order::ids::SystemName;
use orderhub_order::lane::LaneCode;

use super::erp;
use super::rig::{Rig, SINK, Setup};
use super::twin::Fault;

/// An order whose call was refused: it waits for the next probe of the credential, in five minutes.
async fn refused(rig: &Rig, number: u32) -> orderhub_order::ids::OrderKey {
    let key = rig.order(number, 1, "captured").await;
    let lane = rig.until(key, SINK, |lane| lane.code == Some(LaneCode::NotAllowed)).await;
    assert_eq!(lane.attempts, 0);
    key
}

#[tokio::test]
async fn what_a_refused_credential_put_off_is_due_at_once_when_it_is_taken_again() {
    let rig = Rig::new(Setup::default());
    rig.deliverer.pause(&erp(), "only the sink matters here");
    *rig.twin.takes.lock().unwrap() = Some("T2");
    let first = refused(&rig, 1).await;
    *rig.twin.takes.lock().unwrap() = Some("T1");
    rig.deliverer.resume(&SystemName::new(SINK));
    rig.delivered(first, SINK).await;
    assert_eq!(rig.receipts(first).await.len(), 2);
    // By itself, too: a call that is taken says that all may go.
    *rig.twin.takes.lock().unwrap() = Some("T2");
    let second = refused(&rig, 2).await;
    *rig.twin.takes.lock().unwrap() = Some("T1");
    let sink = rig.deliverer.dispatchers.get(&SystemName::new(SINK)).unwrap();
    sink.guards.all_accepted();
    rig.delivered(second, SINK).await;
}

#[tokio::test]
async fn an_order_that_is_forbidden_is_tried_with_patience_and_stops_no_other() {
    let rig = Rig::new(Setup::default());
    rig.deliverer.pause(&erp(), "only the sink matters here");
    rig.twin.fail_with([Fault::Says(403, "{}")]);
    let first = rig.order(1, 1, "captured").await;
    let lane = rig.until(first, SINK, |lane| lane.code == Some(LaneCode::Retry)).await;
    assert_eq!(lane.attempts, 1, "patience is spent on it");
    let second = rig.order(2, 1, "captured").await;
    rig.delivered(second, SINK).await;
    rig.delivered(first, SINK).await;
}

#[tokio::test]
async fn a_secret_that_is_replaced_is_tried_at_once() {
    let rig = Rig::new(Setup::default());
    rig.deliverer.pause(&erp(), "only the sink matters here");
    *rig.twin.takes.lock().unwrap() = Some("T2");
    let key = refused(&rig, 1).await;
    *rig.token.lock().unwrap() = "T2";
    rig.delivered(key, SINK).await;
    assert_eq!(rig.twin.requests(), 2, "and not before it was replaced");
}
