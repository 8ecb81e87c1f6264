//! A listing of 1,001 things, page by page, as polls ask for it: as it is, and while things of it change.

use std::sync::Arc;

use bytes::Bytes;
use orderhub_connectors::contract::{Connector, Memo, NextStep, Operation, OperationKind, Reply};
use orderhub_connectors::invent::Page;
use orderhub_lang::value::Value;

use super::inputs::{self, Inputs};
use super::judge::Mark;
use crate::intake::slide::{Recent, Turn};

/// Things of the listing.
const THINGS: usize = 1_001;
/// Pages that are asked for before it counts as one without end: each of them, and once more.
const MOST_PAGES: usize = 2_200;

/// An operation that lists, asked page by page.
struct Listing<'c> {
    connector: &'c dyn Connector,
    inputs: Inputs,
    slides: bool,
}

/// Why there is no page.
enum NoPage {
    /// The operation lists nothing.
    NoListing,
    Failed(String),
}

/// Whether each of them comes once; `None`: the operation lists nothing.
pub(super) fn check(connector: &Arc<dyn Connector>, operation: &Operation) -> Option<Mark> {
    let mut listing = Listing::of(connector.as_ref(), operation)?;
    let mut found: Vec<i64> = Vec::new();
    for _ in 0..MOST_PAGES {
        let reply = match listing.page(found.len(), THINGS) {
            Ok(reply) => reply,
            Err(NoPage::NoListing) => return None,
            Err(NoPage::Failed(why)) => return Some(Mark::Fail(why)),
        };
        found.extend(ids(&reply.documents));
        if reply.again {
            continue;
        }
        match reply.next {
            Some(next) => listing.at(Some(next)),
            None => return Some(judge(&found)),
        }
    }
    Some(Mark::Fail("it has no end".to_owned()))
}

/// Whether all of them come though before each further page one that was listed changes and moves to the end; `None`: the
/// operation lists nothing.
pub(super) fn moves(connector: &Arc<dyn Connector>, operation: &Operation) -> Option<Mark> {
    let mut listing = Listing::of(connector.as_ref(), operation)?;
    let (mut found, mut recent) = (Vec::new(), Recent::default());
    let mut turn = Turn::read(None);
    // How many moved, and where the page before, the last one and the next one begin.
    let (mut moved, mut before, mut last, mut next) = (0, 0, 0, 0);
    for _ in 0..MOST_PAGES {
        listing.at(turn.at().cloned());
        let from = if let Turn::Back { .. } = turn { before } else { next };
        let reply = match listing.page(from + moved, THINGS + moved) {
            Ok(reply) => reply,
            Err(NoPage::NoListing) => return None,
            Err(NoPage::Failed(why)) => return Some(Mark::Fail(why)),
        };
        if !listing.slides && reply.next.is_some() {
            return Some(Mark::None("its file says that nothing moves from page to page"));
        }
        match turn {
            Turn::Page { .. } => {
                recent.page(&reply.documents);
                found.extend(ids(&reply.documents));
                (before, last, next) = (last, next, next + reply.documents.len());
            }
            Turn::Back { .. } => {
                let Some(new) = recent.back(reply.documents) else {
                    return Some(Mark::Fail("a page has nothing left of what it had".to_owned()));
                };
                found.extend(ids(&new));
            }
        }
        let Some(further) = turn.next(reply.next, listing.slides) else {
            return Some(judge_moved(&found));
        };
        moved += usize::from(matches!(further, Turn::Page { .. }));
        turn = further;
    }
    Some(Mark::Fail("it has no end".to_owned()))
}

impl<'c> Listing<'c> {
    fn of(connector: &'c dyn Connector, operation: &Operation) -> Option<Self> {
        if operation.kind != OperationKind::Read {
            return None;
        }
        let inputs = inputs::of(connector, operation).into_iter().next()?;
        Some(Self { connector, inputs, slides: operation.slides })
    }

    /// The page that is asked for next; nothing: the first.
    fn at(&mut self, page: Option<Value>) {
        match page {
            Some(page) => self.inputs.args.insert("cursor".to_owned(), page),
            None => self.inputs.args.remove("cursor"),
        };
    }

    /// A page of so many things, of which so many are before it.
    fn page(&self, from: usize, total: usize) -> Result<Reply, NoPage> {
        let call = self.inputs.call(1);
        let invents = self.connector.invents().ok_or(NoPage::NoListing)?;
        let answer = match invents.page(&call, from, total) {
            Page::NoListing => return Err(NoPage::NoListing),
            Page::Taken(answer, _) => answer,
            Page::NotTaken(tried) => return Err(NoPage::Failed(not_taken(from, &tried))),
        };
        let mut memo = Memo::default();
        let failed = |why: String| NoPage::Failed(why);
        self.connector
            .answer(&call, &mut memo, &answer)
            .map_err(|error| failed(format!("a page is refused: {error}")))?;
        match self.connector.next(&call, &memo) {
            Ok(NextStep::Done(reply)) => Ok(*reply),
            Ok(NextStep::Send(_) | NextStep::Wait(_) | NextStep::Part(_)) | Err(_) => {
                Err(failed("a page leads to no reply".to_owned()))
            }
        }
    }
}

fn ids(documents: &[Bytes]) -> impl Iterator<Item = i64> + '_ {
    documents
        .iter()
        .filter_map(|document| Value::from_json(document).ok()?.get("id").and_then(Value::as_int))
}

fn not_taken(listed: usize, tried: &str) -> String {
    format!(
        "behind {listed} things, no page is taken for one, or none leads to the page after it; tried: {tried}"
    )
}

fn judge(found: &[i64]) -> Mark {
    let expected = 0..i64::try_from(THINGS).unwrap_or(i64::MAX);
    if expected.eq(found.iter().copied()) {
        return Mark::Pass;
    }
    Mark::Fail(format!(
        "{} of {THINGS} things came, or not in their order, or one twice",
        found.len()
    ))
}

/// What moved to the end is listed there again, under another number; the next poll would have it, too.
fn judge_moved(found: &[i64]) -> Mark {
    let things = 0..i64::try_from(THINGS).unwrap_or(i64::MAX);
    let lost: Vec<i64> = things.filter(|thing| !found.contains(thing)).collect();
    match lost.first() {
        None => Mark::Pass,
        Some(first) => Mark::Fail(format!(
            "{} of {THINGS} things were never listed, as they moved to a page that was read: the first is number {first}",
            lost.len()
        )),
    }
}
