//! The dispatcher of one system: its stack, its ring, its permits, and what it looks like from outside.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use metrics::{counter, gauge, histogram};
use orderhub_connectors::contract::{Connector, Operation, Request};
use orderhub_lang::value::Value;
use orderhub_order::fold::ReceiptClass;
use orderhub_order::ids::{OrderKey, SystemName};
use orderhub_order::lane::Flight;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::ease::Easing;
use super::ring::{Offer, Ring};
use super::session::Sessions;
use super::settle::Settlement;
use super::status::LastError;
use super::{Account, Bounds, Secret};
use crate::apply::Apply;
use crate::bundle::Bundle;
use crate::clock::Clock;
use crate::config;
use crate::events::Publisher;
use crate::resilience::gate::{GateState, PolicyError};
use crate::resilience::limit::Rate;
use crate::resilience::proofs::Own;
use crate::resilience::share::Share;
use crate::resilience::stale::Cache;
use crate::resilience::{self, Failure, Guards, Jitter, Pass, Stack};
use crate::store::{Backlog, Store};
use crate::tap::Tap;
use crate::transport::Transport;

/// Lanes served at once, for each call that may be in the air.
const IN_HAND: usize = 4;

/// What all dispatchers share.
#[derive(Debug)]
pub(super) struct Common {
    pub(super) store: Arc<dyn Store>,
    pub(super) apply: Apply,
    pub(super) bundle: watch::Receiver<Arc<Bundle>>,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) clock: Clock,
    pub(super) jitter: Jitter,
    pub(super) bounds: Bounds,
    /// Calls at once, over all systems.
    pub(super) global: Arc<Semaphore>,
    /// Nothing new is taken any more.
    pub(super) stopping: CancellationToken,
    /// Where people look at what passes.
    pub(super) tap: Tap,
    /// Whom breakers tell that they moved.
    pub(super) events: Option<Publisher>,
    /// What was put off at some system may be due.
    pub(super) eased: Notify,
}

impl Common {
    pub(super) fn bundle(&self) -> Arc<Bundle> {
        Arc::clone(&self.bundle.borrow())
    }
}

/// One system.
pub(super) struct Dispatcher {
    pub(super) name: SystemName,
    pub(super) common: Arc<Common>,
    pub(super) guards: Arc<Guards>,
    /// Limits of the settings.
    lowered: BTreeMap<String, config::Limit>,
    pub(super) stack: Stack,
    pub(super) secret: Secret,
    /// What a login gave, where its credential is a session.
    pub(super) sessions: Sessions,
    /// Which value of rotating secrets the system took last.
    pub(super) turn: std::sync::atomic::AtomicUsize,
    pub(super) cache: Cache,
    pub(super) ring: Mutex<Ring>,
    /// Something may be takeable now.
    pub(super) wake: Notify,
    /// Calls at once to this system.
    pub(super) permits: Arc<Semaphore>,
    /// Lanes of it served at once: those whose receipt is on its way, too.
    pub(super) hands: Arc<Semaphore>,
    /// Arguments of operations that have none.
    pub(super) no_args: BTreeMap<String, Value>,
    pub(super) observed: Mutex<Observed>,
    /// What stood in the way of calls and does not any more: see [`super::ease`].
    pub(super) easing: Easing,
}

/// What was seen of a system.
#[derive(Clone, Debug, Default)]
pub(super) struct Observed {
    /// A person paused it, with a reason.
    pub(super) paused: Option<String>,
    /// Deliveries under way.
    pub(super) in_flight: usize,
    /// The store may hold due lanes that were not looked at yet.
    pub(super) more: bool,
    /// Look into the store no later than this.
    pub(super) scan_at: Option<Instant>,
    pub(super) last_success: Option<Timestamp>,
    pub(super) last_error: Option<LastError>,
    pub(super) backlog: Option<Backlog>,
    /// Breakers as they were seen last, by operation, and since when they are not closed; one that was not seen was
    /// closed.
    pub(super) breakers: BTreeMap<String, (GateState, Option<Timestamp>)>,
}

