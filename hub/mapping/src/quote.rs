//! What a message may show of an offending value.
//!
//! **Invariant:** no text with a blank beside letters, with a letter beyond ASCII or with an `@` stands in
//! a message, and none at all that was read as plain text or for a personal field. Tests:
//! `what_may_be_a_name_or_an_address_is_described`, and the cases `tests/data/mapping/errors/quoted.yaml`.

use orderhub_order::catalogue::FieldType;

use crate::cell::Cell;

/// Longest value that is quoted, in characters.
const LONGEST: usize = 40;

/// Most letters of a value that is quoted where a number or a time is expected: `EUR`, `UTC`, `1e3`.
const MOST_LETTERS: usize = 4;

/// What a rule wanted, which decides what may be shown of what it got instead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Quote {
    /// The field is personal: nothing is shown.
    Hidden,
    /// Any text: it is described, never quoted.
    #[default]
    Described,
    /// A number, an amount, a time, a yes or no, the code of a currency or a country.
    Typed,
    /// A word of a table or an enum.
    Word,
}

impl Quote {
    /// What a field wants.
    pub(crate) fn of(ty: &FieldType) -> Self {
        match ty {
            FieldType::Integer
            | FieldType::Decimal
            | FieldType::Money
            | FieldType::Timestamp
            | FieldType::Date
            | FieldType::Boolean
            | FieldType::Currency
            | FieldType::Country => Quote::Typed,
            FieldType::Enum(_) => Quote::Word,
            FieldType::Text
            | FieldType::Language
            | FieldType::Uom
            | FieldType::Address
            | FieldType::List
            | FieldType::Map
            | FieldType::Ref(_) => Quote::Described,
        }
    }
}

/// What is shown of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// The value itself.
    Quoted(String),
    /// Its kind, and how many characters it has.
    Described(&'static str, usize),
}

impl Shown {
    /// The value in words, within a sentence: `` `12.50` ``, or `a text of 12 characters`.
    pub(crate) fn words(&self) -> String {
        match self {
            Shown::Quoted(text) => format!("`{text}`"),
            Shown::Described(kind, 1) => format!("{kind} of 1 character"),
            Shown::Described(kind, length) => format!("{kind} of {length} characters"),
        }
    }

    /// A reason with the value behind it. One that ends with the value's kind is not told it again.
    pub(crate) fn behind(&self, why: &str) -> String {
        let words = self.words();
        match self {
            Shown::Described(kind, _) if why.ends_with(kind) => {
                format!("{why}{}", words.strip_prefix(kind).unwrap_or_default())
            }
            Shown::Quoted(_) | Shown::Described(..) => format!("{why}: {words}"),
        }
    }
}

/// What a message may show of a value; `None` where there is none, or where its kind says all.
///
/// Values of personal fields are never shown. That is not enough: a column that slipped, or a key that
/// a system fills with something else, puts a name or an address into a field that is not personal, and
/// messages stay in logs and todos long after the order is erased. So a text is quoted only where it is
/// written like what the rule wanted, and not like a name or an address: for a number, a time or a code, up
/// to [`LONGEST`] characters of digits, signs and the punctuation of numbers and times with up to
/// [`MOST_LETTERS`] ASCII letters, and no blank beside a letter's (`12 Elm`); for a word of a table, up
/// to [`LONGEST`] ASCII letters, digits and `_-./`, without a blank and without `@`. Everything else is
/// described by its kind and length, which is what tells a slipped column. One word alone that is
/// written like a code or a state (`Anna`) cannot be told from one, and is quoted.
pub(crate) fn shown(cell: &Cell<'_>, wanted: Quote) -> Option<Shown> {
    if wanted == Quote::Hidden {
        return None;
    }
    let text = match cell {
        Cell::Text(text) => text,
        // A number as the document writes it may be as long as a text.
        Cell::Number(text) if text.len() > LONGEST => {
            return Some(Shown::Described(cell.kind(), text.len()));
        }
        Cell::Money(money) => {
            let code = crate::cell::code(money);
            return Some(Shown::Quoted(format!("{} {code}", money.amount)));
        }
        Cell::Bool(_)
        | Cell::Number(_)
        | Cell::Integer(_)
        | Cell::Decimal(_)
        | Cell::Timestamp(_)
        | Cell::Date(_) => return cell.scalar().map(|text| Shown::Quoted(text.into_owned())),
        // Ids are texts.
        Cell::Ref(_) => {
            let length = cell.scalar().map_or(0, |text| text.chars().count());
            return Some(Shown::Described(cell.kind(), length));
        }
        Cell::Absent
        | Cell::Null
        | Cell::Json(_)
        | Cell::List(_)
        | Cell::Map(_)
        | Cell::Many(_)
        | Cell::Named(_) => return None,
    };
    let harmless = match wanted {
        Quote::Hidden | Quote::Described => false,
        Quote::Typed => typed(text),
        Quote::Word => word(text),
    };
    Some(if harmless {
        Shown::Quoted(text.to_string())
    } else {
        Shown::Described(cell.kind(), text.chars().count())
    })
}

