//! History of an order: diff, blame, restore; and sending it again.

use std::process::ExitCode;

use reqwest::Method;
use serde_json::Value;

use super::listing;
use crate::cli::Shared;
use crate::cli::output::{self, Code, Fault, Output};
use crate::cli::remote::{call, call_if};

/// What differs between two versions; exit code 1 for a difference, where that was asked for.
pub(super) fn diff(
    shared: &Shared,
    order: &str,
    versions: Option<&str>,
    exit_code: bool,
) -> Result<ExitCode, Fault> {
    let (from, to) = versions.map_or(Ok((None, None)), range)?;
    let query = [("from", from), ("to", to)];
    let answer = call(shared, Method::GET, &["orders", order, "diff"], &query)?;
    let columns = [
        ("field", "/path"),
        ("was", "/old"),
        ("is", "/new"),
        ("version", "/version"),
        ("actor", "/actor"),
        ("reason", "/reason"),
    ];
    if shared.output == Output::Json {
        output::document(&answer, shared.output);
    } else {
        listing(&answer, &columns, shared.output)?;
    }
    let differs = answer.get("items").and_then(Value::as_array).is_some_and(|all| !all.is_empty());
    let number = |name: &str| answer.get(name).and_then(Value::as_u64).unwrap_or_default();
    output::say(&format!("versions {}..{}", number("from"), number("to")));
    Ok(if differs && exit_code {
        ExitCode::from(Code::Problems.number())
    } else {
        ExitCode::SUCCESS
    })
}

/// `7..9`, `7..`, `..9`, `7`.
fn range(given: &str) -> Result<(Option<&str>, Option<&str>), Fault> {
    let (from, to) = given.split_once("..").unwrap_or((given, ""));
    let part = |text| if str::is_empty(text) { None } else { Some(text) };
    let (from, to) = (part(from), part(to));
    let number = |part: Option<&str>| part.is_none_or(|text| text.parse::<u32>().is_ok());
    if number(from) && number(to) && (from.is_some() || to.is_some()) {
        return Ok((from, to));
    }
    Err(Fault::new(Code::Usage, format!("`{given}` names no versions"))
        .hint("write two versions, `7..9`, or the older one, `7`; `order log` lists them"))
}

/// Who set each field.
pub(super) fn blame(shared: &Shared, order: &str, field: Option<&str>) -> Result<ExitCode, Fault> {
    let answer = call(shared, Method::GET, &["orders", order, "blame"], &[("field", field)])?;
    let columns = [
        ("field", "/field"),
        ("value", "/value"),
        ("version", "/version"),
        ("at", "/at"),
        ("actor", "/actor"),
        ("reason", "/reason"),
        ("replaced", "/replaced"),
    ];
    with_lost(&answer, &columns, shared.output)
}

/// A listing, and below it a line for each word that was heard and did not stand; `-o json` has them in its rows.
pub(super) fn with_lost(
    page: &Value,
    columns: &[(&str, &str)],
    output: Output,
) -> Result<ExitCode, Fault> {
    let done = listing(page, columns, output)?;
    let lines = lost(page);
    if output == Output::Table && !lines.is_empty() {
        output::print(&lines.join("\n"));
    }
    Ok(done)
}

fn lost(page: &Value) -> Vec<String> {
    let words = list(page, "/items").iter().flat_map(|row| list(row, "/lost"));
    words
        .map(|word| format!("version {}: {}", text(word, "/version"), text(word, "/words")))
        .collect()
}

/// What to lead back to, and under which condition.
pub(super) struct Restore<'a> {
    pub(super) version: u32,
    pub(super) reason: Option<&'a str>,
    pub(super) seen: Option<u64>,
}

/// Leads an order back, or says what that would do.
pub(super) fn restore(
    shared: &Shared,
    order: &str,
    asked: &Restore<'_>,
    preview: bool,
) -> Result<ExitCode, Fault> {
    let path = ["orders", order, "restore"];
    let to = asked.version.to_string();
    let dry = [("to", Some(to.as_str())), ("dry_run", Some("true"))];
    let mut answer = call_if(shared, Method::POST, &path, &dry, asked.seen)?;
    if !preview {
        // What is done is what stood in the preview, or nothing.
        let seen = answer.get("seen").and_then(Value::as_u64);
        let query = [("to", Some(to.as_str())), ("reason", asked.reason)];
        answer = call_if(shared, Method::POST, &path, &query, seen)?;
    }
    match shared.output {
        Output::Table => output::print(&told(&answer)),
        Output::Json | Output::Jsonl => output::document(&answer, shared.output),
        Output::Name => output::print(&text(&answer, "/version")),
    }
    Ok(ExitCode::SUCCESS)
}

