//! Look-ups that are answered with something else than was asked for.

use orderhub_order::fold::PersonAct;
use orderhub_order::lane::Lane;

use super::rig::{ERP, Rig, SINK, Setup};
use super::twin::Fault;
use super::*;

/// What stands between a system and the hub when it is being mended, and what is no list of sales.
const OTHER: [&str; 6] = [
    r#"{"error":{"code":"busy"}}"#,
    r#"{"message":"maintenance"}"#,
    r#"{"items":{"id":"S1"}}"#,
    r#"{"items":null}"#,
    r#"{"items":[null]}"#,
    "<html>we are back soon</html>",
];

/// A hub whose breakers stay closed, so that only the answers decide.
fn rig() -> Rig {
    let policy = || Policy {
        breaker: BreakerPolicy {
            consecutive: 1_000,
            success_rate: 0.0,
            ..BreakerPolicy::default()
        },
        ..rig::policy()
    };
    let rig = Rig::new(Setup { policy, ..Setup::default() });
    rig.deliverer.pause(&SystemName::new(SINK), "only the erp matters here");
    rig
}

#[tokio::test]
async fn an_answer_of_another_shape_makes_nothing_twice() {
    let rig = rig();
    rig.twin.looks.lock().unwrap().push_back(r#"{"items":[]}"#);
    rig.twin.looks.lock().unwrap().extend(OTHER);
    rig.twin.fail_with([Fault::LostAfterEffect]);
    let key = rig.order(1001, 1, "captured").await;
    let lane = rig.delivered(key, ERP).await;
    assert_eq!(lane.ext_id("order", &At::ROOT), Some("S1"));
    assert_eq!(rig.twin.sales().len(), 1, "{:?}", rig.twin.effects());
    assert!(rig.twin.looks.lock().unwrap().is_empty(), "each was asked for again");
    let told = rig.receipts(key).await;
    let why = told.iter().find(|row| row.why.contains("maintenance")).expect("it is told").clone();
    assert_eq!(why.class, "not_acted", "{why:?}");
    for words in ["`create_sale`", "step `find`", "`body.items` is missing", "answer: { none: … }"]
    {
        assert!(why.why.contains(words), "{words}: {why:?}");
    }
}

#[tokio::test]
async fn what_is_there_already_is_not_made_while_nobody_says_that_it_is() {
    let rig = rig();
    rig.twin.effects.lock().unwrap().push("/sales by hand".to_owned());
    rig.twin.looks.lock().unwrap().extend(OTHER);
    let key = rig.order(1001, 1, "captured").await;
    let lane = rig.delivered(key, ERP).await;
    assert_eq!(lane.ext_id("order", &At::ROOT), Some("S1"));
    assert_eq!(rig.twin.sales().len(), 1, "{:?}", rig.twin.effects());
}

#[tokio::test]
async fn what_a_person_has_made_again_is_looked_for_first() {
    // Nobody has made it; somebody has, though neither the answer nor the person says so; it was refused, and made all the same.
    for (fault, is_there) in [
        (Fault::Nameless, false),
        (Fault::Nameless, true),
        (Fault::Says(404, "<html>gone</html>"), true),
    ] {
        let (rig, name) = (rig(), format!("{fault:?}"));
        rig.twin.fail_with([fault]);
        let key = rig.order(1001, 1, "captured").await;
        let waits = |lane: &Lane| matches!(lane.code, Some(LaneCode::InDoubt | LaneCode::Dead));
        let lane = rig.until(key, ERP, waits).await;
        assert_eq!(lane.ext_id("order", &At::ROOT), None);
        if is_there {
            rig.twin.effects.lock().unwrap().push("/sales by hand".to_owned());
        }
        let again = PersonAct::Settle { system: SystemName::new(ERP), again: true, about: None };
        super::down::acts(&rig, key, again).await;
        let lane = rig.delivered(key, ERP).await;
        assert_eq!(lane.ext_id("order", &At::ROOT), Some("S1"), "{name}");
        assert_eq!(rig.twin.sales().len(), 1, "{name}: {:?}", rig.twin.effects());
    }
}
