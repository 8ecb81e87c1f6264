//! Which processes work on this database, as this one last heard: its own number, whether others may take
//! it for gone, its leases, who is gone.
//!
//! **Invariant:** a process that others may have taken for gone does not say that it lives: what it was told
//! last counts from before it asked, by a clock that no one sets. Test:
//! `a_process_that_was_away_changes_nothing_and_begins_again`.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::store::Lease;

/// A process that is not heard of for so long is taken for gone.
pub(super) const GONE_AFTER: Duration = Duration::from_secs(5);

/// What is known, shared by all who ask.
#[derive(Debug)]
pub(super) struct Members {
    view: Mutex<View>,
    /// A commit was refused: the keeper is to look at once.
    pub(super) refused: Notify,
}

#[derive(Debug)]
struct View {
    process: u64,
    /// Nobody takes this process for gone before.
    until: Instant,
    /// Heard of since then without a gap: long enough, and it may say of others that they are gone.
    since: Instant,
    alive: BTreeSet<u64>,
    /// The highest number ever heard of.
    newest: u64,
    leases: HashMap<Box<str>, Lease>,
}

impl Members {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        let view = View {
            process: 0,
            until: now,
            since: now,
            alive: BTreeSet::new(),
            newest: 0,
            leases: HashMap::new(),
        };
        Self { view: Mutex::new(view), refused: Notify::new() }
    }

    /// This process was given a number, by an answer to what was asked at `asked`; these are there.
    pub(super) fn begin(&self, process: u64, asked: Instant, alive: BTreeSet<u64>) {
        let mut view = self.view();
        view.lose_leases();
        view.process = process;
        view.since = asked;
        view.until = asked + GONE_AFTER;
        view.newest = alive.last().copied().unwrap_or_default().max(view.newest);
        view.alive = alive;
    }

    /// It was heard of, and these are there. Whether somebody is gone who was there before.
    pub(super) fn heard(&self, asked: Instant, alive: BTreeSet<u64>) -> bool {
        let mut view = self.view();
        if asked >= view.until {
            // It was silent for so long that others may be, too, for the same reason.
            view.since = asked;
        }
        view.until = asked + GONE_AFTER;
        let gone = view.alive.iter().any(|known| !alive.contains(known));
        view.newest = alive.last().copied().unwrap_or_default().max(view.newest);
        view.alive = alive;
        gone
    }

    /// It was not heard of: from when others may go on with its work, its leases are nobody's.
    pub(super) fn unheard(&self) {
        let mut view = self.view();
        view.since = Instant::now();
        if view.until <= view.since {
            view.lose_leases();
        }
    }

    /// Its number was taken off.
    pub(super) fn taken_off(&self) {
        let mut view = self.view();
        view.until = Instant::now();
        view.lose_leases();
        let process = view.process;
        view.alive.remove(&process);
    }

    /// Whether it may say of others that they are gone: it would have heard them, had they been there.
    pub(super) fn may_judge(&self) -> bool {
        self.view().since.elapsed() >= GONE_AFTER
    }

    pub(super) fn process(&self) -> u64 {
        self.view().process
    }

    pub(super) fn lives(&self) -> bool {
        Instant::now() < self.view().until
    }

    pub(super) fn is_gone(&self, process: u64) -> bool {
        let view = self.view();
        process <= view.newest && !view.alive.contains(&process)
    }

    /// A lease was taken.
    pub(super) fn hold(&self, lease: &Lease) {
        let mut view = self.view();
        if Instant::now() >= view.until {
            lease.lose();
            return;
        }
        if let Some(before) = view.leases.insert(lease.name().into(), lease.clone()) {
            before.lose();
        }
    }

    /// A lease is given back.
    pub(super) fn drop_lease(&self, lease: &Lease) {
        lease.lose();
        let mut view = self.view();
        if view.leases.get(lease.name()).is_some_and(|held| held.epoch() == lease.epoch()) {
            view.leases.remove(lease.name());
        }
    }

    fn view(&self) -> MutexGuard<'_, View> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl View {
    fn lose_leases(&mut self) {
        self.leases.drain().for_each(|(_, lease)| lease.lose());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_is_not_heard_loses_its_leases_and_judges_nobody_until_it_was_heard_for_long() {
        let members = Members::new();
        members.begin(7, Instant::now(), BTreeSet::from([5, 7]));
        assert!(members.is_gone(6) && !members.is_gone(5), "who was there first is not gone");
        let lease = Lease::new("queue:orders", 1, true);
        members.hold(&lease);
        tokio::time::advance(GONE_AFTER / 2).await;
        members.unheard();
        assert!(members.lives() && !lease.is_lost(), "others do not know yet");
        tokio::time::advance(GONE_AFTER / 2).await;
        assert!(!members.lives());
        members.unheard();
        assert!(lease.is_lost());
        members.heard(Instant::now(), BTreeSet::from([7, 9]));
        assert!(members.lives() && !members.may_judge());
        assert!(members.is_gone(6) && members.is_gone(8) && !members.is_gone(9));
        assert!(!members.is_gone(10), "it may have come a moment ago");
        tokio::time::advance(GONE_AFTER).await;
        assert!(members.may_judge());
    }
}
