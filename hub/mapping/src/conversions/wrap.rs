//! `wrap: { __class__: Decimal, decimal: $value }`: a value inside a typed envelope. In, the envelope's
//! other keys must be as written.

use orderhub_lang::value::Value;
use orderhub_lang::yaml::Node;

use super::{Conversion, Options, Put, Target, Type};
use crate::cell::{Cell, Trouble};

#[derive(Debug)]
pub(crate) struct Wrap {
    key: String,
    /// The whole envelope, `$value` where the value goes.
    envelope: Vec<(String, Value)>,
}

impl Wrap {
    pub(crate) fn read(node: &Node, options: &mut Options<'_>) -> Option<Box<dyn Conversion>> {
        let example =
            "an envelope with `$value` is needed: wrap: { __class__: Decimal, decimal: $value }";
        let Value::Map(envelope) = node.to_value() else {
            options.wrong(node, example);
            return None;
        };
        let parts = |value: &Value| value.as_text().is_some_and(|text| text.starts_with('$'));
        let places: Vec<&(String, Value)> =
            envelope.iter().filter(|(_, value)| parts(value)).collect();
        match places.as_slice() {
            [(key, value)] if value.as_text() == Some("$value") => {
                let key = key.clone();
                Some(Box::new(Self { key, envelope }))
            }
            [] => {
                options.wrong(node, example);
                None
            }
            _ => {
                let message = "only `$value`, once, is in this version";
                let finding = options.findings.error(crate::codes::LATER, node.span, message);
                options.findings.report(finding);
                None
            }
        }
    }
}

impl Conversion for Wrap {
    fn name(&self) -> &'static str {
        "wrap"
    }

    fn gives(&self, from: Type) -> Result<Type, String> {
        if from == Type::Raw { Ok(Type::Raw) } else { Err("an object".to_owned()) }
    }

    fn get<'a>(&self, cell: Cell<'a>, _: &[Cell<'a>], _: Target) -> Result<Cell<'a>, Trouble> {
        let tree = cell.tree().ok_or_else(|| Trouble::wrong_type(&cell, "an object"))?;
        // Scalars compare as text (`1` is `"1"`), anything else as it is.
        let as_written = |key: &str, value: &Value| match value.scalar_text() {
            Some(text) => tree.get(key).and_then(Value::scalar_text) == Some(text),
            None => tree.get(key).unwrap_or(&Value::Null) == value,
        };
        let same =
            self.envelope.iter().all(|(key, value)| *key == self.key || as_written(key, value));
        if !same {
            return Err(Trouble::new("wrong_type", "not the envelope that the rule names"));
        }
        Ok(tree.get(&self.key).cloned().map_or(Cell::Absent, Cell::from_lang))
    }

    fn put<'a>(&self, cell: Cell<'a>, _: Target) -> Result<Put<'a>, Trouble> {
        let mut envelope = self.envelope.clone();
        if let Some((_, place)) = envelope.iter_mut().find(|(key, _)| *key == self.key) {
            *place = cell.to_lang();
        }
        Ok(Put::main(Cell::Json(Value::Map(envelope).to_json_text().into())))
    }
}
