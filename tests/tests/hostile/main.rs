//! Files that are made to harm: each ends the check within a second and 100 MB, with a message at its place.
//!
//! The files are made here, in a folder of their own for each case: some are larger than any that is kept.
//!
//! **Invariant:** whatever stands in the mappings folder, `check` and `test` end in time, in room and with words.
//! Test: `hostile_files_end_in_time_and_room`.

use std::fs;
use std::path::Path;
use std::process::Command;

use orderhub_tests::hub::binary;

mod cases;
mod runs;

use cases::{Case, of_groups, of_names, of_rules, of_tables, of_yaml, order};
use runs::of_runs;

/// Processor time that a check may take: other work on the machine does not count.
const SECONDS: f64 = 1.0;

/// A program built without optimising takes 13 to 20 times as long for these files (measured: a long group that
/// many files include 2.0 s to 0.15, a wide table 1.4 s to 0.1), and a busy machine lends half a core. So much of
/// it is allowed, which still asks more of the program than a second does of one that is optimised.
const UNOPTIMISED: f64 = if cfg!(debug_assertions) { 8.0 } else { 1.0 };

/// Memory that the process may write, in KiB: an allocation beyond ends it.
const MOST_KIB: u64 = 100 * 1024;

/// Puts a small integration without a mistake there, and what the case has in place of it.
fn write(folder: &Path, case: &Case) {
    let put = |path: &str, bytes: &[u8]| {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().expect("a file stands in a folder")).unwrap();
        fs::write(path, bytes).unwrap();
    };
    let integration = "orderhub: 1\nintegration: shop\nrole: channel\nconnector: declared\n\
                       intake: [{ message: order, ordering: queue }]\n";
    let connector = "orderhub: 1\nconnector: shop\nbase: \"{base_url}\"\noperations:\n  \
                     get: { kind: read, document: body, steps: [{ id: get, method: GET, path: /o }] }\n";
    put("shop/integration.yaml", integration.as_bytes());
    put("shop/connector.yaml", connector.as_bytes());
    let (path, text) = order("  - { hub: order_no, system: name }\n");
    put(path, text.as_bytes());
    for (path, bytes) in &case.files {
        put(path, bytes);
    }
}

/// Runs a command of the program on the folder `m`, bounded; its output and its processor time in seconds.
fn bounded(folder: &Path, command: &str) -> (Option<i32>, String, f64) {
    // The shell measures its child, and bounds it before it starts.
    let line =
        format!("ulimit -d {MOST_KIB}; TIMEFORMAT='cpu %U %S'; time \"$0\" {command} mappings");
    let mut shell = Command::new("bash");
    let ran = shell.args(["-c", &line]).arg(binary()).current_dir(folder).output().unwrap();
    let told = String::from_utf8(ran.stdout).expect("a report is UTF-8");
    let words = String::from_utf8_lossy(&ran.stderr).into_owned();
    let cpu = words.lines().rev().find_map(|line| line.strip_prefix("cpu ")).expect("the time");
    let seconds = cpu.split(' ').map(|part| part.parse::<f64>().unwrap()).sum();
    (ran.status.code(), format!("{told}\n{words}"), seconds)
}

/// The findings of a report: `code place`.
fn findings(report: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut code = "";
    for line in report.lines() {
        if let Some(rest) = line.strip_prefix("error[") {
            code = rest.split(']').next().unwrap_or_default();
        } else if let Some(place) = line.trim_start().strip_prefix("--> ") {
            found.push(format!("{code} {place}"));
        }
    }
    found
}

#[test]
fn hostile_files_end_in_time_and_room() {
    let clean = Case { why: "nothing is wrong with the folder itself", files: vec![], told: &[] };
    let mut failures = Vec::new();
    let all = [of_yaml(), of_rules(), of_names(), of_groups(), of_tables(), vec![clean]];
    for case in all.into_iter().flatten() {
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("mappings"), &case);
        let (code, report, seconds) = bounded(folder.path(), "check");
        let shown: String = report.chars().take(2_000).collect();
        println!("{seconds:.2} s: {}", case.why);
        let found = findings(&report);
        if code != Some(i32::from(!case.told.is_empty())) {
            failures.push(format!("{}: ended with {code:?}\n{shown}", case.why));
        } else if seconds > SECONDS * UNOPTIMISED {
            failures.push(format!("{}: took {seconds} s", case.why));
        }
        for expected in case.told {
            if !found.iter().any(|one| one.starts_with(expected)) {
                failures.push(format!("{}: no {expected} in {found:?}\n{shown}", case.why));
            }
        }
    }
    for case in of_runs() {
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("mappings"), &case);
        let (code, report, seconds) = bounded(folder.path(), "test");
        println!("{seconds:.2} s: {}", case.why);
        let shown: String = report.chars().take(2_000).collect();
        if code != Some(1) || !report.contains("--> mappings/shop/order.yaml:6:9") {
            failures.push(format!("{}: ended with {code:?}\n{shown}", case.why));
        } else if seconds > SECONDS * UNOPTIMISED {
            failures.push(format!("{}: took {seconds} s", case.why));
        }
        for expected in case.told.iter().filter(|expected| !report.contains(**expected)) {
            failures.push(format!("{}: no {expected}\n{shown}", case.why));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}
