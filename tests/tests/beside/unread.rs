//! Webhooks that cannot be read when they come, whole or in part.

use std::path::PathBuf;

use orderhub_tests::database::Schema;
use orderhub_tests::http::client;
use orderhub_tests::hub::Hub;
use orderhub_tests::{api, http, wait};
use serde_json::{Value, json};

use super::{HOOKS, MENDED, PATIENCE, Place, is_there, order};

/// Sends a webhook of acme; its status and what it says.
async fn send(hub: &Hub, kind: Option<&str>, body: String) -> (u16, String) {
    let mut request = client().post(hub.url("/webhooks/acme")).body(body);
    if let Some(kind) = kind {
        request = request.header("x-kind", kind);
    }
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

async fn todos(hub: &Hub) -> Vec<(String, String)> {
    let all = api::get(hub, "/api/v1/todo").await;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let all = all["items"].as_array().unwrap().iter();
    all.map(|todo| (text(&todo["cause"]), text(&todo["why"]))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_notice_that_cannot_be_read_holds_back_none_beside_it() {
    let place = Place::new("sqlite:hub.db");
    let hub = place.start().await;
    let value = json!({ "value": [
        { "id": "m1", "kind": "order", "number": "1" },
        { "id": "m2", "nokind": 1 },
        { "id": "m3", "kind": "order", "number": "3" },
        { "id": "m4", "nokind": 2 },
    ] });
    assert_eq!(send(&hub, None, value.to_string()).await.0, 200);
    for number in ["1", "3"] {
        assert!(is_there(&hub, number).await, "{number} is there when the sender is told");
    }
    let told = "the webhook does not say its kind";
    let expected = format!("value[1]: {told}; value[3]: {told}");
    assert_eq!(todos(&hub).await, [("unreadable_webhook".to_owned(), expected)]);
    // More than are read of one: its sender is told to divide it, and nothing of it is taken.
    let many: Vec<Value> = (0..1_001)
        .map(|n| json!({ "id": n, "kind": "order", "number": format!("n{n}") }))
        .collect();
    let (status, said) = send(&hub, None, json!({ "value": many }).to_string()).await;
    assert_eq!(status, 413, "{said}");
    assert!(said.contains("1001 notices") && said.contains("at most 1000"), "{said}");
    assert_eq!((api::all_orders(&hub).await.len(), todos(&hub).await.len()), (2, 1));
    let metrics = http::text(&hub.url("/metrics")).await.unwrap();
    assert!(metrics.contains("orderhub_webhooks_refused_total{system=\"acme\"} 1"), "{metrics}");
    assert!(hub.log().contains("too many notices"), "{}", hub.log());
    let fewer = json!({ "value": &many[..1_000] });
    assert_eq!(send(&hub, None, fewer.to_string()).await.0, 200);
    assert_eq!(api::all_orders(&hub).await.len(), 1_002);
    assert!(hub.terminate().await.success());
}

async fn mended(database: Option<Schema>) {
    let store = database.as_ref().map_or("sqlite:hub.db".to_owned(), Schema::url);
    let place = Place::new(&store);
    let hub = place.start().await;
    // One is read at once; of the other, this connector does not know what it is.
    let first = json!({ "value": [
        { "id": "z1", "number": "7", "note": "old", "desk": "d1" },
        { "id": "z2", "kind": "order", "number": "8" },
    ] });
    assert_eq!(send(&hub, Some("order"), first.to_string()).await.0, 200);
    let weather = json!({ "value": [{ "id": "z3", "number": "9" }] });
    assert_eq!(send(&hub, Some("weather"), weather.to_string()).await.0, 200);
    assert_eq!(send(&hub, None, "no JSON".to_owned()).await.0, 200);
    let newer = json!({ "value": [{ "id": "z4", "kind": "order", "number": "7", "note": "new" }] });
    assert_eq!(send(&hub, None, newer.to_string()).await.0, 200);
    let version = order(&hub, "8").await["version"].clone();
    // Replayed by a connector that is not mended, it is what it was.
    let open = api::get(&hub, "/api/v1/todo").await["items"].as_array().unwrap().clone();
    assert_eq!(open.len(), 3, "{open:?}");
    for todo in &open {
        let url = hub.url(&format!("/api/v1/todo/{}/replay", todo["id"]));
        let answer = client().post(url).json(&json!({})).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }
    let causes = |todos: &[(String, String)]| {
        let mut causes: Vec<String> = todos.iter().map(|(cause, _)| cause.clone()).collect();
        causes.sort();
        causes
    };
    wait::until("all of it was tried", PATIENCE, || async {
        let now = api::get(&hub, "/api/v1/todo").await["items"].as_array().unwrap().clone();
        let anew = now.iter().all(|todo| open.iter().all(|old| old["id"] != todo["id"]));
        (anew && now.len() == 3).then_some(())
    })
    .await;
    assert_eq!(causes(&todos(&hub).await), ["unreadable_webhook"; 3]);

    place.write("acme/connector.yaml", &HOOKS.replace(MENDED.0, MENDED.1));
    wait::until("the mended connector read them", PATIENCE, || async {
        (causes(&todos(&hub).await) == ["unknown_document", "unreadable_webhook"]).then_some(())
    })
    .await;
    let seven = order(&hub, "7").await;
    assert_eq!(seven["ext"]["desk"], "d1", "it is applied");
    assert_eq!(seven["notes"]["customer"], "new", "as it would have been: it came before");
    assert_eq!(order(&hub, "8").await["version"], version, "its neighbour is not taken twice");
    // What nobody takes is not lost by a replay either.
    let open = api::get(&hub, "/api/v1/todo?cause=unknown_document").await["items"][0].clone();
    assert!(open["why"].as_str().unwrap().contains("weather"), "{open}");
    assert!(hub.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_that_could_not_be_read_is_applied_once_its_connector_is_mended() {
    mended(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_that_could_not_be_read_is_applied_from_a_database_too() {
    let made = tokio::task::spawn_blocking(Schema::new).await.unwrap();
    mended(Some(made)).await;
}

/// The same order is handed in by another list of its request, `value` is read at first, `news` by the mended connector.
async fn by_another_list(named: bool) -> (Vec<(String, String)>, Vec<bool>, Vec<(u64, u64)>) {
    let place = Place::new("sqlite:hub.db");
    let hooks = if named { HOOKS.to_owned() } else { HOOKS.replace("  id: item.id\n", "") };
    place.write("acme/connector.yaml", &hooks);
    let hub = place.start().await;
    let both = json!({
        "value": [
            { "id": "n1", "kind": "order", "number": "1", "note": "old" },
            { "id": "n2", "kind": "order", "number": "2" },
            { "id": "n3", "number": "3" },
        ],
        "news": [
            { "id": "n3", "kind": "order", "number": "3" },
            { "id": "n1", "kind": "order", "number": "1", "note": "old", "desk": "d1" },
        ],
    });
    assert_eq!(send(&hub, None, both.to_string()).await.0, 200);
    let before = todos(&hub).await;
    assert_eq!(before.len(), 1, "{before:?}");
    let versions = async || {
        let (one, two) = (order(&hub, "1").await, order(&hub, "2").await);
        (one["version"].as_u64().unwrap(), two["version"].as_u64().unwrap())
    };
    let first = versions().await;
    place.write("acme/connector.yaml", &hooks.replace("each: body.value", "each: body.news"));
    let after = wait::until("the other list was read", PATIENCE, || async {
        // It is a todo no more while it is tried.
        let now = todos(&hub).await;
        let ended = now.is_empty() && is_there(&hub, "3").await;
        let told = now.first().is_some_and(|(_, why)| why.contains("cannot be told"));
        (if named { ended } else { told }).then_some(now)
    })
    .await;
    let there = [is_there(&hub, "1").await, is_there(&hub, "3").await];
    let versions = vec![first, versions().await];
    assert!(hub.terminate().await.success());
    (after, there.to_vec(), versions)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_mended_connector_reads_from_another_list_is_taken_once_or_stays_a_todo() {
    let (todos, there, versions) = by_another_list(true).await;
    assert_eq!((todos, there), (Vec::new(), vec![true, true]), "each says who it is");
    assert_eq!(versions[0], versions[1], "what was taken at once is not taken again");
    let (todos, there, versions) = by_another_list(false).await;
    assert_eq!((todos.len(), there), (1, vec![true, false]), "{todos:?}");
    let (cause, why) = &todos[0];
    assert_eq!(cause, "unreadable_webhook");
    assert!(why.contains("it cannot be told which of them were taken"), "{why}");
    assert_eq!(versions[0], versions[1]);
}

const SECRET: &str = "hooksecret-zq81";

/// Names the secret that proves webhooks, and another one that is a word of orders, too. The first one's file.
fn name_secrets(place: &Place) -> PathBuf {
    let settings = place.folder.path().join("orderhub.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    let at = place.folder.path().join("hook.secret");
    std::fs::write(&at, SECRET).unwrap();
    let user = place.folder.path().join("user.secret");
    std::fs::write(&user, "at the harbour").unwrap();
    let named = format!(
        "[systems.acme.secrets]\nhook = {{ file = \"{}\" }}\nuser = {{ file = \"{}\" }}\n",
        at.display(),
        user.display()
    );
    std::fs::write(&settings, format!("{text}{named}")).unwrap();
    at
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_within_a_webhook_is_neither_stored_nor_shown() {
    let place = Place::new("sqlite:hub.db");
    let proves = HOOKS
        .replace("verify: none", "verify: { got: body.state, want: \"{secret.hook}\" }")
        .replace("kind: item.kind", "kind: item.kind ?? headers.x-kind");
    place.write("acme/connector.yaml", &proves);
    let at = name_secrets(&place);
    let hub = place.start().await;
    let body = |state: &str| {
        json!({ "state": state, "value": [
            { "id": "m1", "kind": "order", "number": "1", "note": format!("by {SECRET} at the harbour"), "desk": SECRET },
            { "id": "m2", "number": "2", "about": SECRET },
        ] })
    };
    assert_eq!(send(&hub, None, body("another").to_string()).await.0, 401);
    assert_eq!(send(&hub, None, body(SECRET).to_string()).await.0, 200);
    let one = order(&hub, "1").await;
    assert_eq!(
        (&one["ext"]["desk"], &one["notes"]["customer"]),
        (&json!("***"), &json!("by *** at the harbour"))
    );
    let open = api::get(&hub, "/api/v1/todo").await["items"][0].clone();
    let shown = api::get(&hub, &format!("/api/v1/todo/{}", open["id"])).await;
    let raw = shown["raw"]["body"].as_str().unwrap();
    assert!(raw.contains("\"state\":\"***\"") && raw.contains("\"number\":\"2\""), "{shown}");
    assert!(!shown.to_string().contains(SECRET), "{shown}");
    // Nor is it there to be shown by one who does not know it for a secret any more.
    std::fs::write(&at, "another-secret-77").unwrap();
    wait::until("the secret has rotated", PATIENCE, || async {
        (send(&hub, None, body(SECRET).to_string()).await.0 == 401).then_some(())
    })
    .await;
    let shown = api::get(&hub, &format!("/api/v1/todo/{}", open["id"])).await;
    assert!(!shown.to_string().contains(SECRET), "{shown}");
    std::fs::write(&at, SECRET).unwrap();
    wait::until("it has come back", PATIENCE, || async {
        (send(&hub, Some("order"), body(SECRET).to_string()).await.0 == 200).then_some(())
    })
    .await;
    // A sender repeats himself, by his header this time: what was taken is not taken twice.
    assert_eq!(send(&hub, Some("order"), body(SECRET).to_string()).await.0, 200);
    assert!(is_there(&hub, "2").await);
    // Its connector is mended: it is read again as it was read, and applied once.
    place.write("acme/connector.yaml", &proves.replace("?? headers.x-kind", "?? 'order'"));
    wait::until("the mended connector read it", PATIENCE, || async {
        todos(&hub).await.is_empty().then_some(())
    })
    .await;
    let causes: Vec<(String, String)> = todos(&hub).await;
    assert_eq!(causes, []);
    assert!(!hub.log().contains(SECRET), "{}", hub.log());
    assert!(hub.terminate().await.success());
    for entry in std::fs::read_dir(place.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() && path != at {
            let bytes = std::fs::read(&path).unwrap();
            let found = bytes.windows(SECRET.len()).any(|part| part == SECRET.as_bytes());
            assert!(!found, "{} holds the secret", path.display());
        }
    }
}
