//! Which rules gave a value: found once for each kind of change, because watching a mapping is slow.

use std::collections::BTreeMap;
use std::sync::Arc;

use orderhub_lang::value::Value;
use orderhub_mapping::diff::{differences, without_rows};
use orderhub_mapping::{Context, Mapping};

use crate::bundle::{Bundle, Kept};
use crate::store::traffic::Drive;

/// The rule of the old files that gave a field of a message, and that of the new ones, `file:line:column`. For a
/// page of a listing, none: its documents have no body of their own.
pub(super) fn rules(
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
    for (was, is) in pairs(old, new, drive) {
        let found = differences((&was, &context), (&is, &context), &envelope.body, kept);
        let same = |name: &str| name == field || without_rows(name) == without_rows(field);
        if let Some(found) = found.into_iter().find(|found| same(&found.field)) {
            return (found.old_rule, found.new_rule);
        }
    }
    nothing
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
