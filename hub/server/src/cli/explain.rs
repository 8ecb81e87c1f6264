//! The long text of a code, or what a hub field is.

use std::process::ExitCode;

use orderhub_lang::codes::Explanation;
use orderhub_lang::diagnostic::nearest;
use orderhub_order::catalogue::{Field, catalogue};
use orderhub_order::ids::Collection;

use super::output::{Code, Fault, print};

/// Every code of this build, crate by crate.
fn codes() -> impl Iterator<Item = &'static Explanation> {
    orderhub_lang::codes::CODES.iter()
}

pub(super) fn explain(word: &str) -> Result<ExitCode, Fault> {
    let code = word.trim_start_matches("error[").trim_end_matches(']').to_uppercase();
    if let Some(found) = codes().find(|known| known.code == code) {
        print(&format!("{}: {}\n\n{}\n", found.code, found.title, found.text));
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

fn describe(field: &Field) -> String {
    let collection = if field.collection == Collection::Root {
        "the order".to_owned()
    } else {
        format!("each of `{}`", field.collection.path())
    };
    let owners: Vec<_> =
        field.owners.iter().map(|owner| format!("{owner:?}").to_lowercase()).collect();
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
