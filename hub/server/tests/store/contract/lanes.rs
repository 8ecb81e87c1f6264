//! Lanes: what a commit reserves, what is due, and what a restart makes of both.

use orderhub::store::Scope;
use orderhub_order::fold::{Act, Outcome};
use orderhub_order::ids::SystemName;
use orderhub_order::lane::LaneCode;

use super::{Factory, World, order_of, say};

fn erp() -> SystemName {
    SystemName::new("erp")
}

pub(crate) async fn a_lane_made_due_is_reserved_until_the_process_ends(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let outcome = world.say(say::order("shop_eu", "1001", 1, "a")).await;
    let key = order_of(&outcome);
    assert_eq!(outcome.reserved, [(erp(), key)]);
    assert!(world.store.due(&erp(), world.now, 10).await.unwrap().is_empty());
    assert_eq!(world.store.next_due(&erp(), world.now).await.unwrap(), None);
    assert_eq!(world.store.backlog().await.unwrap()[0].pending, 1);

    let world = world.reopen(factory).await;
    assert_eq!(world.store.due(&erp(), world.now, 10).await.unwrap(), [key]);
    assert!(world.store.next_due(&erp(), world.now).await.unwrap().is_some());
    let state = world.store.state(&Scope::All, key).await.unwrap().unwrap();
    assert!(state.lanes.get(&erp()).unwrap().flying.is_none(), "reserved is not flying");
}

pub(crate) async fn a_ring_without_room_gives_lanes_back(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let outcome = world.say(say::order("shop_eu", "1001", 1, "a")).await;
    world.store.release(&outcome.reserved);
    assert_eq!(world.store.due(&erp(), world.now, 10).await.unwrap(), [order_of(&outcome)]);
}

pub(crate) async fn what_the_dispatcher_skipped_is_not_due_any_more(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let outcome = world.say(say::order("shop_eu", "1001", 1, "a")).await;
    let key = order_of(&outcome);
    let state = world.store.state(&Scope::All, key).await.unwrap().unwrap();
    let want = state.lanes.get(&erp()).unwrap().wants[0].clone();
    let skip = Act::Skip {
        system: erp(),
        want: want.key,
        version: want.version,
        code: LaneCode::ProjectionEqual,
        hash: Some([7; 16]),
    };
    let settled = world.one(World::act(key, skip)).await;
    assert!(matches!(settled.documents[0].folded, Some(Outcome::Applied { .. })));
    assert!(settled.reserved.is_empty());
    assert!(world.store.due(&erp(), world.now, 10).await.unwrap().is_empty());
    let world = world.reopen(factory).await;
    assert!(world.store.due(&erp(), world.now, 10).await.unwrap().is_empty());
}
