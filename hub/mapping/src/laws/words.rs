//! Laws in words, and as findings at their places.

use orderhub_lang::diagnostic::Diagnostic;
use orderhub_order::contribution::Stated;
use orderhub_order::value::Value;

use super::find::Found;
use super::{Class, Place};
use crate::ast::Direction;
use crate::{codes, view};

/// Letters of a value that a message shows.
const MOST: usize = 60;

/// A value as people write it: `10.005 EUR`, `"Ab c"`.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Text(text) => format!("`{}`", cut(text)),
        Value::Integer(_)
        | Value::Decimal(_)
        | Value::Money(_)
        | Value::Timestamp(_)
        | Value::Date(_)
        | Value::Boolean(_) => value.as_text().unwrap_or_default().into_owned(),
        Value::Address(_) | Value::List(_) | Value::Map(_) | Value::Ref(_) => {
            cut(&view::json_of(value).to_string())
        }
    }
}

/// What came back, if anything.
pub(super) fn stated(back: Option<&Stated>) -> String {
    match back {
        Some(Some(value)) => shown(value),
        Some(None) => "null".to_owned(),
        None => "nothing".to_owned(),
    }
}

/// At most [`MOST`] letters.
pub(super) fn cut(text: &str) -> String {
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// What a check says of fields that break their law, or that go one way and nobody said so.
pub(super) fn findings(found: &[Found]) -> Vec<Diagnostic> {
    found.iter().filter_map(finding).collect()
}

fn finding(found: &Found) -> Option<Diagnostic> {
    let law = &found.law;
    let place = law.out_rule.as_ref().or(law.in_rule.as_ref())?;
    let other = law.in_rule.as_ref().filter(|read| read.to_string() != place.to_string());
    match &law.class {
        Class::Broken(counter) => {
            let lost = if found.one_shape {
                "is lost on the way back"
            } else {
                "is not read as it is written"
            };
            let message = format!("`{}` {lost}: {}", law.field, counter.sentence);
            let hint = match other {
                _ if found.formula => "let `inverse:` undo the formula for every value that the field can hold, or say `direction: in`".to_owned(),
                _ if found.wordless => format!(
                    "add the row that {} is written by to the table, or say `direction: in`",
                    counter.value
                ),
                Some(read) => format!("{read} reads it: write what it reads, or say `direction:`"),
                None => {
                    "choose conversions that read what they write, or say `direction: in` or `out`"
                        .to_owned()
                }
            };
            let code = if found.one_shape { codes::LAW } else { codes::TWO_SHAPES };
            let finding =
                Diagnostic::error(code, &place.source, place.span, message).with_hint(hint);
            let finding = finding.with_label("it breaks its law");
            Some(if found.one_shape { finding } else { finding.as_warning() })
        }
        Class::OneWay { way, why, meant: false } => Some(unsaid(place, &law.field, *way, why)),
        Class::OneWay { meant: true, .. }
        | Class::Apart { .. }
        | Class::Lawful
        | Class::Canonical(_) => None,
    }
}

pub(super) fn unsaid(place: &Place, field: &str, way: Direction, why: &str) -> Diagnostic {
    let (goes, word) = match way {
        Direction::In => ("comes in only", "in"),
        Direction::Out => ("goes out only", "out"),
    };
    let message = format!("`{field}` {goes}: {why}");
    Diagnostic::error(codes::ONE_WAY, &place.source, place.span, message)
        .as_warning()
        .with_label("the file is used both ways")
        .with_hint(format!("say `direction: {word}` if that is meant"))
}
