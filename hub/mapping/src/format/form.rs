//! Forms, both ways.

use orderhub_lang::form;
use orderhub_lang::value::Value;

use super::{Unreadable, Unwritable};

/// Reads a form; the texts of the fields in `json` are JSON.
pub(super) fn read(json: &[String], body: &[u8]) -> Result<Value, Unreadable> {
    let why = "it is not a form: letters that are no UTF-8, a `%` without two digits, a name for a text and \
               for what it holds, or too many fields";
    let mut tree = form::tree(body).ok_or_else(|| Unreadable(why.to_owned()))?;
    for name in json {
        let Some(field) = tree.get_mut(name) else { continue };
        let text = field.as_text().unwrap_or_default();
        let inner = Value::from_json(text.as_bytes());
        *field = inner.map_err(|error| Unreadable(format!("the field `{name}`: {error}")))?;
    }
    Ok(tree)
}

/// Writes one.
pub(super) fn write(json: &[String], mut tree: Value) -> Result<Vec<u8>, Unwritable> {
    for name in json {
        if let Some(field) = tree.get_mut(name) {
            *field = Value::Text(field.to_json_text());
        }
    }
    let written = form::write(&tree).map(String::into_bytes);
    let why = "the names of a form have no brackets of their own, and are not empty";
    written.ok_or_else(|| Unwritable::format(why.to_owned()))
}
