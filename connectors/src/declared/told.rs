//! Whether an answer tells what the file reads of it: an empty list says that there is none, and an answer of another
//! shape says nothing.
//!
//! A gateway's page in JSON (`{ "message": "maintenance" }`) has status 200 and none of what was asked for. Read as
//! "not there", it would have the thing made a second time.
//! Steps that may be repeated are held to it (`safe`), and those that write where others follow: these would go on with
//! nothing in place of what was made. The last step has acted, whatever its answer lacks, and a person looks at what has
//! no id.
//! **Invariants:** what is looked for is not there only where the answer says so: a list without it, `answer: { none: … }`,
//! or a path that the file itself lets be missing (`?? ()`). Tests: `an_answer_of_another_shape_makes_nothing_twice`, and
//! the cases `told-shapes.yaml`, `told-empty.yaml`, `told-none.yaml` and `told-rows.yaml` in `tests/data/connectors`.
//! What is there has an id: an empty text, a list or an object is none. Test: the case `told-ids.yaml`.
//! So has what a step made that later steps send: there, `0` is none, too, and so is an empty list. Tests: the cases
//! `told-sent.yaml`, `told-sent-whole.yaml` and `told-made-none.yaml`.
//! **Not held to it** is what has a value whatever the answer lacks: `has(…)`, `?? ''` or any other fallback than `()`, and
//! what reads no path of the body (`body` itself, `status`, `headers`, `text`). A step that looks may keep such values
//! beside one that is held to it, not alone: [`super::parse`] refuses that (C0006). Nor are ids that are made of an
//! answer's (`'gid-' + body.id`), what the reply reads of the last answer itself, and references of other kinds than the
//! operation's `entity`: a system may well say `""` for the number of a parcel that has none yet.

use std::borrow::Cow;

use orderhub_lang::expression::{Name, StandIn};
use orderhub_lang::path::Segment;
use orderhub_lang::value::Value;

use super::judge;
use super::model::{Expr, Gives, Save, Step};
use super::scope::{Answered, CallScope};
use crate::contract::Idempotency;
use crate::error::CallError;

/// What an answer says at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// It has something there.
    There,
    /// The list in which it would stand has no such element.
    None,
}

/// An answer says nothing at a path: how far it could be followed, and what stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lack {
    /// Parts of the path that are left.
    left: usize,
    is: Cow<'static, str>,
    null: bool,
}

impl Lack {
    fn new(left: usize, is: impl Into<Cow<'static, str>>) -> Self {
        Self { left, is: is.into(), null: false }
    }

    fn null(left: usize) -> Self {
        Self { left, is: "is null".into(), null: true }
    }
}

/// What a body says at a path of `body`.
pub(super) fn told(name: &Name, body: &Value) -> Result<Told, Lack> {
    look(body, &name.segments, false)
}

/// `element`: the value is one of a list, so that a list is a row, with a place for each of its columns.
fn look(value: &Value, rest: &[Segment], element: bool) -> Result<Told, Lack> {
    let left = rest.len();
    let Some((segment, behind)) = rest.split_first() else {
        return if value.is_null() { Err(Lack::null(0)) } else { Ok(Told::There) };
    };
    let other = |wanted| Err(Lack::new(left, format!("is {}, not {wanted}", value.kind())));
    match (segment, value) {
        (_, Value::Null) => Err(Lack::null(left)),
        (Segment::Key(key), Value::List(list)) if key == "one" => match list.as_slice() {
            [] if element => Err(Lack::new(left, "is empty")),
            [] => Ok(Told::None),
            [only] => look(only, behind, true),
            several if several.contains(&Value::Null) => {
                Err(Lack::new(left, "has elements that are null"))
            }
            // Which of them is meant is for a person.
            _ => Ok(Told::There),
        },
        (Segment::Key(key), Value::Map(_)) => match value.get(key) {
            Some(found) => look(found, behind, false),
            None if key == "one" => other("a list"),
            None => Err(Lack::new(behind.len(), "is missing")),
        },
        (Segment::Index(index), Value::Map(_)) => match value.get(&index.to_string()) {
            Some(found) => look(found, behind, false),
            None => other("a list"),
        },
        (Segment::Index(index), Value::List(list)) => match list.get(*index as usize) {
            Some(found) => look(found, behind, true),
            None if element => Err(Lack::new(left, "is a row that is too short")),
            None => Ok(Told::None),
        },
        (Segment::Each, Value::List(list)) => each(list.iter(), behind),
        (Segment::Each, Value::Map(map)) => each(map.iter().map(|(_, value)| value), behind),
        (Segment::Where { key, value: wanted, .. }, Value::List(list)) => {
            find(list, (key, wanted), left, behind)
        }
        // Answers have no such parts: nothing is reached by them, whatever stands there.
        (Segment::Setting(_) | Segment::Xref(_), _) => Ok(Told::There),
        (Segment::Key(key), _) if key != "one" => other("an object"),
        (Segment::Key(_) | Segment::Index(_) | Segment::Each | Segment::Where { .. }, _) => {
            other("a list")
        }
    }
}