impl std::fmt::Debug for Dispatcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dispatcher").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Dispatcher {
    /// The dispatcher of a configured system; its limits are the declared ones, lowered by the settings.
    ///
    /// # Errors
    ///
    /// [`PolicyError`] of the account.
    pub(super) fn open(
        common: &Arc<Common>,
        name: &SystemName,
        account: Account,
        share: Option<Arc<dyn Share>>,
    ) -> Result<Self, PolicyError> {
        let limits = rates(&common.bundle(), name, &account.limits);
        let most = most(&account.limits);
        let policy = resilience::Policy { limits, most, ..account.policy };
        let lowered = account.limits;
        let guards = Guards::shared(&policy, common.jitter.clone(), share)?;
        guards.proofs.renew(proofs(&common.bundle(), name));
        Ok(Self {
            name: name.clone(),
            common: Arc::clone(common),
            stack: resilience::stack(Arc::clone(&guards)),
            guards,
            lowered,
            secret: account.secret,
            sessions: Sessions::default(),
            turn: std::sync::atomic::AtomicUsize::new(0),
            cache: Cache::new(name.as_str(), common.clock),
            ring: std::sync::Mutex::default(),
            wake: tokio::sync::Notify::new(),
            permits: Arc::new(Semaphore::new(common.bounds.per_system)),
            hands: Arc::new(Semaphore::new(common.bounds.per_system * IN_HAND)),
            no_args: BTreeMap::new(),
            observed: std::sync::Mutex::default(),
            easing: Easing::default(),
        })
    }

    /// Other files are in use.
    pub(super) fn renew(&self) {
        self.guards.limits.renew(&rates(&self.common.bundle(), &self.name, &self.lowered));
        self.guards.proofs.renew(proofs(&self.common.bundle(), &self.name));
        let waiting = self.ring().hurry();
        if waiting {
            // Their turns were those of the old limits.
            self.ease();
        }
        if self.fails() {
            // What waited for a gate may be something that does not by these files.
            let parked = self.ring().at_gates();
            parked.into_iter().for_each(|key| self.offer(key));
        }
        self.wake.notify_one();
    }

    pub(super) fn ring(&self) -> std::sync::MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn observed(&self) -> std::sync::MutexGuard<'_, Observed> {
        self.observed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A commit reserved a lane; what has no room goes back to the store.
    pub(super) fn offer(&self, key: OrderKey) {
        let fails = self.fails();
        let offer = {
            let mut ring = self.ring();
            if fails && ring.unpark(key) {
                self.common.store.parked(&self.name, ring.parked());
            }
            ring.offer(key)
        };
        self.heed(offer, key);
    }

    /// Lanes are due in the store that no ring had room for.
    pub(super) fn left(&self) {
        self.observed().more = true;
        self.wake.notify_one();
    }

    /// Gives a lane without room back to the store, where the scan finds it.
    pub(super) fn heed(&self, offer: Offer, key: OrderKey) {
        let lane = || [(self.name.clone(), key)];
        match offer {
            Offer::Full => self.common.store.release(&lane()),
            // The row may still say that this process has it.
            Offer::Rested => self.common.store.rest(&lane()),
            Offer::Taken => {}
        }
        self.observed().more |= offer == Offer::Full;
        self.wake.notify_one();
    }

    /// Leave for a first attempt; the time it took is a metric.
    pub(super) async fn pass(
        &self,
        operation: &str,
        request: &Request,
        reserve: Option<u32>,
    ) -> Result<Pass, Failure> {
        let start = Instant::now();
        let (limit, key) = (&request.limit, request.limit_key.as_deref());
        let pass = self.guards.pass(operation, limit, key, reserve).await;
        let waited = start.elapsed();
        if !waited.is_zero() {
            let wait = histogram!("orderhub_limit_wait_seconds", "system" => self.label());
            wait.record(waited.as_secs_f64());
        }
        pass
    }

    /// A call was not made for which leave was there.
    pub(super) fn unspent(&self, request: Option<&Request>, pass: Option<&Pass>) {
        if let (Some(request), Some(pass)) = (request, pass) {
            self.guards.unspent(&request.limit, pass);
        }
    }

    /// The calls that a request sets aside before it leaves, where its limit asks for that.
    pub(super) fn reserve(
        &self,
        connector: &dyn Connector,
        operation: &str,
        request: &Request,
    ) -> Option<u32> {
        let first = connector.reserve(&request.limit)?;
        Some(self.guards.limits.may_cost(operation, &request.step).unwrap_or(first))
    }

    /// A lane has its token: the next that waits for one like it may ask.
    pub(super) fn asked(&self, key: OrderKey) {
        self.ring().asked(key);
        self.wake.notify_one();
    }

    /// An attempt ended.
    pub(super) fn settled(&self, flight: &Flight, verdict: &Settlement, took: Duration) {
        let result = result(verdict.class);
        self.count(&flight.operation, result);
        let seconds = histogram!("orderhub_delivery_seconds",
            "system" => self.label(), "operation" => flight.operation.to_string());
        seconds.record(took.as_secs_f64());
        self.show_gates();
        let now = self.common.clock.now();
        let mut observed = self.observed();
        if result == "delivered" {
            observed.last_success = Some(now);
            return;
        }
        observed.last_error = Some(LastError {
            at: now,
            operation: flight.operation.to_string(),
            class: verdict.shown.to_owned(),
            why: verdict.why.clone(),
        });
        if let Some(due) = verdict.next_due {
            let wait = Duration::try_from(due.duration_since(now)).unwrap_or_default();
            let at = Instant::now() + wait;
            observed.scan_at = Some(observed.scan_at.map_or(at, |scan| scan.min(at)));
        }
        drop(observed);
        self.wake.notify_one();
    }

    /// A delivery was given up before anything was sent.
    pub(super) fn given_up(&self, operation: &str) {
        self.count(operation, "dead");
    }

    /// A delivery waits for a permit.
    pub(super) fn limited(&self, operation: &str) {
        self.count(operation, "limited");
    }

    /// A delivery was computed, not sent.
    pub(super) fn shadowed(&self, operation: &str) {
        self.count(operation, "shadowed");
    }

    fn count(&self, operation: &str, result: &'static str) {
        let total = counter!("orderhub_delivery_total", "system" => self.label(),
            "operation" => operation.to_owned(), "result" => result);
        total.increment(1);
    }

    /// The gates as metrics.
    pub(super) fn show_gates(&self) {
        for (operation, state, forced) in self.guards.gates() {
            let breaker = gauge!("orderhub_breaker_state",
                "system" => self.label(), "operation" => operation.clone());
            breaker.set(state.gauge());
            self.moved(operation, state, forced);
        }
    }

    pub(super) fn label(&self) -> String {
        self.name.to_string()
    }
}

