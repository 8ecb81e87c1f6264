//! Diff, blame, timeline and restore over the API, with the shipped integration files and paused targets.

use axum::http::{Method, Request, StatusCode, header};
use serde_json::{Value, json};

use super::orders::{SYSTEMS, files, order};
use super::{Answer, Running, start_with};

/// An order of three versions: the shop's, and two edits by a person.
async fn edited() -> Running {
    let hub = start_with(SYSTEMS, files()).await;
    hub.take("shop_eu", &order(1, "#1001", "12.50").to_string()).await;
    for (seen, patch) in [
        (1, json!({ "notes": { "internal": "call first" }, "priority": "high" })),
        (2, json!({ "notes.internal": "called", "customer.phone": "1" })),
    ] {
        let request = Request::builder()
            .method(Method::PATCH)
            .uri("/api/v1/orders/1001?reason=customer+called")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::IF_MATCH, format!("\"{seen}\""));
        let done = hub.send(request, &patch.to_string()).await;
        assert_eq!(done.body["version"], seen + 1, "{}", done.body);
    }
    hub
}

async fn restore(hub: &Running, query: &str, seen: Option<&str>) -> Answer {
    let uri = format!("/api/v1/orders/1001/restore?{query}");
    let request = Request::builder().method(Method::POST).uri(uri);
    let request = match seen {
        Some(seen) => request.header(header::IF_MATCH, seen),
        None => request,
    };
    hub.send(request, "").await
}

