//! The value of an expression over named inputs.

use orderhub_lang::expression::{EvalError, Expression, Name, Scope};
use orderhub_lang::value::Value as LangValue;

use crate::cell::{Cell, Trouble};
use crate::program::{Given, InRule};

/// Inputs of an expression.
struct Inputs<'v> {
    values: Vec<(&'v str, LangValue)>,
}

impl Scope for Inputs<'_> {
    fn get(&self, name: &Name) -> Result<LangValue, EvalError> {
        match self.values.iter().find(|(known, _)| *known == name.root) {
            Some((_, value)) => name.within(value),
            None => Ok(LangValue::Null),
        }
    }
}

/// Computes an expression. One that fails for want of an input gives what that input is.
pub(crate) fn compute<'a>(
    expression: &dyn Expression,
    inputs: &[(&str, Cell<'_>)],
) -> Result<Cell<'a>, Trouble> {
    let values = inputs.iter().map(|(name, cell)| (*name, cell.to_lang())).collect();
    match expression.eval(&Inputs { values }) {
        Ok(value) => Ok(Cell::from_lang(value)),
        // Any other failure is one of the values that are there.
        Err(EvalError::Nothing(_)) if inputs.iter().any(|(_, cell)| *cell == Cell::Absent) => {
            Ok(Cell::Absent)
        }
        Err(EvalError::Nothing(_)) if inputs.iter().any(|(_, cell)| *cell == Cell::Null) => {
            Ok(Cell::Null)
        }
        Err(error) => Err(Trouble::new("expression", error.to_string())),
    }
}

/// The elements of a list that a rule computes, where it folds: they are folded as the values of a fan-out are.
pub(super) fn to_fold<'a>(rule: &InRule, cell: &Cell<'_>) -> Option<Vec<Cell<'a>>> {
    if rule.fold.is_none() || !matches!(rule.input, Given::Expression(..)) {
        return None;
    }
    match cell.tree() {
        Some(LangValue::List(items)) => Some(items.into_iter().map(Cell::from_lang).collect()),
        Some(_) | None => None,
    }
}
