//! The account as its callers meet it: pages and their tokens, the lag, packages.

use std::time::Duration;

use serde_json::{Value, json};

use super::search::Asked;
use super::*;
use crate::clock::Clock;

/// An account with the orders of these numbers, made at the start; a twin second is one of ours.
fn account(numbers: std::ops::RangeInclusive<u64>) -> Amazon {
    let clock = Clock::new(1.0, "2026-11-18T10:00:00Z".parse().unwrap());
    let amazon = Amazon::new(Frame::new("amazon", clock, ONCE));
    numbers.for_each(|number| amazon.place(order(number)));
    amazon
}

fn asked(said: &[(&str, &str)]) -> Asked {
    let since = [("lastUpdatedAfter", "2026-11-18T09:00:00Z")];
    since.iter().chain(said).map(|(name, value)| ((*name).into(), (*value).into())).collect()
}

fn search(amazon: &Amazon, said: &[(&str, &str)]) -> Option<Value> {
    amazon.search(&asked(said)).ok()
}

fn listed(page: &Value) -> usize {
    page["orders"].as_array().unwrap().len()
}

#[tokio::test(start_paused = true)]
async fn what_is_young_is_not_listed_and_asking_for_it_is_refused() {
    let amazon = account(1..=3);
    assert_eq!(listed(&search(&amazon, &[]).unwrap()), 0);
    let near = [("lastUpdatedBefore", "2026-11-18T10:00:01Z")];
    assert!(search(&amazon, &near).is_none());
    tokio::time::advance(Duration::from_secs(121)).await;
    assert_eq!(listed(&search(&amazon, &near).unwrap()), 3);
    let page = search(&amazon, &[]).unwrap();
    assert_eq!(
        (listed(&page), &page["lastUpdatedBefore"]),
        (3, &json!("2026-11-18T10:00:01.000Z"))
    );
    for wrong in [
        [("lastUpdatedBefore", "2026-11-18T10:00:01+00:00")],
        [("createdAfter", "2026-11-18T09:00:00Z")],
        [("createdBefore", "2026-11-18T09:30:00Z")],
        [("maxResultsPerPage", "101")],
        [("includedData", "BUYER,SHOE_SIZE")],
    ] {
        assert!(search(&amazon, &wrong).is_none(), "{wrong:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn pages_follow_each_other_by_tokens_that_live_for_a_day() {
    let amazon = account(1..=5);
    tokio::time::advance(Duration::from_secs(300)).await;
    let size = ("maxResultsPerPage", "2");
    let page = search(&amazon, &[size]).unwrap();
    let token = page["pagination"]["nextToken"].as_str().unwrap();
    // What changes meanwhile is listed by the next search, not by this one.
    assert!(amazon.change(&order_id(5), |order| order["programs"] = json!(["PRIME"])));
    let page = search(&amazon, &[("maxResultsPerPage", "10"), ("paginationToken", token)]).unwrap();
    assert_eq!((listed(&page), page.get("pagination")), (2, None));
    let other = ("marketplaceIds", MARKETPLACE);
    assert!(search(&amazon, &[size, ("paginationToken", token), other]).is_none());
    assert!(search(&amazon, &[size, ("paginationToken", "page-of-nobody")]).is_none());
    tokio::time::advance(Duration::from_secs(24 * 3_600 + 1)).await;
    assert!(search(&amazon, &[size, ("paginationToken", token)]).is_none(), "it has lapsed");
}

fn package(number: &str, pieces: u64, tracking: &str) -> Value {
    json!({ "marketplaceId": MARKETPLACE, "packageDetail": {
        "packageReferenceId": number, "carrierCode": "UPS", "trackingNumber": tracking,
        "shipDate": "2026-11-18T09:00:00Z", "orderItems": [{ "orderItemId": "201", "quantity": pieces }],
    } })
}

#[tokio::test(start_paused = true)]
async fn a_package_is_confirmed_once_and_another_one_when_there_is_something_left() {
    let amazon = account(2..=2);
    let id = order_id(2);
    let pieces = amazon.orders()[0]["orderItems"][0]["quantityOrdered"].as_u64().unwrap();
    assert!(pieces > 0 && amazon.orders()[0]["orderItems"].as_array().unwrap().len() == 1);
    let confirm = |package: &Value| amazon.confirm(&id, package).map_err(|(status, ..)| status);
    assert_eq!(confirm(&package("10001", pieces, "T1")), Ok(()));
    assert_eq!(confirm(&package("10001", pieces, "T1")), Ok(()), "the same again");
    assert_eq!(confirm(&package("10001", pieces, "T2")), Ok(()), "another number of it");
    assert_eq!(confirm(&package("10002", pieces, "T3")), Err(400), "nothing is left");
    assert_eq!(confirm(&package("S1", pieces, "T1")), Err(400));
    assert_eq!(confirm(&package("0", pieces, "T1")), Err(400));
    assert_eq!(amazon.confirm("900-0000000-0000009", &package("1", 1, "T")).unwrap_err().0, 404);
    let order = &amazon.orders()[0];
    assert_eq!(order["fulfillment"]["fulfillmentStatus"], "SHIPPED");
    assert_eq!(order["packages"].as_array().unwrap().len(), 1);
    assert_eq!(order["packages"][0]["trackingNumber"], "T2");
    let counts = amazon.frame.ledger.counts();
    assert_eq!((counts.effects[CONFIRMED], counts.effects[CORRECTED]), (1, 1));
    assert_eq!((counts.repeated, counts.doubled), (1, 0));
}
