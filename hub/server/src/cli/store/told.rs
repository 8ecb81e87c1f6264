//! How far a copy is, on stderr: one line drawn over itself on a terminal, else a line every five seconds.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use tokio::time::Instant;

use crate::cli::output;
use crate::store::copy::Seen;

/// Between two lines where nothing can be drawn over.
const EACH: Duration = Duration::from_secs(5);

/// What was told so far.
#[derive(Debug)]
pub(super) struct Told {
    terminal: bool,
    drawn: bool,
    at: Instant,
    /// The step, and when it began: what its rate counts from.
    step: (&'static str, Instant),
}

impl Told {
    pub(super) fn new(began: Instant) -> Self {
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        let terminal = std::io::stderr().is_terminal() && !dumb;
        Self { terminal, drawn: false, at: began, step: ("", began) }
    }

    pub(super) fn progress(&mut self, seen: Seen) {
        let now = Instant::now();
        if self.step.0 != seen.step {
            self.step = (seen.step, now);
        }
        if seen.step.is_empty() || (!self.terminal && now - self.at < EACH) {
            return;
        }
        self.at = now;
        let line = line(seen, now - self.step.1);
        if self.terminal {
            self.drawn = true;
            // A closed terminal is nobody's fault.
            write!(std::io::stderr(), "\r\x1b[K{line}").ok();
        } else {
            output::say(&line);
        }
    }

    /// What follows begins on a line of its own.
    pub(super) fn end(&mut self) {
        if std::mem::take(&mut self.drawn) {
            write!(std::io::stderr(), "\r\x1b[K").ok();
        }
    }
}

/// `copying changes: 12000 of 40000 rows, 31.4 MB/s`
fn line(seen: Seen, since: Duration) -> String {
    let Seen { step, table, rows, of, bytes } = seen;
    let of = if of > 0 { format!(" of {of}") } else { String::new() };
    let seconds = since.as_secs_f64();
    if bytes == 0 || seconds <= 0.0 {
        return format!("{step} {table}: {rows}{of} rows");
    }
    let rate = bytes as f64 / 1e6 / seconds;
    format!("{step} {table}: {rows}{of} rows, {rate:.1} MB/s")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_where_it_is_and_how_fast() {
        let seen = Seen { step: "copying", table: "changes", rows: 5, of: 10, bytes: 3_000_000 };
        let line = |seen| super::line(seen, Duration::from_secs(2));
        assert_eq!(line(seen), "copying changes: 5 of 10 rows, 1.5 MB/s");
        assert_eq!(line(Seen { of: 0, bytes: 0, ..seen }), "copying changes: 5 rows");
    }
}
