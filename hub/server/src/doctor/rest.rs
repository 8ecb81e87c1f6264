//! What rests in the store, and no time makes due: lanes that wait for a reference or for other files, messages that
//! wait to be driven again.

use jiff::{SignedDuration, Timestamp};
use orderhub_order::lane::Rest;

use super::{Level, Report};
use crate::bundle::Listened;
use crate::clock::Clock;
use crate::config::Config;
use crate::store::{RestingRow, WaitingRow};
use crate::switch::routed::says;

/// What a running hub drives again is driven within moments.
const SOON: SignedDuration = SignedDuration::from_mins(10);

/// Lines about what is not delivered any more.
const MOST_GONE: usize = 20;

/// A line for each system and reason, and for each reason of messages.
pub(super) fn look(rests: &[RestingRow], waits: &[WaitingRow], report: &mut Report) {
    for row in rests {
        let (lanes, system) = (row.lanes, &row.system);
        let orders = if lanes == 1 { "order rests" } else { "orders rest" };
        match row.rest {
            // Holds are the flow's own, and stand on the order.
            Rest::Held => {}
            Rest::NotLinked => {
                let says =
                    format!("{lanes} {orders} for `{system}`: a reference is not known there");
                let fix = format!(
                    "`orderhub why ORDER {system}` says what it waits for; with the next change of the files all are tried again"
                );
                report.fix(Level::Note, "waiting", says, fix);
            }
            Rest::Unfit => {
                let says = format!("{lanes} {orders} for `{system}`: the files make no call of it");
                let fix = format!(
                    "`orderhub todo list --system {system}` says what is missing; they are sent once the files are mended"
                );
                report.fix(Level::Warning, "waiting", says, fix);
            }
            Rest::NotRouted => {
                let says = format!(
                    "{lanes} {orders} for `{system}`: the files have no entry of `deliver:` for it any more"
                );
                let fix = format!(
                    "put the entry back that `orderhub why ORDER {system}` names, and they are sent; or say `do: none` where its event has no other entry"
                );
                report.fix(Level::Warning, "waiting", says, fix);
            }
            Rest::GivenUp => {
                let says = format!(
                    "something of {lanes} {} was given up for `{system}` and not sent since",
                    if lanes == 1 { "order" } else { "orders" }
                );
                let fix = format!(
                    "`orderhub todo list --system {system}` has those that nobody has decided about; `orderhub why ORDER {system}` \
                     says of each what it lacks, and how it is sent"
                );
                report.fix(Level::Warning, "waiting", says, fix);
            }
        }
    }
    let now = Clock::system().now();
    waits.iter().for_each(|row| message(row, now, report));
}

/// What systems of these settings were sent by earlier files, and are not by those in use.
pub(super) fn gone(listened: &Listened, config: &Config, report: &mut Report) {
    let now = Clock::system().now();
    let gone = listened.gone().filter(|gone| config.systems.contains_key(&gone.system));
    for gone in gone.filter(|gone| gone.until() > now).take(MOST_GONE) {
        report.add(Level::Warning, "files", says(&gone), None);
    }
}

fn message(row: &WaitingRow, now: Timestamp, report: &mut Report) {
    let (count, since) = (row.count, row.oldest);
    let messages = if count == 1 { "message waits" } else { "messages wait" };
    let late = now.duration_since(since) > SOON;
    let (level, what, fix) = match row.why.as_str() {
        "waiting" => (
            Level::Note,
            "for an order, or a reference, that is not known yet",
            "they are driven again when it comes; after seven days each is a todo",
        ),
        "reading" => (
            if late { Level::Warning } else { Level::Note },
            "for an answer of their system",
            "it is asked again by itself; `orderhub system list` says whether it answers, and after seven days each is a todo",
        ),
        _ if !late => return,
        "suspect" => (
            Level::Warning,
            "to be driven alone: they came while a process went down",
            "a running hub drives them within moments; see its log",
        ),
        _ => (
            Level::Warning,
            "to be driven again",
            "a running hub drives them within moments; see its log",
        ),
    };
    report.fix(
        level,
        "waiting",
        format!("{count} {messages} {what}, the oldest since {since}"),
        fix,
    );
}
