//! Keeps one line from flooding the log: of each place in the program that warns, so many lines in a while are
//! written, and then how many more there were.
//!
//! What fails a thousand times a second (a full disk, a database that is away) says so a few times and is then
//! counted, so that the log does not fill the disk that is full, and other lines are found in it. Every line still
//! counts in `orderhub_log_lines_total`.
//! **Invariant:** no place writes more than [`MOST`] warnings or errors in [`PERIOD`], and what was left out is
//! told. Test: `a_line_that_comes_a_thousand_times_is_written_a_few_times_and_counted`.
//! Bounds: an entry a place that warns, of which a program has so many.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tracing::callsite::Identifier;
use tracing::{Event, Level, Metadata};
use tracing_subscriber::layer::{Context, Filter};

/// Lines of one place that are written in a period.
const MOST: u32 = 20;
/// After so long, what was left out is told, and lines are written again.
const PERIOD: Duration = Duration::from_secs(10);
/// The target of what is told: never left out itself.
const TOLD: &str = "orderhub::telemetry::flood";

/// What each place wrote in this period. Cheap to clone; clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Flood(Arc<Mutex<HashMap<Identifier, Place>>>);

#[derive(Clone, Copy, Debug)]
struct Place {
    file: &'static str,
    line: u32,
    written: u32,
    left_out: u64,
}

impl Flood {
    /// Whether one more line of this place is written.
    fn admits(&self, metadata: &'static Metadata<'static>) -> bool {
        if *metadata.level() > Level::WARN || metadata.target() == TOLD {
            return true;
        }
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = places.entry(metadata.callsite()).or_insert_with(|| Place {
            file: metadata.file().unwrap_or_default(),
            line: metadata.line().unwrap_or_default(),
            written: 0,
            left_out: 0,
        });
        if place.written < MOST {
            place.written += 1;
            return true;
        }
        place.left_out += 1;
        false
    }

    /// Ends a period: tells what was left out in it.
    fn tell(&self) {
        let ended = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        for place in ended.into_values().filter(|place| place.left_out > 0) {
            let Place { file, line, left_out, .. } = place;
            tracing::warn!(
                target: TOLD, left_out, place = format!("{file}:{line}"), seconds = PERIOD.as_secs(),
                "more lines of this place were left out"
            );
        }
    }

    /// Tells after each period, as long as the process lives.
    pub(super) fn keep_telling(&self) {
        let flood = self.clone();
        let telling = std::thread::Builder::new().name("log".to_owned()).spawn(move || {
            loop {
                std::thread::park_timeout(PERIOD);
                flood.tell();
            }
        });
        if let Err(error) = telling {
            tracing::debug!(%error, "what is left out of the log is not told");
        }
    }
}

impl<S> Filter<S> for Flood {
    fn enabled(&self, _metadata: &Metadata<'_>, _context: &Context<'_, S>) -> bool {
        true
    }

    fn event_enabled(&self, event: &Event<'_>, _context: &Context<'_, S>) -> bool {
        self.admits(event.metadata())
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::Layer as _;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::super::written::Written;
    use super::*;

    #[test]
    fn a_line_that_comes_a_thousand_times_is_written_a_few_times_and_counted() {
        let (kept, flood) = (Written::default(), Flood::default());
        let to = kept.clone();
        let lines = tracing_subscriber::fmt::layer().with_ansi(false);
        let lines = lines.with_writer(move || to.clone());
        let registry = tracing_subscriber::registry().with(lines.with_filter(flood.clone()));
        tracing::subscriber::with_default(registry, || {
            for _ in 0..2 {
                for number in 0..1_000 {
                    tracing::error!(number, "the disk is full");
                    tracing::info!(number, "an everyday line");
                }
                tracing::warn!("another place");
                flood.tell();
            }
        });
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        let lines = |words: &str| text.lines().filter(|line| line.contains(words)).count();
        assert_eq!(lines("the disk is full"), 2 * 20);
        assert_eq!((lines("another place"), lines("an everyday line")), (2, 2_000));
        assert_eq!((lines("left_out=980"), lines("left_out")), (2, 2), "{text}");
    }
}
