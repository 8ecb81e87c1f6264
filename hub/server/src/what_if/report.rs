//! What is told of a comparison: counts, and each kind of change with a few examples. Personal values are masked.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use orderhub_mapping::diff::{Difference, without_rows};
use orderhub_order::catalogue::{FieldId, catalogue};
use orderhub_order::contribution::Contribution;
use orderhub_order::hash;
use orderhub_order::ids::Entity;
use serde::Serialize;
use serde_json::Value as Json;

use super::calls::Call;
use super::compare::Found;
use super::places::{Places, SentTo};
use super::targets::Targets;
use crate::store::traffic::Drive;
use crate::tap::mask::{MASK, is_open};

/// Kinds of changes that are told.
pub(super) const MOST_CHANGES: usize = 1_000;
/// Examples of each.
pub(super) const MOST_EXAMPLES: usize = 5;

/// What other files would have made of stored messages.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The bundle that was tried.
    pub bundle: String,
    /// Messages stored then or later were looked at.
    pub since: Timestamp,
    /// The oldest that was looked at; `None`: there was none.
    pub oldest: Option<Timestamp>,
    /// Every message since then was looked at; else the limit ended it.
    pub complete: bool,
    /// Messages looked at, each once.
    pub messages: u64,
    /// Documents in them.
    pub documents: u64,
    /// Messages that only hint at documents.
    pub hints: u64,
    /// Documents that say something else.
    pub differ: u64,
    /// Documents that cannot be mapped any more.
    pub fail: u64,
    /// Documents that could not be mapped, and now can.
    pub mended: u64,
    /// Documents that nobody mapped, and that now are.
    pub newly_mapped: u64,
    /// Documents that were mapped, and now nobody does.
    pub no_longer_mapped: u64,
    /// Different orders, fulfilments and the like that these are about, by their id at their system.
    pub orders: usize,
    /// Each kind of change, those of most documents first.
    pub changes: Vec<Change>,
    /// What of it reaches which target: for the orders as they stand now.
    pub deliveries: Vec<Call>,
    /// Calls whose kind is not among them: there are too many kinds.
    pub untold_deliveries: u64,
    /// Changed documents of which nobody can say what they would lead to: their order is not known, or they wait.
    pub unplaced: u64,
    /// Documents whose kind of change is not among them: there are too many kinds.
    pub untold: u64,
    /// Messages that cannot be mapped as they were, by the reason.
    pub not_replayable: BTreeMap<String, u64>,
    /// Messages of which the new files look up more than was recorded with them: that was looked up as it is now.
    pub looked_up: u64,
    /// Messages that were mapped and with which nothing was recorded, by an earlier program: they were mapped with
    /// today's settings.
    pub unrecorded: u64,
    /// Messages of which their own bundle gives something else today than was recorded: by another version of the
    /// program, for instance.
    pub otherwise: u64,
    /// Messages that other files mapped than the newest one: what was changed between those and these is told with
    /// the rest.
    pub earlier: u64,
    /// The newest of them.
    pub newest_earlier: Option<Timestamp>,
    /// Files that are other than those that mapped the newest message, and decide what is not compared: who may write
    /// what, how systems are called and heard, and which role one plays. By their paths below the folder.
    pub not_looked_at: Vec<String>,
    #[serde(skip)]
    kinds: BTreeMap<Kind, Change>,
    #[serde(skip)]
    about: HashSet<[u8; 16]>,
}

/// What makes changes one kind.
type Kind = (&'static str, String, String, String);

/// One kind of change.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// `differs`, `fails`, `mended`, `newly_mapped`, `no_longer_mapped`
    pub what: &'static str,
    /// The system that spoke.
    pub system: String,
    /// The kind of document.
    pub document: String,
    /// The hub field, from the document's entity on, without keys of rows; of a failure its cause.
    pub field: String,
    /// Documents with it.
    pub documents: u64,
    /// The rule of the old files that gave the first example.
    pub old_rule: Option<String>,
    /// That of the new ones; of a failure the rule that fails.
    pub new_rule: Option<String>,
    /// Which systems are sent the field, where in their documents, by the new files.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sent_to: Vec<SentTo>,
    /// Why, of a failure.
    pub why: Option<String>,
    /// Some of them, the newest first.
    pub examples: Vec<Example>,
}

