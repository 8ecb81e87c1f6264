//! Throwing away what the store has kept for its time, a step at a time while everything else goes on. One
//! process at a time does it, under a lease.
//!
//! **Invariant:** what cannot go is said once, and again when it goes; it holds up nothing else and is tried
//! again. Test: `what_cannot_go_is_said_once`.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::store::{Lease, Pruned, Store};

/// What allows a process to do it.
const LEASE: &str = "retention";
/// How often a process that does not do it asks whether it may.
const ASK: Duration = Duration::from_secs(10);
/// Between two rounds: days end once a day, and who raises or lowers a setting wants to see it.
const ROUND: Duration = Duration::from_secs(15 * 60);
/// Until what is held is tried again.
const HELD: Duration = Duration::from_secs(60);
/// Between two steps of a round: commits come in between.
const STEP: Duration = Duration::from_millis(20);

/// Starts the work; it ends with `stop`, between two steps.
pub fn start(store: Arc<dyn Store>, clock: Clock, stop: CancellationToken) -> JoinHandle<()> {
    tokio::spawn(async move {
        while !stop.is_cancelled() {
            match store.lease(LEASE).await {
                Ok(Some(lease)) => {
                    work(&*store, clock, &lease, &stop).await;
                    store.give_back(lease).await;
                }
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "nothing old is thrown away yet"),
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = clock.sleep(ASK) => {}
            }
        }
    })
}

/// Works while the lease is held: at once, then round after round.
async fn work(store: &dyn Store, clock: Clock, lease: &Lease, stop: &CancellationToken) {
    let mut said = Said::default();
    loop {
        // A step that is left alone ends by itself, and is gone on with by whoever is next.
        let pruned = tokio::select! {
            () = stop.cancelled() => return,
            pruned = store.prune(clock.now()) => pruned,
        };
        let wait = match pruned {
            Ok(pruned) => {
                said.say(&pruned);
                match &pruned.held {
                    Some(_) => HELD,
                    None if pruned.more => STEP,
                    None => ROUND,
                }
            }
            Err(error) => {
                tracing::warn!(%error, "old rows could not be thrown away; it is tried again");
                ROUND
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = lease.lost() => return,
            () = clock.sleep(wait) => {}
        }
    }
}

/// What was said of what cannot go.
#[derive(Debug, Default)]
struct Said(Option<String>);

impl Said {
    fn say(&mut self, pruned: &Pruned) {
        match self.hear(pruned) {
            Some((held, true)) => tracing::warn!(
                held,
                "its time is over, but a transaction that is open for long holds it; commits go on, and it \
                 goes when that ends: `orderhub doctor` says whose it is"
            ),
            Some((held, false)) => tracing::info!(held, "what was held has gone"),
            None => {}
        }
    }

    /// What is held, or is not any more, if that is news.
    fn hear(&mut self, pruned: &Pruned) -> Option<(String, bool)> {
        match (self.0.take(), &pruned.held) {
            (None, Some(held)) => {
                self.0 = Some(held.clone());
                Some((held.clone(), true))
            }
            (Some(before), Some(_)) => {
                self.0 = Some(before);
                None
            }
            (Some(before), None) => Some((before, false)),
            (None, None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_go_is_said_once() {
        let mut said = Said::default();
        let mut hear =
            |held: Option<&str>| said.hear(&Pruned { more: false, held: held.map(str::to_owned) });
        let news = |held: &str, is: bool| Some((held.to_owned(), is));
        assert_eq!(hear(None), None);
        assert_eq!(hear(Some("messages_1")), news("messages_1", true));
        assert_eq!(hear(Some("messages_1")), None);
        assert_eq!(hear(Some("seen_1")), None);
        assert_eq!(hear(None), news("messages_1", false));
        assert_eq!(hear(None), None);
    }
}
