//! Fetches what hints named: for each document as many calls as it takes to have been asked for after the
//! last hint, one at a time.
//!
//! A hint raises `wanted` in the commit that stores its message. A fetch remembers `wanted` as `n` and asks;
//! its answer is committed as the message `fetch:<id>:<n>` together with `done = n`. While `wanted > done` the
//! document is due again. **Invariant:** what was hinted at is asked for after its last hint, whatever dies in
//! between; many hints that come before the call make one. Tests:
//! `a_hint_that_comes_during_a_fetch_wants_another`, `many_hints_make_few_calls_and_a_kill_loses_none`.
//!
//! One process at a time fetches for a system, under a lease that every commit of an answer names. Bounds:
//! [`AT_ONCE`] calls of a system; waits by the long policy of deliveries, then a todo `dead`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use orderhub_lang::value::Value;
use orderhub_order::fold::TodoKind;
use orderhub_order::ids::SystemName;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::leased::{self, End, Parts};
use super::{Envelope, Intake};
use crate::apply::{Beside, FetchDone};
use crate::bundle::{self, ARGS, Bundle, FETCH, HINT};
use crate::causes;
use crate::deliver::{Asked, Question};
use crate::store::{FetchRow, Lease, StoreError};

/// Calls of one system at once: those of deliveries go beside them.
const AT_ONCE: usize = 8;
/// Documents looked at: one that waits for its operation's breaker holds up no other.
const LOOKED_AT: usize = 256;
/// Between two looks at what is due.
const LOOK: Duration = Duration::from_millis(250);
/// After an error of the store.
const BREATH: Duration = Duration::from_secs(1);
/// Between two looks at what nothing hints at any more.
const PRUNE: SignedDuration = SignedDuration::from_hours(1);
/// Documents that nothing hinted at for so long are forgotten, as ids of messages are.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Whether a bundle names documents of a system that are fetched.
pub(super) fn is_wanted(bundle: &Bundle, system: &SystemName) -> bool {
    let system = bundle.system(system);
    system.is_some_and(|system| system.intakes.iter().any(|intake| intake.fetch.is_some()))
}

/// Fetches what is due of a system, until `stop`, or until the files name nothing to fetch and nothing is due.
pub(super) async fn run(parts: Parts, system: SystemName, stop: CancellationToken) {
    let (own, ends) = (parts.clone(), stop.clone());
    leased::hold(parts, format!("fetch:{system}"), stop, move |lease| {
        let (parts, name, stop) = (own.clone(), system.clone(), ends.clone());
        Box::pin(async move { work(&parts, &name, &lease, &stop).await })
    })
    .await;
}

/// Fetches while the lease is held.
async fn work(parts: &Parts, system: &SystemName, lease: &Lease, stop: &CancellationToken) -> End {
    let fetcher = Arc::new(Fetcher {
        parts: parts.clone(),
        intake: parts.intake.under(lease.clone()),
        system: system.clone(),
    });
    let (mut calls, mut under_way) = (JoinSet::new(), BTreeSet::new());
    let mut next_prune = parts.clock.now();
    loop {
        tokio::select! {
            () = stop.cancelled() => return End::Cut,
            () = lease.lost() => return End::Cut,
            () = parts.clock.sleep(LOOK) => {}
            Some(ended) = calls.join_next_with_id(), if !calls.is_empty() => {
                let task = match ended {
                    Ok((task, ())) => task,
                    Err(error) => {
                        tracing::error!(%error, %system, "a fetch ended badly");
                        parts.clock.sleep(BREATH).await;
                        error.id()
                    }
                };
                under_way.retain(|(_, of)| *of != task);
            }
        }
        let room = AT_ONCE.saturating_sub(under_way.len());
        if room == 0 {
            continue;
        }
        // What is under way is due still, and may stand first.
        let due = parts.store.fetches(system, parts.clock.now(), LOOKED_AT).await;
        let due = match due {
            Ok(due) => due,
            Err(error) => {
                tracing::warn!(%error, %system, "what is to be fetched cannot be read");
                parts.clock.sleep(BREATH).await;
                continue;
            }
        };
        if due.is_empty() && calls.is_empty() && !is_wanted(&parts.intake.bundle(), system) {
            return End::Done;
        }
        let fresh = |row: &FetchRow| under_way.iter().all(|(id, _)| *id != row.id);
        let open = due.into_iter().filter(fresh).filter(|row| fetcher.is_open(row));
        for row in open.take(room).collect::<Vec<_>>() {
            let (id, fetcher) = (row.id, Arc::clone(&fetcher));
            let task = calls.spawn(async move { fetcher.fetch(row).await });
            under_way.insert((id, task.id()));
        }
        let now = parts.clock.now();
        if now >= next_prune {
            next_prune = later(now, PRUNE);
            prune(parts, system, now).await;
        }
    }
}

