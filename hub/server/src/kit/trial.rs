//! One call with one fault at one step, through the hub's own steps and stack, until it is done or is somebody's affair.
//!
//! The time between two attempts is not waited for: how long it would be is part of what was seen. A call that goes on
//! from the step as it did when nothing went wrong ends there: the rest is known. Bound: [`MOST`] attempts.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use orderhub_connectors::contract::{Connector, Credentials, Memo, NO_SESSION, NextStep, Reply};

use tokio::time::Instant;

use super::fault::Fault;
use super::known::{Choices, Known};
use super::peer::{Peer, Sent, Span, Struck};
use super::watched::Watched;
use crate::deliver::Secret;
use crate::deliver::bench::{Bench, BenchError, Comes};

/// Attempts of one call.
const MOST: u32 = 6;
/// Stands in every secret, and must stand nowhere else.
pub(crate) const CANARY: &str = "KITCANARY";

/// A step, and the way to it and to the end.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) known: Arc<Known>,
    pub(crate) step: String,
    pub(crate) choices: Choices,
}

/// How a call ended, and what was seen on the way.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) comes: Comes,
    pub(crate) class: &'static str,
    /// Of each attempt.
    pub(crate) whys: Vec<String>,
    pub(crate) waits: Vec<Duration>,
    /// When each attempt ended.
    pub(crate) ends: Vec<Instant>,
    pub(crate) sent: Vec<Sent>,
    pub(crate) struck: Struck,
    pub(crate) reply: Option<Reply>,
    pub(crate) memo: Memo,
    /// What trials of the step need not repeat, where nothing went wrong.
    pub(crate) span: Span,
}

impl Ended {
    /// How long after it was sent the next attempt begins, at least; `None`: there is none.
    pub(crate) fn until_next(&self, sent: &Sent) -> Option<Duration> {
        let at = usize::try_from(sent.attempt).ok()?.checked_sub(1)?;
        let (ended, wait) = (self.ends.get(at)?, self.waits.get(at)?);
        Some(ended.duration_since(sent.at) + *wait)
    }

    /// How often, and when, a step was sent.
    pub(crate) fn of<'e>(&'e self, step: &'e str) -> impl Iterator<Item = &'e Sent> {
        self.sent.iter().filter(move |sent| sent.step == step)
    }
}

/// The values that a secret has: the second is taken where the first is refused.
fn secret() -> Secret {
    Arc::new(|name: &str| [1, 2].map(|n| format!("{CANARY}-{name}-{n}")).to_vec())
}

/// Where a trial begins, and what it need not repeat.
#[derive(Clone, Debug, Default)]
pub(crate) struct From {
    /// The call when the step is due.
    pub(crate) memo: Memo,
    pub(crate) span: Span,
    /// What is kept in the end when all goes well.
    pub(crate) ends: Memo,
}

/// Tries it.
///
/// # Errors
///
/// [`BenchError`]: the bench itself fails.
pub(crate) async fn run(
    bench: &Bench,
    target: &Target,
    from: From,
    fault: Fault,
) -> Result<Ended, BenchError> {
    let choices = target.choices.clone();
    let peer = Peer::new(&target.known, (&target.step, fault), (choices, from.span));
    let system = bench.system(Arc::<Peer>::clone(&peer), secret())?;
    let watched = Watched(Arc::clone(&peer));
    let (mut memo, mut doubted) = (from.memo, false);
    let (mut whys, mut waits, mut ends) = (Vec::new(), Vec::new(), Vec::new());
    let mut attempt = 0;
    loop {
        attempt += 1;
        peer.begins(attempt);
        let call = target.known.inputs.call(attempt);
        let tried = system.attempt(&watched, &call, (memo, doubted)).await;
        whys.push(tried.why);
        waits.push(tried.wait);
        ends.push(Instant::now());
        doubted |= tried.may_have_acted;
        memo = tried.memo;
        if tried.comes != Comes::Again || attempt == MOST {
            let (sent, struck, cut) = peer.seen();
            let (comes, class, reply) = (tried.comes, tried.class, tried.reply);
            let (memo, span) = (if cut { from.ends } else { memo }, peer.span());
            return Ok(Ended { comes, class, whys, waits, ends, sent, struck, reply, memo, span });
        }
    }
}

/// Whether requests carry a credential.
pub(crate) fn is_authorized(connector: &dyn Connector, target: &Target, memo: &Memo) -> bool {
    let call = target.known.inputs.call(1);
    let Ok(NextStep::Send(mut request)) = connector.next(&call, memo) else { return false };
    let reads = Cell::new(false);
    let secret = |_: &str| {
        reads.set(true);
        vec![CANARY.to_owned()]
    };
    let settings = target.known.inputs.settings();
    let with = Credentials { secret: &secret, settings, now: 0, nonce: "n", session: NO_SESSION };
    // One that lacks a session reads it all the same.
    connector.authorize(&mut request, &with).is_err()
        || reads.get()
        || (connector.logs_in().is_some() && request.own.is_none())
}

/// Whether the same request is built each time that a connector is asked for it.
pub(crate) fn is_steady(connector: &dyn Connector, target: &Target, memo: &Memo) -> bool {
    let call = target.known.inputs.call(1);
    let built = || match connector.next(&call, memo) {
        Ok(NextStep::Send(request)) => Some(super::peer::built(&request)),
        Ok(NextStep::Wait(_) | NextStep::Part(_) | NextStep::Done(_)) | Err(_) => None,
    };
    let first = built();
    first.is_some() && (0..3).all(|_| built() == first)
}
