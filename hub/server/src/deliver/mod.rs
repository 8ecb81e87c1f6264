//! Life of a delivery: reserved or due ► permit ► claim ► map out ► freeze ► leave ► **fly** (committed)
//! ► call, step by step ► **receipt** (committed) ► settled.
//!
//! **Invariant:** no call to a target without a stored flight; its inputs and idempotency key stay the
//! same across retries and restarts. Tests:
//! `a_flight_of_a_process_that_died_is_looked_for_and_made_once`,
//! `a_retry_sends_the_same_bytes_under_the_same_key`.
//! **Invariant:** after *may have acted* on a step that is not repeatable, the target is asked before it
//! is told again; if nobody can answer, a person is shown it. Tests:
//! `an_answer_lost_after_the_effect_is_looked_for_and_nothing_is_made_twice`,
//! `a_hang_after_the_effect_of_a_write_that_cannot_be_repeated_is_shown_to_a_person`.
//!
//! One task a system ([`lanes`]) takes a permit before a lane; a dead system holds up nobody else. What
//! has no room in memory ([`ring`]) is found again in the store.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use metrics::gauge;
use orderhub_order::ids::{OrderKey, SystemName};
use orderhub_order::rules::Mode;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::apply::Apply;
use crate::bundle::Bundle;
use crate::clock::Clock;
use crate::resilience::gate::{Force, PolicyError};
use crate::resilience::limit::Rate;
use crate::resilience::retry::Redelivery;
use crate::resilience::stale::{Answered, Cache};
use crate::resilience::{self, Guards, Jitter};
use crate::store::{PauseRow, Store};
use crate::transport::Transport;

mod bind;
mod claim;
mod desk;
mod freeze;
mod lanes;
mod mask;
mod outgoing;
mod read;
mod receipt;
mod ring;
mod send;
mod settle;
pub mod status;
mod steps;

use desk::{Desk, Hub};
pub use read::ReadError;
use status::{BreakerStatus, LimitStatus, SystemStatus};

/// What the deliverer works with.
#[derive(Debug)]
pub struct Parts {
    /// Where lanes live.
    pub store: Arc<dyn Store>,
    /// Where flights and receipts are committed.
    pub apply: Apply,
    /// The active bundle.
    pub bundle: watch::Receiver<Arc<Bundle>>,
    /// What sends.
    pub transport: Arc<dyn Transport>,
    /// The time.
    pub clock: Clock,
    /// Randomness of waits.
    pub jitter: Jitter,
    /// Lanes that commits reserved, from the batch loop.
    pub reserved: mpsc::Receiver<(SystemName, OrderKey)>,
    /// The configured systems.
    pub accounts: BTreeMap<SystemName, Account>,
    /// How much at once.
    pub bounds: Bounds,
    /// What people hold shut, from the store.
    pub pauses: Vec<PauseRow>,
}

/// Reads the current values of a secret of one system by name, newest first.
pub type Secret = Arc<dyn Fn(&str) -> Vec<String> + Send + Sync>;

/// What settings say of a system, besides what its bundle holds.
#[derive(Clone)]
pub struct Account {
    /// Its secrets.
    pub secret: Secret,
    /// Breaker, short retries, waits.
    pub policy: resilience::Policy,
    /// Limits that lower the declared ones.
    pub limits: BTreeMap<String, crate::config::Limit>,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account").field("policy", &self.policy).finish_non_exhaustive()
    }
}

/// How much at once, and how long.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Deliveries at once, over all systems.
    pub global: usize,
    /// Deliveries at once to one system.
    pub per_system: usize,
    /// The long retries.
    pub redelivery: Redelivery,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { global: 128, per_system: 32, redelivery: Redelivery::default() }
    }
}

/// Backlog and gates are counted for metrics so often.
const COUNT_EVERY: Duration = Duration::from_secs(1);

/// The running deliverer. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Deliverer {
    desks: Arc<BTreeMap<SystemName, Arc<Desk>>>,
    hub: Arc<Hub>,
    tasks: Arc<tokio::sync::Mutex<JoinSet<()>>>,
}

