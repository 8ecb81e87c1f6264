//! `join: ", "`: the texts of a list (or of a fan-out) as one text; back: a list again.

use std::borrow::Cow;

use orderhub_lang::value::Value;
use orderhub_lang::yaml::Node;

use super::{Conversion, Joined, Law, Options, Put, Shape, Target, Type};
use crate::cell::{Cell, Trouble};

#[derive(Debug)]
pub(crate) struct Join {
    by: String,
}

impl Join {
    pub(crate) fn read(node: &Node, options: &mut Options<'_>) -> Option<Box<dyn Conversion>> {
        let by = options.only_text(node, "what stands between is needed: join: \", \"")?;
        if by.is_empty() {
            options.wrong(node, "what stands between cannot be empty");
            return None;
        }
        Some(Box::new(Self { by }))
    }

    fn texts(cell: &Cell<'_>, joined: &Joined<'_>, texts: &mut Vec<String>) -> Result<(), Trouble> {
        let mut add = |text: Cow<'_, str>| {
            joined.count(&text)?;
            texts.push(text.into_owned());
            Ok(())
        };
        match cell {
            Cell::Absent | Cell::Null => {}
            Cell::Many(cells) => {
                for cell in cells {
                    Self::texts(cell, joined, texts)?;
                }
            }
            Cell::List(items) => items.iter().cloned().try_for_each(add)?,
            Cell::Json(_) => {
                let tree = cell.tree();
                let items = tree.as_ref().and_then(Value::as_list);
                let items = items.ok_or_else(|| Trouble::wrong_type(cell, "a list of texts"))?;
                for (place, item) in items.iter().enumerate().filter(|(_, item)| !item.is_null()) {
                    let text = item.scalar_text().ok_or_else(|| {
                        Trouble::wrong_element(&Cell::from_lang(item.clone()), place, "a text")
                    })?;
                    add(text)?;
                }
            }
            other => {
                add(other.scalar().ok_or_else(|| Trouble::wrong_type(other, "a text"))?)?;
            }
        }
        Ok(())
    }
}

impl Conversion for Join {
    fn name(&self) -> &'static str {
        "join"
    }

    fn shape(&self) -> Shape {
        Shape::Fold
    }

    fn law(&self) -> Law {
        Law::Canonical("white space around each part is dropped")
    }

    fn gives(&self, from: Type) -> Result<Type, String> {
        match from {
            Type::Raw | Type::Texts | Type::Text | Type::Integer | Type::Decimal | Type::List => {
                Ok(Type::Text)
            }
            Type::Money
            | Type::Timestamp
            | Type::Local
            | Type::Date
            | Type::Boolean
            | Type::Map
            | Type::Named => Err("a list of texts".to_owned()),
        }
    }

    fn get<'a>(&self, cell: Cell<'a>, _: &[Cell<'a>], _: Target) -> Result<Cell<'a>, Trouble> {
        let mut texts = Vec::new();
        Self::texts(&cell, &Joined::by(&self.by), &mut texts)?;
        if texts.is_empty() {
            return Ok(Cell::Null);
        }
        Ok(Cell::text(texts.join(&self.by)))
    }

    fn put<'a>(&self, cell: Cell<'a>, target: Target) -> Result<Put<'a>, Trouble> {
        if matches!(cell, Cell::Many(_) | Cell::List(_)) {
            return self.get(cell, &[], target).map(Put::main);
        }
        let text = cell.scalar().ok_or_else(|| Trouble::wrong_type(&cell, "a text"))?;
        let parts = text.split(&self.by).map(|part| part.trim().to_owned().into());
        Ok(Put::main(Cell::List(parts.collect())))
    }
}
