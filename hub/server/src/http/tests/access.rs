//! Who may do what: every role at every call, what each sees and edits, and who it was.

use std::collections::HashMap;

use axum::http::{Method, Request, StatusCode, header};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::orders::{SYSTEMS, files, order};
use super::{Answer, Running, start_with};
use crate::access::{self, Role};

/// A hub with a token of each role, and those besides that `more` describes: name, and the rest of its table.
struct Guarded {
    running: Running,
    tokens: HashMap<String, String>,
}

impl Guarded {
    async fn start(more: &[(&str, &str)]) -> Self {
        let roles = Role::ALL.map(|role| (role.as_str(), format!("role = \"{}\"", role.as_str())));
        let more = more.iter().map(|(name, rest)| (*name, (*rest).to_owned()));
        let mut tokens = HashMap::new();
        let mut settings = SYSTEMS.to_owned();
        for (name, rest) in roles.into_iter().chain(more) {
            let (token, hash) = access::create();
            settings += &format!("[access.tokens.{name}]\nsha256 = \"{hash}\"\n{rest}\n");
            tokens.insert(name.to_owned(), token.expose_secret().to_owned());
        }
        Self { running: start_with(&settings, files()).await, tokens }
    }

    async fn call(&self, who: &str, method: Method, path: &str, body: &str) -> Answer {
        let token = format!("Bearer {}", self.tokens[who]);
        let request = Request::builder().method(method).uri(path);
        let request = request.header(header::HOST, "hub.example").header(header::IF_MATCH, "\"1\"");
        let request = request.header(header::CONTENT_TYPE, "application/json");
        self.running.send(request.header(header::AUTHORIZATION, token), body).await
    }

    async fn get(&self, who: &str, path: &str) -> Answer {
        self.call(who, Method::GET, path, "").await
    }

    async fn take(&self, system: &str, body: &Value) -> Answer {
        let path = format!("/api/v1/intake/{system}/order_rest");
        self.call("ops_lead", Method::POST, &path, &body.to_string()).await
    }
}

/// Every call, and the roles that may make it.
const CALLS: &[(&str, &str, &[&str])] = &[
    ("GET", "/api/v1/orders", ORDERS),
    ("GET", "/api/v1/orders/9", ORDERS),
    ("GET", "/api/v1/orders/9/versions", ORDERS),
    ("GET", "/api/v1/orders/9/diff", ORDERS),
    ("GET", "/api/v1/orders/9/blame", ORDERS),
    ("GET", "/api/v1/orders/9/timeline", ORDERS),
    ("POST", "/api/v1/orders/9/restore?to=1&reason=x", EDITORS),
    ("POST", "/api/v1/orders/9/lanes/erp/resend?reason=x", &["ops_lead"]),
    ("GET", "/api/v1/orders/9/lanes", ORDERS),
    ("GET", "/api/v1/orders/9/why", ORDERS),
    ("GET", "/api/v1/receipts", ORDERS),
    ("PATCH", "/api/v1/orders/9?reason=x", EDITORS),
    ("POST", "/api/v1/orders/9/holds/H1/release?reason=x", &["ops_lead"]),
    ("GET", "/api/v1/todo", &["viewer", "cs_agent", "ops_lead"]),
    ("GET", "/api/v1/todo/9", &["viewer", "cs_agent", "ops_lead"]),
    ("POST", "/api/v1/todo/9/replay", &["ops_lead"]),
    ("POST", "/api/v1/todo/9/resolve?again=true&reason=x", &["ops_lead"]),
    ("POST", "/api/v1/todo/9/discard?reason=x", &["ops_lead"]),
    ("GET", "/api/v1/systems", SYSTEMS_SEEN),
    ("GET", "/api/v1/systems/erp", SYSTEMS_SEEN),
    ("GET", "/api/v1/bundle", SYSTEMS_SEEN),
    ("GET", "/api/v1/systems/erp/reads/stock", &["cs_agent", "ops_lead", "integrator"]),
    ("POST", "/api/v1/systems/erp/pause?reason=x", &["ops_lead"]),
    ("POST", "/api/v1/systems/erp/resume?reason=x", &["ops_lead"]),
    ("POST", "/api/v1/systems/erp/breakers/create_order/close?reason=x", &["ops_lead"]),
    ("POST", "/api/v1/intake/shop_eu/order_rest", &["ops_lead", "integrator"]),
];
const ORDERS: &[&str] = &["viewer", "cs_agent", "warehouse", "finance", "ops_lead"];
const EDITORS: &[&str] = &["cs_agent", "warehouse", "finance", "ops_lead"];
const SYSTEMS_SEEN: &[&str] = &["viewer", "cs_agent", "ops_lead", "integrator", "monitor"];

