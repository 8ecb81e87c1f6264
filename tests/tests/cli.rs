//! The command line as a script sees it: what goes where, and with which exit code.

use std::path::{Path, PathBuf};
use std::process::Command;

use orderhub_tests::hub::{Hub, binary, free_port};
use serde_json::Value;
use tempfile::TempDir;

struct Ran {
    code: i32,
    out: String,
    err: String,
}

fn orderhub(folder: &Path, arguments: &[&str]) -> Ran {
    let ran = Command::new(binary()).args(arguments).current_dir(folder).output().unwrap();
    Ran {
        code: ran.status.code().unwrap_or(-1),
        out: String::from_utf8(ran.stdout).unwrap(),
        err: String::from_utf8(ran.stderr).unwrap(),
    }
}

fn mappings() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../mappings")
}

fn folder(settings: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let text = settings.replace("MAPPINGS", &mappings().display().to_string());
    std::fs::write(folder.path().join("orderhub.toml"), text).unwrap();
    folder
}

/// Arguments that contradict each other show only when their command is asked for.
#[test]
fn every_command_of_every_depth_explains_itself() {
    let folder = folder("");
    let mut open = vec![Vec::new()];
    while let Some(path) = open.pop() {
        let words: Vec<&str> = path.iter().map(String::as_str).chain(["--help"]).collect();
        let ran = orderhub(folder.path(), &words);
        assert_eq!(ran.code, 0, "{words:?}: {}", ran.err);
        let commands = ran.out.lines().skip_while(|line| *line != "Commands:").skip(1);
        let commands = commands.take_while(|line| line.starts_with("  "));
        let names = commands.filter_map(|line| line.split_whitespace().next());
        let below = |name: &str| path.iter().cloned().chain([name.to_owned()]).collect();
        open.extend(names.filter(|name| *name != "help").map(below));
    }
}

