//! Systems that say again what was shown to them, in whatever they answer.

use std::collections::BTreeMap;

use orderhub_lang::value::Value;
use orderhub_order::ids::SystemName;
use orderhub_order::lane::LaneCode;

use super::erp;
use super::rig::{ERP, Rig, SINK, Setup};
use super::twin::{Fault, Login};
use crate::deliver::{Asked, Question};

const SESSION: &str = r#"auth: { session: { url: "{base_url}/login", headers: { X-Token: "{secret.token}" }, save: { token: body.session }, timeout: 100ms }, headers: { X-Token: "{session.token}" } }"#;

/// The token, and the session that the twin gives for it first.
const TOKEN: &str = "hush/17 \"x\"";
const SESSIONS: &str = r#"{"session":"session-of-mine"}"#;

/// All writings of both that a system may give back.
const SAID: &str = r#"{"message":"no hush/17 \"x\" HUSH/17 \"X\" hush%2F17%20%22x%22 hush%252F17%2520%2522x%2522 aHVzaC8xNyAieCI= aHViOmh1c2gvMTcgIngi hush\\/17 \\u0022x\\\" hush/17 &quot;x&quot; session-of-mine c2Vzc2lvbi1vZi1taW5l session%2Dof%2Dmine"}"#;

/// What of them would tell them.
const TELLS: [&str; 8] = ["hush", "HUSH", "17", "aHVz", "h1c2gv", "session", "Vzc2lv", "sess"];

fn quiet(said: &str) {
    for tells in TELLS {
        assert!(!said.contains(tells), "{tells}: {said}");
    }
    assert!(said.contains("***"), "it is told that something was said: {said}");
}

fn why(asked: Asked) -> String {
    match asked {
        Asked::Again { why, .. } | Asked::No { why, .. } | Asked::GivenUp(why) => why,
        Asked::Answer(reply) => panic!("{reply:?}"),
    }
}

async fn asks(rig: &Rig) -> String {
    let args = BTreeMap::from([("sku".to_owned(), Value::text("A-1"))]);
    let question = Question { operation: "stock", args, fields: &[], attempts: 0 };
    why(rig.deliverer.ask(&erp(), question).await)
}

#[tokio::test]
async fn no_text_of_a_system_that_echoes_its_secrets_tells_one() {
    let rig = Rig::new(Setup { auth: SESSION, create: "create_unsafe", ..Setup::default() });
    *rig.token.lock().unwrap() = TOKEN;
    let faults = [Login::Says(400, SAID), Login::Says(200, SESSIONS)];
    rig.twin.sessions.lock().unwrap().faults.extend(faults);
    // Before there is a session: only the secret is known, and may be said.
    let said = asks(&rig).await;
    assert!(!said.contains("hush") && !said.contains("aHVz") && said.contains("***"), "{said}");
    let kept = rig.deliverer.dispatchers.get(&erp()).unwrap().said().error.unwrap();
    assert!(!kept.why.contains("hush") && kept.why.contains("***"), "{kept:?}");
    rig.deliverer.resume(&erp());
    // Questions of polls and fetches, whatever the class of the answer.
    let args = BTreeMap::from([("sku".to_owned(), "A-1".to_owned())]);
    let says = |status| rig.twin.fail_with([Fault::Says(status, SAID), Fault::Says(status, SAID)]);
    for status in [422, 503, 400] {
        says(status);
        quiet(&asks(&rig).await);
        rig.twin.faults.lock().unwrap().clear();
        let kept = rig.deliverer.dispatchers.get(&erp()).unwrap().said().error.unwrap();
        quiet(&kept.why);
        says(status);
        let read = rig.deliverer.read(&erp(), "stock", &args).await.unwrap_err();
        quiet(&read.to_string());
        rig.twin.faults.lock().unwrap().clear();
    }
    // A session that is refused is said by who refuses it.
    says(401);
    quiet(&asks(&rig).await);
    rig.deliverer.resume(&erp());
    says(429);
    quiet(&asks(&rig).await);
}

#[tokio::test]
async fn a_delivery_to_a_system_that_echoes_its_secrets_tells_none() {
    let rig = Rig::new(Setup { auth: SESSION, create: "create_unsafe", ..Setup::default() });
    *rig.token.lock().unwrap() = TOKEN;
    rig.deliverer.pause(&SystemName::new(SINK), "only the ERP matters here");
    rig.twin.sessions.lock().unwrap().faults.extend([Login::Says(200, SESSIONS)]);
    rig.twin.fail_with([Fault::Says(422, SAID)]);
    let key = rig.order(1, 1, "captured").await;
    let lane = rig.until(key, ERP, |lane| lane.code == Some(LaneCode::Dead)).await;
    for receipt in rig.receipts(key).await {
        quiet(&receipt.why);
    }
    assert!(!format!("{lane:?}").contains("session-of-mine"), "{lane:?}");
}
