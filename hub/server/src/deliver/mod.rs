//! Life of a delivery: reserved or due ► permit ► claim ► map out ► freeze ► leave ► **fly** (committed)
//! ► call, step by step ► **receipt** (committed) ► settled.
//!
//! **Invariant:** no call to a target without a stored flight; its inputs and idempotency key stay the
//! same across retries and restarts. Tests:
//! `a_flight_of_a_process_that_died_is_looked_for_and_made_once`,
//! `a_retry_goes_under_the_same_key_and_nothing_supersedes_it`, `what_is_frozen_comes_back_to_the_byte`.
//! **Invariant:** after *may have acted* on a step that is not repeatable, the target is asked before it
//! is told again; if nobody can answer, a person is shown it. Tests:
//! `an_answer_lost_after_the_effect_is_looked_for_and_nothing_is_made_twice`,
//! `a_hang_after_the_effect_of_a_write_that_cannot_be_repeated_is_shown_to_a_person`.
//!
//! What does not wait for a system that is down: `down`.
//!
//! One task a system ([`lanes`]) takes a permit before a lane; a dead system holds up nobody else. What
//! has no room in memory ([`ring`]) is found again in the store.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use orderhub_order::ids::SystemName;
use orderhub_order::lane::LaneCode;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::apply::{Apply, Handed};
use crate::bundle::Bundle;
use crate::clock::Clock;
use crate::config::{self, Config, Secrets};
use crate::events::{self, Publisher};
use crate::resilience::gate::{Force, PolicyError};
use crate::resilience::retry::Redelivery;
use crate::resilience::share::Share;
use crate::resilience::stale::{Answered, Fresh, Stale};
use crate::resilience::{self, Cause, Jitter};
use crate::store::{PauseRow, Store};
use crate::tap::Tap;
use crate::transport::Transport;

mod again;
mod ask;
mod attempt;
pub(crate) mod bench;
mod bind;
mod changed;
mod claim;
mod dispatcher;
mod down;
mod ease;
mod flying;
mod freeze;
mod lanes;
mod line;
mod mask;
mod outgoing;
pub mod prospect;
mod read;
mod receipt;
mod ring;
mod seen;
mod send;
mod session;
mod settle;
mod share;
pub mod status;
mod steps;
mod tasks;
mod traced;
mod unfit;

pub use ask::{Asked, Question, Worked};
use dispatcher::{Common, Dispatcher};
pub use read::ReadError;
use status::SystemStatus;
use tasks::Dispatchers;

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
    /// Lanes that commits made due, from the batch loop.
    pub handed: mpsc::Receiver<Handed>,
    /// The configured systems.
    pub accounts: BTreeMap<SystemName, Account>,
    /// How much at once.
    pub bounds: Bounds,
    /// What people hold shut, from the store.
    pub pauses: Vec<PauseRow>,
    /// Where people look at what passes.
    pub tap: Tap,
    /// Whom breakers tell that they moved.
    pub(crate) events: Option<Publisher>,
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

impl Account {
    /// The accounts of the configured systems. Secrets are read when they are asked for, so that they may
    /// change meanwhile.
    pub fn all(config: &Config, secrets: &Secrets) -> BTreeMap<SystemName, Self> {
        let account = |(name, system): (&SystemName, &config::System)| {
            let (secrets, refs) = (secrets.clone(), system.secrets.clone());
            let secret = move |name: &str| {
                secrets.values(refs.get(name).map(|refs| refs.0.as_slice()).unwrap_or_default())
            };
            let (policy, limits) = (resilience::Policy::default(), system.limits.clone());
            (name.clone(), Self { secret: Arc::new(secret), policy, limits })
        };
        let exchange = config.bus.as_ref().and_then(events::system).map(|(system, _)| {
            let (policy, limits) = (resilience::Policy::default(), BTreeMap::new());
            (system.name, Self { secret: Arc::new(|_| Vec::new()), policy, limits })
        });
        config.systems.iter().map(account).chain(exchange).collect()
    }
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account").field("policy", &self.policy).finish_non_exhaustive()
    }
}

/// How much at once, and how long.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Calls at once, over all systems.
    pub global: usize,
    /// Calls at once to one system.
    pub per_system: usize,
    /// The long retries.
    pub redelivery: Redelivery,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { global: 128, per_system: 32, redelivery: Redelivery::default() }
    }
}

/// The running deliverer. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Deliverer {
    dispatchers: Dispatchers,
    common: Arc<Common>,
    tasks: Arc<tokio::sync::Mutex<JoinSet<()>>>,
}

impl Deliverer {
    /// Starts one task a system.
    ///
    /// # Errors
    ///
    /// [`PolicyError`] of an account.
    pub fn start(parts: Parts) -> Result<Self, PolicyError> {
        let (news, told) = share::telling(&parts.store).unzip();
        let store = Arc::clone(&parts.store);
        let share = |name: &SystemName| {
            let at_store = share::AtStore::new(Arc::clone(&store), name.clone(), news.clone()?);
            Some(at_store as Arc<dyn Share>)
        };
        Self::sharing(parts, told, share)
    }