/// One document.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Example {
    /// The row of its message.
    pub message: i64,
    /// The id of what it is about, at its system.
    pub key: String,
    /// The field with the keys of rows.
    pub field: Option<String>,
    /// What it said; absent: nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<Json>,
    /// What it would say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<Json>,
}

impl Report {
    pub(super) fn new(bundle: String, since: Timestamp) -> Self {
        Self {
            bundle,
            since,
            oldest: None,
            complete: true,
            messages: 0,
            documents: 0,
            hints: 0,
            differ: 0,
            fail: 0,
            mended: 0,
            newly_mapped: 0,
            no_longer_mapped: 0,
            orders: 0,
            changes: Vec::new(),
            deliveries: Vec::new(),
            untold_deliveries: 0,
            unplaced: 0,
            untold: 0,
            not_replayable: BTreeMap::new(),
            looked_up: 0,
            unrecorded: 0,
            otherwise: 0,
            earlier: 0,
            newest_earlier: None,
            not_looked_at: Vec::new(),
            kinds: BTreeMap::new(),
            about: HashSet::new(),
        }
    }

    /// Nothing would be otherwise.
    pub fn is_same(&self) -> bool {
        self.deliveries.is_empty() && self.otherwise_mapped() == 0
    }

    /// Messages that could not be compared.
    pub fn left_out(&self) -> u64 {
        self.not_replayable.values().sum()
    }

    /// Every message was compared, there was something to compare, and all that differs was looked at.
    pub fn is_whole(&self) -> bool {
        self.left_out() == 0 && self.documents > 0 && self.not_looked_at.is_empty()
    }

    /// Documents that are mapped otherwise.
    pub fn otherwise_mapped(&self) -> u64 {
        self.differ + self.fail + self.mended + self.newly_mapped + self.no_longer_mapped
    }

    pub(super) fn met(&mut self, at: Timestamp) {
        self.messages += 1;
        self.oldest = Some(at);
    }

    /// Whether the files that mapped a message are those of the newest one.
    pub(super) fn by_files(&mut self, at: Timestamp, newest: bool) {
        if !newest {
            self.earlier += 1;
            self.newest_earlier = self.newest_earlier.max(Some(at));
        }
    }

    pub(super) fn cannot(&mut self, why: &str) {
        *self.not_replayable.entry(why.to_owned()).or_default() += 1;
    }

    pub(super) fn same(&mut self, documents: usize) {
        self.documents += u64::try_from(documents).unwrap_or(0);
    }

    /// Notes a document. `places`: asked once for each kind, for its rules, and for whom it is sent to.
    pub(super) fn found(
        &mut self,
        drive: &Drive,
        found: &Found<'_>,
        places: impl Fn(Entity, &str) -> Places,
    ) {
        self.documents += 1;
        let (what, said, count) = match found {
            Found::Same(_) => return,
            Found::Differs([_, said], fields) => {
                self.differ += 1;
                self.about(said);
                let mut kinds = HashSet::new();
                for field in fields {
                    let first = kinds.insert(without_rows(&field.field));
                    self.differs(drive, said, field, first, &places);
                }
                return;
            }
            Found::Fails(said, error) => {
                self.fail += 1;
                self.about(said);
                let change = self.change("fails", said, error.cause, true);
                if let Some(change) = change {
                    change.new_rule = change.new_rule.take().or_else(|| error.rule.clone());
                    change.why.get_or_insert_with(|| error.why.clone());
                    change.example(drive, said, None);
                }
                return;
            }
            Found::Mended(said) => ("mended", said, &mut self.mended),
            Found::Newly(said) => ("newly_mapped", said, &mut self.newly_mapped),
            Found::NoLonger(said) => ("no_longer_mapped", said, &mut self.no_longer_mapped),
        };
        *count += 1;
        self.about(said);
        if let Some(change) = self.change(what, said, "", true) {
            change.example(drive, said, None);
        }
    }

    fn differs(
        &mut self,
        drive: &Drive,
        said: &Contribution,
        field: &Difference,
        first: bool,
        places: &impl Fn(Entity, &str) -> Places,
    ) {
        let Some(change) = self.change("differs", said, &without_rows(&field.field), first) else {
            return;
        };
        if change.examples.is_empty() {
            let found = places(said.entity, &field.field);
            (change.old_rule, change.new_rule) = (found.old_rule, found.new_rule);
            change.sent_to = found.sent_to;
        }
        change.example(drive, said, Some(field));
    }

