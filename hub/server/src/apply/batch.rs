//! When a batch closes: at once, with what queued while the last commit ran.
//!
//! No timer: an idle hub commits one unit at once, a busy one hundreds together.
//! Bounds: a batch closes with the unit that reaches [`MOST_UNITS`] or [`MOST_BYTES`] of bodies; the
//! rest waits for the next commit.

use std::sync::Arc;

use orderhub_order::ids::{OrderKey, SystemName};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::{Apply, Submission, Unit, UnitOutcome, Waiter, size};
use crate::bundle::Bundle;
use crate::clock::Clock;
use crate::store::{Store, StoreError};

/// Units in one commit.
const MOST_UNITS: usize = 256;
/// Bytes of bodies that close a batch.
const MOST_BYTES: usize = 1 << 20;

/// What the batch loop works with.
#[derive(Debug)]
pub struct Parts {
    /// Where it is written.
    pub store: Arc<dyn Store>,
    /// The active bundle.
    pub bundle: watch::Receiver<Arc<Bundle>>,
    /// The time of each commit.
    pub clock: Clock,
    /// The dispatcher's ring: lanes that a commit reserved. Full: given back to the store, where the
    /// claim by due time finds them.
    pub reserved: mpsc::Sender<(SystemName, OrderKey)>,
}

/// Starts the loop. It ends when `stop` is cancelled, after what was queued by then is committed.
pub fn start(
    parts: Parts,
    bound: usize,
    stop: CancellationToken,
) -> (Apply, tokio::task::JoinHandle<()>) {
    let (apply, queue) = Apply::channel(bound);
    (apply, tokio::spawn(run(parts, queue, stop)))
}

async fn run(parts: Parts, mut queue: mpsc::Receiver<Submission>, stop: CancellationToken) {
    loop {
        let first = tokio::select! {
            first = queue.recv() => first,
            () = stop.cancelled() => {
                queue.close();
                queue.recv().await
            }
        };
        let Some(first) = first else { return };
        let (units, waiters) = close(first, &mut queue);
        if units.is_empty() {
            continue;
        }
        let bundle = Arc::clone(&parts.bundle.borrow());
        let outcomes = parts.store.apply(units, bundle, parts.clock.now()).await;
        resolve(&parts, waiters, outcomes);
    }
}

/// Takes what queued, up to the bounds. What came behind something of its source that was not stored
/// is turned away, so that it does not overtake it.
fn close(first: Submission, queue: &mut mpsc::Receiver<Submission>) -> (Vec<Unit>, Vec<Waiter>) {
    let (mut units, mut waiters) = (Vec::new(), Vec::new());
    let (mut bytes, mut next) = (0, Some(first));
    while let Some(Submission { unit, waiter }) = next {
        if waiter.is_behind() {
            waiter.tell(Err(StoreError::Behind));
        } else {
            bytes += size(&unit);
            units.push(unit);
            waiters.push(waiter);
        }
        let full = units.len() >= MOST_UNITS || bytes >= MOST_BYTES;
        next = if full { None } else { queue.try_recv().ok() };
    }
    (units, waiters)
}

/// Acknowledgements first, in the order of submission, then the lanes.
fn resolve(parts: &Parts, waiters: Vec<Waiter>, outcomes: Result<Vec<UnitOutcome>, StoreError>) {
    let outcomes = match outcomes {
        Ok(outcomes) => outcomes,
        Err(error) => {
            tracing::error!(%error, units = waiters.len(), "a batch was not stored");
            waiters.into_iter().for_each(|waiter| waiter.tell(Err(error.clone())));
            return;
        }
    };
    let mut reserved = Vec::new();
    for (waiter, outcome) in waiters.into_iter().zip(outcomes) {
        reserved.extend(outcome.reserved.iter().cloned());
        waiter.tell(Ok(outcome));
    }
    let refused: Vec<_> =
        reserved.into_iter().filter_map(|lane| parts.reserved.try_send(lane).err()).collect();
    if !refused.is_empty() {
        let lanes: Vec<_> =
            refused.into_iter().map(mpsc::error::TrySendError::into_inner).collect();
        parts.store.release(&lanes);
    }
}
