//! Escapes that keep a value inside its place.

use std::fmt::Write as _;

/// Percent-encodes everything but the unreserved characters of RFC 3986 (letters, digits, `-._~`): fit
/// for a path segment, a query and a form.
pub fn percent(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            // Writing to a String does not fail.
            let _fine = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unreserved_characters_stay() {
        assert_eq!(percent("a-Z.0_~"), "a-Z.0_~");
        assert_eq!(percent("a/b?c#d&e=f+g h%"), "a%2Fb%3Fc%23d%26e%3Df%2Bg%20h%25");
        assert_eq!(percent("订\n"), "%E8%AE%A2%0A");
    }
}
