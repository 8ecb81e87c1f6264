//! A gateway in front of a server that loses answers: the server has done what was asked, and whoever asked sees the
//! connection close. Which answers those are, a test says.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use orderhub_twins::serve::{Served, Wire, serve_anywhere};

use crate::http::client;

/// Longest body that passes.
const LONGEST: usize = 1 << 20;

/// A gateway. It ends when it is dropped.
#[derive(Debug)]
pub struct Gateway {
    shared: Arc<Shared>,
    served: Served,
}

#[derive(Debug)]
struct Shared {
    server: String,
    /// What requests are whose next answer is lost, as `POST /path`; a path may end earlier.
    losing: Mutex<Vec<String>>,
}

impl Gateway {
    /// In front of the server of this URL.
    pub async fn to(url: &str) -> Self {
        let shared = Arc::new(Shared { server: url.to_owned(), losing: Mutex::default() });
        let router = Router::new().fallback(pass).with_state(Arc::clone(&shared));
        let served = serve_anywhere(router).await.expect("it listens");
        Self { shared, served }
    }

    /// Its address.
    pub fn url(&self) -> String {
        self.served.url()
    }

    /// The answer of the next request that ends so is lost: `POST /sale.sale`.
    pub fn lose(&self, requests: impl IntoIterator<Item = &'static str>) {
        let requests = requests.into_iter().map(str::to_owned);
        self.shared.losing.lock().expect("no test panics with it").extend(requests);
    }

    /// Those whose answers are not lost yet.
    pub fn left_to_lose(&self) -> Vec<String> {
        self.shared.losing.lock().expect("no test panics with it").clone()
    }
}

impl Shared {
    /// Whether the answer is to be lost; it counts as lost then.
    fn loses(&self, method: &str, path: &str) -> bool {
        let mut losing = self.losing.lock().expect("no test panics with it");
        let found = losing.iter().position(|one| {
            let (its_method, end) = one.split_once(' ').expect("a method and an end of a path");
            its_method == method && path.ends_with(end)
        });
        found.map(|at| losing.remove(at)).is_some()
    }
}

async fn pass(State(shared): State<Arc<Shared>>, wire: Wire, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, LONGEST).await.expect("requests are small");
    let asked = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let mut there = client().request(parts.method.clone(), format!("{}{asked}", shared.server));
    for (name, value) in &parts.headers {
        if name != "host" && name != "content-length" {
            there = there.header(name, value);
        }
    }
    let Ok(answer) = there.body(body).send().await else {
        // A server that is away: the caller sees what it would see without a gateway.
        wire.cut();
        return StatusCode::BAD_GATEWAY.into_response();
    };
    let (status, kind) = (answer.status(), answer.headers().get("content-type").cloned());
    let Ok(bytes) = answer.bytes().await else {
        wire.cut();
        return StatusCode::BAD_GATEWAY.into_response();
    };
    if status.is_success() && shared.loses(parts.method.as_str(), parts.uri.path()) {
        wire.cut();
    }
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    if let Some(kind) = kind {
        response.headers_mut().insert("content-type", kind);
    }
    response
}
