//! Why a system has, or has not, what an order says.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::orders::{order, shops};

#[tokio::test]
async fn why_says_in_words_what_stands_in_the_way() {
    let hub = shops().await;
    hub.take("shop_eu", &order(1, "#1001", "12.50").to_string()).await;
    let answer = hub.get("/api/v1/orders/1001/why").await.body;
    let of = |system: &str| {
        let items = answer["items"].as_array().unwrap();
        items.iter().find(|item| item["system"] == system).cloned().unwrap()
    };
    assert!(of("erp")["why"].as_str().unwrap().contains("still wants"), "{answer}");
    assert!(of("shop_us")["why"].as_str().unwrap().contains("nothing for it"), "{answer}");
    let paused = of("erp")["do"][0].as_str().unwrap().to_owned();
    assert_eq!(paused, "set `systems.erp.mode` to live and restart the hub");
    let missing = &of("shop_us")["rules"][0]["missing"];
    assert_eq!(
        missing,
        &json!(["the order has no shipments yet", "the order came from `shop_eu`"])
    );
    let one = hub.get("/api/v1/orders/1001/why?system=erp").await.body;
    assert_eq!(one["items"].as_array().unwrap().len(), 1);
    assert_eq!(hub.get("/api/v1/orders/1001/why?system=moon").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn why_says_what_every_release_lacks_and_what_to_do() {
    let hub = shops().await;
    let mut unpaid = order(2, "#1002", "12.50");
    unpaid["financial_status"] = json!("pending");
    hub.take("shop_eu", &unpaid.to_string()).await;
    let erp = hub.get("/api/v1/orders/1002/why?system=erp").await.body["items"][0].clone();
    assert_eq!(erp["code"], "not_routed");
    let rule = |name: &str| -> Value {
        let rules = erp["rules"].as_array().unwrap();
        rules.iter().find(|rule| rule["rule"] == name).cloned().unwrap()
    };
    let accepted = rule("order.accepted/create_sale");
    let words = "`state.payment` must be not_required, authorized, captured or partially_refunded; it is pending";
    assert_eq!(accepted["missing"], json!([words]), "{erp}");
    assert!(erp["why"].as_str().unwrap().contains(words), "{erp}");
    assert_eq!(rule("order.cancelled/cancel_sale")["missing"][1], "it does not know the order yet");
    let todo = erp["do"].as_array().unwrap().last().unwrap().as_str().unwrap();
    assert!(todo.contains("`missing`"), "{erp}");

    hub.take("shop_eu", &order(1, "#1001", "12.50").to_string()).await;
    let erp = hub.get("/api/v1/orders/1001/why?system=erp").await.body["items"][0].clone();
    assert_eq!(erp["rules"][0]["fired"], 1, "{erp}");
}

/// Of one system and of all: each hold that stands with its values, what ends it, and the command that does.
#[tokio::test]
async fn why_lists_the_holds_that_stand() {
    let hub = shops().await;
    let mut odd = order(3, "#1003", "12.50");
    odd["financial_status"] = json!("tobedecided");
    odd["total_price"] = json!("99.00");
    odd["shipping_lines"] = json!([{ "price": "0.00" }]);
    odd["total_tip_received"] = json!("0.00");
    hub.take("shop_eu", &odd.to_string()).await;
    for path in ["/api/v1/orders/1003/why", "/api/v1/orders/1003/why?system=erp"] {
        let answer = hub.get(path).await.body;
        let holds = answer["order"]["holds"].as_array().unwrap();
        let of = |code: &str| holds.iter().find(|hold| hold["code"] == code).unwrap();
        let text = |hold: &Value, key: &str| hold[key].as_str().unwrap().to_owned();
        let unknown = of("unknown_value");
        let detail = text(unknown, "detail");
        let says = "`tobedecided` by shop_eu at state.payment, by the rule ";
        assert!(detail.starts_with(says) && detail.contains(".yaml:"), "{detail}");
        assert!(text(unknown, "ends").contains("table"), "{unknown}");
        let release = format!("`orderhub order release shop_eu-1003 {} ", text(unknown, "id"));
        assert!(text(unknown, "do").contains(&release), "{unknown}");
        let amounts = of("amount_mismatch");
        assert!(text(amounts, "detail").contains("99.00"), "{amounts}");
        assert!(text(amounts, "do").contains("orderhub explain amount_mismatch"), "{amounts}");
    }
}
