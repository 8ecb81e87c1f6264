//! Values as JSON.

use crate::cell::{self, Cell};
use crate::written::{exact, shown, text};

/// Puts a comma unless the array is empty; gives the place before it.
pub(super) fn separate(first: usize, bytes: &mut Vec<u8>) -> usize {
    let before = bytes.len();
    if before > first {
        bytes.push(b',');
    }
    before
}

/// Writes a value as JSON.
pub(super) fn write(value: &Cell<'_>, bytes: &mut Vec<u8>) {
    match value {
        Cell::Absent | Cell::Null => bytes.extend_from_slice(b"null"),
        Cell::Bool(true) => bytes.extend_from_slice(b"true"),
        Cell::Bool(false) => bytes.extend_from_slice(b"false"),
        Cell::Number(number) => bytes.extend_from_slice(number.as_bytes()),
        Cell::Integer(whole) => shown(bytes, whole),
        Cell::Decimal(number) => exact(*number, bytes),
        Cell::Text(value) => text(value, bytes),
        Cell::Json(json) => bytes.extend_from_slice(json.as_bytes()),
        Cell::Money(money) => {
            bytes.extend_from_slice(b"{\"amount\":");
            bytes.push(b'"');
            exact(money.amount, bytes);
            bytes.push(b'"');
            bytes.extend_from_slice(b",\"currency\":");
            text(&cell::code(money), bytes);
            bytes.push(b'}');
        }
        Cell::Timestamp(_) | Cell::Date(_) | Cell::Ref(_) => {
            text(&value.scalar().unwrap_or_default(), bytes);
        }
        Cell::List(items) => {
            list(items.iter(), bytes, |item, bytes| text(item, bytes));
        }
        Cell::Many(cells) | Cell::Named(cells) => {
            let present = cells.iter().filter(|cell| **cell != Cell::Absent);
            list(present, bytes, |cell, bytes| write(cell, bytes));
        }
        Cell::Map(map) => {
            bytes.push(b'{');
            let first = bytes.len();
            for (name, value) in &**map {
                separate(first, bytes);
                text(name, bytes);
                bytes.push(b':');
                match value {
                    Some(value) => text(value, bytes),
                    None => bytes.extend_from_slice(b"null"),
                }
            }
            bytes.push(b'}');
        }
    }
}

fn list<T>(
    items: impl Iterator<Item = T>,
    bytes: &mut Vec<u8>,
    mut write: impl FnMut(T, &mut Vec<u8>),
) {
    bytes.push(b'[');
    let first = bytes.len();
    for item in items {
        separate(first, bytes);
        write(item, bytes);
    }
    bytes.push(b']');
}
