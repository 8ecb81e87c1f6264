//! Of what a listing names, what the hub does not have: `newer:` of a poll.
//!
//! **Invariant:** only what the hub has at the revision that is listed, or at a later one, is left out; what cannot be
//! compared is fetched. Test: `what_the_hub_has_at_the_listed_revision_is_left_out`.
//!
//! What was said in another shape of the same thing counts: a webhook that brought the order whole told of it, too.
//! Bound: [`AT_ONCE`] documents are looked up together.

use std::collections::BTreeSet;

use bytes::Bytes;
use orderhub_lang::path::Path;
use orderhub_lang::value::Value;
use orderhub_mapping::Mapping;
use orderhub_order::contribution::Revision;
use orderhub_order::identify::ReferenceKey;
use orderhub_order::ids::SystemName;
use orderhub_order::model::State;

use super::references::Known;
use crate::bundle::{Intake, System};
use crate::store::{Store, StoreError};

/// Documents that are looked up together.
const AT_ONCE: usize = 500;

/// What is listed of one document.
struct Listed {
    key: Box<str>,
    revision: Revision,
}

/// The documents of a page that are to be fetched.
pub(super) async fn lacking(
    store: &dyn Store,
    (system, intake): (&System, &Intake),
    documents: Vec<Bytes>,
) -> Result<Vec<Bytes>, StoreError> {
    let newer = intake.poll.as_ref().and_then(|poll| poll.newer.as_ref());
    let (Some(newer), Some(mapping)) = (newer, intake.mappings.first()) else {
        return Ok(documents);
    };
    let shapes: BTreeSet<&str> = system
        .intakes
        .iter()
        .flat_map(|intake| &intake.mappings)
        .filter(|shape| shape.entity == mapping.entity)
        .map(|shape| &**shape.document())
        .collect();
    let mut lacking = Vec::new();
    for some in documents.chunks(AT_ONCE) {
        let listed: Vec<Option<Listed>> =
            some.iter().map(|document| listed(document, intake, (mapping, newer))).collect();
        let had = had(store, &system.name, (mapping, &shapes), &listed).await?;
        let left = some.iter().zip(had).filter(|(_, had)| !had);
        lacking.extend(left.map(|(document, _)| Bytes::clone(document)));
    }
    Ok(lacking)
}

/// What a listing says of a document; `None`: nothing that can be compared.
fn listed(document: &[u8], intake: &Intake, (mapping, newer): (&Mapping, &Path)) -> Option<Listed> {
    let [(_, id)] = intake.fetch.as_ref()?.args.as_slice() else { return None };
    let document = Value::from_json(document).ok()?;
    let key = id.first(&document).scalar_text()?;
    let revision = mapping.revision_of(newer.first(&document).clone())?;
    Some(Listed { key: key.into(), revision })
}

/// Of each whether the hub has it.
async fn had(
    store: &dyn Store,
    system: &SystemName,
    (mapping, shapes): (&Mapping, &BTreeSet<&str>),
    listed: &[Option<Listed>],
) -> Result<Vec<bool>, StoreError> {
    let kind: Box<str> = mapping.entity.as_str().into();
    let reference = |listed: &Listed| ReferenceKey::Xref {
        system: system.clone(),
        kind: kind.clone(),
        ext_id: listed.key.clone(),
    };
    let keys = listed.iter().flatten().map(reference).collect();
    let mut known: &dyn Store = store;
    let bound = known.bound(keys).await?;
    let orders = bound.iter().flatten().map(|bound| bound.order).collect();
    let states = known.states(orders).await?;
    let mut bound = bound.into_iter();
    let has = |listed: &Option<Listed>| {
        let listed = listed.as_ref()?;
        let bound = bound.next()??;
        let state = states.get(&bound.order)?.as_deref()?;
        Some(is_known(state, system, shapes, listed))
    };
    Ok(listed.iter().map(has).map(|has| has == Some(true)).collect())
}

/// Whether the system has said as much of it, or more.
fn is_known(
    state: &State,
    system: &SystemName,
    shapes: &BTreeSet<&str>,
    Listed { key, revision }: &Listed,
) -> bool {
    let Some(lane) = state.lanes.get(system) else { return false };
    let mut said = shapes.iter().filter_map(|shape| lane.documents.get(&format!("{shape}/{key}")));
    said.any(|said| match (&said.revision, revision) {
        (Some(Revision::Integer(has)), Revision::Integer(listed)) => has >= listed,
        (Some(Revision::Timestamp(has)), Revision::Timestamp(listed)) => has >= listed,
        _ => false,
    })
}
