//! From the end of an attempt to the commit that holds its receipt.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use orderhub_connectors::contract::{Idempotency, Memo, NextStep, ReplyXref};
use orderhub_connectors::error::BuildError;
use orderhub_mapping::Mapped;
use orderhub_order::contribution::Contribution;
use orderhub_order::fold::{Act, Outcome, Receipt, ReceiptClass};
use orderhub_order::ids::element_reference;
use orderhub_order::lane::{Flight, Xref};
use orderhub_order::route::Send;

use super::bind::bind;
use super::freeze::{Frozen, projection, read_memo, write_memo};
use super::mask;
use super::send::{Hand, Rest, Turn};
use super::settle::{self, AttemptEnd, Policy, Settlement};
use super::steps::Ran;
use crate::store::{ReceiptRow, StoreError};
use crate::telemetry::trace::Span;

/// The reply names the thing that the operation made.
fn names_subject(references: &[ReplyXref], flight: &Flight) -> bool {
    let entity = flight.entity.as_str();
    references.iter().any(|xref| xref.ours.is_none() && xref.kind == entity)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// What a receipt holds besides the flight.
struct Outcomes {
    verdict: Settlement,
    xrefs: Vec<Xref>,
    reply: Option<Contribution>,
    memo: Vec<u8>,
    /// A step was written there in this attempt.
    wrote: bool,
    status: Option<u16>,
    took: Duration,
}

impl Outcomes {
    fn bare(verdict: Settlement, memo: Vec<u8>) -> Self {
        let (xrefs, reply, status, took) = (Vec::new(), None, None, Duration::ZERO);
        Self { verdict, xrefs, reply, memo, wrote: false, status, took }
    }
}

impl Hand<'_> {
    pub(super) async fn settle(
        &self,
        flight: &Flight,
        ran: Ran,
        took: Duration,
        mut span: Span,
    ) -> Result<Turn, StoreError> {
        let Ran { end, mut memo, status, known, wrote } = ran;
        let mut verdict = self.verdict(&end, flight.attempt);
        let began = !wrote && !flight.may_have_acted && flight.memo.is_empty();
        if began && verdict.class == ReceiptClass::NotActed {
            // All of it was looking: the next attempt looks again, with newer inputs if there are.
            memo = Memo::default();
        }
        let mut reply = None;
        let references = match &end {
            AttemptEnd::Done(done) => {
                reply = self.reply(flight, done.document.as_ref(), &mut verdict);
                &done.xrefs
            }
            AttemptEnd::Part(part) => &part.xrefs,
            AttemptEnd::Failed { .. }
            | AttemptEnd::Unbuilt(_)
            | AttemptEnd::Waits(_)
            | AttemptEnd::OutOfTime
            | AttemptEnd::Lost
            | AttemptEnd::Lapsed { .. } => &known,
        };
        let (mut xrefs, lost) = bind(references, flight, &self.state.order);
        if lost > 0 {
            let why = &verdict.why;
            verdict.why = format!("{why} {lost} reference(s) of the answer name nothing of ours");
        }
        // What the system calls done (now, or before) must have a name there.
        let done = matches!(verdict.class, ReceiptClass::Ok | ReceiptClass::Already);
        let mut unnamed = false;
        if done && flight.creates && !names_subject(references, flight) {
            match self.our_name(flight) {
                Some(xref) => xrefs.push(xref),
                None => {
                    let why = "the answer does not name what was made".to_owned();
                    verdict = settle::in_doubt(why);
                    unnamed = true;
                }
            }
        }
        if let Some(step) = verdict.resume {
            settle::resume_at(&mut memo, step);
        }
        if wrote && !unnamed {
            verdict.of_all_steps();
        }
        let memo = write_memo(&memo);
        span.set("orderhub.result", || verdict.shown);
        if !matches!(verdict.class, ReceiptClass::Ok | ReceiptClass::Already) {
            span.fail(verdict.shown);
        }
        drop(span);
        tracing::debug!(class = verdict.shown, status, took_ms = millis(took), "an attempt ended");
        self.end(flight, Outcomes { verdict, xrefs, reply, memo, wrote, status, took }).await
    }

    /// Stores the receipt; a call that does not wait, and would find the system down, is given up with it.
    async fn end(&self, flight: &Flight, mut outcomes: Outcomes) -> Result<Turn, StoreError> {
        let ends = !outcomes.wrote && self.is_not_tried_again(flight, &mut outcomes.verdict);
        let memo = ends.then(|| outcomes.memo.clone());
        let turn = self.receipt(flight, outcomes).await?;
        if let Some(memo) = memo {
            self.not_again(flight, memo).await?;
        }
        Ok(turn)
    }

    /// Where the operation declares no reference of its own, our `ref` is the id there.
    fn our_name(&self, flight: &Flight) -> Option<Xref> {
        let operations = self.system.connector.operations();
        let operation = operations.iter().find(|known| *known.name == *flight.operation)?;
        if operation.names {
            return None;
        }
        let order = &self.state.order;
        let at = flight.want.subject.clone();
        let ext_id = match at.id() {
            Some(id) => element_reference(&order.reference, at.collection(), id).into(),
            None => order.reference.clone(),
        };
        Some(Xref { kind: flight.entity.as_str().into(), at, ext_id: ext_id.into() })
    }

    /// The reply's document, mapped back onto the subject.
    fn reply(
        &self,
        flight: &Flight,
        document: Option<&Bytes>,
        verdict: &mut Settlement,
    ) -> Option<Contribution> {
        let delivery = self.delivery(&flight.want.rule, &flight.operation)?;
        let mapping = delivery.reply.as_ref()?;
        let subject = self.subject(&flight.want);
        let mapped = mapping.run(document?, &self.context(Some(subject)));
        for mapped in mapped {
            match mapped {
                Mapped::Document(contribution) => return Some(*contribution),
                Mapped::Skipped => {}
                Mapped::Failed(error) => {
                    verdict.why = format!("delivered; its reply cannot be mapped: {}", error.why);
                }
            }
        }
        None
    }

    fn verdict(&self, end: &AttemptEnd, attempt: u32) -> Settlement {
        let common = &self.dispatcher.common;
        let (redelivery, jitter) = (&common.bounds.redelivery, &common.jitter);
        settle::judge(end, Policy { redelivery, jitter, attempt, now: common.clock.now() })
    }

    /// A flight of a process that is gone.
    pub(super) async fn lapsed(&self, flight: &Flight) -> Result<Turn, StoreError> {
        let began = flight.last_call().unwrap_or(flight.deadline);
        let (frozen, mut memo) = (Frozen::from_bytes(&flight.inputs), read_memo(&flight.memo));
        memo.iter_mut().for_each(Memo::go_on);
        let request = frozen.as_ref().zip(memo.as_ref()).map(|(frozen, memo)| {
            let base = &self.system.base_url;
            let call = frozen.call(&flight.operation, &flight.key, flight.attempt, base);
            self.system.connector.next(&call, memo)
        });
        let (idempotency, timeout) = match request {
            Some(Ok(NextStep::Send(request))) => (request.idempotency, request.timeout),
            Some(Ok(NextStep::Done(_) | NextStep::Wait(_) | NextStep::Part(_))) => {
                (Idempotency::Safe, Duration::ZERO)
            }
            // Nobody can say what was in the air: a person must look.
            Some(Err(_)) | None => (Idempotency::Unsafe, Duration::ZERO),
        };
        let verdict =
            self.verdict(&AttemptEnd::Lapsed { idempotency, began, timeout }, flight.attempt);
        let mut memo = memo.unwrap_or_default();
        if let Some(step) = verdict.resume {
            settle::resume_at(&mut memo, step);
        }
        let memo = write_memo(&memo);
        let outcomes = Outcomes::bare(verdict, memo);
        self.receipt(flight, outcomes).await?;
        Ok(Turn::Again)
    }

    /// Frozen by a program whose form this one does not read.
    pub(super) async fn unreadable(&self, flight: &Flight) -> Result<Turn, StoreError> {
        let why = "what was frozen cannot be read by this program; settle it by hand".to_owned();
        let outcomes = Outcomes::bare(settle::in_doubt(why), flight.memo.clone());
        self.receipt(flight, outcomes).await
    }

    /// A subject that cannot be mapped out: its flight is stored and ends at once, for a person to see.
    pub(super) async fn dead(&self, send: &Send<'_>, why: String) -> Result<Turn, StoreError> {
        let empty = Frozen::read(&self.system.settings, BTreeMap::new(), Vec::new());
        let flight = self.flight(send, &empty, projection(&[]), Vec::new());
        let act =
            Act::Fly { system: self.dispatcher.name.clone(), flight: Box::new(flight.clone()) };
        if !matches!(self.commit(act, None).await?, Some(Outcome::Applied { .. })) {
            return Ok(Turn::Rest(Rest::Done));
        }
        let end = AttemptEnd::Unbuilt(BuildError::Step { step: "map out".to_owned(), why });
        let outcomes = Outcomes::bare(self.verdict(&end, flight.attempt), Vec::new());
        self.receipt(&flight, outcomes).await
    }

    /// What a system says of a call may echo what was sent to it.
    fn masked(&self, why: &str, flight: &Flight) -> String {
        mask::masked(why, self.dispatcher.hidden(&*self.system.connector), &flight.values)
    }

    async fn receipt(&self, flight: &Flight, outcomes: Outcomes) -> Result<Turn, StoreError> {
        let Outcomes { mut verdict, xrefs, reply, memo, wrote, status, took } = outcomes;
        verdict.why = self.masked(&verdict.why, flight);
        let row = ReceiptRow {
            at: self.dispatcher.common.clock.now(),
            system: self.dispatcher.name.to_string(),
            operation: flight.operation.to_string(),
            attempt: flight.attempt,
            class: verdict.shown.to_owned(),
            status,
            ms: millis(took),
            why: verdict.why.clone(),
        };
        let receipt = Receipt {
            system: self.dispatcher.name.clone(),
            fence: flight.fence,
            class: verdict.class,
            wrote: wrote || verdict.may_be_there,
            xrefs,
            reply,
            why: verdict.why.clone(),
            memo,
            next_due: verdict.next_due,
        };
        self.dispatcher.settled(flight, &verdict, took);
        self.show(flight, &row);
        // What happened outside must not be forgotten: the receipt waits for the store.
        loop {
            let act = Act::Receipt(Box::new(receipt.clone()));
            match self.commit(act, Some(row.clone())).await {
                Ok(_) => return Ok(Turn::Rest(Rest::Done)),
                Err(StoreError::Closed) => return Err(StoreError::Closed),
                Err(error) => {
                    tracing::error!(%error, order = %self.key.shown(), system = %self.dispatcher.name,
                        "a receipt is not stored yet; trying again");
                    self.dispatcher.common.clock.sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }
}
