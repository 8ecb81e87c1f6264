//! The home-made warehouse of the README: a till that sends orders, a shelf that takes jobs, and the hub between them,
//! for tests that change its files while it runs.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path as Place, State};
use axum::routing::put;
use orderhub_twins::serve::{Served, serve, serve_anywhere};
use tokio::net::TcpListener;

use crate::database::Schema;
use crate::document::{Shell, blocks, section};
use crate::hub::{Hub, free_port};
use crate::till::orderhub;
use crate::{api, http, wait};

const PATIENCE: Duration = Duration::from_secs(30);

type Jobs = Arc<Mutex<Vec<String>>>;

/// A till, a shelf, and the hub between them.
#[derive(Debug)]
pub struct Scene {
    /// Settings, files and store.
    pub folder: tempfile::TempDir,
    /// Of the hub.
    pub port: u16,
    jobs: Jobs,
    /// None while it is down.
    shelf: Option<Served>,
    shelf_at: SocketAddr,
    /// Its database lives as long as the scene.
    database: Option<Schema>,
}

async fn take(State(jobs): State<Jobs>, Place(job): Place<String>) -> String {
    let answer = serde_json::json!({ "job": job, "state": "taken" }).to_string();
    jobs.lock().unwrap().push(job);
    answer
}

fn router(jobs: &Jobs) -> Router {
    Router::new().route("/jobs/{job}", put(take)).with_state(Arc::clone(jobs))
}

impl Scene {
    /// The files of the README, and a shelf that takes what it is sent.
    pub async fn new(database: Option<Schema>) -> Self {
        let jobs = Jobs::default();
        let shelf = serve_anywhere(router(&jobs)).await.unwrap();
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
        let readme = readme.replace("http://127.0.0.1:9100", &shelf.url());
        let mut shell = Shell::start(folder.path(), PATIENCE, &[]);
        for block in blocks(section(&readme, "Connect a home-made system")) {
            if block.language != "console" {
                shell.carry_out(folder.path(), &block).await;
            }
        }
        let shelf_at = shelf.addr();
        let scene = Self { folder, port, jobs, shelf: Some(shelf), shelf_at, database };
        scene.settings();
        scene
    }

    fn settings(&self) {
        let path = self.folder.path().join("orderhub.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        let text = text.replace("127.0.0.1:8080", &format!("127.0.0.1:{}", self.port));
        let text = text.replace(
            "{ env = \"SHELF_TOKEN\" }",
            "{ file = \"token\" }\n[systems.shelf.settings]\nspeaks = \"no\"",
        );
        let store = self
            .database
            .as_ref()
            .map(|database| format!("[store]\nurl = \"{}\"\n", database.url()));
        let mappings = "[mappings]\nreload = true\n";
        std::fs::write(&path, format!("{text}\n{mappings}{}", store.unwrap_or_default())).unwrap();
        std::fs::write(self.folder.path().join("token"), "any-text").unwrap();
    }

    /// Its database.
    pub fn database(&self) -> &Schema {
        self.database.as_ref().expect("it has one")
    }

    /// Writes other words into a file of the shelf.
    pub fn change(&self, file: &str, from: &str, to: &str) {
        let path = self.folder.path().join("mappings/shelf").join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file} says {from}");
        std::fs::write(&path, text.replace(from, to)).unwrap();
    }

    /// Starts a hub in its folder.
    pub async fn start(&self) -> Hub {
        Hub::start(self.folder.path(), self.port).await
    }

    /// Takes an order of this number in.
    pub async fn order(&self, hub: &Hub, number: &str) {
        let path = self.folder.path().join("mappings/till/samples/order.json");
        let body = std::fs::read_to_string(path).unwrap();
        api::take_in(hub, "till", "order", body.replace("\"17\"", &format!("\"{number}\""))).await;
    }

    /// Nobody answers where the shelf was.
    pub async fn shelf_down(&mut self) {
        if let Some(shelf) = self.shelf.take() {
            shelf.stop().await;
        }
    }

    /// It answers again, at the same place.
    pub async fn shelf_up(&mut self) {
        let listener = TcpListener::bind(self.shelf_at).await.unwrap();
        self.shelf = Some(serve(listener, router(&self.jobs)).unwrap());
    }

    /// What the shelf was sent so far, sorted.
    pub fn jobs(&self) -> Vec<String> {
        let mut jobs = self.jobs.lock().unwrap().clone();
        jobs.sort();
        jobs
    }

    /// Until the shelf was sent just these.
    pub async fn until_taken(&self, hub: &Hub, jobs: &[&str]) {
        let what = format!("the shelf has {jobs:?}; {}", hub.log());
        wait::until(&what, PATIENCE, || async { (self.jobs() == jobs).then_some(()) }).await;
    }

    /// Until a look from outside says this.
    pub async fn until_told(&self, line: &str) {
        wait::until(&format!("the doctor says {line}"), PATIENCE, || async {
            let look = ["doctor", "-c", "orderhub.toml"];
            orderhub(self.folder.path(), &look, "").out.contains(line).then_some(())
        })
        .await;
    }
}

/// Until a gauge has this value, whatever the order of its labels.
pub async fn until_gauge(hub: &Hub, name: &str, labels: &[&str], value: &str) {
    let what = format!("{name} {labels:?} is {value}");
    wait::until(&what, PATIENCE, || async {
        let text = http::text(&hub.url("/metrics")).await?;
        let is = |line: &&str| {
            let named = line.strip_prefix(name).is_some_and(|rest| rest.starts_with('{'));
            named
                && labels.iter().all(|label| line.contains(label))
                && line.ends_with(&format!(" {value}"))
        };
        text.lines().find(is).map(drop)
    })
    .await;
}
