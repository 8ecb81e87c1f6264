//! The long text of a code, why a document failed, what a conversion does, or what a hub field is.

use std::process::ExitCode;

use orderhub_lang::codes::Explanation;
use orderhub_lang::diagnostic::{nearest, visible};
use orderhub_mapping::pages::{self, Page, pages};
use orderhub_order::catalogue::{Field, FieldType, Kind, Merge, Owner, Personal, catalogue};
use orderhub_order::holds::{self, HOLDS, Hold};
use orderhub_order::ids::{Collection, Entity};

use super::output::{Code, Fault, print};
use crate::causes::{self, Cause};

/// Every code of this build, crate by crate.
pub(super) fn codes() -> impl Iterator<Item = &'static Explanation> {
    let lists = [
        orderhub_lang::codes::CODES,
        orderhub_order::codes::CODES,
        orderhub_connectors::codes::CODES,
        orderhub_mapping::codes::CODES,
    ];
    lists.into_iter().flatten()
}

pub(super) fn explain(word: &str) -> Result<ExitCode, Fault> {
    let code = word.trim_start_matches("error[").trim_end_matches(']').to_uppercase();
    if let Some(known) = codes().find(|known| known.code == code) {
        print(&page(known));
        return Ok(ExitCode::SUCCESS);
    }
    // `currency` is both: why a document failed, and a field; `date` may be a conversion, and more.
    let cause = causes::find(word).map(cause);
    let field = catalogue().find_full(word).map(describe);
    let conversion = pages::find(word).map(conversion);
    let hold = holds::page(word).map(hold);
    let all = [conversion, cause, hold, field];
    let found: Vec<String> = all.into_iter().flatten().collect();
    if !found.is_empty() {
        print(&found.join("\n"));
        return Ok(ExitCode::SUCCESS);
    }
    let below: Vec<&Field> = if word == "order" {
        catalogue().fields_of(Collection::Root).collect()
    } else {
        let below = catalogue().below(word);
        below.iter().filter_map(|id| catalogue().field(id)).collect()
    };
    if !below.is_empty() {
        print(&list(word, &below));
        return Ok(ExitCode::SUCCESS);
    }
    let near = catalogue()
        .nearest(word)
        .or_else(|| nearest(word, causes::all().map(|cause| cause.word)).map(str::to_owned))
        .or_else(|| nearest(word, HOLDS.iter().map(|hold| hold.code)).map(str::to_owned))
        .or_else(|| nearest(word, pages().iter().map(|page| page.name)).map(str::to_owned))
        .or_else(|| nearest(&code, codes().map(|known| known.code)).map(str::to_owned));
    let what = format!("`{word}` is no code, no cause, no hold, no conversion and no hub field");
    let fault = Fault::new(Code::NotFound, what);
    Err(match near {
        Some(near) => fault.hint(format!("did you mean `{near}`?")),
        None => fault
            .hint("codes stand in brackets before an error; fields are paths like `totals.total`"),
    })
}

/// What is done about a document that failed, besides what its cause says.
const FAILED: &str = "The document is stored and not applied; `orderhub todo show ID` has it. After mending: `orderhub todo \
                      replay ID`, or `orderhub todo discard ID --reason \"not wanted\"`.";

/// A cause, and what its commands name.
fn cause(cause: &Cause) -> String {
    let mut text = format!("{}: {}\n\n{}\n", cause.word, cause.title, cause.text);
    let failed = orderhub_mapping::causes::find(cause.word).is_some();
    if failed {
        text.push_str(&format!("\n{FAILED}\n"));
    }
    if failed || cause.text.contains(" ID") {
        let word = cause.word;
        text.push_str(&format!("\nID is a number of `orderhub todo list --cause {word}`.\n"));
    }
    text
}

/// A hold, and what ends it.
fn hold(hold: &Hold) -> String {
    let Hold { code, title, text, ends } = hold;
    let ends = ends.map_or_else(String::new, |ends| format!("It ends with {ends}. "));
    format!(
        "{code}, a hold on an order: {title}\n\n{text}\n\n{ends}A person ends it with `orderhub order release ORDER HOLD --reason \
         \"looked\"`. `orderhub why ORDER` has HOLD and its detail; `orderhub order list --hold {code}` lists the orders that have \
         it.\n"
    )
}

/// A code with its examples.
pub(super) fn page(known: &Explanation) -> String {
    format!(
        "{}: {}\n\n{}\n\nwrong:\n{}\nright:\n{}",
        known.code,
        known.title,
        known.text,
        indented(known.wrong),
        indented(known.right)
    )
}

/// What nobody sees in an example is shown by its number.
fn indented(example: &str) -> String {
    example.trim_end().lines().map(|line| format!("  {}\n", visible(line))).collect()
}

fn owner(owner: Owner) -> &'static str {
    match owner {
        Owner::Role(role) => role.as_str(),
        Owner::Service => "service (people, and systems of role crm)",
        Owner::Hub => "hub",
        Owner::Any => "any",
    }
}

