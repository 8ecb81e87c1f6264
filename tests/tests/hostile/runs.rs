//! Files that make much of little, as a case runs them: `test` ends like `check`.

use crate::cases::{Case, case, order};

/// A case of the way in, and what its report has.
fn run(why: &'static str, rule: &str, body: String, told: &'static [&'static str]) -> Case {
    let cases = "cases: [{ why: w, system: samples/a.json, hub: samples/a.hub.json }]\n";
    let (path, text) = order(&format!("  - {rule}\n"));
    let hub = "{\"$key\":\"1\",\"ext\":{\"a\":\"\"}}".to_owned();
    let sample = ("shop/samples/a.json", body);
    case(why, [(path, text + cases), sample, ("shop/samples/a.hub.json", hub)], told)
}

/// A case of the way out.
fn out(why: &'static str, rule: &str, hub: String, told: &'static [&'static str]) -> Case {
    let cases = "cases: [{ why: w, hub: samples/a.hub.json, out: samples/a.json }]\n";
    let (path, text) = order(&format!("  - {rule}\n"));
    let sample = ("shop/samples/a.json", "{}".to_owned());
    case(why, [(path, text + cases), sample, ("shop/samples/a.hub.json", hub)], told)
}

fn lines(count: usize, key: &str) -> String {
    let one = |number: usize| format!("{{\"{key}\":\"{number}\",\"sku\":\"A\"}}");
    (0..count).map(one).collect::<Vec<_>>().join(",")
}

/// Documents and expressions that a case runs.
pub(crate) fn of_runs() -> Vec<Case> {
    let sum = vec!["a"; 40].join(" + ");
    let mega = || "x".repeat(1 << 20);
    vec![
        run(
            "an expression that makes a text of 40 MB",
            &format!("{{ hub: ext.a, with: {{ a: a }}, expr: \"{sum}\" }}"),
            format!("{{\"id\":1,\"a\":\"{}\"}}", mega()),
            &["a text of more than 16777216 bytes would be made"],
        ),
        run(
            "a document that is 3 MB deep",
            "{ hub: order_no, system: a.b.c }",
            "{\"a\":".repeat(500_000),
            &[],
        ),
        run(
            "a fan-out of 300,000 values, joined",
            "{ hub: ext.a, system: a.*, as: { join: \",\" } }",
            format!("{{\"id\":1,\"a\":[{}1]}}", "1,".repeat(300_000)),
            &[],
        ),
    ]
    .into_iter()
    .chain(of_much())
    .collect()
}

/// What rules make that is more than there is room for.
fn of_much() -> Vec<Case> {
    let mega = || "x".repeat(1 << 20);
    let between = "-".repeat(1_000);
    let named: Vec<String> = (0..200).map(|number| format!("n{number}: a")).collect();
    vec![
        run(
            "a fan-out of 100,000 values with 1,000 bytes between them",
            &format!("{{ hub: ext.a, system: a.*, as: {{ join: \"{between}\" }} }}"),
            format!("{{\"id\":1,\"a\":[{}1]}}", "1,".repeat(100_000)),
            &["too_large: what is made comes to ", "may have 16777216", "order.yaml:5:"],
        ),
        run(
            "a text of 1 MB, 200 times in a row",
            &format!(
                "{{ hub: ext.a, system: {{ {} }}, as: {{ concat: \",\" }} }}",
                named.join(", ")
            ),
            format!("{{\"id\":1,\"a\":\"{}\"}}", mega()),
            &["too_large: what is made comes to ", "order.yaml:5:"],
        ),
        run(
            "a text of 1 MB of the document in each of 10,000 lines",
            "{ hub: lines, system: lines, each: { key: id, fields: [{ hub: sku, system: sku }, { hub: name, system: /a }] } }",
            format!("{{\"id\":1,\"a\":\"{}\",\"lines\":[{}]}}", mega(), lines(10_000, "id")),
            &["too_large: what is made comes to ", "order.yaml:5:"],
        ),
        run(
            "a constant of 700 KB in each of 10,000 lines",
            &format!(
                "{{ hub: lines, system: lines, each: {{ key: id, fields: [{{ hub: name, value: {} }}] }} }}",
                "x".repeat(700_000)
            ),
            format!("{{\"id\":1,\"lines\":[{}]}}", lines(10_000, "id")),
            &["too_large: what is made comes to ", "order.yaml:5:"],
        ),
        run(
            "a row of a table that makes 700 KB of each of 100,000 values",
            &format!(
                "{{ hub: ext.a, system: a.*, as: [{{ table: {{ rows: {{ a: {} }} }} }}, first] }}",
                "x".repeat(700_000)
            ),
            format!("{{\"id\":1,\"a\":[{}\"a\"]}}", "\"a\",".repeat(100_000)),
            &["too_large: what is made comes to ", "order.yaml:5:"],
        ),
        out(
            "a text of 1 MB of the order in each of 10,000 lines",
            "{ hub: lines, system: lines, each: { key: id, fields: [{ hub: /notes.customer, system: a }] } }",
            format!(
                "{{\"$key\":\"1\",\"notes\":{{\"customer\":\"{}\"}},\"lines\":[{}]}}",
                mega(),
                lines(10_000, "$key")
            ),
            &["too_large", "what is made comes to ", "may have 16777216"],
        ),
    ]
}
