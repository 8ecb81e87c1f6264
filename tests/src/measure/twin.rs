//! The sink as a process of its own: the judge outside of what is measured.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

/// How often the sink is asked for its counts, which costs it little.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A running sink. Killed when dropped.
#[derive(Debug)]
pub struct Sink {
    process: Child,
    url: String,
}

impl Sink {
    /// Starts the program `twin`, which lies beside this one unless `ORDERHUB_TWIN` names it.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub fn start() -> Self {
        Self::start_at(0)
    }

    /// The same on a port of loopback; 0 is a free one.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub fn start_at(port: u16) -> Self {
        let beside = std::env::current_exe().expect("this program has a path");
        let beside = beside.with_file_name("twin");
        let program = std::env::var_os("ORDERHUB_TWIN").map_or(beside, PathBuf::from);
        let process = Command::new(&program)
            .args(["sink", "--listen", &format!("127.0.0.1:{port}")])
            .stdout(Stdio::piped())
            .spawn();
        let mut process = process.unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        let out = process.stdout.take().expect("its output is piped");
        let mut url = String::new();
        BufReader::new(out).read_line(&mut url).expect("its first line is its address");
        Self { process, url: url.trim().to_owned() }
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What it counted so far.
    ///
    /// # Panics
    ///
    /// When it does not answer.
    pub async fn counts(&self, client: &reqwest::Client) -> Value {
        let answer = client.get(format!("{}/_twin/ledger?limit=0", self.url)).send().await;
        let page = answer.expect("the sink answers").bytes().await.expect("the sink answers");
        let page: Value = serde_json::from_slice(&page).expect("the sink answers JSON");
        page["counts"].clone()
    }

    /// Waits until it has so many orders; its counts then. The caller sets the bound.
    pub async fn has(&self, client: &reqwest::Client, most: u64) -> Value {
        let mut tick = tokio::time::interval(LOOK_EVERY);
        loop {
            tick.tick().await;
            let counts = self.counts(client).await;
            if changed(&counts) >= most {
                return counts;
            }
        }
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        // Already ended is fine.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// Orders that came, by the sink's counts.
pub fn changed(counts: &Value) -> u64 {
    counts["effects"]["order.changed"].as_u64().unwrap_or(0)
}
