//! Sets places of a tree: keys, places of lists, and by `*` every element of a list. The elements of a list that is set there
//! go to them in order; anything else goes to each.
//!
//! **Invariant:** a list that is longer than the elements there fits nowhere, so that nothing of it is dropped. Tests: the cases
//! `put-elements.yaml` and `put-elements-too-many.yaml` in `tests/data/connectors`.

use orderhub_lang::path::Segment;
use orderhub_lang::value::Value;

/// Most elements that a list may be made to have.
const MOST_ELEMENTS: usize = 10_000;

/// Sets a place; objects and lists on the way are made. Whether it could.
pub(crate) fn put_at(target: &mut Value, path: &[Segment], value: Value) -> bool {
    let Some((first, rest)) = path.split_first() else {
        *target = value;
        return true;
    };
    match first {
        Segment::Key(key) => {
            if rest.is_empty() {
                return target.set(key, value);
            }
            if target.get(key).is_none() && !target.set(key, Value::Null) {
                return false;
            }
            target.get_mut(key).is_some_and(|inner| put_at(inner, rest, value))
        }
        Segment::Index(index) => {
            if target.is_null() {
                *target = Value::List(Vec::new());
            }
            let Value::List(list) = target else { return false };
            let index = *index as usize;
            if index >= MOST_ELEMENTS {
                return false;
            }
            if list.len() <= index {
                list.resize(index + 1, Value::Null);
            }
            list.get_mut(index).is_some_and(|inner| put_at(inner, rest, value))
        }
        Segment::Each => put_each(target, rest, value),
        Segment::Where { .. } | Segment::Setting(_) | Segment::Xref(_) => false,
    }
}

/// Sets a place of every element; what is nothing leaves its element as it is.
fn put_each(target: &mut Value, rest: &[Segment], value: Value) -> bool {
    let Value::List(elements) = target else { return false };
    let Value::List(values) = value else {
        return elements.iter_mut().all(|element| put_at(element, rest, value.clone()));
    };
    if values.len() > elements.len() {
        return false;
    }
    let mut pairs = elements.iter_mut().zip(values);
    pairs.all(|(element, value)| value.is_null() || put_at(element, rest, value))
}
