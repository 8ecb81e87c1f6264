//! `tap`: a live view of what passes, before and after mapping, personal values masked.

use std::process::ExitCode;

use reqwest::Method;
use serde_json::Value;

use super::super::Shared;
use super::super::output::{self, Code, Fault, Output};
use super::super::remote::{call, events};

/// What to look at.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Tap {
    /// A system, or a queue that the hub reads; without it: everything.
    of: Option<String>,
    /// End after so many.
    #[arg(long)]
    count: Option<u64>,
}

/// Shows what passes until it is interrupted.
pub(in crate::cli) fn tap(shared: &Shared, tap: &Tap) -> Result<ExitCode, Fault> {
    let filter = match &tap.of {
        None => None,
        Some(of) if is_system(shared, of)? => Some(("system", of.as_str())),
        Some(of) => Some(("queue", of.as_str())),
    };
    let mut left = tap.count.unwrap_or(u64::MAX);
    if left == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    if shared.output == Output::Table {
        output::say("looking; end with ctrl-c");
    }
    events(shared, &["tap"], filter, |event, data| {
        let what: Value = serde_json::from_str(data).unwrap_or_default();
        if event == "dropped" {
            let dropped = what.get("dropped").and_then(Value::as_u64).unwrap_or_default();
            output::say(&format!("{dropped} more passed too fast to be shown"));
            return true;
        }
        match shared.output {
            Output::Table | Output::Name => output::print(&text(event, &what)),
            Output::Json | Output::Jsonl => {
                let mut what = what;
                if let Some(members) = what.as_object_mut() {
                    members.insert("way".to_owned(), event.into());
                }
                output::document(&what, Output::Jsonl);
            }
        }
        left -= 1;
        left > 0
    })?;
    if left > 0 && tap.count.is_some() {
        return Err(Fault::new(Code::Later, "the hub has ended the view".to_owned()));
    }
    Ok(ExitCode::SUCCESS)
}

fn is_system(shared: &Shared, word: &str) -> Result<bool, Fault> {
    let page = call(shared, Method::GET, &["systems"], &[])?;
    let items = page.get("items").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    Ok(items.iter().any(|item| item.get("system").is_some_and(|name| name == word)))
}

/// One thing that passed, for a person.
fn text(event: &str, what: &Value) -> String {
    let of = |key: &str| match what.get(key) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => "-".to_owned(),
        Some(other) => other.to_string(),
    };
    let head = if event == "in" {
        let came = what.get("outcomes").and_then(Value::as_array);
        let came = came.into_iter().flatten().map(|outcome| {
            let word = |key| outcome.get(key).and_then(Value::as_str);
            let order = word("order").map(|order| format!(" {order}")).unwrap_or_default();
            let why = word("why").map(|why| format!(": {why}")).unwrap_or_default();
            format!("{}{order}{why}", word("outcome").unwrap_or("-"))
        });
        let came: Vec<String> = came.collect();
        let (at, system, document) = (of("at"), of("system"), of("document"));
        format!("{at} IN  {system} {document} {} ► {}", of("source"), came.join(", "))
    } else {
        let (at, system, operation) = (of("at"), of("system"), of("operation"));
        let (order, version, attempt) = (of("order"), of("version"), of("attempt"));
        format!(
            "{at} OUT {system} {operation} of {order} version {version}, attempt {attempt} ► {} {} in {} ms",
            of("class"),
            of("status"),
            of("took_ms")
        )
    };
    let part = |name: &str| what.get(name).map(Value::to_string).unwrap_or_default();
    format!("{head}\n  before {}\n  after  {}", part("before"), part("after"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_passes_is_told_in_three_lines() {
        let came = json!({ "at": "T", "source": "api", "system": "shop", "document": "order",
            "outcomes": [{ "outcome": "applied", "order": "o_1", "why": null }],
            "before": { "id": 1 }, "after": [{ "$key": "1" }] });
        assert_eq!(
            text("in", &came),
            "T IN  shop order api ► applied o_1\n  before {\"id\":1}\n  after  [{\"$key\":\"1\"}]"
        );
        let went = json!({ "at": "T", "system": "erp", "operation": "create", "order": "o_1", "version": 2,
            "attempt": 1, "class": "ok", "status": null, "took_ms": 5, "before": [], "after": {} });
        assert_eq!(
            text("out", &went),
            "T OUT erp create of o_1 version 2, attempt 1 ► ok - in 5 ms\n  before []\n  after  {}"
        );
    }
}
