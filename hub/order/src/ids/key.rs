//! The key of an order and how it is shown.

use serde::{Deserialize, Serialize};

/// The store's 64-bit key of an order, never shown raw: outside it is [`OrderKey::shown`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OrderKey(pub i64);

/// Crockford's digits: no i, l, o, u, so that a key survives being read out.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

impl OrderKey {
    /// `o_`, the key in Crockford base32, and a check character: `o_7x9c`.
    ///
    /// **Invariant:** one wrong character never reads as another order; the check is Luhn's over 32
    /// digits, so that it stays within the alphabet. Test: `one_wrong_character_is_noticed`.
    pub fn shown(self) -> String {
        let digits = digits(self.0);
        format!("o_{}{}", text(&digits), digit(check(&digits)))
    }

    /// Reads what [`OrderKey::shown`] wrote; upper case and the look-alikes i, l, o are forgiven.
    pub fn parse(shown: &str) -> Option<OrderKey> {
        let body = shown.strip_prefix("o_").or_else(|| shown.strip_prefix("O_"))?;
        let values: Vec<u8> = body.chars().map(value).collect::<Option<_>>()?;
        let (last, digits) = values.split_last()?;
        if digits.is_empty() || digits.len() > 13 || check(digits) != *last {
            return None;
        }
        let number = digits
            .iter()
            .try_fold(0_u64, |sum, digit| sum.checked_mul(32)?.checked_add(u64::from(*digit)))?;
        Some(OrderKey(number.cast_signed()))
    }

    /// The bare digits, without prefix and check: short texts within references.
    pub(super) fn bare(self) -> String {
        text(&digits(self.0))
    }
}

/// The bits of a number as text of `count` digits, for check characters of longer texts.
pub(super) fn short(bits: u64, count: usize) -> String {
    (0..count).map(|place| digit((bits >> (5 * place)) as u8 & 31)).collect()
}

fn digits(key: i64) -> Vec<u8> {
    let mut rest = key.cast_unsigned();
    let mut digits = Vec::new();
    loop {
        digits.push((rest % 32) as u8);
        rest /= 32;
        if rest == 0 {
            digits.reverse();
            return digits;
        }
    }
}

fn digit(value: u8) -> char {
    DIGITS.get(usize::from(value & 31)).map_or('0', |digit| char::from(*digit))
}

fn text(digits: &[u8]) -> String {
    digits.iter().map(|value| digit(*value)).collect()
}

fn value(character: char) -> Option<u8> {
    let character = match character.to_ascii_lowercase() {
        'o' => '0',
        'i' | 'l' => '1',
        other => other,
    };
    let place = DIGITS.iter().position(|digit| char::from(*digit) == character)?;
    u8::try_from(place).ok()
}

/// Luhn's sum over base 32: finds any single wrong character and nearly every swap of neighbours.
fn check(digits: &[u8]) -> u8 {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let weighted = u32::from(*digit) * if place % 2 == 0 { 2 } else { 1 };
            weighted / 32 + weighted % 32
        })
        .sum();
    ((32 - sum % 32) % 32) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_shown_and_read_back() {
        for key in [0, 1, 31, 32, 1_000_000, i64::MAX, -1] {
            let shown = OrderKey(key).shown();
            assert!(shown.starts_with("o_"));
            assert_eq!(OrderKey::parse(&shown), Some(OrderKey(key)), "{shown}");
            assert_eq!(OrderKey::parse(&shown.to_uppercase()), Some(OrderKey(key)));
        }
        for text in ["", "o_", "o_1", "1001", "o_uu", "o_zzzzzzzzzzzzzzz0"] {
            assert_eq!(OrderKey::parse(text), None, "{text}");
        }
    }

    #[test]
    fn neighbours_that_changed_places_are_noticed() {
        let shown = OrderKey(123_456_789).shown();
        for place in 2..shown.len() - 1 {
            let mut bytes = shown.clone().into_bytes();
            bytes.swap(place, place + 1);
            let text = String::from_utf8(bytes).unwrap();
            assert!(text == shown || OrderKey::parse(&text).is_none(), "{shown} {text}");
        }
    }

    #[test]
    fn one_wrong_character_is_noticed() {
        for key in [7, 4_711, 123_456_789] {
            let shown = OrderKey(key).shown();
            for place in 2..shown.len() {
                for wrong in DIGITS {
                    let mut bytes = shown.clone().into_bytes();
                    if bytes[place] != *wrong {
                        bytes[place] = *wrong;
                        let text = String::from_utf8(bytes).unwrap();
                        assert_eq!(OrderKey::parse(&text), None, "{shown} {text}");
                    }
                }
            }
        }
    }
}
