//! The worker that drives messages again, over a bundle of the shipped files.

use std::sync::Arc;
use std::time::Duration;

use orderhub::apply::{self, MessageUnit, Unit, Word};
use orderhub::bundle::Bundle;
use orderhub::clock::Clock;
use orderhub::intake::Gates;
use orderhub::jobs;
use orderhub::store::Scope;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::contract::{World, unit};
use crate::sqlite::Sqlite;

const BODY: &str =
    r##"{"id": 7, "name": "#1001", "updated_at": "2026-11-02T08:00:00Z", "currency": "EUR"}"##;

const SETTINGS: &str = r#"
[systems.shop_eu]
integration = "shopify"
base_url = "https://shop-eu.example"
secrets = { token = { env = "T" }, webhook = { env = "T" } }
settings = { location_id = "1", money = "shop_money" }
"#;

fn bundle() -> Bundle {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../mappings");
    let settings = orderhub::config::parse("orderhub.toml", SETTINGS, &Default::default());
    Bundle::compile(&Bundle::read(&folder).unwrap(), &settings.unwrap().config).unwrap()
}

#[tokio::test]
async fn a_suspect_is_driven_by_the_worker_until_it_is_an_order() {
    let place = Sqlite::new();
    let mut world = World::new(&place).await;
    world.bundle = Arc::new(bundle());
    let (handed, _due) = mpsc::channel(10);
    let (_sender, active) = watch::channel(Arc::clone(&world.bundle));
    let (clock, stop) = (Clock::starting_at(world.now), CancellationToken::new());
    let store = Arc::clone(&world.store);
    let parts = apply::Parts { store: Arc::clone(&store), bundle: active.clone(), clock, handed };
    let (apply, looping) = apply::start(parts, 100, stop.clone());
    let gates = Gates { park_above_bytes: 1 << 20, park_above_lines: 1_000 };
    let parts = jobs::Parts { store, bundle: active, apply: apply.clone(), clock, gates };
    let working = jobs::start(parts, stop.clone());

    let mut suspect: MessageUnit = unit(world.now, Some("m1"), BODY, Vec::new());
    suspect.envelope.suspect = true;
    let stored = apply.submit(Unit::Message(Box::new(suspect))).await.unwrap();
    assert_eq!(stored.documents[0].outcome, Word::Stored);
    let found = tokio::time::timeout(Duration::from_secs(20), async {
        loop {
            let found = world.store.find(&Scope::All, "1001").await.unwrap();
            if !found.is_empty() {
                return found;
            }
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(found.await.expect("the worker drives what is due").len(), 1);
    stop.cancel();
    working.await.unwrap();
    looping.await.unwrap();
}
