//! What a process knows of the others on its store, and has in common with them. One that has the store for
//! itself knows of none, and everything is allowed to it.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use orderhub_order::ids::SystemName;
use tokio::sync::watch;

use super::{Ask, Lease, Leave, News, Shared, StoreError};

/// The form of lanes that this program writes. A program keeps of a lane what it knows: one of an earlier form writes it
/// back without the rest. **Raise it** with each thing that a lane has newly, and that must not get lost. 1: a wish to be
/// sent whole, facts that were given up, wishes of rules that are gone, and at which version a field was told to the system
/// (`told_at`).
///
/// While a program of an earlier form runs beside, what a person asks for and what would be kept there is refused (an order
/// sent again, the decision about a fact that was given up): who asked would not learn that it is gone. What the hub
/// does by itself is not put off, so that nothing waits for an upgrade: a fact that is given up in these minutes may be
/// forgotten, and its todo is what is left of it; a change that the system made itself may not be told by a second operation.
pub const LANE_FORM: i64 = 1;

/// The other processes, as the store tells of them.
pub trait Peers {
    /// The number that the store gave this process; another when it was taken for gone and begins again.
    fn process(&self) -> u64;

    /// Whether the process of this number is gone for good, so that nobody will end its calls.
    fn is_gone(&self, process: u64) -> bool;

    /// Whether no other process can take this one for gone yet: asked right before anything leaves, so that
    /// one that was paused does not go on with what others look after by then.
    fn lives(&self) -> bool;

    /// Takes the lease of a name. `None`: another process has it.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: it is not known who has it.
    fn lease(&self, name: &str) -> BoxFuture<'_, Result<Option<Lease>, StoreError>>;

    /// Gives a lease back, so that others need not wait for it.
    fn give_back(&self, lease: Lease) -> BoxFuture<'_, ()>;

    /// What all processes have in common, as last heard. `None`: this one has the store for itself.
    fn shared(&self) -> Option<watch::Receiver<Arc<Shared>>> {
        None
    }

    /// The names of the processes on the store whose program is an earlier one, as last heard, about a second ago: they
    /// write lanes of an earlier form ([`LANE_FORM`]), and take what files lack for meant. A program whose schema is
    /// older than the store's does not start any more, so that their number falls only.
    fn older(&self) -> Vec<String> {
        self.shared().map(|shared| shared.borrow().older.clone()).unwrap_or_default()
    }

    /// Tells all processes what this one found out about a system.
    fn tell(&self, _system: &SystemName, _news: News) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Whether this process is the one that may try a system whose breaker was open.
    fn may_probe(
        &self,
        _system: &SystemName,
        _operation: &str,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(std::future::ready(Ok(true)))
    }

    /// Takes calls of a limit that all processes share.
    fn take(&self, ask: Ask) -> BoxFuture<'_, Result<Leave, StoreError>> {
        Box::pin(std::future::ready(Ok(Leave::Calls(ask.want))))
    }
}
