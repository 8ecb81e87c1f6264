//! What people hold shut is there after a restart.

use orderhub::store::PauseRow;
use orderhub_order::ids::SystemName;

use super::{Factory, World};

pub(crate) async fn a_pause_outlives_the_process_until_it_is_ended(factory: &dyn Factory) {
    let world = World::new(factory).await;
    let erp = SystemName::new("erp");
    let pause = |operation: Option<&str>, reason: &str| PauseRow {
        system: erp.clone(),
        operation: operation.map(str::to_owned),
        reason: reason.to_owned(),
        actor: "person:ann".to_owned(),
        at: world.now,
    };
    let all = pause(None, "stocktaking");
    for row in [pause(None, "audit"), pause(Some("create_sale"), "prices"), all.clone()] {
        world.store.pause(row).await.unwrap();
    }
    let expected = [all.clone(), pause(Some("create_sale"), "prices")];
    let world = world.reopen(factory).await;
    assert_eq!(world.store.pauses().await.unwrap(), expected, "the last word on each counts");
    assert!(world.store.resume(&erp, Some("create_sale")).await.unwrap());
    assert!(!world.store.resume(&erp, Some("create_sale")).await.unwrap());
    assert_eq!(world.store.pauses().await.unwrap(), [all]);
    assert!(world.store.resume(&erp, None).await.unwrap());
    assert!(world.store.pauses().await.unwrap().is_empty());
}
