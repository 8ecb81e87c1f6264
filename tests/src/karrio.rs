//! A real Karrio of a test's own, from the database that `tests/parts/karrio.sh` has made: started, stopped, and asked by its REST API as
//! its people would use it. The carrier behind it that tracks parcels is a stand-in for DHL's server.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::{Json, Router};
use orderhub_twins::serve::{Served, serve_anywhere};
use reqwest::Method;
use serde_json::{Value, json};

use crate::http::client;
use crate::part::{Part, installed};
use crate::settings::Settings;

/// How long a server may take to be ready on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// The file where its server looks for its database.
const DATABASE: &str = "karrio.sqlite3";

/// A server with a database of its own. Killed when dropped.
#[derive(Debug)]
pub struct Karrio {
    installed: PathBuf,
    part: Part,
    token: String,
    sender: String,
    carrier: Served,
    away: Arc<AtomicBool>,
}

impl Karrio {
    /// Starts one with two carriers and an address of its own, and waits until it answers.
    pub async fn start() -> Self {
        let installed = installed("ORDERHUB_TEST_KARRIO", "karrio");
        let part = Part::on(&installed.join("seeded.sqlite"), DATABASE);
        let facts = std::fs::read_to_string(installed.join("facts")).expect("the facts are there");
        let token = facts.trim().strip_prefix("KARRIO_TOKEN=").expect("a token").to_owned();
        let away = Arc::new(AtomicBool::new(false));
        let router = Router::new().fallback(tracked).with_state(Arc::clone(&away));
        let carrier = serve_anywhere(router).await.expect("it listens");
        let sender = String::new();
        let mut karrio = Self { installed, part, token, sender, carrier, away };
        karrio.up().await;
        karrio.connect().await;
        karrio
    }

    /// What its administrator sets up: who makes labels, who tracks, where parcels leave.
    async fn connect(&mut self) {
        let labels = json!({ "carrier_name": "generic", "carrier_id": "acme", "credentials": {
            "display_name": "Acme", "custom_carrier_name": "acme_express", "account_country_code": "DE",
        } });
        self.ask(Method::POST, "/connections", Some(labels)).await;
        let tracks = json!({ "carrier_name": "dhl_universal", "carrier_id": "dhl", "credentials": {
            "consumer_key": "any", "consumer_secret": "any",
        } });
        self.ask(Method::POST, "/connections", Some(tracks)).await;
        let dock = json!({
            "person_name": "Dispatch", "company_name": "Warehouse", "address_line1": "1 Dock", "city": "Hamburg",
            "postal_code": "20457", "country_code": "DE", "phone_number": "+4940123456",
        });
        let dock = self.ask(Method::POST, "/addresses", Some(dock)).await;
        self.sender = dock["id"].as_str().expect("an id").to_owned();
    }

    /// Starts its server again, at the same address, with what it had stored.
    pub async fn up(&mut self) {
        let serve = Path::new(env!("CARGO_MANIFEST_DIR")).join("parts/karrio/serve.py");
        let mut command = Command::new(self.installed.join("venv/bin/python"));
        command
            .arg(serve)
            .args(["runserver", "--noreload", &format!("127.0.0.1:{}", self.part.port())])
            .env("KARRIO_DIR", self.part.folder())
            .env("CARRIER_URL", self.carrier.url());
        let url = self.url();
        self.part.up(command, PATIENCE, || client().get(&url)).await;
    }

    /// Kills its server in the middle of whatever it does.
    pub fn down(&mut self) {
        self.part.down();
    }

    /// Its address.
    pub fn url(&self) -> String {
        self.part.url()
    }

    /// Whether its carrier cannot be asked.
    pub fn carrier_is_away(&self, away: bool) {
        self.away.store(away, Ordering::Release);
    }

    /// The system `tms` of a hub at this address of it, which buys this service; nothing: people do. `webhook` is what its webhooks prove
    /// themselves by.
    pub fn system(
        &self,
        settings: Settings,
        folder: &Path,
        (url, service, webhook): (&str, &str, &str),
    ) -> Settings {
        for (file, secret) in [("token", &*self.token), ("webhook", webhook)] {
            std::fs::write(folder.join(file), secret).expect("the folder is writable");
        }
        let sender = &self.sender;
        settings.table(&format!(
            "\n[systems.tms]\nintegration = \"karrio\"\nbase_url = \"{url}\"\n\
             [systems.tms.secrets]\ntoken = {{ file = \"token\" }}\nwebhook = {{ file = \"webhook\" }}\n\
             [systems.tms.settings]\nfrom_address = \"{sender}\"\nfrom_country = \"DE\"\ncarrier = \"acme\"\n\
             service = \"{service}\"\npublic_url = \"https://tms.example.com\"\n"
        ))
    }

