//! From the paths that a file reads to a body or a document that has something at each of them.

use orderhub_lang::path::Segment;
use orderhub_lang::value::Value;

/// Places of a list that are filled up to the one that is read; further ones are left out.
const MOST_PLACES: usize = 64;

/// Puts a value where a path leads, and makes the way there. What the body has already stays: a path that ends where
/// another one goes on adds nothing, and one that wants a list where another wants an object is left out.
pub fn put(body: &mut Value, path: &[Segment], value: &Value) {
    let Some((first, rest)) = path.split_first() else {
        if body.is_null() {
            *body = value.clone();
        }
        return;
    };
    match first {
        Segment::Key(key) if key == "one" => place(body, 0, rest, value),
        Segment::Key(key) => member(body, key, rest, value),
        Segment::Index(index) => {
            place(body, usize::try_from(*index).unwrap_or(MOST_PLACES), rest, value);
        }
        Segment::Each => {
            place(body, 0, &[], &Value::Null);
            if let Value::List(list) = body {
                list.iter_mut().for_each(|item| put(item, rest, value));
            }
        }
        Segment::Where { key, value: wanted, number } => {
            let wanted =
                wanted.parse().ok().filter(|_| *number).map_or(Value::text(wanted), Value::Int);
            place(body, 0, &[Segment::Key(key.clone())], &wanted);
            place(body, 0, rest, value);
        }
        // No part of an answer.
        Segment::Setting(_) | Segment::Xref(_) => {}
    }
}

fn member(body: &mut Value, key: &str, rest: &[Segment], value: &Value) {
    if body.is_null() {
        *body = Value::Map(Vec::new());
    }
    let Value::Map(map) = body else { return };
    if !map.iter().any(|(known, _)| known == key) {
        map.push((key.to_owned(), Value::Null));
    }
    if let Some((_, member)) = map.iter_mut().find(|(known, _)| known == key) {
        put(member, rest, value);
    }
}

fn place(body: &mut Value, index: usize, rest: &[Segment], value: &Value) {
    if body.is_null() {
        *body = Value::List(Vec::new());
    }
    let Value::List(list) = body else { return };
    if index >= MOST_PLACES {
        return;
    }
    if list.len() <= index {
        list.resize(index + 1, Value::Null);
    }
    if let Some(item) = list.get_mut(index) {
        put(item, rest, value);
    }
}

/// The path to the first list on the way of a path; `None`: there is none.
pub(crate) fn to_list(path: &[Segment]) -> Option<&[Segment]> {
    let list = |segment: &Segment| match segment {
        Segment::Key(key) => key == "one",
        Segment::Index(_) | Segment::Each | Segment::Where { .. } => true,
        Segment::Setting(_) | Segment::Xref(_) => false,
    };
    path.get(..path.iter().position(list)?)
}

#[cfg(test)]
mod tests {
    use orderhub_lang::path::Path;

    use super::*;

    #[test]
    fn a_body_has_something_at_each_path() {
        let mut body = Value::Null;
        for path in [
            "value.one.id",
            "value.one.'@odata.etag'",
            "rows.1",
            "lines.*.sku",
            "more(kind=a).n",
            "value",
            "rows.x",
        ] {
            put(&mut body, &Path::parse(path).unwrap().segments, &Value::text("71"));
        }
        assert_eq!(
            body.to_json_text(),
            r#"{"value":[{"id":"71","@odata.etag":"71"}],"rows":[null,"71"],"lines":[{"sku":"71"}],"more":[{"kind":"a","n":"71"}]}"#
        );
    }

    #[test]
    fn the_list_on_the_way_is_found() {
        for (path, expected) in [("value.one.id", Some(1)), ("0.a", Some(0)), ("a.b", None)] {
            let path = Path::parse(path).unwrap();
            assert_eq!(to_list(&path.segments).map(<[Segment]>::len), expected);
        }
    }
}
