//! What the mappings of a message look up, found out before it is mapped: mapping itself asks nobody.
//!
//! **Invariant:** what is looked up is asked for once for a message, however many of its lines name it, and is kept
//! with the message. Test: `what_is_looked_up_is_recorded_and_what_is_unknown_is_waited_for`.
//! Bounds: [`ROUNDS`] questions to the store, where one look-up needs what another gives; at most [`MOST`] look-ups.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use orderhub_mapping::facts::{LookupKey, LookupOf};
use orderhub_order::catalogue::known;
use orderhub_order::identify::{Bound, ReferenceKey};
use orderhub_order::ids::{Collection, OrderKey};
use orderhub_order::model::State;

use super::Envelope;
use crate::bundle::{Bundle, Kept};
use crate::store::{Scope, Store, StoreError};

/// Questions to the store for one message.
const ROUNDS: usize = 3;
/// Look-ups of one message; what is beyond is not known, and its documents fail.
const MOST: usize = 500;

/// What was found out for a message.
#[derive(Debug)]
pub(crate) struct Looks {
    /// To be kept with it.
    pub(crate) kept: Kept,
    /// What is not known and is waited for.
    pub(crate) lacks: Vec<ReferenceKey>,
}

/// Finds it out; `None`: its mappings look nothing up.
pub(crate) async fn find_out(
    store: &dyn Store,
    bundle: &Bundle,
    envelope: &Envelope,
) -> Result<Option<Looks>, StoreError> {
    if !bundle.looks_up(envelope) {
        return Ok(None);
    }
    let mut looks = Looks { kept: bundle.kept(envelope), lacks: Vec::new() };
    for _ in 0..ROUNDS {
        let mut wants = bundle.wants(envelope, &looks.kept);
        wants.retain(|want| want.of == LookupOf::Xref);
        wants.truncate(MOST);
        if wants.is_empty() {
            break;
        }
        answer(store, envelope, &wants, &mut looks).await?;
    }
    Ok(Some(looks))
}

async fn answer(
    store: &dyn Store,
    envelope: &Envelope,
    wants: &[LookupKey],
    looks: &mut Looks,
) -> Result<(), StoreError> {
    let references = wants.iter().map(|want| reference(envelope, want)).collect();
    let bound = store.bound(references).await?;
    let mut states: BTreeMap<OrderKey, Option<Arc<State>>> = BTreeMap::new();
    let orders: BTreeSet<OrderKey> = bound.iter().flatten().map(|bound| bound.order).collect();
    for key in orders {
        states.insert(key, store.state(&Scope::All, key).await?);
    }
    for (want, bound) in wants.iter().zip(bound) {
        // What is bound and has nothing to give is not waited for: nothing more would come.
        if bound.is_none() && want.waits {
            looks.lacks.push(reference(envelope, want));
        }
        let found = bound.and_then(|bound| {
            let state = states.get(&bound.order)?.as_deref()?;
            taken(want, &bound, state)
        });
        looks.kept.learn(want, found);
    }
    Ok(())
}

fn reference(envelope: &Envelope, want: &LookupKey) -> ReferenceKey {
    let (kind, ext_id) = (want.name.clone(), want.id.clone());
    ReferenceKey::Xref { system: envelope.system.clone(), kind, ext_id }
}

/// What is taken of what a reference is bound to.
fn taken(want: &LookupKey, bound: &Bound, state: &State) -> Option<Box<str>> {
    let order = &state.order;
    let id = &*want.take == "id";
    if bound.at.is_root() {
        let own = if id { order.key.shown() } else { order.reference.to_string() };
        return Some(own.into());
    }
    let element = order.element(&bound.at)?;
    if id {
        return Some(element.id.as_str().into());
    }
    // Only these have a ref of ours; of all else the id is meant.
    let refs = [
        (Collection::Fulfilments, known::fulfilment::REF),
        (Collection::Shipments, known::shipment::REF),
    ];
    let field = refs.into_iter().find(|(of, _)| *of == bound.at.collection());
    let own = field.and_then(|(_, field)| element.fields.text(field));
    Some(own.unwrap_or(element.id.as_str()).into())
}
