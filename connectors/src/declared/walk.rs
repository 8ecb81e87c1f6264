//! Which step and element come next, and what a memo keeps.

use orderhub_lang::expression::{EvalError, Scope};
use orderhub_lang::template::RenderError;
use orderhub_lang::value::Value;

use super::items;
use super::model::{Compiled, Each, Expr, Step};
use super::scope::{CallScope, Document};
use crate::contract::{Call, Memo};
use crate::error::BuildError;

/// Most elements of an `each:`.
pub(super) const MOST_ELEMENTS: usize = 1_000;

/// A step that is to run, at its element.
#[derive(Debug)]
pub(super) struct At<'a> {
    pub(super) step: &'a Step,
    pub(super) index: u32,
    pub(super) position: u32,
    /// The element; `None` without `each:`, and where one request is about all of them.
    pub(super) item: Option<Value>,
    /// The elements that one request is about, with their positions.
    pub(super) left: Vec<(u32, Value)>,
    /// How often the elements were sent before.
    pub(super) round: u32,
}

impl<'a> At<'a> {
    fn of(step: &'a Step, index: u32) -> Self {
        Self { step, index, position: 0, item: None, left: Vec::new(), round: 0 }
    }
}

/// The first step from the memo's place on whose `when` holds; `None`: all ran.
///
/// The same call and memo give the same place, so that an answer finds the step that asked.
pub(super) fn current<'a>(
    compiled: &'a Compiled,
    call: &Call<'_>,
    memo: &Memo,
    document: &Document<'_>,
) -> Result<Option<At<'a>>, BuildError> {
    let mut position = memo.position;
    let from = usize::try_from(memo.step).unwrap_or(usize::MAX);
    for (index, step) in compiled.steps.iter().enumerate().skip(from) {
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        let first = std::mem::take(&mut position);
        let Some(list) = elements(step, call, memo, document)? else {
            if holds(step, None, 0, (call, memo, document))? {
                return Ok(Some(At::of(step, index)));
            }
            continue;
        };
        if step.items.is_some() {
            let mut meant = Vec::new();
            for (item, position) in list.into_iter().zip(0_u32..) {
                if holds(step, Some(&item), position, (call, memo, document))? {
                    meant.push((position, item));
                }
            }
            let left = items::left(step, memo, meant);
            if !left.is_empty() {
                let round = items::round(step, memo);
                return Ok(Some(At { left, round, ..At::of(step, index) }));
            }
            continue;
        }
        for (item, position) in list.into_iter().zip(0_u32..).skip(first as usize) {
            if holds(step, Some(&item), position, (call, memo, document))? {
                return Ok(Some(At { position, item: Some(item), ..At::of(step, index) }));
            }
        }
    }
    Ok(None)
}

fn elements(
    step: &Step,
    call: &Call<'_>,
    memo: &Memo,
    document: &Document<'_>,
) -> Result<Option<Vec<Value>>, BuildError> {
    let scope = CallScope::element(&step.id, None, 0, (call, memo, document)).naming(&step.lets);
    let value = match &step.each {
        None => return Ok(None),
        Some(Each::Expression(expression)) => {
            expression.eval(&scope).map_err(|error| failed(step, "each", &error))?
        }
        Some(Each::Tree(tree)) => {
            tree.value(&scope).map_err(|error| render_error(&step.id, &error))?
        }
    };
    match value {
        Value::Null => Ok(Some(Vec::new())),
        Value::List(list) if list.len() <= MOST_ELEMENTS => Ok(Some(list)),
        Value::List(_) => {
            Err(step_error(&step.id, format!("`each` has more than {MOST_ELEMENTS} elements")))
        }
        other @ (Value::Bool(_)
        | Value::Int(_)
        | Value::Decimal(_)
        | Value::Text(_)
        | Value::Map(_)) => {
            Err(step_error(&step.id, format!("`each` is {}, not a list", other.kind())))
        }
    }
}

fn holds(
    step: &Step,
    item: Option<&Value>,
    position: u32,
    (call, memo, document): (&Call<'_>, &Memo, &Document<'_>),
) -> Result<bool, BuildError> {
    let Some(when) = &step.when else { return Ok(true) };
    let scope = CallScope::element(&step.id, item, position, (call, memo, document));
    let scope = scope.naming(&step.lets);
    yes(when, &scope).map_err(|error| failed(step, "when", &error))
}

/// A yes or no; nothing is no.
pub(super) fn yes(expression: &Expr, scope: &dyn Scope) -> Result<bool, EvalError> {
    match expression.eval(scope)? {
        Value::Bool(yes) => Ok(yes),
        Value::Null => Ok(false),
        other @ (Value::Int(_)
        | Value::Decimal(_)
        | Value::Text(_)
        | Value::List(_)
        | Value::Map(_)) => {
            Err(EvalError::Failed(format!("it is {}, not true or false", other.kind())))
        }
    }
}

/// Keeps a value: of a step over elements in a list by position.
///
/// **Invariant:** nothing never erases what is known: a search that finds nothing yet must not make a
/// thing twice that is known to be there. Tests: the cases `counting-found-once.yaml` and, over
/// elements, `erp-resume.yaml` in `tests/data/connectors`.
pub(super) fn save(memo: &mut Memo, name: &str, value: Value, position: Option<u32>) {
    let slot = memo.saved.entry(name.to_owned()).or_default();
    let Some(position) = position else {
        if !value.is_null() {
            *slot = value;
        }
        return;
    };
    let index = usize::try_from(position).unwrap_or(MOST_ELEMENTS).min(MOST_ELEMENTS);
    if !matches!(slot, Value::List(_)) {
        *slot = Value::List(Vec::new());
    }
    if let Value::List(list) = slot {
        if list.len() <= index {
            list.resize(index + 1, Value::Null);
        }
        if let Some(element) = list.get_mut(index).filter(|_| !value.is_null()) {
            *element = value;
        }
    }
}

/// Moves the memo behind the step and element that was answered.
pub(super) fn advance(memo: &mut Memo, at: &At<'_>) {
    if at.item.is_some() {
        memo.step = at.index;
        memo.position = at.position + 1;
    } else {
        memo.step = at.index + 1;
        memo.position = 0;
    }
}

pub(super) fn step_error(step: &str, why: String) -> BuildError {
    BuildError::Step { step: step.to_owned(), why }
}

fn failed(step: &Step, what: &str, error: &EvalError) -> BuildError {
    step_error(&step.id, format!("`{what}`: {error}"))
}

/// What a template's failure means: a missing reference waits for its link; a missing part of the document is a
/// mistake of the files, or of the order, and like anything else a person must see it.
pub(super) fn render_error(step: &str, error: &RenderError) -> BuildError {
    match error {
        RenderError::Missing(name) if name.starts_with("xref.") => {
            BuildError::NotLinked(name.clone())
        }
        RenderError::Missing(name) if name.starts_with("doc.") => {
            BuildError::NotGiven { step: step.to_owned(), name: name.clone() }
        }
        RenderError::Missing(name) if name.starts_with("settings.") => {
            step_error(step, format!("`{name}` is not configured"))
        }
        RenderError::Missing(_)
        | RenderError::Eval { .. }
        | RenderError::Place { .. }
        | RenderError::Large { .. } => step_error(step, error.to_string()),
    }
}
