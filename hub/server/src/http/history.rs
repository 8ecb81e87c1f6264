//! What became of an order: differences of two versions, who set each field, and everything in its order.

use std::cell::RefCell;
use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, Query, State};
use jiff::Timestamp;
use orderhub_order::catalogue::{FieldId, FieldType, catalogue};
use orderhub_order::contribution::Stated;
use orderhub_order::history::{self, Delta, Edit, between, decode_delta, describe};
use orderhub_order::ids::{At, Collection, OrderKey};
use orderhub_order::model::Order;
use orderhub_order::value::{self as hub, Text};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::IntoParams;

use super::caller::{May, to};
use super::openapi::shapes;
use super::orders::{find, page};
use super::{Api, Problem, kept, lost, query, view};
use crate::access::{Caller, Right};
use crate::store::{ChangeRow, MOST_ROWS, TodoFilter};
use crate::tap::mask::MASK;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct DiffQuery {
    /// The version before; without it the one before `to`; 0: before the order was there.
    from: Option<u32>,
    /// The version after; without it the newest.
    to: Option<u32>,
}

/// What differs between two versions, and who made each difference. Without `to` the newest, without
/// `from` the one before; version 0 is the order before it was there.
#[utoipa::path(
    get, path = "/orders/{id}/diff", tag = "orders",
    params(("id" = String, Path, description = "The hub's id, `ref` or number"), DiffQuery),
    responses((status = 200, description = "What differs", body = shapes::Differences)),
)]
pub(super) async fn diff(
    caller: May<to::ReadOrders>,
    State(api): State<Api>,
    Path(word): Path<String>,
    Query(asked): Query<DiffQuery>,
) -> Result<Json<Value>, Problem> {
    let state = find(&api, &caller.scope, &word).await?;
    let key = state.order.key;
    let to = asked.to.unwrap_or(state.order.version);
    let from = asked.from.unwrap_or(to.saturating_sub(1));
    let (before, after) = (
        version(&api, &caller, &state.order, from).await?,
        version(&api, &caller, &state.order, to).await?,
    );
    let authors = Authors::of(&api, &caller, key).await?;
    // Blame is kept by the newer of the two.
    let newer = if from > to { &before } else { &after };
    let found = describe(&between(&before, &after), caller.view().mask_personal);
    let items = found.iter().map(|difference| {
        let mut shown = members(&json!(difference));
        let place = At::parse_field(&difference.path);
        let changed = place.and_then(|(at, field)| newer.touched.get(&at, &field).copied());
        authors.write(changed, &mut shown);
        Value::Object(shown)
    });
    let order = json!({ "id": key.shown(), "ref": state.order.reference });
    let items: Vec<Value> = items.collect();
    Ok(Json(json!({ "order": order, "from": from, "to": to, "items": items, "next": null })))
}

/// An order as it was.
pub(super) async fn version(
    api: &Api,
    caller: &Caller,
    head: &Order,
    version: u32,
) -> Result<Order, Problem> {
    if version == head.version {
        return Ok(head.clone());
    }
    if version == 0 {
        let (reference, origin) = (head.reference.clone(), head.origin.clone());
        return Ok(Order::new(head.key, reference, origin, head.unit.clone()));
    }
    let then = api.store.at(&caller.scope, head.key, version).await?;
    then.ok_or_else(|| {
        let problem = Problem::not_found("version of this order", &version.to_string());
        problem.with("newest", json!(head.version))
    })
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct BlameQuery {
    /// A path, and what stands below it: `lines[L1]`, `state`.
    field: Option<String>,
}

/// For each field that stands: the value, the version that set it, who and why, and what it replaced; under `lost` what
/// systems said of it that did not stand.
/// `field` narrows to a path and what stands below it: `lines[L1]`, `state`, `customer.email`, `ext.gift`.
#[utoipa::path(
    get, path = "/orders/{id}/blame", tag = "orders",
    params(("id" = String, Path, description = "The hub's id, `ref` or number"), BlameQuery),
    responses((status = 200, description = "Each field with its author", body = shapes::Blames)),
)]
pub(super) async fn blame(
    caller: May<to::ReadOrders>,
    State(api): State<Api>,
    Path(word): Path<String>,
    Query(asked): Query<BlameQuery>,
) -> Result<Json<Value>, Problem> {
    let state = find(&api, &caller.scope, &word).await?;
    let order = &state.order;
    let authors = Authors::of(&api, &caller, order.key).await?;
    let words = lost::words(&authors.changes.values().collect::<Vec<_>>());
    let words = lost::by(&words, |word| word.field.as_str());
    let mut items = Vec::new();
    for (at, field, version) in order.touched.iter() {
        let path = at.path_of(*field);
        let lost = words.get(path.as_str()).map_or(&[][..], Vec::as_slice);
        if let Some(asked) = &asked.field
            && stands(order, at)
            && let Some(names) = names_of(order, (at, *field), &path, asked)
        {
            let own = |name: &Text| {
                let mut row = authors.name((at, *field), &path, name, *version);
                let named = format!("{path}.{name}");
                let of = lost.iter().filter(|word| word.path == named);
                tell_lost(&mut row, of.map(|word| word.shown(authors.mask)).collect());
                row
            };
            items.extend(names.iter().map(own).map(Value::Object));
            continue;
        }
        if !asked.field.as_ref().is_none_or(|asked| is_below(&path, asked)) || !stands(order, at) {
            continue;
        }
        let Some(value) = order.get(at, *field) else { continue };
        let mut shown = Map::new();
        shown.insert("field".to_owned(), path.as_str().into());
        shown.insert("value".to_owned(), authors.shown(*field, &value));
        if let Some(replaced) = authors.replaced(*version, at, *field) {
            shown.insert("replaced".to_owned(), replaced);
        }
        authors.write(Some(*version), &mut shown);
        tell_lost(&mut shown, lost.iter().map(|word| word.shown(authors.mask)).collect());
        items.push(Value::Object(shown));
    }
    if items.is_empty()
        && let Some(asked) = &asked.field
    {
        return Err(nothing_there(asked));
    }
    items.sort_by(|a, b| name(a).cmp(name(b)));
    Ok(page(items, None))
}

