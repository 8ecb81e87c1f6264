//! `truncate: 35`: out, at most so many characters; in, as it comes. What a system cut is compared in
//! canonical form and never overwrites the long original.

use orderhub_lang::yaml::Node;

use super::{Conversion, Law, Options, Put, Target, Type, text};
use crate::cell::{Cell, Trouble};

#[derive(Debug)]
pub(crate) struct Truncate {
    characters: usize,
}

impl Truncate {
    pub(crate) fn read(node: &Node, options: &mut Options<'_>) -> Option<Box<dyn Conversion>> {
        let text = options.only_text(node, "a number of characters is needed: truncate: 35")?;
        match text.parse() {
            Ok(characters) if characters > 0 => Some(Box::new(Self { characters })),
            _ => {
                options.wrong(node, "a number of characters is needed, 1 or more: truncate: 35");
                None
            }
        }
    }
}

impl Conversion for Truncate {
    fn name(&self) -> &'static str {
        "truncate"
    }

    fn law(&self) -> Law {
        Law::Canonical("it is cut to the length that the rule names")
    }

    fn gives(&self, from: Type) -> Result<Type, String> {
        text::scalar(from)
    }

    fn get<'a>(&self, cell: Cell<'a>, _: &[Cell<'a>], _: Target) -> Result<Cell<'a>, Trouble> {
        text::as_text(&cell)
    }

    fn put<'a>(&self, cell: Cell<'a>, _: Target) -> Result<Put<'a>, Trouble> {
        let text = cell.scalar().ok_or_else(|| Trouble::wrong_type(&cell, "a text"))?;
        let cut = match text.char_indices().nth(self.characters) {
            // Systems trim what they store: a blank at the cut would come back as a difference.
            Some((end, _)) => text.get(..end).unwrap_or_default().trim_end().to_owned(),
            None => return Ok(Put::main(Cell::Text(text))),
        };
        Ok(Put::main(Cell::text(cut)))
    }
}
