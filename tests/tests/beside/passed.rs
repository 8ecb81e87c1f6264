//! Rows that the order does not have, of lists that add none: passed over, and told.

use super::*;

const LISTS: &str = "  - { hub: lines, system: rows, each: { key: id, fields: [{ hub: sku, system: sku }, { hub: qty.ordered, system: n, as: decimal }] } }
  - { hub: lines, system: gone, each: { key: id, adds: false, fields: [{ hub: qty.cancelled, system: n, as: decimal }] } }
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_are_passed_over_are_told_and_counted() {
    let place = Place::new("sqlite:hub.db");
    place.write("till/orders.yaml", &format!("{ORDERS}{LISTS}"));
    let hub = place.start().await;
    let rows = json!([{ "id": "a", "sku": "A", "n": "2" }, { "id": "b", "sku": "B", "n": "2" }]);
    assert_eq!(outcomes(&hub, json!([{ "number": "1", "rows": rows }])).await, ["applied"]);
    let gone =
        |ids: &[&str]| -> Value { ids.iter().map(|id| json!({ "id": id, "n": "1" })).collect() };
    let said = hand_in(&hub, json!([{ "number": "1", "gone": gone(&["a", "x", "y"]) }])).await;
    let told = |outcome: &str, why: &str| (outcome.to_owned(), why.to_owned());
    assert_eq!(said, [told("applied", "2 rows of `lines` are not in the order")]);
    // Also where the rest says nothing new.
    let said = hand_in(&hub, json!([{ "number": "1", "gone": gone(&["a", "z"]) }])).await;
    assert_eq!(said, [told("unchanged", "1 row of `lines` is not in the order")]);
    let whole = order(&hub, "1").await;
    assert_eq!(whole["lines"].as_array().map(Vec::len), Some(2), "{whole}");

    let metrics = client().get(hub.url("/metrics")).send().await.unwrap().text().await.unwrap();
    let passed = metrics.lines().find(|line| {
        let of = |label: &str| line.contains(label);
        line.starts_with("orderhub_intake_rows_passed_total{")
            && of("document=\"orders\"")
            && of("system=\"till\"")
    });
    assert!(passed.is_some_and(|line| line.ends_with(" 3")), "{passed:?}");
    assert!(hub.terminate().await.success());
}