fn paths(list: &Value, member: &str) -> Vec<String> {
    let items = list.as_array().unwrap().iter();
    items.map(|item| item[member].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn two_versions_differ_by_what_was_said_between_them_and_by_whom() {
    let hub = edited().await;
    let newest = hub.get("/api/v1/orders/1001/diff").await.body;
    assert_eq!((&newest["from"], &newest["to"]), (&json!(2), &json!(3)));
    let two = hub.get("/api/v1/orders/1001/diff?from=1&to=3").await.body;
    let note =
        two["items"].as_array().unwrap().iter().find(|item| item["path"] == "notes.internal");
    let note = note.unwrap_or_else(|| panic!("{two}"));
    assert_eq!((&note["old"], &note["new"]), (&Value::Null, &json!("called")));
    assert_eq!((&note["version"], &note["actor"]), (&json!(3), &json!("person:local")));
    assert_eq!(note["reason"], "customer called");
    let back = hub.get("/api/v1/orders/1001/diff?from=3&to=1").await.body;
    assert_eq!(back["items"].as_array().unwrap().len(), two["items"].as_array().unwrap().len());
    let whole = hub.get("/api/v1/orders/1001/diff?from=0&to=1").await.body;
    assert!(paths(&whole["items"], "path").contains(&"lines[L1].sku".to_owned()), "{whole}");
    let none = hub.get("/api/v1/orders/1001/diff?from=1&to=9").await;
    assert_eq!((none.status, &none.body["newest"]), (StatusCode::NOT_FOUND, &json!(3)));
}

#[tokio::test]
async fn blame_says_of_each_field_who_set_it_and_what_it_replaced() {
    let hub = edited().await;
    let all = hub.get("/api/v1/orders/1001/blame").await.body;
    let of = |field: &str| {
        let items = all["items"].as_array().unwrap();
        items.iter().find(|item| item["field"] == field).cloned().unwrap_or_else(|| panic!("{all}"))
    };
    let note = of("notes.internal");
    assert_eq!((&note["value"], &note["version"]), (&json!("called"), &json!(3)));
    assert_eq!((&note["actor"], &note["replaced"]), (&json!("person:local"), &json!("call first")));
    assert_eq!(of("priority")["version"], 2);
    let total = of("totals.total");
    assert_eq!((&total["version"], &total["actor"]), (&json!(1), &json!("system:shop_eu")));
    let line = hub.get("/api/v1/orders/1001/blame?field=lines%5BL1%5D").await.body;
    let named = paths(&line["items"], "field");
    assert!(!named.is_empty() && named.iter().all(|path| path.starts_with("lines[L1].")), "{line}");
    let state = hub.get("/api/v1/orders/1001/blame?field=state.payment").await.body;
    assert_eq!(paths(&state["items"], "field"), ["state.payment"]);
    let absent = hub.get("/api/v1/orders/1001/blame?field=cancel.reason").await;
    assert_eq!(absent.status, StatusCode::NOT_FOUND);
    let wrong = hub.get("/api/v1/orders/1001/blame?field=state.paiment").await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    assert!(wrong.body["detail"].as_str().unwrap().contains("`state.payment`"), "{}", wrong.body);
}

#[tokio::test]
async fn blame_says_of_each_name_of_a_map_who_gave_it() {
    let hub = edited().await;
    for (seen, ext) in [
        (3, json!({ "gift": "yes", "desk.no": "7" })),
        (4, json!({ "gift": "yes", "desk.no": "8" })),
        (5, json!({ "gift": "no", "desk.no": "8", "late": "x" })),
    ] {
        let request = Request::builder()
            .method(Method::PATCH)
            .uri("/api/v1/orders/1001?reason=asked")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::IF_MATCH, format!("\"{seen}\""));
        let done = hub.send(request, &json!({ "ext": ext }).to_string()).await;
        assert_eq!(done.body["version"], seen + 1, "{}", done.body);
    }
    for (name, value, version, replaced) in [
        ("ext.gift", json!("no"), 6, json!("yes")),
        ("ext.desk", json!("8"), 5, json!("7")),
        ("ext.late", json!("x"), 6, Value::Null),
    ] {
        let one = hub.get(&format!("/api/v1/orders/1001/blame?field={name}")).await.body;
        let item = &one["items"][0];
        assert!(item["field"].as_str().unwrap().starts_with(name), "{one}");
        let told = (&item["value"], &item["version"], &item["replaced"]);
        assert_eq!(told, (&value, &json!(version), &replaced), "{one}");
    }
    let whole = hub.get("/api/v1/orders/1001/blame?field=ext").await.body;
    assert_eq!(paths(&whole["items"], "field"), ["ext"]);
    let absent = hub.get("/api/v1/orders/1001/blame?field=ext.nothing").await;
    assert_eq!(absent.status, StatusCode::NOT_FOUND, "{}", absent.body);
}

#[tokio::test]
async fn a_name_of_a_map_that_did_not_stand_is_told_of_that_name_alone() {
    let hub = start_with(SYSTEMS, files()).await;
    let says = |time: &str, names: &[(&str, &str)]| {
        let pairs = names.iter().map(|(name, value)| json!({ "name": name, "value": value }));
        let mut says = order(1, "#1001", "12.50");
        says["updated_at"] = json!(format!("2026-11-01T{time}:00Z"));
        says["note_attributes"] = pairs.collect();
        says.to_string()
    };
    hub.take("shop_eu", &says("10:00", &[("gift", "a")])).await;
    let request = Request::builder()
        .method(Method::PATCH)
        .uri("/api/v1/orders/1001?reason=asked")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::IF_MATCH, "\"1\"");
    let edited = hub.send(request, &json!({ "ext": { "attributes.gift": "b" } }).to_string()).await;
    assert_eq!(edited.body["version"], 2, "{}", edited.body);
    hub.take("shop_eu", &says("11:00", &[("gift", "c"), ("desk", "7")])).await;

    let versions = hub.get("/api/v1/orders/1001/versions").await.body;
    let lost = &versions["items"][2]["lost"];
    let told = |word: &Value| {
        json!([word["field"], word["value"], word["version"], word["stays"], word["words"]])
    };
    let sentence = "`ext.attributes.gift` of shop_eu: `c` did not stand; the value of person:local stayed: the other side owns it";
    assert_eq!(lost.as_array().map(Vec::len), Some(1), "{versions}");
    assert_eq!(told(&lost[0]), json!(["ext.attributes.gift", "c", 3, 2, sentence]));
    for (path, value, version, lost) in [
        ("ext.attributes.gift", json!("b"), 2, lost),
        ("ext.attributes.desk", json!("7"), 3, &Value::Null),
        ("ext", json!({ "attributes.desk": "7", "attributes.gift": "b" }), 3, lost),
    ] {
        let one = hub.get(&format!("/api/v1/orders/1001/blame?field={path}")).await.body;
        let row = &one["items"][0];
        assert_eq!((&row["value"], &row["version"]), (&value, &json!(version)), "{one}");
        assert_eq!(&row["lost"], lost, "{one}");
    }
}

