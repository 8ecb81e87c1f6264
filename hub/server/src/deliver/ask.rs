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
use super::steps::Run;
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
        let Some(dispatcher) = self.dispatchers.get(system) else {
            return Asked::GivenUp(format!("there is no system `{system}`"));
        };
        // As lanes take them: its own first, so that a dead system holds up nobody else.
        let own = dispatcher.permits.acquire().await;
        let global = self.common.global.acquire().await;
        let asked = ask(dispatcher, question).await;
        drop((own, global));
        asked
    }
}

async fn ask(dispatcher: &Dispatcher, question: Question<'_>) -> Asked {
    let Question { operation, args, fields, attempts } = question;
    let bundle = dispatcher.common.bundle();
    let Some(system) = bundle.system(&dispatcher.name) else {
        return Asked::GivenUp(format!("there is no system `{}`", dispatcher.name));
    };
    let frozen = Frozen::read(&system.settings, args, fields.to_vec());
    let call = frozen.call(operation, "", attempts.saturating_add(1), &system.base_url);
    let until = Instant::now() + LONGEST;
    let connector = &*system.connector;
    let run = Run { dispatcher, connector, call: &call, until, flying: None, place: None };
    let ran = run.run(Memo::default(), None).await;
    dispatcher.heard(&call, &ran.end);
    let policy = Policy {
        redelivery: &dispatcher.common.bounds.redelivery,
        jitter: &dispatcher.common.jitter,
        attempt: attempts.saturating_add(1),
        now: dispatcher.common.clock.now(),
    };
    answered(ran.end, policy)
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
