//! What intake asks of systems (fetches and polls): through the same permits, the same steps and the same
//! stack as deliveries, with the same long patience.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use orderhub_connectors::contract::{Memo, Reply};
use orderhub_connectors::error::CallError;
use orderhub_lang::value::Value;
use orderhub_order::fold::ReceiptClass;
use orderhub_order::ids::SystemName;
use tokio::time::Instant;

use super::Deliverer;
use super::dispatcher::Dispatcher;
use super::freeze::Frozen;
use super::settle::{AttemptEnd, Policy, judge};
use super::steps::{IN_HAND, Run};
use crate::resilience::Cause;

/// Longest time of one question, all its steps and retries together.
const LONGEST: Duration = Duration::from_secs(120);
/// A gate or a system that is held shut says nothing when it opens: it is asked again.
const LOOK: Duration = Duration::from_millis(250);

/// A read to make.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// The read operation.
    pub operation: &'a str,
    /// Its arguments.
    pub args: BTreeMap<String, Value>,
    /// The system paths that are of interest.
    pub fields: &'a [String],
    /// Attempts at it so far that failed.
    pub attempts: u32,
}

/// A question to which the system works out the answer: it waits for it nowhere but at the asker.
#[derive(Debug)]
pub enum Worked {
    /// It has ended.
    Ended(Asked),
    /// Not done yet: to be gone on with from here, no sooner than this.
    Waits(Box<Memo>, Duration),
    /// None this time: to be gone on with from here, then.
    Again(Box<Memo>, Asked),
}

/// What came of a question.
#[derive(Debug)]
pub enum Asked {
    /// An answer.
    Answer(Box<Reply>),
    /// None this time: ask again then. `spent`: it counts as an attempt.
    Again {
        /// When.
        at: Timestamp,
        /// Whether patience is used up by it.
        spent: bool,
        /// For a person.
        why: String,
    },
    /// The system said no, and would say it again.
    No {
        /// The status of its answer.
        status: u16,
        /// For a person.
        why: String,
    },
    /// Patience is used up, or it cannot be asked at all.
    GivenUp(String),
}

impl Deliverer {
    /// How long a system cannot be asked this at all; `None`: it can. What waits then costs no attempt.
    pub fn shut_for(&self, system: &SystemName, operation: &str) -> Option<Duration> {
        let dispatcher = self.dispatchers.get(system)?;
        super::lanes::unasked(dispatcher)
            .or_else(|| dispatcher.guards.would_pass(operation).err().map(|_| LOOK))
    }

    /// Asks a system, once there is a permit: one of the system's, and one of all.
    ///
    /// # Cancel safety
    ///
    /// Dropped, nothing is changed there: it only reads.
    pub async fn ask(&self, system: &SystemName, question: Question<'_>) -> Asked {
        self.asked(system, question, (Memo::default(), None)).await.1
    }

    /// The same of a question that may take the system long: while it works, no permit is held. `begun`: where an
    /// earlier part of it stopped.
    ///
    /// # Cancel safety
    ///
    /// As [`Deliverer::ask`].
    pub async fn work(
        &self,
        system: &SystemName,
        question: Question<'_>,
        begun: Option<Memo>,
    ) -> Worked {
        let from = (begun.unwrap_or_default(), Some(IN_HAND));
        match self.asked(system, question, from).await {
            (Some((memo, Some(every))), _) => Worked::Waits(Box::new(memo), every),
            (Some((memo, None)), asked @ Asked::Again { .. }) => {
                Worked::Again(Box::new(memo), asked)
            }
            (_, asked) => Worked::Ended(asked),
        }
    }

    /// Asks, and says where it stopped, and whether what it waits for there is not done yet.
    async fn asked(
        &self,
        system: &SystemName,
        question: Question<'_>,
        from: (Memo, Option<Duration>),
    ) -> (Option<Stopped>, Asked) {
        let Some(dispatcher) = self.dispatchers.get(system) else {
            return (None, Asked::GivenUp(format!("there is no system `{system}`")));
        };
        // As lanes take them: its own first, so that a dead system holds up nobody else.
        let own = dispatcher.permits.acquire().await;
        let global = self.common.global.acquire().await;
        let asked = ask(dispatcher, question, from).await;
        drop((own, global));
        asked
    }
}

/// Where a question stopped, and how long what it waits for is to be left alone.
type Stopped = (Memo, Option<Duration>);

async fn ask(
    dispatcher: &Dispatcher,
    question: Question<'_>,
    (memo, in_hand): (Memo, Option<Duration>),
) -> (Option<Stopped>, Asked) {
    let Question { operation, args, fields, attempts } = question;
    let bundle = dispatcher.common.bundle();
    let Some(system) = bundle.system(&dispatcher.name) else {
        return (None, Asked::GivenUp(format!("there is no system `{}`", dispatcher.name)));
    };
    let frozen = Frozen::read(&system.settings, args, fields.to_vec());
    let call = frozen.call(operation, "", attempts.saturating_add(1), &system.base_url);
    let until = Instant::now() + LONGEST;
    let connector = &*system.connector;
    let (flying, place) = (None, None);
    let run = Run { dispatcher, connector, call: &call, until, in_hand, flying, place };
    let ran = run.run(memo, None).await;
    dispatcher.heard(&call, &ran.end);
    let policy = Policy {
        redelivery: &dispatcher.common.bounds.redelivery,
        jitter: &dispatcher.common.jitter,
        attempt: attempts.saturating_add(1),
        now: dispatcher.common.clock.now(),
    };
    let every = if let AttemptEnd::Waits(wait) = &ran.end { Some(wait.every) } else { None };
    (Some((ran.memo, every)), answered(ran.end, policy))
}

fn answered(end: AttemptEnd, policy: Policy<'_>) -> Asked {
    let verdict = judge(&end, policy);
    match end {
        AttemptEnd::Done(reply) => return Asked::Answer(reply),
        AttemptEnd::Failed { failure, .. } => {
            if let Cause::Call(CallError::SaidNo { status, why }) = failure.cause {
                return Asked::No { status, why };
            }
        }
        AttemptEnd::Part(part) => return Asked::No { status: 200, why: part.why() },
        // What was begun there is not gone on with: the next time begins anew.
        AttemptEnd::Waits(_) => return unfinished(policy),
        AttemptEnd::Unbuilt(_)
        | AttemptEnd::OutOfTime
        | AttemptEnd::Lost
        | AttemptEnd::Lapsed { .. } => {}
    }
    let why = verdict.why;
    match verdict.next_due {
        Some(at) => {
            let waits = matches!(verdict.class, ReceiptClass::Throttled | ReceiptClass::NotAllowed);
            Asked::Again { at, spent: !waits, why }
        }
        None => Asked::GivenUp(why),
    }
}

/// A job that was not done in the time of one question.
fn unfinished(policy: Policy<'_>) -> Asked {
    let why = format!("what it waits for there was not done within {} s", LONGEST.as_secs());
    match policy.redelivery.wait(policy.attempt, None, policy.jitter) {
        Some(wait) => Asked::Again { at: policy.after(wait), spent: true, why },
        None => Asked::GivenUp(why),
    }
}
