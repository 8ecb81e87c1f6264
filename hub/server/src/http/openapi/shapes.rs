//! The shapes of answers, for the description of the API. Handlers write them field by field; that the two
//! agree is seen by the test `the_description_of_the_api_is_kept_by_the_hub`, which compares every answer.

#![expect(dead_code, reason = "only their shape is used")]

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

pub(in crate::http) use super::bundle::InUse;
pub(in crate::http) use super::history::{Blames, Differences, Events, Lost, Resent, Restored};

/// An order: nested by the dots of the hub fields' paths, collections as arrays. Absent is absent, null is null.
#[derive(ToSchema)]
pub(in crate::http) struct Order {}

/// A page of orders, newest first.
#[derive(ToSchema)]
pub(in crate::http) struct Orders {
    items: Vec<Order>,
    /// Where the next page begins; null: there is none. A page may be short before the last.
    #[schema(required)]
    next: Option<String>,
    /// Why `q` may miss orders; only while it may.
    incomplete: Option<String>,
}

/// Filters of orders; `state.<axis>` besides.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct OrderFilters {
    /// Words that all find the order, at most 8. By a word of 3 letters or more, or one with `*` behind, as the
    /// beginning, shorter ones exactly: `ref`, number, ids at systems, tracking numbers, SSCCs, invoice numbers. Exactly,
    /// and only with the right to read personal values: e-mail, phone, words of names and companies, postal code,
    /// tax number, payment reference.
    q: Option<String>,
    /// That came from this system.
    system: Option<String>,
    /// In this stage.
    stage: Option<String>,
    /// With this hold.
    hold: Option<String>,
    /// Changed then or later.
    #[param(format = DateTime)]
    updated_since: Option<String>,
    /// Placed then or later.
    #[param(format = DateTime)]
    placed_since: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// Rows of the page.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// One version of an order.
#[derive(ToSchema)]
pub(in crate::http) struct Version {
    version: u32,
    #[schema(format = DateTime)]
    at: String,
    /// `system:<name>`, `person:<name of the token>` or `hub`.
    actor: String,
    /// The message or receipt that caused it.
    cause: String,
    /// What a person said.
    #[schema(required)]
    reason: Option<String>,
    /// The hash of the mapping files that decided it.
    bundle: String,
    /// The hub fields that it touched.
    fields: Vec<String>,
    /// What was heard in it and did not stand; only where anything was.
    lost: Option<Vec<Lost>>,
}

/// The versions of an order, oldest first.
#[derive(ToSchema)]
pub(in crate::http) struct Versions {
    items: Vec<Version>,
    #[schema(required)]
    next: Option<String>,
}

/// What one system shall have of an order, has and was sent.
#[derive(ToSchema)]
pub(in crate::http) struct Lane {
    system: String,
    role: String,
    wants: Vec<Want>,
    #[schema(required)]
    flying: Option<Flight>,
    /// The version that was sent last, by rule and subject.
    sent: BTreeMap<String, u32>,
    #[schema(required, format = DateTime)]
    due_at: Option<String>,
    attempts: u32,
    #[schema(required)]
    code: Option<String>,
    open_conflicts: Vec<String>,
}

#[derive(ToSchema)]
pub(in crate::http) struct Want {
    rule: String,
    subject: String,
    version: u32,
}

#[derive(ToSchema)]
pub(in crate::http) struct Flight {
    operation: String,
    attempt: u32,
    version: u32,
    /// Its idempotency key.
    key: String,
    in_air: bool,
    may_have_acted: bool,
}

/// The lanes of an order.
#[derive(ToSchema)]
pub(in crate::http) struct Lanes {
    items: Vec<Lane>,
    #[schema(required)]
    next: Option<String>,
}

/// One attempt at a delivery.
#[derive(ToSchema)]
pub(in crate::http) struct Receipt {
    #[schema(format = DateTime)]
    at: String,
    system: String,
    operation: String,
    attempt: u32,
    class: String,
    #[schema(required)]
    status: Option<u16>,
    ms: u64,
    /// Masked.
    why: String,
    order: String,
}

/// A page of attempts, newest first.
#[derive(ToSchema)]
pub(in crate::http) struct Receipts {
    items: Vec<Receipt>,
    #[schema(required)]
    next: Option<String>,
}

/// Why systems have, or have not, what an order says.
#[derive(ToSchema)]
pub(in crate::http) struct Why {
    order: OrderName,
    items: Vec<WhyOne>,
}

/// Which order.
#[derive(ToSchema)]
pub(in crate::http) struct OrderName {
    id: String,
    r#ref: String,
    version: u32,
    holds: Vec<WhyHold>,
}

/// A hold that stands on the order, and what ends it.
#[derive(ToSchema)]
pub(in crate::http) struct WhyHold {
    id: String,
    /// One of the catalogue's holds: `orderhub explain CODE`.
    code: String,
    /// `order`, a line, a fulfilment, a field or a role.
    scope: String,
    #[schema(required)]
    why: Option<String>,
    #[schema(required)]
    detail: Option<String>,
    #[schema(required)]
    placed_by: Option<String>,
    /// `auto`: it goes with its cause, besides.
    #[schema(required)]
    release: Option<String>,
    #[schema(required)]
    ends: Option<String>,
    r#do: String,
}

