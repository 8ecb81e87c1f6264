//! What an answer leaves in the memo: what its step saves, the next page, a job that is not done, elements that were
//! refused.
//!
//! **Invariants:** what a job's answers save stays while it is waited for, and its step is left only when the job is
//! done. Test: the case `tests/data/connectors/job.yaml`.

use std::time::Duration;

use bytes::Bytes;
use orderhub_lang::value::Value;

use super::judge::Said;
use super::model::{Compiled, Step};
use super::scope::{Answered, CallScope, Document};
use super::walk::{self, At, yes};
use super::{ACTED, NONE, items, judge, lines, page, told};
use crate::contract::{Answer, Call, Idempotency, Memo, Wait};
use crate::error::CallError;
use crate::native::{Given, Native};
use crate::parts::WAITS;

/// How often the job was asked for; no expression can read it, as no name has a `$`.
const ASKED: &str = "$asked";

/// Reads the answer to the step that is due.
pub(super) fn answer(
    compiled: &Compiled,
    call: &Call<'_>,
    memo: &mut Memo,
    answer: &Answer,
) -> Result<(), CallError> {
    let unreadable = |why: String| CallError::MayHaveActed { why };
    let document = Document::new(call);
    let at = walk::current(compiled, call, memo, &document)
        .map_err(|error| unreadable(error.to_string()))?
        .ok_or_else(|| unreadable("an answer to no step".to_owned()))?;
    let listed;
    let answer = if at.step.lines {
        listed = lines::listed(answer)?;
        &listed
    } else {
        answer
    };
    let answered = Answered::new(answer);
    let mut kept = memo.clone();
    let scope = CallScope::of(&at, call, memo, &document).answered(&answered);
    let all = match judge::judge(at.step, &scope, &answered)? {
        said @ (Said::Something | Said::Before) => {
            kept.saved.remove(NONE);
            take(&at, &mut kept, (&scope, said), &answered)?
        }
        Said::None => nothing(&at, &mut kept),
    };
    if at.step.idempotency != Idempotency::Safe {
        kept.saved.insert(ACTED.to_owned(), Value::Bool(true));
    }
    let none = kept.saved.contains_key(NONE);
    kept.body = (!none).then(|| Bytes::clone(&answer.body));
    if all {
        walk::advance(&mut kept, &at);
    } else {
        stay(&mut kept, &at);
    }
    *memo = kept;
    Ok(())
}

/// Keeps what the answer says; whether the step is done.
fn take(
    at: &At<'_>,
    kept: &mut Memo,
    (scope, said): (&CallScope<'_>, Said),
    answered: &Answered<'_>,
) -> Result<bool, CallError> {
    let (step, status) = (at.step, answered.answer.status);
    let no = |what: &str, error: String| CallError::SaidNo {
        status,
        why: format!("step `{}`: `{what}`: {error}", step.id),
    };
    if let Some(rules) = &step.items {
        return items::answered(rules, at, kept, scope, answered);
    }
    let is_done = match &step.until {
        None => true,
        Some(until) => yes(&until.done, scope).map_err(|e| no("until", e.to_string()))?,
    };
    // What a job gives is there when it is done.
    let saved = if is_done && said == Said::Something {
        if let Some(gives) = &step.gives {
            told::gives(gives, step, (scope, answered))?;
        }
        judge::saved(step, scope, answered)?
    } else {
        judge::saved_by_now(step, scope, status)?
    };
    for (name, value) in saved {
        walk::save(kept, &name, value, at.item.is_some().then_some(at.position));
    }
    if let Some(native) = step.native.filter(|_| is_done && said == Said::Something) {
        for (name, value) in worked(native, kept, (scope, answered))? {
            walk::save(kept, name, value, None);
        }
    }
    if let Some(page) = &step.page {
        kept.saved.extend(page::said(page, scope).map_err(|e| no("page", e.to_string()))?);
    }
    if is_done {
        kept.saved.remove(ASKED);
        return Ok(true);
    }
    let asked = kept.saved.get(ASKED).and_then(Value::as_int).unwrap_or(0);
    kept.saved.insert(ASKED.to_owned(), Value::Int(asked.saturating_add(1)));
    kept.saved.insert(WAITS.to_owned(), Value::Bool(true));
    Ok(false)
}

/// What a native step gives: it reads the document, the answer and what was kept before it.
fn worked(
    native: &Native,
    kept: &Memo,
    (scope, answered): (&CallScope<'_>, &Answered<'_>),
) -> Result<Vec<(&'static str, Value)>, CallError> {
    let status = answered.answer.status;
    let no = |why: String| CallError::SaidNo { status, why };
    let doc = scope.document().map_err(|error| no(format!("`doc`: {error}")))?;
    let body = answered.body().unwrap_or(&Value::Null);
    (native.work)(&Given { doc, body, status, memo: &kept.saved })
}

/// The answer says that there is none: nothing is kept, and the step is done.
fn nothing(at: &At<'_>, kept: &mut Memo) -> bool {
    for save in &at.step.save {
        walk::save(kept, &save.name, Value::Null, at.item.is_some().then_some(at.position));
    }
    kept.saved.remove(ASKED);
    kept.saved.insert(NONE.to_owned(), Value::Bool(true));
    true
}

/// The memo stays at the step and element that was answered.
fn stay(memo: &mut Memo, at: &At<'_>) {
    memo.step = at.index;
    memo.position = at.position;
}

/// Whether the last answer said that its job is not done.
pub(super) fn waits(compiled: &Compiled, memo: &Memo) -> Option<Wait> {
    memo.saved.get(WAITS)?;
    let step: Option<&Step> = compiled.steps.get(usize::try_from(memo.step).ok()?);
    let every = step.and_then(|step| step.until.as_ref()).map_or(Duration::ZERO, |u| u.every);
    let asked = memo.saved.get(ASKED).and_then(Value::as_int).unwrap_or(1);
    Some(Wait { every, asked: u32::try_from(asked).unwrap_or(u32::MAX) })
}
