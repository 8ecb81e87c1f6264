//! Sets places of a tree.

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
        Segment::Each | Segment::Where { .. } | Segment::Setting(_) | Segment::Xref(_) => false,
    }
}
