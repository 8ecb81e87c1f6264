//! The long text of a code, or what a hub field is.

use std::process::ExitCode;

use orderhub_lang::diagnostic::nearest;
use orderhub_order::catalogue::{Field, Owner, catalogue};
use orderhub_order::ids::Collection;

use super::output::{Code, Fault, print};

/// A code with what it means; of some there is a wrong and a right example.
struct Known {
    code: &'static str,
    title: &'static str,
    text: &'static str,
    example: Option<(&'static str, &'static str)>,
}

/// Every code of this build, crate by crate.
fn codes() -> impl Iterator<Item = Known> {
    let plain = orderhub_lang::codes::CODES.iter();
    let plain = plain.chain(orderhub_order::codes::CODES).chain(orderhub_connectors::codes::CODES);
    let plain = plain.map(|known| Known {
        code: known.code,
        title: known.title,
        text: known.text,
        example: None,
    });
    plain.chain(orderhub_mapping::codes::CODES.iter().map(|known| Known {
        code: known.code,
        title: known.title,
        text: known.text,
        example: Some((known.wrong, known.right)),
    }))
}

pub(super) fn explain(word: &str) -> Result<ExitCode, Fault> {
    let code = word.trim_start_matches("error[").trim_end_matches(']').to_uppercase();
    if let Some(known) = codes().find(|known| known.code == code) {
        let mut text = format!("{}: {}\n\n{}\n", known.code, known.title, known.text);
        if let Some((wrong, right)) = known.example {
            text.push_str(&format!("\nwrong:\n{}\nright:\n{}", indented(wrong), indented(right)));
        }
        print(&text);
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(field) = catalogue().find_full(word) {
        print(&describe(field));
        return Ok(ExitCode::SUCCESS);
    }
    let below: Vec<_> = catalogue()
        .below(word)
        .iter()
        .filter_map(|id| catalogue().field(id))
        .map(Field::full_path)
        .collect();
    if !below.is_empty() {
        print(&below.join("\n"));
        return Ok(ExitCode::SUCCESS);
    }
    let near = catalogue()
        .nearest(word)
        .or_else(|| nearest(&code, codes().map(|known| known.code)).map(str::to_owned));
    let fault = Fault::new(Code::NotFound, format!("`{word}` is no code and no hub field"));
    Err(match near {
        Some(near) => fault.hint(format!("did you mean `{near}`?")),
        None => fault
            .hint("codes stand in brackets before an error; fields are paths like `totals.total`"),
    })
}

fn indented(example: &str) -> String {
    example.trim_end().lines().map(|line| format!("  {line}\n")).collect()
}

fn owner(owner: Owner) -> &'static str {
    match owner {
        Owner::Role(role) => role.as_str(),
        Owner::Service => "service (people, and systems of role crm)",
        Owner::Hub => "hub",
        Owner::Any => "any",
    }
}

fn describe(field: &Field) -> String {
    let collection = if field.collection == Collection::Root {
        "the order".to_owned()
    } else {
        format!("each of `{}`", field.collection.path())
    };
    let owners: Vec<_> = field.owners.iter().map(|one| owner(*one)).collect();
    let mut text = format!(
        "{}\n\n  of       {collection}\n  type     {:?}\n  kind     {:?}\n  owner    {}\n  merge    {:?}\n  personal {:?}\n",
        field.full_path(),
        field.ty,
        field.kind,
        owners.join(", "),
        field.merge,
        field.personal,
    );
    if let orderhub_order::catalogue::FieldType::Enum(name) = &field.ty {
        let values = catalogue().enum_values(name);
        text.push_str(&format!("  values   {} (others are kept as they are)\n", values.join(", ")));
    }
    text
}
