//! What new files look up and was not recorded with a message: as it stands now.
//!
//! Bounds: [`ROUNDS`] questions to the store for a message, [`MOST`] look-ups in each.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use orderhub_mapping::facts::{LookupKey, LookupOf};
use orderhub_order::identify::ReferenceKey;
use orderhub_order::ids::OrderKey;
use orderhub_order::model::State;

use crate::bundle::{Bundle, Kept};
use crate::intake::Envelope;
use crate::intake::{reference, taken};
use crate::store::StoreError;
use crate::store::traffic::Traffic;

/// As many as a hub asks: what one look-up gives may be looked up again.
const ROUNDS: usize = 3;
/// Look-ups of a message at a time.
const MOST: usize = 500;

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Now {
    /// Nothing had to be looked up.
    Recorded,
    /// All is known.
    Known,
    /// A reference that the message would wait for is not known.
    Waits,
    /// A system would have to be asked.
    Asks,
    /// There is more to be looked up than may be.
    TooMany,
}

/// Adds to `kept` what a bundle looks up besides for a message, but for what is `open` by the files of then, too.
pub(super) async fn look_up(
    traffic: &mut dyn Traffic,
    bundle: &Bundle,
    envelope: &Envelope,
    kept: &mut Kept,
    open: &[LookupKey],
) -> Result<Now, StoreError> {
    let mut now = Now::Recorded;
    for _ in 0..ROUNDS {
        let mut wants = bundle.wants(envelope, kept, None);
        wants.retain(|want| !open.contains(want));
        wants.truncate(MOST);
        if wants.is_empty() {
            return Ok(now);
        }
        now = Now::Known;
        if wants.iter().any(|want| want.of == LookupOf::Read) {
            return Ok(Now::Asks);
        }
        let references: Vec<ReferenceKey> =
            wants.iter().map(|want| reference(&envelope.system, want)).collect();
        let bound = traffic.bound(&references).await?;
        let mut states: BTreeMap<OrderKey, Option<Arc<State>>> = BTreeMap::new();
        for (want, bound) in wants.iter().zip(bound) {
            let Some(bound) = bound else {
                if want.waits {
                    return Ok(Now::Waits);
                }
                kept.learn(want, None);
                continue;
            };
            let state = match states.entry(bound.order) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(free) => free.insert(traffic.state(bound.order).await?),
            };
            kept.learn(want, state.as_deref().and_then(|state| taken(want, &bound, state)));
        }
    }
    let rest = bundle.wants(envelope, kept, None);
    Ok(if rest.iter().all(|want| open.contains(want)) { now } else { Now::TooMany })
}
