//! Why a system has, or has not, what an order says: each lane's code in words.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use orderhub_order::ids::SystemName;
use orderhub_order::lane::{Lane, LaneCode};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;

use super::caller::{May, to};
use super::openapi::shapes;
use super::orders::find;
use super::{Api, Problem};

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct WhyQuery {
    /// This system only.
    system: Option<String>,
}

/// One answer per system, or for the one that is asked about.
#[utoipa::path(
    get, path = "/orders/{id}/why", tag = "orders",
    params(("id" = String, Path, description = "The hub's id, `ref` or number"), WhyQuery),
    responses((status = 200, description = "A reason for each system", body = shapes::Why)),
)]
pub(super) async fn why(
    caller: May<to::ReadOrders>,
    State(api): State<Api>,
    Path(word): Path<String>,
    Query(query): Query<WhyQuery>,
) -> Result<Response, Problem> {
    let state = find(&api, &caller.scope, &word).await?;
    let bundle = api.intake.bundle();
    if let Some(asked) = &query.system
        && bundle.system(&SystemName::new(asked.as_str())).is_none()
        && !state.lanes.contains_key(asked.as_str())
    {
        return Err(Problem::not_found("system", asked));
    }
    let mut names: Vec<_> = bundle.systems().map(|system| system.name.clone()).collect();
    names.extend(state.lanes.systems().cloned());
    names.sort();
    names.dedup();
    let asked =
        names.iter().filter(|name| query.system.as_ref().is_none_or(|s| s == name.as_str()));
    let status = api.deliverer.status();
    let paused = |name: &SystemName| {
        let system = status.iter().find(|status| status.system == name.as_str());
        system.and_then(|system| system.paused.as_deref())
    };
    let items: Vec<Value> = asked
        .map(|name| match state.lanes.get(name) {
            Some(lane) => json!({
                "system": name.as_str(),
                "code": lane.code,
                "why": match paused(name) {
                    Some(reason) => {
                        format!("a person paused the system ({reason}); {}", words(lane, api.clock.now()))
                    }
                    None => words(lane, api.clock.now()),
                },
            }),
            None => json!({
                "system": name.as_str(),
                "code": LaneCode::NotRouted,
                "why": "this order has nothing for it: no release of the flow named it yet",
            }),
        })
        .collect();
    let order = json!({
        "id": state.order.key.shown(),
        "ref": state.order.reference,
        "version": state.order.version,
    });
    Ok(Json(json!({ "order": order, "items": items })).into_response())
}

/// What a lane's state means, in one or two sentences.
pub(super) fn words(lane: &Lane, now: Timestamp) -> String {
    let mut words =
        lane.code.map_or_else(|| idle(lane).to_owned(), |code| meaning(code).to_owned());
    if !lane.wants.is_empty() {
        let rules: Vec<_> = lane.wants.iter().map(|want| want.key.rule.as_ref()).collect();
        words.push_str(&format!("; it still wants {}", rules.join(", ")));
    }
    if let Some(flight) = &lane.flying {
        words.push_str(&format!(
            "; `{}` of version {} is at attempt {}",
            flight.operation, flight.version, flight.attempt
        ));
        if flight.may_have_acted {
            words.push_str(" and may have acted");
        }
    }
    match lane.due_at {
        Some(due) if due > now => {
            let wait = due.duration_since(now).as_secs();
            words.push_str(&format!("; due in {wait} s, at {due}"));
        }
        Some(_) => words.push_str("; due now"),
        None => {}
    }
    words
}

fn idle(lane: &Lane) -> &'static str {
    if lane.wants.is_empty() { "nothing was sent yet" } else { "it waits for its turn" }
}

/// What a code means.
pub(super) fn meaning(code: LaneCode) -> &'static str {
    match code {
        LaneCode::ProjectionEqual => {
            "nothing to send: what its mapping makes of the order equals what it was sent last"
        }
        LaneCode::OwnChange => "nothing to send: every value that its mapping reads is its own",
        LaneCode::Held => {
            "held back: the release's holds, the lifecycle, or `when` of its deliver rule do not allow it now"
        }
        LaneCode::Dropped => "dropped: the order's life ended before anything was sent",
        LaneCode::Shadow => "the system is in shadow mode: computed and recorded, not sent",
        LaneCode::Paused => "the system is paused",
        LaneCode::NotRouted => "no `deliver` rule of its integration listens to what happened",
        LaneCode::NotLinked => "a reference that the call needs is not known yet; sent once it is",
        LaneCode::NoUpdate => "made there already, and its integration has no `update:` for it",
        LaneCode::Limited => "it waits for its rate limit",
        LaneCode::BreakerOpen => {
            "its breaker is open: the system did not answer, or a person holds it open; no attempt is spent"
        }
        LaneCode::NotAllowed => {
            "the system refuses our credential; renew it, one probe every five minutes sees it"
        }
        LaneCode::Retry => "the last attempt did not succeed; it is tried again",
        LaneCode::InDoubt => {
            "nobody knows whether the last attempt took effect; a todo waits for a person"
        }
        LaneCode::Dead => "given up; a todo says why",
        LaneCode::LetBe => "a person has taken the last call as done",
        LaneCode::Delivered => "delivered",
    }
}
