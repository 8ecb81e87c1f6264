//! Steps whose one request is about many elements, and whose answer says of each what became of it.
//!
//! What was taken is kept in the memo by position, so that whatever follows sends the others only. What is refused for
//! now is sent again by itself; what is refused for good ends the call, for a person to see.
//!
//! **Invariant:** an element is done only where the answer says so of it: one that it does not name is not, and no
//! element that is done is sent again. Tests: the cases
//! `tests/data/connectors/items-part.yaml` and `tests/data/connectors/items-unnamed.yaml`.

use orderhub_lang::value::Value;

use super::model::{Items, OursRule, Step};
use super::scope::{Answered, CallScope};
use super::walk::{self, At, yes};
use super::{judge, told};
use crate::contract::{Memo, Part, Refused, ReplyXref};
use crate::error::CallError;
use crate::parts::REFUSED;

/// Keys of the memo, by the step's id; no expression can read them, as no name has a `$`.
fn done_key(step: &Step) -> String {
    format!("$done:{}", step.id)
}

/// Those that were refused for good while others are still tried.
fn no_key(step: &Step) -> String {
    format!("$no:{}", step.id)
}

fn round_key(step: &Step) -> String {
    format!("$round:{}", step.id)
}

/// What is kept of an element by its position.
fn kept<'m>(memo: &'m Memo, key: &str, position: u32) -> Option<&'m Value> {
    let index = usize::try_from(position).ok()?;
    memo.saved.get(key)?.as_list()?.get(index).filter(|value| !value.is_null())
}

/// The elements that are still to be sent.
pub(super) fn left(step: &Step, memo: &Memo, meant: Vec<(u32, Value)>) -> Vec<(u32, Value)> {
    let (done, no) = (done_key(step), no_key(step));
    let is = |key: &str, position: u32| kept(memo, key, position).is_some();
    let open = meant.into_iter().filter(|(position, _)| !is(&done, *position));
    let (refused, open): (Vec<_>, Vec<_>) = open.partition(|(position, _)| is(&no, *position));
    if open.is_empty() { refused } else { open }
}

/// How often elements of the step were sent and answered.
pub(super) fn round(step: &Step, memo: &Memo) -> u32 {
    let round = memo.saved.get(&round_key(step)).and_then(Value::as_int);
    round.and_then(|round| u32::try_from(round).ok()).unwrap_or(0)
}

/// What the answer says of one element.
enum Said {
    Done(Vec<(String, Value)>),
    Again(String),
    No(String),
}

/// What an answer says of the elements: kept in the memo. Whether all of them are done.
///
/// # Errors
///
/// [`CallError::MayHaveActed`]: it does not tell.
pub(super) fn answered(
    rules: &Items,
    at: &At<'_>,
    memo: &mut Memo,
    scope: &CallScope<'_>,
    answered: &Answered<'_>,
) -> Result<bool, CallError> {
    let step = at.step;
    let doubt = |what: &str, error: String| CallError::MayHaveActed {
        why: format!("step `{}`: `items.{what}`: {error}", step.id),
    };
    if rules.at.is_name() {
        told::reads("items.at", &rules.at, step, (scope, answered))?;
    }
    let results = rules.at.eval(scope).map_err(|error| doubt("at", error.to_string()))?;
    let results = match &results {
        Value::List(list) => list.as_slice(),
        Value::Null => &[],
        single @ (Value::Bool(_)
        | Value::Int(_)
        | Value::Decimal(_)
        | Value::Text(_)
        | Value::Map(_)) => std::slice::from_ref(single),
    };
    let (mut again, mut no) = (Vec::new(), Vec::new());
    for (index, (position, element)) in at.left.iter().enumerate() {
        let ours = name(rules, *position, element);
        let result = result(rules, results, index, &ours);
        let said = match result {
            Some(result) => said(rules, step, (&scope.about(result, *position), answered))
                .map_err(|(what, error)| doubt(what, error))?,
            None => Said::No("the answer says nothing of it".to_owned()),
        };
        match said {
            Said::Done(saved) => {
                walk::save(memo, &done_key(step), Value::Bool(true), Some(*position));
                for (name, value) in saved {
                    walk::save(memo, &name, value, Some(*position));
                }
            }
            Said::Again(why) => again.push((*position, ours, why)),
            Said::No(why) => no.push((*position, ours, why)),
        }
    }
    Ok(keep(at, memo, (again, no)))
}

type Open = Vec<(u32, String, String)>;

