//! What the store keeps: how much, since when, and whether what is over goes.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::machine::size;
use super::{Level, Report};
use crate::config::{PostgresUrl, Store};
use crate::store::{postgres, sqlite};

/// A transaction that is open for longer is no commit.
const LONG_S: i64 = 60;
/// Tables that are named: the others are small beside them.
const LARGEST: usize = 5;

fn since(what: &str, at: Option<Timestamp>) -> String {
    match at {
        Some(at) => format!("{what} since {}", at.to_zoned(TimeZone::UTC).date()),
        None => format!("no {what}"),
    }
}

/// Of a file.
pub(super) fn file(look: &sqlite::Look, report: &mut Report) {
    if look.bytes == 0 {
        return;
    }
    let says = format!(
        "the file has {}, of which {} are free for new rows: {}, {}",
        size(look.bytes),
        size(look.free),
        since("raw messages", look.messages_since),
        since("attempts", look.receipts_since)
    );
    report.fine("kept", says);
}

/// Of a database on which so many hubs run.
pub(super) async fn database(
    url: &PostgresUrl,
    login: Option<postgres::Login>,
    settings: &Store,
    running: u64,
    report: &mut Report,
) {
    let kept = (&settings.keep, settings.seen_days.get());
    match postgres::held(url.as_str(), login, kept).await {
        Ok(Some(held)) => found(&held, running, report),
        // What is there was said already.
        Ok(None) => {}
        Err(error) => {
            let fix = "ask again when the database has less to do";
            report.fix(
                Level::Warning,
                "kept",
                format!("what is kept cannot be seen: {error}"),
                fix,
            );
        }
    }
}

fn found(held: &postgres::Held, running: u64, report: &mut Report) {
    let tables = held.tables.iter().take(LARGEST);
    let tables: Vec<_> = tables.map(|(name, bytes)| format!("{name} {}", size(*bytes))).collect();
    let says = format!(
        "{}, {}; largest: {}",
        since("raw messages", held.messages_since),
        since("attempts", held.receipts_since),
        tables.join(", ")
    );
    let Some(first) = held.over.first() else {
        return report.fine("kept", says);
    };
    let says = match held.over.len() {
        1 => format!("`{first}` is still there, though its time is over"),
        many => {
            format!("`{first}` and {} more are still there, though their time is over", many - 1)
        }
    };
    let fix = match &held.holder {
        _ if running == 0 => "start a hub: it throws away what is over".to_owned(),
        Some(holder) if holder.seconds > LONG_S => format!(
            "a transaction of `{}` is open for {} min and holds it: wait for its end, or end it by \
             `SELECT pg_terminate_backend({})`; the hub goes on within a minute",
            holder.who,
            holder.seconds / 60,
            holder.pid
        ),
        Some(_) | None => {
            "the hub tries again each minute, and its log says what is in the way".to_owned()
        }
    };
    report.fix(Level::Warning, "kept", says, fix);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::postgres::{Held, Holder};

    #[test]
    fn what_is_over_and_held_names_whose_transaction_it_is() {
        let holder = Holder { pid: 7, who: "pg_dump".to_owned(), seconds: 7_200 };
        let over = vec!["messages_20000".to_owned(), "receipts_20000".to_owned()];
        let held = Held { over, holder: Some(holder), ..Held::default() };
        for (running, words) in [(1, "`pg_dump` is open for 120 min"), (0, "start a hub")] {
            let mut report = Report::default();
            found(&held, running, &mut report);
            assert_eq!(report.worst(), Level::Warning);
            let fix = report.0[0].fix.clone().unwrap();
            assert!(fix.contains(words), "{fix}");
        }
    }
}
