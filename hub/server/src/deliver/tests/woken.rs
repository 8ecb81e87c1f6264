//! What rests is tried again by the periodic work.

use jiff::Timestamp;
use orderhub_order::fold::{Act, Facts};
use orderhub_order::ids::{OrderKey, SystemName};
use orderhub_order::lane::{LaneCode, Rest};
use orderhub_order::rules::Mode;

use super::rig::{ERP, Rig, Setup};
use crate::apply::{OrderUnit, Unit};
use crate::wake::{By, Woken};

/// Puts the ERP's lane to rest for this reason: no rule says so, so that a look at it ends that.
async fn rests(rig: &Rig, key: OrderKey, code: LaneCode) {
    let lane = rig.lane(key, ERP).await.unwrap();
    let (system, want) = (SystemName::new(ERP), lane.wants[0].key.clone());
    let act = Act::Skip { system, want, version: u32::MAX, code, hash: None, until: None };
    let unit = OrderUnit { key, act, facts: Facts::default(), receipt: None };
    rig.apply.submit(Unit::Order(Box::new(unit))).await.unwrap();
}

/// Whether a look at this time, by these files (`lanes/holds`), finds the lane.
async fn looks(rig: &Rig, key: OrderKey, woken: &mut Woken, (files, second): (&str, i64)) -> bool {
    let now = Timestamp::from_second(second).unwrap();
    let (lanes, holds) = files.split_once('/').unwrap();
    let by = By { lanes: lanes.to_owned(), holds: holds.to_owned() };
    woken.look((&*rig.store, &rig.apply), &by, now).await.unwrap();
    rig.lane(key, ERP).await.unwrap().rests().is_none()
}

#[tokio::test]
async fn a_start_by_the_same_files_leaves_held_lanes_alone() {
    let rig = Rig::new(Setup { mode: Mode::Paused, ..Setup::default() });
    let key = rig.order(1, 1, "captured").await;
    let held = LaneCode::Held;
    rests(&rig, key, held).await;
    assert_eq!(rig.lane(key, ERP).await.unwrap().rests(), Some(Rest::Held));
    // Files that nobody has looked by: all of it, and once more.
    let mut woken = Woken::default();
    for (second, found) in [(0, true), (14, false), (15, true), (40, false)] {
        rests(&rig, key, held).await;
        assert_eq!(looks(&rig, key, &mut woken, ("one/a", second)).await, found, "at {second}");
    }
    // A start by the same files, and one that waits for what may come: once.
    for (code, at_once) in [(held, false), (LaneCode::NotLinked, true)] {
        let mut woken = Woken::default();
        for (second, found) in [(0, at_once), (15, false), (40, false)] {
            rests(&rig, key, code).await;
            let is_found = looks(&rig, key, &mut woken, ("one/a", second)).await;
            assert_eq!(is_found, found, "{code:?} at {second}");
        }
    }
    // A change while it was away; it goes before the second pass, and the former files come back.
    for files in ["two/b", "one/a"] {
        rests(&rig, key, held).await;
        assert!(looks(&rig, key, &mut Woken::default(), (files, 0)).await, "{files}");
    }
}

#[tokio::test]
async fn other_mappings_leave_held_lanes_alone() {
    let rig = Rig::new(Setup { mode: Mode::Paused, ..Setup::default() });
    let key = rig.order(1, 1, "captured").await;
    let (held, lacks) = (LaneCode::Held, LaneCode::NotLinked);
    let mut woken = Woken::default();
    for (files, code, found) in [
        // Nothing is known of what was looked by.
        ("one/a", held, true),
        // Mappings alone are others.
        ("two/a", held, false),
        ("two/a", lacks, false),
        ("three/a", lacks, true),
        // What holds are judged by is.
        ("four/b", held, true),
        ("five/b", held, false),
    ] {
        rests(&rig, key, code).await;
        assert_eq!(looks(&rig, key, &mut woken, (files, 0)).await, found, "{files} {code:?}");
        // To the end: else the next begins with nothing known.
        looks(&rig, key, &mut woken, (files, 15)).await;
    }
}
