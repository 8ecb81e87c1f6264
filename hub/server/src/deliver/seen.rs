//! How a system was when it was asked something, as lists show it: what it said last, and which breakers are open.
//!
//! **Invariant:** what a system answers to polls, fetches and look-ups is seen as what it answers to deliveries is. Test:
//! `what_a_system_says_to_questions_is_seen`.
//! **Invariant:** what was seen is kept over restarts and shown by every process, and costs a write each [`KEEP_EVERY`] at
//! most, of what is new. Test: `what_a_system_says_to_questions_is_seen`.
//! **Invariant:** what is kept, shown and logged of what a system said holds nothing of what it was asked for. Test:
//! `what_was_asked_for_is_not_kept_with_what_the_system_said`.
//! **Invariant:** a breaker is told of in the log once when it opens and once when it closes, however often it is tried
//! meanwhile. Test: `what_a_system_says_to_questions_is_seen`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use orderhub_connectors::contract::Call;
use orderhub_connectors::error::CallError;
use orderhub_lang::escape::percent;
use orderhub_lang::value::Value;
use orderhub_order::ids::SystemName;

use super::attempt::word;
use super::dispatcher::{Common, Dispatcher};
use super::mask;
use super::read::ABSENT;
use super::settle::AttemptEnd;
use super::status::LastError;
use super::tasks::Dispatchers;
use crate::resilience::gate::{Force, GateState};
use crate::resilience::{Cause, Failure};
use crate::store::SaidRow;

/// What is new is kept for other processes so often.
const KEEP_EVERY: Duration = Duration::from_secs(10);

/// Keeps what systems say, until the hub stops, and once more then.
pub(super) async fn keep(dispatchers: Dispatchers, common: Arc<Common>) {
    let mut kept: BTreeMap<SystemName, SaidRow> = BTreeMap::new();
    loop {
        let ends = tokio::select! {
            () = common.stopping.cancelled() => true,
            () = common.clock.sleep(KEEP_EVERY) => false,
        };
        let said = dispatchers.values().map(|dispatcher| dispatcher.said());
        let said = said.filter(|row| row.success.is_some() || row.error.is_some());
        let new: Vec<SaidRow> = said.filter(|row| kept.get(&row.system) != Some(row)).collect();
        if !new.is_empty() {
            match common.store.keep_said(new.clone()).await {
                Ok(()) => kept.extend(new.into_iter().map(|row| (row.system.clone(), row))),
                Err(error) => tracing::debug!(%error, "what systems said last is not kept yet"),
            }
        }
        if ends {
            return;
        }
    }
}

impl Dispatcher {
    /// A question to the system ended.
    pub(super) fn heard(&self, call: &Call<'_>, end: &AttemptEnd) {
        self.show_gates();
        let now = self.common.clock.now();
        match end {
            AttemptEnd::Done(_) | AttemptEnd::Part(_) | AttemptEnd::Waits(_) => {
                self.observed().last_success = Some(now);
            }
            AttemptEnd::Failed { failure, .. } => match failed(failure) {
                None => {}
                Some(Ok(())) => self.observed().last_success = Some(now),
                Some(Err(class)) => {
                    let operation = call.operation.to_owned();
                    let why = mask::without(&failure.to_string(), &asked(call));
                    let class = class.to_owned();
                    self.observed().last_error = Some(LastError { at: now, operation, class, why });
                }
            },
            // The system was not asked.
            AttemptEnd::Unbuilt(_)
            | AttemptEnd::OutOfTime
            | AttemptEnd::Lost
            | AttemptEnd::Lapsed { .. } => {}
        }
    }

    /// What the system said last, as far as this process knows.
    pub(super) fn said(&self) -> SaidRow {
        let observed = self.observed();
        let (success, error) = (observed.last_success, observed.last_error.clone());
        SaidRow { system: self.name.clone(), success, error }
    }

    /// Tells of a breaker that is seen in another state than before.
    pub(super) fn moved(&self, operation: String, state: GateState, forced: Option<Force>) {
        let now = self.common.clock.now();
        let mut observed = self.observed();
        let before =
            observed.breakers.get(&operation).map_or(GateState::Closed, |(state, _)| *state);
        if before == state {
            return;
        }
        if let Some(events) = &self.common.events {
            events.breaker(&self.name, &operation, state, now);
        }
        let since = observed.breakers.get(&operation).and_then(|(_, since)| *since);
        let (system, why) =
            (&self.name, observed.last_error.as_ref().map(|error| error.why.clone()));
        let since = match (state, since) {
            (GateState::Closed, Some(since)) => {
                tracing::info!(%system, operation, %since, "a breaker closed: it is called again");
                None
            }
            (GateState::Closed, None) => None,
            (GateState::Open | GateState::HalfOpen, Some(since)) => Some(since),
            (GateState::Open | GateState::HalfOpen, None) => {
                // Who holds it open has told so himself.
                if forced.is_none() {
                    tracing::warn!(%system, operation, why, "a breaker opened: it is called no more, but now and then to try");
                }
                Some(now)
            }
        };
        observed.breakers.insert(operation, (state, since));
    }
}

/// What was asked for, as a system may say it again: of an article or of a person, nobody knows.
fn asked(call: &Call<'_>) -> Vec<String> {
    let mut asked = Vec::new();
    call.args.values().for_each(|value| texts(value, &mut asked));
    let escaped: Vec<String> = asked.iter().map(|text| percent(text)).collect();
    asked.extend(escaped);
    asked
}

fn texts(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::List(list) => list.iter().for_each(|value| texts(value, into)),
        Value::Map(map) => map.iter().for_each(|(_, value)| texts(value, into)),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Decimal(_) | Value::Text(_) => {
            into.extend(value.scalar_text().map(std::borrow::Cow::into_owned));
        }
    }
}

/// What a failure says of the system; `None`: it was not asked.
fn failed(failure: &Failure) -> Option<Result<(), &'static str>> {
    match &failure.cause {
        Cause::Call(CallError::SaidNo { status, .. }) if ABSENT.contains(status) => Some(Ok(())),
        Cause::Call(error) => Some(Err(word(error))),
        Cause::Shut(_) | Cause::Limited(_) | Cause::Refused(_) | Cause::CutOff => None,
    }
}