#[test]
fn settings_are_printed_with_their_origin_and_without_secrets() {
    let folder = folder("[bus]\nurl = \"amqp://me:hunter2@127.0.0.1\"\n");
    let ran = orderhub(folder.path(), &["config"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let line = ran.out.lines().find(|line| line.starts_with("bus.url")).unwrap();
    assert!(line.contains("me:***@") && line.ends_with("# orderhub.toml"), "{line}");
    assert!(!ran.out.contains("hunter2"));
}

#[test]
fn wrong_settings_end_with_78_and_every_problem() {
    let folder = folder("[server]\nlissten = \"127.0.0.1:1\"\n[stor]\n");
    let ran = orderhub(folder.path(), &["run"]);
    assert_eq!(ran.code, 78, "{}", ran.err);
    assert!(ran.err.contains("did you mean `listen`?"), "{}", ran.err);
    assert!(ran.err.contains("did you mean `store`?"), "{}", ran.err);
    let ran = orderhub(folder.path(), &["run", "-c", "nowhere.toml"]);
    assert_eq!(ran.code, 78);
    assert!(ran.err.contains("orderhub demo"), "{}", ran.err);
}

#[test]
fn check_passes_the_shipped_files_and_says_what_it_checked() {
    let folder = folder("");
    let ran = orderhub(folder.path(), &["check", &mappings().display().to_string()]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(ran.err.starts_with("checked "), "{}", ran.err);
}

#[test]
fn check_names_file_line_and_column_of_a_mistake() {
    let folder = folder("");
    let sink = folder.path().join("mappings/sink");
    std::fs::create_dir_all(&sink).unwrap();
    for file in ["integration.yaml", "connector.yaml", "order.yaml"] {
        let text = std::fs::read_to_string(mappings().join("sink").join(file)).unwrap();
        let text = text.replacen("hub: placed_at", "hub: placd_at", 1);
        std::fs::write(sink.join(file), text).unwrap();
    }
    let ran = orderhub(folder.path(), &["check"]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("error[M0107]"), "{}", ran.out);
    assert!(ran.out.contains("mappings/sink/order.yaml:"), "{}", ran.out);
    assert!(ran.out.contains("did you mean `placed_at`?"), "{}", ran.out);
    let ran = orderhub(folder.path(), &["check", "-o", "json"]);
    let findings: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(findings[0]["code"], "M0107");
    assert!(findings[0]["line"].is_u64() && findings[0]["column"].is_u64());
}

/// A mappings folder with the shipped sink, one text of its files replaced.
fn sink_with(from: &str, to: &str) -> TempDir {
    let folder = folder("");
    let sink = folder.path().join("mappings/sink");
    std::fs::create_dir_all(sink.join("samples")).unwrap();
    for file in [
        "integration.yaml",
        "connector.yaml",
        "order.yaml",
        "samples/order.hub.json",
        "samples/order.out.json",
    ] {
        let text = std::fs::read_to_string(mappings().join("sink").join(file)).unwrap();
        std::fs::write(sink.join(file), text.replacen(from, to, 1)).unwrap();
    }
    folder
}

#[test]
fn findings_are_written_as_programs_want_them() {
    let folder = sink_with("hub: placed_at", "hub: placd_at");
    let check = |arguments: &[&str]| orderhub(folder.path(), &[&["check"], arguments].concat());
    let ran = check(&["--format", "github"]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    let line = ran.out.lines().next().unwrap();
    assert!(line.starts_with("::error file=mappings/sink/order.yaml,line="), "{line}");
    assert!(line.contains(",title=M0107::unknown hub field `placd_at`%0A"), "{line}");
    let ran = check(&["--format", "sarif"]);
    let sarif: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.code, &sarif["version"]), (1, &Value::from("2.1.0")));
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!((&result["ruleId"], &result["level"]), (&"M0107".into(), &"error".into()));
    assert_eq!(check(&["--format", "json"]).out, check(&["-o", "json"]).out);
    assert_eq!(check(&["--format", "text", "-o", "json"]).out, check(&[]).out);
    // The path that was asked for is the one that is named.
    let asked = folder.path().join("mappings").display().to_string();
    let ran = orderhub(&mappings(), &["check", "--format", "github", &asked]);
    assert!(ran.out.starts_with(&format!("::error file={asked}/sink/order.yaml,")), "{}", ran.out);
    // Where nothing is found the document is whole, too.
    let right = sink_with("orderhub", "orderhub");
    let ran = orderhub(right.path(), &["check", "--format", "sarif"]);
    let sarif: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.code, &sarif["runs"][0]["results"]), (0, &serde_json::json!([])));
    assert_eq!(orderhub(right.path(), &["check", "--format", "github"]).out, "");
}

#[test]
fn a_warning_passes_unless_it_is_denied() {
    let rule = "fields:\n  - { hub: customer.tier, system: kind, direction: in, as: { table: { rows: { Con: a, \u{421}on: b } } } }\n";
    let folder = sink_with("fields:\n", rule);
    let ran = orderhub(folder.path(), &["check"]);
    assert!(ran.err.ends_with("0 errors, 1 warning\n"), "{}{}", ran.out, ran.err);
    assert!(ran.code == 0 && ran.out.starts_with("warning[Y0013]"), "{}", ran.out);
    let ran = orderhub(folder.path(), &["check", "--deny-warnings", "--format", "github"]);
    assert!(ran.code == 1 && ran.out.starts_with("::warning file="), "{}", ran.out);
}

#[test]
fn a_folder_that_is_not_there_is_a_usage_error() {
    let folder = folder("");
    for command in ["check", "test"] {
        let ran = orderhub(folder.path(), &[command, "nowhere"]);
        assert_eq!(ran.code, 2, "{command}: {}", ran.err);
        assert!(ran.err.contains("hint:"), "{}", ran.err);
    }
}

