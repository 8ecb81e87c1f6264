//! A limit with keys: what one key waits for holds up no other.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt as _;
use orderhub_order::ids::SystemName;
use orderhub_order::lane::LaneCode;

use super::erp;
use super::rig::{Rig, SINK, Setup};
use crate::clock::Clock;
use crate::deliver::Bounds;
use crate::deliver::line::EACH;
use crate::deliver::ring::Ring;

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

#[tokio::test]
async fn a_key_with_thousands_waiting_holds_up_no_other() {
    let rig = Rig::new(Setup { put: "put_parcel", ..Setup::default() });
    rig.deliverer.pause(&erp(), "only the sink matters here");
    let orders = (1..=5_000).map(|number| rig.order(number, 1, "captured"));
    let waiting: Vec<_> = futures_util::stream::iter(orders).buffered(64).collect().await;
    let sink = || {
        let dispatcher = rig.deliverer.dispatchers.get(&SystemName::new(SINK)).unwrap();
        let (ring, in_flight) = (dispatcher.ring(), dispatcher.observed().in_flight);
        (ring.queued() + in_flight, ring.parked())
    };
    // All that can be had is in hand: nothing more is due, or there is no room.
    for _ in 0..2_000 {
        let now = Clock::system().now();
        let next = rig.store.next_due(&SystemName::new(SINK), now).await.unwrap();
        let taken = next.is_none_or(|next| next > now) || sink().1 >= Ring::PARKED;
        if taken && sink().0 == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let before = rig.twin.effects().len();
    let other = rig.order(10_001, 1, "authorized").await;
    rig.delivered(other, SINK).await;
    let calls = rig.twin.effects();
    let place = calls.iter().position(|effect| effect.starts_with("/put/10001 ")).unwrap();
    assert!(place <= before + 1, "no key holds up another: {place} after {before}: {calls:?}");
    // As many as there are permits may have found room at the same time.
    let most = EACH + Bounds::default().per_system;
    assert!(sink().1 <= most, "of one key: {}", sink().1);
    // Each of the others has asked once, and waits for its turn: claims pass over it.
    let now = Clock::system().now();
    let (mut in_hand, mut turns) = (0, BTreeMap::new());
    for key in &waiting {
        let lane = rig.lane(*key, SINK).await.unwrap();
        assert_eq!(lane.attempts, u32::from(lane.flying.is_some()), "no attempt is spent");
        match lane.due_at.filter(|due| *due > now) {
            Some(due) if lane.flying.is_none() => {
                assert!(turns.insert(due, *key).is_none(), "no two at once");
            }
            _ => in_hand += 1,
        }
    }
    assert!(in_hand <= most + calls.len() + 1 && turns.len() + in_hand == waiting.len());
    rig.effects(calls.len() + 1).await;
    for (due, key) in turns {
        let lane = rig.lane(key, SINK).await.unwrap();
        assert_eq!(lane.due_at, Some(due), "nobody asks again before its turn");
    }
}
