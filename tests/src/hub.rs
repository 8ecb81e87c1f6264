//! The hub as a process of its own, as an operator runs it: started, asked, killed.

use std::fs::File;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use crate::wait;

/// The user without rights.
const NOBODY: u32 = 65_534;

/// A running hub. Killed when dropped.
#[derive(Debug)]
pub struct Hub {
    process: Child,
    base: String,
    folder: PathBuf,
}

/// The program under test.
pub fn binary() -> PathBuf {
    std::env::var_os("ORDERHUB_BIN")
        .expect("ORDERHUB_BIN is not set: run the tests by `tests/run`, which builds the program")
        .into()
}

/// A loopback port that was free a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Hub {
    /// Starts `orderhub run` in `folder`, with the settings `orderhub.toml` there, and waits until ready.
    pub async fn start(folder: &Path, port: u16) -> Self {
        let hub = Self::spawn(folder, port);
        hub.ready().await;
        hub
    }

    /// Starts without waiting.
    pub fn spawn(folder: &Path, port: u16) -> Self {
        Self::spawn_with(folder, port, &[])
    }

    /// Starts as a user without rights, where the tests run as root, and waits until ready.
    pub async fn start_as_nobody(folder: &Path, port: u16) -> Self {
        let hub = Self::spawn_as(folder, port, &[], |command| {
            // Who may become nobody is root; others have no such rights to give up.
            let root = std::fs::metadata("/proc/self").is_ok_and(|about| about.uid() == 0);
            if root {
                command.uid(NOBODY).gid(NOBODY);
            }
        });
        hub.ready().await;
        hub
    }

    /// Starts without waiting, with these variables besides.
    pub fn spawn_with(folder: &Path, port: u16, env: &[(&str, &str)]) -> Self {
        Self::spawn_as(folder, port, env, |_| {})
    }

    fn spawn_as(
        folder: &Path,
        port: u16,
        env: &[(&str, &str)],
        who: impl FnOnce(&mut Command),
    ) -> Self {
        let log = File::options().create(true).append(true).open(folder.join("hub.log")).unwrap();
        let mut command = Command::new(binary());
        command
            .args(["run", "-c", "orderhub.toml"])
            .current_dir(folder)
            .envs(env.iter().copied())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        who(&mut command);
        let process = command.spawn().expect("the program starts");
        Self { process, base: format!("http://127.0.0.1:{port}"), folder: folder.to_owned() }
    }

    /// Waits until it may take work.
    pub async fn ready(&self) {
        let client = crate::http::client();
        let url = self.url("/readyz");
        let log = self.folder.join("hub.log");
        let what = format!("the hub is ready; its log is {}", log.display());
        wait::until(&what, Duration::from_secs(30), || async {
            let answer = client.get(&url).send().await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await;
    }

    /// The port of its API, as text.
    pub fn port(&self) -> String {
        self.base.rsplit(':').next().unwrap_or_default().to_owned()
    }

    /// Sends it a signal by name.
    pub fn signal(&self, name: &str) {
        let (option, pid) = (format!("-{name}"), self.process.id().to_string());
        assert!(Command::new("kill").args([&option, &pid]).status().unwrap().success());
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// An address of its API.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// What it logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("hub.log")).unwrap_or_default()
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// SIGTERM, and how it ended; at most 15 s.
    pub async fn terminate(mut self) -> ExitStatus {
        self.signal("TERM");
        wait::until("the hub ends within 15 s of SIGTERM", Duration::from_secs(15), || {
            let ended = self.process.try_wait().unwrap();
            async move { ended }
        })
        .await
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        // Already ended is fine.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
