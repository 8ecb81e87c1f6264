//! `boolean: { true: Y, false: N }`: yes and no as a system writes them; JSON's own by default. A list
//! names several spellings, the first is written.

use orderhub_lang::yaml::Node;

use super::{Conversion, Options, Put, Target, Type};
use crate::cell::{Cell, Trouble};
use crate::quote::Quote;

#[derive(Debug)]
pub(crate) struct Boolean {
    yes: Vec<Cell<'static>>,
    no: Vec<Cell<'static>>,
}

impl Boolean {
    pub(crate) fn read(node: &Node, options: &mut Options<'_>) -> Option<Box<dyn Conversion>> {
        let (yes, no) = (vec![Cell::Bool(true)], vec![Cell::Bool(false)]);
        if node.is_null() {
            return Some(Box::new(Self { yes, no }));
        }
        let mut fields = options.fields(node, "boolean")?;
        let given =
            (fields.required("true", options.findings), fields.required("false", options.findings));
        fields.finish(options.findings);
        let spelled = |node: &Node| -> Option<Vec<Cell<'static>>> {
            let spellings: Option<Vec<_>> =
                node.list_or_single().iter().map(crate::literal::literal).collect();
            spellings.filter(|spellings| !spellings.is_empty())
        };
        match (given.0.and_then(spelled), given.1.and_then(spelled)) {
            (Some(yes), Some(no)) => Some(Box::new(Self { yes, no })),
            _ => {
                options.wrong(node, "values are needed: boolean: { true: Y, false: N }");
                None
            }
        }
    }
}

impl Conversion for Boolean {
    fn name(&self) -> &'static str {
        "boolean"
    }

    fn gives(&self, from: Type) -> Result<Type, String> {
        super::text::scalar(from).map(|_| Type::Boolean)
    }

    fn quote(&self) -> Quote {
        Quote::Typed
    }

    fn get<'a>(&self, cell: Cell<'a>, _: &[Cell<'a>], _: Target) -> Result<Cell<'a>, Trouble> {
        let text = cell.scalar();
        let is = |spellings: &[Cell<'static>]| {
            spellings.iter().any(|spelling| match spelling {
                Cell::Null => cell == Cell::Null,
                spelling => text.is_some() && spelling.scalar() == text,
            })
        };
        match (is(&self.yes), is(&self.no)) {
            (true, _) => Ok(Cell::Bool(true)),
            (false, true) => Ok(Cell::Bool(false)),
            (false, false) if cell == Cell::Null => Ok(Cell::Null),
            (false, false) if cell.scalar().is_none() => {
                Err(Trouble::wrong_type(&cell, "a boolean"))
            }
            (false, false) => Err(Trouble::new("not_a_boolean", "neither yes nor no")),
        }
    }

    fn put<'a>(&self, cell: Cell<'a>, _: Target) -> Result<Put<'a>, Trouble> {
        let spellings = match cell {
            Cell::Bool(true) => &self.yes,
            Cell::Bool(false) => &self.no,
            Cell::Null => return Ok(Put::main(Cell::Null)),
            // What a map of texts keeps of a yes.
            Cell::Text(text) if text == "true" => &self.yes,
            Cell::Text(text) if text == "false" => &self.no,
            Cell::Text(_) => {
                let why = "neither `true` nor `false`, as the hub writes it";
                return Err(Trouble::new("not_a_boolean", why));
            }
            other => return Err(Trouble::wrong_type(&other, "a boolean")),
        };
        Ok(Put::main(spellings.first().cloned().unwrap_or(Cell::Null)))
    }

    fn takes_null(&self) -> bool {
        self.yes.iter().chain(&self.no).any(|spelling| *spelling == Cell::Null)
    }
}
