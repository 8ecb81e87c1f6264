//! The task of one system: a permit first, then a lane, then its delivery, until told to stop.
//!
//! **Invariant:** a permit (room in hand, concurrency, then pause, credential and limits, then the global one) is held before a
//! lane is taken, so that what waits, waits in the ring and in the store, and live goes before retry.
//! Tokio's semaphore is fair, so systems take turns at the global one. Tests:
//! `no_more_calls_are_in_the_air_than_there_are_permits`, `live_lanes_go_first_and_retries_are_not_starved`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use orderhub_order::ids::OrderKey;
use orderhub_order::rules::Mode;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

use super::dispatcher::{Dispatcher, Observed};
use super::ring::{Offer, Ring, Wait};
use super::send::{self, Rest};
use crate::resilience::gate::GateState;
use crate::store::StoreError;

/// Due lanes claimed at once.
const BATCH: usize = 256;
/// Fewer lanes in the ring, and more are claimed: while they come, these are served.
const LOW: usize = 64;
/// The store is looked into at least so often, whatever it said last.
const LOOK: Duration = Duration::from_secs(2);
/// No two looks come closer, unless the ring runs dry or a retry is due.
const BREATH: Duration = Duration::from_secs(1);
/// A lane whose serving panicked rests so long: it would panic again.
const AFTER_PANIC: Duration = Duration::from_secs(60);
/// The name of the limit that every operation counts against unless it names another.
const DEFAULT_LIMIT: &str = "default";

/// Serves the system until `stopping`, then lets what is in the air end.
pub(super) async fn run(dispatcher: Arc<Dispatcher>) {
    let mut deliveries = JoinSet::new();
    let stopping = dispatcher.common.stopping.clone();
    while !stopping.is_cancelled() {
        let served = tokio::select! {
            biased;
            () = stopping.cancelled() => break,
            served = next(&dispatcher) => served,
        };
        while deliveries.try_join_next().is_some() {}
        let (key, in_hand, permits) = served;
        let hand = InHand::new(Arc::clone(&dispatcher), key);
        let around = around(&dispatcher, key);
        let served = async move {
            let rest = send::serve(&hand.dispatcher, key, permits).await;
            drop(in_hand);
            hand.rest(rest);
        };
        deliveries.spawn(served.instrument(around));
    }
    while deliveries.join_next().await.is_some() {}
}

/// What is logged on behalf of a delivery stands under these.
fn around(dispatcher: &Dispatcher, key: OrderKey) -> Span {
    let (system, order) = (dispatcher.name.as_str(), key.shown());
    tracing::info_span!(
        "delivery",
        system,
        order,
        operation = Empty,
        attempt = Empty,
        trace_id = Empty
    )
}

/// Leave to have one more call in the air: to this system, and to all. Given back when the call has ended, so
/// that nobody waits for the commit of its receipt.
pub(super) type Permits = (OwnedSemaphorePermit, OwnedSemaphorePermit);

/// Waits for room, permits and a lane.
///
/// # Cancel safety
///
/// No lane is lost: it is taken at the very end, without waiting.
async fn next(dispatcher: &Arc<Dispatcher>) -> (OrderKey, OwnedSemaphorePermit, Permits) {
    loop {
        let Ok(in_hand) = Arc::clone(&dispatcher.hands).acquire_owned().await else {
            std::future::pending().await
        };
        let Ok(own) = Arc::clone(&dispatcher.permits).acquire_owned().await else {
            std::future::pending().await
        };
        available(dispatcher).await;
        let Ok(global) = Arc::clone(&dispatcher.common.global).acquire_owned().await else {
            std::future::pending().await
        };
        if let Some(key) = take(dispatcher) {
            return (key, in_hand, (own, global));
        }
    }
}

fn take(dispatcher: &Dispatcher) -> Option<OrderKey> {
    let mut ring = dispatcher.ring();
    let parked = ring.parked();
    let key = ring.take(Instant::now(), |wait| is_ready(dispatcher, wait));
    if ring.parked() != parked {
        dispatcher.common.store.parked(&dispatcher.name, ring.parked());
    }
    key
}

