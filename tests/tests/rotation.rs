//! Secrets that change while orders flow: no call is refused for it, whichever side is first.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use orderhub_tests::http::client;
use orderhub_tests::hub::{Hub, free_port};
use orderhub_tests::settings::Settings;
use orderhub_tests::{api, http, wait};
use orderhub_twins::clock::Clock;
use orderhub_twins::erp::{self, Erp};
use orderhub_twins::frame::Frame;
use orderhub_twins::serve::serve_anywhere;
use serde_json::json;

/// The tokens that the ERP takes now, and how many requests it refused.
#[derive(Clone, Default)]
struct Gate(Arc<Mutex<(Vec<&'static str>, u32)>>);

impl Gate {
    fn takes(&self, tokens: &[&'static str]) {
        self.0.lock().unwrap().0 = tokens.to_vec();
    }

    fn refused(&self) -> u32 {
        self.0.lock().unwrap().1
    }
}

async fn check(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let given = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    let good = {
        let mut gate = gate.0.lock().unwrap();
        let good = gate.0.iter().any(|token| given.is_some_and(|given| given.ends_with(token)));
        gate.1 += u32::from(!good);
        good
    };
    if good { next.run(request).await } else { StatusCode::UNAUTHORIZED.into_response() }
}

fn order(id: u64) -> String {
    let price = "5.00";
    json!({
        "id": id, "name": format!("#{id}"), "currency": "EUR", "presentment_currency": "EUR",
        "created_at": "2026-11-01T10:00:00Z", "updated_at": "2026-11-01T10:00:00Z",
        "financial_status": "paid", "taxes_included": true,
        "total_price": price, "current_subtotal_price": price, "current_total_discounts": "0.00",
        "current_total_tax": "0.00",
        "line_items": [{ "id": id * 10, "sku": "MUG", "name": "Mug", "quantity": 1, "price": price,
                         "requires_shipping": true }],
    })
    .to_string()
}

/// Orders of a phase, all of them delivered.
async fn orders(hub: &Hub, erp: &Erp, numbers: std::ops::Range<u64>, half: impl FnOnce()) {
    let middle = numbers.start + (numbers.end - numbers.start) / 2;
    let (last, mut half) = (numbers.end, Some(half));
    for id in numbers {
        if id == middle
            && let Some(half) = half.take()
        {
            half();
        }
        let url = hub.url("/api/v1/intake/shop_eu/order_rest");
        let taken = client().post(url).body(order(id)).send().await.unwrap();
        assert!(taken.status().is_success());
    }
    let made = || erp.frame.ledger.counts().effects.get(erp::CREATED).copied().unwrap_or(0);
    wait::until("every order is a sale", Duration::from_secs(60), || async {
        (made() == last - 1 && api::pending(hub).await == 0).then_some(())
    })
    .await;
}

fn write(folder: &Path, name: &str, value: &str) {
    std::fs::write(folder.join(name), value).unwrap();
}

#[tokio::test]
async fn a_secret_is_rotated_under_load_without_a_refused_call() {
    let folder = tempfile::tempdir().unwrap();
    let gate = Gate::default();
    let clock = Clock::started_before(3_600.0, Duration::ZERO);
    let erp = Erp::new(Frame::new("erp", clock, erp::ONCE));
    let router = erp.router().layer(middleware::from_fn_with_state(gate.clone(), check));
    let served = serve_anywhere(router).await.unwrap();
    let port = free_port();
    let settings = Settings::new(port).shop("shop_eu", "http://127.0.0.1:1").system(
        "erp",
        "rest_erp",
        &served.url(),
        &["webhook"],
        &[],
    );
    settings.write(folder.path());
    let file = folder.path().join("orderhub.toml");
    let text = std::fs::read_to_string(&file).unwrap().replace(
        "[systems.erp.secrets]\n",
        "[systems.erp.secrets]\ntoken = [{ file = \"next\" }, { file = \"token\" }]\n",
    );
    std::fs::write(&file, text).unwrap();
    write(folder.path(), "token", "token-a");
    write(folder.path(), "next", "token-b");
    gate.takes(&["token-a"]);
    let hub = Hub::start(folder.path(), port).await;

    // Ours is there first: the system takes the old one still, then the new one alone from one call to the next.
    orders(&hub, &erp, 1..41, || gate.takes(&["token-b"])).await;
    let once = gate.refused();
    assert!(once > 0, "the new one was tried first, and asked again with the old one");
    // Theirs is there first: it takes both, and our file is written in place.
    gate.takes(&["token-b", "token-c"]);
    orders(&hub, &erp, 41..81, || write(folder.path(), "next", "token-c")).await;
    gate.takes(&["token-c"]);
    orders(&hub, &erp, 81..101, || {}).await;
    assert_eq!(
        gate.refused(),
        once,
        "whoever took the new one already was not asked with the old one"
    );

    for class in ["not_allowed", "may_have_acted", "not_acted"] {
        let page =
            http::json(&hub.url(&format!("/api/v1/receipts?system=erp&class={class}"))).await;
        assert_eq!(page["items"], json!([]), "no attempt ended as {class}");
    }
    let erp = http::json(&hub.url("/api/v1/systems/erp")).await;
    assert_eq!(erp["credential"], "ok", "{erp}");
    served.stop().await;
}
