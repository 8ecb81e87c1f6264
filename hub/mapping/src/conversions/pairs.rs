//! `pairs: { key: name, value: value }`: `[{ name, value }]` for names and texts. A repeated name is a
//! list: its texts stand as a JSON array of texts.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use orderhub_lang::value::Value;
use orderhub_lang::yaml::Node;
use orderhub_order::value::Text;

use super::{Conversion, Law, Options, Put, Target, Type};
use crate::cell::{Cell, Trouble};
use crate::program::KeyName;
use crate::scan::token::{Cursor, Token, unescape};
use crate::written::text;

#[derive(Debug)]
pub(crate) struct Pairs {
    key: KeyName,
    value: KeyName,
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
        Some(Box::new(Self { key: key?.as_str().into(), value: value?.as_str().into() }))
    }
}

impl Pairs {
    /// Reads a list as nearly all are: of objects with the two keys alone, whose values are texts, or null, no
    /// name twice. `None`: it is another, or none.
    fn straight(&self, text: &str) -> Option<BTreeMap<Text, Option<Text>>> {
        let mut cursor = Cursor::new(text);
        let mut map = BTreeMap::new();
        if !cursor.take(b'[') {
            return None;
        }
        if !cursor.take(b']') {
            loop {
                let (name, value) = self.pair(&mut cursor)?;
                if map.insert(name.into(), value.map(Text::from)).is_some() {
                    return None;
                }
                if cursor.take(b']') {
                    break;
                }
                cursor.expect(b',', "").ok()?;
            }
        }
        cursor.end().ok()?;
        Some(map)
    }

    fn pair<'t>(&self, cursor: &mut Cursor<'t>) -> Option<(Cow<'t, str>, Option<Cow<'t, str>>)> {
        let text = cursor.text;
        let (mut name, mut value) = (None, None);
        if !cursor.take(b'{') {
            return None;
        }
        loop {
            let (_, start, end) = cursor.string().ok()?;
            let key = text.get(start..end)?;
            cursor.expect(b':', "").ok()?;
            let (token, start, end) = cursor.value().ok()?;
            let is = match token {
                Token::Text | Token::Escaped => Some(unescape(text.get(start..end)?)),
                Token::Null => None,
                _ => return None,
            };
            // One that is named by both keys, or has one of them twice, goes the long way.
            if key == &*self.key && name.is_none() && self.key != self.value {
                name = Some(is?);
            } else if key == &*self.value && value.is_none() {
                value = Some(is);
            } else {
                return None;
            }
            if cursor.take(b'}') {
                return Some((name?, value.flatten()));
            }
            cursor.expect(b',', "").ok()?;
        }
    }
}

impl Pairs {
    /// Writes one pair behind those before it.
    fn write(&self, name: &str, value: Option<&str>, bytes: &mut Vec<u8>) {
        if bytes.len() > 1 {
            bytes.push(b',');
        }
        bytes.push(b'{');
        bytes.extend_from_slice(&self.key.written);
        text(name, bytes);
        bytes.push(b',');
        bytes.extend_from_slice(&self.value.written);
        match value {
            Some(value) => text(value, bytes),
            None => bytes.extend_from_slice(b"null"),
        }
        bytes.push(b'}');
    }

    /// Any list of objects.
    fn by_tree<'a>(&self, cell: &Cell<'_>) -> Result<Cell<'a>, Trouble> {
        let tree = cell.tree();
        let items = tree.as_ref().and_then(Value::as_list);
        let items = items.ok_or_else(|| Trouble::wrong_type(cell, "a list of objects"))?;
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
        if let Cell::Json(text) = &cell
            && let Some(map) = self.straight(text)
        {
            return Ok(Cell::Map(Arc::new(map)));
        }
        self.by_tree(&cell)
    }

    fn put<'a>(&self, cell: Cell<'a>, _: Target) -> Result<Put<'a>, Trouble> {
        let Cell::Map(map) = cell else {
            return Err(Trouble::wrong_type(&cell, "names and texts"));
        };
        let mut bytes = Vec::with_capacity(64 * map.len() + 2);
        bytes.push(b'[');
        for (name, text) in &*map {
            match text.as_deref().map(|text| (text, repeated(text))) {
                None => self.write(name, None, &mut bytes),
                Some((_, Some(texts))) => {
                    texts.iter().for_each(|text| self.write(name, Some(text), &mut bytes));
                }
                Some((text, None)) => self.write(name, Some(text), &mut bytes),
            }
        }
        bytes.push(b']');
        Ok(Put::main(Cell::Json(String::from_utf8(bytes).unwrap_or_default().into())))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Lists of pairs, and what is nearly one.
    fn list() -> impl Strategy<Value = String> {
        let text = prop_oneof![
            Just("\"a\""),
            Just("\"b\""),
            Just("\"\\u00e9\\n\""),
            Just("\"\""),
            Just("\"[1]\"")
        ];
        let odd = prop_oneof![
            Just("null"),
            Just("1"),
            Just("true"),
            Just("[1, \"a\"]"),
            Just("{\"k\": 1}"),
            Just("{\"k\":1,\"k\":2}")
        ];
        let value = prop_oneof![4 => text, 1 => odd];
        let key = prop_oneof![5 => Just("k"), 5 => Just("v"), 1 => Just("w"), 1 => Just("\\u006b")];
        let object = proptest::collection::vec((key, value), 0..4).prop_map(|entries| {
            let entries = entries.iter().map(|(key, value)| format!("\"{key}\" : {value}"));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        });
        let item =
            prop_oneof![8 => object, 1 => Just("null".to_owned()), 1 => Just("1".to_owned())];
        proptest::collection::vec(item, 0..4).prop_map(|items| format!("[{} ]", items.join(",")))
    }

    proptest! {
        #[test]
        fn a_list_that_is_read_straight_is_read_as_by_its_tree(text in list(), same: bool) {
            let pairs = Pairs { key: "k".into(), value: if same { "k" } else { "v" }.into() };
            if let Some(map) = pairs.straight(&text) {
                prop_assert_eq!(pairs.by_tree(&Cell::Json(text.into())), Ok(Cell::Map(Arc::new(map))));
            }
        }
    }

    #[test]
    fn a_list_as_nearly_all_are_is_read_straight() {
        let pairs = Pairs { key: "k".into(), value: "v".into() };
        for text in [r#"[]"#, r#"[{"k":"a","v":"\u00e9"},{"v":null,"k":"b"}]"#, r#"[{"k":"a"}]"#] {
            assert!(pairs.straight(text).is_some(), "{text}");
        }
    }
}