fn is_ready(dispatcher: &Dispatcher, wait: &Wait) -> bool {
    match wait {
        Wait::Gate(operation) => dispatcher.guards.would_pass(operation).is_ok(),
        Wait::Probe(operation) => {
            dispatcher.guards.gate_state(operation) == GateState::Open
                || dispatcher.guards.would_pass(operation).is_ok()
        }
        Wait::Limit(limit, _) => dispatcher.guards.limits.pause_left(limit).is_none(),
        Wait::Trouble(_) => true,
    }
}

/// Waits until the system may be called and a lane may be had.
async fn available(dispatcher: &Dispatcher) {
    loop {
        let blocked = blocked(dispatcher);
        if blocked.is_none() {
            look(dispatcher).await;
            if has_some(dispatcher) {
                return;
            }
        }
        let wait = blocked.unwrap_or_else(|| idle_for(dispatcher));
        tokio::select! {
            () = dispatcher.wake.notified() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// How long nothing may be delivered to the system at all.
fn blocked(dispatcher: &Dispatcher) -> Option<Duration> {
    let bundle = dispatcher.common.bundle();
    let rules = bundle.system(&dispatcher.name).map(|system| &system.deliveries);
    let operations = rules.into_iter().flat_map(BTreeMap::keys).map(|(_, operation)| &**operation);
    let refused = dispatcher.guards.proofs.refused_for(operations, Instant::now());
    let refused = refused.map(|wait| wait.min(LOOK));
    halted(dispatcher).or(refused).or_else(|| throttled(dispatcher))
}

/// How long nobody may ask the system anything, whoever he proves himself to be.
pub(super) fn unasked(dispatcher: &Dispatcher) -> Option<Duration> {
    halted(dispatcher).or_else(|| throttled(dispatcher))
}

/// A person, or the settings, paused it.
fn halted(dispatcher: &Dispatcher) -> Option<Duration> {
    let bundle = dispatcher.common.bundle();
    let mode = bundle.system(&dispatcher.name).map(|system| system.mode);
    let paused = dispatcher.observed().paused.is_some();
    (paused || matches!(mode, None | Some(Mode::Paused))).then_some(LOOK)
}

/// It asked to be left alone.
fn throttled(dispatcher: &Dispatcher) -> Option<Duration> {
    dispatcher.guards.limits.pause_left(DEFAULT_LIMIT)
}

fn has_some(dispatcher: &Dispatcher) -> bool {
    let now = Instant::now();
    let ring = dispatcher.ring();
    !ring.is_idle() || ring.any_ready(now, |wait| is_ready(dispatcher, wait))
}

fn idle_for(dispatcher: &Dispatcher) -> Duration {
    let (ready, parked) = {
        let ring = dispatcher.ring();
        (ring.next_ready(), ring.parked() > 0)
    };
    let now = Instant::now();
    let scan = dispatcher.observed().scan_at.map(|at| at.saturating_duration_since(now));
    let ready = ready.map(|at| at.saturating_duration_since(now).max(Duration::from_millis(1)));
    // A gate says nothing when it opens by time: it is asked again.
    let gates = parked.then_some(Duration::from_millis(250));
    let waits = [scan, ready, gates].into_iter().flatten();
    waits.min().unwrap_or(LOOK).min(LOOK)
}

/// Whether the store is asked for due lanes now.
///
/// **Invariant:** a look has room for a whole [`BATCH`]: one for few finds few, and each of them that is served
/// would ask again. Test: `a_full_ring_does_not_ask_for_one_lane_after_the_other`.
fn is_time(observed: &Observed, ring: &Ring, now: Instant) -> bool {
    let low = observed.more && ring.queued() <= LOW;
    let due = low || observed.scan_at.is_none_or(|at| at <= now);
    let full = observed.more && ring.parked() >= Ring::PARKED;
    due && ring.room() >= BATCH && !full
}

/// Asks the store for due lanes, when it is time to.
async fn look(dispatcher: &Dispatcher) {
    if !is_time(&dispatcher.observed(), &dispatcher.ring(), Instant::now()) {
        return;
    }
    let (store, clock) = (&dispatcher.common.store, dispatcher.common.clock);
    let found = store.claim(&dispatcher.name, clock.now(), BATCH).await;
    let next = store.next_due(&dispatcher.name, clock.now()).await;
    let (found, next) = match (found, next) {
        (Ok(found), Ok(next)) => (found, next),
        (Err(error), _) | (_, Err(error)) => {
            tracing::warn!(%error, system = %dispatcher.name, "due lanes cannot be read");
            dispatcher.observed().scan_at = Some(Instant::now() + BREATH);
            return;
        }
    };
    let count = found.len();
    let new = dispatcher.ring().add_due(found);
    let wait = next.map_or(LOOK, |next| {
        Duration::try_from(next.duration_since(clock.now())).unwrap_or_default()
    });
    let mut observed = dispatcher.observed();
    // While some are queued, the rest is free for others.
    observed.more = count >= BATCH && new > 0;
    observed.scan_at = Some(Instant::now() + wait.clamp(BREATH, LOOK));
}

/// A lane that is being served. However that ends, the lane comes to rest.
struct InHand {
    dispatcher: Arc<Dispatcher>,
    key: OrderKey,
    rested: bool,
}

impl InHand {
    fn new(dispatcher: Arc<Dispatcher>, key: OrderKey) -> Self {
        dispatcher.observed().in_flight += 1;
        Self { dispatcher, key, rested: false }
    }

    fn rest(mut self, rest: Result<Rest, StoreError>) {
        self.rested = true;
        let (dispatcher, key) = (&self.dispatcher, self.key);
        let offer = match rest {
            Ok(Rest::Done) => dispatcher.ring().done(key),
            Ok(Rest::Park(wait, until)) => dispatcher.ring().park(key, wait, until),
            Ok(Rest::Back) => {
                dispatcher.ring().put_back(key);
                Offer::Taken
            }
            Err(error) => {
                let order = key.shown();
                tracing::warn!(%error, system = %dispatcher.name, %order, "a lane was not served");
                let until = Some(Instant::now() + BREATH);
                dispatcher.ring().park(key, Wait::Trouble("store"), until)
            }
        };
        let (parked, idle) = {
            let ring = dispatcher.ring();
            (ring.parked(), ring.is_idle())
        };
        dispatcher.common.store.parked(&dispatcher.name, parked);
        if idle {
            // A burst may have left lanes in the store that nobody has told us of.
            let (soon, mut observed) = (Instant::now() + BREATH, dispatcher.observed());
            observed.scan_at = Some(observed.scan_at.map_or(soon, |at| at.min(soon)));
        }
        dispatcher.heed(offer, key);
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        self.dispatcher.observed().in_flight -= 1;
        if !self.rested && !self.dispatcher.common.stopping.is_cancelled() {
            let order = self.key.shown();
            tracing::error!(system = %self.dispatcher.name, %order, "serving a lane panicked");
            let until = Some(Instant::now() + AFTER_PANIC);
            let offer = self.dispatcher.ring().park(self.key, Wait::Trouble("panic"), until);
            self.dispatcher.heed(offer, self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_full_ring_does_not_ask_for_one_lane_after_the_other() {
        let (mut ring, now) = (Ring::default(), Instant::now());
        let mut observed = Observed::default();
        assert!(is_time(&observed, &ring, now), "nothing was looked at yet");
        let most = i64::try_from(Ring::BOUND).unwrap();
        assert_eq!(ring.add_due((0..most).map(OrderKey)), Ring::BOUND);
        observed.more = true;
        for served in 0..Ring::BOUND {
            assert_eq!(is_time(&observed, &ring, now), served >= BATCH, "{served} were served");
            let key = ring.take(now, |_| true).unwrap();
            ring.done(key);
        }
        observed.scan_at = Some(now + BREATH);
        assert!(is_time(&observed, &ring, now), "it runs dry, and there are more");
        observed.more = false;
        assert!(!is_time(&observed, &ring, now));
    }
}
