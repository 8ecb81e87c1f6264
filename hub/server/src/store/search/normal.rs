//! Values as they are compared: the same for what is stored and for what is asked.
//!
//! Everything goes through Unicode NFKC (full-width digits become digits) and full case folding (`WEISS` is `weiß`);
//! accents stay. *Identifiers* lose blanks and a leading `#`. *Names* are cut at blanks; within a piece everything but
//! letters and digits goes, and pieces with a hyphen count whole and in parts. Chinese, which has no blanks, counts
//! whole. *Phones* are their digits without trunk zeros; where `+` or `00` says that the country's code leads, it
//! goes, too, so that a number is found with and without it. A number of two countries is then found in both.

use caseless::Caseless as _;
use unicode_normalization::UnicodeNormalization as _;

/// Letters of a word; the rest is cut, so that an index can hold it.
pub(super) const MOST_LETTERS: usize = 128;
/// Words of one name.
const MOST_NAMES: usize = 8;
/// Digits of a phone number.
const DIGITS: std::ops::RangeInclusive<usize> = 6..=15;

/// NFKC and case folding.
pub(super) fn folded(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.nfkc().default_case_fold().nfkc().collect()
}

fn cut(text: impl Iterator<Item = char>) -> Option<String> {
    let cut: String = text.take(MOST_LETTERS).collect();
    (!cut.is_empty()).then_some(cut)
}

/// A number, reference or id.
pub(crate) fn identifier(text: &str) -> Option<String> {
    let text = folded(text);
    let text = text.trim_start().trim_start_matches('#');
    cut(text.chars().filter(|letter| !letter.is_whitespace() && !letter.is_control()))
}

/// The form in which a normalised word lies that the order itself is called by: it ends as no other word can, for
/// identifiers hold no blanks.
pub(crate) fn called(word: &str) -> String {
    format!("{word}\t")
}

/// One piece of a name, between blanks: letters and digits.
pub(super) fn piece(text: &str) -> Option<String> {
    cut(folded(text).chars().filter(|letter| letter.is_alphanumeric()))
}

/// The words of a name.
pub(super) fn names(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    for word in text.split_whitespace() {
        names.extend(piece(word));
        let mut parts = word.split(|letter: char| !letter.is_alphanumeric() && letter != '\'');
        if parts.clone().filter(|part| !part.is_empty()).nth(1).is_some() {
            names.extend(parts.by_ref().filter_map(piece));
        }
    }
    names.truncate(MOST_NAMES);
    names
}

/// An e-mail address; `None`: it is none.
pub(super) fn email(text: &str) -> Option<String> {
    let text = folded(text.trim());
    (text.contains('@') && !text.contains(char::is_whitespace)).then_some(text)
}

/// Whether it is written as phone numbers are.
pub(super) fn is_phone(text: &str) -> bool {
    text.nfkc().all(|letter| {
        letter.is_ascii_digit() || letter.is_whitespace() || "+()-./".contains(letter)
    })
}

/// A phone number within its country; `None`: too few digits, or too many. An extension is left out.
pub(super) fn phone(text: &str) -> Option<String> {
    let text: String = text.nfkc().collect();
    let text = text.trim();
    let abroad = text.strip_prefix('+').or_else(|| text.strip_prefix("00"));
    let text = abroad.unwrap_or(text).replace("(0)", "");
    let number = text.chars().take_while(|letter| !letter.is_alphabetic());
    let digits: String = number.filter(char::is_ascii_digit).collect();
    let national = match abroad {
        Some(_) => digits.get(country_code(&digits)..).unwrap_or_default(),
        None => &digits,
    };
    let national = national.trim_start_matches('0');
    DIGITS.contains(&national.len()).then(|| national.to_owned())
}

/// Digits of the country's code that a number begins with (ITU-T E.164: no code begins another).
fn country_code(digits: &str) -> usize {
    const OF_TWO: &str = "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 \
                          60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98";
    match digits.get(..2) {
        Some(two) if two.starts_with(['1', '7']) => 1,
        Some(two) if OF_TWO.split(' ').any(|code| code == two) => 2,
        Some(_) | None => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Normal = fn(&str) -> Option<String>;

    #[test]
    fn a_value_is_found_however_it_is_written() {
        let same: &[(Normal, &str, &[&str])] = &[
            (
                identifier,
                "shop-1001",
                &["Shop-1001", " shop-1001", "#SHOP-1001", "ｓｈｏｐ－１００１"],
            ),
            (identifier, "1z999aa10123456784", &["1Z 999 AA1 01 2345 6784"]),
            (identifier, "weiss", &["WEISS", "weiß"]),
            (piece, "müller", &["Müller", "MÜLLER", "Mu\u{308}ller,"]),
            (piece, "obrien", &["O'Brien", "o’brien"]),
            (piece, "王小明", &["王小明"]),
            (email, "anna@example.com", &["Anna@Example.COM ", "ａｎｎａ@example.com"]),
            (
                phone,
                "891234567",
                &["+49 89 1234567", "0049-89-1234567", "+49 (0)89/1234567", "089 1234567"],
            ),
            (
                phone,
                "13800138000",
                &["+86 138 0013 8000", "１３８００１３８０００", "138-0013-8000 ext 12"],
            ),
            (phone, "2025550123", &["+1 (202) 555-0123", "202.555.0123"]),
        ];
        for (normal, expected, written) in same {
            for text in *written {
                assert_eq!(normal(text).as_deref(), Some(*expected), "{text}");
            }
        }
        for (normal, text) in
            [(email as Normal, "anna"), (phone, "12345"), (identifier, " # "), (piece, "--")]
        {
            assert_eq!(normal(text), None, "{text}");
        }
    }

    #[test]
    fn a_name_counts_in_words_and_parts() {
        assert_eq!(
            names("Anna  Müller-Lüdenscheid"),
            ["anna", "müllerlüdenscheid", "müller", "lüdenscheid"]
        );
        assert_eq!(names("王小明"), ["王小明"]);
        assert_eq!(names("O'Brien"), ["obrien"]);
        assert_eq!(names(&"many ".repeat(20)).len(), MOST_NAMES);
        assert!(is_phone("+49 (89) 12-3") && !is_phone("1001a"));
        assert_eq!(identifier(&"x".repeat(500)).unwrap().len(), MOST_LETTERS);
    }
}