impl Deliverer {
    /// Starts one task a system.
    ///
    /// # Errors
    ///
    /// [`PolicyError`] of an account.
    pub fn start(parts: Parts) -> Result<Self, PolicyError> {
        let hub = Arc::new(Hub {
            store: parts.store,
            apply: parts.apply,
            bundle: parts.bundle,
            transport: parts.transport,
            clock: parts.clock,
            jitter: parts.jitter,
            bounds: parts.bounds,
            global: Arc::new(Semaphore::new(parts.bounds.global)),
            started: parts.clock.now(),
            stopping: CancellationToken::new(),
        });
        let mut desks = BTreeMap::new();
        for (name, account) in parts.accounts {
            let desk = open(&hub, &name, account)?;
            desks.insert(name, Arc::new(desk));
        }
        hold(&desks, parts.pauses);
        let desks = Arc::new(desks);
        let mut tasks = JoinSet::new();
        for desk in desks.values() {
            tasks.spawn(lanes::run(Arc::clone(desk)));
        }
        tasks.spawn(hand_out(parts.reserved, Arc::clone(&desks), Arc::clone(&hub)));
        tasks.spawn(count(Arc::clone(&desks), Arc::clone(&hub)));
        Ok(Self { desks, hub, tasks: Arc::new(tokio::sync::Mutex::new(tasks)) })
    }

    /// Takes nothing more, and waits for what is in the air, but no longer than `within`. What is left
    /// then is found again by its stored flight.
    pub async fn stop(&self, within: Duration) {
        self.hub.stopping.cancel();
        let mut tasks = self.tasks.lock().await;
        let ended =
            tokio::time::timeout(within, async { while tasks.join_next().await.is_some() {} });
        if ended.await.is_err() {
            tracing::warn!("calls were still in the air when the time to stop was up");
            tasks.shutdown().await;
        }
    }

    /// Ends at once, as a crash would.
    #[cfg(test)]
    async fn kill(&self) {
        self.hub.stopping.cancel();
        self.tasks.lock().await.shutdown().await;
    }

    /// Answers a cached read of a system.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub async fn read(
        &self,
        system: &SystemName,
        name: &str,
        args: &BTreeMap<String, String>,
    ) -> Result<Answered, ReadError> {
        let no_system = || ReadError::NoSystem(system.to_string());
        read::read(self.desks.get(system).ok_or_else(no_system)?, name, args).await
    }

    /// Takes nothing from the lanes of a system, for this reason. `false`: no such system.
    pub fn pause(&self, system: &SystemName, reason: &str) -> bool {
        self.pausing(system, Some(reason.to_owned()))
    }

    /// Goes on, and tries the credential at once. `false`: no such system.
    pub fn resume(&self, system: &SystemName) -> bool {
        if let Some(desk) = self.desks.get(system) {
            desk.guards.credential.accept();
        }
        self.pausing(system, None)
    }

    fn pausing(&self, system: &SystemName, reason: Option<String>) -> bool {
        let Some(desk) = self.desks.get(system) else { return false };
        desk.seen().paused = reason;
        desk.wake.notify_one();
        true
    }

    /// Holds a breaker open or closed, or gives it back to itself. `false`: no such system.
    pub fn force(&self, system: &SystemName, operation: &str, force: Option<Force>) -> bool {
        let Some(desk) = self.desks.get(system) else { return false };
        desk.guards.force(operation, force);
        desk.show_gates();
        desk.wake.notify_one();
        true
    }

    /// All systems as they are now, by name.
    pub fn status(&self) -> Vec<SystemStatus> {
        self.desks.values().filter_map(|desk| show(desk)).collect()
    }
}

/// What was paused stays paused when the process is another.
fn hold(desks: &BTreeMap<SystemName, Arc<Desk>>, pauses: Vec<PauseRow>) {
    for pause in pauses {
        let Some(desk) = desks.get(&pause.system) else { continue };
        match &pause.operation {
            None => desk.seen().paused = Some(pause.reason),
            Some(operation) => desk.guards.force(operation, Some(Force::Open)),
        }
    }
}

