//! What a batch needs before its first fold: sequences, known ids, references, orders and lanes, each
//! asked for as one sorted set.

use std::collections::{BTreeSet, HashMap, HashSet};

use orderhub_mapping::{MapError, Mapped};
use orderhub_order::contribution::{Contribution, ParentReference};
use orderhub_order::fold::{Act, DocumentAct, binds};
use orderhub_order::hash::{half, half_of_parts};
use orderhub_order::identify::{self, ReferenceKey};
use orderhub_order::ids::{OrderKey, SystemName};

use super::working_set::WorkingSet;
use super::{Context, DocumentKey, Lookup, Seen, SeenId, Tx, TxError};
use crate::apply::{MessageUnit, OrderUnit, Unit, misfit};
use crate::intake::Envelope;

/// A unit on its way through a commit, which may take several tries.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// What it is.
    pub(super) item: Item,
    /// It failed alone: store it raw, for this reason.
    pub(super) condemned: Option<&'static str>,
}

/// What a unit is.
#[derive(Debug)]
pub(super) enum Item {
    /// A message, and its documents apart.
    Message(Box<MessageUnit>, Vec<Document>),
    /// An act on a known order.
    Order(Box<OrderUnit>),
}

/// One document of a message.
#[derive(Debug)]
pub(super) enum Document {
    /// Mapped: the act that the fold will see, and the references that identify it.
    Said(Act, Vec<ReferenceKey>),
    /// Left to other mappings.
    Skipped,
    /// Not mappable.
    Failed(MapError),
}

impl Prepared {
    /// Takes a unit apart.
    pub(crate) fn new(unit: Unit) -> Self {
        let item = match unit {
            Unit::Order(order) => Item::Order(order),
            Unit::Message(mut message) => {
                let only = message.redrive.and_then(|redrive| redrive.document);
                let mapped = std::mem::take(&mut message.mapped);
                let documents = mapped.into_iter().enumerate();
                let documents = documents.map(|(at, mapped)| document(mapped, is(at, only)));
                let documents = documents.collect();
                Item::Message(message, documents)
            }
        };
        Self { item, condemned: None }
    }

    /// The documents that are going to be folded.
    fn said(&self) -> impl Iterator<Item = (&Contribution, &[ReferenceKey])> {
        let documents = match &self.item {
            Item::Message(_, documents) if self.condemned.is_none() => documents.as_slice(),
            Item::Message(..) | Item::Order(_) => &[],
        };
        documents.iter().filter_map(|document| match document {
            Document::Said(act, keys) => Some((contribution(act)?, keys.as_slice())),
            Document::Skipped | Document::Failed(_) => None,
        })
    }
}

/// What the act of a document says.
pub(super) fn contribution(act: &Act) -> Option<&Contribution> {
    match act {
        Act::Document(document) => Some(&document.contribution),
        Act::Fly { .. }
        | Act::Memo { .. }
        | Act::Skip { .. }
        | Act::Unfit { .. }
        | Act::Down { .. }
        | Act::Receipt(_)
        | Act::Person(_)
        | Act::Hurry { .. }
        | Act::Tick => None,
    }
}

/// Whether a drive is for this document.
fn is(at: usize, only: Option<u32>) -> bool {
    only.is_none_or(|only| usize::try_from(only).is_ok_and(|only| only == at))
}

fn document(mapped: Mapped, wanted: bool) -> Document {
    match mapped {
        Mapped::Document(said) if wanted => {
            if let Some(error) = misfit(&said) {
                return Document::Failed(error);
            }
            let keys = identify::references(&said);
            let act = DocumentAct { contribution: *said, at: None, parent: None };
            Document::Said(Act::Document(act), keys)
        }
        Mapped::Failed(error) if wanted => Document::Failed(error),
        Mapped::Document(_) | Mapped::Failed(_) | Mapped::Skipped => Document::Skipped,
    }
}

/// What is known of a unit's message id, and the row it gets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sequence {
    /// The row that it gets if it is stored.
    pub(super) row: i64,
    /// What the table of seen ids says.
    pub(super) seen: Seen,
}

/// Gives every message a row number and notes its id. Re-drives were noted when they first came.
pub(super) async fn seen<T: Tx>(tx: &mut T, works: &[Prepared]) -> Result<Vec<Sequence>, TxError> {
    let messages = works.iter().any(|work| matches!(work.item, Item::Message(..)));
    let first = if messages { tx.numbers(works.len(), 0).await?.0 } else { 0 };
    let mut sequences = Vec::with_capacity(works.len());
    let (mut ids, mut owners) = (Vec::new(), Vec::new());
    for (row, (at, work)) in (first..).zip(works.iter().enumerate()) {
        sequences.push(Sequence { row, seen: Seen::New });
        let Item::Message(head, _) = &work.item else { continue };
        let Some(message_id) = head.envelope.message_id.as_deref() else { continue };
        if head.redrive.is_none() {
            let body = head.beside.came.unwrap_or_else(|| half(&head.envelope.body));
            ids.push(SeenId { id: seen_id(&head.envelope, message_id), body, sequence: row });
            owners.push(at);
        }
    }
    if !ids.is_empty() {
        let known = tx.seen(&ids).await?;
        for (at, seen) in owners.into_iter().zip(known) {
            if let Some(sequence) = sequences.get_mut(at) {
                sequence.seen = seen;
            }
        }
    }
    Ok(sequences)
}

