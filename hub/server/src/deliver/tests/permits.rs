//! How many calls may be in the air.

use orderhub_order::ids::SystemName;

use super::erp;
use super::rig::{Rig, SINK, Setup};
use super::twin::Fault;
use crate::deliver::Bounds;

#[tokio::test]
async fn no_more_calls_are_in_the_air_than_there_are_permits() {
    let rig = Rig::new(Setup::default());
    rig.deliverer.pause(&erp(), "only the sink matters here");
    rig.deliverer.pause(&SystemName::new(SINK), "until all wait");
    let most = Bounds::default().per_system;
    rig.twin.fail_with(vec![Fault::Hangs; 2 * most]);
    for number in 0..u32::try_from(2 * most).unwrap() {
        rig.order(number, 1, "captured").await;
    }
    rig.deliverer.resume(&SystemName::new(SINK));
    // All hang, and the rest waits for their permits.
    for seen in 1..=most {
        rig.effects(seen).await;
        let status = rig.deliverer.status().into_iter().find(|status| status.system == SINK);
        let in_flight = status.unwrap().in_flight;
        assert!(in_flight <= most, "{in_flight} calls in the air");
    }
}
