//! `orderhub check` over a folder of 200 mapping files, from process start to its end: the shipped integrations
//! over and over, each copy under a name of its own.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use orderhub_tests::measure::watch::Watch;
use orderhub_tests::measure::{at, process, row};

use crate::shipped;

/// Mapping files of the folder, at least.
const FILES: usize = 200;
/// Bar, in milliseconds.
const BAR: u128 = 150;
/// Runs.
const RUNS: usize = 21;

/// What is copied, with its files.
const SHIPPED: [&str; 5] = ["rest_erp", "rest_tms", "rest_wms", "shopify", "sink"];

pub(crate) fn measure(base: &Path) {
    println!("-- checking a folder, from process start");
    let Some(program) = std::env::var_os("ORDERHUB_BIN").filter(|path| Path::new(path).is_file())
    else {
        row("check of 200 mapping files", "not measured: ORDERHUB_BIN names no program");
        return;
    };
    let folder = base.join("mappings");
    let (files, bytes) = fill(&folder);
    row("folder", &format!("{files} mapping files, {} KB in all", bytes / 1000));
    let own = std::process::id();
    let of_runs = || process::family_cpu_secs(own) - process::own().cpu_secs;
    let (mut times, before) = (Vec::new(), of_runs());
    for _ in 0..RUNS {
        let began = Watch::start();
        let mut command = Command::new(&program);
        command.arg("check").arg(&folder).stdout(Stdio::null()).stderr(Stdio::piped());
        let ended = command.output().expect("the program starts");
        times.push(began.elapsed());
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "the copies are as good as what is shipped: {said}");
    }
    let (median, best) = (at(&mut times, 0.5), times[0]);
    let reached = if median.as_millis() < BAR { "reached" } else { "MISSED" };
    let figure = format!(
        "{:.0} ms (median of {RUNS}, best {:.0}), bar {BAR} ms: {reached}",
        median.as_secs_f64() * 1e3,
        best.as_secs_f64() * 1e3
    );
    // On a machine that does other things too, this tells what a run takes of it.
    let cpu = (of_runs() - before) * 1e3 / RUNS as f64;
    row("check of 200 mapping files", &figure);
    row("  CPU of a run", &format!("{cpu:.0} ms"));
}

/// Fills the folder; how many mapping files there are, and how many bytes.
fn fill(folder: &Path) -> (usize, u64) {
    let (mut files, mut bytes) = (0, 0);
    for shared in ["hub", "common"] {
        bytes += copy(&shipped::folder().join(shared), &folder.join(shared), &|text| text);
    }
    for number in 0.. {
        let name = SHIPPED[number % SHIPPED.len()];
        let own = format!("{name}_{number}");
        let from = shipped::folder().join(name);
        let renamed = |text: String| {
            // Names of the folder stand where the integration and its mappings say them.
            text.replace(&format!("integration: {name}\n"), &format!("integration: {own}\n"))
                .replace(&format!("connector: {name}\n"), &format!("connector: {own}\n"))
                .replace(&format!("mapping: {name}."), &format!("mapping: {own}."))
        };
        bytes += copy(&from, &folder.join(&own), &renamed);
        let yaml = |entry: std::io::Result<fs::DirEntry>| {
            entry.is_ok_and(|entry| entry.path().extension().is_some_and(|ext| ext == "yaml"))
        };
        let all = fs::read_dir(&from).expect("it is shipped").map(yaml);
        files += all.filter(|yaml| *yaml).count() - 2;
        if files >= FILES {
            break;
        }
    }
    (files, bytes)
}

/// Copies a folder, its YAML changed; how many bytes it has.
fn copy(from: &Path, to: &Path, change: &dyn Fn(String) -> String) -> u64 {
    fs::create_dir_all(to).expect("the folder can be made");
    let mut bytes = 0;
    for entry in fs::read_dir(from).expect("it is shipped") {
        let path = entry.expect("it is readable").path();
        let target = to.join(path.file_name().expect("a file has a name"));
        if path.is_dir() {
            bytes += copy(&path, &target, change);
        } else if path.extension().is_some_and(|ext| ext == "yaml") {
            let text = change(fs::read_to_string(&path).expect("YAML is text"));
            bytes += text.len() as u64;
            fs::write(&target, text).expect("the folder is writable");
        } else {
            bytes += fs::copy(&path, &target).expect("the folder is writable");
        }
    }
    bytes
}
