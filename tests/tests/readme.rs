//! The README's worked example, carried out literally in an empty folder: every file that it shows, every
//! command in its order. Only the two ports are replaced by free ones.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use orderhub_tests::hub::{binary, free_port};

/// Longest time for the whole example.
const BOUND_S: u32 = 90;

/// A fenced block, with the file it shows where a line like `` `path`: `` stands above it.
struct Block {
    file: Option<String>,
    language: String,
    text: String,
}

/// The blocks of the section under `heading`.
fn blocks(readme: &str, heading: &str) -> Vec<Block> {
    let section = readme.split(&format!("## {heading}\n")).nth(1).expect("the section is there");
    let section = section.split("\n## ").next().unwrap_or_default();
    let mut found = Vec::new();
    let mut before = "";
    let mut lines = section.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let text: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            let file = before.strip_suffix("`:").and_then(|rest| rest.rsplit('`').next());
            found.push(Block {
                file: file.map(str::to_owned),
                language: language.to_owned(),
                text: text.join("\n") + "\n",
            });
        } else if !line.is_empty() {
            before = line;
        }
    }
    found
}

/// Runs the commands in one shell; its jobs in the background end with it, whatever happens.
fn run(folder: &Path, commands: &[String]) -> Output {
    let path = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{path}", binary().parent().expect("a folder").display());
    let ending = "trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT\nset -e\n";
    let script = format!("{ending}{}\n", commands.join("\n"));
    let mut shell = Command::new("timeout");
    shell.args([&BOUND_S.to_string(), "bash", "-c", &script]).current_dir(folder);
    shell.env("PATH", path).stdin(Stdio::null()).output().expect("bash runs")
}

#[test]
fn the_worked_example_of_the_readme_runs_as_it_stands() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a parent");
    let readme = std::fs::read_to_string(root.join("README.md")).expect("README.md is there");
    let (hub, shelf) = (free_port().to_string(), free_port().to_string());
    let here = |text: &str| text.replace("8080", &hub).replace("9100", &shelf);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut commands = vec![format!("export ORDERHUB_URL=http://127.0.0.1:{hub}")];
    for block in blocks(&readme, "Connect a home-made system") {
        if let Some(file) = &block.file {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            std::fs::write(path, here(&block.text)).expect("the folder is writable");
        } else if block.language == "console" {
            for line in here(&block.text).lines() {
                let command = line.strip_prefix("$ ").expect("a console line starts with `$ `");
                commands.push(command.to_owned());
            }
            // A reader looks into the log before going on.
            let look = "for i in $(seq 300); do grep -q '^job' shelf.log && break; sleep 0.1; done";
            commands.push(look.to_owned());
        }
    }
    let output = run(folder.path(), &commands);
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{errors}");
    for expected in [r#""outcome":"applied""#, "till-17-F1", "packed", "delivered"] {
        assert!(said.contains(expected), "`{expected}` is missing in:\n{said}\n{errors}");
    }
    let jobs = std::fs::read_to_string(folder.path().join("shelf.log")).expect("the shelf logs");
    assert_eq!(jobs.lines().filter(|line| line.starts_with("job")).count(), 1, "{jobs}");
}
