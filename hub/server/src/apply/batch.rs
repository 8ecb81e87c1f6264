//! When a batch closes: at once, with what queued while the last commit ran.
//!
//! No timer: an idle hub commits one unit at once, a busy one hundreds together. Where a store prepares, and
//! [`WORTH_PREPARING`] would be in a batch when a commit begins, it closes already and is prepared while that
//! commit runs: smaller ones wait for the commit, and grow.
//!
//! Acts go first, and so many messages with them as [`super::pace`] says.
//!
//! **Invariant:** batches are committed in the order in which they closed, one at a time; what is behind
//! something of its source that was not stored is not committed. Tests:
//! `nothing_overtakes_what_was_not_stored`,
//! `what_was_prepared_behind_a_batch_that_failed_is_not_committed`.
//! Bounds: a batch closes with the unit that reaches [`MOST_UNITS`] or [`MOST_BYTES`] of bodies; the
//! rest waits for the next commit.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::pace::{self, Flow, Pace};
use super::{Apply, Handed, Queues, Submission, Unit, Waiter, size};
use crate::bundle::Bundle;
use crate::clock::Clock;
use crate::store::{Batch, Outcomes, Store, StoreError};
use crate::telemetry::trace::{self, Span};

/// Units in one commit.
const MOST_UNITS: usize = 256;
/// Fewer units wait for the commit under way, so that more join them.
const WORTH_PREPARING: usize = 64;
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
    /// To the dispatcher: lanes that a commit made due. Full: given back to the store, where a claim finds
    /// them.
    pub handed: mpsc::Sender<Handed>,
}

/// Starts the loop. It ends when `stop` is cancelled, after what was queued by then is committed.
pub fn start(parts: Parts, bound: usize, stop: CancellationToken) -> (Apply, JoinHandle<()>) {
    let (apply, queues) = Apply::channel(bound);
    (apply, tokio::spawn(run(parts, queues, stop)))
}

async fn run(parts: Parts, mut queues: Queues, stop: CancellationToken) {
    let mut under_way: Option<UnderWay> = None;
    let mut pace = Pace::default();
    let parts = Loop { parts, unstored: AtomicU64::new(0) };
    loop {
        let flow = pace.flow(|system| parts.store.in_hand(system));
        let worth = parts.store.prepares() && queues.would_close(flow) >= WORTH_PREPARING;
        if !worth && let Some(before) = under_way.take() {
            before.end(&parts).await;
        }
        let first = tokio::select! {
            first = queues.next() => first,
            () = stop.cancelled() => {
                queues.acts.close();
                queues.messages.close();
                queues.next().await
            }
        };
        let Some(first) = first else { break };
        let flow = pace.flow(|system| parts.store.in_hand(system));
        let bundle = Arc::clone(&parts.bundle.borrow());
        let closing = queues.close(first, flow).renewed(&*parts.store, &bundle).await;
        let Closing { units, waiters, .. } = closing;
        pace.closed(units.iter().filter_map(pace::delivers));
        if units.is_empty() {
            continue;
        }
        let batch = Batch::new(units, bundle, parts.clock.now())
            .under(waiters.iter().map(|waiter| waiter.lease().cloned()));
        // Whoever waits for the commit before is told when it ends, however long this takes.
        let before = async {
            if let Some(before) = under_way.take() {
                before.end(&parts).await;
            }
        };
        let (prepared, ()) = tokio::join!(parts.store.prepare(batch), before);
        under_way = match prepared {
            Ok(batch) => UnderWay::begin(&parts, batch, waiters),
            Err(error) => {
                resolve(&parts, waiters, Err(error));
                None
            }
        };
    }
    if let Some(last) = under_way {
        last.end(&parts).await;
    }
}

/// What the loop works with, and how the store has been.
#[derive(Debug)]
struct Loop {
    parts: Parts,
    /// Batches in a row that were not stored.
    unstored: AtomicU64,
}

impl Deref for Loop {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}

impl Loop {
    /// Told when it begins and when it has ended: in between, each batch would say the same.
    fn tell(&self, error: Option<&StoreError>) {
        match error {
            None => {
                let batches = self.unstored.swap(0, Ordering::Relaxed);
                if batches > 0 {
                    tracing::info!(batches, "batches are stored again");
                }
            }
            Some(error) if self.unstored.fetch_add(1, Ordering::Relaxed) == 0 => {
                tracing::error!(%error, "a batch was not stored; what its sources hold comes again");
            }
            Some(error) => tracing::debug!(%error, "another batch was not stored"),
        }
    }
}