/// A fan-out is a list, however many it reaches; of each element the rest must be there, null where it has no value.
fn each<'v>(elements: impl Iterator<Item = &'v Value>, behind: &[Segment]) -> Result<Told, Lack> {
    for element in elements.filter(|_| !behind.is_empty()) {
        match look(element, behind, true) {
            Ok(_) => {}
            Err(lack) if lack.null && lack.left == 0 => {}
            Err(lack) => return Err(lack),
        }
    }
    Ok(Told::There)
}

fn find(
    list: &[Value],
    (key, wanted): (&str, &str),
    left: usize,
    behind: &[Segment],
) -> Result<Told, Lack> {
    if list.iter().any(|element| !matches!(element, Value::Map(_))) {
        return Err(Lack::new(left, "has elements that are no objects"));
    }
    let is =
        |element: &&Value| element.get(key).and_then(Value::scalar_text).as_deref() == Some(wanted);
    list.iter().find(is).map_or(Ok(Told::None), |found| look(found, behind, true))
}

/// The body that must tell something: other statuses say enough by themselves, where the file takes them for well.
fn body<'a>(answered: &'a Answered<'_>) -> Option<&'a Value> {
    let status = answered.answer.status;
    let tells = (200..300).contains(&status) && !judge::BODILESS.contains(&status);
    answered.body().filter(|_| tells)
}

/// The same of what a step keeps. A question that is answered without a body (204) has no answer, by whatever method it
/// was asked; what was written has, unless it is held to what it keeps: by what follows, or because it may be asked again.
fn kept<'a>(step: &Step, answered: &'a Answered<'_>) -> Option<&'a Value> {
    const NOTHING: &Value = &Value::Null;
    let asks = step.method == "GET" || step.held;
    let empty = matches!(answered.answer.status, 204 | 205) && asks;
    if empty { Some(NOTHING) } else { body(answered) }
}

/// The paths of the answer that an expression reads.
fn paths(expression: &Expr) -> impl Iterator<Item = &Name> {
    expression.reads().iter().filter(|name| name.root == "body" && !name.segments.is_empty())
}

/// Whether the answer says that there is nothing where an expression that is one path looks.
pub(super) fn is_none(expression: &Expr, body: Option<&Value>) -> bool {
    let path = paths(expression).next().filter(|_| expression.is_name());
    path.zip(body).is_some_and(|(name, body)| told(name, body) == Ok(Told::None))
}

/// Whether the answer tells what the step keeps of it.
pub(super) fn tells(
    save @ Save { name, value, stands_in, .. }: &Save,
    step: &Step,
    (scope, answered): (&CallScope<'_>, &Answered<'_>),
) -> Result<(), CallError> {
    let Some(body) = kept(step, answered) else { return Ok(()) };
    names(save, step, (scope, answered))?;
    match stands_in {
        StandIn::Nothing => Ok(()),
        // It is enough that one of the places that it names says something, even that there is none.
        StandIn::Other if paths(value).any(|name| told(name, body).is_ok()) => Ok(()),
        StandIn::Other if !gives_nothing(value, scope) => Ok(()),
        StandIn::Other | StandIn::Unsaid if step.held => {
            has(&format!("save.{name}"), value, step, (scope, answered))
        }
        StandIn::Other | StandIn::Unsaid => Ok(()),
    }
}

/// Whether the answer to a step that may be repeated has something, or a list, at each path that an expression reads. `what`
/// it is for.
pub(super) fn reads(
    what: &str,
    expression: &Expr,
    step: &Step,
    (scope, answered): (&CallScope<'_>, &Answered<'_>),
) -> Result<(), CallError> {
    if step.idempotency != Idempotency::Safe {
        return Ok(());
    }
    has(what, expression, step, (scope, answered))
}

fn has(
    what: &str,
    expression: &Expr,
    step: &Step,
    (scope, answered): (&CallScope<'_>, &Answered<'_>),
) -> Result<(), CallError> {
    let Some(body) = kept(step, answered) else { return Ok(()) };
    let lacks = |name| Some((name, told(name, body).err()?));
    match paths(expression).find_map(lacks) {
        None => Ok(()),
        Some(found) => Err(says_nothing(what, found, step, scope, answered)),
    }
}

/// Whether what a step keeps as an id is one. Once a step has written, the thing may be there, whatever its name.
fn names(
    save: &Save,
    step: &Step,
    (scope, answered): (&CallScope<'_>, &Answered<'_>),
) -> Result<(), CallError> {
    let asks = step.idempotency != Idempotency::Safe || !scope.acted();
    let Some(path) = paths(&save.value).next().filter(|_| step.held && asks) else { return Ok(()) };
    let is = match save.value.eval(scope) {
        Ok(value) => is_no_id(save, &value),
        // Told where it is kept.
        Err(_) => None,
    };
    let Some(is) = is else { return Ok(()) };
    let what = format!("save.{}", save.name);
    let why = no_answer(&what, (path, Lack::new(0, is)), step, scope, answered);
    Err(CallError::MayHaveActed { why })
}

