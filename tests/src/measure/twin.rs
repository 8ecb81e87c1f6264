//! The sink as a process of its own: the judge outside of what is measured.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

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
        let beside = std::env::current_exe().expect("this program has a path");
        let beside = beside.with_file_name("twin");
        let program = std::env::var_os("ORDERHUB_TWIN").map_or(beside, PathBuf::from);
        let process = Command::new(&program).arg("sink").stdout(Stdio::piped()).spawn();
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
