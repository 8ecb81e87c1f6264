//! A live view of what passes, as server-sent events: `in`, `out`, and `dropped` with how much was lost.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::Stream;
use futures_util::stream::{self, StreamExt as _};
use orderhub_lang::diagnostic::nearest;
use orderhub_order::ids::SystemName;
use serde::Deserialize;
use serde_json::json;

use super::caller::{May, to};
use super::{Api, Problem};
use crate::store::Scope;
use crate::tap::{MOST_WATCHERS, Wanted, Watching, shown};

/// Between two events: what is shown is mapped and masked anew, and nobody reads faster.
const BETWEEN: Duration = Duration::from_millis(10);
/// A connection that says nothing is kept open, and one that is gone is noticed.
const ALIVE_EVERY: Duration = Duration::from_secs(10);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TapQuery {
    system: Option<String>,
    queue: Option<String>,
}

/// Shows what passes until the caller goes or the hub stops.
#[utoipa::path(
    get, path = "/tap", tag = "intake",
    params(
        ("system" = Option<String>, Query, description = "Only what this system says or is told"),
        ("queue" = Option<String>, Query, description = "Only what comes from this queue, by its name in the settings or at the broker"),
    ),
    responses((
        status = 200, content_type = "text/event-stream", body = String,
        description = "Server-sent events without an end: `in` and `out` with a masked view as JSON, `dropped` with how many were lost",
    )),
)]
pub(super) async fn tap(
    caller: May<to::ReadOrders>,
    State(api): State<Api>,
    Query(query): Query<TapQuery>,
) -> Result<Response, Problem> {
    // What passes is not known by its order yet: whoever sees a part of the orders sees none of it.
    if caller.scope != Scope::All {
        let detail = "the token is for a part of the orders, and the view shows what passes of all";
        return Err(Problem::new(StatusCode::FORBIDDEN, "not_allowed", detail));
    }
    let wanted = wanted(&api, query)?;
    let Some(watching) = api.intake.tap().watch(wanted) else {
        let detail = format!("{MOST_WATCHERS} look already; end one of them first");
        return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_watchers", detail));
    };
    let stop = api.stopping.clone();
    let events = events(watching).take_until(async move { stop.cancelled().await });
    let alive = KeepAlive::new().interval(ALIVE_EVERY);
    Ok(Sse::new(events).keep_alive(alive).into_response())
}

fn wanted(api: &Api, query: TapQuery) -> Result<Wanted, Problem> {
    let bundle = api.intake.bundle();
    let system = query.system.map(|name| {
        let known = bundle.system(&SystemName::new(name.as_str()));
        let names = || bundle.systems().map(|system| system.name.as_str());
        known.map(|system| system.name.clone()).ok_or_else(|| {
            let problem = Problem::not_found("system", &name);
            match nearest(&name, names()) {
                Some(near) => problem.with("did_you_mean", json!(near)),
                None => problem,
            }
        })
    });
    let source = query.queue.map(|queue| {
        let consumed = api.config.bus.iter().flat_map(|bus| &bus.consume);
        let named = consumed
            .into_iter()
            .find(|(name, consume)| **name == queue || consume.queue == queue)
            .map(|(name, _)| format!("queue:{name}"));
        named.ok_or_else(|| Problem::not_found("queue that the hub reads", &queue))
    });
    Ok(Wanted { system: system.transpose()?, source: source.transpose()? })
}

fn events(watching: Watching) -> impl Stream<Item = Result<Event, Infallible>> {
    let next = |mut watching: Watching| async move {
        let (lost, seen) = watching.next().await?;
        let (name, what) = shown(&seen);
        tokio::time::sleep(BETWEEN).await;
        let lost = (lost > 0).then(|| event("dropped", &json!({ "dropped": lost })));
        let events = lost.into_iter().chain([event(name, &what)]);
        Some((stream::iter(events.map(Ok)), watching))
    };
    stream::unfold(watching, next).flatten()
}

/// JSON has no line ends of its own here, so that it is one line of `data`.
fn event(name: &str, what: &serde_json::Value) -> Event {
    Event::default().event(name).data(what.to_string())
}
