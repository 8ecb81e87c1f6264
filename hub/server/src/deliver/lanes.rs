//! The task of one system: a permit first, then a lane, then its delivery, until told to stop.
//!
//! **Invariant:** a permit (pause, credential, limits, concurrency, then the global one) is held before a
//! lane is taken, so that what waits, waits in the ring and in the store, and live goes before retry.
//! Tokio's semaphore is fair, so systems take turns at the global one. Tests:
//! `no_more_calls_are_in_the_air_than_there_are_permits`, `live_lanes_go_first_and_retries_are_not_starved`.

use std::sync::Arc;
use std::time::Duration;

use orderhub_order::ids::OrderKey;
use orderhub_order::rules::Mode;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::desk::Desk;
use super::ring::{Offer, Ring, Wait};
use super::send::{self, Rest};
use crate::store::StoreError;

/// Due lanes asked for at once, besides those in hand already.
const BATCH: usize = 256;
/// The store is looked into at least so often, whatever it said last.
const LOOK: Duration = Duration::from_secs(15);
/// No two looks come closer when the first found nothing new.
const BREATH: Duration = Duration::from_secs(1);
/// A lane whose serving panicked rests so long: it would panic again.
const AFTER_PANIC: Duration = Duration::from_secs(60);
/// The name of the limit that every operation counts against unless it names another.
const DEFAULT_LIMIT: &str = "default";
/// Flights of a process that is gone are due within this: looked for at the start.
const ORPHANS_WITHIN: Duration = Duration::from_secs(600);
/// Lanes looked at for orphans at the start; those beyond are found at their deadline.
const MOST_ORPHANS: usize = 1024;

/// Serves the system until `stopping`, then lets what is in the air end.
pub(super) async fn run(desk: Arc<Desk>) {
    let mut deliveries = JoinSet::new();
    let stopping = desk.hub.stopping.clone();
    adopt(&desk).await;
    while !stopping.is_cancelled() {
        let served = tokio::select! {
            biased;
            () = stopping.cancelled() => break,
            served = next(&desk) => served,
        };
        while deliveries.try_join_next().is_some() {}
        let (key, permits) = served;
        let hand = InHand::new(Arc::clone(&desk), key);
        deliveries.spawn(async move {
            let rest = send::serve(&hand.desk, key).await;
            drop(permits);
            hand.rest(rest);
        });
    }
    while deliveries.join_next().await.is_some() {}
}

type Permits = (OwnedSemaphorePermit, OwnedSemaphorePermit);

/// Waits for permits and a lane.
///
/// # Cancel safety
///
/// No lane is lost: it is taken at the very end, without waiting.
async fn next(desk: &Arc<Desk>) -> (OrderKey, Permits) {
    loop {
        let Ok(own) = Arc::clone(&desk.permits).acquire_owned().await else {
            std::future::pending().await
        };
        available(desk).await;
        let Ok(global) = Arc::clone(&desk.hub.global).acquire_owned().await else {
            std::future::pending().await
        };
        if let Some(key) = take(desk) {
            return (key, (own, global));
        }
    }
}

fn take(desk: &Desk) -> Option<OrderKey> {
    desk.ring().take(Instant::now(), |wait| is_ready(desk, wait))
}

fn is_ready(desk: &Desk, wait: &Wait) -> bool {
    match wait {
        Wait::Gate(operation) => desk.guards.would_pass(operation).is_ok(),
        Wait::Limit(limit, _) => desk.guards.limits.pause_left(limit).is_none(),
        Wait::Trouble(_) => true,
    }
}

