//! `orderhub connector ask`: what an operation would send.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::process::ExitCode;

use jiff::Timestamp;
use orderhub_connectors::contract::{
    Call, Connector, Credentials, Memo, NO_SESSION, NextStep, Request,
};
use orderhub_lang::value::Value;
use serde_json::json;

use super::test::{connectors, one};
use super::{Folder, sample};
use crate::cli::output::{self, Code, Fault, Output};
use crate::clock::Clock;

/// Largest document that is read.
const LARGEST: u64 = 4 << 20;

/// What would be sent.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  orderhub connector ask rest_wms create_release < release.json
  orderhub connector ask odoo list_sales --arg since=2026-11-02T09:00:00Z < /dev/null
  orderhub connector ask tryton cancel_sale --xref order=17 --set database=shop < /dev/null

Exit codes: 0 the request was printed; 1 it cannot be built; 2 usage; 5 no such connector or operation.")]
pub(in crate::cli) struct Ask {
    /// The folder with the connector.yaml.
    name: String,
    /// The operation.
    operation: String,
    #[command(flatten)]
    folder: Folder,
    /// A setting of the system.
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// A reference of the subject.
    #[arg(long, value_name = "KIND=ID")]
    xref: Vec<String>,
    /// An argument of a read; of one that is polled, `since` and `until` are times (2026-11-02T09:00:00Z), written as the
    /// mapping reads them.
    #[arg(long, value_name = "NAME=VALUE")]
    arg: Vec<String>,
    /// The system's address.
    #[arg(long, default_value = "https://system.example")]
    base_url: String,
}

/// Prints the first request.
pub(super) fn ask(asked: &Ask, output: Output) -> Result<ExitCode, Fault> {
    let all = connectors(&asked.folder)?;
    let known: Vec<&str> = all.keys().map(String::as_str).collect();
    let connector = one(&asked.name, &all, &known)?;
    if !connector.operations().iter().any(|known| known.name == asked.operation) {
        let names: Vec<&str> =
            connector.operations().iter().map(|known| known.name.as_str()).collect();
        let message = format!("`{}` has no operation `{}`", asked.name, asked.operation);
        let hint = format!("operations: {}", names.join(", "));
        return Err(Fault::new(Code::NotFound, message).hint(hint));
    }
    let mut document = Vec::new();
    let read = std::io::stdin().lock().take(LARGEST).read_to_end(&mut document);
    read.map_err(|error| Fault::new(Code::Usage, error.to_string()))?;
    let settings = pairs(&asked.set)?;
    let xrefs = pairs(&asked.xref)?.into_iter();
    let xrefs = xrefs.map(|(name, value)| (name, Value::Text(value))).collect();
    let now = Clock::system().now();
    let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
    let of = (asked.name.as_str(), asked.operation.as_str());
    let args = sample::arguments(&asked.folder, of, pairs(&asked.arg)?, now)?;
    let call = Call {
        operation: &asked.operation,
        document: &document,
        changed: None,
        media: "application/json",
        key: "orderhub-connector-ask",
        attempt: 1,
        base_url: &asked.base_url,
        settings: &settings,
        xrefs: &xrefs,
        args: &args,
        fields: &[],
    };
    let cannot = |why: String| Fault::new(Code::Problems, format!("it cannot be built: {why}"));
    match connector.next(&call, &Memo::default()) {
        Ok(NextStep::Send(mut request)) => {
            let secret = |_: &str| vec!["***".to_owned()];
            let before = Credentials {
                secret: &secret,
                settings: &settings,
                now: 0,
                nonce: "***",
                session: NO_SESSION,
            };
            let session = session(connector.as_ref(), &before);
            let with = Credentials { session: &session, ..before };
            connector.authorize(&mut request, &with).map_err(|error| cannot(error.to_string()))?;
            show(&request, output);
            Ok(ExitCode::SUCCESS)
        }
        Ok(NextStep::Done(_)) => {
            output::say("nothing is sent: the operation has no step for this");
            Ok(ExitCode::SUCCESS)
        }
        Ok(NextStep::Wait(_) | NextStep::Part(_)) => Err(cannot("it waits".to_owned())),
        Err(error) => Err(cannot(error.to_string())),
    }
}

fn pairs(given: &[String]) -> Result<BTreeMap<String, String>, Fault> {
    let pair = |text: &String| {
        let (name, value) = text.split_once('=').ok_or_else(|| {
            Fault::new(Code::Usage, format!("`{text}` is no pair")).hint("write `name=value`")
        })?;
        Ok((name.to_owned(), value.to_owned()))
    };
    given.iter().map(pair).collect()
}

/// What a login would give, each value masked.
fn session(connector: &dyn Connector, with: &Credentials<'_>) -> BTreeMap<String, String> {
    let answer = connector.invents().and_then(|invents| invents.session(with));
    let session = answer.and_then(|answer| connector.logged_in(with, &answer).ok());
    let values = session.map(|session| session.values).unwrap_or_default();
    values.into_keys().map(|name| (name, "***".to_owned())).collect()
}

fn show(request: &Request, output: Output) {
    let body = String::from_utf8_lossy(&request.body).into_owned();
    match output {
        Output::Json | Output::Jsonl => {
            let headers: Vec<_> =
                request.headers.iter().map(|(name, value)| json!([name, value])).collect();
            let shown = json!({
                "step": request.step, "method": request.method, "url": request.url,
                "headers": headers, "body": body,
            });
            output::document(&shown, output);
        }
        Output::Table | Output::Name => {
            let mut text = format!("{} {}\n", request.method, request.url);
            for (name, value) in &request.headers {
                text.push_str(&format!("{name}: {value}\n"));
            }
            text.push_str(&format!("\n{body}\n"));
            output::print(&text);
        }
    }
}