    /// What each system has in common with other processes is asked by `share`.
    fn sharing(
        parts: Parts,
        told: Option<share::Told>,
        share: impl Fn(&SystemName) -> Option<Arc<dyn Share>>,
    ) -> Result<Self, PolicyError> {
        let common = Arc::new(Common {
            store: parts.store,
            apply: parts.apply,
            bundle: parts.bundle,
            transport: parts.transport,
            clock: parts.clock,
            jitter: parts.jitter,
            bounds: parts.bounds,
            global: Arc::new(Semaphore::new(parts.bounds.global)),
            stopping: CancellationToken::new(),
            tap: parts.tap,
            events: parts.events,
            eased: tokio::sync::Notify::new(),
        });
        let mut dispatchers = BTreeMap::new();
        for (name, account) in parts.accounts {
            let dispatcher = Dispatcher::open(&common, &name, account, share(&name))?;
            dispatchers.insert(name, Arc::new(dispatcher));
        }
        // What was paused stays paused when the process is another.
        for pause in parts.pauses {
            let Some(dispatcher) = dispatchers.get(&pause.system) else { continue };
            match &pause.operation {
                None => dispatcher.observed().paused = Some(pause.reason),
                Some(operation) => dispatcher.guards.force(operation, Some(Force::Open)),
            }
        }
        let dispatchers = Arc::new(dispatchers);
        let mut tasks = JoinSet::new();
        for dispatcher in dispatchers.values() {
            tasks.spawn(lanes::run(Arc::clone(dispatcher)));
        }
        tasks.spawn(tasks::hand_out(parts.handed, Arc::clone(&dispatchers), Arc::clone(&common)));
        tasks.spawn(tasks::count(Arc::clone(&dispatchers), Arc::clone(&common)));
        tasks.spawn(tasks::renew(Arc::clone(&dispatchers), Arc::clone(&common)));
        tasks.spawn(seen::keep(Arc::clone(&dispatchers), Arc::clone(&common)));
        tasks.spawn(ease::run(Arc::clone(&dispatchers), Arc::clone(&common)));
        if let (Some(told), Some(shared)) = (told, common.store.shared()) {
            tasks.spawn(share::tell(told, Arc::clone(&common)));
            let stop = common.stopping.clone();
            tasks.spawn(share::heed(shared, Arc::clone(&dispatchers), stop));
        }
        Ok(Self { dispatchers, common, tasks: Arc::new(tokio::sync::Mutex::new(tasks)) })
    }

    /// Takes nothing more, and waits for what is in the air, but no longer than `within`. What is left
    /// then is found again by its stored flight.
    pub async fn stop(&self, within: Duration) {
        self.common.stopping.cancel();
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
        self.common.stopping.cancel();
        self.tasks.lock().await.shutdown().await;
    }

    /// Answers a cached read of a system. `Absent` is an answer, too.
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
        read::read(self.dispatchers.get(system).ok_or_else(no_system)?, name, args).await
    }

    /// The fresh answer to a cached read that is at hand: nobody is asked.
    pub fn at_hand(
        &self,
        system: &SystemName,
        name: &str,
        args: &BTreeMap<String, String>,
    ) -> Option<Fresh> {
        read::at_hand(self.dispatchers.get(system)?, name, args)
    }

    /// The last good answer to a cached read, where it may stand in for one that did not come in time.
    pub fn last_good(
        &self,
        system: &SystemName,
        name: &str,
        args: &BTreeMap<String, String>,
        why: &str,
    ) -> Option<Stale> {
        read::last_good(self.dispatchers.get(system)?, (name, args), why)
    }

    /// What stands in the way of calls of an operation now, besides what its lanes say; `None`: nothing is known.
    pub fn stands(&self, system: &SystemName, operation: &str) -> Option<LaneCode> {
        let dispatcher = self.dispatchers.get(system)?;
        if dispatcher.observed().paused.is_some() {
            return Some(LaneCode::Paused);
        }
        match dispatcher.guards.would_pass(operation).err()?.cause {
            Cause::Refused(_) => Some(LaneCode::NotAllowed),
            Cause::Limited(_) => Some(LaneCode::Limited),
            Cause::Shut(_) | Cause::Call(_) | Cause::CutOff => Some(LaneCode::BreakerOpen),
        }
    }

    /// Takes nothing from the lanes of a system, for this reason. `false`: no such system.
    pub fn pause(&self, system: &SystemName, reason: &str) -> bool {
        self.pausing(system, Some(reason.to_owned()))
    }

    /// Goes on, and tries the credentials at once: what was put off meanwhile is due. `false`: no such system.
    pub fn resume(&self, system: &SystemName) -> bool {
        if let Some(dispatcher) = self.dispatchers.get(system) {
            dispatcher.guards.all_accepted();
            dispatcher.ease();
        }
        self.pausing(system, None)
    }

    fn pausing(&self, system: &SystemName, reason: Option<String>) -> bool {
        let Some(dispatcher) = self.dispatchers.get(system) else { return false };
        dispatcher.observed().paused = reason;
        dispatcher.wake.notify_one();
        true
    }

    /// How often what was put off at a system was made due: who put something off itself asks again when it
    /// rises.
    pub fn eased(&self, system: &SystemName) -> u64 {
        self.dispatchers.get(system).map_or(0, |dispatcher| dispatcher.easing.times())
    }

    /// Holds a breaker open or closed, or gives it back to itself: what it put off is due then. `false`: no such system.
    pub fn force(&self, system: &SystemName, operation: &str, force: Option<Force>) -> bool {
        let Some(dispatcher) = self.dispatchers.get(system) else { return false };
        dispatcher.guards.force(operation, force);
        if force != Some(Force::Open) {
            dispatcher.ease();
        }
        dispatcher.show_gates();
        dispatcher.wake.notify_one();
        true
    }

    /// All systems as they are now, by name.
    pub fn status(&self) -> Vec<SystemStatus> {
        self.dispatchers.values().filter_map(|dispatcher| status::show(dispatcher)).collect()
    }
}

#[cfg(test)]
mod tests;
