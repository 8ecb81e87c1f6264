//! Pure work over the things of a batch, on several cores: the thread that holds the transaction does the
//! least of it alone.
//!
//! The results come in the order of the things. Bounded by [`MOST_THREADS`]; where no thread can be had,
//! or one panics, its share is done by the caller, so that a panic is where it is looked for.

use std::thread::{Builder, ScopedJoinHandle};

/// Threads at once, the caller's own included.
const MOST_THREADS: usize = 4;

/// Maps each thing. Fewer than `worth` a thread are done sooner than a thread has started. `with` makes
/// what a thread works with.
pub(super) fn map<T: Sync, S, R: Send>(
    things: &[T],
    worth: usize,
    with: impl Fn() -> S + Sync,
    each: impl Fn(&mut S, &T) -> R + Sync,
) -> Vec<R> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = cores.min(MOST_THREADS).min(things.len() / worth.max(1)).max(1);
    let share = |things: &[T]| {
        let mut with = with();
        things.iter().map(|thing| each(&mut with, thing)).collect::<Vec<R>>()
    };
    std::thread::scope(|scope| {
        let mut shares = things.chunks(things.len().div_ceil(threads).max(1));
        let own = shares.next().unwrap_or_default();
        let others: Vec<_> = shares
            .map(|things| (things, Builder::new().spawn_scoped(scope, || share(things)).ok()))
            .collect();
        let mut all = share(own);
        for (things, other) in others {
            match other.map(ScopedJoinHandle::join) {
                Some(Ok(done)) => all.extend(done),
                Some(Err(_)) | None => all.extend(share(things)),
            }
        }
        all
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_things_however_many_there_are() {
        for count in [0, 1, 7, 8, 9, 100, 257] {
            let things: Vec<usize> = (0..count).collect();
            let doubled = map(&things, 8, || (), |(), thing| thing * 2);
            assert_eq!(doubled, things.iter().map(|thing| thing * 2).collect::<Vec<_>>());
        }
    }
}
