//! `token create`: an access token, both halves, once.

use std::process::ExitCode;

use clap::Subcommand;
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::output::{self, Code, Fault, Output};
use crate::access::{self, Role};
use crate::config;

#[derive(Debug, Subcommand)]
pub(super) enum Token {
    /// Makes one and prints both halves, this once: the token, and the table for orderhub.toml.
    Create {
        /// What it may do: viewer, cs_agent, warehouse, finance, ops_lead, integrator, monitor.
        #[arg(long, default_value = "viewer")]
        role: String,
        /// What history calls who acts by it; the role's name if nothing is said.
        #[arg(long)]
        name: Option<String>,
    },
}

pub(super) fn token(command: &Token, output: Output) -> Result<ExitCode, Fault> {
    let Token::Create { role, name } = command;
    let role =
        Role::parse(role).map_err(|error| Fault::new(Code::Usage, format!("`--role` {error}")))?;
    let name = name.as_deref().unwrap_or(role.as_str());
    if !config::is_token_name(name) {
        return Err(Fault::new(Code::Usage, format!("`--name {name}` is no name for a token")).hint(
            "use lower-case letters, digits, `_` and `-`, beginning with a letter, at most 40 characters",
        ));
    }
    let (token, hash) = access::create();
    let (token, hash, role) = (token.expose_secret(), hash.to_string(), role.as_str());
    match output {
        Output::Table => output::print(&format!(
            "# For the caller; it is shown this once:\n{token}\n\n# For orderhub.toml:\n\
             [access.tokens.{name}]\nsha256 = \"{hash}\"\nrole = \"{role}\"\n"
        )),
        Output::Name => output::print(token),
        Output::Json | Output::Jsonl => {
            let both = json!({ "name": name, "token": token, "sha256": hash, "role": role });
            output::document(&both, output);
        }
    }
    Ok(ExitCode::SUCCESS)
}
