//! `docs/mapping.md` in each language: every file that it shows is written and every command typed, in order, in
//! an empty folder beside a checkout; what it shows of their output must come. Each row of its reference is a
//! mapping of its own, run both ways. Only the two ports are replaced by free ones.

use std::path::{Path, PathBuf};
use std::time::Duration;

use orderhub_mapping::causes::CAUSES;
use orderhub_tests::document::{Shell, blocks, fits, typed};
use orderhub_tests::hub::free_port;
use serde_json::{Value, json};

/// Longest time for one language, or for the rows.
const BOUND: Duration = Duration::from_secs(300);
/// A column of a row: the rule does not go that way.
const NOT: &str = "—";
/// A column of a row: not said.
const UNSAID: &str = "…";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a parent")
}

fn read(name: &str) -> String {
    std::fs::read_to_string(root().join("docs").join(name)).expect("the document is there")
}

/// A folder to work in, beside what a reader has checked out.
fn folder(all: &Path) -> PathBuf {
    std::os::unix::fs::symlink(root(), all.join("orderhub")).expect("a link");
    let work = all.join("work");
    std::fs::create_dir(&work).expect("a folder");
    work
}

async fn carry_out(name: &str) {
    let (hub, depot) = (free_port().to_string(), free_port().to_string());
    let text = read(name).replace("8080", &hub).replace("9100", &depot);
    let all = tempfile::tempdir().expect("a temporary folder");
    let work = folder(all.path());
    let url = format!("http://127.0.0.1:{hub}");
    let mut shell = Shell::start(&work, BOUND, &[("ORDERHUB_URL", &url)]);
    for block in blocks(&text) {
        shell.carry_out(&work, &block).await;
    }
}

#[tokio::test]
async fn the_tutorial_runs_as_it_stands() {
    carry_out("mapping.md").await;
}

#[tokio::test]
async fn the_chinese_tutorial_runs_as_it_stands() {
    carry_out("mapping.zh-CN.md").await;
}

/// What stands between backquotes at the beginning of a cell, or the cell.
fn code(cell: &str) -> &str {
    cell.strip_prefix('`').and_then(|rest| rest.split_once('`')).map_or(cell, |(code, _)| code)
}

/// The rows of the reference whose first column is a rule: rule, document, hub or cause, what goes out.
fn rows(text: &str) -> Vec<[String; 4]> {
    let rows = text.lines().filter(|line| line.starts_with("| `{ "));
    let cells = |row: &str| -> Vec<String> {
        let row = row.trim_start_matches("| ").trim_end_matches(" |");
        row.split(" | ").map(|cell| code(cell.trim()).to_owned()).collect()
    };
    rows.map(|row| cells(row).try_into().unwrap_or_else(|_| panic!("four columns: {row}")))
        .collect()
}

/// Files around the rule of a row: an integration of which it is the only mapping.
fn around(work: &Path) {
    let yaml = "orderhub: 1\nintegration: ref\nrole: channel\nconnector: declared\n\
                intake: [{ message: order, ordering: queue }]\n";
    let connector = "orderhub: 1\nconnector: ref\nbase: \"{base_url}\"\noperations: {}\n";
    std::fs::create_dir_all(work.join("mappings/ref")).expect("a folder");
    std::fs::write(work.join("mappings/ref/integration.yaml"), yaml).expect("a file");
    std::fs::write(work.join("mappings/ref/connector.yaml"), connector).expect("a file");
    let common = root().join("mappings/common");
    std::os::unix::fs::symlink(common, work.join("mappings/common")).expect("a link");
}

/// Runs the rule over a text: its result where there is one, and all that was printed.
fn run(shell: &mut Shell, work: &Path, input: &str, out: bool) -> (Option<Value>, String) {
    std::fs::write(work.join("in.json"), input).expect("a file");
    let way = if out { "--out" } else { "" };
    let command = format!("orderhub mapping run mappings/ref/order.yaml in.json {way} > out.json");
    let (told, _) = shell.ask(&command);
    let printed = std::fs::read_to_string(work.join("out.json")).expect("the shell writes it");
    (serde_json::from_str(&printed).ok(), format!("{printed}{told}"))
}

