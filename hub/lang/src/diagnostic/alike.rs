//! Words that look the same and are not: letters of other alphabets.

use unicode_security::confusable_detection;

/// A name that a word only looks like, with what gives it away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LooksLike<'a> {
    /// The name.
    pub name: &'a str,
    /// ``letter 2 is `ս` (U+057D), not `u` ``
    pub how: String,
}

/// What a word looks like: two words of one skeleton are told apart by nobody who reads them.
pub fn skeleton(word: &str) -> String {
    confusable_detection::skeleton(word).collect()
}

/// Whether a word is the name but for letters of other alphabets, fewer than those of its own: what is typed with the
/// wrong keyboard looks alike to people, if not to the tables of such letters.
fn is_mixed(word: &str, name: &str) -> bool {
    if word.chars().count() != name.chars().count() {
        return false;
    }
    let differ = || word.chars().zip(name.chars()).filter(|(is, meant)| is != meant);
    let foreign = differ().all(|(is, _)| !is.is_ascii() && is.is_alphabetic());
    foreign && 2 * differ().count() <= name.chars().count()
}

/// The first of `names` that `word` looks like without being it. A word in plain letters looks like
/// nothing but itself.
pub fn looks_like<'a>(
    word: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Option<LooksLike<'a>> {
    if word.is_ascii() || word.len() > 256 {
        return None;
    }
    let seen = skeleton(word);
    let names: Vec<&str> = names.into_iter().collect();
    let name = names.iter().find(|name| **name != word && skeleton(name) == seen);
    let name = *name.or_else(|| names.iter().find(|name| is_mixed(word, name)))?;
    let different = (1..).zip(word.chars().zip(name.chars())).find(|(_, (is, meant))| is != meant);
    let how = match different {
        Some((place, (is, meant))) => {
            format!("letter {place} is U+{:04X}, not `{meant}`", u32::from(is))
        }
        None => "it ends differently".to_owned(),
    };
    Some(LooksLike { name, how })
}
