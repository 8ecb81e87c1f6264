//! Access tokens as an operator uses them: made by a command, asked for on an address that others can
//! reach, replaced without a restart, and never seen again.

use std::path::{Path, PathBuf};
use std::process::Command;

use orderhub_tests::http::client;
use orderhub_tests::hub::{Hub, binary, free_port};
use serde_json::Value;

struct Token {
    token: String,
    table: String,
    hash: String,
}

fn create(role: &str, name: &str) -> Token {
    let arguments = ["token", "create", "--role", role, "--name", name, "-o", "json"];
    let ran = Command::new(binary()).args(arguments).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let both: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let (token, hash) = (both["token"].as_str().unwrap(), both["sha256"].as_str().unwrap());
    let table = format!("[access.tokens.{name}]\nsha256 = \"{hash}\"\nrole = \"{role}\"\n");
    Token { token: token.to_owned(), table, hash: hash.to_owned() }
}

fn mappings() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../mappings").canonicalize().unwrap()
}

/// Settings of a hub that others can reach.
fn write(folder: &Path, port: u16, access: &str) {
    let text = format!(
        "[server]\nlisten = \"0.0.0.0:{port}\"\n[mappings]\npath = \"{}\"\n{access}",
        mappings().display()
    );
    std::fs::write(folder.join("orderhub.toml"), text).unwrap();
}

async fn status(hub: &Hub, path: &str, token: Option<&str>) -> (u16, String) {
    let mut request = client().get(hub.url(path));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[test]
fn an_address_that_others_can_reach_wants_tokens() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), free_port(), "");
    let run = Command::new(binary()).arg("run").current_dir(folder.path()).output().unwrap();
    let said = String::from_utf8(run.stderr).unwrap();
    assert_eq!(run.status.code(), Some(78), "{said}");
    assert!(said.contains("`orderhub token create`"), "{said}");
}

#[test]
fn a_token_is_printed_once_with_its_table() {
    let ran =
        Command::new(binary()).args(["token", "create", "--role", "ops_lead"]).output().unwrap();
    let out = String::from_utf8(ran.stdout).unwrap();
    let token = out.lines().find(|line| line.starts_with("orderhub_")).unwrap();
    let table = out.split("# For orderhub.toml:\n").nth(1).unwrap();
    assert!(table.starts_with("[access.tokens.ops_lead]\nsha256 = \""), "{out}");
    assert!(!table.contains(token), "{out}");
    let ran = Command::new(binary()).args(["token", "create", "--role", "boss"]).output().unwrap();
    let said = String::from_utf8(ran.stderr).unwrap();
    assert_eq!(ran.status.code(), Some(2), "{said}");
    assert!(said.contains("ops_lead"), "{said}");
}

#[tokio::test]
async fn a_token_is_in_no_answer_and_in_no_log() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let (ops, viewer, other) =
        (create("ops_lead", "ops"), create("viewer", "eyes"), create("viewer", "x"));
    write(folder.path(), port, &format!("{}{}", ops.table, viewer.table));
    // Everything that any library says.
    let hub = Hub::spawn_with(folder.path(), port, &[("ORDERHUB_LOG", "trace")]);
    hub.ready().await;
    let mut answers = String::new();
    let metrics = create("monitor", "unknown");
    for (path, token, expected) in [
        ("/api/v1/orders", None, 401),
        ("/api/v1/orders", Some(&ops.token), 200),
        ("/api/v1/orders", Some(&viewer.token), 200),
        ("/api/v1/orders", Some(&other.token), 401),
        ("/metrics", None, 401),
        ("/metrics", Some(&metrics.token), 401),
        ("/metrics", Some(&viewer.token), 200),
        ("/healthz", None, 200),
        ("/readyz", None, 200),
    ] {
        let (status, answer) = status(&hub, path, token.map(String::as_str)).await;
        assert_eq!(status, expected, "{path}: {answer}");
        answers += &answer;
    }
    let path = hub.url("/api/v1/todo/1/discard?reason=x");
    let refused = client().post(path).bearer_auth(&viewer.token).send().await.unwrap();
    assert_eq!(refused.status(), 403);
    answers += &refused.text().await.unwrap();
    let said = hub.log();
    assert!(said.contains("a call was refused: its role may not"), "what is refused is logged");
    for token in [&ops, &viewer, &other, &metrics] {
        let secret = token.token.trim_start_matches("orderhub_");
        for part in [secret, &secret[..16], &secret[secret.len() - 16..]] {
            assert!(!answers.contains(part) && !said.contains(part), "a token was shown");
        }
    }
}

#[tokio::test]
async fn a_token_is_replaced_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let (old, new) = (create("viewer", "eyes"), create("viewer", "eyes"));
    std::fs::write(folder.path().join("eyes.sha256"), &old.hash).unwrap();
    let table = "[access.tokens.eyes]\nsha256 = { file = \"eyes.sha256\" }\nrole = \"viewer\"\n";
    write(folder.path(), port, table);
    let hub = Hub::start(folder.path(), port).await;
    assert_eq!(status(&hub, "/api/v1/orders", Some(&old.token)).await.0, 200);
    std::fs::write(folder.path().join("eyes.sha256"), format!("{}\n", new.hash)).unwrap();
    assert_eq!(status(&hub, "/api/v1/orders", Some(&new.token)).await.0, 200);
    assert_eq!(status(&hub, "/api/v1/orders", Some(&old.token)).await.0, 401);
}

#[tokio::test]
async fn commands_bring_a_token_from_a_file_or_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let ops = create("ops_lead", "ops");
    write(folder.path(), port, &ops.table);
    let hub = Hub::start(folder.path(), port).await;
    std::fs::write(folder.path().join("token"), format!("{}\n", ops.token)).unwrap();
    std::fs::write(folder.path().join("cut"), &ops.token[..30]).unwrap();
    let url = hub.url("");
    let list = |more: &[&str], env: &str| {
        let mut command = Command::new(binary());
        command.args(["order", "list", "--url", &url]).args(more).current_dir(folder.path());
        let ran = command.env("ORDERHUB_TOKEN", env).output().unwrap();
        (ran.status.code().unwrap(), String::from_utf8(ran.stderr).unwrap())
    };
    assert_eq!(list(&["--token-file", "token"], "").0, 0);
    assert_eq!(list(&[], &ops.token).0, 0);
    for (more, env) in
        [(&[][..], ""), (&["--token-file", "cut"], ""), (&["--token-file", "no"], "")]
    {
        let (code, said) = list(more, env);
        assert_eq!(code, 2, "{said}");
        assert!(said.contains("orderhub token create"), "{said}");
        assert!(!said.contains(&ops.token[9..25]), "{said}");
    }
}
