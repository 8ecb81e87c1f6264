//! The cards of many connectors, on a few threads.
//!
//! Bounds: [`OF_EACH`] threads of a processor, [`MOST_THREADS`] at most.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use orderhub_connectors::contract::Connector;
use tokio::runtime::Runtime;

use super::{Card, card};
use crate::deliver::bench::{Bench, BenchError};

/// Threads of each processor: half of the time a card waits.
const OF_EACH: usize = 2;
/// Threads at most: each has a runtime and a bench of its own.
const MOST_THREADS: usize = 8;

/// A card for each connector, in the order of their names. `runtime` makes the runtime of a thread.
///
/// # Errors
///
/// [`BenchError`]: the bench itself fails.
pub(crate) fn cards(
    connectors: &BTreeMap<String, Arc<dyn Connector>>,
    runtime: fn() -> std::io::Result<Runtime>,
) -> Result<Vec<Card>, BenchError> {
    let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let threads = (threads * OF_EACH).min(MOST_THREADS).min(connectors.len());
    let list: Vec<_> = connectors.iter().collect();
    let taken = AtomicUsize::new(0);
    let some = || {
        runtime()?.block_on(async {
            let bench = Bench::open()?;
            let mut cards = Vec::new();
            while let Some((name, connector)) = list.get(taken.fetch_add(1, Ordering::Relaxed)) {
                cards.push(card(&bench, name, connector).await?);
            }
            bench.close().await;
            Ok::<_, BenchError>(cards)
        })
    };
    let found: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(some)).collect();
        threads.into_iter().map(thread::ScopedJoinHandle::join).collect()
    });
    let mut cards = Vec::new();
    for found in found {
        cards.extend(found.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
    }
    cards.sort_by(|a: &Card, b| a.connector.cmp(&b.connector));
    Ok(cards)
}
