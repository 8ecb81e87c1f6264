//! What is told, for people and for machines.

use orderhub_lang::value::Value;
use serde_json::{Map, Value as Json, json};

use super::{Explained, Field, Got, Try};
use crate::watch::{Gave, SeenRead, SeenRow, SeenStep};
use crate::{MapError, Mapped, ReverseError};

/// Longest value that is shown to people, in characters; machines get all of it.
const SHOWN: usize = 80;

/// For people: a field a paragraph.
pub fn render(explained: &[Explained]) -> String {
    let mut text = String::new();
    for (number, one) in explained.iter().enumerate() {
        if explained.len() > 1 {
            text.push_str(&format!("document {} of {}\n\n", number + 1, explained.len()));
        }
        if let Some(outcome) = outcome(one) {
            text.push_str(&format!("{outcome}\n\n"));
        }
        for field in &one.fields {
            text.push_str(&format!("{} {}\n", field.field, got(&field.got)));
            for tried in &field.tries {
                let mark = if tried.gave { "►" } else { " " };
                text.push_str(&format!("  {mark} {}\n", tried.rule));
                for line in lines(tried) {
                    text.push_str(&format!("      {line}\n"));
                }
            }
        }
        if !one.other_way.is_empty() {
            text.push_str("\ngoes the other way only:\n");
            for (field, rule) in &one.other_way {
                text.push_str(&format!("  {field} ({rule})\n"));
            }
        }
        if !one.no_rule.is_empty() {
            text.push_str(&format!("\nno rule: {}\n", one.no_rule.join(", ")));
        }
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text
}

/// What became of the document, where it is no contribution.
fn outcome(explained: &Explained) -> Option<String> {
    match (&explained.mapped, &explained.projected) {
        (Some(Mapped::Failed(error)), _) => Some(format!("cannot be mapped: {error}")),
        (Some(Mapped::Skipped), _) => {
            Some("skipped: the document's `where:` does not hold".to_owned())
        }
        (_, Some(Err(ReverseError::NotLinked(kind)))) => {
            Some(format!("nothing goes out: not_linked, there is no reference `{kind}`"))
        }
        (_, Some(Err(ReverseError::Failed(error)))) => Some(format!("cannot be written: {error}")),
        (_, Some(Ok(_)) | None) => None,
    }
}

fn got(got: &Got) -> String {
    match got {
        Got::Value(value) => format!("= {}", short(value)),
        Got::Object => "is there, part by part".to_owned(),
        Got::Elements(1) => "has 1 element".to_owned(),
        Got::Elements(count) => format!("has {count} elements"),
        Got::Null => "= null".to_owned(),
        Got::Failed => "fails".to_owned(),
        Got::Absent => "is absent".to_owned(),
    }
}

/// What a rule did, line by line.
fn lines(tried: &Try) -> Vec<String> {
    let Some(seen) = &tried.seen else {
        return vec!["not asked: an earlier rule gave the value".to_owned()];
    };
    let mut lines = Vec::new();
    let all = seen.rows.len();
    let each = matches!(&seen.gave, Gave::Value(Value::List(items)) if items.is_empty());
    if each {
        let held = seen.rows.iter().filter(|row| row.held).count();
        let path = seen.rows.first().and_then(|row| row.reads.first());
        let path = path.map_or("", |read| read.path.rsplit_once('.').map_or("", |(list, _)| list));
        lines.push(if held == all {
            format!("`{path}`: {all} rows")
        } else {
            format!("`{path}`: {held} of {all} rows, by `where:`")
        });
        return lines;
    }
    for row in &seen.rows {
        row_lines(row, &mut lines);
    }
    if !seen.after.is_empty() {
        lines.push(format!("all{}", chain(&seen.after)));
    }
    let steps = seen
        .rows
        .iter()
        .flat_map(|row| row.steps.iter().chain(row.reads.iter().flat_map(|read| &read.steps)));
    // A conversion that failed was told at its place.
    let told = steps.chain(&seen.after).any(|step| step.gave.is_err());
    if let (Gave::Failed(why), false) = (&seen.gave, told) {
        lines.push(format!("failed: {why}"));
    }
    lines
}

fn row_lines(row: &SeenRow, lines: &mut Vec<String>) {
    if !row.held {
        lines.push("`where:` does not hold".to_owned());
        return;
    }
    if row.reads.is_empty() && row.steps.is_empty() {
        lines.push("a constant".to_owned());
    }
    for read in &row.reads {
        lines.push(read_line(read));
    }
    if !row.steps.is_empty() {
        lines.push(format!("together{}", chain(&row.steps)));
    }
}

fn read_line(read: &SeenRead) -> String {
    let path = &read.path;
    match &read.value {
        None => format!("`{path}` is not there"),
        Some(value) => format!("`{path}` {}{}", short(value), chain(&read.steps)),
    }
}

fn chain(steps: &[SeenStep]) -> String {
    let one = |step: &SeenStep| match &step.gave {
        Ok(Some(value)) => format!(" ► {} {}", step.by, short(value)),
        Ok(None) => format!(" ► {} says nothing", step.by),
        Err(why) => format!(" ► {} fails: {why}", step.by),
    };
    steps.iter().map(one).collect()
}

/// A value on one line.
fn short(value: &Value) -> String {
    let text = value.to_json_text();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// For machines: its field names are an interface.
pub fn to_json(explained: &[Explained]) -> Json {
    explained.iter().map(one).collect()
}

fn one(explained: &Explained) -> Json {
    let mut out = Map::new();
    let error = |error: &MapError| json!({ "cause": error.cause, "why": error.why, "path": error.path, "rule": error.rule });
    match (&explained.mapped, &explained.projected) {
        (Some(Mapped::Failed(failed)), _) => out.insert("error".to_owned(), error(failed)),
        (Some(Mapped::Skipped), _) => out.insert("skipped".to_owned(), json!(true)),
        (Some(Mapped::Document(document)), _) => out.insert("key".to_owned(), json!(document.key)),
        (None, Some(Err(ReverseError::NotLinked(kind)))) => {
            out.insert("error".to_owned(), json!({ "cause": "not_linked", "kind": kind }))
        }
        (None, Some(Err(ReverseError::Failed(failed)))) => {
            out.insert("error".to_owned(), error(&failed.error))
        }
        (None, Some(Ok(_)) | None) => None,
    };
    let fields: Vec<Json> = explained.fields.iter().map(field).collect();
    out.insert("fields".to_owned(), Json::Array(fields));
    let other = explained.other_way.iter();
    let other = other.map(|(field, rule)| json!({ "field": field, "rule": rule }));
    out.insert("other_way".to_owned(), other.collect());
    out.insert("no_rule".to_owned(), json!(explained.no_rule));
    Json::Object(out)
}

fn field(field: &Field) -> Json {
    let (got, value) = match &field.got {
        Got::Value(value) => ("value", tree(value)),
        Got::Object => ("object", Json::Null),
        Got::Elements(count) => ("elements", json!(count)),
        Got::Null => ("null", Json::Null),
        Got::Failed => ("failed", Json::Null),
        Got::Absent => ("absent", Json::Null),
    };
    let rules: Vec<Json> = field.tries.iter().map(tried).collect();
    json!({ "field": field.field, "got": got, "value": value, "rules": rules })
}

fn tried(tried: &Try) -> Json {
    let Some(seen) = &tried.seen else {
        return json!({ "rule": tried.rule, "gave": false, "asked": false });
    };
    let rows: Vec<Json> = seen.rows.iter().map(row).collect();
    let failed = if let Gave::Failed(why) = &seen.gave { Some(why) } else { None };
    json!({
        "rule": tried.rule, "gave": tried.gave, "asked": true, "rows": rows,
        "after": steps(&seen.after), "failed": failed,
    })
}

fn row(row: &SeenRow) -> Json {
    let read = |read: &SeenRead| {
        json!({
            "path": read.path, "there": read.value.is_some(),
            "value": read.value.as_ref().map(tree), "steps": steps(&read.steps),
        })
    };
    let reads: Vec<Json> = row.reads.iter().map(read).collect();
    json!({ "where": row.held, "reads": reads, "steps": steps(&row.steps) })
}

fn steps(steps: &[SeenStep]) -> Json {
    let one = |step: &SeenStep| match &step.gave {
        Ok(value) => json!({ "by": step.by, "gave": value.as_ref().map(tree) }),
        Err(why) => json!({ "by": step.by, "failed": why }),
    };
    steps.iter().map(one).collect()
}

fn tree(value: &Value) -> Json {
    serde_json::from_slice(&value.to_json()).unwrap_or_default()
}
