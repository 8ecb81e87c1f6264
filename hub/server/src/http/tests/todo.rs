//! Decisions about calls that wait for a person. The deliverer is paused; its part is played here.

use axum::http::{Method, StatusCode};
use jiff::SignedDuration;
use orderhub_order::fold::{Act, Facts, PersonAct, Receipt, ReceiptClass};
use orderhub_order::ids::{Entity, OrderKey, SystemName};
use orderhub_order::lane::Flight;
use serde_json::{Value, json};

use super::orders::{SYSTEMS, files, order};
use super::{Answer, Running, start_with};
use crate::apply::{OrderUnit, Unit};
use crate::store::{ReceiptRow, Scope};

pub(super) fn erp() -> SystemName {
    SystemName::new("erp")
}

/// A hub whose ERP is live, and paused by a person; and an order that the ERP shall have.
pub(super) async fn order_for_the_erp() -> (Running, OrderKey) {
    let paused = "base_url = \"https://erp.example\"\nmode = \"paused\"";
    let live = SYSTEMS.replace(paused, "base_url = \"https://erp.example\"");
    assert_ne!(live, SYSTEMS);
    let hub = start_with(&live, files()).await;
    let pause = hub.call(Method::POST, "/api/v1/systems/erp/pause?reason=test", "").await;
    assert_eq!(pause.status, StatusCode::OK);
    let taken = hub.take("shop_eu", &order(1, "#1001", "12.50").to_string()).await;
    let key = OrderKey::parse(taken.body["order"].as_str().unwrap()).unwrap();
    (hub, key)
}

impl Running {
    pub(super) async fn act(&self, key: OrderKey, act: Act, receipt: Option<ReceiptRow>) {
        let facts = Facts { actor: "hub".into(), cause: "test".into(), ..Facts::default() };
        let unit = Unit::Order(Box::new(OrderUnit { key, act, facts, receipt }));
        self.hub.api().apply.submit(unit).await.unwrap();
    }

    /// The deliverer calls, and this comes of it.
    pub(super) async fn attempt(&self, key: OrderKey, class: ReceiptClass) {
        self.attempt_of(key, class, true).await;
    }

    /// `creates`: the call makes something.
    pub(super) async fn attempt_of(&self, key: OrderKey, class: ReceiptClass, creates: bool) {
        let api = self.hub.api();
        let state = api.store.state(&Scope::All, key).await.unwrap().unwrap();
        let lane = state.lanes.get(&erp()).unwrap();
        let want = lane.wants[0].clone();
        let fence = lane.fence + 1;
        let flight = Flight {
            want: want.key,
            operation: "create_sale".into(),
            entity: Entity::Order,
            creates,
            in_steps: false,
            attempt: 1,
            fence,
            deadline: api.clock.now().checked_add(SignedDuration::from_secs(60)).unwrap(),
            version: want.version,
            bundle: "test".into(),
            inputs: b"{}".to_vec(),
            hash: [1; 16],
            memo: Vec::new(),
            key: "k".into(),
            values: Vec::new(),
            without: Vec::new(),
            may_have_acted: false,
            decided: false,
            awaits: false,
            wrote: false,
            process: api.store.process(),
            in_air: false,
            began: None,
            called: None,
        };
        self.act(key, Act::Fly { system: erp(), flight: Box::new(flight) }, None).await;
        let receipt = Receipt {
            system: erp(),
            fence,
            class,
            wrote: false,
            xrefs: Vec::new(),
            reply: None,
            why: "no answer".to_owned(),
            memo: Vec::new(),
            next_due: None,
        };
        let row = ReceiptRow {
            at: api.clock.now(),
            system: "erp".to_owned(),
            operation: "create_sale".to_owned(),
            attempt: 1,
            class: serde_json::to_value(class).unwrap().as_str().unwrap().to_owned(),
            status: None,
            ms: 1,
            why: String::new(),
        };
        self.act(key, Act::Receipt(Box::new(receipt)), Some(row)).await;
    }

    async fn lane(&self) -> Value {
        let lanes = self.get("/api/v1/orders/1001/lanes").await.body;
        let lanes = lanes["items"].as_array().unwrap();
        lanes.iter().find(|lane| lane["system"] == "erp").cloned().unwrap()
    }

    /// The newest open todo.
    pub(super) async fn newest(&self) -> Value {
        self.get("/api/v1/todo").await.body["items"][0].clone()
    }

    async fn decide(&self, todo: &Value, words: &str) -> Answer {
        self.call(Method::POST, &format!("/api/v1/todo/{}/{words}", todo["id"]), "").await
    }
}

