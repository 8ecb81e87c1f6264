//! The hub's own references: made once, never changed, given to every target.

use sha2::{Digest, Sha256};

use super::key::short;
use super::{Collection, ElementId, OrderKey, SystemName};

/// Longest reference of an order in characters; `-F1` and the like still fit 35.
const LONGEST: usize = 30;
/// Characters that tell long references apart after the cut.
const CHECK: usize = 6;

/// The reference of an order: `<system>-<order_no>`; `<system>-<k>` without a number; with `-<k>` when
/// that is `taken`. At most 30 characters: longer ones are cut and end in 6 check characters.
///
/// Targets put it into file names, URLs and labels, so that anything but ASCII letters, digits, `.`,
/// `_` and `-` becomes `-`; what falls together by that is `taken`.
pub fn order_reference(
    system: &SystemName,
    order_no: Option<&str>,
    taken: bool,
    key: OrderKey,
) -> String {
    let number = plain(order_no.unwrap_or_default());
    let whole = match (number.as_str(), taken) {
        ("", _) => format!("{system}-{}", key.bare()),
        (number, false) => format!("{system}-{number}"),
        (number, true) => format!("{system}-{number}-{}", key.bare()),
    };
    cut(whole)
}

/// The reference of a fulfilment or shipment: `<order ref>-F1`.
pub fn element_reference(order: &str, collection: Collection, id: &ElementId) -> String {
    debug_assert!(id.as_str().starts_with(collection.letter()));
    format!("{order}-{id}")
}

fn plain(order_no: &str) -> String {
    let kept = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let text: String = order_no.trim().chars().map(|c| if kept(c) { c } else { '-' }).collect();
    text.trim_matches('-').to_owned()
}

fn cut(whole: String) -> String {
    if whole.chars().count() <= LONGEST {
        return whole;
    }
    let hash: [u8; 32] = Sha256::digest(whole.as_bytes()).into();
    let bits = hash.iter().take(8).fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
    let head: String = whole.chars().take(LONGEST - CHECK - 1).collect();
    format!("{head}-{}", short(bits, CHECK))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_made_of_system_and_number() {
        let long = "9".repeat(60);
        let cases = [
            ("shop_eu", Some("1001"), false, "shop_eu-1001"),
            ("shop_eu", Some("#1001"), false, "shop_eu-1001"),
            ("shop_eu", Some("1001"), true, "shop_eu-1001-21"),
            ("shop_eu", None, false, "shop_eu-21"),
            ("shop_eu", Some("  "), false, "shop_eu-21"),
            ("shop_eu", Some("A/7 b"), false, "shop_eu-A-7-b"),
        ];
        for (system, number, taken, expected) in cases {
            let made = order_reference(&SystemName::new(system), number, taken, OrderKey(65));
            assert_eq!(made, expected);
        }
        let made = order_reference(&SystemName::new("shop_eu"), Some(&long), false, OrderKey(65));
        let again = order_reference(&SystemName::new("shop_eu"), Some(&long), true, OrderKey(65));
        assert_eq!(made.len(), LONGEST);
        assert_ne!(made, again);
        assert_eq!(
            element_reference(&made, Collection::Fulfilments, &ElementId::new("F1")).len(),
            LONGEST + 3
        );
    }
}