#[tokio::test]
async fn every_call_is_open_to_the_roles_of_the_table_and_to_no_other() {
    let hub = Guarded::start(&[]).await;
    for (method, path, roles) in CALLS {
        let method: Method = method.parse().unwrap();
        for role in Role::ALL.map(Role::as_str) {
            let answer = hub.call(role, method.clone(), path, "{}").await;
            let refused = answer.status == StatusCode::FORBIDDEN;
            assert_eq!(refused, !roles.contains(&role), "{role} {method} {path}: {}", answer.body);
            if refused {
                assert_eq!(answer.body["code"], "not_allowed");
                let named = answer.body["detail"].as_str().unwrap();
                assert!(roles.iter().all(|role| named.contains(role)), "{named}");
            }
        }
        let nobody = hub.running.call(method.clone(), path, "{}").await;
        assert_eq!(nobody.status, StatusCode::UNAUTHORIZED, "{method} {path}");
    }
}

#[tokio::test]
async fn who_brings_no_token_is_told_what_to_do() {
    let hub = Guarded::start(&[]).await;
    let cut = hub.tokens["viewer"].get(..40).unwrap();
    let (other, _) = access::create();
    let cases = [
        (None, "token_required", "Bearer realm=\"orderhub\""),
        (Some("Basic b3BzOm9wcw==".to_owned()), "token_malformed", "error=\"invalid_token\""),
        (Some("Bearer hunter2".to_owned()), "token_malformed", "error=\"invalid_token\""),
        (Some(format!("Bearer {cut}")), "token_malformed", "error=\"invalid_token\""),
        (Some(format!("Bearer {}", other.expose_secret())), "token_unknown", "invalid_token"),
    ];
    for (given, code, challenge) in cases {
        let mut request = Request::builder().uri("/api/v1/orders");
        if let Some(given) = &given {
            request = request.header(header::AUTHORIZATION, given);
        }
        let answer = hub.running.send(request, "").await;
        assert_eq!(
            (answer.status.as_u16(), &answer.body["code"]),
            (401, &json!(code)),
            "{given:?}"
        );
        assert!(answer.challenge.contains(challenge), "{}", answer.challenge);
        assert!(!answer.body.to_string().contains(cut), "{}", answer.body);
    }
    let lower = format!("bearer {}", hub.tokens["viewer"]);
    let request = Request::builder().uri("/api/v1/orders").header(header::AUTHORIZATION, lower);
    assert_eq!(hub.running.send(request, "").await.status, StatusCode::OK);
    for path in ["/healthz", "/readyz"] {
        assert_eq!(hub.running.get(path).await.status, StatusCode::OK, "{path} needs none");
    }
    let webhook = hub.running.call(Method::POST, "/webhooks/shop_eu", "{}").await;
    assert_eq!(webhook.body["code"], "bad_signature", "webhooks prove themselves");
}