/// Waits until the system may be called and a lane may be had.
async fn available(desk: &Desk) {
    loop {
        let blocked = blocked(desk);
        if blocked.is_none() {
            look(desk).await;
            if has_some(desk) {
                return;
            }
        }
        let wait = blocked.unwrap_or_else(|| idle_for(desk));
        tokio::select! {
            () = desk.wake.notified() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// How long nothing may be sent to the system at all.
fn blocked(desk: &Desk) -> Option<Duration> {
    let bundle = desk.hub.bundle();
    let mode = bundle.system(&desk.name).map(|system| system.mode);
    if desk.seen().paused.is_some() || matches!(mode, None | Some(Mode::Paused)) {
        return Some(LOOK);
    }
    if let Err(wait) = desk.guards.credential.would_admit(Instant::now()) {
        return Some(wait);
    }
    desk.guards.limits.pause_left(DEFAULT_LIMIT)
}

fn has_some(desk: &Desk) -> bool {
    let now = Instant::now();
    let ring = desk.ring();
    !ring.is_idle() || ring.any_ready(now, |wait| is_ready(desk, wait))
}

fn idle_for(desk: &Desk) -> Duration {
    let (ready, parked) = {
        let ring = desk.ring();
        (ring.next_ready(), ring.parked() > 0)
    };
    let now = Instant::now();
    let scan = desk.seen().scan_at.map(|at| at.saturating_duration_since(now));
    let ready = ready.map(|at| at.saturating_duration_since(now).max(Duration::from_millis(1)));
    // A gate says nothing when it opens by time: it is asked again.
    let gates = parked.then_some(Duration::from_millis(250));
    let waits = [scan, ready, gates].into_iter().flatten();
    waits.min().unwrap_or(LOOK).min(LOOK)
}

/// Asks the store for due lanes, when it is time to.
async fn look(desk: &Desk) {
    let now = Instant::now();
    let due = {
        let seen = desk.seen();
        seen.scan_at.is_none_or(|at| at <= now) || seen.more && desk.ring().is_idle()
    };
    let (room, known, full) = {
        let ring = desk.ring();
        (ring.room(), ring.len(), ring.parked() >= Ring::PARKED)
    };
    if !due || room == 0 || full && desk.seen().more {
        return;
    }
    let limit = BATCH.min(room) + known;
    let (store, clock) = (&desk.hub.store, desk.hub.clock);
    let found = store.due(&desk.name, clock.now(), limit).await;
    let next = store.next_due(&desk.name, clock.now()).await;
    let (found, next) = match (found, next) {
        (Ok(found), Ok(next)) => (found, next),
        (Err(error), _) | (_, Err(error)) => {
            tracing::warn!(%error, system = %desk.name, "due lanes cannot be read");
            desk.seen().scan_at = Some(Instant::now() + BREATH);
            return;
        }
    };
    let count = found.len();
    let new = desk.ring().add_due(found);
    let wait = next.map_or(LOOK, |next| {
        Duration::try_from(next.duration_since(clock.now())).unwrap_or_default()
    });
    let mut seen = desk.seen();
    seen.more = count >= limit;
    let breath = if new > 0 && seen.more { Duration::ZERO } else { BREATH };
    seen.scan_at = Some(Instant::now() + wait.clamp(breath, LOOK));
}

/// Flights of an earlier process: nobody else will settle them before their deadline.
async fn adopt(desk: &Desk) {
    let within = jiff::SignedDuration::try_from(ORPHANS_WITHIN).unwrap_or_default();
    let horizon = desk.hub.clock.now().saturating_add(within);
    let Ok(horizon) = horizon else { return };
    match desk.hub.store.due(&desk.name, horizon, MOST_ORPHANS).await {
        Ok(found) => {
            desk.ring().add_due(found);
        }
        Err(error) => {
            tracing::warn!(%error, system = %desk.name, "flights of the last run cannot be read");
        }
    }
}

/// A lane that is being served. However that ends, the lane comes to rest.
struct InHand {
    desk: Arc<Desk>,
    key: OrderKey,
    rested: bool,
}

impl InHand {
    fn new(desk: Arc<Desk>, key: OrderKey) -> Self {
        desk.seen().in_flight += 1;
        Self { desk, key, rested: false }
    }

    fn rest(mut self, rest: Result<Rest, StoreError>) {
        self.rested = true;
        let (desk, key) = (&self.desk, self.key);
        let offer = match rest {
            Ok(Rest::Done) => desk.ring().done(key),
            Ok(Rest::Park(wait, until)) => desk.ring().park(key, wait, until),
            Ok(Rest::Back) => {
                desk.ring().put_back(key);
                Offer::Taken
            }
            Err(error) => {
                let order = key.shown();
                tracing::warn!(%error, system = %desk.name, %order, "a lane was not served");
                let until = Some(Instant::now() + BREATH);
                desk.ring().park(key, Wait::Trouble("store"), until)
            }
        };
        if desk.ring().is_idle() {
            // A burst may have left lanes in the store that nobody has told us of.
            let (soon, mut seen) = (Instant::now() + BREATH, desk.seen());
            seen.scan_at = Some(seen.scan_at.map_or(soon, |at| at.min(soon)));
        }
        desk.heed(offer, key);
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        self.desk.seen().in_flight -= 1;
        if !self.rested && !self.desk.hub.stopping.is_cancelled() {
            let order = self.key.shown();
            tracing::error!(system = %self.desk.name, %order, "serving a lane panicked");
            let until = Some(Instant::now() + AFTER_PANIC);
            let offer = self.desk.ring().park(self.key, Wait::Trouble("panic"), until);
            self.desk.heed(offer, self.key);
        }
    }
}
