//! Whether a system is called at all: the breaker of one operation of one system.
//!
//! failsafe is the detector that says "this is no longer a hiccup"; the [`Gate`] in front holds what
//! a detector cannot: forced states, open until a moment, the one probe, and late answers.
//! In memory: one gate for each (system, operation) that was ever called, which the files bound.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Jitter;
use super::breaker::Detector;
pub use super::breaker::{BreakerPolicy, PolicyError};
use super::share::Share;

/// What answers, metrics and lists call the state of a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub enum GateState {
    /// Calls pass.
    Closed,
    /// No call passes.
    Open,
    /// One call passes, to see.
    HalfOpen,
}

impl GateState {
    /// The value of `orderhub_breaker_state`.
    pub fn gauge(self) -> f64 {
        match self {
            GateState::Closed => 0.0,
            GateState::HalfOpen => 1.0,
            GateState::Open => 2.0,
        }
    }
}

/// What a person wants of a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub enum Force {
    /// No call passes, whatever the detector says.
    Open,
    /// Every call passes, whatever the detector says.
    Closed,
}

/// How the system was, seen from one call. Only health counts: an answer that says no is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// It answered.
    Well,
    /// No connection, no answer, or an answer that tells of its trouble.
    Ill,
}

/// The gate is shut: nothing was sent and no attempt is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shut {
    /// When to ask again; `None`: a person shut it, or a probe of this process is out.
    pub until: Option<Instant>,
}

/// Refuses calls while a system is considered down.
///
/// **Invariant:** while `HalfOpen`, no second call passes, and only the probe ends the state: with its
/// outcome, or as failed if it is dropped. Calls admitted earlier that end now change nothing. Tests:
/// `failures_in_a_row_open_it_and_time_lets_one_probe_pass`,
/// `a_probe_that_is_dropped_half_way_counts_as_failed`,
/// `a_late_answer_changes_nothing_while_it_is_open_or_probing`. **Invariant:** while another process tries the system it
/// counts as being tried, not as down. Test: `a_probe_that_another_process_makes_is_waited_for`.
pub struct Gate {
    jitter: Jitter,
    /// Who else wants to know, and the operation by which they know it.
    share: Option<(Arc<dyn Share>, Box<str>)>,
    inner: Mutex<Inner>,
}

struct Inner {
    detector: Detector,
    state: State,
    forced: Option<Force>,
    /// Raised by every change of state: verdicts of an earlier one are late and change nothing.
    era: u64,
    /// The others know that it is open.
    told: bool,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Closed,
    /// Shut until then. The last delay doubles in the detector, not here.
    Open {
        until: Instant,
        delay: Duration,
    },
    HalfOpen {
        probe: Probe,
        delay: Duration,
    },
}

/// Who finds out whether the system is back.
#[derive(Clone, Copy, Debug)]
enum Probe {
    /// The next call.
    Due,
    /// A call that is out.
    Out,
    /// Another process, as far as is known; this one asks again then.
    Elsewhere { until: Instant },
}

impl Probe {
    /// Why no call passes; `Ok`: the next one is the probe.
    fn due(self, now: Instant) -> Result<(), Shut> {
        match self {
            Probe::Due => Ok(()),
            Probe::Out => Err(Shut { until: None }),
            Probe::Elsewhere { until } if now < until => Err(Shut { until: Some(until) }),
            Probe::Elsewhere { .. } => Ok(()),
        }
    }
}

impl Inner {
    fn change(&mut self, state: State) {
        self.state = state;
        self.era += 1;
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        f.debug_struct("Gate").field("state", &inner.state).field("forced", &inner.forced).finish()
    }
}

impl Gate {
    /// A closed gate.
    ///
    /// # Errors
    ///
    /// [`PolicyError`].
    pub fn new(policy: &BreakerPolicy, jitter: Jitter) -> Result<Arc<Self>, PolicyError> {
        Self::shared(policy, jitter, None)
    }

