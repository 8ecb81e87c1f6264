//! `orderhub connector new`: a draft of a connector, with an integration and a mapping that use it.
//!
//! **Invariant:** what was written passes `check`, `test` and `connector test` as it stands. Test:
//! `a_drafted_connector_passes_check_and_its_card`.

use std::process::ExitCode;

use orderhub_order::ids::Role;

use super::Folder;
use super::draft::{Auth, Drafted, Subject, draft};
use crate::cli::author::written::{self, is_name};
use crate::cli::output::{Code, Fault, counted, say};

/// What is drafted.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  orderhub connector new depot --base-url https://api.depot.example/v2
  orderhub connector new books --base-url https://books.example --role erp --auth basic

Every line that was guessed ends with `# guess`: look each up in what the vendor says of the system. The draft looks for our
reference before it makes anything, so that nothing is made twice; `orderhub connector test NAME` shows that it stays so
while you edit. What the system says back is drafted from samples: `orderhub mapping new NAME.status sample.json`.
Exit codes: 0 drafted; 1 a file is there already; 2 usage.")]
pub(in crate::cli) struct New {
    /// As the folder is to be called.
    name: String,
    /// Where the system is: the part of its address that all calls have.
    #[arg(long, value_name = "URL")]
    base_url: String,
    /// What it is: wms, erp, tms, finance, crm or sink.
    #[arg(long, default_value = "wms")]
    role: String,
    /// How we prove who we are.
    #[arg(long, value_enum, default_value = "bearer")]
    auth: Auth,
    #[command(flatten)]
    folder: Folder,
}

/// Drafts it.
pub(super) fn new(asked: &New) -> Result<ExitCode, Fault> {
    let name = asked.name.as_str();
    if !is_name(name) || ["common", "hub"].contains(&name) {
        let fault = Fault::new(Code::Usage, format!("`{name}` names no integration"));
        return Err(
            fault.hint("small letters, digits and `_`: `depot`; `common` and `hub` are taken")
        );
    }
    address(&asked.base_url)?;
    let Some(subject) = Role::parse(&asked.role).and_then(Subject::of) else {
        let fault =
            Fault::new(Code::Usage, format!("nothing is drafted for the role `{}`", asked.role));
        return Err(fault.hint(
            "wms, erp, tms, finance, crm or sink; what a channel sends is drafted from samples: `orderhub mapping new shop.order order.json --out mappings`",
        ));
    };
    let base_url = asked.base_url.trim_end_matches('/');
    let Drafted { files, guesses } = draft(name, base_url, &subject, asked.auth);
    let folder = asked.folder.mappings.join(name);
    let files: Vec<_> =
        files.into_iter().map(|(file, text)| (folder.join(file), text.into_bytes())).collect();
    written::write(&files)?;
    say(&format!("{}; then: `orderhub connector test {name}`", counted(guesses, "guessed line")));
    say(&settings(name, base_url, asked.auth));
    Ok(ExitCode::SUCCESS)
}

/// Only where the system is: neither who we are, nor what is asked for.
fn address(url: &str) -> Result<(), Fault> {
    let wrong = |why: &str, hint: &str| {
        Err(Fault::new(Code::Usage, format!("`--base-url`: {why}")).hint(hint))
    };
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let Some(rest) = rest else {
        return wrong("no address", "write it whole: `https://api.depot.example/v2`");
    };
    let host = rest.split('/').next().unwrap_or_default();
    if host.is_empty() || rest.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return wrong("no host stands in it", "write it whole: `https://api.depot.example/v2`");
    }
    if host.contains('@') {
        return wrong("it has a user in it", "secrets stand in `[systems.NAME.secrets]`");
    }
    if rest.contains(['?', '#']) {
        return wrong("it has a query or a fragment", "name the part that all calls have");
    }
    if url.contains(['"', '\\', '{', '}']) {
        return wrong("it has a sign that no address has", "write `%22` for a quote");
    }
    Ok(())
}

/// What belongs into the program's own settings.
fn settings(name: &str, base_url: &str, auth: Auth) -> String {
    let shout = name.to_uppercase();
    let secrets = auth
        .secrets()
        .iter()
        .map(|secret| format!("{secret} = {{ env = \"{shout}_{}\" }}\n", secret.to_uppercase()));
    let secrets: String = secrets.collect();
    let secrets = match secrets.is_empty() {
        true => String::new(),
        false => format!("[systems.{name}.secrets]\n{secrets}"),
    };
    format!(
        "in orderhub.toml:\n\n[systems.{name}]\nintegration = \"{name}\"\nbase_url = \"{base_url}\"\n{secrets}"
    )
}
