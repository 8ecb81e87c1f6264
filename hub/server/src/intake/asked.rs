//! Which polls and fetches run: what the files ask for, now and after each switch to others.
//!
//! A poll has a task of its own, and each system that has documents to fetch has one. A switch starts what is new;
//! what stays goes on, with the new files from its next question on; what is gone ends by itself, when nothing of it
//! is under way or due any more.
//! **Invariant:** what the files in use ask for is asked for, by one task of this process. Test:
//! `a_switch_begins_and_ends_what_is_asked_for_and_loses_and_doubles_nothing`.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use orderhub_order::ids::SystemName;
use tokio::task::{Id, JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::leased::Parts;
use super::{fetch, poll};
use crate::bundle::Bundle;

/// Before a task that ended badly begins again.
const BREATH: Duration = Duration::from_secs(1);

/// What one task does.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Work {
    /// Fetches documents of a system.
    Fetch(SystemName),
    /// Asks for a listing, by its name.
    Poll(SystemName, Box<str>),
}

impl Work {
    /// What a bundle asks for.
    fn of(bundle: &Bundle) -> BTreeSet<Self> {
        let mut all = BTreeSet::new();
        for system in bundle.systems() {
            let polls = system.intakes.iter().filter_map(|intake| intake.poll.as_ref());
            all.extend(polls.map(|poll| Self::Poll(system.name.clone(), poll.name.clone())));
            if fetch::is_wanted(bundle, &system.name) {
                all.insert(Self::Fetch(system.name.clone()));
            }
        }
        all
    }

    async fn run(self, parts: Parts, stop: CancellationToken) {
        match self {
            Self::Fetch(system) => fetch::run(parts, system, stop).await,
            Self::Poll(system, name) => poll::run(parts, system, name, stop).await,
        }
    }
}

/// Starts what is asked for, and follows the files; it ends with `stop`, after all that it started.
pub(super) fn start(parts: Parts, stop: CancellationToken) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut bundles = parts.intake.bundles();
        let mut tasks = JoinSet::new();
        let mut running: HashMap<Id, Work> = HashMap::new();
        // Under other files, before this start, documents may have been hinted at that nothing fetches now: looked
        // at once, so that a person hears of them.
        let every = |bundle: &Bundle| {
            let systems = bundle.systems().map(|system| Work::Fetch(system.name.clone()));
            systems.collect::<BTreeSet<_>>()
        };
        let mut wanted = every(&bundles.borrow_and_update());
        while !stop.is_cancelled() {
            wanted.extend(Work::of(&bundles.borrow_and_update()));
            wanted.retain(|work| !running.values().any(|known| known == work));
            for work in std::mem::take(&mut wanted) {
                let task = tasks.spawn(work.clone().run(parts.clone(), stop.clone()));
                running.insert(task.id(), work);
            }
            tokio::select! {
                () = stop.cancelled() => break,
                // The sender lives as long as the hub.
                Ok(()) = bundles.changed() => {}
                Some(ended) = tasks.join_next_with_id(), if !tasks.is_empty() => {
                    let task = match ended {
                        Ok((task, ())) => task,
                        Err(error) => {
                            tracing::error!(%error, work = ?running.get(&error.id()), "it ended badly, and begins again");
                            parts.clock.sleep(BREATH).await;
                            error.id()
                        }
                    };
                    running.remove(&task);
                }
                else => break,
            }
        }
        while let Some(ended) = tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "what was asked for by itself ended badly");
            }
        }
    })
}
