//! `send: changed`: what differs from what was last sent, and all where nobody knows that.

use super::rig::{Rig, SINK, Setup};
use super::twin::Fault;
use super::{LaneCode, erp};

/// The same values at other places.
const MOVED: &str = r#"
orderhub: 1
mapping: sink.parcel
entity: order
key: number
fields:
  - { hub: order_no, system: number }
  - { hub: state.payment, system: state }
"#;

async fn rig(put: &'static str) -> Rig {
    let rig = Rig::new(Setup { put, ..Setup::default() });
    rig.deliverer.pause(&erp(), "only the sink matters here");
    rig
}

fn bodies(rig: &Rig) -> Vec<String> {
    rig.twin.bodies.lock().unwrap().clone()
}

#[tokio::test]
async fn only_what_changed_is_sent_to_what_has_the_rest() {
    let rig = rig("put_changed").await;
    let key = rig.order(1001, 1, "authorized").await;
    rig.delivered(key, SINK).await;
    // A retry sends the same again.
    rig.twin.fail_with([Fault::LostBeforeEffect]);
    rig.order(1001, 2, "captured").await;
    rig.effects(2).await;
    let expected = [
        r#"{"number":"1001","payment":"authorized"}"#,
        r#"{"payment":"captured"}"#,
        r#"{"payment":"captured"}"#,
    ];
    assert_eq!(bodies(&rig), expected);
    let effects = rig.twin.effects();
    assert!(effects.iter().all(|effect| effect.starts_with("/put/1001 ")), "{effects:?}");
}

#[tokio::test]
async fn what_stands_around_the_document_is_sent_always() {
    let rig = rig("put_changed_and_more").await;
    let key = rig.order(1001, 1, "authorized").await;
    rig.delivered(key, SINK).await;
    rig.order(1001, 2, "captured").await;
    rig.effects(2).await;
    assert_eq!(bodies(&rig)[1], r#"{"payment":"captured","by":"hub"}"#);
}

#[tokio::test]
async fn what_cannot_be_compared_is_sent_whole() {
    let rig = rig("put_changed").await;
    let key = rig.order(1001, 1, "authorized").await;
    rig.delivered(key, SINK).await;
    let rig = rig.sending(MOVED).await;
    rig.deliverer.pause(&erp(), "only the sink matters here");
    rig.order(1001, 2, "captured").await;
    rig.effects(2).await;
    let lane = rig.until(key, SINK, |lane| lane.code == Some(LaneCode::Delivered)).await;
    assert!(lane.wants.is_empty());
    assert_eq!(bodies(&rig)[1], r#"{"number":"1001","state":"captured"}"#);
}
