//! How long this disk takes to make something durable: no commit can be faster than that.

use std::fmt;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use super::watch::Watch;

/// Times of appending 4 KiB and waiting until they are on the disk.
#[derive(Clone, Debug)]
pub struct Fsync {
    sorted: Vec<Duration>,
    kind: String,
}

/// Appends and syncs as a write-ahead log does, 300 times.
///
/// # Panics
///
/// When the folder cannot be written.
pub fn probe(folder: &Path) -> Fsync {
    let path = folder.join("fsync.probe");
    let mut file = File::create(&path).expect("the folder is writable");
    let page = [7_u8; 4096];
    let mut sorted: Vec<Duration> = (0..300)
        .map(|_| {
            let began = Watch::start();
            file.write_all(&page).expect("the disk has room");
            file.sync_data().expect("the disk syncs");
            began.elapsed()
        })
        .collect();
    std::fs::remove_file(&path).expect("the probe can go");
    sorted.sort_unstable();
    Fsync { sorted, kind: file_system(folder) }
}

impl Fsync {
    /// The time that `share` of the writes stayed under.
    pub fn at(&self, share: f64) -> Duration {
        let place = (self.sorted.len() as f64 * share) as usize;
        self.sorted[place.min(self.sorted.len() - 1)]
    }
}

impl fmt::Display for Fsync {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = |share| self.at(share).as_micros();
        let (median, tail) = (micros(0.5), micros(0.99));
        write!(f, "4 KiB append + fdatasync: {median} us median, {tail} us p99, on {}", self.kind)
    }
}

/// The file system that holds a folder: its longest mount point.
fn file_system(folder: &Path) -> String {
    let mounts = std::fs::read_to_string("/proc/mounts").unwrap_or_default();
    let folder = folder.canonicalize().unwrap_or_default();
    let mounts = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        Some((words.next()?.to_owned(), words.next()?.to_owned()))
    });
    let under = mounts.filter(|(point, _)| folder.starts_with(point));
    under.max_by_key(|(point, _)| point.len()).map_or_else(String::new, |(_, kind)| kind)
}