/// The same for a batch whose turn is yet to come: all of it is taken for new, and nothing is noted.
pub(super) async fn foreseen<L: Lookup>(
    lookup: &mut L,
    works: &[Prepared],
) -> Result<Vec<Sequence>, TxError> {
    let (first, _) = lookup.numbers(works.len(), 0).await?;
    Ok((first..).take(works.len()).map(|row| Sequence { row, seen: Seen::New }).collect())
}

fn seen_id(envelope: &Envelope, message_id: &str) -> [u8; 16] {
    let parts = [&*envelope.source, envelope.system.as_str(), message_id];
    half_of_parts(parts.map(str::as_bytes))
}

/// Reads and locks everything that the folds of this batch may need.
pub(super) async fn working_set<'a, L: Lookup>(
    lookup: &mut L,
    works: &[Prepared],
    sequences: &[Sequence],
    context: Context<'a>,
) -> Result<WorkingSet<'a>, TxError> {
    let fresh = |(_, sequence): &(&Prepared, &Sequence)| sequence.seen == Seen::New;
    let live: Vec<&Prepared> =
        works.iter().zip(sequences).filter(fresh).map(|(work, _)| work).collect();

    let references = references(lookup, &live).await?;
    let creating = live.iter().flat_map(|work| work.said());
    let creating = creating.filter(|(said, keys)| {
        let known = |key| references.get(key).is_some_and(Option::is_some);
        said.creates && !keys.iter().any(known)
    });
    let (_, first_order) = lookup.numbers(0, creating.count()).await?;

    let mut keys: BTreeSet<OrderKey> = references.values().flatten().map(|b| b.order).collect();
    keys.extend(live.iter().filter_map(|work| match &work.item {
        Item::Order(unit) => Some(unit.key),
        Item::Message(..) => None,
    }));
    let keys: Vec<OrderKey> = keys.into_iter().collect();
    let locked = if keys.is_empty() { Vec::new() } else { lookup.lock(&keys).await? };
    let parked = parked(lookup, &live).await?;
    Ok(WorkingSet::new(context, references, locked, parked, first_order))
}

type References = HashMap<ReferenceKey, Option<identify::Bound>>;

async fn references<L: Lookup>(lookup: &mut L, live: &[&Prepared]) -> Result<References, TxError> {
    let mut keys: Vec<ReferenceKey> = Vec::new();
    for work in live {
        keys.extend(work.said().flat_map(|(_, keys)| keys.iter().cloned()));
        keys.extend(work.said().filter_map(|(said, _)| WorkingSet::reference_of(said)));
        if let Item::Order(unit) = &work.item {
            keys.extend(binds(&unit.act));
        }
    }
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    keys.sort_unstable();
    keys.dedup();
    let found = lookup.references(&keys).await?;
    Ok(keys.into_iter().zip(found).collect())
}

async fn parked<L: Lookup>(
    lookup: &mut L,
    live: &[&Prepared],
) -> Result<HashSet<DocumentKey>, TxError> {
    let mut keys: BTreeSet<(SystemName, Box<str>)> = BTreeSet::new();
    for (said, _) in live.iter().flat_map(|work| work.said()) {
        keys.extend(spoken_keys(said).map(|key| (said.system.clone(), key.into())));
    }
    if keys.is_empty() {
        return Ok(HashSet::new());
    }
    let keys: Vec<(SystemName, Box<str>)> = keys.into_iter().collect();
    Ok(lookup.parked(&keys).await?.into_iter().collect())
}

/// Its own key and the keys of its parents at the same system.
pub(super) fn spoken_keys(said: &Contribution) -> impl Iterator<Item = &str> {
    let parents = said.parents.iter().filter_map(|parent| match parent {
        ParentReference::Xref { ext_id, .. } => Some(&**ext_id),
        ParentReference::Ref(_) => None,
    });
    std::iter::once(&*said.key).chain(parents)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_seen_id_is_the_same_for_ever() {
        let envelope = Envelope {
            source: Arc::from("webhook"),
            system: SystemName::new("shop_eu"),
            document: Arc::from("order"),
            message_id: None,
            body: bytes::Bytes::new(),
            headers: Vec::new(),
            received: jiff::Timestamp::UNIX_EPOCH,
            suspect: false,
        };
        let id = hex::encode(seen_id(&envelope, "m-1"));
        assert_eq!(id, "851c98c6e710888a3256a9516a45ed20");
    }
}
