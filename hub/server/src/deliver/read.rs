//! Cached reads: fresh ► call ► stale, through the same steps and the same stack as deliveries.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use metrics::counter;
use orderhub_connectors::contract::Memo;
use orderhub_connectors::error::CallError;
use orderhub_lang::value::Value;
use tokio::time::Instant;

use super::dispatcher::Dispatcher;
use super::freeze::Frozen;
use super::settle::AttemptEnd;
use super::steps::Run;
use crate::bundle::{Read, System};
use crate::resilience::stale::{Allowance, Answered, Fresh, Lack, NoAnswer, Stale};
use crate::resilience::{Cause, Failure};

/// Longest time of one read, all its steps and retries together: somebody waits for it.
const LONGEST: Duration = Duration::from_secs(20);
/// Answers that say that there is no such thing: not found, and gone.
pub(super) const ABSENT: [u16; 2] = [404, 410];
/// Answers that say no, and another time yes: a request that took too long to come, and one that came too early.
const PASSING: [u16; 2] = [408, 425];

/// Why a read gave nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// No such system.
    #[error("there is no system `{0}`")]
    NoSystem(String),
    /// Its integration has no such read.
    #[error("system `{system}` has no read `{read}`")]
    NoRead {
        /// The system.
        system: String,
        /// The read.
        read: String,
    },
    /// An argument is missing.
    #[error("the read needs `{0}`")]
    NoArgument(String),
    /// The system answered that it knows no such thing.
    #[error("the system knows none: {0}")]
    Absent(String),
    /// The system said no, or cannot be asked that: it would be the same again.
    #[error("refused: {0}")]
    Refused(String),
    /// Neither fresh nor allowed stale.
    #[error("no usable answer: {0}")]
    NoAnswer(String),
}

/// Answers a read; other arguments than the declared ones are not looked at.
pub(super) async fn read(
    dispatcher: &Dispatcher,
    name: &str,
    given: &BTreeMap<String, String>,
) -> Result<Answered, ReadError> {
    let bundle = dispatcher.common.bundle();
    let no_system = || ReadError::NoSystem(dispatcher.name.to_string());
    let system = bundle.system(&dispatcher.name).ok_or_else(no_system)?;
    let no_read =
        || ReadError::NoRead { system: dispatcher.name.to_string(), read: name.to_owned() };
    let read = bundle.read_of(&dispatcher.name, name).ok_or_else(no_read)?;
    let (key, args) = arguments(name, read, given)?;
    let allowance = Allowance { fresh_for: read.fresh_for, stale_for: read.stale_for };
    let answered =
        dispatcher.cache.read(&key, allowance, || ask(dispatcher, system, read, args)).await;
    if let Ok(Answered::Stale(_)) = answered {
        count_stale(dispatcher, name);
    }
    answered.map_err(|no| match no.lack {
        Lack::Absent => ReadError::Absent(no.why),
        Lack::Refused => ReadError::Refused(no.why),
        Lack::Later => ReadError::NoAnswer(no.why),
    })
}

/// The fresh answer that is at hand; nobody is asked.
pub(super) fn at_hand(
    dispatcher: &Dispatcher,
    name: &str,
    given: &BTreeMap<String, String>,
) -> Option<Fresh> {
    let bundle = dispatcher.common.bundle();
    let read = bundle.read_of(&dispatcher.name, name)?;
    let (key, _) = arguments(name, read, given).ok()?;
    let allowance = Allowance { fresh_for: read.fresh_for, stale_for: read.stale_for };
    dispatcher.cache.at_hand(&key, allowance)
}

/// The last good answer, where it may stand in for one that did not come in time.
pub(super) fn last_good(
    dispatcher: &Dispatcher,
    (name, given): (&str, &BTreeMap<String, String>),
    why: &str,
) -> Option<Stale> {
    let bundle = dispatcher.common.bundle();
    let read = bundle.read_of(&dispatcher.name, name)?;
    let (key, _) = arguments(name, read, given).ok()?;
    let allowance = Allowance { fresh_for: read.fresh_for, stale_for: read.stale_for };
    let stale = dispatcher.cache.last_good(&key, allowance, why)?;
    count_stale(dispatcher, name);
    Some(stale)
}