#[test]
fn every_row_of_the_reference_is_true() {
    let all = tempfile::tempdir().expect("a temporary folder");
    let work = folder(all.path());
    around(&work);
    let mut shell = Shell::start(&work, BOUND, &[]);
    let parsed = |text: &str| -> Value {
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
    };
    let mut wrong = Vec::new();
    for [rule, document, hub, out] in rows(&read("mapping.md")) {
        let head = "orderhub: 1\nmapping: ref.order\nkey: id\nfields:\n  - ";
        std::fs::write(work.join("mappings/ref/order.yaml"), format!("{head}{rule}\n"))
            .expect("a file");
        if document != NOT {
            // As text: `1.50` stays `1.50`.
            let input = match document.strip_prefix('{') {
                Some("}") | None => r#"{ "id": "1" }"#.to_owned(),
                Some(rest) => format!(r#"{{ "id": "1", {rest}"#),
            };
            let (given, printed) = run(&mut shell, &work, &input, false);
            let given = given.unwrap_or_default();
            let right = if hub.starts_with('{') {
                let mut hub = parsed(&hub);
                hub["$key"] = json!("1");
                given == hub
            } else {
                given["$error"] == json!(hub)
            };
            if !right {
                wrong.push(format!("{rule}\n  comes in as {printed}"));
            }
        }
        if hub.starts_with('{') && out != UNSAID {
            let (given, printed) = run(&mut shell, &work, &hub, true);
            let right = match (given, out.as_str()) {
                (None, NOT) => printed.contains("no rule of `ref.order` goes out"),
                (Some(_), NOT) => false,
                (given, _) => given == Some(parsed(&out)),
            };
            if !right {
                wrong.push(format!("{rule}\n  goes out as {printed}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_reference_names_every_conversion_and_every_cause() {
    let text = read("mapping.md");
    let all = tempfile::tempdir().expect("a temporary folder");
    let (schema, _) = Shell::start(all.path(), BOUND, &[]).ask("orderhub schema mapping");
    let schema: Value = serde_json::from_str(&schema).expect("a schema");
    let conversions = schema["definitions"]["link"]["anyOf"][0]["examples"].as_array();
    let rules: Vec<String> = rows(&text).into_iter().map(|[rule, ..]| rule).collect();
    let mut missing = Vec::new();
    for conversion in conversions.expect("they are named").iter().filter_map(Value::as_str) {
        let word = |rule: &String| {
            let letters = |letter: char| !letter.is_alphanumeric() && letter != '_';
            rule.split(letters).any(|word| word == conversion)
        };
        let shown = rules.iter().any(word);
        // One that needs a file beside it is carried out in a block of its own.
        if !shown && !text.contains(&format!("as: {{ {conversion}: ")) {
            missing.push(conversion.to_owned());
        }
    }
    let causes = CAUSES.iter().map(|cause| cause.word);
    missing.extend(causes.filter(|word| !text.contains(&format!("`{word}`"))).map(str::to_owned));
    assert!(missing.is_empty(), "not in docs/mapping.md: {missing:?}");
}

#[test]
fn both_languages_say_the_same() {
    let (english, chinese) = (read("mapping.md"), read("mapping.zh-CN.md"));
    let (blocks_en, blocks_zh) = (blocks(&english), blocks(&chinese));
    for (one, other) in blocks_en.iter().zip(&blocks_zh) {
        assert_eq!(one, other);
    }
    assert_eq!(blocks_en.len(), blocks_zh.len());
    let (rows_en, rows_zh) = (rows(&english), rows(&chinese));
    for ([rule, document, hub, out], other) in rows_en.iter().zip(&rows_zh) {
        assert_eq!([rule, document, hub], [&other[0], &other[1], &other[2]]);
        // Behind a cause stands what to do, in words.
        assert!(!hub.starts_with('{') || *out == other[3], "{rule}");
    }
    assert_eq!(rows_en.len(), rows_zh.len());
    let headings = |text: &str| text.lines().filter(|line| line.starts_with('#')).count();
    assert_eq!(headings(&english), headings(&chinese));
}

#[test]
fn what_is_shown_is_compared_line_by_line() {
    let fit = |shown: &[&str], output: &str| {
        let shown: Vec<String> = shown.iter().map(|line| (*line).to_owned()).collect();
        fits(&shown, output)
    };
    assert!(fit(&["a", "b"], "a\nb\n"));
    assert!(!fit(&["a"], "a\nb\n"));
    assert!(!fit(&["a", "b"], "a\n"));
    assert!(fit(&["a", "…", "d"], "a\nb\nc\nd"));
    assert!(fit(&["a", "…", "d"], "a\nd"));
    assert!(!fit(&["a", "…", "d"], "a\nb"));
    assert!(fit(&["at … by …: b"], "at 12:00 by ann: b"));
    assert!(!fit(&["at … by ann"], "at 12:00 by bob"));
    assert!(!fit(&["…x"], "xy"));
}

#[test]
fn a_console_block_is_commands_with_what_they_show() {
    let text =
        "Say `x`:\n\n```console\n$ one\nout\n$ two\n```\n\n`a/b.yaml`：\n\n```yaml\nk: v\n```\n";
    let [console, file] = &blocks(text)[..] else { panic!("two blocks") };
    assert_eq!((&console.file, file.file.as_deref()), (&None, Some("a/b.yaml")));
    let commands = typed(console);
    assert_eq!(commands[0].shown, ["out"]);
    assert_eq!((commands[1].command.as_str(), commands[1].shown.len()), ("two", 0));
}
