//! When a folder rests: what is being written is not taken for what was meant, and a file that was cut short may well be
//! whole YAML.
//!
//! **Invariant:** a folder is taken only after it has stood still for [`REST`], or [`UNENDED`] where a file that changed
//! does not end with a newline, as one does not that is written still; one that never stands still is never
//! taken. Tests: `a_folder_is_taken_when_it_rests`, `a_file_that_may_be_written_still_is_waited_for`,
//! `a_folder_that_never_rests_is_told_of_and_not_taken`.

use std::collections::BTreeMap;
use std::time::Duration;

use orderhub_order::hash::half;
use tokio::time::Instant;

use crate::bundle::Files;

/// A folder stands still for so long before it is taken.
pub(super) const REST: Duration = Duration::from_millis(1_500);

/// And for so long where a file that changed does not end with a newline.
pub(super) const UNENDED: Duration = Duration::from_secs(10);

/// A folder that does not rest is told of after so long, and again and again.
pub(super) const UNRESTED: Duration = Duration::from_secs(10);

/// The files as they were, by name.
pub(super) type Known = BTreeMap<String, [u8; 16]>;

pub(super) fn known(files: &Files) -> Known {
    files.iter().map(|(name, bytes)| (name.clone(), half(bytes))).collect()
}

/// The first file that changed and does not end as a file does.
pub(super) fn unended(files: &Files, known: &Known) -> Option<String> {
    let mut open = files.iter().filter(|(name, bytes)| {
        // Samples decide nothing, and many a program writes JSON without.
        bytes.last() != Some(&b'\n') && !name.contains("/samples/")
    });
    let changed = |(name, bytes): &(&String, &Vec<u8>)| known.get(*name) != Some(&half(bytes));
    open.find(changed).map(|(name, _)| format!("mappings/{name}"))
}

/// How long a folder has stood still, and for how long it has not.
#[derive(Debug, Default)]
pub(super) struct Rest {
    found: Option<Found>,
    /// Since when it is another than the one that was taken, and when that was said last.
    changing: Option<(Instant, Instant)>,
}

#[derive(Debug)]
struct Found {
    hash: String,
    since: Instant,
    unended: Option<String>,
}

/// What a look at another folder came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Rests {
    /// It stands still: it can be taken.
    Still,
    /// Not yet.
    Changing,
    /// Not yet, and for too long by now: to be said.
    TooLong(Duration, Option<String>),
}

impl Rest {
    /// It is the one that was taken; whether that ends a change.
    pub(super) fn none(&mut self) -> bool {
        self.found = None;
        self.changing.take().is_some_and(|(since, said)| said > since)
    }

    /// It is another.
    pub(super) fn found(
        &mut self,
        hash: &str,
        now: Instant,
        ended: impl FnOnce() -> Option<String>,
    ) -> Rests {
        let (since, said) = *self.changing.get_or_insert((now, now));
        let same = self.found.take().filter(|found| found.hash == hash);
        let found =
            same.unwrap_or_else(|| Found { hash: hash.to_owned(), since: now, unended: ended() });
        let rest = if found.unended.is_some() { UNENDED } else { REST };
        if now.duration_since(found.since) >= rest {
            return Rests::Still;
        }
        let unended = found.unended.clone();
        self.found = Some(found);
        // One that stands still and only waits for its time is not told of.
        if now.duration_since(said) < UNRESTED {
            return Rests::Changing;
        }
        self.changing = Some((since, now));
        Rests::TooLong(now.duration_since(since), unended)
    }
}
