//! When what stood in the way is gone, what was put off because of it is due at once: a person resumed the
//! system or closed its breaker, its secret was replaced, or it takes our credential again.
//!
//! **Invariant:** nobody waits for the time of a trouble that is over. Tests:
//! `what_a_refused_credential_put_off_is_due_at_once_when_it_is_taken_again`,
//! `a_secret_that_is_replaced_is_tried_at_once`, `a_poll_that_was_put_off_goes_on_when_its_system_is_resumed`.
//!
//! All lanes are due then and none is called before its turn: limits and permits spread them. Bounds: [`PAGE`]
//! lanes in one commit, one page after the other, at most [`MOST_PAGES`], by one process at a time.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashSet};
use std::hash::{Hash as _, Hasher as _};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use orderhub_order::fold::{Act, Facts};
use orderhub_order::ids::OrderKey;

use super::dispatcher::{Common, Dispatcher};
use super::tasks::Dispatchers;
use crate::apply::{OrderUnit, Unit};
use crate::store::{Lease, Scope, StoreError};

/// Lanes brought forward by one commit.
const PAGE: usize = 256;
/// Pages of one pass: a million lanes. What is beyond is due at its own time.
const MOST_PAGES: usize = 4096;
/// After an error of the store, and while it is another's turn.
const BREATH: Duration = Duration::from_secs(1);

/// What one system has to catch up with.
#[derive(Debug, Default)]
pub(super) struct Easing {
    times: AtomicU64,
    /// Lanes are to be brought forward.
    wanted: AtomicBool,
    credentials: Mutex<Refusals>,
}

/// How the credentials were seen last.
#[derive(Debug, Default)]
struct Refusals {
    /// How often they had been taken again.
    taken_again: u64,
    /// The secrets that were refused, by proof and name: hashes of their values.
    with: BTreeMap<String, BTreeMap<String, u64>>,
}

impl Easing {
    pub(super) fn times(&self) -> u64 {
        self.times.load(Ordering::Acquire)
    }

    /// The system refused calls made with these, which are of a proof.
    pub(super) fn refused_with(&self, proof: String, secrets: BTreeMap<String, u64>) {
        // Many calls are refused at once, and one of them alone may know with what.
        self.refusals().with.entry(proof).or_default().extend(secrets);
    }

    fn refusals(&self) -> std::sync::MutexGuard<'_, Refusals> {
        self.credentials.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A hash that says whether the values of a secret are still the same; it never leaves the process.
pub(super) fn print(values: &[String]) -> u64 {
    let mut hasher = DefaultHasher::new();
    values.hash(&mut hasher);
    hasher.finish()
}

impl Dispatcher {
    /// What was put off is due.
    pub(super) fn ease(&self) {
        self.easing.times.fetch_add(1, Ordering::AcqRel);
        self.easing.wanted.store(true, Ordering::Release);
        self.ring().hurry();
        self.wake.notify_one();
        self.common.eased.notify_one();
    }

    /// Tries again when the secrets are other than those that were refused, and eases when they are taken.
    pub(super) fn look_at_credentials(&self) {
        for (proof, credential) in self.guards.proofs.all() {
            if self.is_renewed(&proof, credential.is_refused()) {
                tracing::info!(system = %self.name, proof, "a secret was replaced: the credential is tried again");
                self.guards.accepted(&proof);
            }
        }
        let taken_again = self.guards.proofs.taken_again();
        if std::mem::replace(&mut self.easing.refusals().taken_again, taken_again) != taken_again {
            self.ease();
        }
    }

    /// Whether a secret of a refused proof is another by now than the one that was refused. One that is taken is
    /// forgotten.
    fn is_renewed(&self, proof: &str, refused: bool) -> bool {
        let mut last = self.easing.refusals();
        let other = |(name, with): (&String, &u64)| print(&(self.secret)(name)) != *with;
        let renewed = refused && last.with.get(proof).into_iter().flatten().any(other);
        if renewed || !refused {
            last.with.remove(proof);
        }
        renewed
    }
}

/// Brings forward what is to be, until told to stop.
pub(super) async fn run(dispatchers: Dispatchers, common: Arc<Common>) {
    loop {
        tokio::select! {
            () = common.stopping.cancelled() => return,
            () = common.eased.notified() => {}
        }
        let mut left = false;
        for dispatcher in dispatchers.values() {
            if !dispatcher.easing.wanted.swap(false, Ordering::AcqRel) {
                continue;
            }
            let all = in_turn(dispatcher).await.unwrap_or_else(|error| {
                tracing::warn!(%error, system = %dispatcher.name, "what was put off is not due yet");
                false
            });
            if !all {
                dispatcher.easing.wanted.store(true, Ordering::Release);
                left = true;
            }
        }
        if left {
            tokio::select! {
                () = common.stopping.cancelled() => return,
                () = common.clock.sleep(BREATH) => common.eased.notify_one(),
            }
        }
    }
}

/// One process after the other: who comes second finds what the first left, and what was put off since. `false`:
/// it is another's turn.
async fn in_turn(dispatcher: &Dispatcher) -> Result<bool, StoreError> {
    let store = &dispatcher.common.store;
    let Some(lease) = store.lease(&format!("ease:{}", dispatcher.name)).await? else {
        return Ok(false);
    };
    let done = forward(dispatcher, &lease).await;
    store.give_back(lease).await;
    done.map(|()| true)
}

/// Each lane once; one that cannot be brought forward does not keep back those after it.
async fn forward(dispatcher: &Dispatcher, lease: &Lease) -> Result<(), StoreError> {
    let Common { store, apply, clock, stopping, .. } = &*dispatcher.common;
    let apply = apply.under(lease.clone());
    store.hurry_fetches(&dispatcher.name, clock.now()).await?;
    let (mut after, mut seen, mut done) = (clock.now(), HashSet::new(), Ok(()));
    for _ in 0..MOST_PAGES {
        if stopping.is_cancelled() || lease.is_lost() {
            break;
        }
        let keys = store.put_off(&dispatcher.name, after, PAGE).await?;
        let Some(last) = keys.last().copied() else { break };
        let new: Vec<_> = keys.into_iter().filter(|key| seen.insert(*key)).collect();
        if new.is_empty() {
            // They failed, or were put off again since: what is left is due after them.
            let beyond = due(dispatcher, last).await?.filter(|due| *due > after);
            let Some(beyond) = beyond else { break };
            after = beyond;
            continue;
        }
        let acts = new.iter().map(|key| apply.submit(act(dispatcher, *key)));
        let results = join_all(acts).await;
        done = results.into_iter().map(|result| result.map(|_| ())).fold(done, Result::and);
    }
    done
}

async fn due(dispatcher: &Dispatcher, key: OrderKey) -> Result<Option<Timestamp>, StoreError> {
    let state = dispatcher.common.store.state(&Scope::All, key).await?;
    let lane = state.as_ref().and_then(|state| state.lanes.get(&dispatcher.name));
    Ok(lane.and_then(|lane| lane.due_at))
}

fn act(dispatcher: &Dispatcher, key: OrderKey) -> Unit {
    let facts = Facts {
        actor: "hub".into(),
        cause: "eased".into(),
        received: Some(dispatcher.common.clock.now()),
        ..Facts::default()
    };
    let act = Act::Hurry { system: dispatcher.name.clone() };
    Unit::Order(Box::new(OrderUnit { key, act, facts, receipt: None }))
}
