//! What people hold shut, and what systems said last, is there after a restart.

use orderhub::store::{LastError, PauseRow, SaidRow};
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

pub(crate) async fn what_a_system_said_last_is_kept_whoever_heard_it(factory: &dyn Factory) {
    let world = World::new(factory).await;
    let second = |n: i64| jiff::Timestamp::from_second(n).unwrap();
    let error = |at: i64| LastError {
        at: second(at),
        operation: "get".to_owned(),
        class: "not_acted".to_owned(),
        why: format!("status 503 at {at}"),
    };
    let row = |system: &str, success: Option<i64>, failed: Option<i64>| SaidRow {
        system: SystemName::new(system),
        success: success.map(second),
        error: failed.map(error),
    };
    let keep = async |rows: &[SaidRow]| world.store.keep_said(rows.to_vec()).await.unwrap();
    keep(&[row("wms", Some(7), None), row("erp", Some(5), Some(6))]).await;
    // Another process heard of it before, and after.
    keep(&[row("erp", Some(4), Some(9)), row("wms", None, Some(1))]).await;
    keep(&[row("erp", None, Some(8))]).await;
    let world = world.reopen(factory).await;
    let said = world.store.said().await.unwrap();
    assert_eq!(said, [row("erp", Some(5), Some(9)), row("wms", Some(7), Some(1))]);
}
