//! A switch of bundles between mapping and the commit: what waits is mapped anew, by the files whose rules fold it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic, its helpers too"
)]

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use orderhub::apply::{Unit, Word, batch};
use orderhub::bundle::{Bundle, Files};
use orderhub::clock::Clock;
use orderhub::config::{Config, Secrets, StoreUrl, parse};
use orderhub::intake::{Envelope, Gates, unit};
use orderhub::store::sqlite::{Options, SqliteStore};
use orderhub::store::traffic::{Before, traffic};
use orderhub::store::{Scope, Store};
use orderhub_mapping::facts::said;
use orderhub_order::catalogue::known;
use orderhub_order::ids::SystemName;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

const SETTINGS: &str = r#"
[systems.shop_eu]
integration = "shopify"
base_url = "https://shop-eu.example"
secrets = { client_secret = { env = "T" }, webhook = { env = "T" } }
settings = { location_id = "1", client_id = "app", money = "shop_money" }
"#;

fn files() -> Files {
    Bundle::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../mappings")).unwrap()
}

fn config() -> Config {
    parse("orderhub.toml", SETTINGS, &HashMap::new()).unwrap().config
}

/// The shipped files; the numbers of orders keep their `#`.
fn changed() -> Files {
    let mut files = files();
    let order = files.get_mut("shopify/order_rest.yaml").unwrap();
    let text = String::from_utf8(order.clone()).unwrap();
    let (stripped, whole) = ("system: name, as: { strip_prefix: \"#\" } }", "system: name }");
    assert!(text.contains(stripped));
    *order = text.replace(stripped, whole).into_bytes();
    files
}

#[tokio::test]
async fn what_was_mapped_before_a_switch_is_mapped_by_the_files_that_fold_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orderhub.db");
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&Options::at(path.clone())).unwrap());
    let old = Arc::new(Bundle::compile(&files(), &config()).unwrap());
    let new = Arc::new(Bundle::compile(&changed(), &config()).unwrap());
    let envelope = Envelope {
        source: "queue:orders".into(),
        system: SystemName::new("shop_eu"),
        document: "order_rest".into(),
        message_id: None,
        body: Bytes::from(files()["shopify/samples/paid.json"].clone()),
        headers: Vec::new(),
        received: Timestamp::UNIX_EPOCH,
        suspect: false,
    };
    let gates = Gates { park_above_bytes: 1 << 20, park_above_lines: 1_000 };
    let before = unit(&old, gates, envelope.clone(), None);
    assert_eq!(before.bundle, old.hash);

    let (active, bundle) = watch::channel(Arc::clone(&old));
    let (handed, _due) = mpsc::channel(64);
    let parts = batch::Parts { store: Arc::clone(&store), bundle, clock: Clock::system(), handed };
    let stop = CancellationToken::new();
    let (apply, applying) = batch::start(parts, 64, stop.clone());
    active.send(Arc::clone(&new)).unwrap();
    let outcome = apply.submit(Unit::Message(Box::new(before))).await.unwrap();
    let [document] = outcome.documents.as_slice() else { panic!("{outcome:?}") };
    assert_eq!(document.outcome, Word::Applied, "{outcome:?}");
    let state = store.state(&Scope::All, document.order.unwrap()).await.unwrap().unwrap();
    let number = state.order.fields.text(known::order::ORDER_NO).unwrap();
    assert!(number.starts_with('#'), "{number}: mapped by the files before the switch");
    stop.cancel();
    applying.await.unwrap();
    store.close().await;

    let mut config = config();
    config.store.url = StoreUrl::Sqlite(path);
    let mut stored = traffic(&config.store, &Secrets::new(HashMap::new())).await.unwrap();
    let all = Before { id: i64::MAX, since: Timestamp::UNIX_EPOCH, system: None, limit: 10 };
    let [drive] = &stored.messages(&all).await.unwrap()[..] else { panic!("one message") };
    assert_eq!(*drive.bundle, *new.hash);
    assert_eq!(drive.said, Some(said(&new.map_in(&envelope))));
    assert_ne!(drive.said, Some(said(&old.map_in(&envelope))));
}

