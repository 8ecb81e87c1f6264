//! What the benches stand on: an order of real size, this machine's disk, what a process used, and the
//! form in which figures are printed.
//!
//! Nothing here asserts a figure: machines differ and are noisy. A bench prints each figure beside the
//! yardstick that was measured in the same run.

pub mod disk;
pub mod hub;
pub mod order;
pub mod process;
pub mod shop;
pub mod twin;
pub mod watch;

use std::time::Duration;

/// Where a bench keeps its files: the folder of `tests/bench/run`, which lies beside the built programs
/// and not on a file system in memory.
///
/// # Panics
///
/// When no folder can be made there.
pub fn folder() -> tempfile::TempDir {
    let base = std::env::var_os("ORDERHUB_BENCH_DIR").map_or_else(std::env::temp_dir, Into::into);
    tempfile::Builder::new().prefix("bench-").tempdir_in(base).expect("a folder for the bench")
}

/// A number from the environment, for longer or shorter runs.
///
/// # Panics
///
/// When the variable holds no number.
pub fn number(variable: &str, default: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable} is no number: `{text}`")),
        Err(_) => default,
    }
}

/// Prints what every figure below depends on: the machine, the build and the disk under `folder`.
pub fn preamble(name: &str, folder: &std::path::Path) {
    println!("\n== {name}");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').take(2).collect::<Vec<_>>().join(" ");
    row("machine", &format!("{cores} cores, {}; load {load} before the run", processor()));
    let build = if cfg!(debug_assertions) { "dev: the figures mean nothing" } else { "release" };
    row("build", build);
    row("disk", &disk::probe(folder).to_string());
}

fn processor() -> String {
    let all = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = all.lines().find_map(|line| line.strip_prefix("model name"));
    model.map_or("unknown", |model| model.trim_start_matches(['\t', ' ', ':'])).to_owned()
}

/// Prints one figure.
pub fn row(what: &str, figure: &str) {
    println!("{what:<44} {figure}");
}

/// Things per second.
pub fn rate(count: u64, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64().max(1e-9)
}

/// The time that `share` of them stayed under; the list is sorted on the way.
///
/// # Panics
///
/// When the list is empty.
pub fn at(of: &mut [Duration], share: f64) -> Duration {
    of.sort_unstable();
    let place = (of.len() as f64 * share) as usize;
    of[place.min(of.len() - 1)]
}

/// The median; the list is sorted on the way.
///
/// # Panics
///
/// When the list is empty.
pub fn median(of: &mut [f64]) -> f64 {
    of.sort_by(f64::total_cmp);
    of[of.len() / 2]
}
