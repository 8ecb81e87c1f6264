//! Cells that a table calculator would compute: a text that begins like a formula goes out behind an
//! apostrophe, and comes in without it.
//!
//! **Invariant:** `bare(safe(text)) == text`, and no safe text begins like a formula. A text that is written like
//! a number stays as it is. Test: `a_cell_is_safe_and_comes_back`.

use std::borrow::Cow;

/// How formulas begin, in the calculators that are known.
fn begins(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let plain =
        digits.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b',' | b' '));
    plain && digits.starts_with(|first: char| first.is_ascii_digit())
}

/// As it goes out.
pub(super) fn safe(text: &str) -> Cow<'_, str> {
    if begins(text.trim_start_matches('\'')) && !is_number(text) {
        return Cow::Owned(format!("'{text}"));
    }
    Cow::Borrowed(text)
}

/// As it is.
pub(super) fn bare(text: &str) -> &str {
    let rest = text.strip_prefix('\'');
    rest.filter(|rest| begins(rest.trim_start_matches('\'')) && !is_number(rest)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_begins_like_a_formula_stands_behind_an_apostrophe() {
        for (text, out) in [
            ("=1+1", "'=1+1"),
            ("@sum", "'@sum"),
            ("-2+3", "'-2+3"),
            ("'=x", "''=x"),
            ("-2,50", "-2,50"),
            ("+49 30 123", "+49 30 123"),
            ("'s Hertog", "'s Hertog"),
            ("", ""),
        ] {
            assert_eq!(safe(text), out);
        }
    }

    proptest! {
        #[test]
        fn a_cell_is_safe_and_comes_back(text in "['=+\\-@0-9a,. \t]{0,8}") {
            let out = safe(&text);
            prop_assert_eq!(bare(&out), &text);
            prop_assert!(!begins(&out) || is_number(&out));
        }
    }
}
