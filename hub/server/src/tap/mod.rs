//! A live view of what passes, for people who look at traffic: each message before and after mapping, each
//! attempt at a delivery, personal values masked.
//!
//! **Invariant:** looking never slows the hub down. While nobody looks, a message costs one look at a number.
//! A watcher that does not keep up loses what has no room, and is told how much; what is shown is rendered for the
//! watcher, by its own task, and not for the message. Tests: `a_watcher_that_sleeps_loses_and_is_told_how_much`,
//! `nobody_looks_at_no_cost`.
//! **Invariant:** what may be a personal value is never shown ([`mask`]). Test: `only_open_places_are_shown`.
//! Bounds: [`MOST_WATCHERS`], each with [`ROOM`] things that wait, each of at most [`MOST_BYTES`] of body.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use orderhub_order::ids::{OrderKey, SystemName};
use tokio::sync::mpsc;

use crate::apply::DocumentOutcome;
use crate::bundle::{Bundle, Kept};
use crate::intake::Envelope;

pub(crate) mod mask;
mod show;

pub(crate) use show::shown;

/// People who look at a time.
pub(crate) const MOST_WATCHERS: usize = 8;
/// What waits to be shown to one of them.
const ROOM: usize = 256;
/// Larger bodies are named, not shown.
pub(crate) const MOST_BYTES: usize = 64 * 1_024;

/// Where what passes is offered. Cheap to clone; clones share their watchers.
#[derive(Clone, Debug, Default)]
pub struct Tap(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    watched: AtomicUsize,
    watchers: Mutex<Vec<Arc<Watcher>>>,
}

/// What somebody wants to see.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// Of this system.
    pub(crate) system: Option<SystemName>,
    /// From this source: `queue:orders`.
    pub(crate) source: Option<String>,
}

#[derive(Debug)]
struct Watcher {
    wanted: Wanted,
    to: mpsc::Sender<Arc<Seen>>,
    dropped: AtomicU64,
}

/// One who looks; gone when dropped.
#[derive(Debug)]
pub(crate) struct Watching {
    tap: Tap,
    watcher: Arc<Watcher>,
    next: mpsc::Receiver<Arc<Seen>>,
    told: u64,
}

/// What passed.
#[derive(Debug)]
pub(crate) enum Seen {
    /// A message that is stored.
    In(Box<In>),
    /// An attempt at a delivery that ended.
    Out(Box<Out>),
}

/// A message that is stored.
#[derive(Debug)]
pub(crate) struct In {
    /// As it came, as it is stored.
    pub(crate) envelope: Envelope,
    /// What mapped it.
    pub(crate) bundle: Arc<Bundle>,
    /// With what besides, as it was recorded with it.
    pub(crate) kept: Kept,
    /// Its row.
    pub(crate) row: Option<i64>,
    /// What came of each document in it.
    pub(crate) outcomes: Vec<DocumentOutcome>,
}

/// An attempt at a delivery that ended.
#[derive(Debug)]
pub(crate) struct Out {
    /// When.
    pub(crate) at: Timestamp,
    /// To whom.
    pub(crate) system: SystemName,
    /// Of which order.
    pub(crate) order: OrderKey,
    /// At which version.
    pub(crate) version: u32,
    /// Of which operation.
    pub(crate) operation: Box<str>,
    /// Which attempt.
    pub(crate) attempt: u32,
    /// The class of its receipt.
    pub(crate) class: String,
    /// The status of the answer.
    pub(crate) status: Option<u16>,
    /// How long it took.
    pub(crate) took_ms: u64,
    /// Why, masked.
    pub(crate) why: String,
    /// The document that was sent.
    pub(crate) document: bytes::Bytes,
    /// The hub's values in it.
    pub(crate) values: mask::Values,
}

impl Tap {
    /// Whether anybody looks.
    pub(crate) fn is_watched(&self) -> bool {
        self.0.watched.load(Ordering::Relaxed) > 0
    }

    /// Begins to look. `None`: [`MOST_WATCHERS`] do already.
    pub(crate) fn watch(&self, wanted: Wanted) -> Option<Watching> {
        let (to, next) = mpsc::channel(ROOM);
        let watcher = Arc::new(Watcher { wanted, to, dropped: AtomicU64::new(0) });
        let mut watchers = self.watchers();
        if watchers.len() >= MOST_WATCHERS {
            return None;
        }
        watchers.push(Arc::clone(&watcher));
        self.0.watched.store(watchers.len(), Ordering::Relaxed);
        Some(Watching { tap: self.clone(), watcher, next, told: 0 })
    }

    /// Offers what passed to those who want it. Never waits.
    pub(crate) fn offer(&self, seen: Seen) {
        let seen = Arc::new(seen);
        for watcher in self.watchers().iter().filter(|watcher| watcher.wanted.wants(&seen)) {
            if watcher.to.try_send(Arc::clone(&seen)).is_err() {
                watcher.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn watchers(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Watcher>>> {
        self.0.watchers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wanted {
    fn wants(&self, seen: &Seen) -> bool {
        let (system, source) = match seen {
            Seen::In(seen) => (&seen.envelope.system, Some(&*seen.envelope.source)),
            Seen::Out(seen) => (&seen.system, None),
        };
        self.system.as_ref().is_none_or(|wanted| wanted == system)
            && self.source.as_ref().is_none_or(|wanted| source == Some(wanted))
    }
}

impl Watching {
    /// What comes next, with how much was lost since the last one.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub(crate) async fn next(&mut self) -> Option<(u64, Arc<Seen>)> {
        let seen = self.next.recv().await?;
        let dropped = self.watcher.dropped.load(Ordering::Relaxed);
        let lost = dropped - self.told;
        self.told = dropped;
        Some((lost, seen))
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let mut watchers = self.tap.watchers();
        watchers.retain(|watcher| !Arc::ptr_eq(watcher, &self.watcher));
        self.tap.0.watched.store(watchers.len(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(system: &str) -> Seen {
        Seen::Out(Box::new(Out {
            at: Timestamp::UNIX_EPOCH,
            system: SystemName::new(system),
            order: OrderKey(1),
            version: 1,
            operation: "create".into(),
            attempt: 1,
            class: "ok".to_owned(),
            status: Some(200),
            took_ms: 1,
            why: String::new(),
            document: bytes::Bytes::new(),
            values: Vec::new(),
        }))
    }

    #[tokio::test]
    async fn a_watcher_that_sleeps_loses_and_is_told_how_much() {
        let tap = Tap::default();
        let system = Some(SystemName::new("erp"));
        let mut watching = tap.watch(Wanted { system, source: None }).unwrap();
        for _ in 0..ROOM + 7 {
            tap.offer(seen("erp"));
            tap.offer(seen("wms"));
        }
        assert_eq!(watching.next().await.unwrap().0, 7, "what nobody wanted is not lost");
        for _ in 1..ROOM {
            assert_eq!(watching.next().await.unwrap().0, 0);
        }
        tap.offer(seen("erp"));
        assert_eq!(watching.next().await.unwrap().0, 0);
    }

    #[tokio::test]
    async fn nobody_looks_at_no_cost() {
        let tap = Tap::default();
        assert!(!tap.is_watched());
        let watching: Vec<_> =
            (0..MOST_WATCHERS).map(|_| tap.watch(Wanted::default()).unwrap()).collect();
        assert!(tap.is_watched());
        assert!(tap.watch(Wanted::default()).is_none(), "so many look already");
        drop(watching);
        assert!(!tap.is_watched());
        assert!(tap.watch(Wanted::default()).is_some());
    }
}
