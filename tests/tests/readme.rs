//! The README's worked example, carried out literally in an empty folder: every file that it shows, every
//! command in its order, in each language; and what it does with the same order further below. Only the two ports are
//! replaced by free ones.

use std::path::Path;
use std::time::Duration;

use orderhub_tests::document::{Shell, blocks, section};
use orderhub_tests::hub::free_port;

/// Longest time for the whole example.
const BOUND: Duration = Duration::from_secs(90);

/// Carries out two sections of a README: the worked example, and the history of its order.
async fn carry_out(name: &str, [example, history]: [&str; 2]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a parent");
    let readme = std::fs::read_to_string(root.join(name)).expect("it is there");
    let (hub, shelf) = (free_port().to_string(), free_port().to_string());
    let readme = readme.replace("8080", &hub).replace("9100", &shelf);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let url = format!("http://127.0.0.1:{hub}");
    let mut shell = Shell::start(folder.path(), BOUND, &[("ORDERHUB_URL", &url)]);
    let mut said = String::new();
    for block in blocks(section(&readme, example)) {
        said.push_str(&shell.carry_out(folder.path(), &block).await);
        if block.language == "console" {
            // A reader looks into the log before going on.
            let look = "for i in $(seq 100); do grep -q '^job' shelf.log && orderhub order log 17 | grep -q delivery && break; \
                        sleep 0.1; done";
            shell.ask(look);
        }
    }
    for expected in [r#""outcome":"applied""#, "till-17-F1", "packed", "delivered"] {
        assert!(said.contains(expected), "`{expected}` is missing in:\n{said}");
    }
    let jobs = std::fs::read_to_string(folder.path().join("shelf.log")).expect("the shelf logs");
    assert_eq!(jobs.lines().filter(|line| line.starts_with("job")).count(), 1, "{jobs}");
    let mut said = String::new();
    for block in blocks(section(&readme, history)) {
        said.push_str(&shell.carry_out(folder.path(), &block).await);
    }
    for expected in [
        r#"{"outcome":"applied","version":4}"#,
        "asked by phone",
        "would make version 5, back to version 3",
        "version 5 leads back to version 3",
    ] {
        assert!(said.contains(expected), "`{expected}` is missing in:\n{said}");
    }
}

#[tokio::test]
async fn the_worked_example_of_the_readme_runs_as_it_stands() {
    let sections = ["Connect a home-made system", "See what happened, and take it back"];
    carry_out("README.md", sections).await;
}

#[tokio::test]
async fn the_chinese_readme_runs_as_it_stands() {
    carry_out("README.zh-CN.md", ["接入一个自制系统", "查看发生过什么，并撤回"]).await;
}
