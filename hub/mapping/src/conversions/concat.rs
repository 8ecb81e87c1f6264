//! `concat: " "`: named inputs one after another, null and empty parts dropped. The way back only with
//! `concat: { by: " ", back: … }`, for two inputs: `last_space`, the last word and what stands before it;
//! `first_space`, the first word and what follows; `house_number`, the number at the end of a street's
//! line and the street before it. Where the one text is the hub's, the two are the system's, and the other
//! way round.

use orderhub_lang::yaml::Node;

use super::{Conversion, Joined, Law, Options, Put, Target, Type, one_way, text};
use crate::cell::{Cell, Trouble};

#[derive(Clone, Debug)]
pub(crate) struct Concat {
    by: String,
    back: Option<Back>,
}

/// Where a text is cut in two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Back {
    LastSpace,
    FirstSpace,
    HouseNumber,
}

const BACK: &[(&str, Back)] = &[
    ("last_space", Back::LastSpace),
    ("first_space", Back::FirstSpace),
    ("house_number", Back::HouseNumber),
];

impl Concat {
    pub(crate) fn read(node: &Node, options: &mut Options<'_>) -> Option<Box<dyn Conversion>> {
        if node.as_map().is_none() {
            let by = options.only_text(node, "what stands between is needed: concat: \" \"")?;
            return Some(Box::new(Self { by, back: None }));
        }
        let mut fields = options.fields(node, "concat")?;
        let by = fields.required_text("by", options.findings);
        let back = fields.optional("back");
        fields.finish(options.findings);
        let back = match back {
            None => None,
            Some(node) => Some(options.word(node, BACK)?),
        };
        Some(Box::new(Self { by: by?, back }))
    }

    /// A text's two parts.
    fn cut<'a>(&self, back: Back, cell: &Cell<'_>) -> Result<Cell<'a>, Trouble> {
        let text = cell.scalar().ok_or_else(|| Trouble::wrong_type(cell, "a text"))?;
        // A blank at an end would part an empty word from the rest, at every round another one.
        let text = text.trim();
        let (first, last) = match back {
            Back::LastSpace => text.rsplit_once(' ').unwrap_or(("", text)),
            Back::FirstSpace => text.split_once(' ').unwrap_or((text, "")),
            Back::HouseNumber => house_number(text, &self.by),
        };
        let part = |text: &str| {
            if text.is_empty() { Cell::Null } else { Cell::text(text.to_owned()) }
        };
        Ok(Cell::Named(vec![part(first), part(last)]))
    }
}

/// A street and its number: the last word that begins with a digit and, if they are short, those behind it
/// (`12 a`, `5 bis`, `7 - 9`). A line that is a number alone, or has none at its end, is all street.
fn house_number<'t>(text: &'t str, by: &str) -> (&'t str, &'t str) {
    let whole = (text, "");
    let mut at = None;
    let mut end = text.trim_end().len();
    while let Some(line) = text.get(..end).map(str::trim_end).filter(|line| !line.is_empty()) {
        let start = line.rfind(' ').map_or(0, |blank| blank + 1);
        let word = line.get(start..).unwrap_or_default();
        let number = word.starts_with(|first: char| first.is_ascii_digit());
        let sign = !word.contains(char::is_alphanumeric);
        let short = at.is_none() && word.chars().count() <= 3;
        if !(number || sign || short) {
            break;
        }
        if number {
            at = Some(start);
        }
        end = start;
    }
    let Some((street, number)) = at.and_then(|at| text.split_at_checked(at)) else { return whole };
    let street = street.trim_end();
    let street = street.strip_suffix(by.trim()).unwrap_or(street).trim_end();
    if street.is_empty() { whole } else { (street, number.trim_end()) }
}

impl Conversion for Concat {
    fn name(&self) -> &'static str {
        "concat"
    }

    fn law(&self) -> Law {
        if self.back.is_none() {
            return Law::None;
        }
        Law::Canonical(
            "empty parts are dropped, and the rule's own sign stands between the last two",
        )
    }

    fn gives(&self, from: Type) -> Result<Type, String> {
        match from {
            Type::Named => Ok(Type::Text),
            other if self.back.is_some() => text::scalar(other).map(|_| Type::Named),
            _ => Err("named inputs: `system: { first: a, last: b }`".to_owned()),
        }
    }

    fn two_way(&self) -> bool {
        self.back.is_some()
    }

    fn joins(&self) -> bool {
        true
    }

    fn parts(&self, count: usize) -> Option<Box<dyn Conversion>> {
        (self.back.is_some() && count == 2).then(|| Box::new(self.clone()) as _)
    }

    fn get<'a>(&self, cell: Cell<'a>, _: &[Cell<'a>], _: Target) -> Result<Cell<'a>, Trouble> {
        match (&cell, self.back) {
            (Cell::Named(parts), _) => joined(parts, &self.by),
            (cell, Some(back)) => self.cut(back, cell),
            (cell, None) => Err(Trouble::wrong_type(cell, "named inputs")),
        }
    }

    fn put<'a>(&self, cell: Cell<'a>, _: Target) -> Result<Put<'a>, Trouble> {
        match (&cell, self.back) {
            (Cell::Named(parts), _) => joined(parts, &self.by).map(Put::main),
            (cell, Some(back)) => self.cut(back, cell).map(Put::main),
            (_, None) => Err(one_way(self.name())),
        }
    }
}

/// Texts one after another, those that are null or empty dropped.
fn joined<'a>(parts: &[Cell<'_>], by: &str) -> Result<Cell<'a>, Trouble> {
    let (joined, mut texts) = (Joined::by(by), Vec::with_capacity(parts.len()));
    for part in parts.iter().filter(|part| part.is_value()) {
        let text = part.scalar().ok_or_else(|| Trouble::wrong_type(part, "a text"))?;
        if !text.is_empty() {
            joined.count(&text)?;
            texts.push(text);
        }
    }
    Ok(if texts.is_empty() { Cell::Null } else { Cell::text(texts.join(by)) })
}

#[cfg(test)]
mod tests {
    use super::house_number;

    #[test]
    fn a_house_number_stands_at_the_end_of_its_line() {
        for (line, by, street, number) in [
            ("Hauptstraße 12", " ", "Hauptstraße", "12"),
            ("Hauptstraße 12 a", " ", "Hauptstraße", "12 a"),
            ("Rue de Lyon, 5 bis", ", ", "Rue de Lyon", "5 bis"),
            ("Am Markt 7 - 9", " ", "Am Markt", "7 - 9"),
            ("Straße des 17. Juni 135", " ", "Straße des 17. Juni", "135"),
            ("Straße des 17. Juni", " ", "Straße des 17. Juni", ""),
            ("Calle Mayor 3, 2º", " ", "Calle Mayor", "3, 2º"),
            ("12", " ", "12", ""),
            ("Plac Bankowy", " ", "Plac Bankowy", ""),
            ("", " ", "", ""),
        ] {
            assert_eq!(house_number(line, by), (street, number), "{line}");
        }
    }
}