    /// A closed gate of which others hear, by the name of its operation.
    ///
    /// # Errors
    ///
    /// [`PolicyError`].
    pub fn shared(
        policy: &BreakerPolicy,
        jitter: Jitter,
        share: Option<(Arc<dyn Share>, Box<str>)>,
    ) -> Result<Arc<Self>, PolicyError> {
        policy.validate()?;
        let detector = policy.detector();
        let inner = Inner { detector, state: State::Closed, forced: None, era: 0, told: false };
        Ok(Arc::new(Self { jitter, share, inner: Mutex::new(inner) }))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a call pass, or not. What passes must be [`Admission::settle`]d.
    ///
    /// # Errors
    ///
    /// [`Shut`].
    pub fn admit(self: &Arc<Self>, now: Instant) -> Result<Admission, Shut> {
        let mut inner = self.lock();
        let probe = match (inner.forced, inner.state) {
            (Some(Force::Open), _) => return Err(Shut { until: None }),
            (Some(Force::Closed), _) | (None, State::Closed) => false,
            (None, State::Open { until, .. }) if now < until => {
                return Err(Shut { until: Some(until) });
            }
            (None, State::Open { delay, .. }) => {
                inner.change(State::HalfOpen { probe: Probe::Out, delay });
                true
            }
            (None, State::HalfOpen { probe, delay }) => {
                probe.due(now)?;
                inner.state = State::HalfOpen { probe: Probe::Out, delay };
                true
            }
        };
        let era = inner.era;
        drop(inner);
        Ok(Admission { gate: Arc::clone(self), era, probe, begun: false, settled: false })
    }

    /// The state as shown, a due probe included.
    pub fn state(&self, now: Instant) -> GateState {
        let inner = self.lock();
        match (inner.forced, inner.state) {
            (Some(Force::Open), _) => GateState::Open,
            (Some(Force::Closed), _) | (None, State::Closed) => GateState::Closed,
            (None, State::Open { until, .. }) if now < until => GateState::Open,
            (None, State::Open { .. } | State::HalfOpen { .. }) => GateState::HalfOpen,
        }
    }

    /// Whether a call would pass now, without taking the probe.
    pub fn would_admit(&self, now: Instant) -> Result<(), Shut> {
        let inner = self.lock();
        match (inner.forced, inner.state) {
            (Some(Force::Open), _) => Err(Shut { until: None }),
            (Some(Force::Closed), _) | (None, State::Closed) => Ok(()),
            (None, State::Open { until, .. }) if now < until => Err(Shut { until: Some(until) }),
            (None, State::Open { .. }) => Ok(()),
            (None, State::HalfOpen { probe, .. }) => probe.due(now),
        }
    }

    /// What a person wants; `None` gives it back to the detector, closed and with a fresh memory.
    pub fn force(&self, force: Option<Force>) {
        let mut inner = self.lock();
        inner.forced = force;
        if force != Some(Force::Open) {
            inner.detector.revived();
            inner.change(State::Closed);
        }
    }

    /// What a person wants of it now.
    pub fn forced(&self) -> Option<Force> {
        self.lock().forced
    }

    fn verdict(&self, era: u64, health: Health, now: Instant) {
        let mut inner = self.lock();
        if inner.era != era || inner.forced.is_some() {
            return;
        }
        match (inner.state, health) {
            (State::Closed, Health::Well) => inner.detector.success(),
            (State::Closed, Health::Ill) => {
                if let Some(delay) = inner.detector.failure() {
                    self.open(&mut inner, delay, now);
                }
            }
            (State::HalfOpen { .. }, Health::Well) => {
                inner.detector.revived();
                inner.change(State::Closed);
                inner.told = false;
                if let Some((share, operation)) = &self.share {
                    share.opened(operation);
                }
            }
            (State::HalfOpen { delay, .. }, Health::Ill) => {
                let delay = inner.detector.failure().unwrap_or(delay);
                self.open(&mut inner, delay, now);
            }
            // No call is admitted while open, so its era has no verdicts.
            (State::Open { .. }, Health::Well | Health::Ill) => {}
        }
    }

    fn open(&self, inner: &mut Inner, delay: Duration, now: Instant) {
        let left = self.jitter.upward(delay);
        inner.change(State::Open { until: now + left, delay });
        if let Some((share, operation)) = &self.share {
            share.shut(operation, left, delay);
        }
    }

    /// Another process found the system ill, or says for how long it counts as such. An old word opens nothing.
    pub fn shut_by_others(&self, until: Instant, delay: Duration, now: Instant) {
        let mut inner = self.lock();
        inner.told = true;
        match inner.state {
            State::Closed if until > now => inner.change(State::Open { until, delay }),
            State::Open { until: known, .. } if until > known => {
                inner.state = State::Open { until, delay };
            }
            // What they tried it with came to nothing.
            State::HalfOpen { probe: Probe::Due | Probe::Elsewhere { .. }, .. } if until > now => {
                inner.change(State::Open { until, delay });
            }
            State::Closed | State::Open { .. } | State::HalfOpen { .. } => {}
        }
    }

    /// The others know of no trouble: what they knew of is over.
    pub fn opened_by_others(&self) {
        let mut inner = self.lock();
        if std::mem::take(&mut inner.told)
            && !matches!(inner.state, State::Closed | State::HalfOpen { probe: Probe::Out, .. })
        {
            inner.detector.revived();
            inner.change(State::Closed);
        }
    }

    fn give_back(&self, era: u64, probe: Probe) {
        let mut inner = self.lock();
        if inner.era == era
            && let State::HalfOpen { delay, .. } = inner.state
        {
            inner.state = State::HalfOpen { probe, delay };
        }
    }
}

/// A call that passed the gate.
///
/// Dropped before [`Admission::begin`] it gives the probe back; dropped after it, without a verdict,
/// the call was cancelled half-way and counts as failed.
#[derive(Debug)]
pub struct Admission {
    gate: Arc<Gate>,
    era: u64,
    probe: bool,
    begun: bool,
    settled: bool,
}

impl Admission {
    /// Whether it is the one call that tries whether the system is back.
    pub fn is_probe(&self) -> bool {
        self.probe
    }

    /// The first byte is about to leave.
    pub fn begin(&mut self) {
        self.begun = true;
    }

    /// Nothing was sent after all.
    pub fn withdraw(mut self) {
        self.begun = false;
    }

    /// Another process tries the system: nothing is sent, and this one asks again then.
    pub(super) fn defer(mut self, until: Instant) {
        self.settled = true;
        if self.probe {
            self.gate.give_back(self.era, Probe::Elsewhere { until });
        }
    }

    /// How the system was.
    pub fn settle(mut self, health: Health, now: Instant) {
        self.settled = true;
        self.gate.verdict(self.era, health, now);
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        if self.settled {
            return;
        }
        if self.begun {
            self.gate.verdict(self.era, Health::Ill, Instant::now());
        } else if self.probe {
            self.gate.give_back(self.era, Probe::Due);
        }
    }
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod tests;