/// A conversion with its options and an example each way.
fn conversion(page: &Page) -> String {
    let mut text = format!("{}: {}\n\n{}\n", page.name, page.title, page.text);
    let width = page.options.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    if !page.options.is_empty() {
        text.push_str("\noptions:\n");
    }
    for (name, says) in page.options {
        text.push_str(&format!("  {name:width$}  {says}\n"));
    }
    let Some(example) = page.example else { return text };
    text.push_str(&format!("\nexample:\n  - {}\n", example.rule));
    if let Some(document) = example.document {
        text.push_str(&format!("  in   {document}\n    ►  {}\n", example.hub));
    }
    match example.out {
        Some(out) => text.push_str(&format!("  out  {}\n    ►  {out}\n", example.hub)),
        None => text.push_str("  out  nothing: it comes in only\n"),
    }
    text
}

/// Fields with their types, and how a mapping of their element writes them.
fn list(word: &str, fields: &[&Field]) -> String {
    let names: Vec<String> = fields.iter().map(|field| field.full_path()).collect();
    let width = names.iter().map(String::len).max().unwrap_or_default();
    let mut text: String = names
        .iter()
        .zip(fields)
        .map(|(name, field)| format!("{name:width$}  {}\n", kind_of(field)))
        .collect();
    let own = |entity: &Entity| entity.collection().is_some_and(|own| own.path() == word);
    if let Some(entity) = Entity::ALL.into_iter().find(own) {
        text.push_str(&format!(
            "\nIn a mapping with `entity: {}` they are written without `{word}.`; the order's own begin with `/`.\n",
            entity.as_str()
        ));
    }
    text
}

/// The type of a field in words, with the values of a state.
fn kind_of(field: &Field) -> String {
    let kind = if let FieldType::Enum(name) = &field.ty {
        format!("one of {}", catalogue().enum_values(name).join(", "))
    } else {
        type_of(&field.ty)
    };
    let by = match field.kind {
        Kind::Given | Kind::Atomic | Kind::Fact => "",
        Kind::Derived => " (the hub computes it)",
        Kind::Hub => " (the hub writes it)",
    };
    format!("{kind}{by}")
}

fn type_of(ty: &FieldType) -> String {
    let word = match ty {
        FieldType::Text => "text",
        FieldType::Ref(of) => return format!("reference to one of `{}`", of.path()),
        FieldType::Integer => "whole number",
        FieldType::Decimal => "decimal",
        FieldType::Money => "amount with its currency",
        FieldType::Timestamp => "moment",
        FieldType::Date => "day",
        FieldType::Boolean => "yes or no",
        FieldType::Enum(_) => "state",
        FieldType::Country => "country, two letters of ISO 3166",
        FieldType::Currency => "currency, three letters of ISO 4217",
        FieldType::Language => "language, as in BCP 47",
        FieldType::Uom => "unit, a code of UN/ECE Rec 20",
        FieldType::Address => "address",
        FieldType::List => "list of texts",
        FieldType::Map => "names and texts",
    };
    word.to_owned()
}

fn describe(field: &Field) -> String {
    let collection = if field.collection == Collection::Root {
        "the order".to_owned()
    } else {
        format!("each of `{}`", field.collection.path())
    };
    let owners: Vec<_> = field.owners.iter().map(|one| owner(*one)).collect();
    let values = if let FieldType::Enum(name) = &field.ty {
        Some(catalogue().enum_values(name))
    } else {
        None
    };
    let mut text = format!("{}\n\n", field.full_path());
    let mut row = |name: &str, says: &str| text.push_str(&format!("  {name:<8} {says}\n"));
    row("of", &collection);
    row(
        "type",
        &if values.is_some() { "one of its values".to_owned() } else { type_of(&field.ty) },
    );
    if let Some(values) = values {
        row("values", &format!("{} (others are kept as they are)", values.join(", ")));
    }
    row("given by", made_by(field.kind));
    if !owners.is_empty() {
        row("owner", &owners.join(", "));
        row("conflict", conflict(field.merge));
    }
    match field.personal {
        Personal::None => {}
        Personal::Contact => row("personal", "contact: masked where people may not see it"),
        Personal::Address => row("personal", "address: masked where people may not see it"),
        Personal::Identity => row("personal", "identity: masked where people may not see it"),
        Personal::Payment => row("personal", "payment: masked where people may not see it"),
    }
    text
}

/// How a field comes about.
fn made_by(kind: Kind) -> &'static str {
    match kind {
        Kind::Given => "systems and people",
        Kind::Atomic => "systems and people, merged as one value",
        Kind::Fact => "systems, and never changed afterwards",
        Kind::Derived => "the hub, which computes it: no mapping writes it",
        Kind::Hub => "the hub, or people through it",
    }
}

/// What decides when two changed a field.
fn conflict(merge: Merge) -> &'static str {
    match merge {
        Merge::OwnerWins => "the owner wins, the first of them before the others",
        Merge::Newest => "the newer change wins",
        Merge::Max => "the larger value wins",
        Merge::Union => "both are kept, as a set",
        Merge::Advance => "the state that is further on wins",
        Merge::Manual => "a person decides",
    }
}
