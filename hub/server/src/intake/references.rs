//! What references of a message are bound to, asked of a hub's store or of one that is only read.
//!
//! Bounds: those of [`mod@super::rounds`]. Of the orders that are found, [`AT_ONCE`] are read at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};
use orderhub_mapping::facts::LookupKey;
use orderhub_order::catalogue::known;
use orderhub_order::identify::{Bound, ReferenceKey};
use orderhub_order::ids::{Collection, OrderKey, SystemName};
use orderhub_order::model::State;

use super::lookups::Looks;
use crate::store::traffic::Traffic;
use crate::store::{Scope, Store, StoreError};

/// Orders that are asked for together.
const AT_ONCE: usize = 8;

/// The orders that are found.
type States = BTreeMap<OrderKey, Option<Arc<State>>>;

/// Who knows what references are bound to.
pub(crate) trait Known: Send {
    /// What references are bound to, in their order.
    fn bound(
        &mut self,
        keys: Vec<ReferenceKey>,
    ) -> BoxFuture<'_, Result<Vec<Option<Bound>>, StoreError>>;

    /// The heads of orders.
    fn states(&mut self, orders: BTreeSet<OrderKey>) -> BoxFuture<'_, Result<States, StoreError>>;
}

impl Known for &dyn Store {
    fn bound(
        &mut self,
        keys: Vec<ReferenceKey>,
    ) -> BoxFuture<'_, Result<Vec<Option<Bound>>, StoreError>> {
        Store::bound(*self, keys)
    }

    fn states(&mut self, orders: BTreeSet<OrderKey>) -> BoxFuture<'_, Result<States, StoreError>> {
        let store: &dyn Store = *self;
        let states = stream::iter(orders).map(move |key| async move {
            store.state(&Scope::All, key).await.map(|state| (key, state))
        });
        states.buffer_unordered(AT_ONCE).try_collect().boxed()
    }
}

impl Known for &mut dyn Traffic {
    fn bound(
        &mut self,
        keys: Vec<ReferenceKey>,
    ) -> BoxFuture<'_, Result<Vec<Option<Bound>>, StoreError>> {
        async move { Traffic::bound(*self, &keys).await }.boxed()
    }

    fn states(&mut self, orders: BTreeSet<OrderKey>) -> BoxFuture<'_, Result<States, StoreError>> {
        async move {
            let mut states = States::new();
            for key in orders {
                states.insert(key, self.state(key).await?);
            }
            Ok(states)
        }
        .boxed()
    }
}

/// Answers the references of a message, as far as they are bound.
pub(crate) async fn answer(
    known: &mut dyn Known,
    system: &SystemName,
    wants: &[LookupKey],
    looks: &mut Looks,
) -> Result<(), StoreError> {
    let references = wants.iter().map(|want| reference(system, want)).collect();
    let bound = known.bound(references).await?;
    let states = known.states(bound.iter().flatten().map(|bound| bound.order).collect()).await?;
    for (want, bound) in wants.iter().zip(bound) {
        // What is bound and has nothing to give is not waited for: nothing more would come.
        if bound.is_none() && want.waits {
            looks.lacks.insert(want.clone(), String::new());
        }
        let found = bound.and_then(|bound| {
            let state = states.get(&bound.order)?.as_deref()?;
            taken(want, &bound, state)
        });
        looks.kept.learn(want, found);
    }
    Ok(())
}

/// The reference that is looked up.
pub(crate) fn reference(system: &SystemName, want: &LookupKey) -> ReferenceKey {
    let (kind, ext_id) = (want.name.clone(), want.id.clone());
    ReferenceKey::Xref { system: system.clone(), kind, ext_id }
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
