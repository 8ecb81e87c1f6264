//! A real Tryton of a test's own, from the database that `tests/parts/tryton.sh` has made: started, stopped, and asked by its REST API
//! as its people would use it.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use reqwest::Method;
use serde_json::{Value, json};

use crate::http::client;
use crate::part::{Part, installed};
use crate::settings::Settings;

/// The key of those who work there: they pick, pack, and post invoices.
const STAFF: &str = "staff-secret";

/// How long a server may take to be ready on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server with a database of its own. Killed when dropped.
#[derive(Debug)]
pub struct Tryton {
    installed: PathBuf,
    part: Part,
    seed: Value,
}

impl Tryton {
    /// Starts one, and waits until it answers.
    pub async fn start() -> Self {
        let installed = installed("ORDERHUB_TEST_TRYTON", "tryton");
        let part = Part::on(&installed.join("seeded.sqlite"), "hub.sqlite");
        let (path, port) = (part.folder().display(), part.port());
        let settings = format!(
            "[database]\nuri = sqlite://\npath = {path}\n[web]\nlisten = 127.0.0.1:{port}\n"
        );
        std::fs::write(part.folder().join("trytond.conf"), settings).expect("it is writable");
        let seed = std::fs::read(installed.join("seed.json")).expect("what is in the database");
        let seed = serde_json::from_slice(&seed).expect("it is JSON");
        let mut tryton = Self { installed, part, seed };
        tryton.up().await;
        tryton
    }

    /// Starts its server again, at the same address, with what it had stored.
    pub async fn up(&mut self) {
        let mut command = Command::new(self.installed.join("venv/bin/trytond"));
        command.args(["-c", "trytond.conf", "-d", "hub"]).current_dir(self.part.folder());
        let url = format!("{}/hub/rest/model/ir.lang?s=1", self.url());
        self.part.up(command, PATIENCE, || client().get(&url).bearer_auth(STAFF)).await;
    }

    /// Kills its server in the middle of whatever it does.
    pub fn down(&mut self) {
        self.part.down();
    }

    /// Its address, without the database.
    pub fn url(&self) -> String {
        self.part.url()
    }

    /// The systems `erp` and `wms` of a hub at this address of it; sales are walked `until` a state.
    pub fn systems(&self, settings: Settings, url: &str, until: &str) -> Settings {
        let id = |name: &str| self.seed[name].to_string();
        let (company, warehouse, customer) = (id("company"), id("warehouse"), id("customer"));
        let all = [
            ("database", "hub"),
            ("company", &*company),
            ("warehouse", &*warehouse),
            ("customer", &*customer),
            ("until", until),
            ("ours", "shop%"),
        ];
        settings.system("erp", "tryton", url, &["key"], &all).system(
            "wms",
            "tryton_stock",
            url,
            &["key"],
            &all,
        )
    }

    /// Asks as those who work there, and gets JSON.
    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let company = encoded(&json!({ "company": self.seed["company"] }));
        let url = format!("{}/hub/rest/model/{path}", self.url());
        let request = client().request(method, url).bearer_auth(STAFF);
        let mut request = request.header("x-tryton-context", company);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap_or_else(|error| panic!("{path}: {error}"));
        let (status, text) = (answer.status(), answer.text().await.expect("a text"));
        assert!(status.is_success(), "{path}: {status}: {text}");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}: {text}"))
    }

    /// The records of a model that a domain finds, by number.
    pub async fn find(&self, model: &str, domain: &Value, fields: &[&str]) -> Vec<Value> {
        let order = encoded(&json!([["id", "ASC"]]));
        let mut path = format!("{model}?d={}&o={order}", encoded(domain));
        for field in fields {
            path.push_str(&format!("&f={field}"));
        }
        self.ask(Method::GET, &path, None).await.as_array().expect("a list").clone()
    }

    /// Presses a button of a record.
    pub async fn press(&self, model: &str, id: &Value, button: &str) -> Value {
        self.ask(Method::POST, &format!("{model}/{id}/{button}?f=state"), Some(json!({}))).await
    }

    /// Writes into a record.
    pub async fn write(&self, model: &str, id: &Value, values: Value) -> Value {
        self.ask(Method::PUT, &format!("{model}/{id}?f=id"), Some(values)).await
    }
}

/// As the REST API takes it in a query or a header.
fn encoded(value: &Value) -> String {
    URL_SAFE.encode(value.to_string())
}
