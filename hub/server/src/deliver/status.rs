//! How a system looks from outside: what `GET /systems` and `orderhub system list` show.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use orderhub_connectors::contract::Connector;
use orderhub_order::rules::Mode;
use serde::Serialize;

use super::dispatcher::Dispatcher;
use crate::resilience::gate::{Force, GateState};
use crate::resilience::limit::Rate;
use crate::resilience::proofs::SHARED;
pub use crate::store::LastError;
use crate::store::SaidRow;

/// One system, now.
#[derive(Clone, Debug, Serialize)]
pub struct SystemStatus {
    /// Its name.
    pub system: String,
    /// The folder of its files.
    pub integration: String,
    /// What it is to the hub.
    pub role: &'static str,
    /// `live`, `shadow`, `paused`.
    pub mode: &'static str,
    /// Why a person paused it.
    pub paused: Option<String>,
    /// Breakers by operation, as far as it was called.
    pub breakers: Vec<BreakerStatus>,
    /// Limits in use.
    pub limits: Vec<LimitStatus>,
    /// `ok`, `refused`: of one of its proofs, at least.
    pub credential: &'static str,
    /// The operations for which it is refused, where others prove us otherwise; empty: all of them.
    pub refused_for: Vec<String>,
    /// Deliveries under way.
    pub in_flight: usize,
    /// Lanes that want something, about a second ago.
    pub backlog: u64,
    /// Since when the system lags behind the oldest of them, whatever was tried since.
    pub oldest: Option<Timestamp>,
    /// When it last took a delivery, or answered a question: a poll, a fetch, a look-up.
    pub last_success: Option<Timestamp>,
    /// The last of these that failed.
    pub last_error: Option<LastError>,
}

/// One breaker.
#[derive(Clone, Debug, Serialize)]
pub struct BreakerStatus {
    /// Of this operation.
    pub operation: String,
    /// Closed, Open, HalfOpen.
    pub state: GateState,
    /// A person holds it there.
    pub forced: Option<Force>,
    /// Since when it is not closed.
    pub since: Option<Timestamp>,
}

/// One limit.
#[derive(Clone, Debug, Serialize)]
pub struct LimitStatus {
    /// Its name.
    pub name: String,
    /// A call each so many milliseconds; none: only the system's own throttling.
    pub every_ms: Option<u64>,
    /// Calls at once after a quiet time.
    pub burst: Option<u32>,
    /// The system asked for so much more peace.
    pub paused_ms: Option<u64>,
}

impl SystemStatus {
    /// What it said to other processes, or to one before this, counts where it is later.
    pub fn heed(&mut self, said: SaidRow) {
        self.last_success = self.last_success.max(said.success);
        let own = self.last_error.as_ref().map(|error| error.at);
        if let Some(error) = said.error.filter(|error| Some(error.at) > own) {
            self.last_error = Some(error);
        }
    }
}

/// A system as it is now; `None`: the active bundle does not know it.
pub(super) fn show(dispatcher: &Dispatcher) -> Option<SystemStatus> {
    let bundle = dispatcher.common.bundle();
    let system = bundle.system(&dispatcher.name)?;
    // What a breaker is shown as has a beginning.
    dispatcher.show_gates();
    let observed = dispatcher.observed().clone();
    let breaker = |(operation, state, forced): (String, GateState, Option<Force>)| {
        let since = observed.breakers.get(&operation).and_then(|(_, since)| *since);
        BreakerStatus { operation, state, forced, since }
    };
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let limit = |(name, rate, pause): (String, Option<Rate>, Option<Duration>)| LimitStatus {
        name,
        every_ms: rate.map(|rate| millis(rate.every)),
        burst: rate.map(|rate| rate.burst.get()),
        paused_ms: pause.map(millis),
    };
    let breakers = dispatcher.guards.gates().into_iter().map(breaker).collect();
    let (refused, refused_for) = refused(dispatcher, &*system.connector);
    Some(SystemStatus {
        system: dispatcher.label(),
        integration: system.integration.to_string(),
        role: system.role.as_str(),
        mode: match system.mode {
            Mode::Live => "live",
            Mode::Shadow => "shadow",
            Mode::Paused => "paused",
        },
        paused: observed.paused,
        breakers,
        limits: dispatcher.guards.limits.shown().into_iter().map(limit).collect(),
        credential: if refused { "refused" } else { "ok" },
        refused_for,
        in_flight: observed.in_flight,
        backlog: observed.backlog.as_ref().map_or(0, |row| row.pending),
        oldest: observed.backlog.and_then(|row| row.oldest),
        last_success: observed.last_success,
        last_error: observed.last_error,
    })
}

/// Whether a credential is refused, and for which operations, unless it is for all.
fn refused(dispatcher: &Dispatcher, connector: &dyn Connector) -> (bool, Vec<String>) {
    let refused = dispatcher.guards.proofs.all().into_iter();
    let refused: BTreeSet<String> =
        refused.filter(|(_, credential)| credential.is_refused()).map(|(proof, _)| proof).collect();
    let (of_it, others): (Vec<_>, Vec<_>) = connector
        .operations()
        .iter()
        .partition(|operation| refused.contains(operation.proof.as_deref().unwrap_or(SHARED)));
    let names = of_it.into_iter().filter(|_| !others.is_empty());
    (!refused.is_empty(), names.map(|operation| operation.name.clone()).collect())
}
