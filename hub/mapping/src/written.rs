//! Texts and numbers as JSON writes them.
//!
//! **Invariant:** what is written here is what the general way writes. Tests:
//! `a_number_is_written_as_it_shows_itself`, `a_text_is_written_as_json`.

use std::io::Write as _;

use rust_decimal::Decimal;

use crate::scan::token::special;

/// A text in its quotes; only what must be escaped is.
pub(crate) fn text(text: &str, bytes: &mut Vec<u8>) {
    let mut rest = text.as_bytes();
    bytes.reserve(rest.len() + 2);
    bytes.push(b'"');
    while let Some(at) = special(rest) {
        let (plain, behind) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        let Some((special, after)) = behind.split_first() else { break };
        bytes.extend_from_slice(plain);
        match special {
            b'"' => bytes.extend_from_slice(b"\\\""),
            b'\\' => bytes.extend_from_slice(b"\\\\"),
            b'\n' => bytes.extend_from_slice(b"\\n"),
            b'\r' => bytes.extend_from_slice(b"\\r"),
            b'\t' => bytes.extend_from_slice(b"\\t"),
            control => shown(bytes, format_args!("\\u{:04x}", u32::from(*control))),
        }
        rest = after;
    }
    bytes.extend_from_slice(rest);
    bytes.push(b'"');
}

/// What shows itself as text.
pub(crate) fn shown(bytes: &mut Vec<u8>, what: impl std::fmt::Display) {
    // Writing to bytes in memory does not fail.
    let _fine = write!(bytes, "{what}");
}

/// Most digits that are written without the general way: those of 64 bits, and zeros before them.
const DIGITS: usize = 20;

/// An exact number in plain digits, with all its places.
pub(crate) fn exact(number: Decimal, bytes: &mut Vec<u8>) {
    let scale = number.scale() as usize;
    match u64::try_from(number.mantissa().unsigned_abs()) {
        Ok(mut digits) if scale < DIGITS => {
            if number.is_sign_negative() {
                bytes.push(b'-');
            }
            let mut text = [b'0'; DIGITS];
            let mut start = DIGITS;
            for place in text.iter_mut().rev() {
                if digits == 0 && DIGITS - start > scale {
                    break;
                }
                *place = b'0' + u8::try_from(digits % 10).unwrap_or_default();
                digits /= 10;
                start -= 1;
            }
            let (whole, after) = text.split_at(DIGITS - scale);
            bytes.extend_from_slice(whole.get(start..).unwrap_or_default());
            if scale > 0 {
                bytes.push(b'.');
                bytes.extend_from_slice(after);
            }
        }
        _ => shown(bytes, number),
    }
}

/// The same as a text.
pub(crate) fn exact_text(number: Decimal) -> String {
    let mut bytes = Vec::with_capacity(DIGITS);
    exact(number, &mut bytes);
    String::from_utf8(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_number_is_written_as_it_shows_itself(whole: i128, shift in 0_u32..128, scale in 0_u32..=28, minus: bool) {
            let mut number = Decimal::try_from_i128_with_scale((whole >> 32) >> shift.min(95), scale).unwrap_or_default();
            number.set_sign_negative(minus);
            prop_assert_eq!(exact_text(number), number.to_string());
        }

        #[test]
        fn a_text_is_written_as_json(given in "[a\"\\\\\u{0}-\u{1f}é😀]{0,40}") {
            let mut bytes = Vec::new();
            text(&given, &mut bytes);
            let read: String = serde_json::from_slice(&bytes).unwrap();
            prop_assert_eq!(read, given.clone());
            let tree = orderhub_lang::value::Value::Text(given).to_json_text();
            prop_assert_eq!(String::from_utf8(bytes).unwrap(), tree);
        }
    }
}
