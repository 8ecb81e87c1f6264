//! Forms, `application/x-www-form-urlencoded`: `a=1&b%5Bc%5D=2`, as names and texts or as a tree of them.
//!
//! In a tree `a[b]` is a key within `a`, `a[0]` an element of it, `a[]` one more, and a name that stands twice
//! is a list. Bounds: at most [`MOST_FIELDS`] fields, names of at most [`DEEPEST`] brackets.
//!
//! **Invariant:** what [`write()`] made of a tree of texts, [`tree`] reads as the same tree. Tests:
//! `a_tree_goes_out_and_comes_in_again`, `names_with_brackets_are_a_tree`.

use crate::escape::percent;
use crate::value::Value;

/// Most fields of a form.
pub const MOST_FIELDS: usize = 5_000;

/// Most brackets behind one name.
pub const DEEPEST: usize = 20;

/// The names and texts of a form, in their order; `None` where it is none: letters that are no UTF-8, a `%`
/// without its two digits, too many fields.
pub fn pairs(body: &[u8]) -> Option<Vec<(String, String)>> {
    let text = std::str::from_utf8(body).ok()?;
    if text.split('&').count() > MOST_FIELDS {
        return None;
    }
    let fields = text.split('&').filter(|pair| !pair.is_empty());
    let pair = |pair: &str| {
        let (name, given) = pair.split_once('=').unwrap_or((pair, ""));
        Some((decoded(name)?, decoded(given)?))
    };
    fields.map(pair).collect()
}

/// A form as an object of its names as they stand; a repeated name is a list.
pub fn flat(body: &[u8]) -> Option<Value> {
    let mut value = Value::Map(Vec::new());
    for (name, given) in pairs(body)? {
        add(&mut value, &name, Value::Text(given));
    }
    Some(value)
}

/// A form as the tree that its names' brackets make; `None` as [`pairs`], and where one name is a text in one
/// place and holds others in the next.
pub fn tree(body: &[u8]) -> Option<Value> {
    let mut root = Value::Map(Vec::new());
    for (name, given) in pairs(body)? {
        let keys = keys(&name)?;
        let mut place = &mut root;
        for (level, key) in keys.iter().enumerate() {
            let Value::Map(entries) = place else { return None };
            let next = entries.len().to_string();
            let key = if key.is_empty() && level > 0 { &next } else { *key };
            if level + 1 == keys.len() {
                if place.get(key).is_some_and(|known| known.as_map().is_some()) {
                    return None;
                }
                add(place, key, Value::Text(given));
                break;
            }
            if place.get(key).is_none() {
                place.set(key, Value::Map(Vec::new()));
            }
            place = place.get_mut(key)?;
        }
    }
    lists(&mut root, 0);
    Some(root)
}

/// `a[b][]` as `a`, `b` and nothing; a name whose brackets do not pair is one key as it stands.
fn keys(name: &str) -> Option<Vec<&str>> {
    let whole = vec![name];
    let Some((first, mut rest)) = name.split_once('[') else { return Some(whole) };
    let mut keys = vec![first];
    loop {
        let Some((key, behind)) = rest.split_once(']') else { return Some(whole) };
        keys.push(key);
        if keys.len() > DEEPEST {
            return None;
        }
        match behind.strip_prefix('[') {
            Some(more) => rest = more,
            None if behind.is_empty() && !first.is_empty() => return Some(keys),
            None => return Some(whole),
        }
    }
}

/// Sets a key; one that is there already becomes a list.
fn add(place: &mut Value, key: &str, given: Value) {
    match place.get_mut(key) {
        Some(Value::List(list)) => list.push(given),
        Some(first) => *first = Value::List(vec![std::mem::take(first), given]),
        None => {
            place.set(key, given);
        }
    }
}

/// Objects whose keys count from 0 on are lists, but for the form itself.
fn lists(value: &mut Value, level: usize) {
    let Value::Map(entries) = value else { return };
    entries.iter_mut().for_each(|(_, inner)| lists(inner, level + 1));
    let count = entries.len();
    let place =
        |key: &str| key.parse::<usize>().ok().filter(|at| *at < count && at.to_string() == key);
    if level > 0 && count > 0 && entries.iter().all(|(key, _)| place(key).is_some()) {
        let mut items = std::mem::take(entries);
        items.sort_by_key(|(key, _)| place(key));
        *value = Value::List(items.into_iter().map(|(_, item)| item).collect());
    }
}