    fn about(&mut self, said: &Contribution) {
        let parts = [said.system.as_str(), said.entity.as_str(), &said.key];
        self.about.insert(hash::half_of_parts(parts.map(str::as_bytes)));
    }

    /// The kind of a change; `None`: there are too many. `counts`: it is the first of its document.
    fn change(
        &mut self,
        what: &'static str,
        said: &Contribution,
        field: &str,
        counts: bool,
    ) -> Option<&mut Change> {
        let (system, document) = (said.system.to_string(), said.document.to_string());
        let kind = (what, system.clone(), document.clone(), field.to_owned());
        if self.kinds.len() >= MOST_CHANGES && !self.kinds.contains_key(&kind) {
            self.untold += u64::from(counts);
            return None;
        }
        let change = self.kinds.entry(kind).or_insert_with(|| Change {
            what,
            system,
            document,
            field: field.to_owned(),
            documents: 0,
            old_rule: None,
            new_rule: None,
            sent_to: Vec::new(),
            why: None,
            examples: Vec::new(),
        });
        change.documents += u64::from(counts);
        Some(change)
    }

    /// As it is told.
    pub(super) fn closed(mut self, targets: Targets) -> Self {
        self.unplaced = targets.unplaced;
        (self.deliveries, self.untold_deliveries) = targets.closed();
        self.orders = self.about.len();
        self.changes = std::mem::take(&mut self.kinds).into_values().collect();
        self.changes.sort_by_key(|change| std::cmp::Reverse(change.documents));
        self
    }
}

impl Change {
    fn example(&mut self, drive: &Drive, said: &Contribution, field: Option<&Difference>) {
        if self.examples.len() >= MOST_EXAMPLES {
            return;
        }
        let open = field.is_some_and(|field| may_be_seen(said.entity, &field.field));
        let shown = |value: &Json| if open { value.clone() } else { masked(value) };
        self.examples.push(Example {
            message: drive.id,
            key: said.key.to_string(),
            field: field.map(|field| field.field.clone()),
            old: field.and_then(|field| field.old.as_ref().map(shown)),
            new: field.and_then(|field| field.new.as_ref().map(shown)),
        });
    }
}

/// Null and absent stay apart, and are nobody's secret; nor is it that an element is there.
fn masked(value: &Json) -> Json {
    if value.is_null() || value.is_boolean() { value.clone() } else { Json::from(MASK) }
}

/// Whether people may see the values of a field: what is no field of the catalogue is a key, a reference, or a part
/// of a field.
fn may_be_seen(entity: Entity, field: &str) -> bool {
    // `$key`, `$revision`, `$xref(customer)`: identities at systems, no values of people.
    let identity = field.rsplit('.').next().is_some_and(|last| last.starts_with('$'));
    identity || field_of(entity, field).is_some_and(is_open)
}

/// The field of the catalogue, or the one that this is a part of.
pub(super) fn field_of(entity: Entity, field: &str) -> Option<FieldId> {
    let path = without_rows(field);
    let full = match entity.collection() {
        None => path,
        Some(collection) => format!("{}.{path}", collection.path()),
    };
    let mut at = full.as_str();
    loop {
        if let Some(field) = catalogue().find_full(at) {
            return Some(field.id);
        }
        at = at.rsplit_once('.')?.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_persons_is_masked() {
        for (entity, field, seen) in [
            (Entity::Order, "order_no", true),
            (Entity::Order, "totals.total", true),
            (Entity::Order, "customer.email", false),
            (Entity::Order, "addresses.ship_to.line1", false),
            (Entity::Order, "addresses.ship_to", false),
            (Entity::Order, "lines[9].qty.ordered", true),
            (Entity::Order, "lines[9].$xref(sku)", true),
            (Entity::Order, "$revision", true),
            (Entity::Shipment, "tracking_no", true),
            (Entity::Order, "nobody.knows", false),
        ] {
            assert_eq!(may_be_seen(entity, field), seen, "{field}");
        }
    }
}
