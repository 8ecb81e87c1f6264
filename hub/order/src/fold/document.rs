//! A document of a system: repeated, stale, waiting, or taken field by field.

use std::hash::{Hash as _, Hasher};

use jiff::SignedDuration;

use super::canonical::{newest, older};
use super::receipt::settle_linked;
use super::refer::bind_stated;
use super::work::{Done, Ended, Folding, Speaker, Work, item, refuse};
use super::{Act, DocumentAct, TodoKind, element};
use crate::causes;
use crate::contribution::{Contribution, Revision};
use crate::hash;
use crate::ids::{At, Collection, Role, SystemName};
use crate::lane::{DocumentState, Lane};
use crate::model::Shared;

/// The hash that stands for "dropped": the next document is compared field by field.
const DROPPED: [u8; 16] = [0; 16];

/// Folds a document into the order it was identified to belong to.
pub(super) fn document(work: &mut Work<'_>, act: &DocumentAct, hash: [u8; 16]) -> Folding<Done> {
    let contribution = &act.contribution;
    let role = role_of(work, &contribution.system)?;
    let revision = revision_of(contribution, work.facts.sequence);
    let name = name_of(contribution);
    let mut speaker = Speaker::of(contribution, role, Some(&revision));
    speaker.match_only = is_first_link(work, &speaker);
    let lane = work.lane(speaker.system, role);
    lane.heard = lane.heard.saturating_add(1);
    bind_role(work, speaker.system, role);
    let Some(at) = place(work, &speaker, act)? else { return Ok(Done::Ended(Ended::Stale)) };
    raise(work, &speaker, &at, &name);
    let kind = contribution.entity.as_str();
    bind_stated(work, &speaker, kind, &at, &contribution.key)?;
    element::state(work, &speaker, &at, &contribution.body)?;
    remember(work, (&contribution.system, role), name, (hash, revision));
    settle_linked(work, &contribution.system);
    list_differences(work, &contribution.system);
    let only_stale = work.tally.stale > 0 && work.tally.heard == 0 && work.tally.bound == 0;
    Ok(if only_stale { Done::Ended(Ended::Stale) } else { Done::Merged })
}

/// The role of a system that speaks or is spoken to.
pub(super) fn role_of(work: &Work<'_>, system: &SystemName) -> Folding<Role> {
    match work.rules.systems.get(system) {
        Some(rules) => Ok(rules.role),
        None => {
            let why = format!("the settings know no system `{system}`");
            Err(refuse(TodoKind::Parked, causes::UNKNOWN_SYSTEM, system, why))
        }
    }
}

/// The document's own revision, else the place in which it arrived.
fn revision_of(contribution: &Contribution, sequence: i64) -> Revision {
    contribution.revision.clone().unwrap_or(Revision::Integer(sequence))
}

/// SHA-256 of what is said, without its revision, first 16 bytes. A program that hashes otherwise than the
/// one before it, or beside it, finds other content and compares it field by field: slower, not wrong. Test:
/// `a_content_hash_is_the_same_for_ever`.
pub fn content_hash(contribution: &Contribution) -> [u8; 16] {
    let mut said = Said(Vec::with_capacity(4_096));
    (&contribution.parents, contribution.creates, &contribution.body).hash(&mut said);
    hash::half(&said.0)
}

/// The bytes that a hash is made of.
struct Said(Vec<u8>);

impl Hasher for Said {
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    // The same on every machine.
    fn write_usize(&mut self, number: usize) {
        self.write(&u64::try_from(number).unwrap_or(u64::MAX).to_le_bytes());
    }

    fn write_isize(&mut self, number: isize) {
        self.write(&i64::try_from(number).unwrap_or(i64::MAX).to_le_bytes());
    }

    fn finish(&self) -> u64 {
        0
    }
}

/// What a lane calls a document: its kind and key.
fn name_of(contribution: &Contribution) -> String {
    format!("{}/{}", contribution.document, contribution.key)
}