/// What was said of it and did not stand, where anything was.
fn tell_lost(row: &mut Map<String, Value>, words: Vec<Value>) {
    if !words.is_empty() {
        row.insert("lost".to_owned(), words.into());
    }
}

fn name(item: &Value) -> &str {
    item.get("field").and_then(Value::as_str).unwrap_or_default()
}

/// Whether all that surrounds a place stands.
fn stands(order: &Order, at: &At) -> bool {
    (1..=at.0.len()).all(|depth| {
        let outer = At(at.0.iter().take(depth).cloned().collect());
        order.element(&outer).is_some_and(|element| !element.gone)
    })
}

fn is_below(path: &str, asked: &str) -> bool {
    let rest = path.strip_prefix(asked);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.') || rest.starts_with('['))
}

/// The names of a map that are asked for, where it is one of these and not the whole: `ext.gift` of `ext`.
fn names_of(
    order: &Order,
    (at, field): (&At, FieldId),
    path: &str,
    asked: &str,
) -> Option<Vec<Text>> {
    let asked = asked.strip_prefix(path)?.strip_prefix('.')?;
    let value = order.get(at, field)?;
    let Some(hub::Value::Map(names)) = &*value else { return None };
    Some(names.keys().filter(|name| is_below(name, asked)).cloned().collect())
}

/// Whether a path is one of names that systems give to a map.
fn is_name(asked: &str) -> bool {
    asked.match_indices('.').any(|(dot, _)| {
        let field = asked.get(..dot).and_then(At::parse_field);
        let field = field.and_then(|(_, field)| catalogue().field(field));
        field.is_some_and(|field| field.ty == FieldType::Map)
    })
}

fn nothing_there(asked: &str) -> Problem {
    let known = At::parse_field(asked).is_some()
        || is_name(asked)
        || At::parse(asked).is_some()
        || Collection::parse(asked).is_some()
        || !catalogue().below(asked).is_empty();
    if known {
        return Problem::not_found("value in this order at", asked);
    }
    let near = catalogue().nearest(asked);
    let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    Problem::bad_request(format!("there is no hub field `{asked}`{hint}"))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct TimelineQuery {
    /// `next` of the page before.
    cursor: Option<usize>,
    /// Rows of the page.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

/// Versions, attempts at its deliveries and open todos of an order, newest first.
#[utoipa::path(
    get, path = "/orders/{id}/timeline", tag = "orders",
    params(("id" = String, Path, description = "The hub's id, `ref` or number"), TimelineQuery),
    responses((status = 200, description = "A page", body = shapes::Events)),
)]
pub(super) async fn timeline(
    caller: May<to::ReadOrders>,
    State(api): State<Api>,
    Path(word): Path<String>,
    Query(asked): Query<TimelineQuery>,
) -> Result<Json<Value>, Problem> {
    let limit = query::page_size(asked.limit)?;
    let key = find(&api, &caller.scope, &word).await?.order.key;
    let scope = &caller.scope;
    let mut all: Vec<(Timestamp, Value)> = Vec::new();
    let changes = api.store.changes(scope, key).await?;
    let gone = changes.first().and_then(|first| kept::attempts(&api, first.at));
    for change in changes {
        let mut shown = author(&change);
        shown.insert("kind".to_owned(), "version".into());
        shown.insert("fields".to_owned(), view::paths(&change.touched).into());
        all.push((change.at, Value::Object(shown)));
    }
    for attempt in api.store.receipts(scope, key).await? {
        let mut shown = members(&json!(attempt));
        shown.insert("kind".to_owned(), "attempt".into());
        all.push((attempt.at, Value::Object(shown)));
    }
    let open = TodoFilter { order: Some(key), limit: MOST_ROWS, ..TodoFilter::default() };
    let todos = match caller.role.may(Right::ReadTodos) {
        true => api.store.todos(scope, &open).await?.items,
        false => Vec::new(),
    };
    for todo in todos {
        let shown = json!({
            "kind": "todo", "at": todo.at.to_string(), "id": todo.id, "todo": todo.item.kind.as_str(),
            "cause": todo.item.cause, "why": todo.item.why,
        });
        all.push((todo.at, shown));
    }
    // Stable: what happened at one time stays in the order of its kind.
    all.sort_by_key(|(at, _)| *at);
    // Counted from the oldest, so that what happens meanwhile moves no page.
    let end = asked.cursor.unwrap_or(all.len()).min(all.len());
    let start = end.saturating_sub(limit);
    let items = all.drain(start..end).rev().map(|(_, shown)| shown).collect();
    let mut page = page(items, (start > 0).then(|| start.to_string()));
    if let (Some(gone), Some(members)) = (gone, page.0.as_object_mut()) {
        members.insert("gone".to_owned(), gone.into());
    }
    Ok(page)
}

fn members(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

/// Who made a version, when and why.
fn author(change: &ChangeRow) -> Map<String, Value> {
    members(&json!({
        "version": change.version,
        "at": change.at.to_string(),
        "actor": change.actor,
        "cause": change.cause,
        "reason": change.reason,
        "bundle": change.bundle,
    }))
}

/// Who made each version of an order, and what it replaced.
struct Authors {
    /// Personal values are not shown to the caller.
    mask: bool,
    changes: BTreeMap<u32, ChangeRow>,
    /// Deltas that were read already.
    deltas: RefCell<BTreeMap<u32, Delta>>,
}

impl Authors {
    async fn of(api: &Api, caller: &Caller, key: OrderKey) -> Result<Self, Problem> {
        let changes = api.store.changes(&caller.scope, key).await?;
        let changes = changes.into_iter().map(|change| (change.version, change)).collect();
        let mask = caller.view().mask_personal;
        Ok(Self { mask, changes, deltas: RefCell::default() })
    }

    fn shown(&self, field: FieldId, value: &Stated) -> Value {
        history::shown(field, value, self.mask)
    }

    fn write(&self, version: Option<u32>, to: &mut Map<String, Value>) {
        if let Some(change) = version.and_then(|version| self.changes.get(&version)) {
            to.extend(author(change));
        }
    }

    /// Who gave a name of a map its value, not later than in `newest`: each name is merged by itself.
    fn name(
        &self,
        (at, field): (&At, FieldId),
        path: &str,
        name: &Text,
        newest: u32,
    ) -> Map<String, Value> {
        let of = |value: &Stated| {
            let Some(hub::Value::Map(names)) = value else { return None };
            names.get(name).cloned()
        };
        let shown = |text: Option<Option<Text>>| match text.flatten() {
            Some(_) if self.mask && catalogue().personal().contains(field) => MASK.into(),
            text => json!(text.map(|text| text.to_string())),
        };
        let (mut value, mut by, mut replaced) = (None, None, None);
        for (version, _) in self.changes.range(..=newest).rev() {
            let Some((old, new)) = self.edited(*version, at, field) else { continue };
            let (old, new) = (of(&old), of(&new));
            value = value.or(new);
            by = Some(*version);
            if old != value {
                replaced = old;
                break;
            }
        }
        let mut row = Map::new();
        row.insert("field".to_owned(), format!("{path}.{name}").into());
        row.insert("value".to_owned(), shown(value));
        if replaced.is_some() {
            row.insert("replaced".to_owned(), shown(replaced));
        }
        self.write(by.or(Some(newest)), &mut row);
        row
    }

    /// What stood at a field before a version, and in it, where it changed there.
    fn edited(&self, version: u32, at: &At, field: FieldId) -> Option<(Stated, Stated)> {
        let change = self.changes.get(&version)?;
        let delta = decode_delta(&change.delta, &change.personal).ok()?;
        let edits = delta.edits.into_iter().filter_map(|edit| {
            let Edit::Field { at: there, field: id, old, new } = edit else { return None };
            (there == *at && id == field).then(|| (old.flatten(), new.flatten()))
        });
        // What was heard in it besides, and did not stand, comes behind.
        edits.reduce(|(old, _), (_, new)| (old, new))
    }

    /// What stood at a field before that version.
    fn replaced(&self, version: u32, at: &At, field: FieldId) -> Option<Value> {
        let change = self.changes.get(&version)?;
        let mut deltas = self.deltas.borrow_mut();
        let delta = deltas.entry(version).or_insert_with(|| {
            decode_delta(&change.delta, &change.personal).unwrap_or_else(|error| {
                tracing::warn!(%error, version, "a stored change cannot be read");
                Delta::default()
            })
        });
        delta.edits.iter().find_map(|edit| {
            let Edit::Field { at: there, field: id, old, .. } = edit else { return None };
            let old = old.as_ref().filter(|_| there == at && *id == field)?;
            Some(self.shown(field, old))
        })
    }
}