/// A batch that is being committed.
#[derive(Debug)]
struct UnderWay {
    commit: JoinHandle<Result<Outcomes, StoreError>>,
    waiters: Vec<Waiter>,
    span: Span,
}

impl UnderWay {
    /// Begins the commit, without what is behind something that was not stored since the batch closed, or
    /// was done under a lease that is lost since.
    fn begin(parts: &Loop, mut batch: Batch, all: Vec<Waiter>) -> Option<Self> {
        let away: Vec<Option<StoreError>> = all.iter().map(Waiter::turned_away).collect();
        batch.keep(|place| away.get(place).is_some_and(Option::is_none));
        let mut waiters = Vec::with_capacity(batch.len());
        for (waiter, away) in all.into_iter().zip(away) {
            match away {
                Some(error) => waiter.tell(Err(error)),
                None => waiters.push(waiter),
            }
        }
        if batch.is_empty() {
            return None;
        }
        let mut span = trace::begin(trace::Kind::Internal, None, || "commit");
        span.set("orderhub.units", || i64::try_from(waiters.len()).unwrap_or(i64::MAX));
        let store = Arc::clone(&parts.store);
        let commit = tokio::spawn(async move { store.commit(batch).await });
        Some(Self { commit, waiters, span })
    }

    async fn end(mut self, parts: &Loop) {
        let mut outcomes = self.commit.await.unwrap_or_else(|error| {
            Err(StoreError::Failed(format!("a commit did not end: {error}")))
        });
        match (&mut outcomes, self.span.place()) {
            (Ok(outcomes), Some(place)) => {
                let stored = outcomes.iter_mut().flatten();
                stored.for_each(|outcome| outcome.commit = Some(place.clone()));
            }
            (Err(_), Some(_)) => self.span.fail("not_stored"),
            (_, None) => {}
        }
        drop(self.span);
        resolve(parts, self.waiters, outcomes);
    }
}

/// What goes into one commit.
#[derive(Debug, Default)]
pub(super) struct Closing {
    pub(super) units: Vec<Unit>,
    pub(super) waiters: Vec<Waiter>,
    bytes: usize,
    /// Acts that are of a delivery.
    deliveries: usize,
}

impl Closing {
    fn is_full(&self, most: usize) -> bool {
        self.units.len() >= most || self.bytes >= MOST_BYTES
    }

    /// What came behind something of its source that was not stored is turned away, so that it does not
    /// overtake it.
    fn take(&mut self, Submission { unit, waiter }: Submission) {
        if let Some(error) = waiter.turned_away() {
            waiter.tell(Err(error));
            return;
        }
        self.bytes += size(&unit);
        self.deliveries += usize::from(pace::delivers(&unit).is_some());
        self.units.push(unit);
        self.waiters.push(waiter);
    }
}

impl Queues {
    /// Units that a batch would have now, were all acts of deliveries while any are under way.
    fn would_close(&self, flow: Flow) -> usize {
        let acts = self.acts.len();
        let deliveries = if flow == Flow::Still { 0 } else { acts };
        (acts + self.messages.len().min(flow.most_messages(deliveries))).min(MOST_UNITS)
    }

    /// The next unit; none when both queues are closed and empty.
    async fn next(&mut self) -> Option<Submission> {
        tokio::select! {
            biased;
            Some(act) = self.acts.recv() => Some(act),
            Some(message) = self.messages.recv() => Some(message),
            else => None,
        }
    }

    /// Closes a batch with what queued. Acts go first, and so many messages with them as [`pace`] says: a delivery
    /// waits for two commits, and intake must not leave it behind.
    fn close(&mut self, first: Submission, flow: Flow) -> Closing {
        let mut batch = Closing::default();
        batch.take(first);
        while !batch.is_full(MOST_UNITS - pace::LEAST)
            && let Ok(act) = self.acts.try_recv()
        {
            batch.take(act);
        }
        let acts = batch.units.iter().filter(|unit| matches!(unit, Unit::Order(_))).count();
        let most = acts.saturating_add(flow.most_messages(batch.deliveries)).min(MOST_UNITS);
        while !batch.is_full(most)
            && let Ok(message) = self.messages.try_recv()
        {
            batch.take(message);
        }
        batch
    }
}

