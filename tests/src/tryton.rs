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

    /// What its people work with.
    pub fn records(&self) -> Records {
        let company = encoded(&json!({ "company": self.seed["company"] }));
        Records { models: format!("{}/hub/rest/model", self.url()), company }
    }

    /// The records of a model that a domain finds, by number.
    pub async fn find(&self, model: &str, domain: &Value, fields: &[&str]) -> Vec<Value> {
        let found = self.records().find(model, domain, fields).await;
        found.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Presses a button of a record.
    pub async fn press(&self, model: &str, id: &Value, button: &str) -> Value {
        let pressed = self.records().press(model, id, button).await;
        pressed.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Writes into a record.
    pub async fn write(&self, model: &str, id: &Value, values: Value) -> Value {
        let path = format!("{model}/{id}?f=id");
        let written = self.records().ask(Method::PUT, &path, Some(values)).await;
        written.unwrap_or_else(|error| panic!("{error}"))
    }
}

/// A server's records, as those who work there use them.
#[derive(Clone, Debug)]
pub struct Records {
    models: String,
    company: String,
}

impl Records {
    /// The records of a model that a domain finds, by number.
    ///
    /// # Errors
    ///
    /// What the server says, or that it does not answer.
    pub async fn find(
        &self,
        model: &str,
        domain: &Value,
        fields: &[&str],
    ) -> Result<Vec<Value>, String> {
        let order = encoded(&json!([["id", "ASC"]]));
        let mut path = format!("{model}?d={}&o={order}", encoded(domain));
        for field in fields {
            path.push_str(&format!("&f={field}"));
        }
        let found = self.ask(Method::GET, &path, None).await?;
        found.as_array().cloned().ok_or_else(|| format!("{path}: no list: {found}"))
    }

    /// Presses a button of a record.
    ///
    /// # Errors
    ///
    /// As of [`Records::find`].
    pub async fn press(&self, model: &str, id: &Value, button: &str) -> Result<Value, String> {
        let path = format!("{model}/{id}/{button}?f=state");
        self.ask(Method::POST, &path, Some(json!({}))).await
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value, String> {
        let request = client().request(method, format!("{}/{path}", self.models));
        let mut request = request.bearer_auth(STAFF).header("x-tryton-context", &self.company);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.map_err(|error| format!("{path}: {error}"))?;
        let (status, text) = (answer.status(), answer.text().await.unwrap_or_default());
        if !status.is_success() {
            return Err(format!("{path}: {status}: {text}"));
        }
        serde_json::from_str(&text).map_err(|error| format!("{path}: {error}: {text}"))
    }
}

/// As the REST API takes it in a query or a header.
fn encoded(value: &Value) -> String {
    URL_SAFE.encode(value.to_string())
}