/// What a value is that is no id, where a step keeps it as one.
pub(super) fn is_no_id(save: &Save, value: &Value) -> Option<String> {
    let path = paths(&save.value).next()?;
    let names = save.names.then(|| no_id(value, path, save.written)).flatten();
    names.or_else(|| said(value).filter(|_| save.sent && names_nothing(value)))
}

/// Whether a value names nothing, whatever is made of it: `0` is what a step that writes says of nothing.
fn names_nothing(value: &Value) -> bool {
    match value {
        Value::Text(text) => text.trim().is_empty(),
        Value::Int(_) | Value::Decimal(_) => is_zero(value),
        Value::Bool(_) => true,
        Value::List(list) => list.iter().all(names_nothing),
        Value::Map(map) => map.is_empty(),
        // What is missing is told as such.
        Value::Null => false,
    }
}

fn is_zero(value: &Value) -> bool {
    value.scalar_text().is_some_and(|text| text.parse() == Ok(0.0))
}

/// What a value is that is no id. A listing may have none, or elements without any; what has written has made something.
fn no_id(value: &Value, path: &Name, written: bool) -> Option<String> {
    let is = |value: &Value| match value {
        Value::Text(text) => !text.trim().is_empty(),
        Value::Int(_) | Value::Decimal(_) => !written || !is_zero(value),
        Value::Null | Value::Bool(_) | Value::List(_) | Value::Map(_) => false,
    };
    let one = |segment: &Segment| match segment {
        Segment::Key(key) => key == "one",
        Segment::Index(_) | Segment::Where { .. } => true,
        Segment::Each | Segment::Setting(_) | Segment::Xref(_) => false,
    };
    let any = path.segments.contains(&Segment::Each);
    let listing = !path.segments.iter().any(one) && (any || !written);
    let listed = |list: &[Value]| list.iter().any(is) || listing;
    if value.is_null() || is(value) || value.as_list().is_some_and(listed) {
        return None;
    }
    said(value)
}

/// What a value is, of one that is no id.
fn said(value: &Value) -> Option<String> {
    let what = match value {
        Value::Null => return None,
        Value::Text(_) => "empty",
        Value::Int(_) | Value::Decimal(_) => "0",
        Value::Bool(_) | Value::List(_) | Value::Map(_) => value.kind(),
    };
    Some(format!("is {what}, and no id"))
}

fn gives_nothing(expression: &Expr, scope: &CallScope<'_>) -> bool {
    expression.eval(scope).is_ok_and(|value| value.is_null())
}

/// Whether the answer tells what a read gives, `document:` or `documents:`.
pub(super) fn gives(
    gives: &Gives,
    step: &Step,
    (scope, answered): (&CallScope<'_>, &Answered<'_>),
) -> Result<(), CallError> {
    let Some(body) = body(answered) else { return Ok(()) };
    let path = paths(&gives.value).next().filter(|_| gives.value.is_name());
    let Some(name) = path else { return Ok(()) };
    let (what, lack) = match (told(name, body), gives.list) {
        (Err(lack), true) => ("documents", lack),
        // A document that is null is none.
        (Err(lack), false) if !lack.null => ("document", lack),
        (Ok(_), true) => match name.within(body) {
            Ok(Value::List(_)) | Err(_) => return Ok(()),
            Ok(other) => {
                let is = format!("is {}, not a list", other.kind());
                ("documents", Lack::new(0, is))
            }
        },
        (Ok(_) | Err(_), false) => return Ok(()),
    };
    Err(says_nothing(what, (name, lack), step, scope, answered))
}

/// No answer: it is asked again.
fn says_nothing(
    what: &str,
    (name, lack): (&Name, Lack),
    step: &Step,
    scope: &CallScope<'_>,
    answered: &Answered<'_>,
) -> CallError {
    let no_answer = no_answer(what, (name, lack), step, scope, answered);
    let why = match step.idempotency {
        Idempotency::Safe => format!(
            "{no_answer}; if the system says so that there is none, write `answer: {{ none: … }}` or `{name} ?? ()`"
        ),
        Idempotency::FindFirst { .. } | Idempotency::Unsafe => {
            format!("{no_answer}; if it may be missing, write `{name} ?? ()`")
        }
    };
    CallError::MayHaveActed { why }
}

fn no_answer(
    what: &str,
    (name, lack): (&Name, Lack),
    step: &Step,
    scope: &CallScope<'_>,
    answered: &Answered<'_>,
) -> String {
    let there = name.segments.len().saturating_sub(lack.left);
    let at = Name::of(&name.root, name.segments.iter().take(there).cloned().collect());
    let (said, operation) = (judge::why(&[], scope, answered), scope.operation());
    let (idempotency, step, is) = (&step.idempotency, &step.id, &lack.is);
    let then = match idempotency {
        Idempotency::Safe => "that is no answer, and it is asked again",
        Idempotency::FindFirst { .. } => "what it wrote is not known by that, and is looked for",
        Idempotency::Unsafe => "what it wrote is not known by that",
    };
    format!(
        "{said}: `{what}` of step `{step}` of `{operation}` reads `{name}`, and `{at}` {is}: {then}"
    )
}