/// The shipped files; an order says which one it replaces.
fn looking_up() -> Files {
    let mut files = files();
    let order = files.get_mut("shopify/order_rest.yaml").unwrap();
    let text = String::from_utf8(order.clone()).unwrap();
    let rule =
        "fields:\n  - { hub: ext.replaces, system: replaces, as: { lookup: { xref: order } } }\n";
    assert!(text.contains("fields:\n"));
    *order = text.replacen("fields:\n", rule, 1).into_bytes();
    files
}

#[tokio::test]
async fn what_a_message_looks_up_is_found_out_anew_after_a_switch() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options::at(folder.path().join("orderhub.db"));
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&options).unwrap());
    let plain = Arc::new(Bundle::compile(&files(), &config()).unwrap());
    let asking = Arc::new(Bundle::compile(&looking_up(), &config()).unwrap());
    let order = |id: u64, more: &str| {
        Envelope {
        source: "queue:orders".into(),
        system: SystemName::new("shop_eu"),
        document: "order_rest".into(),
        message_id: None,
        body: format!(
            "{{\"id\":{id},\"name\":\"#{id}\",\"updated_at\":\"2026-11-02T08:00:00Z\",\"currency\":\"EUR\"{more}}}"
        )
        .into(),
        headers: Vec::new(),
        received: Timestamp::UNIX_EPOCH,
        suspect: false,
    }
    };
    let gates = Gates { park_above_bytes: 1 << 20, park_above_lines: 1_000 };
    let (active, bundle) = watch::channel(Arc::clone(&plain));
    let (handed, _due) = mpsc::channel(64);
    let parts = batch::Parts { store: Arc::clone(&store), bundle, clock: Clock::system(), handed };
    let stop = CancellationToken::new();
    let (apply, applying) = batch::start(parts, 64, stop.clone());
    let first = unit(&plain, gates, order(1, ""), None);
    apply.submit(Unit::Message(Box::new(first))).await.unwrap();
    // Mapped by files that look nothing up, folded by others that do; and the other way round.
    let cases = [(2, &plain, &asking, Some("shop_eu-1")), (3, &asking, &plain, None)];
    for (id, before, after, replaces) in cases {
        let message = unit(before, gates, order(id, ",\"replaces\":1"), None);
        active.send(Arc::clone(after)).unwrap();
        let outcome = apply.submit(Unit::Message(Box::new(message))).await.unwrap();
        let [document] = outcome.documents.as_slice() else { panic!("{outcome:?}") };
        assert_eq!(document.outcome, Word::Applied, "{id}: {outcome:?}");
        let state = store.state(&Scope::All, document.order.unwrap()).await.unwrap().unwrap();
        let shown = serde_json::to_value(&state.order.fields).unwrap().to_string();
        assert_eq!(shown.contains("shop_eu-1"), replaces.is_some(), "{id}: {shown}");
    }
    stop.cancel();
    applying.await.unwrap();
    store.close().await;

    let mut config = config();
    config.store.url = StoreUrl::Sqlite(folder.path().join("orderhub.db"));
    let mut stored = traffic(&config.store, &Secrets::new(HashMap::new())).await.unwrap();
    let all = Before { id: i64::MAX, since: Timestamp::UNIX_EPOCH, system: None, limit: 10 };
    let drives = stored.messages(&all).await.unwrap();
    let kept: Vec<(bool, bool)> = drives
        .iter()
        .map(|drive| {
            let kept = String::from_utf8(drive.facts.clone().unwrap_or_default()).unwrap();
            (*drive.bundle == *asking.hash, kept.contains("shop_eu-1"))
        })
        .collect();
    assert_eq!(kept, [(false, false), (true, true), (false, false)], "newest first");
}