/// Whether the system said exactly this last under the same document and key: only the revision
/// rises with it. Most updates of a shop end here.
pub(super) fn repeated(work: &mut Work<'_>, act: &DocumentAct, hash: [u8; 16]) -> bool {
    let contribution = &act.contribution;
    let name = name_of(contribution);
    let lane = work.state.lanes.get(&contribution.system);
    let known = lane.and_then(|lane| lane.documents.get(&name));
    let Some(known) = known.filter(|known| known.hash != DROPPED) else { return false };
    if known.hash != hash {
        return false;
    }
    let revision = revision_of(contribution, work.facts.sequence);
    let lane = work.state.lanes.get_mut(&contribution.system);
    if let Some(known) = lane.and_then(|lane| lane.documents.get_mut(&name)) {
        known.revision = newest(known.revision.take(), Some(revision));
    }
    true
}

/// A revision further ahead of the commit than this is no clock that goes a little wrong.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);

/// Whether a document of the system that speaks carries a time that is still to come: what it says later under
/// today's time counts as older.
pub(super) fn ahead(work: &Work<'_>, act: &Act) -> bool {
    let Act::Document(act) = act else { return false };
    is_ahead(work, &act.contribution.system)
}

fn is_ahead(work: &Work<'_>, system: &SystemName) -> bool {
    let latest = work.now.saturating_add(AHEAD).unwrap_or(work.now);
    let documents = work.state.lanes.get(system).map(|lane| &lane.documents);
    let mut documents = documents.into_iter().flat_map(|documents| documents.values());
    documents
        .any(|document| matches!(document.revision, Some(Revision::Timestamp(at)) if at > latest))
}

/// Told once for an order and a system, when the first such revision comes.
///
/// **Invariant:** a revision that mutes what follows it is never taken in silence. Test:
/// `a_revision_that_is_still_to_come_is_told_once`.
pub(super) fn tell_ahead(work: &mut Work<'_>, said: &Contribution, before: bool) {
    if before || !is_ahead(work, &said.system) {
        return;
    }
    let (system, document) = (&said.system, &said.document);
    let at = match &said.revision {
        Some(Revision::Timestamp(at)) => at.to_string(),
        Some(Revision::Integer(_)) | None => "a later day".to_owned(),
    };
    let why = format!(
        "{system} sent a `{document}` of {at}, which is still to come: until then whatever it says under an earlier \
         time counts as older and changes nothing; correct the clock or the time there"
    );
    work.todo(item(TodoKind::Finding, causes::FUTURE_REVISION, Some(system), why));
}

/// Before other content takes its place: what a document said stood until it was last repeated.
fn raise(work: &mut Work<'_>, speaker: &Speaker<'_>, at: &At, name: &str) {
    let Some(lane) = work.lane_there(speaker.system) else { return };
    let Some(document) = lane.documents.get_mut(name) else { return };
    if document.since == document.revision || older(speaker.revision, document.revision.as_ref()) {
        return;
    }
    let since = std::mem::replace(&mut document.since, document.revision.clone());
    let newest = document.revision.clone();
    for (_, _, state) in lane.fields.within_mut(at) {
        if state.entity == Some(speaker.entity)
            && let Some((_, revision)) = &mut state.stated
            && *revision == since
        {
            revision.clone_from(&newest);
        }
    }
}

/// Keeps the newest content of a document, with the revision at which it was first said.
fn remember(
    work: &mut Work<'_>,
    (system, role): (&SystemName, Role),
    name: String,
    (hash, revision): ([u8; 16], Revision),
) {
    let documents = &mut work.lane(system, role).documents;
    let known = documents.get(&name).and_then(|known| known.revision.as_ref());
    if !older(Some(&revision), known) {
        let since = Some(revision.clone());
        documents.insert(name, DocumentState { hash, revision: Some(revision), since });
    }
}

/// A flight to the system drops the hashes: what comes back may say the same and mean more. The
/// revisions stay.
pub(super) fn drop_hashes(lane: &mut crate::lane::Lane) {
    lane.documents.values_mut().for_each(|document| document.hash = DROPPED);
}

