//! A limit with keys: what one key waits for holds up no other.

use orderhub_order::lane::LaneCode;

use super::erp;
use super::rig::{Rig, SINK, Setup};
use crate::deliver::Bounds;

#[tokio::test]
async fn a_key_that_is_used_up_holds_up_no_other() {
    let rig = Rig::new(Setup { put: "put_parcel", ..Setup::default() });
    rig.deliverer.pause(&erp(), "only the sink matters here");
    // More than there are permits want the same key, which one call in two seconds may have.
    let most = u32::try_from(Bounds::default().per_system).unwrap();
    let mut waiting = Vec::new();
    for number in 1..=most + 8 {
        waiting.push(rig.order(number, 1, "captured").await);
    }
    rig.effects(1).await;
    let other = rig.order(1001, 1, "authorized").await;
    rig.delivered(other, SINK).await;
    let effects = rig.twin.effects();
    let place = effects.iter().position(|effect| effect.starts_with("/put/1001 "));
    assert_eq!(
        place,
        Some(1),
        "right after the one call that the used up key allowed: {effects:?}"
    );
    for key in &waiting[1..] {
        let limited = Some(LaneCode::Limited);
        let lane =
            rig.until(*key, SINK, |lane| lane.code == limited || lane.wants.is_empty()).await;
        assert_eq!(lane.attempts, 0);
    }
    let sink = || rig.deliverer.status().into_iter().find(|status| status.system == SINK).unwrap();
    rig.so("nobody waits with a permit in hand", || sink().in_flight == 0).await;
    // They go on, first come, first served.
    rig.effects(4).await;
    let effects = rig.twin.effects();
    let order: Vec<_> = effects.iter().map(|effect| effect.split(' ').next().unwrap()).collect();
    assert_eq!(order[..4], ["/put/1", "/put/1001", "/put/2", "/put/3"]);
}
