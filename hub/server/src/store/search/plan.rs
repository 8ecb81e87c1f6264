//! What is asked for, as questions to the tables.
//!
//! A question of several words means orders that all of them find; it may also be one number that was typed with
//! blanks. A word finds by its beginning from [`SHORTEST`] letters on, shorter ones with a `*` behind. `*` elsewhere,
//! `%` and `_` are letters like others: beginnings are ranges of an index.
//!
//! **Invariant:** what is personal finds nothing for who may not read it. Tests:
//! `who_may_not_read_personal_values_cannot_search_by_them`, `a_question_of_identifiers_holds_no_hash`.

use super::key::{Kind, SearchKey};
use super::normal;

/// Words of one question; who asks for more is told.
pub const MOST_ASKED: usize = 8;
/// Letters of one question.
pub const MOST_LETTERS: usize = 256;
/// Shortest word that is a beginning by itself.
const SHORTEST: usize = 3;
/// Orders that a word finds and that are still looked at one by one; a word that finds more is looked for in the
/// orders themselves, newest first.
pub(crate) const MOST_RARE: usize = 4_000;

/// By what who asks may find.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// Numbers, references, ids.
    #[default]
    Identifiers,
    /// Personal values, too.
    People,
}

/// One word: an order has it if any of these finds it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Term {
    /// From this on, and before that.
    pub(crate) range: Option<(String, String)>,
    /// Exactly these.
    pub(crate) exact: Vec<String>,
    /// Exactly these.
    pub(crate) hashes: Vec<i64>,
}

/// Any of these, and all of the words of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan(pub(crate) Vec<Vec<Term>>);

impl Plan {
    /// `None`: nothing is asked for.
    pub(crate) fn of(text: &str, reach: Reach, key: &SearchKey) -> Option<Self> {
        let text = text.get(..text.floor_char_boundary(MOST_LETTERS)).unwrap_or_default();
        let words: Vec<&str> = text.split_whitespace().take(MOST_ASKED).collect();
        let term = |word: &str| Term::of(word, reach, key);
        let all: Vec<Term> = words.iter().filter_map(|word| term(word)).collect();
        if all.is_empty() {
            return None;
        }
        let mut any = vec![all];
        // A number in groups; names are not written so.
        let digits = |word: &&str| word.contains(|letter: char| letter.is_numeric());
        if words.len() > 1 && words.iter().any(digits) {
            let joined = Term { range: None, ..term(&words.concat()).unwrap_or_default() };
            let whole = normal::identifier(&words.concat());
            any.push(vec![Term { exact: whole.into_iter().flat_map(both).collect(), ..joined }]);
        }
        Some(Self(any))
    }
}

impl Term {
    fn of(word: &str, reach: Reach, key: &SearchKey) -> Option<Self> {
        let (bare, open) = match word.strip_suffix('*') {
            Some(bare) => (bare, true),
            None => (word, word.chars().count() >= SHORTEST),
        };
        let word = normal::identifier(bare)?;
        let range = open.then(|| (word.clone(), format!("{word}{}", char::MAX)));
        let mut exact: Vec<String> = own_reference(&word).map(normal::called).into_iter().collect();
        if !open {
            exact.extend(both(word));
        }
        let hashes = match reach {
            Reach::Identifiers => Vec::new(),
            Reach::People => people(bare, key),
        };
        Some(Self { range, exact, hashes })
    }
}

/// A word exactly, whether the order itself is called so or something of it.
fn both(word: String) -> [String; 2] {
    [normal::called(&word), word]
}

/// The order's reference in one of ours for a fulfilment or shipment: `shop-1001-f2`. They are not kept: the order's
/// finds them.
fn own_reference(word: &str) -> Option<&str> {
    let (order, element) = word.rsplit_once('-')?;
    let number = element.strip_prefix(['f', 's'])?;
    let number = !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit());
    number.then_some(order)
}

