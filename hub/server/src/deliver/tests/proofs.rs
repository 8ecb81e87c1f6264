//! An operation that proves itself by its own: what is refused of the one stands in the way of no other.

use std::collections::BTreeMap;

use orderhub_order::ids::SystemName;
use orderhub_order::lane::LaneCode;

use super::erp;
use super::rig::{Rig, SINK, Setup};
use crate::deliver::ask::{Asked, Question};

async fn peek(rig: &Rig) -> Asked {
    let question = Question { operation: "peek", args: BTreeMap::new(), fields: &[], attempts: 0 };
    rig.deliverer.ask(&SystemName::new(SINK), question).await
}

fn status(rig: &Rig) -> (&'static str, Vec<String>) {
    let status = rig.deliverer.status().into_iter().find(|status| status.system == SINK).unwrap();
    (status.credential, status.refused_for)
}

#[tokio::test]
async fn a_queue_that_refuses_us_stops_no_delivery() {
    let rig = Rig::new(Setup::default());
    rig.deliverer.pause(&erp(), "only the sink matters here");
    *rig.twin.takes.lock().unwrap() = Some("T1");
    let asked = peek(&rig).await;
    assert!(matches!(asked, Asked::Again { spent: false, .. }), "{asked:?}");
    assert_eq!(status(&rig), ("refused", vec!["peek".to_owned()]));
    let sink = SystemName::new(SINK);
    assert!(rig.deliverer.shut_for(&sink, "peek").is_some());
    assert_eq!(rig.deliverer.shut_for(&sink, "put"), None);
    let key = rig.order(1001, 1, "captured").await;
    rig.delivered(key, SINK).await;
    assert_eq!(status(&rig).0, "refused", "a delivery that is taken says nothing of the queue");
    rig.deliverer.resume(&sink);
    assert_eq!(status(&rig), ("ok", Vec::new()));
}

#[tokio::test]
async fn deliveries_that_are_refused_stop_no_queue() {
    let rig = Rig::new(Setup::default());
    rig.deliverer.pause(&erp(), "only the sink matters here");
    *rig.twin.takes.lock().unwrap() = Some("another");
    let key = rig.order(1001, 1, "captured").await;
    rig.until(key, SINK, |lane| lane.code == Some(LaneCode::NotAllowed)).await;
    let sink = SystemName::new(SINK);
    assert_eq!(rig.deliverer.shut_for(&sink, "peek"), None);
    let asked = peek(&rig).await;
    assert!(matches!(asked, Asked::Answer(_)), "{asked:?}");
    let (credential, operations) = status(&rig);
    assert_eq!(credential, "refused");
    assert!(operations.contains(&"put".to_owned()) && !operations.contains(&"peek".to_owned()));
}