#[test]
fn a_code_and_a_field_are_explained_and_a_wrong_one_gets_a_hint() {
    let folder = folder("");
    let ran = orderhub(folder.path(), &["explain", "M0107"]);
    assert!(ran.code == 0 && ran.out.contains("unknown hub field"), "{}", ran.out);
    assert!(ran.out.contains("\nwrong:\n") && ran.out.contains("\nright:\n"), "{}", ran.out);
    let ran = orderhub(folder.path(), &["explain", "Y0014"]);
    assert!(ran.out.contains("na\\u{200B}me"), "{}", ran.out);
    let ran = orderhub(folder.path(), &["explain", "currency"]);
    assert!(ran.out.contains("ISO 4217") && ran.out.contains("owner"), "{}", ran.out);
    let ran = orderhub(folder.path(), &["explain", "unknwon_value"]);
    assert!(ran.code == 5 && ran.err.contains("did you mean `unknown_value`?"), "{}", ran.err);
    let ran = orderhub(folder.path(), &["explain", "unknown_value"]);
    let release = "orderhub order release ORDER HOLD";
    assert!(ran.out.contains("a hold on an order") && ran.out.contains(release), "{}", ran.out);
    let ran = orderhub(folder.path(), &["explain", "inventory_shrt"]);
    assert!(ran.code == 5 && ran.err.contains("did you mean `inventory_short`?"), "{}", ran.err);
    let ran = orderhub(folder.path(), &["explain", "order"]);
    assert!(ran.code == 0 && ran.out.contains("totals.total"), "{}", ran.out);
    let ran = orderhub(folder.path(), &["explain", "state.payment"]);
    assert!(ran.code == 0 && ran.out.contains("captured"), "{}", ran.out);
    assert!(
        ran.out.contains("conflict the owner wins") && !ran.out.contains("Enum"),
        "{}",
        ran.out
    );
    let ran = orderhub(folder.path(), &["explain", "shipments"]);
    assert!(ran.out.contains("shipments.shipped_at") && ran.out.contains("moment"), "{}", ran.out);
    assert!(ran.out.contains("written without `shipments.`"), "{}", ran.out);
    let ran = orderhub(folder.path(), &["explain", "timestamp"]);
    assert!(ran.code == 0 && ran.out.contains("twice") && ran.out.contains("►"), "{}", ran.out);
    let ran = orderhub(folder.path(), &["explain", "timestmp"]);
    assert!(ran.err.contains("did you mean `timestamp`?"), "{}", ran.err);
    let ran = orderhub(folder.path(), &["explain", "state.paiment"]);
    assert_eq!(ran.code, 5);
    assert!(ran.err.contains("did you mean `state.payment`?"), "{}", ran.err);
}

#[test]
fn without_a_hub_operating_ends_with_69_and_what_to_do() {
    let folder = folder("");
    let url = format!("http://127.0.0.1:{}", free_port());
    let ran = orderhub(folder.path(), &["order", "list", "--url", &url]);
    assert_eq!(ran.code, 69, "{}", ran.err);
    assert!(ran.err.contains("orderhub run"), "{}", ran.err);
    assert_eq!(ran.out, "");
    let ran = orderhub(folder.path(), &["order", "list", "--url", &url, "-o", "json"]);
    let error: Value = serde_json::from_str(&ran.err).unwrap();
    assert_eq!(error["code"], 69);
}

#[tokio::test]
async fn a_running_hub_is_operated_by_commands() {
    let port = free_port();
    let settings = "[server]\nlisten = \"127.0.0.1:PORT\"\n[mappings]\npath = \"MAPPINGS\"\n";
    let folder = folder(&settings.replace("PORT", &port.to_string()));
    let hub = Hub::start(folder.path(), port).await;
    let url = hub.url("");
    let ask = |arguments: &[&str]| {
        let all: Vec<_> = arguments.iter().copied().chain(["--url", &url]).collect();
        orderhub(folder.path(), &all)
    };
    let ran = ask(&["order", "list"]);
    assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{}", ran.err);
    assert!(ran.err.contains("nothing"), "{}", ran.err);
    let ran = ask(&["order", "list", "-o", "json"]);
    assert_eq!((ran.code, ran.out.trim()), (0, "[]"));
    assert_eq!(ask(&["order", "show", "1001"]).code, 5);
    assert_eq!(ask(&["why", "1001"]).code, 5);
    assert_eq!(ask(&["todo", "show", "7"]).code, 5);
    assert_eq!(ask(&["todo", "discard", "7"]).code, 2, "a reason is asked for");
    assert!(hub.terminate().await.success(), "SIGTERM ends with 0");
}
