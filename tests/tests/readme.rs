//! The README's worked example, carried out literally in an empty folder: every file that it shows, every
//! command in its order. Only the two ports are replaced by free ones.

use std::path::Path;
use std::time::Duration;

use orderhub_tests::document::{Shell, blocks, section};
use orderhub_tests::hub::free_port;

/// Longest time for the whole example.
const BOUND: Duration = Duration::from_secs(90);

#[tokio::test]
async fn the_worked_example_of_the_readme_runs_as_it_stands() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a parent");
    let readme = std::fs::read_to_string(root.join("README.md")).expect("README.md is there");
    let (hub, shelf) = (free_port().to_string(), free_port().to_string());
    let readme = readme.replace("8080", &hub).replace("9100", &shelf);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let url = format!("http://127.0.0.1:{hub}");
    let mut shell = Shell::start(folder.path(), BOUND, &[("ORDERHUB_URL", &url)]);
    let mut said = String::new();
    for block in blocks(section(&readme, "Connect a home-made system")) {
        said.push_str(&shell.carry_out(folder.path(), &block).await);
        if block.language == "console" {
            // A reader looks into the log before going on.
            let look = "for i in $(seq 300); do grep -q '^job' shelf.log && break; sleep 0.1; done";
            shell.ask(look);
        }
    }
    for expected in [r#""outcome":"applied""#, "till-17-F1", "packed", "delivered"] {
        assert!(said.contains(expected), "`{expected}` is missing in:\n{said}");
    }
    let jobs = std::fs::read_to_string(folder.path().join("shelf.log")).expect("the shelf logs");
    assert_eq!(jobs.lines().filter(|line| line.starts_with("job")).count(), 1, "{jobs}");
}
