//! The other processes on the store, as the stack of one system sees them.
//!
//! What is told is told in order by one task, beside the calls; what has no room in its queue is left out: the
//! others find it out for themselves.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use orderhub_order::ids::SystemName;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::dispatcher::{Common, Dispatcher};
use super::tasks::Dispatchers;
use crate::resilience::gate::Force;
use crate::resilience::limit::Rate;
use crate::resilience::purse::Settled;
use crate::resilience::share::Share;
use crate::store::{Ask, Leave, News, PauseRow, Shared, Store};

/// News that wait to be told.
const MOST_NEWS: usize = 256;
/// When the store does not answer, a limit is asked for again after so long.
const NO_ANSWER: Duration = Duration::from_secs(1);

/// One system at the store.
#[derive(Debug)]
pub(super) struct AtStore {
    store: Arc<dyn Store>,
    system: SystemName,
    news: mpsc::Sender<(SystemName, News)>,
}

/// Told to all, in the order in which it came.
pub(super) type Told = mpsc::Receiver<(SystemName, News)>;

/// What the stacks of all systems tell by, if there is anybody to be told.
pub(super) fn telling(store: &Arc<dyn Store>) -> Option<(mpsc::Sender<(SystemName, News)>, Told)> {
    store.shared().map(|_| mpsc::channel(MOST_NEWS))
}

impl AtStore {
    pub(super) fn new(
        store: Arc<dyn Store>,
        system: SystemName,
        news: mpsc::Sender<(SystemName, News)>,
    ) -> Arc<Self> {
        Arc::new(Self { store, system, news })
    }

    /// At least, and at most, so many calls.
    fn ask(&self, limit: &str, key: Option<&str>, rate: Rate, (least, want): (u32, u32)) -> Ask {
        Ask {
            system: self.system.clone(),
            limit: limit.into(),
            key: key.unwrap_or_default().into(),
            every: rate.every,
            burst: rate.burst.get(),
            least,
            want,
        }
    }

    async fn asked(&self, ask: Ask) -> Result<u32, Duration> {
        match self.store.take(ask).await {
            Ok(Leave::Calls(calls)) => Ok(calls),
            Ok(Leave::Wait(wait)) => Err(wait),
            Err(error) => {
                tracing::warn!(%error, system = %self.system, "a limit cannot be asked for");
                Err(NO_ANSWER)
            }
        }
    }

    fn tell(&self, news: News) {
        if self.news.try_send((self.system.clone(), news)).is_err() {
            tracing::warn!(system = %self.system, "too much news: the other processes are not told");
        }
    }
}

impl Share for AtStore {
    fn shut(&self, operation: &str, left: Duration, delay: Duration) {
        self.tell(News::Shut { operation: operation.into(), left, delay });
    }

    fn opened(&self, operation: &str) {
        self.tell(News::Opened { operation: operation.into() });
    }

    fn throttled(&self, limit: &str, left: Duration) {
        self.tell(News::Throttled { limit: limit.into(), left });
    }

    fn may_probe<'a>(&'a self, operation: &'a str) -> BoxFuture<'a, bool> {
        Box::pin(async move {
            self.store.may_probe(&self.system, operation).await.unwrap_or_else(|error| {
                tracing::warn!(%error, system = %self.system, "who may try it is not known");
                false
            })
        })
    }

    fn take<'a>(
        &'a self,
        limit: &'a str,
        key: Option<&'a str>,
        rate: Rate,
        want: u32,
    ) -> BoxFuture<'a, Result<u32, Duration>> {
        Box::pin(self.asked(self.ask(limit, key, rate, (1, want))))
    }

    fn set_aside<'a>(
        &'a self,
        limit: &'a str,
        rate: Rate,
        calls: u32,
    ) -> BoxFuture<'a, Result<(), Duration>> {
        let ask = self.ask(limit, None, rate, (calls, calls));
        Box::pin(async move { self.asked(ask).await.map(|_| ()) })
    }

    fn settle(&self, limit: &str, rate: Rate, settled: Settled) {
        self.tell(News::Settled {
            limit: limit.into(),
            every: rate.every,
            burst: rate.burst.get(),
            back: settled.back,
            more: settled.more,
            left: settled.left,
        });
    }
}

/// Tells what there is to tell.
pub(super) async fn tell(mut told: Told, common: Arc<Common>) {
    loop {
        let news = tokio::select! {
            () = common.stopping.cancelled() => return,
            news = told.recv() => news,
        };
        let Some((system, news)) = news else { return };
        if let Err(error) = common.store.tell(&system, news).await {
            tracing::warn!(%error, %system, "the other processes are not told");
        }
    }
}

/// Heeds what the processes have in common, as often as it is heard.
pub(super) async fn heed(
    mut shared: watch::Receiver<Arc<Shared>>,
    dispatchers: Dispatchers,
    stop: CancellationToken,
) {
    loop {
        let known = Arc::clone(&shared.borrow_and_update());
        for dispatcher in dispatchers.values() {
            heed_one(dispatcher, &known);
        }
        tokio::select! {
            () = stop.cancelled() => return,
            changed = shared.changed() => if changed.is_err() { return },
        }
    }
}

fn heed_one(dispatcher: &Dispatcher, known: &Shared) {
    let of = |system: &SystemName| *system == dispatcher.name;
    let shuts: BTreeMap<&str, _> = known
        .shuts
        .iter()
        .filter(|row| of(&row.system))
        .map(|row| (&*row.operation, (row.until, row.delay)))
        .collect();
    dispatcher.guards.heed(&shuts);
    for row in known.throttles.iter().filter(|row| of(&row.system)) {
        dispatcher.guards.limits.pause(&row.limit, row.until);
    }
    let pauses = || known.pauses.iter().filter(|pause| of(&pause.system));
    hold(dispatcher, pauses().collect());
    dispatcher.look_at_credentials();
}

/// What people hold shut, and nothing else.
fn hold(dispatcher: &Dispatcher, pauses: Vec<&PauseRow>) {
    let whole = pauses.iter().find(|pause| pause.operation.is_none());
    let reason = whole.map(|pause| pause.reason.clone());
    let changed = dispatcher.observed().paused != reason;
    let ended = changed && reason.is_none();
    dispatcher.observed().paused = reason;
    if ended {
        dispatcher.ease();
    }
    let held: Vec<&str> = pauses.iter().filter_map(|pause| pause.operation.as_deref()).collect();
    for (operation, _, forced) in dispatcher.guards.gates() {
        if forced == Some(Force::Open) && !held.contains(&operation.as_str()) {
            dispatcher.guards.forced_by_others(&operation, None);
            dispatcher.ease();
        }
    }
    let free = |operation: &str| {
        let gates = dispatcher.guards.gates();
        !gates.iter().any(|(name, _, forced)| name == operation && *forced == Some(Force::Open))
    };
    for operation in held {
        if free(operation) {
            dispatcher.guards.forced_by_others(operation, Some(Force::Open));
        }
    }
    if changed {
        dispatcher.wake.notify_one();
    }
}