/// Whether a text is written like a number, a time or a short code.
fn typed(text: &str) -> bool {
    let letters = text.bytes().filter(u8::is_ascii_alphabetic).count();
    let blank = text.contains(' ') && letters > 0;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b" +-.,:/'%()".contains(&byte);
    text.len() <= LONGEST && letters <= MOST_LETTERS && !blank && text.bytes().all(plain)
}

/// Whether a text is written like a word of a table.
fn word(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./".contains(&byte);
    text.len() <= LONGEST && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &'static str, wanted: Quote) -> String {
        shown(&Cell::text(text), wanted).map_or_else(String::new, |shown| shown.words())
    }

    #[test]
    fn what_may_be_a_name_or_an_address_is_described() {
        let texts = [
            "Ada Byron",
            "Am Ufer 17",
            "12 Elm",
            "12 Elm Road",
            "Müller",
            "王小明",
            "ada@example.com",
            "O'Brian",
            "Anderson",
            "1234567890 1234567890 1234567890 12345678",
        ];
        for text in texts {
            assert!(of(text, Quote::Typed).starts_with("a text of "), "{text}");
            assert!(of(text, Quote::Described).starts_with("a text of "), "{text}");
            assert_eq!(of(text, Quote::Hidden), "", "{text}");
        }
        for text in ["Ada Byron", "Müller", "王小明", "ada@example.com", "O'Brian", "Straße"] {
            assert!(of(text, Quote::Word).starts_with("a text of "), "{text}");
        }
        assert_eq!(of("王", Quote::Typed), "a text of 1 character");
        assert_eq!(of("王小明", Quote::Word), "a text of 3 characters");
    }

    #[test]
    fn what_is_written_as_the_rule_wants_it_is_quoted() {
        for text in
            ["", "12,50", "-1.234,5", "1 234,50", "2026-11-20 09:15:30", "12:30Z", "1e3", "XXQ"]
        {
            assert_eq!(of(text, Quote::Typed), format!("`{text}`"));
        }
        for text in ["partially_paid", "orders/create", "A-1.2", "x"] {
            assert_eq!(of(text, Quote::Word), format!("`{text}`"));
        }
    }

    #[test]
    fn what_is_no_text_is_quoted_by_its_kind() {
        let words = |cell: Cell<'_>| shown(&cell, Quote::Described).map(|shown| shown.words());
        assert_eq!(words(Cell::Bool(false)).as_deref(), Some("`false`"));
        assert_eq!(words(Cell::Number("7.50".into())).as_deref(), Some("`7.50`"));
        let long = Cell::Number("1".repeat(41).into());
        assert_eq!(words(long).as_deref(), Some("a number of 41 characters"));
        for cell in [Cell::Absent, Cell::Null, Cell::Json("{\"name\":\"Ada\"}".into())] {
            assert_eq!(words(cell), None);
        }
    }

    #[test]
    fn a_reason_is_not_told_the_kind_twice() {
        let described = Shown::Described("a text", 12);
        assert_eq!(
            described.behind("a number is needed, not a text"),
            "a number is needed, not a text of 12 characters"
        );
        assert_eq!(described.behind("not a time"), "not a time: a text of 12 characters");
        assert_eq!(Shown::Quoted("x".to_owned()).behind("not a time"), "not a time: `x`");
    }
}
