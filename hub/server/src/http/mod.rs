//! The API: one router for the world and for tests.
//!
//! Until tokens exist only the loopback listener serves it, with [`Scope::All`]. A `Host` that is not
//! this machine is refused, so that a web page cannot reach the API through a name of its own;
//! webhooks are exempt, because their senders use any name and prove themselves by signature.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::apply::Apply;
use crate::clock::Clock;
use crate::config::{Config, Secrets};
use crate::deliver::Deliverer;
use crate::intake::{Intake, MOST_BYTES, webhook};
use crate::readiness::Readiness;
use crate::store::{Scope, Store};

mod advice;
mod decide;
mod edit;
mod health;
mod intake;
mod observed;
mod orders;
mod problem;
mod query;
mod reason;
mod systems;
mod tap;
mod todo;
mod view;
mod why;

pub use problem::Problem;

#[cfg(test)]
mod tests;

/// Longest time for one call, webhooks included.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// Calls served at a time; more are told to come again.
const MOST_CALLS: usize = 256;

/// What the calls work with. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Api(Arc<Parts>);

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
    /// The hub stops: no new work.
    pub stopping: CancellationToken,
}

impl std::ops::Deref for Api {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl Api {
    /// Over these parts.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// What a caller may see. There are no tokens yet, so whoever reaches the loopback listener may all.
    fn scope(&self) -> Scope {
        Scope::All
    }
}

/// All calls.
pub fn router(api: Api) -> Router {
    let v1 = Router::new()
        .route("/intake/{system}/{document}", post(intake::take))
        .route("/orders", get(orders::list))
        .route("/orders/{id}", get(orders::one).patch(edit::patch))
        .route("/orders/{id}/versions", get(orders::versions))
        .route("/orders/{id}/lanes", get(orders::lanes))
        .route("/orders/{id}/why", get(why::why))
        .route("/orders/{id}/holds/{hold}/release", post(edit::release))
        .route("/receipts", get(orders::receipts))
        .route("/tap", get(tap::tap))
        .route("/todo", get(todo::list))
        .route("/todo/{id}", get(todo::one))
        .route("/todo/{id}/replay", post(todo::replay))
        .route("/todo/{id}/resolve", post(decide::resolve))
        .route("/todo/{id}/discard", post(todo::discard))
        .route("/systems", get(systems::list))
        .route("/systems/{system}", get(systems::one))
        .route("/systems/{system}/pause", post(systems::pause))
        .route("/systems/{system}/resume", post(systems::resume))
        .route("/systems/{system}/breakers/{operation}/{move}", post(systems::breaker))
        .route("/systems/{system}/reads/{name}", get(systems::read))
        .layer(middleware::from_fn(this_machine_only))
        .layer(middleware::from_fn(observed::observed));
    let hooks = Router::new()
        .route("/webhooks/{system}", post(webhook::root))
        .route("/webhooks/{system}/{*path}", post(webhook::below))
        .layer(middleware::from_fn(observed::observed));
    let room = Arc::new(Semaphore::new(MOST_CALLS));
    let work = Router::new()
        .nest("/api/v1", v1)
        .merge(hooks)
        .fallback(no_such_call)
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .layer(middleware::from_fn_with_state(room, bounded));
    // Not under the bound: a hub that is busy is alive, and whoever watches it must see why.
    let watch = Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .layer(middleware::from_fn(timed));
    work.merge(watch).with_state(api)
}

/// Serves until `stop`, then ends calls that are under way.
pub async fn serve(listener: TcpListener, api: Api, stop: CancellationToken) {
    let service = router(api).into_make_service();
    let ended = axum::serve(listener, service)
        .with_graceful_shutdown(async move { stop.cancelled().await })
        .await;
    if let Err(error) = ended {
        tracing::error!(%error, "the listener has ended");
    }
}

async fn no_such_call(request: Request) -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "no_such_call",
        format!("there is no call {} {}", request.method(), request.uri().path()),
    )
}

/// Bounds how many calls run.
async fn bounded(State(room): State<Arc<Semaphore>>, request: Request, next: Next) -> Response {
    let Ok(_permit) = room.try_acquire() else {
        let detail = format!("{MOST_CALLS} calls are being served; come again");
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_calls", detail);
        return problem.retry_after(1).into_response();
    };
    timed(request, next).await
}

/// Bounds how long a call may take.
async fn timed(request: Request, next: Next) -> Response {
    match tokio::time::timeout(ANSWER_WITHIN, next.run(request)).await {
        Ok(response) => problem::of_refusal(response).await,
        Err(_) => Problem::unavailable("too_slow", format!("no answer within {ANSWER_WITHIN:?}"))
            .into_response(),
    }
}

/// A browser sends the name that a page was opened by: a foreign name that points here is an attack,
/// and so is a page of another origin that sends its own forms here.
async fn this_machine_only(request: Request, next: Next) -> Response {
    let Some(code) = foreign(&request) else { return next.run(request).await };
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