#[tokio::test]
async fn a_role_sees_its_rows_and_personal_data_only_if_it_may() {
    let hub = Guarded::start(&[]).await;
    let mut paid = order(1, "#1001", "12.50");
    paid["note"] = json!("ring twice");
    hub.take("shop_eu", &paid).await;
    let mut unpaid = order(2, "#1002", "12.50");
    unpaid["financial_status"] = json!("pending");
    hub.take("shop_eu", &unpaid).await;
    let refs = |page: Answer| {
        let items = page.body["items"].as_array().cloned().unwrap();
        items.iter().map(|order| order["order_no"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(refs(hub.get("ops_lead", "/api/v1/orders").await), ["1002", "1001"]);
    assert_eq!(refs(hub.get("finance", "/api/v1/orders").await), ["1001"]);
    assert_eq!(hub.get("finance", "/api/v1/orders/1002").await.status, StatusCode::NOT_FOUND);
    let warehouse = refs(hub.get("warehouse", "/api/v1/orders").await);
    let stage = hub.get("ops_lead", "/api/v1/orders/1001").await.body["stage"].clone();
    assert_eq!(warehouse.contains(&json!("1001")), stage == "ready_to_release", "{stage}");
    for (role, note) in [("ops_lead", "ring twice"), ("viewer", "***")] {
        for path in ["/api/v1/orders/1001", "/api/v1/orders/1001?at=1"] {
            let shown = hub.get(role, path).await.body;
            assert_eq!(shown["notes"]["customer"], note, "{role} {path}");
        }
    }
    let listed = hub.get("viewer", "/api/v1/orders?q=1001").await.body;
    assert_eq!(listed["items"][0]["notes"]["customer"], "***");
}

#[tokio::test]
async fn who_may_not_read_personal_values_cannot_search_by_them() {
    let hub = Guarded::start(&[]).await;
    let mut bought = order(1, "#1001", "12.50");
    bought["email"] = json!("anna@example.com");
    bought["phone"] = json!("+49 89 1234567");
    bought["shipping_address"] = json!({
        "name": "Anna Müller", "address1": "Tal 1", "zip": "80331", "city": "München", "country_code": "DE",
    });
    hub.take("shop_eu", &bought).await;
    let count = async |who: &str, q: &str| {
        let q: String = q.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let found = hub.get(who, &format!("/api/v1/orders?q={q}")).await.body;
        found["items"].as_array().unwrap().len()
    };
    for q in ["anna@example.com", "Anna", "müller 80331", "+49 89 1234567", "089/1234567"] {
        assert_eq!(count("ops_lead", q).await, 1, "{q}");
        assert_eq!(count("cs_agent", q).await, 1, "{q}");
        assert_eq!(count("viewer", q).await, 0, "{q}: an oracle");
        assert_eq!(count("viewer", &format!("1001 {q}")).await, 0, "{q}: an oracle");
        assert_eq!(count("ops_lead", &format!("{q} 2002")).await, 0, "{q}");
    }
    for q in ["1001", "#1001", "shop_eu-1", "SHOP_EU-1001", "100"] {
        for who in ["viewer", "ops_lead"] {
            assert_eq!(count(who, q).await, 1, "{who} {q}");
        }
    }
    assert_eq!(count("viewer", "10").await, 0, "too short for a beginning");
    assert_eq!(count("viewer", "10*").await, 1);
}

#[tokio::test]
async fn a_token_of_one_system_sees_and_reaches_no_other() {
    let hub = Guarded::start(&[
        ("eu", "role = \"ops_lead\"\nsystems = [\"shop_eu\"]"),
        ("till", "role = \"integrator\"\nsystems = [\"shop_us\"]"),
    ])
    .await;
    hub.take("shop_eu", &order(1, "#1001", "12.50")).await;
    hub.take("shop_us", &order(2, "#1002", "12.50")).await;
    let listed = hub.get("eu", "/api/v1/orders").await.body;
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    assert_eq!(hub.get("eu", "/api/v1/orders/1002").await.status, StatusCode::NOT_FOUND);
    let systems = hub.get("eu", "/api/v1/systems").await.body;
    let names: Vec<_> = systems["items"].as_array().unwrap().iter().map(|s| &s["system"]).collect();
    assert_eq!(names, ["shop_eu"]);
    let pause = hub.call("eu", Method::POST, "/api/v1/systems/shop_us/pause?reason=x", "").await;
    assert_eq!(pause.status, StatusCode::NOT_FOUND);
    let asked = hub.get("eu", "/api/v1/orders?system=shop_us").await;
    assert!(!asked.body["detail"].as_str().unwrap().contains("erp"), "{}", asked.body);
    let path = |system: &str| format!("/api/v1/intake/{system}/order_rest");
    let body = order(3, "#1003", "1.00").to_string();
    let taken = hub.call("till", Method::POST, &path("shop_us"), &body).await;
    assert_eq!(taken.body["outcome"], "applied", "{}", taken.body);
    let refused = hub.call("till", Method::POST, &path("shop_eu"), &body).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_role_edits_its_own_fields_and_history_names_the_token() {
    let hub = Guarded::start(&[("ann", "role = \"cs_agent\"")]).await;
    hub.take("shop_eu", &order(1, "#1001", "12.50")).await;
    let path = "/api/v1/orders/1001?reason=customer+called";
    let total = json!({ "totals.total": { "amount": "1.00", "currency": "EUR" } }).to_string();
    let refused = hub.call("ann", Method::PATCH, path, &total).await;
    let code = json!("field_not_allowed");
    assert_eq!((refused.status.as_u16(), &refused.body["code"]), (403, &code), "{}", refused.body);
    assert!(
        refused.body["detail"].as_str().unwrap().contains("`totals.total`"),
        "{}",
        refused.body
    );
    let note = json!({ "notes.customer": "ring twice" }).to_string();
    let done = hub.call("ann", Method::PATCH, path, &note).await;
    assert_eq!(done.body["outcome"], "applied", "{}", done.body);
    let versions = hub.get("ann", "/api/v1/orders/1001/versions").await.body;
    assert_eq!(versions["items"].as_array().unwrap().last().unwrap()["actor"], "person:ann");
}

#[tokio::test]
async fn who_may_not_read_personal_data_sees_a_todo_without_its_message() {
    let hub = Guarded::start(&[]).await;
    let path = "/api/v1/intake/shop_eu/order_rest";
    let taken = hub.call("ops_lead", Method::POST, path, "{").await;
    assert_eq!(taken.body["outcome"], "todo", "{}", taken.body);
    let listed = hub.get("viewer", "/api/v1/todo").await.body;
    let path = format!("/api/v1/todo/{}", listed["items"][0]["id"]);
    assert!(hub.get("viewer", &path).await.body["raw"].is_null());
    assert_eq!(hub.get("cs_agent", &path).await.body["raw"]["system"], "shop_eu");
}