/// The word of a delivery's result.
fn result(class: ReceiptClass) -> &'static str {
    match class {
        ReceiptClass::Ok | ReceiptClass::Already => "delivered",
        ReceiptClass::NotActed | ReceiptClass::MayHaveActed => "retry",
        ReceiptClass::Throttled | ReceiptClass::NotAllowed => "limited",
        ReceiptClass::InDoubt => "in_doubt",
        ReceiptClass::SaidNo | ReceiptClass::Dead => "dead",
        ReceiptClass::Shadowed => "shadowed",
    }
}

/// What the settings allow of limits, whatever answers tell.
fn most(lowered: &BTreeMap<String, config::Limit>) -> BTreeMap<String, Rate> {
    let most = lowered.iter().filter_map(|(limit, lower)| {
        let rate = (lower.rate.calls.get(), lower.rate.per);
        Some((limit.clone(), resilience::learned::most(rate, lower.burst)?))
    });
    most.collect()
}

/// Operations that are made with a proof of their own.
fn proofs(bundle: &Bundle, system: &SystemName) -> Own {
    let connector = bundle.connector(system);
    let operations = connector.iter().flat_map(|connector| connector.operations());
    let own = |operation: &Operation| Some((operation.name.clone(), operation.proof.clone()?));
    operations.filter_map(own).collect()
}

/// The declared limits, lowered by the settings.
fn rates(
    bundle: &Bundle,
    system: &SystemName,
    lowered: &BTreeMap<String, config::Limit>,
) -> BTreeMap<String, Rate> {
    let declared = bundle.connector(system);
    let declared = declared.iter().flat_map(|connector| connector.limits());
    let declared = declared.filter_map(|limit| {
        let burst = std::num::NonZeroU32::new(limit.burst)?;
        Some((limit.name.clone(), Rate::new(limit.calls, limit.per, burst)?))
    });
    let mut limits: BTreeMap<String, Rate> = declared.collect();
    for (limit, lower) in lowered {
        let one = std::num::NonZeroU32::MIN;
        let given = limits.get(limit).copied();
        let burst = lower.burst.or(given.map(|given| given.burst)).unwrap_or(one);
        let rate = Rate::new(lower.rate.calls.get(), lower.rate.per, burst);
        let Some(rate) = rate else { continue };
        limits.insert(limit.clone(), given.map_or(rate, |given| given.lowered(rate)));
    }
    limits
}