/// Acknowledgements first, in the order of submission, then the lanes.
fn resolve(parts: &Loop, waiters: Vec<Waiter>, outcomes: Result<Outcomes, StoreError>) {
    let outcomes = match outcomes {
        Ok(outcomes) => outcomes,
        Err(error) => {
            parts.tell(Some(&error));
            waiters.into_iter().for_each(|waiter| waiter.tell(Err(error.clone())));
            return;
        }
    };
    parts.tell(None);
    let mut handed = Vec::new();
    for (waiter, outcome) in waiters.into_iter().zip(outcomes) {
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(error) => {
                waiter.tell(Err(error));
                continue;
            }
        };
        let lanes = outcome.reserved.iter().cloned();
        handed.extend(lanes.map(|(system, key)| Handed::Lane(system, key)));
        for system in &outcome.left {
            let left = Handed::Left(system.clone());
            if !handed.contains(&left) {
                handed.push(left);
            }
        }
        waiter.tell(Ok(outcome));
    }
    let refused: Vec<_> = handed
        .into_iter()
        .filter_map(|handed| match parts.handed.try_send(handed).err()?.into_inner() {
            Handed::Lane(system, key) => Some((system, key)),
            Handed::Left(_) => None,
        })
        .collect();
    if !refused.is_empty() {
        parts.store.release(&refused);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use orderhub_order::fold::{Act, Facts};
    use orderhub_order::ids::{OrderKey, SystemName};

    use super::*;
    use crate::apply::{MessageUnit, OrderUnit};
    use crate::intake::Envelope;

    fn message() -> Unit {
        let envelope = Envelope {
            source: "process".into(),
            system: SystemName::new("shop"),
            document: "order".into(),
            message_id: None,
            body: Bytes::from_static(b"{}"),
            headers: Vec::new(),
            received: jiff::Timestamp::UNIX_EPOCH,
            suspect: false,
        };
        let (mapped, refused, skipped, redrive) = (Vec::new(), None, true, None);
        let beside = Default::default();
        let bundle = "test".into();
        let recorded = Default::default();
        let unit =
            MessageUnit { envelope, bundle, recorded, mapped, refused, skipped, redrive, beside };
        Unit::Message(Box::new(unit))
    }

    fn act(act: Act) -> Unit {
        let (key, facts) = (OrderKey(1), Facts::default());
        Unit::Order(Box::new(OrderUnit { key, act, facts, receipt: None }))
    }

    fn of_a_delivery() -> Act {
        let system = SystemName::new("erp");
        Act::Memo { system, fence: 1, memo: Vec::new(), xrefs: Vec::new() }
    }

    /// The acts and the messages of a batch that closes after so many were queued, and what it was said to come to.
    async fn closed(
        flow: Flow,
        (acts, which): (usize, Act),
        messages: usize,
    ) -> (usize, usize, usize) {
        let (apply, mut queues) = Apply::channel(1_000);
        for _ in 0..messages {
            drop(apply.queue(message()).await.unwrap());
        }
        for _ in 0..acts {
            drop(apply.queue(act(which.clone())).await.unwrap());
        }
        let would = queues.would_close(flow);
        let first = queues.next().await.unwrap();
        let batch = queues.close(first, flow);
        let messages = batch.units.iter().filter(|unit| matches!(unit, Unit::Message(_))).count();
        (batch.units.len() - messages, messages, would)
    }

    #[tokio::test]
    async fn acts_go_first_and_messages_always_have_room() {
        for (queued, acts, messages) in [(1, 1, 8), (10, 10, 8), (100, 100, 38), (500, 248, 8)] {
            let (found, beside, _) = closed(Flow::Enough, (queued, of_a_delivery()), 600).await;
            assert_eq!((found, beside), (acts, messages), "{queued} acts");
        }
    }

    #[tokio::test]
    async fn a_batch_is_said_to_come_to_what_it_comes_to() {
        for (acts, messages, expected) in
            [(0, 600, (0, 24, 24)), (10, 600, (10, 24, 34)), (100, 20, (100, 20, 120))]
        {
            let found = closed(Flow::Short, (acts, of_a_delivery()), messages).await;
            assert_eq!(found, expected, "{acts} acts");
        }
    }

    /// A target is away: its wishes are put off, one act each, and intake goes on as if nothing was delivered.
    #[tokio::test]
    async fn acts_of_no_delivery_hold_nothing_back() {
        for (acts, messages, expected) in
            [(0, 600, (0, 256, 256)), (100, 600, (100, 156, 256)), (0, 5, (0, 5, 5))]
        {
            let found = closed(Flow::Still, (acts, Act::Tick), messages).await;
            assert_eq!(found, expected, "{acts} acts");
        }
    }
}
