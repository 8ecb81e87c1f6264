//! `strip_prefix: "#"`: without the prefix in, with it out. A text without the prefix passes.

use orderhub_lang::yaml::Node;

use super::{Conversion, Options, Put, Target, Type, text};
use crate::cell::{Cell, Trouble};

#[derive(Debug)]
pub(crate) struct StripPrefix {
    prefix: String,
}

impl StripPrefix {
    pub(crate) fn read(node: &Node, options: &mut Options<'_>) -> Option<Box<dyn Conversion>> {
        let prefix = options.only_text(node, "the prefix is needed: strip_prefix: \"#\"")?;
        Some(Box::new(Self { prefix }))
    }
}

impl Conversion for StripPrefix {
    fn name(&self) -> &'static str {
        "strip_prefix"
    }

    fn gives(&self, from: Type) -> Result<Type, String> {
        text::scalar(from)
    }

    fn get<'a>(&self, cell: Cell<'a>, _: &[Cell<'a>], _: Target) -> Result<Cell<'a>, Trouble> {
        let text = cell.scalar().ok_or_else(|| Trouble::wrong_type(&cell, "a text"))?;
        Ok(match text.strip_prefix(&self.prefix) {
            Some(rest) => Cell::text(rest.to_owned()),
            None => Cell::Text(text),
        })
    }

    fn put<'a>(&self, cell: Cell<'a>, _: Target) -> Result<Put<'a>, Trouble> {
        let text = cell.scalar().ok_or_else(|| Trouble::wrong_type(&cell, "a text"))?;
        Ok(Put::main(Cell::text(format!("{}{text}", self.prefix))))
    }
}
