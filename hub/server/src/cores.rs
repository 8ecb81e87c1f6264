//! Pools of threads for pure work on several cores; each kind of work has its own, for one that waits for
//! the other's long work would hold up what is written.

use rayon::{ThreadPool, ThreadPoolBuilder};

/// Threads of a pool, at most.
const MOST_THREADS: usize = 4;

/// A pool whose threads are called `name-N`. `None`: there is one core, or no threads can be had; the caller works
/// alone.
pub(crate) fn pool(name: &'static str) -> Option<ThreadPool> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = cores.min(MOST_THREADS);
    let pool = ThreadPoolBuilder::new().num_threads(threads);
    let pool = pool.thread_name(move |number| format!("{name}-{number}"));
    pool.build().ok().filter(|_| threads > 1)
}
