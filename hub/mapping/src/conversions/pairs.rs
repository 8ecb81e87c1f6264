//! `pairs: { key: name, value: value }`: `[{ name, value }]` for names and texts. A repeated name is a
//! list: its texts stand as a JSON array of texts.

use std::collections::BTreeMap;
use std::sync::Arc;

use orderhub_lang::value::Value;
use orderhub_lang::yaml::Node;
use orderhub_order::value::Text;

use super::{Conversion, Law, Options, Put, Target, Type};
use crate::cell::{Cell, Trouble};

#[derive(Debug)]
pub(crate) struct Pairs {
    key: String,
    value: String,
}

impl Pairs {
    pub(crate) fn read(node: &Node, options: &mut Options<'_>) -> Option<Box<dyn Conversion>> {
        if node.is_null() {
            options.wrong(node, "the two keys are needed: pairs: { key: name, value: value }");
        }
        let mut fields = options.fields(node, "pairs")?;
        let key = fields.required_text("key", options.findings);
        let value = fields.required_text("value", options.findings);
        fields.finish(options.findings);
        Some(Box::new(Self { key: key?, value: value? }))
    }
}

/// The texts of a repeated name; `None` if the text is no list of two or more texts.
fn repeated(text: &str) -> Option<Vec<String>> {
    let list = text.starts_with('[').then(|| Value::from_json(text.as_bytes()).ok()).flatten()?;
    let texts: Option<Vec<String>> =
        list.as_list()?.iter().map(|item| item.as_text().map(str::to_owned)).collect();
    texts.filter(|texts| texts.len() > 1)
}

impl Conversion for Pairs {
    fn name(&self) -> &'static str {
        "pairs"
    }

    fn law(&self) -> Law {
        Law::Canonical("a list of texts is a repeated name")
    }

    fn gives(&self, from: Type) -> Result<Type, String> {
        if matches!(from, Type::Raw | Type::Texts) {
            return Ok(Type::Map);
        }
        Err("a list of objects".to_owned())
    }

    fn get<'a>(&self, cell: Cell<'a>, _: &[Cell<'a>], _: Target) -> Result<Cell<'a>, Trouble> {
        let tree = cell.tree();
        let items = tree.as_ref().and_then(Value::as_list);
        let items = items.ok_or_else(|| Trouble::wrong_type(&cell, "a list of objects"))?;
        let mut map: BTreeMap<Text, Vec<Option<String>>> = BTreeMap::new();
        for (place, item) in items.iter().enumerate() {
            if item.as_map().is_none() {
                let found = Cell::from_lang(item.clone());
                return Err(Trouble::wrong_element(&found, place, "an object"));
            }
            let name = item.get(&self.key).cloned().map_or(Cell::Absent, Cell::from_lang);
            let name = name.scalar().ok_or_else(|| {
                let why = format!(
                    "the object at place {place} of the list has no text under `{}`",
                    self.key
                );
                Trouble::new("wrong_type", why)
            })?;
            let value = match item.get(&self.value) {
                None => None,
                Some(value) if value.is_null() => None,
                Some(value) => match value.scalar_text() {
                    Some(text) => Some(text.into_owned()),
                    None => Some(value.to_json_text()),
                },
            };
            map.entry(name.into()).or_default().push(value);
        }
        let one = |mut values: Vec<Option<String>>| -> Option<Text> {
            if values.len() == 1 {
                return values.pop().flatten().map(Text::from);
            }
            let texts = values.into_iter().flatten().map(Value::Text).collect();
            Some(Value::List(texts).to_json_text().into())
        };
        let map = map.into_iter().map(|(name, values)| (name, one(values)));
        Ok(Cell::Map(Arc::new(map.collect())))
    }

    fn put<'a>(&self, cell: Cell<'a>, _: Target) -> Result<Put<'a>, Trouble> {
        let Cell::Map(map) = cell else {
            return Err(Trouble::wrong_type(&cell, "names and texts"));
        };
        let mut items = Vec::new();
        let mut pair = |name: &str, value: Value| {
            let key = (self.key.clone(), Value::Text(name.to_owned()));
            items.push(Value::Map(vec![key, (self.value.clone(), value)]));
        };
        for (name, text) in &*map {
            match text.as_deref().map(|text| (text, repeated(text))) {
                None => pair(name, Value::Null),
                Some((_, Some(texts))) => {
                    texts.into_iter().for_each(|text| pair(name, Value::Text(text)));
                }
                Some((text, None)) => pair(name, Value::Text(text.to_owned())),
            }
        }
        Ok(Put::main(Cell::Json(Value::List(items).to_json_text().into())))
    }
}
