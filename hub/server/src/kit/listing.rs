//! A listing of 1,001 things, page by page, as polls ask for it.

use std::sync::Arc;

use orderhub_connectors::contract::{Connector, Memo, NextStep, OperationKind};
use orderhub_connectors::invent::Page;
use orderhub_lang::value::Value;

use super::inputs;
use super::judge::Mark;

/// Things of the listing.
const THINGS: usize = 1_001;
/// Pages that are asked for before it counts as one without end.
const MOST_PAGES: usize = 1_100;

/// Whether each of them comes once; `None`: the operation lists nothing.
pub(super) fn check(connector: &Arc<dyn Connector>, operation: &str) -> Option<Mark> {
    let known = connector.operations().iter().find(|known| known.name == operation)?;
    if known.kind != OperationKind::Read {
        return None;
    }
    let invents = connector.invents()?;
    let mut inputs = inputs::of(connector.as_ref(), known).into_iter().next()?;
    let mut found: Vec<i64> = Vec::new();
    for _ in 0..MOST_PAGES {
        let call = inputs.call(1);
        let answer = match invents.page(&call, found.len(), THINGS) {
            Page::NoListing => return None,
            Page::Taken(answer, _) => answer,
            Page::NotTaken => return Some(Mark::Fail(not_taken(found.len()))),
        };
        let mut memo = Memo::default();
        if let Err(error) = connector.answer(&call, &mut memo, &answer) {
            return Some(Mark::Fail(format!("a page is refused: {error}")));
        }
        let reply = match connector.next(&call, &memo) {
            Ok(NextStep::Done(reply)) => reply,
            Ok(NextStep::Send(_) | NextStep::Wait(_) | NextStep::Part(_)) | Err(_) => {
                return Some(Mark::Fail("a page leads to no reply".to_owned()));
            }
        };
        let ids = reply.documents.iter().filter_map(|document| {
            Value::from_json(document).ok()?.get("id").and_then(Value::as_int)
        });
        found.extend(ids);
        if reply.again {
            continue;
        }
        match reply.next {
            Some(next) => inputs.args.insert("cursor".to_owned(), next),
            None => return Some(judge(&found)),
        };
    }
    Some(Mark::Fail("it has no end".to_owned()))
}

fn not_taken(listed: usize) -> String {
    format!("behind {listed} things, no page is taken for one, or none leads to the page after it")
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
