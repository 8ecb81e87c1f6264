//! The shapes of what tells of an order's history.

#![expect(dead_code, reason = "only their shape is used")]

use serde_json::Value;
use utoipa::ToSchema;

/// One difference between two versions, and who made it.
#[derive(ToSchema)]
pub(in crate::http) struct Differing {
    /// Keyed path; the element itself where one came or went.
    path: String,
    old: Option<Value>,
    new: Option<Value>,
    version: Option<u32>,
}

/// What differs between two versions.
#[derive(ToSchema)]
pub(in crate::http) struct Differences {
    from: u32,
    to: u32,
    items: Vec<Differing>,
    #[schema(required)]
    next: Option<String>,
}

/// What a system said of a field and did not stand: both sides had changed it, or it may not say it and is corrected.
#[derive(ToSchema)]
pub(in crate::http) struct Lost {
    /// Keyed path; of a map with the name: `ext.gift`.
    field: String,
    /// What was said.
    #[schema(required)]
    value: Option<Value>,
    /// The version in which it was heard.
    version: u32,
    #[schema(format = DateTime)]
    at: String,
    /// Who said it.
    actor: String,
    /// The version whose value stays; null where the order says nothing, or none of those that are kept gave it.
    #[schema(required)]
    stays: Option<u32>,
    /// The same in a sentence.
    words: String,
}

/// One field that stands, and who set it.
#[derive(ToSchema)]
pub(in crate::http) struct Blame {
    field: String,
    version: Option<u32>,
    /// What was said of it and did not stand; only where anything was.
    lost: Option<Vec<Lost>>,
}

/// The fields of an order with their authors.
#[derive(ToSchema)]
pub(in crate::http) struct Blames {
    items: Vec<Blame>,
    #[schema(required)]
    next: Option<String>,
}

/// A version, an attempt or a todo of an order.
#[derive(ToSchema)]
pub(in crate::http) struct Event {
    /// `version`, `attempt` or `todo`.
    kind: String,
    #[schema(format = DateTime)]
    at: String,
}

/// What happened to an order, newest first.
#[derive(ToSchema)]
pub(in crate::http) struct Events {
    items: Vec<Event>,
    #[schema(required)]
    next: Option<String>,
    /// What to know of attempts that were kept for their time and are gone.
    gone: Option<String>,
}

/// What is sent to a system.
#[derive(ToSchema)]
pub(in crate::http) struct Resent {
    /// `preview`, `applied`, or `unchanged`: all of it waits to be sent already.
    outcome: String,
    /// The version that it makes, or made; `unchanged`: the order's.
    version: u32,
    system: String,
    /// What is called, and what stands in the way of it now.
    calls: Vec<Value>,
}

/// What a restore does, or did.
#[derive(ToSchema)]
pub(in crate::http) struct Restored {
    /// `preview`, `applied` or `unchanged`.
    outcome: String,
    /// The version that it makes, or made.
    version: u32,
    /// The version that was looked at.
    seen: u32,
    /// The version that it leads back to.
    restores: u32,
    changes: Vec<Value>,
    calls: Vec<Value>,
    remains: Vec<Value>,
    todos: Vec<String>,
}
