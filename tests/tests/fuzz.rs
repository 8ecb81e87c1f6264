//! The inputs that fuzzing kept, tried again without a fuzzer: any toolchain does.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use orderhub_tests::fuzz::{TARGETS, run};
use tokio::time::Instant;

/// Longest time for one input, on a busy machine and without optimisation.
const PATIENCE: Duration = Duration::from_secs(10);

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn inputs(target: &str) -> Vec<PathBuf> {
    let folder = root().join("tests/data/fuzz").join(target);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{folder:?}: {e}"));
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

#[test]
fn every_corpus_file_ends_well() {
    let mut failed = Vec::new();
    for (target, _) in TARGETS {
        let inputs = inputs(target);
        assert!(!inputs.is_empty(), "nothing is kept for `{target}`");
        for path in inputs {
            let input = std::fs::read(&path).unwrap();
            let began = Instant::now();
            let ended = std::panic::catch_unwind(|| run(target, &input));
            if ended.is_err() || began.elapsed() > PATIENCE {
                failed.push(format!("{target}: {} ({:?})", path.display(), began.elapsed()));
            }
        }
    }
    assert!(failed.is_empty(), "\n{}\n", failed.join("\n"));
}

#[test]
fn every_target_is_a_program_and_a_folder() {
    let manifest = std::fs::read_to_string(root().join("fuzz/Cargo.toml")).unwrap();
    let programs: BTreeSet<&str> = manifest
        .split("[[bin]]")
        .skip(1)
        .filter_map(|bin| bin.split_once("name = \"")?.1.split('"').next())
        .collect();
    let targets: BTreeSet<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    assert_eq!(programs, targets);
    for (target, _) in TARGETS {
        let source = std::fs::read_to_string(root().join(format!("fuzz/targets/{target}.rs")));
        let named = format!("orderhub_fuzz::run(\"{target}\", input)");
        assert!(source.unwrap().contains(&named), "fuzz/targets/{target}.rs runs `{target}`");
    }
}