#[tokio::test]
async fn a_timeline_is_read_in_pages_from_the_newest() {
    let hub = edited().await;
    let first = hub.get("/api/v1/orders/1001/timeline?limit=2").await.body;
    let versions = |page: &Value| -> Vec<u64> {
        page["items"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|item| item["version"].as_u64())
            .collect()
    };
    assert_eq!(versions(&first), [3, 2], "{first}");
    let next = first["next"].as_str().unwrap();
    let rest = hub.get(&format!("/api/v1/orders/1001/timeline?limit=2&cursor={next}")).await.body;
    assert_eq!((versions(&rest), &rest["next"]), (vec![1], &Value::Null), "{rest}");
}

#[tokio::test]
async fn a_restore_puts_back_what_people_may_set_and_says_why_not_the_rest() {
    let hub = edited().await;
    let later = json!({ "note": "x", "updated_at": "2026-11-02T10:00:00Z" });
    let mut newer = order(1, "#1001", "20.00");
    newer.as_object_mut().unwrap().extend(later.as_object().unwrap().clone());
    assert_eq!(hub.take("shop_eu", &newer.to_string()).await.body["outcome"], "applied");
    let before = hub.get("/api/v1/orders/1001").await.body;

    let preview = restore(&hub, "to=1&dry_run=true", None).await.body;
    assert_eq!(
        (&preview["outcome"], &preview["seen"]),
        (&json!("preview"), &json!(4)),
        "{preview}"
    );
    assert_eq!(preview["version"], 5);
    let changed = paths(&preview["changes"], "path");
    for path in ["customer.phone", "notes.internal", "priority"] {
        assert!(changed.contains(&path.to_owned()), "{path}: {preview}");
    }
    let left = preview["remains"].as_array().unwrap();
    let total = left.iter().find(|left| left["path"] == "totals.total").unwrap();
    assert_eq!(total["why"], "owned");
    assert!(total["words"].as_str().unwrap().contains("change it there"), "{total}");
    let call = &preview["calls"][0];
    assert_eq!((&call["system"], &call["sent"]), (&json!("erp"), &json!(false)), "{preview}");
    assert_eq!(call["code"], "paused", "it says what stands in the way: {preview}");
    assert_eq!(hub.get("/api/v1/orders/1001").await.body, before, "a preview changes nothing");

    let done = restore(&hub, "to=1&reason=wrong+edit", Some("\"4\"")).await.body;
    assert_eq!((&done["outcome"], &done["version"]), (&json!("applied"), &json!(5)), "{done}");
    assert_eq!(done["changes"], preview["changes"], "what was shown is what was done");
    let now = hub.get("/api/v1/orders/1001").await.body;
    assert_eq!(now["totals"]["total"]["amount"], "20.00", "the shop's word stands");
    assert!(
        now["notes"].get("internal").is_none() && now["customer"].get("phone").is_none(),
        "{now}"
    );
    let versions = hub.get("/api/v1/orders/1001/versions").await.body;
    let last = versions["items"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["cause"], &last["reason"]), (&json!("restore:1"), &json!("wrong edit")));
    let then = hub.get("/api/v1/orders/1001?at=3").await.body;
    assert_eq!(then["notes"]["internal"], "called", "history keeps what was led back");
    let again = restore(&hub, "to=1&reason=again", Some("\"5\"")).await.body;
    assert_eq!((&again["outcome"], &again["version"]), (&json!("unchanged"), &json!(5)));
}

#[tokio::test]
async fn a_restore_is_bound_to_the_version_that_was_looked_at() {
    let hub = edited().await;
    for (query, seen, status, code) in [
        ("to=1&reason=x", None, 428, "version_required"),
        ("to=1&reason=x", Some("\"2\""), 412, "version_moved"),
        ("to=1&dry_run=true", Some("\"2\""), 412, "version_moved"),
        ("to=1", Some("\"3\""), 400, "bad_request"),
        ("reason=x", Some("\"3\""), 400, "bad_request"),
        ("to=0&reason=x", Some("\"3\""), 400, "bad_request"),
        ("to=7&reason=x", Some("\"3\""), 404, "not_found"),
    ] {
        let answer = restore(&hub, query, seen).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.body["code"]),
            (status, &json!(code)),
            "{query}"
        );
    }
    assert_eq!(hub.get("/api/v1/orders/1001").await.body["version"], 3);
}
