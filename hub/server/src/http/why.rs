//! Why a system has, or has not, what an order says, and what to do: each lane's code in words, what the system
//! as a whole waits for, what every release still lacks, what waits for a person, and the last attempt.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use orderhub_order::catalogue::known;
use orderhub_order::flow::{Standing, standings};
use orderhub_order::fold::left;
use orderhub_order::holds;
use orderhub_order::ids::{At, Collection, SystemName};
use orderhub_order::lane::{Lane, LaneCode};
use orderhub_order::model::{self as state, Element, Shared};
use orderhub_order::route::EVENT;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;

use super::caller::{May, to};
use super::openapi::shapes;
use super::orders::find;
use super::waiting::{self, Waiting};
use super::{Api, Problem, advice, decide, kept, resend, words};
use crate::access::Right;
use crate::bundle::{Bundle, Gone};
use crate::deliver::status::SystemStatus;
use crate::store::{ReceiptRow, TodoFilter, TodoRow};
use crate::switch::routed::says;

/// Open todos of one order that are looked at.
const MOST_TODOS: usize = 100;

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
    names.retain(|name| query.system.as_ref().is_none_or(|asked| asked == name.as_str()));
    let scope = &caller.scope;
    let filter =
        TodoFilter { order: Some(state.order.key), limit: MOST_TODOS, ..TodoFilter::default() };
    let todos = match caller.role.may(Right::ReadTodos) {
        true => api.store.todos(scope, &filter).await?.items,
        false => Vec::new(),
    };
    let receipts = api.store.receipts(scope, state.order.key).await?;
    let number = state.order.fields.text(known::order::ORDER_NO).unwrap_or_default();
    let waits = waiting::about(&api, scope, &[&state.order.reference, number]).await?;
    let mut status = api.deliverer.status();
    let systems = caller.role.may(Right::ReadSystems);
    status.retain(|one| systems && scope.hears(Some(&SystemName::new(one.system.as_str()))));
    let gone = kept::attempts(&api, Timestamp::MIN);
    let state = &*state;
    let (api, bundle) = (&api, &bundle);
    let asked = Asked { api, bundle, state, todos, receipts, gone, status, waits };
    let items: Vec<Value> = names.iter().map(|name| asked.of(name)).collect();
    let order = json!({
        "id": state.order.key.shown(),
        "ref": state.order.reference,
        "version": state.order.version,
        "holds": asked.holds(),
    });
    Ok(Json(json!({ "order": order, "items": items })).into_response())
}

/// What is known about an order that somebody asks about.
struct Asked<'a> {
    api: &'a Api,
    bundle: &'a Bundle,
    state: &'a state::State,
    /// Its open todos.
    todos: Vec<TodoRow>,
    /// Its attempts, newest first.
    receipts: Vec<ReceiptRow>,
    /// What is to be said of attempts that are not there.
    gone: Option<String>,
    status: Vec<SystemStatus>,
    /// Messages about it that wait for something.
    waits: Vec<Waiting>,
}