/// Why one system has, or has not.
#[derive(ToSchema)]
pub(in crate::http) struct WhyOne {
    system: String,
    #[schema(required)]
    code: Option<String>,
    why: String,
}

/// Something that needs a person.
#[derive(ToSchema)]
pub(in crate::http) struct Todo {
    id: i64,
    kind: String,
    cause: String,
    #[schema(required)]
    system: Option<String>,
    why: String,
    #[schema(required)]
    order: Option<String>,
    #[schema(required)]
    message: Option<i64>,
    #[schema(format = DateTime)]
    at: String,
    state: String,
    /// How it ended; null while it is open.
    #[schema(required)]
    end: Option<End>,
    /// The message as it came, for who may read personal data.
    raw: Option<Raw>,
    /// In the place of a message that was kept for its time and is gone.
    raw_gone: Option<String>,
}

/// How a todo ended.
#[derive(ToSchema)]
pub(in crate::http) struct End {
    by: String,
    reason: String,
    #[schema(format = DateTime)]
    at: String,
}

/// A message as it came.
#[derive(ToSchema)]
pub(in crate::http) struct Raw {
    id: i64,
    source: String,
    system: String,
    document: String,
    #[schema(required)]
    message_id: Option<String>,
    #[schema(format = DateTime)]
    received: String,
    outcome: String,
    why: String,
    /// Of the whole message.
    bytes: u64,
    /// Its first 4,096 characters.
    body: String,
}

/// A page of open todos, newest first.
#[derive(ToSchema)]
pub(in crate::http) struct Todos {
    items: Vec<Todo>,
    #[schema(required)]
    next: Option<String>,
}

/// What became of a todo.
#[derive(ToSchema)]
pub(in crate::http) struct Decided {
    id: i64,
    state: String,
    /// Of a call: made again, or taken as done.
    again: Option<bool>,
}

/// What became of an edit or release.
#[derive(ToSchema)]
pub(in crate::http) struct Acted {
    /// `applied` or `unchanged`.
    outcome: String,
    /// The new version, where there is one.
    version: Option<u32>,
}

/// How a system is doing.
#[derive(ToSchema)]
pub(in crate::http) struct System {
    system: String,
    integration: String,
    role: String,
    mode: String,
    /// Why a person paused it.
    #[schema(required)]
    paused: Option<String>,
    breakers: Vec<Breaker>,
    limits: Vec<Limit>,
    credential: String,
    /// The operations for which it is refused, where others prove us otherwise; empty: all of them.
    refused_for: Vec<String>,
    in_flight: u64,
    backlog: u64,
    /// Since when the system lags behind the oldest of what waits for it.
    #[schema(required, format = DateTime)]
    oldest: Option<String>,
    #[schema(required)]
    oldest_s: Option<i64>,
    #[schema(required, format = DateTime)]
    last_heard: Option<String>,
    #[schema(required, format = DateTime)]
    last_success: Option<String>,
    #[schema(required)]
    last_error: Option<LastError>,
}

/// A breaker.
#[derive(ToSchema)]
pub(in crate::http) struct Breaker {
    operation: String,
    /// `Closed`, `Open` or `HalfOpen`.
    state: String,
    /// A person holds it there.
    #[schema(required)]
    forced: Option<String>,
    /// Since when it is not closed.
    #[schema(required, format = DateTime)]
    since: Option<String>,
}

/// A limit.
#[derive(ToSchema)]
pub(in crate::http) struct Limit {
    name: String,
    #[schema(required)]
    every_ms: Option<u64>,
    #[schema(required)]
    burst: Option<u32>,
    #[schema(required)]
    paused_ms: Option<u64>,
}

/// The last attempt that failed.
#[derive(ToSchema)]
pub(in crate::http) struct LastError {
    #[schema(format = DateTime)]
    at: String,
    operation: String,
    class: String,
    why: String,
}

/// All systems.
#[derive(ToSchema)]
pub(in crate::http) struct Systems {
    items: Vec<System>,
    #[schema(required)]
    next: Option<String>,
}

/// Whether a system is paused.
#[derive(ToSchema)]
pub(in crate::http) struct Paused {
    system: String,
    /// Why; null: it is not.
    #[schema(required)]
    paused: Option<String>,
}

/// A breaker that was moved by hand.
#[derive(ToSchema)]
pub(in crate::http) struct Moved {
    system: String,
    operation: String,
    act: String,
}

/// The answer to a cached read.
#[derive(ToSchema)]
pub(in crate::http) struct Cached {
    /// The reply as it came.
    #[schema(value_type = Value)]
    value: Value,
    /// False: the system was not asked or did not answer, and this is what it said before.
    fresh: bool,
    #[schema(format = DateTime)]
    as_of: String,
    age_s: u64,
    source: String,
    #[schema(required)]
    why: Option<String>,
}

/// What became of what was handed in: of one document, or an item for each.
#[derive(ToSchema)]
pub(in crate::http) struct Taken {
    /// `applied`, `unchanged`, `noticed`, `duplicate`, `stale`, `waiting`, `todo`, `stored`, `skipped`, `failed`.
    outcome: Option<String>,
    /// The order that it went to.
    order: Option<String>,
    why: Option<String>,
    /// One for each document, in their order.
    #[schema(value_type = Option<Vec<BTreeMap<String, Value>>>)]
    items: Option<Vec<BTreeMap<String, Value>>>,
}