/// The system speaks of this order for the first time, and was told nothing of it by us.
fn is_first_link(work: &Work<'_>, speaker: &Speaker<'_>) -> bool {
    let told = |lane: &Shared<Lane>| lane.knows() || lane.was_told();
    *speaker.system != work.state.order.origin
        && !work.state.lanes.get(speaker.system).is_some_and(told)
}

/// The element that the document is about: the one its references name, else a new one under the
/// parent they name. `None`: a newer complete list is without it.
fn place(work: &mut Work<'_>, speaker: &Speaker<'_>, act: &DocumentAct) -> Folding<Option<At>> {
    let collection = match act.contribution.entity.collection() {
        None => return Ok(Some(At::ROOT)),
        Some(collection) => collection,
    };
    if let Some(at) = known_place(work, act) {
        return Ok(Some(at));
    }
    let parent = act.parent.clone().unwrap_or(At::ROOT);
    let inside = collection.parent() == Some(parent.collection());
    let outer = if inside { parent.clone() } else { At::ROOT };
    let added = element::add(work, speaker, &outer, collection, (&act.contribution.body, true))?;
    if let Some(at) = &added
        && collection == Collection::Shipments
        && parent.collection() == Collection::Fulfilments
        && let Some(fulfilment) = parent.id()
    {
        element::belongs_to(work, at, fulfilment);
    }
    Ok(added)
}

/// Where the document's entity stands already: by identity, or by a reference that was bound since.
fn known_place(work: &Work<'_>, act: &DocumentAct) -> Option<At> {
    let entity = act.contribution.entity;
    let lane = work.state.lanes.get(&act.contribution.system);
    let bound = lane.and_then(|lane| lane.element(entity.as_str(), &act.contribution.key));
    let named = act.at.as_ref().or(bound).filter(|at| at.collection().entity() == Some(entity));
    named.filter(|at| work.state.order.element(at).is_some()).cloned()
}

/// The first link of a system while its role is unbound binds it.
pub(super) fn bind_role(work: &mut Work<'_>, system: &SystemName, role: Role) {
    if role != Role::Sink {
        work.state.order.bound.entry(role).or_insert_with(|| system.clone());
    }
}

/// One finding for all that a first link found different.
fn list_differences(work: &mut Work<'_>, system: &SystemName) {
    if work.differs.is_empty() {
        return;
    }
    let paths = std::mem::take(&mut work.differs);
    let why = format!(
        "{system} was linked for the first time and differs in {}; nothing was overwritten",
        paths.join(", ")
    );
    work.todo(item(TodoKind::Finding, causes::FIRST_LINK_DIFFERS, Some(system), why));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::known;
    use crate::contribution::{CollectionStatement, ElementStatement};
    use crate::ids::Entity;
    use crate::value::{Currency, Money, Value};

    #[test]
    fn a_content_hash_is_the_same_for_ever() {
        let money = Money { amount: 1250.into(), currency: Currency::parse("EUR").unwrap() };
        let line = ElementStatement {
            key: Some("9".into()),
            fields: vec![
                (known::line::SKU, Some(Value::text("A"))),
                (known::line::UNIT_PRICE, None),
            ],
            ..ElementStatement::default()
        };
        let lines = Collection::Lines;
        let collections =
            vec![CollectionStatement { collection: lines, complete: true, elements: vec![line] }];
        let fields = vec![(known::order::TOTALS_TOTAL, Some(Value::Money(money)))];
        let body = ElementStatement { fields, collections, ..ElementStatement::default() };
        let mut said = Contribution {
            system: SystemName::new("shop"),
            document: "order".into(),
            entity: Entity::Order,
            key: "1".into(),
            parents: Vec::new(),
            creates: true,
            revision: None,
            body,
        };
        let hash = u128::from_be_bytes(content_hash(&said));
        assert_eq!(format!("{hash:032x}"), "89020a76bd8893f417b4f04115ee298d");
        said.revision = Some(Revision::Integer(7));
        assert_eq!(u128::from_be_bytes(content_hash(&said)), hash);
    }
}
