//! A system's word for a state that no row of its mapping has: kept as it was sent, for the hold that it causes.
//!
//! **Invariant:** such a word is never one of ours. Where it looks like one it is kept behind [`MARK`], which no
//! word of the catalogue begins with: the fold holds the order for it, no condition takes it for ours, and it does
//! not go out through a table. Tests: `a_word_that_is_held_is_none_of_ours`, and the case
//! `tests/data/mapping/conversions/held-words.yaml`.

use super::Text;

/// What stands before a word that only looks like ours: `unknown:lost`.
pub const MARK: &str = "unknown:";

/// The word of a system as it is kept beside `known`, the words of ours for that field.
pub fn held(word: &str, known: &[&str]) -> Text {
    if known.contains(&word) { Text::from(format!("{MARK}{word}")) } else { Text::from(word) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::catalogue;

    #[test]
    fn a_word_that_is_held_is_none_of_ours() {
        for name in catalogue().enum_names() {
            let known = catalogue().enum_values(name);
            assert!(known.iter().all(|word| !word.starts_with(MARK)), "{name}");
            assert!(known.iter().all(|word| !known.contains(&&*held(word, known))), "{name}");
        }
        assert_eq!(held("lost", &["lost"]), "unknown:lost");
        assert_eq!(held("vanished", &["lost"]), "vanished", "a word that is none of ours stays");
    }
}