async fn prune(parts: &Parts, system: &SystemName, now: Timestamp) {
    let before = now.checked_sub(KEPT).unwrap_or(Timestamp::MIN);
    if let Err(error) = parts.store.prune_fetches(system, before).await {
        tracing::warn!(%error, %system, "what nothing hints at any more stays for now");
    }
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// What the calls of one system share.
struct Fetcher {
    parts: Parts,
    /// Commits only while the lease is held.
    intake: Intake,
    system: SystemName,
}

impl Fetcher {
    fn how(&self, row: &FetchRow) -> Option<Arc<bundle::Fetch>> {
        let bundle = self.intake.bundle();
        let intakes = &bundle.system(&self.system)?.intakes;
        let own = intakes.iter().filter(|intake| intake.document == row.key.document);
        own.filter_map(|intake| intake.fetch.as_ref()).map(Arc::clone).next()
    }

    /// Whether the system may be asked at all now; what may not waits and costs nothing.
    fn is_open(&self, row: &FetchRow) -> bool {
        let how = self.how(row);
        how.is_none_or(|how| self.parts.deliverer.shut_for(&self.system, &how.operation).is_none())
    }

    async fn fetch(&self, row: FetchRow) {
        let asked = match self.how(&row) {
            Some(how) => self.ask(&row, &how).await,
            None => Asked::GivenUp(format!(
                "no intake of `{}` fetches the document `{}` any more",
                self.system, row.key.document
            )),
        };
        let settled = match asked {
            Asked::Answer(reply) => match reply.document {
                Some(document) => self.answered(&row, document).await,
                None => self.refused(&row, causes::NOT_THERE, "the answer has no document").await,
            },
            Asked::Again { at, spent, why } => {
                let attempts = row.attempts.saturating_add(u32::from(spent));
                self.parts.store.fetch_again(row.id, attempts, at, why).await
            }
            Asked::No { status: 404 | 410, why } => {
                self.refused(&row, causes::NOT_THERE, &why).await
            }
            Asked::No { why, .. } => self.refused(&row, causes::SAID_NO, &why).await,
            Asked::GivenUp(why) => self.refused(&row, causes::NOT_FETCHED, &why).await,
        };
        if let Err(error) = settled {
            // It is due still.
            let (system, id) = (&self.system, row.id);
            tracing::warn!(%error, %system, fetch = id, "what came of a fetch was not stored");
            self.parts.clock.sleep(BREATH).await;
        }
    }

    async fn ask(&self, row: &FetchRow, how: &bundle::Fetch) -> Asked {
        let args = row.args.iter().map(|(name, value)| (name.clone(), Value::text(value.as_str())));
        let question = Question {
            operation: &how.operation,
            args: args.collect(),
            fields: &how.fields,
            attempts: row.attempts,
        };
        self.parts.deliverer.ask(&self.system, question).await
    }

    fn envelope(&self, row: &FetchRow, source: &str, body: Bytes) -> Envelope {
        Envelope {
            source: source.into(),
            system: self.system.clone(),
            document: (*row.key.document).into(),
            message_id: Some(format!("fetch:{}:{}", row.id, row.wanted)),
            body,
            headers: Vec::new(),
            received: self.parts.clock.now(),
            suspect: false,
        }
    }

    /// One commit: the document, and that it was asked for after so many hints.
    async fn answered(&self, row: &FetchRow, document: Bytes) -> Result<(), StoreError> {
        let mut envelope = self.envelope(row, FETCH, document);
        // Texts always serialise.
        let args = serde_json::to_string(&row.args).unwrap_or_default();
        envelope.headers.push((ARGS.to_owned(), args));
        let done = Some(FetchDone { key: row.key.clone(), n: row.wanted });
        let beside = Beside { done, ..Beside::default() };
        self.intake.take_with(envelope, beside, None).await.map(drop)
    }

    /// For a person: replaying the todo hints at the document again.
    async fn refused(
        &self,
        row: &FetchRow,
        cause: &'static causes::Cause,
        why: &str,
    ) -> Result<(), StoreError> {
        let body = serde_json::to_vec(&row.args).unwrap_or_default();
        let envelope = self.envelope(row, HINT, body.into());
        // What is gone there is there no more to be fetched: something to look at, not a failure.
        let kind = if cause == causes::NOT_THERE { TodoKind::Finding } else { TodoKind::Dead };
        let why = format!(
            "`{}` {} could not be fetched: {why}; replay it to ask again",
            row.key.document, row.key.ext_id
        );
        let done = Some(FetchDone { key: row.key.clone(), n: row.wanted });
        let beside = Beside { done, shown_as: Some(kind), ..Beside::default() };
        self.intake.take_with(envelope, beside, Some((cause.word, why))).await.map(drop)
    }
}
