//! The resilience stack: everything between "send this step" and the wire, in one order.
//!
//! [`stack`] composes it; each layer is a [`Caller`] around the next. Errors are read through
//! [`CallError::next`] only. What a person or a dispatcher asks about a system without calling it
//! (is the gate shut, is the credential refused, is there a token) is [`Guards`].

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use orderhub_connectors::contract::Memo;
#[cfg(doc)]
use orderhub_connectors::error::CallError;
use tokio::time::Instant;

mod breaker;
pub mod credential;
mod debts;
mod failure;
pub mod gate;
mod layers;
pub mod learned;
mod leave;
pub mod limit;
mod named;
pub mod proofs;
pub mod purse;
mod rate;
pub mod retry;
pub mod share;
pub mod stale;
mod ticks;

pub use failure::{Cause, Failure};
use gate::{BreakerPolicy, Force, Gate, GateState, PolicyError};
use layers::{Gated, Paced, Retried, Timed, Wire};
use leave::Leave;
pub use leave::{Pass, Prepaid};
use limit::{Limits, Rate};
use proofs::{Proofs, among_breakers, proof_of};
use purse::{Line, Reserve, Told};
pub use retry::Jitter;
use retry::{Budget, Retries};
use share::Share;

/// The stack for one configured system. Outermost first:
///
/// 1. stale ([`stale::Cache`], reads only, around all steps of the read): when everything below has
///    given up, the last good answer may stand in, as another type;
/// 2. retry: repeats what [`CallError::next`] allows, within a budget;
/// 3. gate and breaker: inside retry, so that every attempt counts and a shut gate ends the retries
///    without spending one;
/// 4. rate limit: inside retry, so that every attempt takes a token, and inside the gate, so that a
///    refused attempt takes none;
/// 5. timeout: inside the limit, so that waiting for a token is not mistaken for a slow system, and
///    inside the gate, so that a system that hangs is counted as ill;
/// 6. the wire: authorises, sends, and lets the connector classify the answer, so that every layer
///    sees a [`CallError`] and none sees an HTTP status.
///
/// The order is pinned by tests beside: of all orders of the layers only this one passes them.
pub fn stack(guards: Arc<Guards>) -> Stack {
    let caller = Timed::new(Wire);
    let caller = Paced::new(caller, Arc::clone(&guards));
    let caller = Gated::new(caller, Arc::clone(&guards));
    Retried::new(caller, guards)
}

/// The composed stack.
pub type Stack = Retried<Gated<Paced<Timed<Wire>>>>;

/// One layer, or all of them.
pub trait Caller: Debug + Send + Sync {
    /// Runs a step to its end.
    ///
    /// # Cancel safety
    ///
    /// Dropped half-way, the call counts as failed at its gate; it may have acted.
    fn call(&self, step: &Step<'_>) -> impl Future<Output = Result<Exchanged, Failure>> + Send;
}

/// One attempt at a step: authorise, send, let the connector read the answer.
pub trait Exchange: Send + Sync {
    /// Runs it. Called once per attempt: the same bytes each time, all but credentials.
    ///
    /// # Errors
    ///
    /// [`Cause::Call`]: what the system did. [`Cause::CutOff`]: nothing left, and it did nothing.
    fn run(&self) -> BoxFuture<'_, Result<Exchanged, Cause>>;
}

/// What an attempt gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exchanged {
    /// The memo with what the answer said.
    pub memo: Memo,
    /// The status of the answer.
    pub status: Option<u16>,
}

/// A step on its way through the stack.
pub struct Step<'a> {
    /// The operation: one gate each.
    pub operation: &'a str,
    /// The named limit it counts against.
    pub limit: &'a str,
    /// The key within a keyed limit.
    pub key: Option<&'a str>,
    /// Longest time for one attempt, the first byte sent to the last byte read.
    pub timeout: Duration,
    /// What it asks for, told from other requests to the system.
    pub about: u64,
    /// What it may count as, all of which must be there before: one call, where it sets nothing aside.
    pub reserve: Option<&'a Reserve>,
    /// It may be sent again although it may have acted.
    pub repeatable: bool,
    /// No attempt begins after this moment.
    pub until: Instant,
    /// What the dispatcher took before the first byte, for the first attempt.
    pub prepaid: Prepaid,
    /// What is tried.
    pub exchange: &'a dyn Exchange,
}

impl Debug for Step<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Step").field("operation", &self.operation).finish_non_exhaustive()
    }
}

