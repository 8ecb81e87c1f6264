//! Types of chains against the catalogue, before anything runs.

use std::sync::Arc;

use orderhub_lang::diagnostic::{Diagnostic, Source, Span};
use orderhub_order::catalogue::{Field, FieldType, catalogue};
use orderhub_order::value::{Currency, Value};

use super::Compiler;
use crate::ast::{Link, Rule};
use crate::cell::Cell;
use crate::codes;
use crate::conversions::{Shape, Type};

/// Whether a value that no conversion made may stand for a time or a day: what an expression computes,
/// and what only goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RawTimes {
    /// A conversion is needed.
    Refused,
    /// It is read, or written, as it stands.
    Taken,
}

impl Compiler<'_> {
    /// The type that a chain gives; mistakes are reported at the conversion.
    pub(super) fn chain_type(&mut self, chain: &[Link], from: Type) -> Option<Type> {
        let mut ty = from;
        for link in chain {
            match link.conversion.gives(ty) {
                Ok(next) => ty = next,
                Err(needs) => {
                    let name = link.conversion.name();
                    let message = format!("`{name}` takes {needs}, not {}", ty.shown());
                    self.wrong(codes::TYPE, link.span, message, "");
                    return None;
                }
            }
        }
        let folds = chain.iter().filter(|link| link.conversion.shape() == Shape::Fold).count();
        if folds > 1
            && let Some(link) = chain.last()
        {
            self.wrong(codes::TYPE, link.span, "a chain folds once", "");
            return None;
        }
        Some(ty)
    }

    /// Whether a field can hold what a chain gives.
    pub(super) fn fits(&mut self, ty: Type, field: &Field, raw_times: RawTimes, span: Span) {
        let raw = raw_times == RawTimes::Taken && matches!(ty, Type::Raw | Type::Text);
        let (fits, hint) = match &field.ty {
            FieldType::Text
            | FieldType::Enum(_)
            | FieldType::Country
            | FieldType::Currency
            | FieldType::Language
            | FieldType::Uom
            | FieldType::Ref(_) => (one_text(ty), "a text is needed"),
            FieldType::Integer => (matches!(ty, Type::Raw | Type::Integer), "add `as: integer`"),
            FieldType::Decimal => {
                (matches!(ty, Type::Raw | Type::Integer | Type::Decimal), "add `as: decimal`")
            }
            FieldType::Money => (ty == Type::Money, "add `as: { money: { currency: /currency } }`"),
            FieldType::Timestamp => (ty == Type::Timestamp || raw, "add `as: timestamp`"),
            FieldType::Date => (ty == Type::Date || raw, "add `as: date`"),
            FieldType::Boolean => (matches!(ty, Type::Raw | Type::Boolean), "add `as: boolean`"),
            FieldType::Address => (false, "map it part by part with `fields:`"),
            FieldType::List => {
                (matches!(ty, Type::Raw | Type::List), "add `as: { split: \", \" }`")
            }
            FieldType::Map => (
                matches!(ty, Type::Raw | Type::Texts | Type::Map),
                "add `as: { pairs: { key: name, value: value } }`",
            ),
        };
        if !fits {
            let given = ty.shown();
            let hint = if ty == Type::Named { "add `as: { concat: \" \" }`" } else { hint };
            let message =
                format!("`{}` holds {}, not {given}", field.full_path(), holds(&field.ty));
            self.wrong(codes::TYPE, span, message, hint);
        }
    }

    /// Whether an entry of a map, which is a text, can hold what a chain gives.
    pub(super) fn fits_entry(&mut self, ty: Type, rule: &Rule) {
        let hint = match ty {
            Type::Money => "keep the number: `as: decimal`; the currency is an entry of its own",
            Type::List => "keep the text as it stands, without `split`",
            Type::Named => "add `as: { concat: \" \" }`",
            Type::Raw
            | Type::Texts
            | Type::Text
            | Type::Integer
            | Type::Decimal
            | Type::Timestamp
            | Type::Local
            | Type::Date
            | Type::Boolean
            | Type::Map => return,
        };
        let span = rule.chain.last().map_or(rule.span, |link| link.span);
        let message = format!("an entry is one text, not {}", ty.shown());
        self.wrong(codes::TYPE, span, message, hint);
    }

    /// Whether the words of an enum that a rule names are words of the enum.
    pub(super) fn words(&mut self, rule: &Rule, field: &Field) {
        if matches!(field.ty, FieldType::Currency | FieldType::Country) {
            return self.codes(rule, &field.full_path(), &field.ty);
        }
        let FieldType::Enum(name) = &field.ty else { return };
        let known = catalogue().enum_values(name);
        let mut check = |word: &str, span: Span, at: Option<(&Arc<Source>, Span)>| {
            if known.contains(&word) {
                return;
            }
            let message = format!("`{word}` is no value of `{}`", field.full_path());
            let finding = match at {
                Some((file, cell)) if Arc::ptr_eq(file, self.findings.source()) => {
                    self.findings.error(codes::ENUM, cell, message)
                }
                Some((file, cell)) => Diagnostic::error(codes::ENUM, file, cell, message)
                    .with_note(self.findings.source(), span, "the rule that uses the table"),
                None => self.findings.error(codes::ENUM, span, message),
            };
            let finding = finding.with_nearest(word, known.iter().copied());
            let finding = match finding.hint {
                Some(_) => finding,
                None => finding.with_hint(format!("one of {}", known.join(", "))),
            };
            self.findings.report(finding);
        };
        if let Some(value) = &rule.value
            && let Some(word) = value.is.scalar()
        {
            check(&word, value.span, None);
        }
        if let Some(link) = rule.chain.last() {
            for word in link.conversion.words() {
                check(word, link.span, link.conversion.word_at(word));
            }
        }
    }

    /// Whether the words of tables are codes that the field holds; constants are looked at for themselves.
    pub(super) fn codes(&mut self, rule: &Rule, path: &str, ty: &FieldType) {
        let country = |word: &str| word.len() == 2 && word.bytes().all(|b| b.is_ascii_alphabetic());
        let known = |word: &str| {
            if *ty == FieldType::Country { country(word) } else { Currency::parse(word).is_some() }
        };
        let Some(link) = rule.chain.last() else { return };
        for word in link.conversion.words() {
            if known(word) {
                continue;
            }
            let message = format!("`{path}` holds {}, not `{word}`", holds(ty));
            let finding = match link.conversion.word_at(word) {
                Some((file, cell)) if !Arc::ptr_eq(file, self.findings.source()) => {
                    Diagnostic::error(codes::TYPE, file, cell, message).with_note(
                        self.findings.source(),
                        link.span,
                        "the rule that uses the table",
                    )
                }
                at => {
                    let span = at.map_or(link.span, |(_, cell)| cell);
                    self.findings.error(codes::TYPE, span, message)
                }
            };
            self.findings.report(finding);
        }
    }

    /// A constant as the field holds it.
    pub(super) fn constant(&mut self, rule: &Rule, field: &Field) {
        let Some(value) = &rule.value else { return };
        let text = value.is.scalar();
        let fits = value.is == Cell::Null
            || text.is_some_and(|text| Value::from_text(field, &text).is_some());
        if !fits {
            let given = value.is.scalar().unwrap_or_else(|| value.is.kind().into());
            let message =
                format!("`{}` holds {}, not `{given}`", field.full_path(), holds(&field.ty));
            self.wrong(codes::TYPE, value.span, message, "");
        }
    }
}

/// What stands for one text: a text, or a number of one.
pub(super) fn one_text(ty: Type) -> bool {
    matches!(ty, Type::Raw | Type::Texts | Type::Text | Type::Integer | Type::Decimal)
}

/// What a field holds, in the user's words.
pub(crate) fn holds(ty: &FieldType) -> &'static str {
    match ty {
        FieldType::Text => "a text",
        FieldType::Ref(_) => "a reference",
        FieldType::Integer => "a whole number",
        FieldType::Decimal => "a decimal",
        FieldType::Money => "an amount with its currency",
        FieldType::Timestamp => "a timestamp",
        FieldType::Date => "a date",
        FieldType::Boolean => "a boolean",
        FieldType::Enum(_) => "one of a few words",
        FieldType::Country => "an ISO 3166 country code",
        FieldType::Currency => "an ISO 4217 currency code",
        FieldType::Language => "a language code",
        FieldType::Uom => "a unit code",
        FieldType::Address => "an address",
        FieldType::List => "a list of texts",
        FieldType::Map => "names and texts",
    }
}
