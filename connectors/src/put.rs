//! Sets places of a tree: keys, places of lists, and by `*` every element of a list. The elements of a list that is set there
//! go to them in order; anything else goes to each.
//!
//! **Invariant:** a list that is longer than the elements there fits nowhere, so that nothing of it is dropped. Tests: the cases
//! `put-elements.yaml` and `put-elements-too-many.yaml` in `tests/data/connectors`.
//! What goes to each is counted for each. Test: `what_goes_to_each_is_counted`.

use orderhub_lang::path::Segment;
use orderhub_lang::room::{Full, Room};
use orderhub_lang::value::Value;

/// Most elements that a list may be made to have.
const MOST_ELEMENTS: usize = 10_000;

/// Sets a place; objects and lists on the way are made. Whether it could.
///
/// # Errors
///
/// [`Full`]: what goes to each element is more than there is room for.
pub(crate) fn put_at(
    target: &mut Value,
    path: &[Segment],
    value: Value,
    room: &Room,
) -> Result<bool, Full> {
    let Some((first, rest)) = path.split_first() else {
        *target = value;
        return Ok(true);
    };
    let inner = match first {
        Segment::Key(key) => {
            if rest.is_empty() {
                return Ok(target.set(key, value));
            }
            if target.get(key).is_none() && !target.set(key, Value::Null) {
                return Ok(false);
            }
            target.get_mut(key)
        }
        Segment::Index(index) => {
            if target.is_null() {
                *target = Value::List(Vec::new());
            }
            let Value::List(list) = target else { return Ok(false) };
            let index = *index as usize;
            if index >= MOST_ELEMENTS {
                return Ok(false);
            }
            if list.len() <= index {
                list.resize(index + 1, Value::Null);
            }
            list.get_mut(index)
        }
        Segment::Each => return put_each(target, rest, value, room),
        Segment::Where { .. } | Segment::Setting(_) | Segment::Xref(_) => None,
    };
    inner.map_or(Ok(false), |inner| put_at(inner, rest, value, room))
}

/// Sets a place of every element; what is nothing leaves its element as it is.
fn put_each(target: &mut Value, rest: &[Segment], value: Value, room: &Room) -> Result<bool, Full> {
    let Value::List(elements) = target else { return Ok(false) };
    let Value::List(values) = value else {
        let size = value.size();
        for element in elements {
            room.take(size)?;
            if !put_at(element, rest, value.clone(), room)? {
                return Ok(false);
            }
        }
        return Ok(true);
    };
    if values.len() > elements.len() {
        return Ok(false);
    }
    for (element, value) in elements.iter_mut().zip(values) {
        if !value.is_null() && !put_at(element, rest, value, room)? {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_to_each_is_counted() {
        let value = Value::text("0123456789");
        let path = [Segment::Key("rows".to_owned()), Segment::Each, Segment::Key("a".to_owned())];
        for (elements, fits) in [(3, true), (4, false)] {
            let rows = Value::List(vec![Value::Map(Vec::new()); elements]);
            let mut body = Value::Map(vec![("rows".to_owned(), rows)]);
            let room = Room::of(3 * value.size());
            let put = put_at(&mut body, &path, value.clone(), &room);
            assert_eq!(put.is_ok(), fits, "{elements}");
        }
    }
}