/// Has an order sent to a system again, or says what that would call. `all`: and not what is missing alone.
pub(super) fn resend(
    shared: &Shared,
    (order, system): (&str, &str),
    (all, reason): (bool, Option<&str>),
    preview: bool,
) -> Result<ExitCode, Fault> {
    let path = ["orders", order, "lanes", system, "resend"];
    let (all, dry_run) = (all.then_some("true"), preview.then_some("true"));
    let query = [("reason", reason), ("all", all), ("dry_run", dry_run)];
    let answer = call(shared, Method::POST, &path, &query)?;
    match shared.output {
        Output::Table => output::print(&sent_again(&answer)),
        Output::Json | Output::Jsonl => output::document(&answer, shared.output),
        Output::Name => output::print(&text(&answer, "/version")),
    }
    Ok(ExitCode::SUCCESS)
}

/// What is sent again, for people.
fn sent_again(answer: &Value) -> String {
    let (version, system) = (text(answer, "/version"), text(answer, "/system"));
    let first = match answer.get("outcome").and_then(Value::as_str) {
        Some("applied") => format!("version {version} is sent to {system}:"),
        Some("unchanged") => format!("all of it waits to be sent to {system} already:"),
        _ => format!("would make version {version}, and send it to {system}:"),
    };
    let lines = list(answer, "/calls").iter().map(called);
    [first].into_iter().chain(lines.map(|line| format!("  {line}"))).collect::<Vec<_>>().join("\n")
}

/// A restore for people.
fn told(answer: &Value) -> String {
    let (version, of) = (text(answer, "/version"), text(answer, "/restores"));
    let nothing = list(answer, "/changes").is_empty();
    let mut lines = vec![match answer.get("outcome").and_then(Value::as_str) {
        Some("applied") => format!("version {version} leads back to version {of}"),
        Some("preview") if nothing => format!("nothing to lead back to version {of}"),
        Some("preview") => format!("would make version {version}, back to version {of}"),
        _ => format!("unchanged: nothing to lead back to version {of}"),
    }];
    let mut section = |title: &str, rows: Vec<String>| {
        if !rows.is_empty() {
            lines.push(format!("{title}:"));
            lines.extend(rows.into_iter().map(|row| format!("  {row}")));
        }
    };
    let change = |row: &Value| {
        format!("{}: {} ► {}", text(row, "/path"), text(row, "/old"), text(row, "/new"))
    };
    section("fields", list(answer, "/changes").iter().map(change).collect());
    section("calls", list(answer, "/calls").iter().map(called).collect());
    let left = |row: &Value| {
        let (path, is, was) = (text(row, "/path"), text(row, "/is"), text(row, "/was"));
        format!("{path}: stays {is}, was {was}; {}", text(row, "/words"))
    };
    section("cannot be undone", list(answer, "/remains").iter().map(left).collect());
    section("for a person", list(answer, "/todos").iter().map(output::text).collect());
    lines.join("\n")
}

/// A call that follows.
fn called(row: &Value) -> String {
    let what = [text(row, "/system"), text(row, "/operation"), text(row, "/subject")].join(" ");
    format!("{what}: {}", text(row, "/why"))
}

fn list<'a>(answer: &'a Value, pointer: &str) -> &'a [Value] {
    answer.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text(row: &Value, pointer: &str) -> String {
    row.pointer(pointer).map_or_else(|| "-".to_owned(), output::text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_did_not_stand_is_a_line_below_the_rows() {
        let word =
            json!({ "version": 5, "words": "`notes.customer` of crm: `USER` did not stand" });
        let page = json!({ "items": [{ "version": 4 }, { "version": 5, "lost": [word] }] });
        assert_eq!(lost(&page), ["version 5: `notes.customer` of crm: `USER` did not stand"]);
        assert!(lost(&json!({ "items": [{ "version": 4 }] })).is_empty());
    }

    #[test]
    fn versions_are_two_or_one() {
        assert_eq!(range("7..9").unwrap(), (Some("7"), Some("9")));
        assert_eq!(range("7").unwrap(), (Some("7"), None));
        assert_eq!(range("..9").unwrap(), (None, Some("9")));
        for wrong in ["", "..", "a..b", "7...9", "-1"] {
            assert_eq!(range(wrong).unwrap_err().code, Code::Usage, "{wrong}");
        }
    }

    #[test]
    fn a_restore_is_told_with_its_calls_and_what_stays() {
        let answer = json!({
            "outcome": "preview", "version": 10, "restores": 3, "todos": [],
            "changes": [{ "path": "priority", "old": "high", "new": "normal" }],
            "calls": [{ "system": "erp", "operation": "update_sale", "subject": "order", "why": "called" }],
            "remains": [{ "path": "stage", "is": "packed", "was": "received", "words": "computed from the rest" }],
        });
        let expected = "would make version 10, back to version 3\nfields:\n  priority: high ► normal\ncalls:\n  erp \
                        update_sale order: called\ncannot be undone:\n  stage: stays packed, was received; computed \
                        from the rest";
        assert_eq!(told(&answer), expected);
    }
}
