//! Operating a running hub through its API: orders, todos, systems, why.

use std::process::ExitCode;

use reqwest::Method;
use serde_json::{Value, json};

use super::Shared;
use super::output::{self, Fault, Output};
use super::remote::call;
use crate::store::MOST_ROWS;

mod history;
mod orders;
mod systems;
mod tap;
mod todos;

pub(super) use orders::{Order, order};
pub(super) use systems::{System, system};
pub(super) use tap::{Tap, tap};
pub(super) use todos::{Todo, todo};

/// Why a system has, or has not, what an order says.
pub(super) fn why(shared: &Shared, order: &str, system: Option<&str>) -> Result<ExitCode, Fault> {
    let path = ["orders", order, "why"];
    let answer = call(shared, Method::GET, &path, &[("system", system)])?;
    if matches!(shared.output, Output::Json | Output::Jsonl) {
        output::document(&answer, shared.output);
        return Ok(ExitCode::SUCCESS);
    }
    if shared.output == Output::Table {
        output::print(&told(&answer));
        return Ok(ExitCode::SUCCESS);
    }
    listing(&answer, &[("system", "/system")], shared.output)
}

/// The answers for a person: a paragraph a hold that stands, then one a system.
fn told(answer: &Value) -> String {
    let list = |at: &str| answer.pointer(at).and_then(Value::as_array).into_iter().flatten();
    let mut lines: Vec<String> = list("/order/holds").flat_map(held).collect();
    for item in list("/items") {
        let text = |at: &str| item.pointer(at).and_then(Value::as_str);
        lines.push(format!("{}: {}", text("/system").unwrap_or("-"), text("/code").unwrap_or("-")));
        lines.extend(text("/why").map(|why| format!("  why   {why}")));
        let list = |at: &str| item.pointer(at).and_then(Value::as_array).into_iter().flatten();
        lines.extend(list("/do").filter_map(Value::as_str).map(|todo| format!("  do    {todo}")));
        for todo in list("/todo") {
            let text = |key: &str| todo.get(key).and_then(Value::as_str).unwrap_or_default();
            let id = todo.get("id").and_then(Value::as_i64).unwrap_or_default();
            lines.push(format!("  todo  {id} {} {}: {}", text("kind"), text("cause"), text("why")));
        }
        if let (Some(at), Some(class)) = (text("/last/at"), text("/last/class")) {
            let (operation, why) = (text("/last/operation"), text("/last/why"));
            let (operation, why) = (operation.unwrap_or_default(), why.unwrap_or_default());
            lines.push(format!("  last  {at} {operation}: {class} {why}").trim_end().to_owned());
        }
    }
    lines.join("\n")
}

/// A hold for a person.
fn held(hold: &Value) -> Vec<String> {
    let text = |key: &str| hold.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let [id, code, scope] = ["id", "code", "scope"].map(|key| text(key).unwrap_or("-"));
    let mut lines = vec![format!("hold {id}: {code} ({scope})")];
    let why = [text("why"), text("detail")].into_iter().flatten().collect::<Vec<_>>().join(": ");
    lines.extend((!why.is_empty()).then(|| format!("  why   {why}")));
    lines.extend(text("ends").map(|ends| format!("  ends  by {ends}")));
    lines.extend(text("do").map(|todo| format!("  do    {todo}")));
    lines
}

/// An act; its answer goes to stdout.
fn done(shared: &Shared, path: &[&str], reason: Option<&String>) -> Result<ExitCode, Fault> {
    let reason = [("reason", reason.map(String::as_str))];
    let answer = call(shared, Method::POST, path, &reason)?;
    output::document(&answer, shared.output);
    Ok(ExitCode::SUCCESS)
}