    /// Makes a webhook to this address, and tells its secret.
    pub async fn webhook(&self, url: &str) -> String {
        let events =
            ["tracker_created", "tracker_updated", "shipment_purchased", "shipment_cancelled"];
        let wanted = json!({ "url": url, "enabled_events": events });
        let made = self.ask(Method::POST, "/webhooks", Some(wanted)).await;
        made["secret"].as_str().expect("a secret").to_owned()
    }

    /// Asks as those who work there, and gets JSON.
    pub async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let (status, answer) = self.try_to(method, path, body).await;
        assert!(status.is_success(), "{path}: {status}: {answer}");
        answer
    }

    /// Asks, whatever it says.
    async fn try_to(&self, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let url = format!("{}/v1{path}", self.url());
        let key = format!("Token {}", self.token);
        let mut request = client().request(method, url).header("authorization", key);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap_or_else(|error| panic!("{path}: {error}"));
        let (status, text) = (answer.status(), answer.text().await.expect("a text"));
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// The shipments with a reference.
    pub async fn shipments(&self, reference: &str) -> Vec<Value> {
        let path = format!("/shipments?reference={reference}&limit=100");
        let page = self.ask(Method::GET, &path, None).await;
        let all = page["results"].as_array().expect("a list");
        all.iter().filter(|one| one["reference"] == reference).cloned().collect()
    }

    /// The trackers of a number.
    pub async fn trackers(&self, number: &str) -> Vec<Value> {
        let path = format!("/trackers?tracking_number={number}&limit=100");
        let page = self.ask(Method::GET, &path, None).await;
        page["results"].as_array().expect("a list").clone()
    }

    /// People buy the label of a shipment.
    pub async fn buy(&self, id: &Value) -> Value {
        let path = format!("/shipments/{}/purchase", id.as_str().expect("an id"));
        self.ask(Method::POST, &path, Some(json!({ "service": "standard_service" }))).await
    }

    /// People cancel a shipment.
    pub async fn cancel(&self, id: &Value) {
        let path = format!("/shipments/{}/cancel", id.as_str().expect("an id"));
        self.ask(Method::POST, &path, None).await;
    }

    /// A parcel gets on: its tracker is told of an event, and where the parcel is now.
    pub async fn happens(&self, tracker: &Value, status: &str, event: Value) {
        let path = format!("/trackers/{}/inject-events", tracker["id"].as_str().expect("an id"));
        let told =
            json!({ "status": status, "delivered": status == "delivered", "events": [event] });
        self.ask(Method::POST, &path, Some(told)).await;
    }

    /// Karrio makes the tracker of a label by itself where the carrier of the label can track. That of the tests cannot: a number's tracker becomes
    /// that of a shipment as Karrio would store it.
    pub async fn track_label(&self, shipment: &Value) -> Value {
        let number = &shipment["tracking_number"];
        let wanted = json!({ "tracking_number": number, "carrier_name": "dhl_universal" });
        let tracker = self.ask(Method::POST, "/trackers", Some(wanted)).await;
        let file = self.part.folder().join(DATABASE);
        let database = rusqlite::Connection::open(file).expect("the database opens");
        database.busy_timeout(PATIENCE).expect("it waits");
        let ids = (shipment["id"].as_str(), tracker["id"].as_str());
        let done = database
            .execute("UPDATE \"tracking-status\" SET shipment_id = ?1 WHERE id = ?2", ids)
            .expect("it is updated");
        assert_eq!(done, 1);
        tracker
    }
}

/// DHL's answer to a number that it has heard of and not seen (Shipment Tracking – Unified, `GET /track/shipments`).
async fn tracked(
    State(away): State<Arc<AtomicBool>>,
    Query(query): Query<std::collections::HashMap<String, String>>,
) -> Response {
    if away.load(Ordering::Acquire) {
        return (StatusCode::SERVICE_UNAVAILABLE, "away").into_response();
    }
    let heard = json!({
        "timestamp": "2026-11-02T09:02:00", "statusCode": "pre-transit", "status": "pre-transit",
        "location": { "address": { "addressLocality": "Bonn" } },
        "description": "The instruction data was provided by the sender",
    });
    let number = query.get("trackingNumber").cloned().unwrap_or_default();
    Json(json!({ "shipments": [{ "id": number, "service": "parcel-de", "status": heard, "events": [heard] }] }))
        .into_response()
}