/// Keeps what is not done; whether nothing is left.
fn keep(at: &At<'_>, memo: &mut Memo, (again, no): (Open, Open)) -> bool {
    let step = at.step;
    for (position, ours, why) in &no {
        walk::save(memo, &no_key(step), entry(ours, why), Some(*position));
    }
    let round = i64::from(at.round).saturating_add(1);
    memo.saved.insert(round_key(step), Value::Int(round));
    let tried = !again.is_empty();
    let open = if tried {
        again.iter().map(|(_, ours, why)| entry(ours, why)).collect()
    } else {
        // A person decides about all that were refused, and may have them sent again.
        let no = memo.saved.remove(&no_key(step));
        let no = no.as_ref().and_then(Value::as_list).unwrap_or_default();
        no.iter().filter(|entry| !entry.is_null()).cloned().collect::<Vec<_>>()
    };
    if open.is_empty() {
        memo.saved.remove(&round_key(step));
        return true;
    }
    let refused =
        vec![("again".to_owned(), Value::Bool(tried)), ("open".to_owned(), Value::List(open))];
    memo.saved.insert(REFUSED.to_owned(), Value::Map(refused));
    false
}

fn entry(ours: &str, why: &str) -> Value {
    Value::Map(vec![("ours".to_owned(), Value::text(ours)), ("why".to_owned(), Value::text(why))])
}

/// How an element is called: its id, else its position from 1.
fn name(rules: &Items, position: u32, element: &Value) -> String {
    let id = match rules.ours {
        OursRule::Position => None,
        OursRule::Id(_) => rules.id.first(element).scalar_text().map(std::borrow::Cow::into_owned),
    };
    id.unwrap_or_else(|| position.saturating_add(1).to_string())
}

/// What the answer says of the element that is called so, the `index`th of those that were sent.
fn result<'r>(rules: &Items, results: &'r [Value], index: usize, ours: &str) -> Option<&'r Value> {
    match &rules.ours {
        OursRule::Position => results.get(index),
        OursRule::Id(path) => results
            .iter()
            .find(|result| path.first(result).scalar_text().is_some_and(|id| id == ours)),
    }
}

/// Judges one result; what cannot be judged is no success.
fn said(
    rules: &Items,
    step: &Step,
    (scope, answered): (&CallScope<'_>, &Answered<'_>),
) -> Result<Said, (&'static str, String)> {
    let is = |what, rule| yes(rule, scope).map_err(|error| (what, error.to_string()));
    if is("ok", &rules.ok)? {
        let saved = judge::saved(step, scope, answered);
        return saved.map(Said::Done).map_err(|error| ("ok", error.to_string()));
    }
    let why = why(rules, scope);
    Ok(match &rules.again {
        Some(again) if is("again", again)? => {
            Said::Again(why.unwrap_or_else(|| "it asks to come again".to_owned()))
        }
        Some(_) | None => Said::No(why.unwrap_or_else(|| "refused without a word".to_owned())),
    })
}

/// Where most systems say it.
const WHY: [&str; 6] = ["message", "msg", "error", "reason", "detail", "text"];

/// Why an element was refused, in one line; `None`: the answer does not say.
fn why(rules: &Items, scope: &CallScope<'_>) -> Option<String> {
    let text = |value: &Value| value.scalar_text().map(std::borrow::Cow::into_owned);
    let own = rules.why.iter().find_map(|rule| text(&rule.eval(scope).ok()?));
    let item = scope.item();
    let common = || WHY.iter().find_map(|key| text(item?.get(key)?));
    let line = judge::line(&own.or_else(common).unwrap_or_default());
    Some(line).filter(|line| !line.is_empty())
}

/// What is left to a person, or to another attempt; `None`: nothing was refused.
pub(super) fn part(at: Option<&At<'_>>, memo: &Memo, xrefs: Vec<ReplyXref>) -> Option<Part> {
    let kept = memo.saved.get(REFUSED)?;
    let step = at?.step;
    let text = |entry: &Value, key| entry.get(key)?.scalar_text().map(std::borrow::Cow::into_owned);
    let open = kept.get("open")?.as_list()?.iter();
    let refused: Vec<Refused> = open
        .filter_map(|entry| Some(Refused { ours: text(entry, "ours")?, why: text(entry, "why")? }))
        .collect();
    let done = memo.saved.get(&done_key(step)).and_then(Value::as_list).unwrap_or_default();
    let done = done.iter().filter(|value| !value.is_null()).count();
    let no = memo.saved.get(&no_key(step)).and_then(Value::as_list).unwrap_or_default();
    let no = no.iter().filter(|value| !value.is_null()).count();
    let again = kept.get("again").and_then(Value::as_bool) == Some(true);
    Some(Part { step: step.id.clone(), of: refused.len() + done + no, refused, again, xrefs })
}
