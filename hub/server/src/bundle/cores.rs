//! Reading and checking a folder, on several cores: its integrations are independent of each other.

use std::sync::LazyLock;

use rayon::ThreadPool;

static POOL: LazyLock<Option<ThreadPool>> = LazyLock::new(|| crate::cores::pool("files"));

/// Runs work whose parallel parts share these cores.
pub(super) fn run<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    match POOL.as_ref() {
        Some(pool) => pool.install(work),
        None => work(),
    }
}
