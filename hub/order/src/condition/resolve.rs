//! Resolves one test of a condition against the catalogue, or says what is wrong with it.

use std::sync::Arc;

use orderhub_lang::condition as parsed;
use orderhub_lang::diagnostic::{Diagnostic, Source};
use orderhub_lang::path::{Path, Root, Segment};

use super::{FieldLook, Look, Must, Test};
use crate::catalogue::{Field, FieldType, catalogue};
use crate::codes;
use crate::ids::{Collection, Role};
use crate::value::Address;

type Finding = Box<Diagnostic>;

pub(super) fn test(
    source: &Arc<Source>,
    test: &parsed::PathTest,
    subject: Collection,
) -> Result<Test, Finding> {
    let report = |code, message: String| Diagnostic::error(code, source, test.span, message);
    let look = look(&test.path, subject, &report)?;
    if let Look::Linked(_) = look {
        return linked(&test.test, &report);
    }
    let must = must(&test.test, &look, &report)?;
    Ok(Test { look, must })
}

/// `linked: erp`, or a list of roles.
fn linked(
    test: &parsed::Test,
    report: &impl Fn(&'static str, String) -> Diagnostic,
) -> Result<Test, Finding> {
    let (names, must) = match test {
        parsed::Test::AnyOf(names) => (names, Must::AnyOf(names.clone())),
        parsed::Test::NotAnyOf(names) => (names, Must::NotAnyOf(names.clone())),
        parsed::Test::Present
        | parsed::Test::Absent
        | parsed::Test::None
        | parsed::Test::Starts(_)
        | parsed::Test::From(_) => {
            let message = "`linked` takes a role or a list of roles".to_owned();
            return Err(Box::new(report(codes::TEST, message).with_hint("write `linked: erp`")));
        }
    };
    let roles = names.iter().map(|name| role(name, report)).collect::<Result<_, _>>()?;
    Ok(Test { look: Look::Linked(roles), must })
}

fn role(name: &str, report: &impl Fn(&'static str, String) -> Diagnostic) -> Result<Role, Finding> {
    Role::parse(name).ok_or_else(|| {
        let roles = Role::ALL.iter().map(|role| role.as_str());
        Box::new(report(codes::ROLE, format!("unknown role `{name}`")).with_one_of(name, roles))
    })
}

/// The field that a path of an assignment names.
pub(crate) fn field_of_order(
    path: &Path,
    report: &impl Fn(&'static str, String) -> Diagnostic,
) -> Result<FieldLook, Finding> {
    match look(path, Collection::Root, report)? {
        Look::Field(field) => Ok(field),
        Look::Linked(_) | Look::Elements { .. } => {
            Err(Box::new(report(codes::FIELD, "a field of the order is needed".to_owned())))
        }
    }
}

fn look(
    path: &Path,
    subject: Collection,
    report: &impl Fn(&'static str, String) -> Diagnostic,
) -> Result<Look, Finding> {
    let root = match path.root {
        Root::Here => subject == Collection::Root,
        Root::Document => true,
        Root::Up(_)
        | Root::Settings
        | Root::Args
        | Root::Hub
        | Root::Xref(_)
        | Root::Index
        | Root::Position
        | Root::Ordinal => {
            let message = "only paths of the subject, and of the order with `/`, stand here";
            return Err(Box::new(report(codes::FIELD, message.to_owned())));
        }
    };
    let mut at = if root { Collection::Root } else { subject };
    let mut within = Vec::new();
    let mut rest = path.segments.as_slice();
    while let [Segment::Key(name), more @ ..] = rest
        && let Some(inner) = at.child(name)
    {
        match more {
            [] => return Ok(Look::Elements { root, within, collection: inner }),
            [Segment::Each, more @ ..] => {
                within.push(inner);
                (at, rest) = (inner, more);
            }
            [_, ..] => {
                let hint = format!("write `{name}.*.…` to look at every element");
                let message = format!("`{name}` is a collection");
                return Err(Box::new(report(codes::FIELD, message).with_hint(hint)));
            }
        }
    }
    let names: Option<Vec<&str>> = rest
        .iter()
        .map(|segment| if let Segment::Key(name) = segment { Some(name.as_str()) } else { None })
        .collect();
    let names = names.unwrap_or_default().join(".");
    if names == "linked" && within.is_empty() {
        return Ok(Look::Linked(Vec::new()));
    }
    let (field, part) = found(at, &names).ok_or_else(|| Box::new(unknown(at, &names, report)))?;
    Ok(Look::Field(FieldLook { root, within, field: field.id, part }))
}

/// A field, or a part of an address or an entry of a map.
fn found(at: Collection, path: &str) -> Option<(&'static Field, Option<Box<str>>)> {
    if let Some(field) = catalogue().find(at, path) {
        return Some((field, None));
    }
    let (outer, part) = path.rsplit_once('.')?;
    let field = catalogue().find(at, outer)?;
    let known = match field.ty {
        FieldType::Address => Address::PARTS.contains(&part),
        FieldType::Map => true,
        FieldType::Text
        | FieldType::Ref(_)
        | FieldType::Integer
        | FieldType::Decimal
        | FieldType::Money
        | FieldType::Timestamp
        | FieldType::Date
        | FieldType::Boolean
        | FieldType::Enum(_)
        | FieldType::Country
        | FieldType::Currency
        | FieldType::Language
        | FieldType::Uom
        | FieldType::List => false,
    };
    known.then(|| (field, Some(part.into())))
}

fn unknown(
    at: Collection,
    path: &str,
    report: &impl Fn(&'static str, String) -> Diagnostic,
) -> Diagnostic {
    let place = if at == Collection::Root { "an order" } else { at.path() };
    let names = catalogue().fields_of(at).map(|field| field.path);
    let names = names.chain(at.children().map(Collection::name));
    report(codes::FIELD, format!("unknown hub field `{path}`"))
        .with_label(format!("no such field in {place}"))
        .with_nearest(path, names)
}

fn must(
    test: &parsed::Test,
    look: &Look,
    report: &impl Fn(&'static str, String) -> Diagnostic,
) -> Result<Must, Finding> {
    let elements = matches!(look, Look::Elements { .. });
    let refuse = |what: &str| {
        let hint = "a collection is `none` or `present`; other tests are for fields";
        Box::new(report(codes::TEST, what.to_owned()).with_hint(hint))
    };
    match test {
        parsed::Test::Present => Ok(Must::Present),
        parsed::Test::Absent => Ok(Must::Absent),
        parsed::Test::None if elements => Ok(Must::None),
        parsed::Test::None => {
            let message = "`none` is for collections".to_owned();
            let hint = "for a field write `absent`: missing or null";
            Err(Box::new(report(codes::TEST, message).with_hint(hint)))
        }
        parsed::Test::AnyOf(_)
        | parsed::Test::NotAnyOf(_)
        | parsed::Test::Starts(_)
        | parsed::Test::From(_)
            if elements =>
        {
            Err(refuse("a collection has no value to compare"))
        }
        parsed::Test::Starts(begins) => Ok(Must::Starts(begins.clone())),
        parsed::Test::AnyOf(names) => {
            known_values(names, look, report)?;
            Ok(Must::AnyOf(names.clone()))
        }
        parsed::Test::NotAnyOf(names) => {
            known_values(names, look, report)?;
            Ok(Must::NotAnyOf(names.clone()))
        }
        parsed::Test::From(name) => from(name, look, report),
    }
}

fn enum_of(look: &Look) -> Option<&'static str> {
    let Look::Field(FieldLook { field, part: None, .. }) = look else { return None };
    let FieldType::Enum(name) = catalogue().field(*field)?.ty else { return None };
    Some(name)
}

/// Values that no document can ever give are a mistake of the file.
fn known_values(
    names: &[String],
    look: &Look,
    report: &impl Fn(&'static str, String) -> Diagnostic,
) -> Result<(), Finding> {
    let Some(of) = enum_of(look) else { return Ok(()) };
    let values = catalogue().enum_values(of);
    match names.iter().find(|name| !values.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => {
            let message = format!("`{name}` is no value of `{of}`");
            let finding =
                report(codes::ENUM_VALUE, message).with_one_of(name, values.iter().copied());
            Err(Box::new(finding))
        }
    }
}

fn from(
    name: &str,
    look: &Look,
    report: &impl Fn(&'static str, String) -> Diagnostic,
) -> Result<Must, Finding> {
    let machine = match look {
        Look::Field(FieldLook { field, part: None, .. }) => catalogue().machine(*field),
        Look::Field(_) | Look::Linked(_) | Look::Elements { .. } => None,
    };
    let Some(machine) = machine else {
        let message = "`from` compares ranks, and this field has none".to_owned();
        return Err(Box::new(report(codes::TEST, message)));
    };
    let rank = catalogue().rank(machine, name).ok_or_else(|| {
        let values = catalogue().enum_values(machine).iter().copied();
        let message = format!("`{name}` is no value of `{machine}`");
        Box::new(report(codes::ENUM_VALUE, message).with_one_of(name, values))
    })?;
    Ok(Must::From { machine, rank })
}
