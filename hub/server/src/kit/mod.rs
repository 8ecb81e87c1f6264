//! The conformance kit: a report card for each connector, native or declared, without a network and without the system
//! that it speaks to.
//!
//! What the connector asks for is answered by a hostile system in the same process ([`peer`]), with answers that the
//! connector itself makes up from what it reads ([`orderhub_connectors::invent`]). Calls go through the steps, the stack
//! and the verdicts of the hub itself ([`crate::deliver::bench`]); only lanes and their waiting are left out. Each step
//! that can be reached meets each fault ([`fault`]) once, and what was seen is held against the contract ([`mod@judge`]).
//!
//! What it promises to find: a step sent twice without a look where that is not safe; a look that does not keep from
//! sending again; other bytes on a retry; a wait shorter than the system asked for; garbage taken for an answer; a
//! refusal that is repeated; a secret in what a person is told; a listing that loses things, or names them twice, also while they change; a
//! webhook that is heard without its proof, and events that are taken for one another.
//! What it cannot find: what only the real system knows. A card says what a connector was tried against besides.
//!
//! **Invariants:** nothing leaves the process: the only transport is the hostile system. What could not be tried is told
//! as such, and is no pass. Tests: `every_shipped_connector_has_a_card_without_a_failure`,
//! `a_connector_that_looks_for_nothing_fails_its_card`, `what_cannot_be_tried_is_not_called_well`.
//! Bounds: those of [`inputs`], [`known`] and [`trial`]; [`AT_ONCE`] trials at once.

use std::sync::Arc;

use futures_util::StreamExt as _;
use orderhub_connectors::contract::{Connector, Memo, Operation, Tested};

use crate::deliver::bench::{Bench, BenchError, Comes};

mod all;
mod fault;
mod hooks;
mod inputs;
mod judge;
mod known;
mod listing;
mod peer;
#[cfg(test)]
mod tests;
mod trial;
mod watched;

pub(crate) use all::cards;
use fault::Fault;
pub(crate) use judge::Mark;
use judge::{Seen, judge};
use known::{Known, Way};
use peer::Span;
use trial::{From, Target};

/// Trials at once: most of their time they wait.
const AT_ONCE: usize = 64;
/// The check that a step can be reached.
const REACHED: &str = "can be tried";
/// The check that retries send the same.
const STEADY: &str = "same bytes each time";
/// The check that trouble with a login is no word about the call.
const LOGINS: &str = "trouble with a login";
/// The check of listings.
const LISTING: &str = "1,001 things in pages";

/// The check of listings whose things change meanwhile.
const MOVES: &str = "a thing moves while pages are read";

/// The checks that are about no single step.
const LAST: [&str; 5] = [LOGINS, LISTING, MOVES, hooks::FORGED, hooks::TWICE];

/// Why a check has nothing to look at.
pub(crate) fn nothing(check: &str) -> &'static str {
    match check {
        LOGINS => "it logs in nowhere",
        LISTING | MOVES => "no operation lists anything",
        hooks::FORGED | hooks::TWICE => "it hears no webhooks",
        _ => "it has no steps",
    }
}

/// One check of one step.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) check: &'static str,
    pub(crate) operation: String,
    /// Empty: it is about the whole operation.
    pub(crate) step: String,
    pub(crate) mark: Mark,
}

/// The report card of a connector.
#[derive(Clone, Debug)]
pub(crate) struct Card {
    pub(crate) connector: String,
    /// What its file says that it was tried against besides.
    pub(crate) tested: Option<Tested>,
    pub(crate) lines: Vec<Line>,
}

impl Card {
    /// How many checks passed, failed and were not applicable.
    pub(crate) fn count(&self) -> (usize, usize, usize) {
        Self::count_of(&self.lines.iter().collect::<Vec<_>>())
    }

    /// The same of some lines.
    pub(crate) fn count_of(lines: &[&Line]) -> (usize, usize, usize) {
        let count = |is: fn(&Mark) -> bool| lines.iter().filter(|line| is(&line.mark)).count();
        let passed = count(|mark| *mark == Mark::Pass);
        let failed = count(|mark| matches!(mark, Mark::Fail(_)));
        (passed, failed, lines.len() - passed - failed)
    }

    /// The checks in the order of the kit, each with its lines.
    pub(crate) fn checks(&self) -> Vec<(&'static str, Vec<&Line>)> {
        let first = [REACHED, Fault::None.word(), STEADY];
        let words = first.into_iter().chain(Fault::ALL.map(Fault::word)).chain(LAST);
        let of = |word| (word, self.lines.iter().filter(|line| line.check == word).collect());
        words.map(of).collect()
    }
}

