//! Pure work over the things of a batch, on several cores: the thread that holds the transaction does the
//! least of it alone.
//!
//! The results come in the order of the things. Bounded by [`MOST_THREADS`]; where no thread can be had,
//! or one panics, its share is done by the caller, so that a panic is where it is looked for.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{Builder, ScopedJoinHandle};

/// Threads at once, the caller's own included.
const MOST_THREADS: usize = 4;

/// Maps each thing. Fewer than `worth` a thread are done sooner than a thread has started; so many are
/// taken at once, by whoever is free, for things are not equally heavy. `with` makes what a thread works
/// with.
pub(super) fn map<T: Sync, S, R: Send>(
    things: &[T],
    worth: usize,
    with: impl Fn() -> S + Sync,
    each: impl Fn(&mut S, &T) -> R + Sync,
) -> Vec<R> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = cores.min(MOST_THREADS).min(things.len() / worth.max(1)).max(1);
    let shares: Vec<&[T]> = things.chunks(worth.max(1)).collect();
    let share = |with: &mut S, things: &[T]| -> Vec<R> {
        things.iter().map(|thing| each(with, thing)).collect()
    };
    let next = AtomicUsize::new(0);
    let work = || {
        let (mut with, mut done) = (with(), Vec::new());
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(things) = shares.get(at) else { return done };
            done.push((at, share(&mut with, things)));
        }
    };
    let mut done: Vec<Option<Vec<R>>> = shares.iter().map(|_| None).collect();
    std::thread::scope(|scope| {
        let spawned = (1..threads).filter_map(|_| Builder::new().spawn_scoped(scope, work).ok());
        let others: Vec<ScopedJoinHandle<'_, _>> = spawned.collect();
        let own = work();
        let all = others.into_iter().flat_map(|other| other.join().unwrap_or_default());
        for (at, results) in own.into_iter().chain(all) {
            if let Some(slot) = done.get_mut(at) {
                *slot = Some(results);
            }
        }
    });
    // What a thread took and panicked over is done here.
    let rest = shares.iter().zip(done).map(|(things, done)| match done {
        Some(results) => results,
        None => share(&mut with(), things),
    });
    rest.flatten().collect()
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
