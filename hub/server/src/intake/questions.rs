//! Asking systems what mappings look up: by whoever takes a message in, for a moment, and by who waits for the answers.
//!
//! **Invariant:** a question goes on when nobody waits for it any more: its answer is in the cache of its system for who
//! asks next, and a system that is slow, but answers, is not taken for one that does not. Test:
//! `a_read_slower_than_the_patience_of_intake_is_answered_in_the_end`.
//! **Invariant:** who takes messages in waits no longer than [`PATIENCE`] for all that a message asks, and after a read
//! that took longer asks nothing of its system for [`SLOW_FOR`]. Test:
//! `a_read_slower_than_the_patience_of_intake_is_answered_in_the_end`.
//!
//! **Invariant:** where an older answer may stand in for one that fails, it stands in for one that does not come, too:
//! who waits for a document's answers takes it when his time is over. Test:
//! `the_last_answer_stands_in_for_a_system_that_hangs`.
//!
//! Bounds: [`AT_ONCE`] questions at a time to one system of each [`Questions`]; each ends by itself with its read.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use orderhub_lang::value::Value;
use orderhub_order::ids::SystemName;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::deliver::{Deliverer, ReadError};
use crate::resilience::stale::{Answered, Fresh, Stale};

/// Questions to one system at a time.
pub(crate) const AT_ONCE: usize = 8;
/// Who takes a message in waits so long for its answers: what is behind it in its queue waits, too.
const PATIENCE: Duration = Duration::from_millis(300);
/// A system that took longer is not asked so long by who takes messages in.
const SLOW_FOR: Duration = Duration::from_secs(30);
/// Who waits for a document's answers drives it after so long with those that came: sooner than the store would give it
/// out again.
const DRIVEN_WITHIN: Duration = Duration::from_secs(20);

/// Why there is no answer when the time is over.
const LATE: &str = "it has not come yet";

/// Asks through the deliverer. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Questions {
    deliverer: Deliverer,
    /// By system, of which there are as many as the settings name.
    systems: Arc<Mutex<BTreeMap<SystemName, Arc<Asked>>>>,
}

#[derive(Debug)]
struct Asked {
    room: Arc<Semaphore>,
    /// When an answer did not come in time.
    slow: Mutex<Option<Instant>>,
}

impl Asked {
    fn slow(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.slow.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is asked: the read and its arguments.
pub(crate) type Question = (String, BTreeMap<String, String>);

/// What a system answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Null: it knows none.
    pub(crate) value: Value,
    /// It answered at this moment: what others wait for, it may answer, too.
    pub(crate) now: bool,
}

/// Why there is no answer, for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unanswered {
    /// There may be one later.
    Later(String),
    /// There will be none: the system said no, or cannot be asked that.
    Refused(String),
}

impl Unanswered {
    fn later(why: impl Into<String>) -> Self {
        Self::Later(why.into())
    }
}

/// Whoever waits for answers, and how long for all of one message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asking<'a> {
    questions: &'a Questions,
    until: Instant,
    /// What ends the wait; `None`: somebody who takes messages in, who has no patience with a slow system.
    stop: Option<&'a CancellationToken>,
}

impl Questions {
    pub(crate) fn new(deliverer: Deliverer) -> Self {
        Self { deliverer, systems: Arc::default() }
    }

    /// For a message that is taken in.
    pub(crate) fn briefly(&self) -> Asking<'_> {
        Asking { questions: self, until: Instant::now() + PATIENCE, stop: None }
    }

    /// For a document that waits; `stop` ends the wait.
    pub(crate) fn patiently<'a>(&'a self, stop: &'a CancellationToken) -> Asking<'a> {
        Asking { questions: self, until: Instant::now() + DRIVEN_WITHIN, stop: Some(stop) }
    }

    fn of(&self, system: &SystemName) -> Arc<Asked> {
        let mut systems = self.systems.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || {
            let room = Arc::new(Semaphore::new(AT_ONCE));
            Arc::new(Asked { room, slow: Mutex::default() })
        };
        Arc::clone(systems.entry(system.clone()).or_insert_with(new))
    }
}

impl Asking<'_> {
    /// The answer.
    ///
    /// # Errors
    ///
    /// Why there is none.
    pub(crate) async fn ask(
        self,
        system: &SystemName,
        (read, args): Question,
    ) -> Result<Answer, Unanswered> {
        let deliverer = &self.questions.deliverer;
        if let Some(fresh) = deliverer.at_hand(system, &read, &args) {
            return answer(Ok(Answered::Fresh(fresh)));
        }
        if self.until <= Instant::now() {
            return self.late(system, (&read, &args));
        }
        let asked = self.questions.of(system);
        let brief = self.stop.is_none();
        if brief && asked.slow().is_some_and(|at| at.elapsed() < SLOW_FOR) {
            return Err(Unanswered::later(
                "it was slow a moment ago, and is asked for this beside",
            ));
        }
        let waiting = async {
            let room = Arc::clone(&asked.room).acquire_owned().await;
            let (deliverer, system) = (deliverer.clone(), system.clone());
            let (read, args) = (read.clone(), args.clone());
            // On its own: who stops waiting ends no call in its middle, which would count against the system.
            let question = tokio::spawn(async move {
                let answered = deliverer.read(&system, &read, &args).await;
                drop(room);
                answered
            });
            question.await
        };
        let stopped = async {
            match self.stop {
                Some(stop) => stop.cancelled().await,
                None => std::future::pending().await,
            }
        };
        let answered = tokio::select! {
            answered = tokio::time::timeout_at(self.until, waiting) => answered,
            () = stopped => return Err(Unanswered::later("the hub that asked is stopping")),
        };
        match answered {
            Ok(Ok(answered)) => answer(answered),
            Ok(Err(error)) => Err(Unanswered::later(error.to_string())),
            Err(_) => {
                if brief {
                    *asked.slow() = Some(Instant::now());
                }
                self.late(system, (&read, &args))
            }
        }
    }

    /// Nothing came in time: the last good answer stands in where it may, as for a call that failed. Who takes messages
    /// in has not waited long enough to say so.
    fn late(
        self,
        system: &SystemName,
        (read, args): (&str, &BTreeMap<String, String>),
    ) -> Result<Answer, Unanswered> {
        let patient = self.stop.is_some();
        let last = || self.questions.deliverer.last_good(system, read, args, LATE);
        match patient.then(last).flatten() {
            Some(last) => answer(Ok(Answered::Stale(last))),
            None => Err(Unanswered::later(LATE)),
        }
    }
}

fn answer(answered: Result<Answered, ReadError>) -> Result<Answer, Unanswered> {
    match answered {
        Ok(answered) => {
            let (value, now) = match answered {
                // One that is at hand is some moments old.
                Answered::Fresh(Fresh { value, age, .. }) => (value, age.is_zero()),
                Answered::Stale(Stale { value, .. }) => (value, false),
            };
            let value = Value::from_json(&value);
            let value = value.map_err(|_| Unanswered::later("its answer is no JSON"))?;
            Ok(Answer { value, now })
        }
        Err(ReadError::Absent(_)) => Ok(Answer { value: Value::Null, now: true }),
        Err(ReadError::Refused(why)) => Err(Unanswered::Refused(why)),
        Err(error @ ReadError::NoAnswer(_)) => Err(Unanswered::later(error.to_string())),
        // Only other files, or settings, can help.
        Err(
            error @ (ReadError::NoSystem(_) | ReadError::NoRead { .. } | ReadError::NoArgument(_)),
        ) => Err(Unanswered::Refused(error.to_string())),
    }
}
