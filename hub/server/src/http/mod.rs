//! The API: one router for the world and for tests.
//!
//! With access tokens in the settings every call of the API brings one ([`caller`]). Without, only a
//! loopback listener serves it: a `Host` that is not this machine is refused then, so that a web page
//! cannot reach the API through a name of its own. Webhooks are exempt from both, because their senders use
//! any name and prove themselves by signature.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter, UtoipaMethodRouterExt as _};
use utoipa_axum::routes;

use crate::access::Guard;
use crate::apply::Apply;
use crate::clock::Clock;
use crate::config::{Config, Secrets};
use crate::deliver::Deliverer;
use crate::intake::{Intake, MOST_BYTES, webhook};
use crate::readiness::Readiness;
use crate::store::Store;
use crate::switch::Standing;

mod advice;
mod bundle;
mod caller;
mod decide;
mod edit;
mod health;
mod history;
mod intake;
mod kept;
mod limits;
mod listen;
mod lost;
mod observed;
mod once;
mod openapi;
mod orders;
mod problem;
mod query;
mod reason;
mod resend;
mod resting;
mod restore;
mod systems;
mod tag;
mod tap;
mod todo;
mod view;
mod waiting;
mod why;
mod words;

pub use problem::Problem;

#[cfg(test)]
mod tests;

/// What the calls work with. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Api {
    parts: Arc<Parts>,
    /// Knows callers.
    guard: Arc<Guard>,
}

/// The parts that the API shows and steers.
#[derive(Debug)]
pub struct Parts {
    /// For reading.
    pub store: Arc<dyn Store>,
    /// For what comes in.
    pub intake: Intake,
    /// For what people do.
    pub apply: Apply,
    /// For gates, pauses and cached reads.
    pub deliverer: Deliverer,
    /// For the verification of webhooks.
    pub secrets: Secrets,
    /// The settings.
    pub config: Arc<Config>,
    /// May work be taken?
    pub readiness: Readiness,
    /// The text of `/metrics`.
    pub metrics: Option<metrics_exporter_prometheus::PrometheusHandle>,
    /// Now.
    pub clock: Clock,
    /// What is said of the integration files in use.
    pub standing: Standing,
    /// The hub stops: no new work.
    pub stopping: CancellationToken,
}

impl std::ops::Deref for Api {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}

impl Api {
    /// Over these parts.
    pub fn new(parts: Parts) -> Self {
        let guard = Arc::new(Guard::new(&parts.config, &parts.secrets));
        Self { parts: Arc::new(parts), guard }
    }
}

/// The calls of the API with their description: one that has none cannot be added.
fn described(api: &Api) -> OpenApiRouter<Api> {
    // On the method alone: another one of the path is no write, and takes no key.
    let act = |routes: UtoipaMethodRouter<Api>| {
        let once = middleware::from_fn_with_state(api.clone(), once::once);
        routes.map(|method| method.route_layer(once))
    };
    let acts = OpenApiRouter::new()
        .routes(act(routes!(edit::patch)))
        .routes(act(routes!(edit::release)))
        .routes(act(routes!(restore::restore)))
        .routes(act(routes!(resend::resend)))
        .routes(act(routes!(todo::replay)))
        .routes(act(routes!(decide::resolve)))
        .routes(act(routes!(todo::discard)))
        .routes(act(routes!(systems::pause)))
        .routes(act(routes!(systems::resume)))
        .routes(act(routes!(systems::breaker)));
    let v1 = OpenApiRouter::new()
        .routes(routes!(intake::take))
        .routes(routes!(orders::list))
        .routes(routes!(orders::one))
        .routes(routes!(orders::versions))
        .routes(routes!(history::diff))
        .routes(routes!(history::blame))
        .routes(routes!(history::timeline))
        .routes(routes!(orders::lanes))
        .routes(routes!(why::why))
        .routes(routes!(orders::receipts))
        .routes(routes!(todo::list))
        .routes(routes!(todo::one))
        .routes(routes!(systems::list))
        .routes(routes!(systems::one))
        .routes(routes!(systems::read))
        .routes(routes!(bundle::one))
        .routes(routes!(tap::tap))
        .merge(acts);
    OpenApiRouter::with_openapi(<openapi::Api as utoipa::OpenApi>::openapi()).nest("/api/v1", v1)
}

/// All calls.
pub fn router(api: Api) -> Router {
    let (v1, described) = described(&api).split_for_parts();
    let document = openapi::document(&described);
    let v1 = v1
        // Outermost last: who calls is known before a body is waited for.
        .layer(middleware::from_fn(limits::whole_body))
        .layer(middleware::from_fn_with_state(api.clone(), caller::known))
        // What the calls are is no secret.
        .route("/api/v1/openapi.json", get(async move || openapi::serve(&document)))
        .layer(middleware::from_fn_with_state(api.clone(), this_machine_only))
        .layer(middleware::from_fn(observed::observed));
    let webhooks = Router::new()
        .route("/webhooks/{system}", post(webhook::root).get(webhook::asked))
        .route("/webhooks/{system}/{*path}", post(webhook::below).get(webhook::asked_below))
        .layer(middleware::from_fn(limits::whole_body))
        .layer(middleware::from_fn(observed::observed));
    let room = Arc::new(Semaphore::new(limits::MOST_CALLS));
    let work = Router::new()
        .merge(v1)
        .merge(webhooks)
        .fallback(no_such_call)
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .layer(middleware::from_fn_with_state(room, limits::bounded));
    // Not under the bound: a hub that is busy is alive, and whoever watches it must see why.
    let watch = Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route(
            "/metrics",
            get(health::metrics)
                .layer(middleware::from_fn_with_state(api.clone(), caller::may_scrape)),
        )
        .layer(middleware::from_fn(limits::timed));
    work.merge(watch).with_state(api)
}

/// Serves until `stop`, then ends calls that are under way.
pub async fn serve(listener: TcpListener, api: Api, stop: CancellationToken) {
    listen::serve(listener, router(api), stop).await;
}

async fn no_such_call(request: Request) -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "no_such_call",
        format!(
            "there is no call {} {}; `/api/v1/openapi.json` has them all",
            request.method(),
            request.uri().path()
        ),
    )
}

/// A browser sends the name that a page was opened by: a foreign name that points here is an attack,
/// and so is a page of another origin that sends its own forms here. No page knows a token: where one is
/// asked for, any name will do.
async fn this_machine_only(State(api): State<Api>, request: Request, next: Next) -> Response {
    let foreign = foreign(&request).filter(|_| !api.guard.asks());
    let Some(code) = foreign else { return next.run(request).await };
    let detail = "the API answers to `localhost` and loopback addresses only";
    Problem::new(StatusCode::MISDIRECTED_REQUEST, code, detail).into_response()
}

fn foreign(request: &Request) -> Option<&'static str> {
    let header = |name| request.headers().get(name).map(|value| value.to_str().unwrap_or_default());
    let host = header(header::HOST).or_else(|| request.uri().authority().map(|a| a.as_str()));
    let origin = header(header::ORIGIN).map(|origin| origin.split_once("://").map_or("", |o| o.1));
    if !host.is_some_and(is_this_machine) {
        Some("foreign_host")
    } else if !origin.is_none_or(is_this_machine) {
        Some("foreign_origin")
    } else {
        None
    }
}

fn is_this_machine(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
