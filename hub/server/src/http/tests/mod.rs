//! The router by `oneshot`, without a listener, over a real store in a temporary folder.

use std::collections::HashMap;
use std::path::Path;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode, header};
use axum::response::Response;
use jiff::Timestamp;
use orderhub_order::ids::SystemName;
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt;

use crate::bundle::Files;
use crate::clock::Clock;
use crate::config;
use crate::intake::Envelope;
use crate::{Hub, Start};

/// The secret of every system here, and the variable that holds it.
const SECRET: &str = "HUSH";

mod access;
mod advised;
mod basics;
mod handshake;
mod history;
mod kept;
mod once;
mod orders;
mod repeats;
mod resend;
mod search;
mod todo;
mod why;

/// A hub and its router.
struct Running {
    hub: Hub,
    router: Router,
    _folder: TempDir,
}

/// A hub without systems.
async fn start() -> Running {
    start_with("", Files::new()).await
}

/// A hub with these settings besides address and store.
async fn start_with(more: &str, files: Files) -> Running {
    let folder = tempfile::tempdir().unwrap();
    let hub = open(folder.path(), more, files).await;
    let router = super::router(hub.api().clone());
    Running { hub, router, _folder: folder }
}

async fn open(folder: &Path, more: &str, files: Files) -> Hub {
    let text = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n[store]\nurl = \"sqlite:{}\"\n{more}",
        folder.join("hub.db").display()
    );
    let config = config::parse("test", &text, &HashMap::new()).unwrap().config;
    let env = HashMap::from([(SECRET.to_owned(), SECRET.to_owned())]);
    Hub::start(Start { config, files, env, clock: Clock::system() }).await.unwrap()
}

struct Answer {
    status: StatusCode,
    kind: String,
    /// `WWW-Authenticate`.
    challenge: String,
    /// It was given before, under the same key.
    replayed: bool,
    body: Value,
}

impl Running {
    async fn call(&self, method: Method, path: &str, body: &str) -> Answer {
        self.send(Request::builder().method(method).uri(path), body).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, "").await
    }

    /// The answer as it came.
    async fn raw(&self, request: axum::http::request::Builder, body: &str) -> Response {
        let named = request.headers_ref().is_some_and(|h| h.contains_key(header::HOST));
        let request = if named { request } else { request.header(header::HOST, "localhost:8080") };
        let request = request.body(Body::from(body.to_owned())).unwrap();
        self.router.clone().oneshot(request).await.unwrap()
    }

    async fn send(&self, request: axum::http::request::Builder, body: &str) -> Answer {
        let response = self.raw(request, body).await;
        let status = response.status();
        let header = |name| {
            let value = response.headers().get(name);
            value.map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
        };
        let replayed = response.headers().contains_key(super::once::REPLAYED);
        let (kind, challenge) = (header(header::CONTENT_TYPE), header(header::WWW_AUTHENTICATE));
        let bytes = to_bytes(response.into_body(), 32 << 20).await.unwrap();
        Answer {
            status,
            kind,
            challenge,
            replayed,
            body: serde_json::from_slice(&bytes).unwrap_or_default(),
        }
    }

    async fn text(&self, request: axum::http::request::Builder) -> String {
        let request = request.body(Body::empty()).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let bytes = to_bytes(response.into_body(), 32 << 20).await.unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    /// Leaves a todo behind: a message of a system that nobody knows.
    async fn todo(&self) -> i64 {
        let envelope = Envelope {
            source: "process".into(),
            system: SystemName::new("nobody"),
            document: "order".into(),
            message_id: None,
            body: "{\"id\":1}".into(),
            headers: Vec::new(),
            received: Timestamp::UNIX_EPOCH,
            suspect: false,
        };
        self.hub.bus().publish(envelope).await.unwrap();
        self.get("/api/v1/todo").await.body["items"][0]["id"].as_i64().unwrap()
    }
}
