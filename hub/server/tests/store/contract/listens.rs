//! What files in use listened to is kept with the switch, and owed to the system whose entry is gone.

use std::sync::Arc;

use jiff::SignedDuration;
use orderhub::bundle::{Bundle, Files};
use orderhub_order::fold::Act;
use orderhub_order::ids::{OrderKey, SystemName};
use orderhub_order::lane::{LaneCode, Rest};

use super::rules::{bundle, of};
use super::{Factory, World, order_of, say};

/// Switches to files of this name; the bundle as a process uses it then.
async fn switched(world: &World, hash: &str, bundle: Bundle) -> Arc<Bundle> {
    let files = Files::from([("a/b.yaml".to_owned(), hash.as_bytes().to_vec())]);
    let kept = (hash, &files);
    let listened = world.store.activate(kept, &bundle.listens(), world.now).await.unwrap();
    assert_eq!(world.store.listened().await.unwrap().as_ref(), Some(&listened));
    assert_eq!(world.store.in_use().await.unwrap().as_deref(), Some(hash));
    Arc::new(bundle.knowing(&listened, world.now))
}

/// How many lanes of the ERP rest because its entry is gone.
async fn rests(world: &World) -> u64 {
    let rows = world.store.rests().await.unwrap().into_iter();
    rows.filter(|row| row.rest == Rest::NotRouted).map(|row| row.lanes).sum()
}

pub(crate) async fn what_is_gone_is_kept_with_the_switch_and_owed(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    assert_eq!(world.store.listened().await.unwrap(), None);
    assert_eq!(world.store.in_use().await.unwrap(), None);
    world.bundle = switched(&world, "whole", bundle()).await;
    assert!(world.bundle.gone().is_empty());
    let mut world = world.reopen(factory).await;
    world.bundle = switched(&world, "cut", of(Vec::new())).await;
    let gone: Vec<&str> = world.bundle.gone().iter().map(|gone| &*gone.rule).collect();
    assert_eq!(gone, ["order.accepted/create_sale"]);
    let order = world.say(say::order("shop_eu", "1001", 1, "a")).await;
    let key = order_of(&order);
    assert!(order.reserved.is_empty(), "nothing is to be sent");
    // The process dies; the next comes to the same by what the store kept.
    let mut world = world.reopen(factory).await;
    let kept = world.store.listened().await.unwrap().unwrap();
    world.bundle = Arc::new(of(Vec::new()).knowing(&kept, world.now));
    let erp = |world: &World| {
        let store = Arc::clone(&world.store);
        async move {
            let state = store.state(&orderhub::store::Scope::All, key).await.unwrap().unwrap();
            let lane = state.lanes.get(&SystemName::new("erp")).unwrap();
            (lane.code, lane.wants.len(), lane.due_at.is_some())
        }
    };
    assert_eq!(erp(&world).await, (Some(LaneCode::NotRouted), 1, false));
    assert_eq!(rests(&world).await, 1);
    let first = OrderKey(i64::MIN);
    assert_eq!(world.store.resting(first, 10, false).await.unwrap(), [key]);
    // It is back: due, once.
    world.bundle = switched(&world, "whole", bundle()).await;
    world.one(World::act(key, Act::Tick)).await;
    let (code, wants, due) = erp(&world).await;
    assert_eq!((wants, due), (1, true), "{code:?}");
    assert_eq!(world.store.resting(first, 10, true).await.unwrap(), []);
    // Gone for longer than anybody takes it for a mistake: nothing waits for it any more.
    world.bundle = switched(&world, "cut", of(Vec::new())).await;
    world.one(World::act(key, Act::Tick)).await;
    assert_eq!(erp(&world).await, (Some(LaneCode::NotRouted), 1, false));
    world.now = world.now.checked_add(SignedDuration::from_hours(8 * 24)).unwrap();
    let kept = world.store.listened().await.unwrap().unwrap();
    world.bundle = Arc::new(of(Vec::new()).knowing(&kept, world.now));
    world.one(World::act(key, Act::Tick)).await;
    assert_eq!(erp(&world).await, (Some(LaneCode::NotRouted), 0, false));
}

pub(crate) async fn a_list_that_cannot_be_read_stays(factory: &dyn Factory) {
    let world = World::new(factory).await;
    switched(&world, "whole", bundle()).await;
    let world = world.reopen(factory).await;
    let kept = world.store.listened().await.unwrap().unwrap();
    // A later program wrote it, in a form of its own.
    factory.sql("UPDATE meta SET value = 'later ' || value WHERE name = 'listens'").await;
    assert_eq!(world.store.listened().await.unwrap(), None);
    let cut = of(Vec::new());
    let files = Files::from([("a/b.yaml".to_owned(), b"cut".to_vec())]);
    world.store.activate(("cut", &files), &cut.listens(), world.now).await.unwrap();
    assert_eq!(world.store.in_use().await.unwrap().as_deref(), Some("cut"));
    // That program is back.
    factory.sql("UPDATE meta SET value = substr(value, 7) WHERE name = 'listens'").await;
    assert_eq!(world.store.listened().await.unwrap(), Some(kept));
}
