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
        let mut tasks = vec![super::asked::start(self.clone(), stop.clone())];
        tasks.extend(super::files::start(folders, self, stop));
        tasks
    }
}

/// Why work under a lease has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The lease is lost, or the hub stops.
    Cut,
    /// There is nothing to do any more.
    Done,
}

/// Works whenever the lease can be had, until `stop`, or until it is done. `work` ends when the lease is lost, or with
/// `stop`.
pub(super) async fn hold(
    parts: Parts,
    name: String,
    stop: CancellationToken,
    work: impl Fn(Lease) -> BoxFuture<'static, End> + Send + Sync,
) {
    while !stop.is_cancelled() {
        match parts.store.lease(&name).await {
            Ok(Some(lease)) => {
                let end = work(lease.clone()).await;
                parts.store.give_back(lease).await;
                if end == End::Done {
                    return;
                }
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, lease = name, "a source is not read yet"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = parts.clock.sleep(ASK) => {}
        }
    }
}