impl Asked<'_> {
    fn of(&self, name: &SystemName) -> Value {
        let lane = self.state.lanes.get(name);
        let known = self.bundle.system(name);
        let standings = standings(self.state, name, &self.bundle.rules());
        let code = lane.map_or(Some(LaneCode::NotRouted), |lane| lane.code);
        let quiet = lane.is_none_or(|lane| lane.wants.is_empty() && lane.flying.is_none());
        let unrouted = self.unrouted(name);
        let why = self.lane_says(lane, (code, &unrouted), known.is_some());
        let (mut why, lacks) = self.with_given_up(name, why, (code, quiet));
        let code = if quiet && lacks { Some(LaneCode::Dead) } else { code };
        let status = self.status.iter().find(|status| status.system == name.as_str());
        let mut todo = Vec::new();
        let mut refused = false;
        for sentence in status.iter().flat_map(|status| advice::of_system(status)) {
            // What the lane waits for is said once.
            let own = code == Some(LaneCode::NotAllowed)
                && status.is_some_and(|status| sentence.why == advice::refused(status));
            refused |= own;
            if !own {
                why = format!("{}; {why}", sentence.why);
            }
            todo.extend(sentence.todo);
        }
        let rules: Vec<Value> = standings.iter().map(rule).collect();
        // What has not happened matters where nothing else is under way.
        let missing = standings.iter().filter(|standing| quiet && !standing.missing.is_empty());
        let missing = missing.map(|one| format!("`{}`: {}", one.rule, one.missing.join("; ")));
        let missing: Vec<String> = missing.collect();
        if !missing.is_empty() {
            why.push_str(". Not released yet: ");
            why.push_str(&missing.join(". "));
        } else if known.is_some_and(|system| self.listens_to_nothing(&system.name)) && quiet {
            why.push_str("; its integration has no `deliver:`, so nothing is ever sent there");
        }
        let own = |todo: &&TodoRow| todo.item.system.as_ref() == Some(name);
        let todos: Vec<&TodoRow> = self.todos.iter().filter(own).collect();
        let own = code.filter(|_| !refused && unrouted.is_empty() && !self.publishes(name));
        todo.extend(self.to_do(name, own, (&todos, quiet)));
        let last = self.receipts.iter().find(|receipt| receipt.system == name.as_str());
        let was_sent = lane.is_some_and(|lane| !lane.sent.is_empty());
        if let Some(gone) = self.gone.as_ref().filter(|_| last.is_none() && was_sent) {
            why.push_str(&format!("; {gone}"));
        }
        for waits in self.waits.iter().filter(|waits| waits.system == *name) {
            why.push_str(&format!("; {}", waits.says));
        }
        json!({
            "system": name.as_str(),
            "role": known.map(|system| system.role.as_str()),
            "code": code,
            "why": why,
            "do": todo,
            "rules": rules,
            "todo": todos.iter().map(|todo| shown(todo)).collect::<Vec<_>>(),
            "last": last,
        })
    }

    /// With what was given up and not sent since, first where nothing else is under way. Whether there is anything such.
    fn with_given_up(
        &self,
        name: &SystemName,
        why: String,
        (code, quiet): (Option<LaneCode>, bool),
    ) -> (String, bool) {
        let given_up = words::given_up(&left(self.state, name, &self.bundle.rules()));
        let Some(given_up) = given_up else { return (why, false) };
        let says = match (quiet, code) {
            (false, _) => format!("{why}; {given_up}"),
            // It has no other todo to speak of.
            (true, Some(LaneCode::Dead)) => given_up,
            (true, _) => format!("{given_up}; besides, {why}"),
        };
        (says, true)
    }

    /// What to do about the lane and its todos. `code`: where nothing else says it. `quiet`: nothing is under way.
    fn to_do(
        &self,
        name: &SystemName,
        code: Option<LaneCode>,
        (todos, quiet): (&[&TodoRow], bool),
    ) -> Vec<String> {
        let lane = self.state.lanes.get(name).map(|lane| &**lane);
        let (publishes, hold) = (self.publishes(name), self.first_hold());
        let place = advice::Place {
            order: &self.state.order.reference,
            system: name.as_str(),
            hold: hold.as_deref(),
            awaited: lane.is_some_and(|lane| lane.undecided().is_some() || lane.doubts(None)),
        };
        let lacks = quiet && resend::would_send(self.api, self.state, name);
        let about = |todo: &&TodoRow| {
            let choice = decide::choice(todo, lane, &self.todos);
            if publishes && choice == decide::Choice::Discard {
                return advice::of_event(todo.id, &todo.item.cause);
            }
            // No command that would be refused.
            let refused = choice == decide::Choice::Resend && !lacks;
            let choice = if refused { decide::Choice::Discard } else { choice };
            advice::of_todo(choice, (todo.id, &todo.item.cause), &place)
        };
        let own = code.and_then(|code| advice::of_code(code, &place));
        let lack = lacks.then(|| advice::of_lack(&place));
        own.into_iter().chain(lack).chain(todos.iter().map(about)).collect()
    }

    /// What is to be said of the lane alone. `known`: the settings name its system.
    fn lane_says(
        &self,
        lane: Option<&Shared<Lane>>,
        (code, unrouted): (Option<LaneCode>, &[&Gone]),
        known: bool,
    ) -> String {
        if !unrouted.is_empty() && code == Some(LaneCode::NotRouted) {
            let says: Vec<String> = unrouted.iter().map(|gone| says(gone)).collect();
            return format!("it waits for files that send it: {}", says.join("; "));
        }
        match lane {
            Some(lane) => words::words(lane, self.state.order.version, self.api.clock.now()),
            None if !known => "no such system in the settings any more".to_owned(),
            None => "this order has nothing for it: no release of the flow named it yet".to_owned(),
        }
    }

    /// The rules, gone from the files, by which the lane wants something.
    fn unrouted(&self, name: &SystemName) -> Vec<&Gone> {
        let wants = self.state.lanes.get(name).map_or(&[][..], |lane| &lane.wants);
        let wanted = |gone: &&Gone| {
            gone.system == *name && wants.iter().any(|want| want.key.rule == gone.rule)
        };
        self.bundle.gone().iter().filter(wanted).collect()
    }

    /// Whether it is told the hub's own events.
    fn publishes(&self, name: &SystemName) -> bool {
        let rules = self.bundle.rules().systems.get(name);
        rules.is_some_and(|rules| rules.deliver.iter().any(|rule| rule.on.starts_with(EVENT)))
    }

    fn listens_to_nothing(&self, name: &SystemName) -> bool {
        self.bundle.rules().systems.get(name).is_none_or(|rules| rules.deliver.is_empty())
    }

    /// The id of a hold that stands.
    fn first_hold(&self) -> Option<String> {
        let holds = self.state.order.elements_at(&At::ROOT, Collection::Holds);
        holds.iter().find_map(|(at, _)| Some(at.id()?.as_str().to_owned()))
    }

    /// The holds that stand, for people: why each does, and what ends it.
    fn holds(&self) -> Vec<Value> {
        let holds = self.state.order.elements_at(&At::ROOT, Collection::Holds).into_iter();
        let hold = |(at, element): (At, &Element)| {
            let text = |field| element.fields.text(field);
            let id = at.id().map_or("", |id| id.as_str());
            let page = holds::page(text(known::hold::CODE).unwrap_or_default());
            json!({
                "id": id,
                "code": text(known::hold::CODE),
                "scope": text(known::hold::SCOPE),
                "why": page.map(|page| page.title),
                "detail": text(known::hold::DETAIL),
                "placed_by": text(known::hold::PLACED_BY),
                "release": text(known::hold::RELEASE),
                "ends": page.and_then(|page| page.ends),
                "do": advice::of_hold(&self.state.order.reference, id, page),
            })
        };
        holds.map(hold).collect()
    }
}

fn rule(standing: &Standing) -> Value {
    json!({
        "rule": &*standing.rule,
        "to": standing.to,
        "fired": standing.fired,
        "missing": standing.missing,
    })
}

fn shown(todo: &TodoRow) -> Value {
    json!({
        "id": todo.id,
        "kind": todo.item.kind.as_str(),
        "cause": &*todo.item.cause,
        "why": &*todo.item.why,
    })
}
