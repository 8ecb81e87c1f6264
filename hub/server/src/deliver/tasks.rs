//! The tasks beside those of the systems: handing due lanes out, counting the backlog.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use metrics::gauge;
use orderhub_order::ids::SystemName;
use tokio::sync::mpsc;

use super::dispatcher::{Common, Dispatcher};
use crate::apply::Handed;

/// Backlog and gates are counted for metrics so often.
const COUNT_EVERY: Duration = Duration::from_secs(1);

/// The dispatchers by the system that they serve.
pub(super) type Dispatchers = Arc<BTreeMap<SystemName, Arc<Dispatcher>>>;

/// Tells the systems which of their lanes are due.
pub(super) async fn hand_out(
    mut handed: mpsc::Receiver<Handed>,
    dispatchers: Dispatchers,
    common: Arc<Common>,
) {
    loop {
        let handed = tokio::select! {
            () = common.stopping.cancelled() => return,
            handed = handed.recv() => handed,
        };
        let Some(handed) = handed else { return };
        let (Handed::Lane(system, _) | Handed::Left(system)) = &handed;
        match (dispatchers.get(system), handed) {
            (Some(dispatcher), Handed::Lane(_, key)) => dispatcher.offer(key),
            (Some(dispatcher), Handed::Left(_)) => dispatcher.left(),
            // No such system in the settings any more: its lanes wait in the store.
            (None, Handed::Lane(system, key)) => common.store.release(&[(system, key)]),
            (None, Handed::Left(_)) => {}
        }
    }
}

/// Counts the backlog for metrics and status.
pub(super) async fn count(dispatchers: Dispatchers, common: Arc<Common>) {
    while !common.stopping.is_cancelled() {
        dispatchers.values().for_each(|dispatcher| dispatcher.look_at_credentials());
        let now = common.clock.now();
        if let Ok(backlog) = common.store.backlog().await {
            for dispatcher in dispatchers.values() {
                let own = backlog.iter().find(|row| row.system == dispatcher.name).cloned();
                let pending = own.as_ref().map_or(0, |row| row.pending);
                let age = own
                    .as_ref()
                    .and_then(|row| row.oldest)
                    .map_or(0.0, |oldest| now.duration_since(oldest).as_secs_f64().max(0.0));
                #[expect(clippy::cast_precision_loss, reason = "a gauge")]
                gauge!("orderhub_delivery_pending", "system" => dispatcher.label())
                    .set(pending as f64);
                gauge!("orderhub_delivery_oldest_seconds", "system" => dispatcher.label()).set(age);
                dispatcher.observed().backlog = own;
                dispatcher.show_gates();
            }
        }
        tokio::select! {
            () = common.stopping.cancelled() => return,
            () = common.clock.sleep(COUNT_EVERY) => {}
        }
    }
}

/// Tells the systems that other files are in use.
pub(super) async fn renew(dispatchers: Dispatchers, common: Arc<Common>) {
    let mut bundle = common.bundle.clone();
    loop {
        tokio::select! {
            () = common.stopping.cancelled() => return,
            changed = bundle.changed() => if changed.is_err() { return },
        }
        dispatchers.values().for_each(|dispatcher| dispatcher.renew());
    }
}
