//! `run` and `config`: the hub itself, and the settings it would run with.

use std::collections::HashMap;
use std::path::Path;
use std::process::ExitCode;

use serde_json::json;

use super::author::names::Names;
use super::output::{self, Code, Fault, Output, counted};
use crate::bundle::{Bundle, BundleError};
use crate::clock::Clock;
use crate::config::{self, Loaded, LogFormat};
use crate::store::StoreError;
use crate::telemetry::log;
use crate::{Hub, Start, StartError};

/// The environment as it is.
pub(super) fn environment() -> HashMap<String, String> {
    // A variable that is not UTF-8 is no setting and no secret of ours.
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// Reads the settings.
pub(super) fn load(file: &Path) -> Result<Loaded, Fault> {
    config::load(Some(file), &environment()).map_err(|error| {
        let fault = Fault::new(Code::Settings, error.to_string());
        if file.is_file() {
            fault.hint("`orderhub config` shows what is set, and where")
        } else if file.exists() {
            fault.hint("name the settings file with `-c`, or write it there")
        } else {
            fault.hint("name the file with `-c`, or try `orderhub demo`, which needs none")
        }
    })
}

/// Prints the effective settings, or only those that are set somewhere.
pub(super) fn config(file: &Path, set: bool, output: Output) -> Result<ExitCode, Fault> {
    let loaded = load(file)?;
    match output {
        Output::Table | Output::Name => output::print(&config::show(&loaded, set)),
        Output::Json | Output::Jsonl => {
            let value = json!({ "settings": loaded.config, "origins": loaded.origins });
            output::document(&value, output);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs the hub until SIGTERM or ctrl-c.
pub(super) fn run(file: &Path, said: &log::Said) -> Result<ExitCode, Fault> {
    let config = load(file)?.config;
    let lines = log::start(&config.log, said);
    let names = Names::below(&config.mappings.path);
    let refused = |error: StartError| not_started(error, &names);
    let files = Bundle::read(&config.mappings.path).map_err(|error| refused(error.into()))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Fault::new(Code::Problems, error.to_string()))?;
    let done = runtime.block_on(async {
        let start = Start { config, files, env: environment(), clock: Clock::system() };
        let hub = Hub::start(start).await.map_err(refused)?;
        // Whoever reads objects has it from the log.
        if lines == LogFormat::Text {
            output::say(&format!("orderhub listens on http://{}", hub.addr()));
        }
        stop_signal().await;
        hub.stop().await;
        Ok(ExitCode::SUCCESS)
    });
    // A thread may still wait for a server that does not answer; nobody waits for the thread.
    runtime.shutdown_background();
    done
}

/// Why a hub did not start; `names`: of its mappings folder.
pub(super) fn not_started(error: StartError, names: &Names) -> Fault {
    match error {
        StartError::Bundle(BundleError::Files(findings)) => {
            let message =
                format!("{} in the integration files", counted(findings.len(), "problem"));
            output::print(&orderhub_lang::diagnostic::render(&names.findings(findings)));
            let check = format!("orderhub check {}", names.file("mappings/"));
            Fault::new(Code::Settings, message).hint(format!("`{check}` shows the same"))
        }
        StartError::Secrets(_) => Fault::new(Code::Settings, error.to_string())
            .hint("set the variable or mount the file, then start again"),
        StartError::Trace(_) | StartError::Held { .. } => {
            Fault::new(Code::Settings, error.to_string())
        }
        StartError::Bundle(error) => Fault::new(Code::Settings, error.to_string()),
        StartError::Store(error @ StoreError::SearchKey) => {
            Fault::new(Code::Settings, error.to_string())
        }
        StartError::Store(error) => Fault::new(Code::Later, error.to_string()),
        StartError::Listen { .. } => Fault::new(Code::Later, error.to_string())
            .hint("another program uses the port; choose one with `server.listen`"),
        StartError::Deliver(_) | StartError::Transport(_) => {
            Fault::new(Code::Problems, error.to_string())
        }
    }
}

/// Until somebody asks the program to end.
pub(super) async fn stop_signal() {
    let interrupt = tokio::signal::ctrl_c();
    match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
        }
        Err(error) => {
            tracing::warn!(%error, "SIGTERM is not listened to");
            interrupt.await.ok();
        }
    }
}
