//! What goes out for an order by the old files and by the new ones, side by side: of the calls that were made, because
//! of those it is known that the targets get them.

use std::collections::{BTreeMap, HashSet};

use orderhub_lang::value::Value;
use orderhub_mapping::diff::{between_documents, without_rows};
use orderhub_mapping::{Context, MapError, Mapping, Projection, ReverseError};
use orderhub_order::hash;
use orderhub_order::ids::At;
use orderhub_order::lane::{Lane, WantKey};
use orderhub_order::model::{State, Subject};

use super::calls::Seen;
use super::targets::{Both, CallKey, Targets};
use crate::bundle::{Bundle, System};
use crate::deliver::prospect::Prospect;

/// A document that goes out: by which mapping, for which system, of which order, in which lane.
type Side<'s> = (&'s Mapping, &'s System, &'s State, &'s Lane);

/// A call of which both files have a mapping.
struct Pair<'p> {
    key: WantKey,
    operation: &'p str,
    old: Side<'p>,
    new: Side<'p>,
}

impl Targets {
    /// What would be sent next, of an order as it stands; what is sent once only goes out for other orders.
    pub(super) fn next(&mut self, both: Both<'_>, state: &State) {
        for pair in pairs(both, (state, state)) {
            let what = if pair.key.fact.is_none() { "sent_otherwise" } else { "carried_otherwise" };
            self.projected(what, &pair);
        }
    }

    /// What the calls that were made would have carried, had the new files mapped it. `told`: calls that are made
    /// anew, of which that is told already.
    pub(super) fn carried(
        &mut self,
        both: Both<'_>,
        (was, is): (&State, &State),
        told: &BTreeMap<CallKey, Prospect>,
    ) {
        for pair in pairs(both, (was, is)) {
            let (_, _, _, lane) = pair.new;
            let key = (lane.system.to_string(), pair.key.rule.to_string(), subject(&pair.key));
            if !told.contains_key(&key) {
                self.projected("carried_otherwise", &pair);
            }
        }
    }

    fn projected(&mut self, otherwise: &'static str, pair: &Pair<'_>) {
        let at = &pair.key.subject;
        let (old, new) = (project(pair.old, at), project(pair.new, at));
        let what = match (&old, &new) {
            (Ok(old), Ok(new)) if old.bytes == new.bytes => return,
            (Ok(_), Ok(_)) => otherwise,
            (Ok(_), Err(_)) => "not_sent",
            (Err(_), Ok(_)) => "sent_again",
            (Err(_), Err(_)) => return,
        };
        let (_, _, state, lane) = pair.new;
        let (order, subject) = (state.order.reference.to_string(), subject(&pair.key));
        let (system, rule) = (lane.system.as_str(), &*pair.key.rule);
        // Several messages of an order may say the same; a call of several operations is one each.
        let parts = [&*order, what, system, rule, &subject, pair.operation];
        let first = self.noted.insert(hash::half_of_parts(parts.map(str::as_bytes)));
        let (operation, code, why) = (Some(pair.operation), None, None);
        let seen = Seen { what, system, rule, operation, code, subject: &subject, why };
        let noted = match first {
            true => self.calls.note(&order, &seen),
            false => self.calls.known(&seen),
        };
        let Some(call) = noted else { return };
        match (&old, &new) {
            (Ok(old), Ok(new)) => call.differs(fields(&old.bytes, &new.bytes).into_iter()),
            (_, Err(ReverseError::Failed(error))) if call.why.is_none() => {
                call.why = Some(MapError { rule: None, ..error.error.clone() }.to_string());
                call.new_rule.clone_from(&error.rule);
            }
            (_, _) => {}
        }
    }
}

/// The calls that were made, with the mappings of both files for them: one mapping may serve several operations of a
/// rule, and then is one.
fn pairs<'p>(
    (old, new): (&'p Bundle, &'p Bundle),
    (was, is): (&'p State, &'p State),
) -> Vec<Pair<'p>> {
    let mut found = Vec::new();
    for lane in is.lanes.iter() {
        let Some(before) = was.lanes.get(&lane.system) else { continue };
        let (Some(there), Some(here)) = (old.system(&lane.system), new.system(&lane.system)) else {
            continue;
        };
        let mut done: HashSet<(String, &str)> = HashSet::new();
        for key in lane.sent.keys().filter_map(|text| WantKey::parse(text)) {
            for ((rule, operation), delivery) in &here.deliveries {
                let (Some(mapping), true) = (&delivery.with, *rule == key.rule) else { continue };
                let known = there.deliveries.get(&(rule.clone(), operation.clone()));
                let Some(known) = known.and_then(|delivery| delivery.with.as_ref()) else {
                    continue;
                };
                if done.insert((key.text(), mapping.document())) {
                    let (old, new) =
                        ((&**known, there, was, &**before), (&**mapping, here, is, &**lane));
                    found.push(Pair { key: key.clone(), operation, old, new });
                }
            }
        }
    }
    found
}

/// What a call is about, as people are told it.
pub(super) fn subject(key: &WantKey) -> String {
    if key.subject.is_root() { "order".to_owned() } else { key.subject.to_string() }
}

fn project((mapping, system, state, lane): Side<'_>, at: &At) -> Result<Projection, ReverseError> {
    let subject = Subject { order: &state.order, at, lane: Some(lane) };
    let args: BTreeMap<String, Value> = BTreeMap::new();
    let context = Context {
        system: &lane.system,
        settings: &system.settings,
        args: &args,
        hub: Some(subject),
    };
    mapping.reverse(subject, &context)
}

/// The places in which two documents differ; where they are no JSON, none is named.
fn fields(old: &[u8], new: &[u8]) -> Vec<String> {
    let (Ok(old), Ok(new)) = (serde_json::from_slice(old), serde_json::from_slice(new)) else {
        return Vec::new();
    };
    between_documents(&old, &new).iter().map(|found| without_rows(&found.field)).collect()
}
