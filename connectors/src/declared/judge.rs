//! Judges answers, in one order whatever the order in the file: throttled, not allowed, not acted, may
//! have acted, already, none, ok; nothing holds: said no.
//!
//! **Invariant:** an answer that cannot be judged, or whose body is needed and is no JSON, is never a
//! success, and with a status of success no refusal either: the system may have acted. Tests: the cases `counting-unjudged.yaml`,
//! `counting-unjudged-first.yaml` and `wms-html.yaml` in `tests/data/connectors`.

use std::time::Duration;

use jiff::fmt::rfc2822::DateTimeParser;
use orderhub_lang::expression::Scope;
use orderhub_lang::value::Value;

use super::model::{Expr, Save, Step};
use super::scope::{Answered, CallScope};
use super::told;
use super::walk::yes;
use crate::contract::Idempotency;
use crate::error::{CUT, CallError};

/// Longest wait that a system may ask for; a longer one is cut: it is asked again then.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3600);

/// Longest reason that is kept, in characters.
const LONGEST_WHY: usize = 300;

/// Statuses that have no body by definition, or say that there is nothing.
pub(super) const BODILESS: [u16; 4] = [204, 205, 304, 404];

/// What an answer that is no failure says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// What was asked for, or done.
    Something,
    /// That it was done before: the answer need not be that of the first time.
    Before,
    /// That there is none.
    None,
}

pub(super) fn judge(
    step: &Step,
    scope: &CallScope<'_>,
    answered: &Answered<'_>,
) -> Result<Said, CallError> {
    let status = answered.answer.status;
    let classes = &step.classes;
    let class = |name: &str, own: &Option<Expr>, default: bool| match own {
        None => Ok(default),
        Some(expression) => yes(expression, scope).map_err(|error| CallError::MayHaveActed {
            why: format!("status {status}: the answer cannot be judged: `{name}`: {error}"),
        }),
    };
    let why = || why(&classes.why, scope, answered);
    if class("throttled", &classes.throttled, status == 429)? {
        return Err(CallError::Throttled { why: why(), retry_after: retry_after(answered) });
    }
    // Where nothing proves us, no credential is refused.
    let refused = matches!(status, 401 | 403) && !step.elsewhere;
    if class("not_allowed", &classes.not_allowed, refused)? {
        return Err(CallError::NotAllowed { status: Some(status), why: why() });
    }
    if class("not_acted", &classes.not_acted, false)? {
        return Err(CallError::NotActed { why: why(), retry_after: retry_after(answered) });
    }
    if class("may_have_acted", &classes.may_have_acted, status >= 500)? {
        return Err(CallError::MayHaveActed { why: why() });
    }
    let unread = step.needs_body && answered.body().is_none() && !BODILESS.contains(&status);
    let no_json = || CallError::MayHaveActed {
        why: format!("status {status}: the answer is no JSON, so it does not say what happened"),
    };
    // What cannot be read is no refusal either: a gateway's page comes with the status of an answer.
    if unread && (200..300).contains(&status) {
        return Err(no_json());
    }
    let done_before = class("already", &classes.already, false)?;
    if done_before && step.idempotency != Idempotency::Safe {
        return Err(CallError::Already { why: why() });
    }
    let looks = step.idempotency == Idempotency::Safe && step.items.is_none();
    if looks && !done_before && class("none", &classes.none, false)? {
        return Ok(Said::None);
    }
    if !done_before && !class("ok", &classes.ok, (200..300).contains(&status))? {
        return Err(CallError::SaidNo { status, why: why() });
    }
    if unread {
        return Err(no_json());
    }
    Ok(if done_before { Said::Before } else { Said::Something })
}

/// What the step saves. An answer that does not have it is none to a safe step, and where a value cannot be told (several for `.one`),
/// a safe step ends with a thing for a person, and any other may have acted.
pub(super) fn saved(
    step: &Step,
    scope: &CallScope<'_>,
    answered: &Answered<'_>,
) -> Result<Vec<(String, Value)>, CallError> {
    for save in &step.save {
        told::tells(save, step, (scope, answered))?;
    }
    let mut saved = saved_by_now(step, scope, answered.answer.status)?;
    for (save, (_, value)) in step.save.iter().zip(&mut saved) {
        // Nothing is known by it: what was made has no name yet.
        if told::is_no_id(save, value).is_some() {
            *value = Value::Null;
        }
    }
    Ok(saved)
}

/// The same of an answer that need not have all of it: a job's while it is not done, and that it was done before.
pub(super) fn saved_by_now(
    step: &Step,
    scope: &CallScope<'_>,
    status: u16,
) -> Result<Vec<(String, Value)>, CallError> {
    let save = step.save.iter().map(|Save { name, value, .. }| match value.eval(scope) {
        Ok(value) => Ok((name.clone(), value)),
        Err(error) => {
            let why = format!("step `{}`: `save.{name}`: {error}", step.id);
            Err(match step.idempotency {
                Idempotency::Safe => CallError::SaidNo { status, why },
                Idempotency::FindFirst { .. } | Idempotency::Unsafe => {
                    CallError::MayHaveActed { why }
                }
            })
        }
    });
    save.collect()
}

/// The reason for a person: the first of `why:` that is a text, in one line.
pub(super) fn why(said: &[Expr], scope: &dyn Scope, answered: &Answered<'_>) -> String {
    let status = answered.answer.status;
    let found = said.iter().find_map(|expression| {
        let value = expression.eval(scope).ok()?;
        let text = value.scalar_text().map(std::borrow::Cow::into_owned);
        text.filter(|text| !text.trim().is_empty())
    });
    let text = found.or_else(|| default_why(answered));
    let line = line(&text.unwrap_or_default());
    if line.is_empty() { format!("status {status}") } else { format!("status {status}: {line}") }
}

/// A text in one line, of bounded length. One that is cut ends with [`CUT`]: the beginning of a secret may stand before it.
pub(super) fn line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let words = words.join(" ");
    let mut chars = words.chars().filter(|c| !c.is_control());
    let mut line: String = chars.by_ref().take(LONGEST_WHY).collect();
    if chars.next().is_some() {
        line.push(CUT);
    }
    line
}

/// Where most systems say it.
fn default_why(answered: &Answered<'_>) -> Option<String> {
    let body = answered.body()?;
    ["message", "detail", "error_description", "error", "title"].iter().find_map(|key| {
        body.get(key).and_then(Value::scalar_text).map(std::borrow::Cow::into_owned)
    })
}

/// `Retry-After`: seconds, or a date, which is measured from the answer's own `Date`.
pub(super) fn retry_after(answered: &Answered<'_>) -> Option<Duration> {
    let header = |name: &str| {
        let headers = &answered.answer.headers;
        headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    };
    let wished = header("retry-after")?;
    let wait = match wished.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok()?,
        Err(_) => {
            let parser = DateTimeParser::new();
            let until = parser.parse_timestamp(wished).ok()?;
            let from = parser.parse_timestamp(header("date")?).ok()?;
            Duration::try_from(until.duration_since(from)).unwrap_or_default()
        }
    };
    Some(wait.min(LONGEST_WAIT))
}