/// How hard one system may be pressed.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// When gates shut.
    pub breaker: BreakerPolicy,
    /// Short retries inside a call.
    pub retries: Retries,
    /// Limits by name, lowered by settings already.
    pub limits: BTreeMap<String, Rate>,
    /// What settings allow of them, whatever answers tell.
    pub most: BTreeMap<String, Rate>,
    /// The longest wait for a token before the first byte leaves, and for that of a key within a call; what must
    /// wait longer goes back. Before the first byte nobody waits for a key: others can be called meanwhile.
    pub token_wait: Option<Duration>,
}

/// The longest wait for a token where a policy names none.
const TOKEN_WAIT: Duration = Duration::from_secs(2);
/// The same for calls that count as many: as long as the bucket of a slow system needs for two of them.
const RESERVE_WAIT: Duration = Duration::from_secs(15);

/// The state that the stack of one system shares with its dispatcher: gates, limits, credentials, budget.
#[derive(Debug)]
pub struct Guards {
    breaker: BreakerPolicy,
    /// One an operation; the files bound their number.
    gates: Mutex<BTreeMap<String, Arc<Gate>>>,
    /// Rate limits and pauses.
    pub limits: Limits,
    /// Whether the system takes our credentials.
    pub proofs: Proofs,
    budget: Budget,
    retries: Retries,
    token_wait: Duration,
    jitter: Jitter,
    share: Option<Arc<dyn Share>>,
}

/// While another process tries a system, this one asks so often whether it still does.
const ASK_AGAIN: Duration = Duration::from_secs(1);

impl Guards {
    /// The guards of one system that only this process calls.
    ///
    /// # Errors
    ///
    /// [`PolicyError`].
    pub fn new(policy: &Policy, jitter: Jitter) -> Result<Arc<Self>, PolicyError> {
        Self::shared(policy, jitter, None)
    }

    /// The guards of one system that others call, too.
    ///
    /// # Errors
    ///
    /// [`PolicyError`].
    pub fn shared(
        policy: &Policy,
        jitter: Jitter,
        share: Option<Arc<dyn Share>>,
    ) -> Result<Arc<Self>, PolicyError> {
        policy.breaker.validate()?;
        let limits = Limits::shared(&policy.limits, share.clone());
        limits.allow(&policy.most);
        Ok(Arc::new(Self {
            breaker: policy.breaker,
            gates: Mutex::default(),
            limits,
            proofs: Proofs::default(),
            budget: Budget::new(Instant::now()),
            retries: policy.retries,
            token_wait: policy.token_wait.unwrap_or(TOKEN_WAIT),
            jitter,
            share,
        }))
    }

    /// Leave for one attempt: gate, credential, token, in the order of the stack. `reserve`: the calls that it sets aside.
    ///
    /// # Errors
    ///
    /// [`Failure`], and nothing was taken or spent.
    pub async fn pass(
        &self,
        operation: &str,
        limit: &str,
        key: Option<&str>,
        reserve: Option<u32>,
    ) -> Result<Pass, Failure> {
        let leave = self.admit(operation).await?;
        let longest = if key.is_some() { Duration::ZERO } else { self.token_wait };
        let taken = match reserve {
            Some(calls) => self.limits.set_aside(limit, calls, RESERVE_WAIT, Line::First).await,
            None => self.limits.acquire(limit, key, longest).await.map(|()| 1),
        };
        Ok(Pass { leave, calls: taken.map_err(Cause::Limited)?, reserved: reserve.is_some() })
    }

    /// A pass of which no attempt came to be: what was set aside for it is there again.
    pub fn unspent(&self, limit: &str, pass: &Pass) {
        if !pass.reserved {
            return;
        }
        let held = self.limits.begin(limit, pass.calls);
        self.limits.settle(limit, Some(held), &Told { cost: Some(0), ..Told::default() });
    }

    async fn admit(&self, operation: &str) -> Result<Leave, Failure> {
        let now = Instant::now();
        // The gate first: a probe of the credential must not be spent on a shut gate.
        let gate = self.gate(operation)?;
        let admission = gate.admit(now)?;
        if admission.is_probe()
            && let Some(share) = &self.share
            && !share.may_probe(operation).await
        {
            let until = Instant::now() + ASK_AGAIN;
            admission.defer(until);
            return Err(Cause::Shut(Some(until)).into());
        }
        let proof = self.proofs.name(operation);
        let credential = self.proofs.called(&proof);
        let probe = credential.admit(now).map_err(Cause::Refused)?;
        if probe.is_probe()
            && let Some(share) = &self.share
            && !share.may_probe(&among_breakers(&proof)).await
        {
            drop(probe);
            credential.defer(Instant::now() + ASK_AGAIN);
            return Err(Cause::Refused(ASK_AGAIN).into());
        }
        Ok(Leave { admission, probe })
    }

