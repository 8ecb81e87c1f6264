//! `concat: " "`: named inputs one after another, null and empty parts dropped. The way back only with
//! `concat: { by: " ", back: last_space }`, for two inputs: the last word, and what stands before it.

use orderhub_lang::yaml::Node;

use super::{Conversion, Options, Put, Target, Type, one_way};
use crate::cell::{Cell, Trouble};

#[derive(Debug)]
pub(crate) struct Concat {
    by: String,
    back: bool,
}

impl Concat {
    pub(crate) fn read(node: &Node, options: &mut Options<'_>) -> Option<Box<dyn Conversion>> {
        if node.as_map().is_none() {
            let by = options.only_text(node, "what stands between is needed: concat: \" \"")?;
            return Some(Box::new(Self { by, back: false }));
        }
        let mut fields = options.fields(node, "concat")?;
        let by = fields.required_text("by", options.findings);
        let back = fields.optional("back");
        fields.finish(options.findings);
        if let Some(node) = back {
            options.word(node, &[("last_space", ())])?;
        }
        Some(Box::new(Self { by: by?, back: back.is_some() }))
    }
}

impl Conversion for Concat {
    fn name(&self) -> &'static str {
        "concat"
    }

    fn gives(&self, from: Type) -> Result<Type, String> {
        if from == Type::Named {
            return Ok(Type::Text);
        }
        Err("named inputs: `system: { first: a, last: b }`".to_owned())
    }

    fn two_way(&self) -> bool {
        self.back
    }

    fn joins(&self) -> bool {
        true
    }

    fn get<'a>(&self, cell: Cell<'a>, _: &[Cell<'a>], _: Target) -> Result<Cell<'a>, Trouble> {
        let Cell::Named(parts) = &cell else {
            return Err(Trouble::wrong_type(&cell, "named inputs"));
        };
        joined(parts, &self.by)
    }

    fn put<'a>(&self, cell: Cell<'a>, _: Target) -> Result<Put<'a>, Trouble> {
        if let Cell::Named(parts) = &cell {
            return joined(parts, &self.by).map(Put::main);
        }
        if !self.back {
            return Err(one_way(self.name()));
        }
        let text = cell.scalar().ok_or_else(|| Trouble::wrong_type(&cell, "a text"))?;
        let (before, last) = match text.rsplit_once(' ') {
            Some((before, last)) => (Cell::text(before.to_owned()), last.to_owned()),
            None => (Cell::Null, text.into_owned()),
        };
        Ok(Put::main(Cell::Named(vec![before, Cell::text(last)])))
    }
}

fn joined<'a>(parts: &[Cell<'_>], by: &str) -> Result<Cell<'a>, Trouble> {
    let mut texts = Vec::with_capacity(parts.len());
    for part in parts.iter().filter(|part| part.is_value()) {
        let text = part.scalar().ok_or_else(|| Trouble::wrong_type(part, "a text"))?;
        if !text.is_empty() {
            texts.push(text);
        }
    }
    Ok(if texts.is_empty() { Cell::Null } else { Cell::text(texts.join(by)) })
}
