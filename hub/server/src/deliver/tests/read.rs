//! Reads: answered fresh, or by the last good answer.

use std::collections::BTreeMap;
use std::time::Duration;

use super::erp;
use super::rig::{ERP, Rig, Setup};
use super::twin::Fault;
use crate::deliver::ReadError;
use crate::resilience::stale::Answered;

#[tokio::test]
async fn a_read_is_fresh_then_stale_with_its_age_while_the_system_is_down() {
    let rig = Rig::new(Setup::default());
    let args = BTreeMap::from([("sku".to_owned(), "A-1".to_owned())]);
    let Answered::Fresh(fresh) = rig.deliverer.read(&erp(), "stock", &args).await.unwrap() else {
        panic!("not fresh")
    };
    assert_eq!((&*fresh.value, &*fresh.source), (&br#"{"on_hand":7}"#[..], ERP));
    *rig.twin.down.lock().unwrap() = true;
    // The clock is the test's while the answer ages, and the program's while it asks.
    tokio::time::pause();
    tokio::time::advance(Duration::from_millis(30)).await;
    tokio::time::resume();
    let Answered::Stale(stale) = rig.deliverer.read(&erp(), "stock", &args).await.unwrap() else {
        panic!("not stale")
    };
    assert!(stale.age >= Duration::from_millis(30) && !stale.why.is_empty());
    let error = rig.deliverer.read(&erp(), "stock", &BTreeMap::new()).await.unwrap_err();
    assert_eq!(error.to_string(), "the read needs `sku`");
}

#[tokio::test]
async fn a_read_whose_step_may_take_longer_than_all_of_it_is_asked() {
    let rig = Rig::new(Setup { timeout: "120s", ..Setup::default() });
    let args = BTreeMap::from([("sku".to_owned(), "MUG".to_owned())]);
    let answer = rig.deliverer.read(&erp(), "stock", &args).await.unwrap();
    assert!(matches!(answer, Answered::Fresh(_)), "{answer:?}");
}

#[tokio::test]
async fn what_was_asked_for_is_not_kept_with_what_the_system_said() {
    let rig = Rig::new(Setup::default());
    let said =
        r#"{"message":"nobody is called ada.byron@example.com (/stock/Ada.Byron%40example.com)"}"#;
    rig.twin.fail_with([Fault::Says(422, said)]);
    let args = BTreeMap::from([("sku".to_owned(), "Ada.Byron@example.com".to_owned())]);
    rig.deliverer.read(&erp(), "stock", &args).await.unwrap_err();
    let kept = rig.deliverer.dispatchers.get(&erp()).unwrap().said().error.unwrap();
    assert!(kept.why.contains("nobody is called *** (/stock/***)"), "{kept:?}");
}

#[tokio::test]
async fn an_article_that_is_forbidden_stops_no_look_up_of_another() {
    let rig = Rig::new(Setup::default());
    let ask = |sku: &str| BTreeMap::from([("sku".to_owned(), sku.to_owned())]);
    rig.twin.fail_with([Fault::Says(403, "{}"), Fault::Says(403, "{}")]);
    for sku in ["A-1", "A-1", "A-2"] {
        let answer = rig.deliverer.read(&erp(), "stock", &ask(sku)).await;
        assert_eq!(answer.is_ok(), sku == "A-2", "{sku}: {answer:?}");
    }
}

#[tokio::test]
async fn a_no_to_a_read_is_told_from_no_answer_yet() {
    const ABSENT: &str = "the system knows none";
    const REFUSED: &str = "refused";
    const LATER: &str = "no usable answer";
    let cases = [
        (404, "{}", ABSENT),
        (410, "", ABSENT),
        (400, r#"{"message":"bad id"}"#, REFUSED),
        (422, "{}", REFUSED),
        (302, "", REFUSED),
        (204, "", REFUSED),
        (200, "", LATER),
        (408, "{}", LATER),
        (425, "{}", LATER),
        (429, "{}", LATER),
        (503, "", LATER),
        (401, "{}", LATER),
        (403, "{}", LATER),
    ];
    for (status, body, says) in cases {
        let rig = Rig::new(Setup::default());
        // As often as it may be asked.
        rig.twin.fail_with(std::iter::repeat_n(Fault::Says(status, body), 8));
        let args = BTreeMap::from([("sku".to_owned(), "A-1".to_owned())]);
        let error = rig.deliverer.read(&erp(), "stock", &args).await.unwrap_err();
        let kind = match &error {
            ReadError::Absent(_) => ABSENT,
            ReadError::Refused(_) => REFUSED,
            ReadError::NoAnswer(_) => LATER,
            other @ (ReadError::NoSystem(_)
            | ReadError::NoRead { .. }
            | ReadError::NoArgument(_)) => panic!("{status}: {other}"),
        };
        assert_eq!(kind, says, "{status} `{body}`: {error}");
        assert!(error.to_string().starts_with(says), "{error}");
    }
}
