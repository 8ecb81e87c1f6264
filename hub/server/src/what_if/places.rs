//! Which rules gave a value, and whom it is sent to: found once for each kind of change, because watching a mapping is
//! slow.
//!
//! Bounds: [`MOST_SENT`] places of other systems are told; of a page of a listing the first [`MOST_LISTED`] documents are
//! looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use orderhub_lang::value::Value;
use orderhub_mapping::diff::{differences, without_rows};
use orderhub_mapping::{Context, Mapping};
use orderhub_order::catalogue::FieldId;
use orderhub_order::ids::Entity;
use serde::Serialize;
use serde_json::value::RawValue;

use super::report::field_of;
use crate::bundle::{Bundle, Kept, POLL};
use crate::intake::Envelope;
use crate::store::traffic::Drive;

/// Places of other systems that are told of one field.
const MOST_SENT: usize = 20;

/// Documents of one page of which the rules are looked for.
const MOST_LISTED: usize = 100;

/// A place in the documents of a target that holds a field.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct SentTo {
    /// The target.
    pub system: String,
    /// The mapping that writes it: `shelf.job`.
    pub mapping: String,
    /// Where, without the positions of rows: `items.article`.
    pub path: String,
}

/// What is known of a kind of change besides the values.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// The rule of the old files that gave the field, `file:line:column`.
    pub(super) old_rule: Option<String>,
    /// That of the new ones.
    pub(super) new_rule: Option<String>,
    /// The documents that carry it, by the new files.
    pub(super) sent_to: Vec<SentTo>,
}

/// Of a field of a message.
pub(super) fn places(
    both: (&Bundle, &Bundle),
    (drive, kept): (&Drive, &Kept),
    entity: Entity,
    field: &str,
) -> Places {
    let (old_rule, new_rule) = rules(both, drive, kept, field);
    let sent_to = field_of(entity, field).map(|id| sent_to(both.1, id)).unwrap_or_default();
    Places { old_rule, new_rule, sent_to }
}

/// The documents that carry a hub field to some system.
fn sent_to(bundle: &Bundle, field: FieldId) -> Vec<SentTo> {
    let mut found = BTreeSet::new();
    for system in bundle.systems() {
        for mapping in system.deliveries.values().filter_map(|delivery| delivery.with.as_ref()) {
            let (system, mapping, paths) =
                (system.name.to_string(), mapping.name.clone(), mapping.carries(field));
            let to = |path| SentTo { system: system.clone(), mapping: mapping.clone(), path };
            found.extend(paths.into_iter().map(to));
        }
    }
    found.into_iter().take(MOST_SENT).collect()
}

fn rules(
    (old, new): (&Bundle, &Bundle),
    drive: &Drive,
    kept: &Kept,
    field: &str,
) -> (Option<String>, Option<String>) {
    let envelope = &drive.envelope;
    let nothing = (None, None);
    let Some(system) = new.system(&envelope.system) else { return nothing };
    let settings = kept.settings(&system.settings);
    let args: BTreeMap<String, Value> = Bundle::arguments(envelope);
    let context = Context { system: &envelope.system, settings: &settings, args: &args, hub: None };
    let bodies = bodies(envelope);
    for (was, is) in pairs(old, new, drive) {
        for body in &bodies {
            let found = differences((&was, &context), (&is, &context), body, kept);
            let same = |name: &str| name == field || without_rows(name) == without_rows(field);
            if let Some(found) = found.into_iter().find(|found| same(&found.field)) {
                return (found.old_rule, found.new_rule);
            }
        }
    }
    nothing
}

/// The body of a message; of a page of a listing each of its documents is one.
fn bodies(envelope: &Envelope) -> Vec<&[u8]> {
    let body = &*envelope.body;
    if &*envelope.source != POLL {
        return vec![body];
    }
    let page: Vec<&RawValue> = serde_json::from_slice(body).unwrap_or_default();
    page.into_iter().take(MOST_LISTED).map(|one| one.get().as_bytes()).collect()
}

/// The mappings of one kind of document in both.
fn pairs(old: &Bundle, new: &Bundle, drive: &Drive) -> Vec<(Arc<Mapping>, Arc<Mapping>)> {
    let (Some(was), Some(is)) = (old.intake_of(&drive.envelope), new.intake_of(&drive.envelope))
    else {
        return Vec::new();
    };
    let other = |mapping: &Arc<Mapping>| {
        let known = was.mappings.iter().find(|known| known.document() == mapping.document())?;
        Some((Arc::clone(known), Arc::clone(mapping)))
    };
    is.mappings.iter().filter_map(other).collect()
}