/// Tries a connector.
///
/// # Errors
///
/// [`BenchError`]: the bench itself fails.
pub(crate) async fn card(
    bench: &Bench,
    name: &str,
    connector: &Arc<dyn Connector>,
) -> Result<Card, BenchError> {
    let (mut lines, mut all) = (Vec::new(), Vec::new());
    for operation in connector.operations() {
        let (targets, steps) = targets(connector, operation);
        lines.extend(unreached(operation, &targets, &steps));
        let listed = listing::check(connector, operation);
        let moved = listing::moves(connector, operation).filter(|_| listed == Some(Mark::Pass));
        lines.extend(listed.map(|mark| line(LISTING, operation, "", mark)));
        lines.extend(moved.map(|mark| line(MOVES, operation, "", mark)));
        let steps: Arc<[String]> = steps.into();
        let around = |(target, memo)| (operation, Arc::clone(&steps), target, memo);
        all.extend(targets.into_iter().map(around));
    }
    let first = all.first().map(|(_, _, target, _): &(_, _, Target, _)| target.clone());
    let tried = all.into_iter().map(|(operation, steps, target, memo)| async move {
        tried(bench, connector, (operation, &steps), (target, memo)).await
    });
    let mut tried = futures_util::stream::iter(tried).buffered(AT_ONCE);
    while let Some(found) = tried.next().await {
        lines.extend(found?);
    }
    for (check, mark) in hooks::check(connector.as_ref()) {
        let (operation, step) = ("webhooks".to_owned(), String::new());
        lines.push(Line { check, operation, step, mark });
    }
    if let Some(target) = first.filter(|_| connector.logs_in().is_some()) {
        lines.extend(logins(bench, &target).await?);
    }
    Ok(Card { connector: name.to_owned(), tested: connector.tested(), lines })
}

fn line(check: &'static str, operation: &Operation, step: &str, mark: Mark) -> Line {
    Line { check, operation: operation.name.clone(), step: step.to_owned(), mark }
}

/// The steps that can be reached, each with a way to it and to the end, and the names of all steps where they are known.
fn targets(
    connector: &Arc<dyn Connector>,
    operation: &Operation,
) -> (Vec<(Target, Memo)>, Vec<String>) {
    let steps = connector.steps(&operation.name);
    let steps: Vec<String> = steps.iter().map(|step| step.name.to_owned()).collect();
    let (mut found, mut left) = (Vec::new(), steps.clone());
    for inputs in inputs::of(connector.as_ref(), operation) {
        if left.is_empty() {
            break;
        }
        let known = Arc::new(Known::new(Arc::clone(connector), inputs));
        for Way { step, memo, choices } in known.ways(&left) {
            left.retain(|wanted| *wanted != step);
            found.push((Target { known: Arc::clone(&known), step, choices }, memo));
        }
    }
    let place = |step: &String| steps.iter().position(|known| known == step);
    found.sort_by_key(|(target, _): &(Target, Memo)| place(&target.step));
    (found, steps)
}

fn unreached(operation: &Operation, targets: &[(Target, Memo)], steps: &[String]) -> Vec<Line> {
    let mark = |step: &String| match targets.iter().any(|(target, _)| target.step == *step) {
        true => Mark::Pass,
        false => Mark::None("no answers were found that lead to it and to an end"),
    };
    if steps.is_empty() {
        let why = "the connector makes up no answers";
        return vec![line(REACHED, operation, "", Mark::None(why))];
    }
    steps.iter().map(|step| line(REACHED, operation, step, mark(step))).collect()
}

/// What goes wrong with a login: the call that needs it goes on, and nothing of it is in doubt.
async fn logins(bench: &Bench, target: &Target) -> Result<Vec<Line>, BenchError> {
    let target = Target { step: peer::LOGIN.to_owned(), ..target.clone() };
    let mut lines = Vec::new();
    for fault in
        [Fault::Unavailable, Fault::Throttled, Fault::Cut, Fault::Lost, Fault::Page, Fault::Half]
    {
        let ended = trial::run(bench, &target, From::default(), fault).await?;
        let mark = judge::login(&ended);
        let (operation, step) = (peer::LOGIN.to_owned(), fault.word().to_owned());
        lines.push(Line { check: LOGINS, operation, step, mark });
    }
    Ok(lines)
}

/// All faults at one step.
async fn tried(
    bench: &Bench,
    connector: &Arc<dyn Connector>,
    (operation, steps): (&Operation, &[String]),
    (target, memo): (Target, Memo),
) -> Result<Vec<Line>, BenchError> {
    let step = target.step.as_str();
    let well = trial::run(bench, &target, From::default(), Fault::None).await?;
    let steady = match trial::is_steady(connector.as_ref(), &target, &memo) {
        true => Mark::Pass,
        false => Mark::Fail("the same call gives another request".to_owned()),
    };
    let credential = trial::is_authorized(connector.as_ref(), &target, &memo);
    let around = Seen { step, fault: Fault::None, ended: &well, well: &well, credential, steps };
    let mut lines = vec![
        line(Fault::None.word(), operation, step, judge(&around)),
        line(STEADY, operation, step, steady),
    ];
    if well.comes != Comes::Done {
        return Ok(lines);
    }
    let span = Span { reply: well.reply.clone(), ..well.span.clone() };
    let from = From { memo, span, ends: well.memo.clone() };
    let trials = Fault::ALL.map(|fault| {
        let (bench, target, from) = (bench, &target, from.clone());
        async move { (fault, trial::run(bench, target, from, fault).await) }
    });
    for (fault, ended) in futures_util::future::join_all(trials).await {
        let ended = ended?;
        let seen = Seen { fault, ended: &ended, ..around };
        lines.push(line(fault.word(), operation, step, judge(&seen)));
    }
    Ok(lines)
}
