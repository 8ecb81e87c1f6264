//! The long text of a code, why a document failed, or what a hub field is.

use std::process::ExitCode;

use orderhub_lang::codes::Explanation;
use orderhub_lang::diagnostic::{nearest, visible};
use orderhub_mapping::causes;
use orderhub_order::catalogue::{Field, Owner, catalogue};
use orderhub_order::ids::Collection;

use super::output::{Code, Fault, print};

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
    // `currency` is both: why a document failed, and a field.
    let cause = causes::find(word)
        .map(|cause| format!("{}: {}\n\n{}\n", cause.word, cause.title, cause.text));
    let field = catalogue().find_full(word).map(describe);
    let pages: Vec<String> = cause.into_iter().chain(field).collect();
    if !pages.is_empty() {
        print(&pages.join("\n"));
        return Ok(ExitCode::SUCCESS);
    }
    let below: Vec<_> = if word == "order" {
        catalogue().fields_of(Collection::Root).map(Field::full_path).collect()
    } else {
        let below = catalogue().below(word);
        below.iter().filter_map(|id| catalogue().field(id)).map(Field::full_path).collect()
    };
    if !below.is_empty() {
        print(&below.join("\n"));
        return Ok(ExitCode::SUCCESS);
    }
    let near = catalogue()
        .nearest(word)
        .or_else(|| nearest(word, causes::CAUSES.iter().map(|cause| cause.word)).map(str::to_owned))
        .or_else(|| nearest(&code, codes().map(|known| known.code)).map(str::to_owned));
    let what = format!("`{word}` is no code, no cause and no hub field");
    let fault = Fault::new(Code::NotFound, what);
    Err(match near {
        Some(near) => fault.hint(format!("did you mean `{near}`?")),
        None => fault
            .hint("codes stand in brackets before an error; fields are paths like `totals.total`"),
    })
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
