//! `split: ", "`: one text for a list of texts, both ways. An empty text is the empty list. With named fields
//! on the hub side, one text for them all: the last takes what is left. Going out, nothing moves to another field:
//! a part that is null before one that is set keeps its place (`-U1`), and parts that would be cut elsewhere are not
//! written.

use orderhub_lang::yaml::Node;

use super::{Conversion, Joined, Law, Options, Put, Target, Type};
use crate::cell::{Cell, Trouble};

#[derive(Debug)]
pub(crate) struct Split {
    by: String,
}

impl Split {
    pub(crate) fn read(node: &Node, options: &mut Options<'_>) -> Option<Box<dyn Conversion>> {
        let by = options.only_text(node, "what stands between is needed: split: \", \"")?;
        if by.is_empty() {
            options.wrong(node, "what stands between cannot be empty");
            return None;
        }
        Some(Box::new(Self { by }))
    }
}

impl Conversion for Split {
    fn name(&self) -> &'static str {
        "split"
    }

    fn law(&self) -> Law {
        Law::Canonical("what stands between ends an element, white space around one is dropped")
    }

    fn gives(&self, from: Type) -> Result<Type, String> {
        super::text::scalar(from).map(|_| Type::List)
    }

    fn cuts_at(&self) -> Option<&str> {
        Some(&self.by)
    }

    fn joins(&self) -> bool {
        true
    }

    fn parts(&self, count: usize) -> Option<Box<dyn Conversion>> {
        Some(Box::new(Parts { by: self.by.clone(), count }))
    }

    fn get<'a>(&self, cell: Cell<'a>, _: &[Cell<'a>], _: Target) -> Result<Cell<'a>, Trouble> {
        let text = cell.scalar().ok_or_else(|| Trouble::wrong_type(&cell, "a text"))?;
        let parts = text.split(&self.by).map(str::trim).filter(|part| !part.is_empty());
        Ok(Cell::List(parts.map(|part| part.to_owned().into()).collect()))
    }

    fn put<'a>(&self, cell: Cell<'a>, _: Target) -> Result<Put<'a>, Trouble> {
        if let Cell::Named(parts) = &cell {
            return in_place(parts, &self.by).map(Put::main);
        }
        let Cell::List(items) = cell else {
            return Err(Trouble::wrong_type(&cell, "a list of texts"));
        };
        Ok(Put::main(Cell::text(items.join(&self.by))))
    }
}

/// The parts of a text for so many named fields.
#[derive(Debug)]
struct Parts {
    by: String,
    count: usize,
}

impl Conversion for Parts {
    fn name(&self) -> &'static str {
        "split"
    }

    fn gives(&self, from: Type) -> Result<Type, String> {
        super::text::scalar(from).map(|_| Type::Named)
    }

    fn joins(&self) -> bool {
        true
    }

    fn law(&self) -> Law {
        Law::Canonical("white space around a part is dropped")
    }

    fn get<'a>(&self, cell: Cell<'a>, _: &[Cell<'a>], _: Target) -> Result<Cell<'a>, Trouble> {
        let text = cell.scalar().ok_or_else(|| Trouble::wrong_type(&cell, "a text"))?;
        let found = text.splitn(self.count, &self.by).map(str::trim);
        let part = |part: &str| {
            if part.is_empty() { Cell::Null } else { Cell::text(part.to_owned()) }
        };
        let mut parts: Vec<Cell<'a>> = found.map(part).collect();
        parts.resize(self.count, Cell::Null);
        Ok(Cell::Named(parts))
    }

    fn put<'a>(&self, cell: Cell<'a>, _: Target) -> Result<Put<'a>, Trouble> {
        let Cell::Named(parts) = &cell else {
            return Err(Trouble::wrong_type(&cell, "named fields"));
        };
        in_place(parts, &self.by).map(Put::main)
    }
}

/// The text of parts that is cut into the very same; those that are null at its end are not written.
fn in_place<'a>(parts: &[Cell<'_>], by: &str) -> Result<Cell<'a>, Trouble> {
    let Some(last) = parts.iter().rposition(Cell::is_value) else { return Ok(Cell::Null) };
    let (joined, mut texts) = (Joined::by(by), Vec::with_capacity(parts.len()));
    for part in parts.iter().take(last + 1) {
        let text = match part {
            Cell::Null | Cell::Absent => "".into(),
            part => part.scalar().ok_or_else(|| Trouble::wrong_type(part, "a text"))?,
        };
        joined.count(&text)?;
        texts.push(text);
    }
    let text = texts.join(by);
    if text.splitn(parts.len(), by).ne(texts.iter().map(AsRef::as_ref)) {
        let why = format!("`{by}` within it would part it elsewhere when it is read");
        return Err(Trouble::new("unknown_value", why));
    }
    Ok(if text.is_empty() { Cell::Null } else { Cell::text(text) })
}