fn count_stale(dispatcher: &Dispatcher, name: &str) {
    let total = counter!("orderhub_stale_answers_total",
        "system" => dispatcher.label(), "read" => name.to_owned());
    total.increment(1);
}

type Arguments = (String, BTreeMap<String, Value>);

/// The cache's key, and the arguments as the connector reads them.
fn arguments(
    name: &str,
    read: &Read,
    given: &BTreeMap<String, String>,
) -> Result<Arguments, ReadError> {
    let mut key = vec![name];
    let mut args = BTreeMap::new();
    for arg in &read.args {
        let value = given.get(&**arg).ok_or_else(|| ReadError::NoArgument(arg.to_string()))?;
        key.push(value);
        args.insert(arg.to_string(), Value::text(value.as_str()));
    }
    // As JSON, so that no argument can look like two.
    let key = serde_json::to_string(&key).unwrap_or_default();
    Ok((key, args))
}

async fn ask(
    dispatcher: &Dispatcher,
    system: &System,
    read: &Read,
    args: BTreeMap<String, Value>,
) -> Result<Bytes, NoAnswer> {
    let frozen = Frozen::read(&system.settings, args, Vec::new());
    let call = frozen.call(&read.operation, "", 1, &system.base_url);
    let until = Instant::now() + LONGEST;
    let connector = &*system.connector;
    let run =
        Run { dispatcher, connector, call: &call, until, in_hand: None, flying: None, place: None };
    let ran = run.run(Memo::default(), None).await;
    dispatcher.heard(&call, &ran.end);
    let refused = |why| Err(NoAnswer { why, lack: Lack::Refused });
    match ran.end {
        AttemptEnd::Done(reply) => match reply.document {
            Some(document) => Ok(document),
            None if reply.none => {
                let why = "it answers that there is none".to_owned();
                Err(NoAnswer { why, lack: Lack::Absent })
            }
            None => refused(match ran.status {
                Some(status) => format!("status {status}: the answer has no document"),
                None => "the answer has no document".to_owned(),
            }),
        },
        AttemptEnd::Failed { failure, .. } => {
            // A read acts on nothing: whether it did is no question.
            let why = match &failure.cause {
                Cause::Call(
                    error @ (CallError::NotActed { .. }
                    | CallError::MayHaveActed { .. }
                    | CallError::Already { .. }),
                ) => error.why().to_owned(),
                Cause::Call(_)
                | Cause::Shut(_)
                | Cause::Limited(_)
                | Cause::Refused(_)
                | Cause::CutOff => failure.to_string(),
            };
            Err(NoAnswer { why, lack: lack(&failure) })
        }
        AttemptEnd::Unbuilt(error) => refused(format!("it cannot be asked: {error}")),
        AttemptEnd::Lost => Err(Cause::CutOff.to_string().into()),
        AttemptEnd::Part(part) => refused(part.why()),
        AttemptEnd::OutOfTime | AttemptEnd::Waits(_) | AttemptEnd::Lapsed { .. } => {
            Err(format!("no answer within {} s", LONGEST.as_secs()).into())
        }
    }
}

/// What kind of no a failure is.
fn lack(failure: &Failure) -> Lack {
    match &failure.cause {
        Cause::Call(CallError::SaidNo { status, .. }) if ABSENT.contains(status) => Lack::Absent,
        Cause::Call(CallError::SaidNo { status, .. }) if PASSING.contains(status) => Lack::Later,
        Cause::Call(CallError::SaidNo { .. } | CallError::Already { .. }) => Lack::Refused,
        // Also nothing where a document should be: so answers a gateway whose system is being started.
        Cause::Call(
            CallError::NotActed { .. }
            | CallError::MayHaveActed { .. }
            | CallError::Throttled { .. }
            | CallError::NotAllowed { .. },
        )
        | Cause::Shut(_)
        | Cause::Limited(_)
        | Cause::Refused(_)
        | Cause::CutOff => Lack::Later,
    }
}
