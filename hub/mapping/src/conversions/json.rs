//! `json`: JSON inside a text.

use orderhub_lang::value::Value;

use super::{Conversion, Put, Target, Type};
use crate::cell::{Cell, Trouble};

#[derive(Debug, Default)]
pub(crate) struct JsonText;

impl Conversion for JsonText {
    fn name(&self) -> &'static str {
        "json"
    }

    fn gives(&self, from: Type) -> Result<Type, String> {
        super::text::scalar(from).map(|_| Type::Raw)
    }

    fn get<'a>(&self, cell: Cell<'a>, _: &[Cell<'a>], _: Target) -> Result<Cell<'a>, Trouble> {
        let Cell::Text(text) = &cell else {
            return Err(Trouble::wrong_type(&cell, "a text that holds JSON"));
        };
        let value = Value::from_json(text.as_bytes());
        value.map(Cell::from_lang).map_err(|_| Trouble::new("malformed", "the text holds no JSON"))
    }

    fn put<'a>(&self, cell: Cell<'a>, _: Target) -> Result<Put<'a>, Trouble> {
        // A hub text keeps an object or array as its JSON.
        let whole =
            |text: &str| text.starts_with(['{', '[']) && Value::from_json(text.as_bytes()).is_ok();
        Ok(Put::main(match cell {
            Cell::Json(text) => Cell::Text(text),
            Cell::Text(text) if whole(&text) => Cell::Text(text),
            other => Cell::text(other.to_lang().to_json_text()),
        }))
    }
}