    /// The system refused the credential of an operation. `true`: it is news here.
    fn refused(&self, operation: &str, now: Instant) -> bool {
        let proof = self.proofs.name(operation);
        let first = self.proofs.called(&proof).refuse(now);
        if let Some(share) = &self.share {
            let every = credential::PROBE_EVERY;
            share.shut(&among_breakers(&proof), every, every);
        }
        first
    }

    /// The system took the credential of an operation.
    fn took(&self, operation: &str) {
        self.accepted(&self.proofs.name(operation));
    }

    /// The system took a proof, or there is another: whoever was refused may try, in every process.
    pub fn accepted(&self, proof: &str) {
        if self.proofs.called(proof).accept()
            && let Some(share) = &self.share
        {
            share.opened(&among_breakers(proof));
        }
    }

    /// The same of all its proofs.
    pub fn all_accepted(&self) {
        self.proofs.all().iter().for_each(|(proof, _)| self.accepted(proof));
    }

    /// Whether a call could pass now. Takes nothing.
    ///
    /// # Errors
    ///
    /// [`Failure`]: what stands in the way.
    pub fn would_pass(&self, operation: &str) -> Result<(), Failure> {
        let now = Instant::now();
        self.gate(operation)?.would_admit(now)?;
        self.proofs.of(operation).would_admit(now).map_err(Cause::Refused)?;
        Ok(())
    }

    /// How the gate of an operation stands; one that was never asked is closed.
    pub fn gate_state(&self, operation: &str) -> GateState {
        let gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        gates.get(operation).map_or(GateState::Closed, |gate| gate.state(Instant::now()))
    }

    fn gate(&self, operation: &str) -> Result<Arc<Gate>, Failure> {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(gate) = gates.get(operation) {
            return Ok(Arc::clone(gate));
        }
        let share = self.share.clone().map(|share| (share, operation.into()));
        let gate = Gate::shared(&self.breaker, self.jitter.clone(), share);
        // The policy was validated by `new`; a gate that cannot be made stays shut.
        let gate = gate.map_err(|_| Cause::Shut(None))?;
        gates.insert(operation.to_owned(), Arc::clone(&gate));
        Ok(gate)
    }

    /// What a person wants of the gate of an operation.
    pub fn force(&self, operation: &str, force: Option<Force>) {
        self.forced_by_others(operation, force);
        if force != Some(Force::Open)
            && let Some(share) = &self.share
        {
            share.opened(operation);
        }
    }

    /// The same, said to another process, which tells all.
    pub fn forced_by_others(&self, operation: &str, force: Option<Force>) {
        if let Ok(gate) = self.gate(operation) {
            gate.force(force);
        }
    }

    /// What all processes know of the system: breakers by operation, each until when and what it doubles from.
    pub fn heed(&self, shuts: &BTreeMap<&str, (Instant, Duration)>) {
        let now = Instant::now();
        let proofs = shuts.iter().filter_map(|(name, (until, _))| Some((proof_of(name)?, *until)));
        // Who has other files may know others.
        let refused = proofs.filter(|(proof, _)| self.proofs.is_named(proof));
        let refused: BTreeMap<&str, Instant> = refused.collect();
        for (proof, until) in &refused {
            self.proofs.called(proof).refused_by_others(*until);
        }
        let taken = self.proofs.all();
        let taken = taken.iter().filter(|(proof, _)| !refused.contains_key(proof.as_str()));
        taken.for_each(|(_, credential)| credential.accepted_by_others());
        let breakers = shuts.iter().filter(|(operation, _)| proof_of(operation).is_none());
        for (operation, (until, delay)) in breakers {
            if let Ok(gate) = self.gate(operation) {
                gate.shut_by_others(*until, *delay, now);
            }
        }
        let gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        let others = gates.iter().filter(|(operation, _)| !shuts.contains_key(operation.as_str()));
        others.for_each(|(_, gate)| gate.opened_by_others());
    }

    /// The gates that were ever asked, by operation.
    pub fn gates(&self) -> Vec<(String, GateState, Option<Force>)> {
        let now = Instant::now();
        let gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        let row =
            |(name, gate): (&String, &Arc<Gate>)| (name.clone(), gate.state(now), gate.forced());
        gates.iter().map(row).collect()
    }
}

#[cfg(test)]
mod share_tests;
#[cfg(test)]
mod tests;
