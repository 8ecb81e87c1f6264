//! The type of what a rule reads, before any conversion.
//!
//! **Invariant:** what stands in a document that knows texts only (CSV, XML, a form) reaches no number, no
//! yes or no and no list of the hub without a conversion: that is a finding, not a document that fails. Test:
//! the case `tests/data/mapping/findings/texts-only.yaml`.

use orderhub_lang::expression::Kind;
use orderhub_order::catalogue::FieldType;

use super::Compiler;
use crate::conversions::Type;
use crate::hub_path::{HubPath, Leaf, Part};
use crate::program::Source;

impl Compiler<'_> {
    /// The type of a source.
    pub(super) fn source_type(&self, source: &Source) -> Type {
        match source {
            Source::Document(_) => self.leaves,
            Source::Setting(_) => Type::Text,
            // An operation's arguments are what its notice or caller gave.
            Source::Argument(_) => Type::Raw,
            Source::Hub(path) => hub_type(path),
            Source::Index => Type::Integer,
        }
    }
}

/// The type of the first of several sources that gives a value.
pub(super) fn either(left: Type, right: Type) -> Type {
    match (left, right) {
        (left, right) if left == right => left,
        (Type::Text | Type::Texts, Type::Text | Type::Texts) => Type::Texts,
        _ => Type::Raw,
    }
}

/// The type of what an expression computes.
pub(super) fn computed(kind: Kind) -> Type {
    match kind {
        Kind::Unknown => Type::Raw,
        Kind::Boolean => Type::Boolean,
        Kind::Integer => Type::Integer,
        Kind::Number => Type::Decimal,
        Kind::Text => Type::Text,
    }
}

fn hub_type(path: &HubPath) -> Type {
    if path.is_fan_out() {
        return Type::Raw;
    }
    let part = match &path.leaf {
        Leaf::Field(_, part) => part,
        Leaf::Xref(_) => return Type::Text,
        Leaf::Ordinal => return Type::Integer,
        Leaf::Collection(_) => return Type::Raw,
    };
    match (part, path.field().map(|field| &field.ty)) {
        (Some(Part::Amount), _) => Type::Decimal,
        (Some(Part::Address(_) | Part::Currency), _) => Type::Text,
        // The entries below a name are a map.
        (Some(Part::Entry(_)), _) | (None, None | Some(FieldType::Address)) => Type::Raw,
        (None, Some(ty)) => match ty {
            FieldType::Integer => Type::Integer,
            FieldType::Decimal => Type::Decimal,
            FieldType::Money => Type::Money,
            FieldType::Timestamp => Type::Timestamp,
            FieldType::Date => Type::Date,
            FieldType::Boolean => Type::Boolean,
            FieldType::List => Type::List,
            FieldType::Map => Type::Map,
            FieldType::Text
            | FieldType::Enum(_)
            | FieldType::Country
            | FieldType::Currency
            | FieldType::Language
            | FieldType::Uom
            | FieldType::Ref(_)
            | FieldType::Address => Type::Text,
        },
    }
}
