//! When a batch closes: at once, with what queued while the last commit ran.
//!
//! No timer: an idle hub commits one unit at once, a busy one hundreds together.
//! Bounds: [`MOST_UNITS`] units or [`MOST_BYTES`] of bodies; what is over waits for the next commit.

use std::sync::Arc;

use orderhub_order::ids::{OrderKey, SystemName};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::{Apply, Submission, Unit, UnitOutcome};
use crate::bundle::Bundle;
use crate::clock::Clock;
use crate::store::{Store, StoreError};

/// Units in one commit.
const MOST_UNITS: usize = 256;
/// Bytes of bodies in one commit; a batch holds one unit at least, whatever its size.
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
        let bundle = Arc::clone(&parts.bundle.borrow());
        let outcomes = parts.store.apply(units, bundle, parts.clock.now()).await;
        if let Err(error) = &outcomes {
            // What queued behind a batch that failed must not overtake it: it fails with it, and the
            // sources bring all of it again, in their order.
            while let Ok(behind) = queue.try_recv() {
                fail([behind.done], error);
            }
        }
        resolve(&parts, waiters, outcomes);
    }
}

fn fail(waiters: impl IntoIterator<Item = Waiter>, error: &StoreError) {
    for waiter in waiters {
        drop(waiter.send(Err(error.clone())));
    }
}

type Waiter = tokio::sync::oneshot::Sender<Result<UnitOutcome, StoreError>>;

fn close(first: Submission, queue: &mut mpsc::Receiver<Submission>) -> (Vec<Unit>, Vec<Waiter>) {
    let (mut units, mut waiters) = (Vec::new(), Vec::new());
    let (mut bytes, mut next) = (0, Some(first));
    while let Some(Submission { unit, done }) = next {
        bytes += size(&unit);
        units.push(unit);
        waiters.push(done);
        let full = units.len() >= MOST_UNITS || bytes >= MOST_BYTES;
        next = if full { None } else { queue.try_recv().ok() };
    }
    (units, waiters)
}

fn size(unit: &Unit) -> usize {
    match unit {
        Unit::Message(message) => message.envelope.body.len(),
        Unit::Order(_) => 0,
    }
}

/// Acknowledgements first, in the order of submission, then the lanes: a caller who stopped waiting
/// loses its answer, not its commit.
fn resolve(parts: &Parts, waiters: Vec<Waiter>, outcomes: Result<Vec<UnitOutcome>, StoreError>) {
    let outcomes = match outcomes {
        Ok(outcomes) => outcomes,
        Err(error) => {
            tracing::error!(%error, units = waiters.len(), "a batch was not stored");
            fail(waiters, &error);
            return;
        }
    };
    let mut reserved = Vec::new();
    for (waiter, outcome) in waiters.into_iter().zip(outcomes) {
        reserved.extend(outcome.reserved.iter().cloned());
        drop(waiter.send(Ok(outcome)));
    }
    let refused: Vec<_> =
        reserved.into_iter().filter_map(|lane| parts.reserved.try_send(lane).err()).collect();
    if !refused.is_empty() {
        let lanes: Vec<_> =
            refused.into_iter().map(mpsc::error::TrySendError::into_inner).collect();
        parts.store.release(&lanes);
    }
}
