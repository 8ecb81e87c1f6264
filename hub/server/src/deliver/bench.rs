//! One system by itself, without orders and lanes: calls run through the same steps, the same stack and the same
//! verdicts as deliveries do. For those who try a connector.
//!
//! What lanes add is left out: nothing is stored, and nobody waits for the time of the next attempt; how long that would
//! be is told instead.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use orderhub_connectors::contract::{Call, Connector, Memo, Reply};
use orderhub_mapping::integration::SystemShapes;
use orderhub_order::flow::{Flow, Ownership};
use orderhub_order::fold::ReceiptClass;
use orderhub_order::ids::SystemName;
use tokio::sync::{Notify, Semaphore, mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::again::{Asks, look_first};
use super::dispatcher::{Common, Dispatcher};
use super::settle::{self, AttemptEnd, Policy};
use super::steps::Run;
use super::{Account, Bounds, Secret};
use crate::apply::{self, Apply};
use crate::bundle::Bundle;
use crate::clock::Clock;
use crate::resilience::gate::PolicyError;
use crate::resilience::retry::Retries;
use crate::resilience::{self, Jitter};
use crate::store::Store;
use crate::store::sqlite::{Options, SqliteStore};
use crate::transport::Transport;

/// Longest time of one attempt here.
const ATTEMPT: Duration = Duration::from_secs(30);
/// The short waits inside a call: what a system asks for is waited for all the same.
const FIRST_WAIT: Duration = Duration::from_millis(2);
/// Changes that may wait for a commit; there are none.
const QUEUED: usize = 8;

/// Why no bench can be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BenchError {
    #[error("no folder for files that are thrown away again: {0}")]
    Folder(#[from] std::io::Error),
    #[error("no store for the bench: {0}")]
    Store(String),
    #[error(transparent)]
    Policy(#[from] PolicyError),
}

/// Where systems are tried: an empty store and an empty bundle.
#[derive(Debug)]
pub(crate) struct Bench {
    store: Arc<dyn Store>,
    apply: Apply,
    bundle: watch::Receiver<Arc<Bundle>>,
    /// Moves with tokio's, as the waits of the stack do.
    clock: Clock,
    stop: CancellationToken,
    _folder: tempfile::TempDir,
}

impl Bench {
    /// Opens one, in a folder that is removed with it. Needs a runtime.
    ///
    /// # Errors
    ///
    /// [`BenchError`].
    pub(crate) fn open() -> Result<Self, BenchError> {
        let folder = tempfile::tempdir()?;
        let store = SqliteStore::open(&Options::at(folder.path().join("bench.db")));
        let store: Arc<dyn Store> =
            Arc::new(store.map_err(|error| BenchError::Store(error.to_string()))?);
        let (flow, ownership) = (Flow::embedded(), Ownership::embedded());
        let shapes = Box::new(SystemShapes::new(BTreeMap::new()));
        let (rules, systems) = (BTreeMap::new(), BTreeMap::new());
        let bundle = Bundle::from_parts("bench".into(), flow, ownership, rules, systems, shapes);
        let (_, bundle) = watch::channel(Arc::new(bundle));
        let (handed, _) = mpsc::channel(QUEUED);
        let clock = Clock::starting_at(Clock::system().now());
        let stop = CancellationToken::new();
        let parts =
            apply::Parts { store: Arc::clone(&store), bundle: bundle.clone(), clock, handed };
        let (apply, _) = apply::start(parts, QUEUED, stop.clone());
        Ok(Self { store, apply, bundle, clock, stop, _folder: folder })
    }

    /// A system that was never called before.
    ///
    /// # Errors
    ///
    /// [`BenchError::Policy`].
    pub(crate) fn system(
        &self,
        transport: Arc<dyn Transport>,
        secret: Secret,
    ) -> Result<Alone, BenchError> {
        let bounds = Bounds::default();
        let common = Arc::new(Common {
            store: Arc::clone(&self.store),
            apply: self.apply.clone(),
            bundle: self.bundle.clone(),
            transport,
            clock: self.clock,
            jitter: Jitter::none(),
            bounds,
            global: Arc::new(Semaphore::new(bounds.global)),
            stopping: CancellationToken::new(),
            tap: crate::tap::Tap::default(),
            events: None,
            eased: Notify::new(),
        });
        let retries = Retries { first_wait: FIRST_WAIT, ..Retries::default() };
        let policy = resilience::Policy { retries, ..resilience::Policy::default() };
        let account = Account { secret, policy, limits: BTreeMap::new() };
        let name = SystemName::new("bench");
        Ok(Alone { dispatcher: Dispatcher::open(&common, &name, account, None)? })
    }

    /// Ends it.
    pub(crate) async fn close(self) {
        self.stop.cancel();
        self.store.close().await;
    }
}

/// One system.
#[derive(Debug)]
pub(crate) struct Alone {
    dispatcher: Dispatcher,
}

/// What becomes of a call after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comes {
    /// It is done.
    Done,
    /// It is tried again.
    Again,
    /// It waits until the credential is taken again.
    Credential,
    /// A person is shown that it may be there.
    Doubt,
    /// A person is shown that it was refused, or cannot be sent.
    Refused,
}

/// One attempt.
#[derive(Debug)]
pub(crate) struct Attempted {
    pub(crate) comes: Comes,
    /// Its class, in the words of receipts.
    pub(crate) class: &'static str,
    /// For a person, without secrets.
    pub(crate) why: String,
    /// Where the next attempt goes on.
    pub(crate) memo: Memo,
    /// How long that one waits, at least.
    pub(crate) wait: Duration,
    pub(crate) reply: Option<Reply>,
    /// Nobody knows whether it acted.
    pub(crate) may_have_acted: bool,
}

impl Alone {
    /// One attempt at a call, from where the last one ended. `doubted`: that one may have acted.
    pub(crate) async fn attempt(
        &self,
        connector: &dyn Connector,
        call: &Call<'_>,
        (mut memo, doubted): (Memo, bool),
    ) -> Attempted {
        let common = &self.dispatcher.common;
        if doubted {
            look_first(connector, call, &mut memo, Asks::Retry);
        }
        let began = !doubted && memo == Memo::default();
        let until = Instant::now() + ATTEMPT;
        let dispatcher = &self.dispatcher;
        let run =
            Run { dispatcher, connector, call, until, in_hand: None, flying: None, place: None };
        let ran = run.run(memo, None).await;
        let (redelivery, jitter) = (&common.bounds.redelivery, &common.jitter);
        let now = common.clock.now();
        let policy = Policy { redelivery, jitter, attempt: call.attempt, now };
        let mut verdict = settle::judge(&ran.end, policy);
        let mut memo = ran.memo;
        if began && !ran.wrote && verdict.class == ReceiptClass::NotActed {
            memo = Memo::default();
        }
        let reply = match ran.end {
            AttemptEnd::Done(reply) => Some(*reply),
            AttemptEnd::Failed { .. }
            | AttemptEnd::Waits(_)
            | AttemptEnd::Part(_)
            | AttemptEnd::Unbuilt(_)
            | AttemptEnd::OutOfTime
            | AttemptEnd::Lost
            | AttemptEnd::Lapsed { .. } => None,
        };
        if reply.as_ref().is_some_and(|reply| unnamed(connector, call, reply)) {
            verdict = settle::in_doubt("the answer does not name what was made".to_owned());
        }
        if let Some(step) = verdict.resume {
            settle::resume_at(&mut memo, step);
        }
        memo.go_on();
        let wait = verdict.next_due.map(|due| due.duration_since(now));
        Attempted {
            comes: comes(verdict.class),
            class: verdict.shown,
            why: verdict.why,
            // What is stored of it is enough to go on.
            memo: Memo::from_bytes(&memo.to_bytes()).unwrap_or_default(),
            wait: wait.and_then(|wait| Duration::try_from(wait).ok()).unwrap_or_default(),
            reply,
            may_have_acted: verdict.class == ReceiptClass::MayHaveActed || ran.wrote,
        }
    }
}

/// What is made must be named by the answer, where the operation says so.
fn unnamed(connector: &dyn Connector, call: &Call<'_>, reply: &Reply) -> bool {
    let operation = connector.operations().iter().find(|known| known.name == call.operation);
    let entity = operation.filter(|known| known.creates && known.names);
    let entity = entity.and_then(|known| known.entity.as_deref());
    let named = |entity| reply.xrefs.iter().any(|x| x.ours.is_none() && x.kind == entity);
    entity.is_some_and(|entity| !named(entity))
}

fn comes(class: ReceiptClass) -> Comes {
    match class {
        ReceiptClass::Ok | ReceiptClass::Already | ReceiptClass::Shadowed => Comes::Done,
        ReceiptClass::NotActed | ReceiptClass::MayHaveActed | ReceiptClass::Throttled => {
            Comes::Again
        }
        ReceiptClass::NotAllowed => Comes::Credential,
        ReceiptClass::InDoubt => Comes::Doubt,
        ReceiptClass::SaidNo | ReceiptClass::Dead => Comes::Refused,
    }
}