/// So many rows, from as many pages as it takes: one of the API may be short, and is bounded.
fn gather(
    shared: &Shared,
    path: &[&str],
    query: &[(&str, Option<&str>)],
    limit: usize,
) -> Result<Value, Fault> {
    let mut items = Vec::new();
    let (mut next, mut incomplete) = (None::<String>, None);
    loop {
        let left = limit.saturating_sub(items.len()).min(MOST_ROWS).to_string();
        let mut asked = query.to_vec();
        asked.extend([("limit", Some(left.as_str())), ("cursor", next.as_deref())]);
        let mut page = call(shared, Method::GET, path, &asked)?;
        if let Some(Value::Array(more)) = page.get_mut("items").map(Value::take) {
            items.extend(more);
        }
        incomplete = page.get_mut("incomplete").map(Value::take).or(incomplete);
        let last = std::mem::replace(
            &mut next,
            page.get("next").and_then(Value::as_str).map(str::to_owned),
        );
        // Whoever answers with the same page again would do so for ever.
        if next.is_none() || next == last || items.len() >= limit {
            let mut page = json!({ "items": items, "next": next });
            if let (Some(members), Some(incomplete)) = (page.as_object_mut(), incomplete) {
                members.insert("incomplete".to_owned(), incomplete);
            }
            return Ok(page);
        }
    }
}

/// A page. An empty one is no error: a script that waits for todos is glad of none.
fn listing(page: &Value, columns: &[(&str, &str)], output: Output) -> Result<ExitCode, Fault> {
    let items = page.get("items").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if let Some(why) = page.get("incomplete").and_then(Value::as_str) {
        output::say(why);
    }
    if items.is_empty() && output == Output::Table {
        output::say("nothing matches");
        return Ok(ExitCode::SUCCESS);
    }
    output::rows(items, columns, output);
    if page.get("next").is_some_and(|next| !next.is_null()) {
        output::say("there are more; raise --limit or narrow the filter");
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::super::remote::tests::{asking, canned};
    use super::*;

    #[test]
    fn short_pages_are_followed_until_there_are_rows_enough() {
        let (url, asked) = canned(&[
            r#"{"items":[],"next":"a"}"#,
            r#"{"items":[1],"next":"b"}"#,
            r#"{"items":[2,3],"next":"c"}"#,
        ]);
        let page = gather(&asking(url), &["orders"], &[("q", Some("x"))], 3).unwrap();
        assert_eq!(page, json!({ "items": [1, 2, 3], "next": "c" }));
        let asked = asked.join().unwrap();
        assert!(asked[0].starts_with("GET /api/v1/orders?q=x&limit=3 "), "{asked:?}");
        assert!(asked[2].starts_with("GET /api/v1/orders?q=x&limit=2&cursor=b "), "{asked:?}");
    }

    #[test]
    fn the_same_page_again_is_the_end() {
        let (url, _asked) = canned(&[r#"{"items":[],"next":"a"}"#, r#"{"items":[],"next":"a"}"#]);
        let page = gather(&asking(url), &["todo"], &[], 3).unwrap();
        assert_eq!(page, json!({ "items": [], "next": "a" }));
    }

    #[test]
    fn holds_stand_before_what_each_system_says() {
        let answer = json!({
            "order": { "id": "o_1", "holds": [
                { "id": "H1", "code": "unknown_value", "scope": "state.payment", "why": "a word that nobody knows",
                  "detail": "`55` by wms at state.payment", "ends": "a row", "do": "release it" },
                { "id": "H2", "code": "of_old", "scope": "order", "why": null, "detail": "", "ends": null, "do": "release it" },
            ] },
            "items": [{ "system": "erp", "code": "delivered", "why": "delivered" }],
        });
        let told = told(&answer);
        let lines = [
            "hold H1: unknown_value (state.payment)",
            "  why   a word that nobody knows: `55` by wms at state.payment",
            "  ends  by a row",
            "  do    release it",
            "hold H2: of_old (order)",
            "  do    release it",
            "erp: delivered",
            "  why   delivered",
        ];
        assert_eq!(told, lines.join("\n"));
    }
}
