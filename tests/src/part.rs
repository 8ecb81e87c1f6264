//! A real server of a test's own: it runs in a folder of its own on a copy of the database that a script of `tests/parts` has made, and
//! keeps its address when it is killed and started again.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use reqwest::RequestBuilder;
use tempfile::TempDir;

use crate::hub::free_port;
use crate::wait;

/// Where a part is installed, by the variable that its script prints.
#[must_use]
pub(crate) fn installed(variable: &str, script: &str) -> PathBuf {
    let how = || {
        format!(
            "{variable} is not set: run the tests by `tests/run`, or \
             `export $(tests/parts/{script}.sh install /tmp/orderhub-{script})`"
        )
    };
    std::env::var_os(variable).unwrap_or_else(|| panic!("{}", how())).into()
}

/// One server. Killed when dropped.
#[derive(Debug)]
pub(crate) struct Part {
    folder: TempDir,
    port: u16,
    process: Option<Child>,
}

impl Part {
    /// A folder and an address, with a copy of the database under the name that the server looks for. It does not run yet.
    pub(crate) fn on(seeded: &Path, name: &str) -> Self {
        let part = Self {
            folder: tempfile::tempdir().expect("a folder"),
            port: free_port(),
            process: None,
        };
        std::fs::copy(seeded, part.folder().join(name)).expect("the database is copied");
        part
    }

    /// What it keeps.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its address on loopback.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Starts it, and waits until it answers this request well.
    pub(crate) async fn up(
        &mut self,
        mut command: Command,
        patience: Duration,
        ask: impl Fn() -> RequestBuilder,
    ) {
        let log = self.folder().join("server.log");
        let out = File::options().create(true).append(true).open(&log).expect("a log");
        let process = command
            .stdin(Stdio::null())
            .stdout(out.try_clone().expect("a log"))
            .stderr(out)
            .spawn()
            .expect("the server starts");
        self.process = Some(process);
        let what = format!("the server of {} answers; its log is {}", self.url(), log.display());
        wait::until(&what, patience, || async {
            ask().send().await.ok()?.status().is_success().then_some(())
        })
        .await;
    }

    /// Kills it in the middle of whatever it does.
    pub(crate) fn down(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("it runs");
            process.wait().expect("it ended");
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.down();
    }
}
