//! `upper`, `lower`: letters of one case, both ways.

use orderhub_lang::yaml::Node;

use super::{Conversion, Law, Options, Put, Target, Type, text};
use crate::cell::{Cell, Trouble};

#[derive(Debug)]
pub(crate) enum Case {
    Upper,
    Lower,
}

/// `upper`
pub(crate) fn upper(node: &Node, options: &mut Options<'_>) -> Option<Box<dyn Conversion>> {
    options.none(node).then(|| Box::new(Case::Upper) as _)
}

/// `lower`
pub(crate) fn lower(node: &Node, options: &mut Options<'_>) -> Option<Box<dyn Conversion>> {
    options.none(node).then(|| Box::new(Case::Lower) as _)
}

impl Conversion for Case {
    fn name(&self) -> &'static str {
        match self {
            Case::Upper => "upper",
            Case::Lower => "lower",
        }
    }

    fn law(&self) -> Law {
        Law::Canonical(match self {
            Case::Upper => "letters become capital",
            Case::Lower => "letters become small",
        })
    }

    fn gives(&self, from: Type) -> Result<Type, String> {
        text::scalar(from)
    }

    fn get<'a>(&self, cell: Cell<'a>, _: &[Cell<'a>], _: Target) -> Result<Cell<'a>, Trouble> {
        let text = cell.scalar().ok_or_else(|| Trouble::wrong_type(&cell, "a text"))?;
        Ok(Cell::text(match self {
            Case::Upper => text.to_uppercase(),
            Case::Lower => text.to_lowercase(),
        }))
    }

    fn put<'a>(&self, cell: Cell<'a>, _: Target) -> Result<Put<'a>, Trouble> {
        self.get(cell, &[], Target::default()).map(Put::main)
    }
}