/// A tree as a form: keys and places in brackets, null as nothing behind `=`. `None` where the root is no
/// object, or a key holds a bracket.
pub fn write(tree: &Value) -> Option<String> {
    let mut out = String::new();
    for (name, value) in tree.as_map()? {
        if name.is_empty() || name.contains(['[', ']']) {
            return None;
        }
        field(name, value, &mut out)?;
    }
    Some(out)
}

fn field(name: &str, value: &Value, out: &mut String) -> Option<()> {
    match value {
        Value::List(items) => {
            for (at, item) in items.iter().enumerate() {
                field(&format!("{name}[{at}]"), item, out)?;
            }
        }
        Value::Map(entries) => {
            for (key, value) in entries {
                if key.is_empty() || key.contains(['[', ']']) {
                    return None;
                }
                field(&format!("{name}[{key}]"), value, out)?;
            }
        }
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Decimal(_) | Value::Text(_) => {
            if !out.is_empty() {
                out.push('&');
            }
            out.push_str(&percent(name));
            out.push('=');
            out.push_str(&percent(&value.scalar_text().unwrap_or_default()));
        }
    }
    Some(())
}

fn decoded(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                let byte = digit()? * 16 + digit()?;
                out.push(u8::try_from(byte).ok()?);
            }
            other => out.push(other),
        }
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_with_brackets_are_a_tree() {
        for (form, expected) in [
            ("a=1&b=x+y%26&a=2", r#"{"a":["1","2"],"b":"x y&"}"#),
            ("o[id]=1&o[l][0][s]=A&o[l][1][s]=B", r#"{"o":{"id":"1","l":[{"s":"A"},{"s":"B"}]}}"#),
            ("t[]=a&t[]=b", r#"{"t":["a","b"]}"#),
            ("t[1]=b&t[0]=a", r#"{"t":["a","b"]}"#),
            ("t[7]=a&0=x", r#"{"t":{"7":"a"},"0":"x"}"#),
            ("a[b=1&c]d=2&[x]=3", r#"{"a[b":"1","c]d":"2","[x]":"3"}"#),
            ("a&b=", r#"{"a":"","b":""}"#),
            ("", "{}"),
        ] {
            assert_eq!(tree(form.as_bytes()).unwrap().to_json_text(), expected, "{form}");
        }
        for form in
            ["a=1&a[b]=2", "a[b]=1&a=2", "a=%4", "a=%ff", &format!("a{}=1", "[b]".repeat(21))]
        {
            assert_eq!(tree(form.as_bytes()), None, "{form}");
        }
        assert_eq!(tree("a=1&".repeat(MOST_FIELDS).as_bytes()), None);
        let flat = flat(b"a[b]=1&a[b]=2").unwrap();
        assert_eq!(flat.to_json_text(), r#"{"a[b]":["1","2"]}"#);
    }

    fn any_tree() -> impl Strategy<Value = Value> {
        let text = "[a-z&=+%\\[\\] é中]{0,4}".prop_map(Value::Text);
        text.prop_recursive(3, 20, 4, |inner| {
            let list = proptest::collection::vec(inner.clone(), 1..4).prop_map(Value::List);
            let map = proptest::collection::btree_map("[a-z &=+é]{1,3}", inner, 1..4);
            prop_oneof![list, map.prop_map(|map| Value::Map(map.into_iter().collect()))]
        })
    }

    proptest! {
        #[test]
        fn a_tree_goes_out_and_comes_in_again(inner in any_tree()) {
            let root = Value::Map(vec![("r".to_owned(), inner)]);
            let written = write(&root).unwrap();
            prop_assert_eq!(tree(written.as_bytes()), Some(root));
        }

        #[test]
        fn any_bytes_end(body in "[a-c0-2=&%\\[\\]]{0,40}") {
            let _either = tree(body.as_bytes());
        }
    }
}
