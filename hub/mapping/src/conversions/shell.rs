//! `shell: [[create, $items]]`, `shell: [[0, 0, $item]]`: the create commands that a target wants around
//! the elements of a list. It goes out only.
//!
//! The option is a list of commands. In one of them `$items` stands for the whole list, or `$item` for one
//! element: then that command is repeated for each. The others are written as they stand. A list without
//! elements writes no command for them.

use orderhub_lang::value::Value;
use orderhub_lang::yaml::Node;

use super::{Conversion, Options, Put, Shape, Target, Type, one_way};
use crate::cell::{Cell, Trouble};

#[derive(Debug)]
pub(crate) struct Shell {
    commands: Commands,
}

/// The commands around a list, as the bytes of JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Commands {
    /// Commands before, each whole.
    pub(crate) before: Vec<String>,
    /// What stands before the list, or before each of its elements.
    pub(crate) open: String,
    /// What stands behind it.
    pub(crate) close: String,
    /// `$item`: one command for each element.
    pub(crate) repeats: bool,
    /// Commands behind.
    pub(crate) after: Vec<String>,
}

impl Shell {
    pub(crate) fn read(node: &Node, options: &mut Options<'_>) -> Option<Box<dyn Conversion>> {
        let written = node.to_value();
        if !options.is_short(node, &written) {
            return None;
        }
        let found = commands(&written);
        if found.is_none() {
            let needs = "a list of commands is needed, one of them with `$items` or `$item`, once: \
                         shell: [[create, $items]]";
            options.wrong(node, needs);
        }
        found.map(|commands| Box::new(Self { commands }) as _)
    }
}

fn commands(shell: &Value) -> Option<Commands> {
    let all = shell.as_list()?;
    let holes: Vec<usize> = all.iter().map(hole).collect();
    let at = holes.iter().position(|count| *count > 0)?;
    if holes.iter().sum::<usize>() != 1 {
        return None;
    }
    let text = all.get(at)?.to_json_text();
    let (open, close, repeats) = match text.split_once("\"$items\"") {
        Some((open, close)) => (open, close, false),
        None => text.split_once("\"$item\"").map(|(open, close)| (open, close, true))?,
    };
    let texts = |commands: &[Value]| commands.iter().map(Value::to_json_text).collect();
    Some(Commands {
        before: texts(all.get(..at)?),
        open: open.to_owned(),
        close: close.to_owned(),
        repeats,
        after: texts(all.get(at + 1..)?),
    })
}

/// How often `$items` or `$item` stands in a value.
fn hole(value: &Value) -> usize {
    match value {
        Value::Text(text) => usize::from(text == "$items" || text == "$item"),
        Value::List(items) => items.iter().map(hole).sum(),
        Value::Map(entries) => entries.iter().map(|(_, value)| hole(value)).sum(),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Decimal(_) => 0,
    }
}

impl Commands {
    /// All commands around elements that are JSON already.
    pub(crate) fn around(&self, items: &[String]) -> Vec<String> {
        let mut all = self.before.clone();
        let command = |inner: &str| format!("{}{inner}{}", self.open, self.close);
        if self.repeats {
            all.extend(items.iter().map(|item| command(item)));
        } else if !items.is_empty() {
            all.push(command(&format!("[{}]", items.join(","))));
        }
        all.extend(self.after.iter().cloned());
        all
    }
}

impl Conversion for Shell {
    fn name(&self) -> &'static str {
        "shell"
    }

    fn shape(&self) -> Shape {
        Shape::Fold
    }

    fn gives(&self, from: Type) -> Result<Type, String> {
        match from {
            Type::Raw | Type::Texts | Type::List => Ok(Type::List),
            Type::Text
            | Type::Integer
            | Type::Decimal
            | Type::Money
            | Type::Timestamp
            | Type::Local
            | Type::Date
            | Type::Boolean
            | Type::Map
            | Type::Named => Err("a list".to_owned()),
        }
    }

    fn two_way(&self) -> bool {
        false
    }

    fn shell(&self) -> Option<&Commands> {
        Some(&self.commands)
    }

    fn get<'a>(&self, _: Cell<'a>, _: &[Cell<'a>], _: Target) -> Result<Cell<'a>, Trouble> {
        Err(one_way(self.name()))
    }

    fn put<'a>(&self, cell: Cell<'a>, _: Target) -> Result<Put<'a>, Trouble> {
        let items = match cell.to_lang() {
            Value::List(items) => items,
            _ => return Err(Trouble::wrong_type(&cell, "a list")),
        };
        let items: Vec<String> = items.iter().map(Value::to_json_text).collect();
        Ok(Put::main(Cell::Json(format!("[{}]", self.commands.around(&items).join(",")).into())))
    }
}