/// What a word may be of a person.
fn people(word: &str, key: &SearchKey) -> Vec<i64> {
    if let Some(email) = normal::email(word) {
        return vec![key.hash(Kind::Email, &email)];
    }
    let mut hashes = Vec::new();
    if let Some(piece) = normal::piece(word) {
        let kinds = [Kind::Name, Kind::Company, Kind::Postal, Kind::TaxNo];
        hashes.extend(kinds.map(|kind| key.hash(kind, &piece)));
    }
    hashes.extend(normal::identifier(word).map(|word| key.hash(Kind::Payment, &word)));
    if normal::is_phone(word) {
        hashes.extend(normal::phone(word).map(|phone| key.hash(Kind::Phone, &phone)));
    }
    hashes
}

/// The orders that may fit, newest first, from what each word of each way finds: of a way the words that find few
/// enough are all asked, and the orders stand in each. `None`: some way has only words that find many.
pub(crate) fn rarest(found: Vec<Vec<Option<Vec<i64>>>>) -> Option<Vec<i64>> {
    let mut all = Vec::new();
    for way in found {
        let smallest = way.into_iter().flatten().min_by_key(Vec::len)?;
        all.extend(smallest);
    }
    all.sort_unstable_by(|a, b| b.cmp(a));
    all.dedup();
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SearchKey {
        SearchKey::new(&"k".repeat(32).into()).unwrap()
    }

    fn plan(text: &str, reach: Reach) -> Vec<Vec<Term>> {
        Plan::of(text, reach, &key()).map(|plan| plan.0).unwrap_or_default()
    }

    #[test]
    fn a_word_is_a_beginning_when_it_is_long_or_says_so() {
        let range = |text: &str| {
            let plan = plan(text, Reach::Identifiers);
            let range = plan[0][0].range.clone();
            (range.map(|(from, _)| from), plan[0][0].exact.clone())
        };
        assert_eq!(range("#1001"), (Some("1001".to_owned()), vec![]));
        assert_eq!(range("10"), (None, vec!["10\t".to_owned(), "10".to_owned()]));
        assert_eq!(range("1*"), (Some("1".to_owned()), vec![]));
        assert_eq!(range("10%_*1"), (Some("10%_*1".to_owned()), vec![]));
        let of_shipment = range("Shop-1001-S12");
        assert_eq!(of_shipment, (Some("shop-1001-s12".to_owned()), vec!["shop-1001\t".to_owned()]));
        assert!(plan("", Reach::People).is_empty() && plan(" * # ", Reach::People).is_empty());
    }

    #[test]
    fn words_are_all_asked_for_and_a_number_in_groups_is_one() {
        assert_eq!(
            plan("anna müller", Reach::People).iter().map(Vec::len).collect::<Vec<_>>(),
            [2]
        );
        let tracking = plan("1Z 999 AA1", Reach::Identifiers);
        assert_eq!(tracking[1][0].exact, ["1z999aa1\t", "1z999aa1"]);
        let phone = plan("+49 89 1234567", Reach::People);
        let number = key().hash(Kind::Phone, "891234567");
        assert!(phone[1][0].hashes.contains(&number));
        assert_eq!(plan(&"many ".repeat(40), Reach::People)[0].len(), MOST_ASKED);
    }

    #[test]
    fn a_question_of_identifiers_holds_no_hash() {
        for text in ["anna", "anna@example.com", "+49 89 1234567", "80331", "DE 123 456"] {
            let terms = |reach| plan(text, reach).into_iter().flatten();
            assert!(terms(Reach::Identifiers).all(|term| term.hashes.is_empty()), "{text}");
            assert!(terms(Reach::People).any(|term| !term.hashes.is_empty()), "{text}");
        }
    }

    #[test]
    fn each_way_is_led_by_its_rarest_word() {
        let few = |keys: &[i64]| Some(keys.to_vec());
        assert_eq!(
            rarest(vec![vec![few(&[1, 5, 3]), few(&[3, 1])], vec![None, few(&[9, 1])]]),
            few(&[9, 3, 1])
        );
        assert_eq!(rarest(vec![vec![few(&[1])], vec![None]]), None);
    }
}