fn open(hub: &Arc<Hub>, name: &SystemName, account: Account) -> Result<Desk, PolicyError> {
    let bundle = hub.bundle();
    let declared = bundle.connector(name);
    let declared = declared.iter().flat_map(|connector| connector.limits());
    let declared = declared.filter_map(|limit| {
        let burst = std::num::NonZeroU32::new(limit.burst)?;
        Some((limit.name.clone(), Rate::new(limit.calls, limit.per, burst)?))
    });
    let mut limits: BTreeMap<String, Rate> = declared.collect();
    for (limit, lower) in &account.limits {
        let one = std::num::NonZeroU32::MIN;
        let given = limits.get(limit).copied();
        let burst = lower.burst.or(given.map(|given| given.burst)).unwrap_or(one);
        let rate = Rate::new(lower.rate.calls.get(), lower.rate.per, burst);
        let Some(rate) = rate else { continue };
        limits.insert(limit.clone(), given.map_or(rate, |given| given.lowered(rate)));
    }
    let policy = resilience::Policy { limits, ..account.policy };
    let guards = Guards::new(&policy, hub.jitter.clone())?;
    Ok(Desk {
        name: name.clone(),
        hub: Arc::clone(hub),
        stack: resilience::stack(Arc::clone(&guards)),
        guards,
        secret: account.secret,
        cache: Cache::new(name.as_str(), hub.clock),
        ring: std::sync::Mutex::default(),
        wake: tokio::sync::Notify::new(),
        permits: Arc::new(Semaphore::new(hub.bounds.per_system)),
        no_args: BTreeMap::new(),
        seen: std::sync::Mutex::default(),
    })
}

/// Hands reserved lanes to their systems.
async fn hand_out(
    mut reserved: mpsc::Receiver<(SystemName, OrderKey)>,
    desks: Arc<BTreeMap<SystemName, Arc<Desk>>>,
    hub: Arc<Hub>,
) {
    loop {
        let lane = tokio::select! {
            () = hub.stopping.cancelled() => return,
            lane = reserved.recv() => lane,
        };
        let Some((system, key)) = lane else { return };
        match desks.get(&system) {
            Some(desk) => desk.offer(key),
            // No such system in the settings any more: its lanes wait in the store.
            None => hub.store.release(&[(system, key)]),
        }
    }
}

/// Counts the backlog for metrics and status.
async fn count(desks: Arc<BTreeMap<SystemName, Arc<Desk>>>, hub: Arc<Hub>) {
    while !hub.stopping.is_cancelled() {
        let now = hub.clock.now();
        if let Ok(backlog) = hub.store.backlog(now).await {
            for desk in desks.values() {
                let own = backlog.iter().find(|row| row.system == desk.name).cloned();
                let pending = own.as_ref().map_or(0, |row| row.pending);
                let age = own
                    .as_ref()
                    .and_then(|row| row.oldest)
                    .map_or(0.0, |oldest| now.duration_since(oldest).as_secs_f64().max(0.0));
                #[expect(clippy::cast_precision_loss, reason = "a gauge")]
                gauge!("orderhub_delivery_pending", "system" => desk.label()).set(pending as f64);
                gauge!("orderhub_delivery_oldest_seconds", "system" => desk.label()).set(age);
                desk.seen().backlog = own;
                desk.show_gates();
            }
        }
        tokio::select! {
            () = hub.stopping.cancelled() => return,
            () = hub.clock.sleep(COUNT_EVERY) => {}
        }
    }
}

fn show(desk: &Desk) -> Option<SystemStatus> {
    let bundle = desk.hub.bundle();
    let system = bundle.system(&desk.name)?;
    let seen = desk.seen().clone();
    let breaker = |(operation, state, forced)| BreakerStatus { operation, state, forced };
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let limit = |(name, rate, pause): (String, Option<Rate>, Option<Duration>)| LimitStatus {
        name,
        every_ms: rate.map(|rate| millis(rate.every)),
        burst: rate.map(|rate| rate.burst.get()),
        paused_ms: pause.map(millis),
    };
    Some(SystemStatus {
        system: desk.label(),
        integration: system.integration.to_string(),
        role: system.role.as_str(),
        mode: match system.mode {
            Mode::Live => "live",
            Mode::Shadow => "shadow",
            Mode::Paused => "paused",
        },
        paused: seen.paused,
        breakers: desk.guards.gates().into_iter().map(breaker).collect(),
        limits: desk.guards.limits.shown().into_iter().map(limit).collect(),
        credential: if desk.guards.credential.is_refused() { "refused" } else { "ok" },
        in_flight: seen.in_flight,
        backlog: seen.backlog.as_ref().map_or(0, |row| row.pending),
        oldest: seen.backlog.and_then(|row| row.oldest),
        last_success: seen.last_success,
        last_error: seen.last_error,
    })
}

#[cfg(test)]
mod tests;
