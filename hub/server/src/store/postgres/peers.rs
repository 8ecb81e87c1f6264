//! The other processes on the database.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use orderhub_order::ids::SystemName;
use tokio::sync::watch;

use super::{PostgresStore, leases, shared};
use crate::store::{Ask, Lease, Leave, News, Peers, Shared, StoreError};

impl Peers for PostgresStore {
    fn process(&self) -> u64 {
        self.members.process()
    }

    fn is_gone(&self, process: u64) -> bool {
        self.members.is_gone(process)
    }

    fn lives(&self) -> bool {
        self.members.lives()
    }

    fn shared(&self) -> Option<watch::Receiver<Arc<Shared>>> {
        Some(self.board.watch())
    }

    fn tell(&self, system: &SystemName, news: News) -> BoxFuture<'_, Result<(), StoreError>> {
        let system = system.clone();
        Box::pin(async move {
            // What calls counted as is read by who sets calls aside, not from the board.
            let shown = !matches!(news, News::Settled { .. });
            self.shorts.run(move |c| Box::pin(shared::tell(c, system, news))).await?;
            if shown { self.board.refresh().await } else { Ok(()) }
        })
    }

    fn may_probe(
        &self,
        system: &SystemName,
        operation: &str,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        let (of, process) = ((system.clone(), operation.into()), self.members.process());
        Box::pin(self.shorts.run(move |c| Box::pin(shared::may_probe(c, of, process))))
    }

    fn take(&self, ask: Ask) -> BoxFuture<'_, Result<Leave, StoreError>> {
        Box::pin(self.shorts.run(move |c| Box::pin(shared::take(c, ask))))
    }

    fn lease(&self, name: &str) -> BoxFuture<'_, Result<Option<Lease>, StoreError>> {
        let (name, process) = (name.to_owned(), self.members.process());
        Box::pin(async move {
            let taken = self.shorts.run(move |c| Box::pin(leases::take(c, name, process)));
            let taken = taken.await?;
            taken.iter().for_each(|lease| self.members.hold(lease));
            Ok(taken)
        })
    }

    fn give_back(&self, lease: Lease) -> BoxFuture<'_, ()> {
        self.members.drop_lease(&lease);
        Box::pin(async move {
            let back = lease.clone();
            let back = self.shorts.run(move |c| Box::pin(leases::give_back(c, back)));
            if let Err(error) = back.await {
                tracing::warn!(%error, lease = lease.name(), "a lease is not given back yet");
            }
        })
    }
}
