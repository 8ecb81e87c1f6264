//! Sources that the hub works by itself: one process at a time does, under a lease.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::Intake;
use crate::clock::Clock;
use crate::config::FileDrop;
use crate::deliver::Deliverer;
use crate::store::{Lease, Store};

/// How often a process that does not have the lease asks for it.
const ASK: Duration = Duration::from_secs(1);

/// What such a source works with. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Parts {
    /// Where leases, cursors and what is due stand.
    pub store: Arc<dyn Store>,
    /// Where envelopes go.
    pub intake: Intake,
    /// What asks systems.
    pub deliverer: Deliverer,
    /// The time.
    pub clock: Clock,
}

impl Parts {
    /// Starts everything that the hub asks for, or looks at, by itself; it ends with `stop`.
    pub fn start(
        &self,
        folders: &BTreeMap<String, FileDrop>,
        stop: &CancellationToken,
    ) -> Vec<JoinHandle<()>> {
        let mut tasks = super::fetch::start(self, stop);
        tasks.extend(super::poll::start(self, stop));
        tasks.extend(super::files::start(folders, self, stop));
        tasks
    }
}

/// Starts a task that works whenever the lease can be had, until `stop`. `work` ends when the lease is lost, or
/// with `stop`.
pub(super) fn hold(
    parts: &Parts,
    name: String,
    stop: &CancellationToken,
    work: impl Fn(Lease) -> BoxFuture<'static, ()> + Send + Sync + 'static,
) -> JoinHandle<()> {
    let (store, clock, stop) = (Arc::clone(&parts.store), parts.clock, stop.clone());
    tokio::spawn(async move {
        while !stop.is_cancelled() {
            match store.lease(&name).await {
                Ok(Some(lease)) => {
                    work(lease.clone()).await;
                    store.give_back(lease).await;
                }
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, lease = name, "a source is not read yet"),
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = clock.sleep(ASK) => {}
            }
        }
    })
}
