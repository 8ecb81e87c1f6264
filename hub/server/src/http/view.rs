//! Orders, lanes and attempts as the API shows them.

use orderhub_order::catalogue::{FieldSet, catalogue};
use orderhub_order::json::View;
use orderhub_order::lane::Lane;
use orderhub_order::model::{Order, State};
use serde_json::{Value as Json, json};

use crate::store::AttemptRow;

/// The whole order with its references.
pub(super) fn order(state: &State, view: View) -> Json {
    let mut shown = head(&state.order, view);
    if let Some(members) = shown.as_object_mut() {
        let references = state.lanes.iter().flat_map(|lane| references(lane)).collect();
        members.insert("xrefs".to_owned(), Json::Array(references));
    }
    shown
}

/// The order without what stands in its lanes. Numbers in it are whole: no float comes in.
pub(super) fn head(order: &Order, view: View) -> Json {
    serde_json::from_slice(&orderhub_order::json::order(order, view)).unwrap_or_default()
}

fn references(lane: &Lane) -> impl Iterator<Item = Json> {
    lane.xrefs.iter().map(|xref| {
        json!({
            "system": lane.system.as_str(),
            "kind": xref.kind,
            "of": xref.at.to_string(),
            "ext_id": xref.ext_id,
        })
    })
}

/// The paths of a set of fields, sorted as the catalogue numbers them.
pub(super) fn paths(fields: &FieldSet) -> Vec<String> {
    fields.iter().filter_map(|id| catalogue().field(id)).map(|f| f.full_path()).collect()
}

/// A lane: what its system shall have, has and was sent.
pub(super) fn lane(lane: &Lane) -> Json {
    let wants = lane.wants.iter().map(|want| {
        json!({
            "rule": want.key.rule,
            "subject": want.key.subject.to_string(),
            "version": want.version,
        })
    });
    let flying = lane.flying.as_ref().map(|flight| {
        json!({
            "operation": flight.operation,
            "attempt": flight.attempt,
            "version": flight.version,
            "key": flight.key,
            "in_air": flight.in_air,
            "may_have_acted": flight.may_have_acted,
        })
    });
    let sent = lane.sent.iter().map(|(key, sent)| (key.clone(), Json::from(sent.version)));
    json!({
        "system": lane.system.as_str(),
        "role": lane.role.as_str(),
        "wants": wants.collect::<Vec<_>>(),
        "flying": flying,
        "sent": Json::Object(sent.collect()),
        "due_at": lane.due_at.map(|due| due.to_string()),
        "attempts": lane.attempts,
        "code": lane.code,
        "open_conflicts": lane.open_conflicts,
    })
}

/// An attempt, with the order that was delivered.
pub(super) fn attempt(row: &AttemptRow) -> Json {
    let mut shown = json!(row.receipt);
    if let Some(members) = shown.as_object_mut() {
        members.insert("order".to_owned(), Json::from(row.order.shown()));
    }
    shown
}