fn refused(answer: &Answer) -> (u16, &str) {
    (answer.status.as_u16(), answer.body["code"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn a_doubtful_call_goes_again_when_a_person_says_so() {
    let (hub, key) = order_for_the_erp().await;
    hub.attempt(key, ReceiptClass::InDoubt).await;
    let todo = hub.newest().await;
    assert_eq!((&todo["kind"], &todo["system"]), (&json!("in_doubt"), &json!("erp")));
    assert_eq!(hub.lane().await["code"], "in_doubt");

    let advice = hub.decide(&todo, "replay").await;
    assert_eq!(refused(&advice), (409, "nothing_to_replay"));
    assert!(advice.body["detail"].as_str().unwrap().contains("resolve it"), "{}", advice.body);
    let unsaid = hub.decide(&todo, "resolve?reason=looked").await;
    assert_eq!(refused(&unsaid), (400, "bad_request"));
    assert!(unsaid.body["detail"].as_str().unwrap().contains("`again=true`"), "{}", unsaid.body);
    assert_eq!(refused(&hub.decide(&todo, "resolve?again=true").await), (400, "bad_request"));
    let discarded = hub.decide(&todo, "discard?reason=bored").await;
    assert_eq!(refused(&discarded), (409, "decision_awaited"), "the lane would wait for ever");

    let resolved = hub.decide(&todo, "resolve?again=true&reason=not+there").await;
    assert_eq!(resolved.status, StatusCode::OK, "{}", resolved.body);
    assert_eq!(resolved.body, json!({ "id": todo["id"], "state": "resolved", "again": true }));
    let lane = hub.lane().await;
    assert_eq!(lane["code"], "retry", "{lane}");
    assert!(lane["due_at"].is_string() && lane["flying"]["may_have_acted"] == false, "{lane}");
    let again = hub.decide(&todo, "resolve?again=true&reason=again").await;
    assert_eq!(refused(&again), (409, "not_open"));
    hub.attempt(key, ReceiptClass::Ok).await;
    assert_eq!(hub.lane().await["code"], "delivered");
}

#[tokio::test]
async fn a_dead_call_that_is_not_wanted_any_more_is_dropped() {
    let (hub, key) = order_for_the_erp().await;
    hub.attempt(key, ReceiptClass::SaidNo).await;
    let attempts = hub.get("/api/v1/receipts?system=erp&class=said_no").await.body;
    assert_eq!(attempts["items"][0]["order"], key.shown(), "{attempts}");
    assert_eq!(attempts["items"][0]["operation"], "create_sale", "{attempts}");
    let none = hub.get("/api/v1/receipts?order=1001&class=ok").await.body;
    assert_eq!(none["items"], json!([]));
    let todo = hub.newest().await;
    assert_eq!(todo["kind"], "dead");
    let resolved = hub.decide(&todo, "resolve?again=false&reason=entered+by+hand").await;
    assert_eq!(resolved.status, StatusCode::OK, "{}", resolved.body);
    let lane = hub.lane().await;
    assert_eq!((&lane["code"], &lane["flying"]), (&json!("let_be"), &Value::Null), "{lane}");
    assert_eq!(lane["wants"], json!([]), "{lane}");
}

#[tokio::test]
async fn a_todo_whose_call_is_over_has_nothing_to_settle_and_may_be_discarded() {
    let (hub, key) = order_for_the_erp().await;
    hub.attempt(key, ReceiptClass::InDoubt).await;
    let first = hub.newest().await;
    let settle = || PersonAct::Settle { system: erp(), again: true, about: None };
    hub.act(key, Act::Person(settle()), None).await;
    let over = hub.decide(&first, "resolve?again=false&reason=done").await;
    assert_eq!(refused(&over), (409, "nothing_to_settle"), "{}", over.body);

    hub.attempt(key, ReceiptClass::InDoubt).await;
    let second = hub.newest().await;
    let over = hub.decide(&first, "resolve?again=false&reason=done").await;
    assert_eq!(refused(&over), (409, "nothing_to_settle"), "another call waits now");
    assert!(over.body["detail"].as_str().unwrap().contains(&second["id"].to_string()));
    assert_eq!(hub.decide(&first, "discard?reason=over").await.status, StatusCode::OK);
    assert_eq!(hub.lane().await["code"], "in_doubt", "not decided by the way");
    let resolved = hub.decide(&second, "resolve?again=false&reason=done").await;
    assert_eq!(resolved.status, StatusCode::OK, "{}", resolved.body);
}

#[tokio::test]
async fn a_todo_about_no_call_says_what_to_do_instead() {
    let hub = super::start().await;
    let id = hub.todo().await;
    let path = format!("/api/v1/todo/{id}/resolve?again=true&reason=x");
    let answer = hub.call(Method::POST, &path, "").await;
    assert_eq!(refused(&answer), (409, "nothing_to_resolve"));
    assert!(answer.body["detail"].as_str().unwrap().contains("replay its message"));
    let none = hub.call(Method::POST, "/api/v1/todo/99/resolve?again=true&reason=x", "").await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
}
