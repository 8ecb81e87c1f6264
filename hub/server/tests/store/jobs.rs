//! The worker that drives messages again, over a bundle of the shipped files.

use std::sync::Arc;
use std::time::Duration;

use orderhub::apply::{self, Apply, Handed, MessageUnit, Unit, Word};
use orderhub::bundle::Bundle;
use orderhub::clock::Clock;
use orderhub::intake::Gates;
use orderhub::jobs;
use orderhub::store::{Scope, sqlite};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::contract::{World, search, unit};
use crate::sqlite::Sqlite;

const BODY: &str =
    r##"{"id": 7, "name": "#1001", "updated_at": "2026-11-02T08:00:00Z", "currency": "EUR"}"##;

const SETTINGS: &str = r#"
[systems.shop_eu]
integration = "shopify"
base_url = "https://shop-eu.example"
secrets = { client_secret = { env = "T" }, webhook = { env = "T" } }
settings = { location_id = "1", client_id = "app", money = "shop_money" }
"#;

fn bundle() -> Bundle {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../mappings");
    let settings = orderhub::config::parse("orderhub.toml", SETTINGS, &Default::default());
    Bundle::compile(&Bundle::read(&folder).unwrap(), &settings.unwrap().config).unwrap()
}

/// The worker, over the store of a world.
struct Worker {
    apply: Apply,
    stop: CancellationToken,
    tasks: [JoinHandle<()>; 2],
    _bundle: watch::Sender<Arc<Bundle>>,
    _due: mpsc::Receiver<Handed>,
}

impl Worker {
    fn start(world: &World) -> Self {
        let (handed, due) = mpsc::channel(10);
        let (sender, active) = watch::channel(Arc::clone(&world.bundle));
        let (clock, stop) = (Clock::starting_at(world.now), CancellationToken::new());
        let store = Arc::clone(&world.store);
        let parts =
            apply::Parts { store: Arc::clone(&store), bundle: active.clone(), clock, handed };
        let (apply, looping) = apply::start(parts, 100, stop.clone());
        let gates = Gates { park_above_bytes: 1 << 20, park_above_lines: 1_000 };
        let parts = jobs::Parts {
            store,
            bundle: active,
            apply: apply.clone(),
            clock,
            gates,
            deliverer: None,
        };
        let tasks = [jobs::start(parts, stop.clone()), looping];
        Self { apply, stop, tasks, _bundle: sender, _due: due }
    }

    async fn end(self) {
        self.stop.cancel();
        for task in self.tasks {
            task.await.unwrap();
        }
    }
}

/// Asks until it is so.
async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    let asking = async {
        while !is_so().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), asking).await.expect("the worker does it");
}

#[tokio::test]
async fn a_suspect_is_driven_by_the_worker_until_it_is_an_order() {
    let place = Sqlite::new();
    let mut world = World::new(&place).await;
    world.bundle = Arc::new(bundle());
    let worker = Worker::start(&world);
    let mut suspect: MessageUnit = unit(world.now, Some("m1"), BODY, Vec::new());
    suspect.envelope.suspect = true;
    let stored = worker.apply.submit(Unit::Message(Box::new(suspect))).await.unwrap();
    assert_eq!(stored.documents[0].outcome, Word::Stored);
    until(async || world.store.find(&Scope::All, "1001").await.unwrap().len() == 1).await;
    worker.end().await;
}

#[tokio::test]
async fn orders_of_before_are_made_found_by_the_worker() {
    let place = Sqlite::new();
    let mut world = World::new(&place).await;
    let said = search::of_one_line("1001");
    world.say(said).await;
    world.store.close().await;
    drop(world);
    sqlite::forget_search(&place.options().path).unwrap();
    let world = World::new(&place).await;
    assert!(world.store.find(&Scope::All, "1001").await.unwrap().is_empty());
    let worker = Worker::start(&world);
    until(async || !world.store.is_indexing().await.unwrap()).await;
    assert_eq!(world.store.find(&Scope::All, "1001").await.unwrap().len(), 1);
    worker.end().await;
}
