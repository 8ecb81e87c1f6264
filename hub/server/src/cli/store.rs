//! `orderhub store copy`: moves an installation from SQLite to PostgreSQL.
//!
//! Either side is a URL, as `[store] url` has it, or a settings file whose `[store]` is meant. A password is
//! never on the command line: it comes from a file or a variable.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Subcommand;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::output::{self, Code, Fault, Output};
use super::serve::{environment, load, stop_signal};
use crate::config::{SecretRef, Secrets, StoreUrl};
use crate::store::StoreError;
use crate::store::copy::{Copy, CopyError, Progress, Report, copy};
use crate::store::postgres::{Login, Options};

mod told;

use told::Told;

/// Between two looks at the progress on a terminal.
const DRAWN: Duration = Duration::from_millis(200);

#[derive(Debug, Subcommand)]
pub(super) enum Store {
    /// Move all of an installation from SQLite into an empty PostgreSQL database, and compare every row.
    ///
    /// Stop the hub, copy, change `[store] url`, start the hub. The file stays as it is; a note beside it keeps a hub
    /// from starting on it by mistake. A copy that was interrupted is repeated by the same command.
    Copy(CopyArgs),
}

#[derive(Clone, Debug, clap::Args)]
pub(super) struct CopyArgs {
    /// `sqlite:<file>`, or a settings file that says so.
    from: String,
    /// `postgres://user@host:5432/database`, or a settings file that says so.
    to: String,
    /// A file with the password of the database; that of a settings file counts else.
    #[arg(long, value_name = "FILE", conflicts_with = "password_env")]
    password_file: Option<PathBuf>,
    /// The name of a variable with the password of the database.
    #[arg(long, value_name = "NAME")]
    password_env: Option<String>,
    /// Copy what PostgreSQL cannot hold as a hub on it would have written it, or leave it out, and say so.
    #[arg(long)]
    mend: bool,
    /// Copy and compare, and leave the database marked as unfinished: how long it takes, and whether all of it fits.
    #[arg(long)]
    rehearse: bool,
}

/// Where a store is, and how it lets us in.
struct Side {
    url: StoreUrl,
    password: Option<SecretRef>,
}

/// Runs what was asked for.
pub(super) fn store(command: &Store, output: Output) -> Result<ExitCode, Fault> {
    let Store::Copy(args) = command;
    let asked = asked(args)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Fault::new(Code::Problems, error.to_string()))?;
    let done = runtime.block_on(run(&asked, output));
    // A thread that reads the file may be at a long row still; nothing waits for it.
    runtime.shutdown_background();
    done
}

fn asked(args: &CopyArgs) -> Result<Copy, Fault> {
    let (from, to) = (side("FROM", &args.from)?, side("TO", &args.to)?);
    let (from, url) = match (from.url, to.url) {
        (StoreUrl::Sqlite(file), StoreUrl::Postgres(url)) => (file, url),
        (StoreUrl::Postgres(_), StoreUrl::Sqlite(_)) => {
            return Err(Fault::new(Code::Usage, "there is no way back from PostgreSQL to SQLite")
                .hint("restore the database from its backup, or go on with the file as it was"));
        }
        (StoreUrl::Sqlite(_), StoreUrl::Sqlite(_)) => {
            return Err(Fault::new(Code::Usage, "both are files; a copy goes to PostgreSQL")
                .hint("stop the hub and copy the file itself, as any other"));
        }
        (StoreUrl::Postgres(_), StoreUrl::Postgres(_)) => {
            return Err(Fault::new(
                Code::Usage,
                "both are databases; a copy begins at a SQLite file",
            )
            .hint("`pg_dump` and `pg_restore` move a database to another server"));
        }
    };
    let said = args.password_file.clone().map(SecretRef::File);
    let said = said.or_else(|| args.password_env.clone().map(SecretRef::Env));
    let secrets = Secrets::new(environment());
    let password = said.or(to.password);
    if let Some(Err(error)) = password.as_ref().map(|password| secrets.read(password)) {
        return Err(Fault::new(Code::Settings, format!("the password of the database: {error}")));
    }
    let login = password.map(|password| Login { password, secrets });
    let to = Options { login, ..Options::at(url.as_str(), "store copy") };
    Ok(Copy { from, to, mend: args.mend, rehearse: args.rehearse })
}

/// Never repeats a word that is no URL and no file: it may hold a password.
fn side(name: &str, word: &str) -> Result<Side, Fault> {
    let is_url =
        ["sqlite:", "postgres:", "postgresql:"].iter().any(|scheme| word.starts_with(scheme));
    if !is_url && is_sqlite(Path::new(word)) {
        let says = format!("`{name}` names a database file without its scheme");
        return Err(Fault::new(Code::Usage, says).hint(format!("write `sqlite:{word}`")));
    }
    if !is_url && (Path::new(word).is_file() || word.ends_with(".toml")) {
        let store = load(Path::new(word))?.config.store;
        return Ok(Side { url: store.url, password: store.password });
    }
    let url = StoreUrl::try_from(word.to_owned());
    let url = url.map_err(|why| {
        Fault::new(Code::Usage, format!("`{name}` {why}"))
            .hint("or name a settings file whose `[store]` is meant; a password comes by `--password-file` or `--password-env`")
    })?;
    Ok(Side { url, password: None })
}

/// Whether there is a file that begins as SQLite's do.
fn is_sqlite(path: &Path) -> bool {
    let mut head = [0; 16];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut head));
    read.is_ok() && head == *b"SQLite format 3\0"
}

async fn run(asked: &Copy, output: Output) -> Result<ExitCode, Fault> {
    let (began, progress) = (Instant::now(), Arc::new(Progress::default()));
    let mut told = Told::new(began);
    let copying = copy(asked, &progress);
    tokio::pin!(copying);
    let mut tick = tokio::time::interval(DRAWN);
    let stopped = stop_signal();
    tokio::pin!(stopped);
    let done = loop {
        tokio::select! {
            done = &mut copying => break done,
            () = &mut stopped => {
                told.end();
                return Err(Fault::new(Code::Interrupted, "the copy was stopped before its end")
                    .hint("a hub on that database is refused; the same command begins anew"));
            }
            _ = tick.tick() => told.progress(progress.look()),
        }
    };
    told.end();
    match done {
        Ok(report) => {
            show(&report, asked.rehearse, output);
            output::say(&summary(asked, &report, began.elapsed()));
            Ok(ExitCode::SUCCESS)
        }
        Err(CopyError::Differs(report)) => {
            show(&report, asked.rehearse, output);
            Err(fault(&CopyError::Differs(report)))
        }
        Err(error) => Err(fault(&error)),
    }
}

fn show(report: &Report, rehearsal: bool, output: Output) {
    match output {
        Output::Json => {
            let whole = json!({
                "install": report.install, "to": report.to, "rehearsal": rehearsal,
                "tables": report.tables, "mended": report.mended,
            });
            output::document(&whole, output);
        }
        Output::Table | Output::Jsonl | Output::Name => {
            let rows: Vec<Value> = report.tables.iter().map(|table| json!(table)).collect();
            let columns = [
                ("table", "/table"),
                ("rows", "/rows"),
                ("left out", "/left_out"),
                ("bytes", "/bytes"),
                ("there", "/there"),
                ("same", "/same"),
            ];
            output::rows(&rows, &columns, output);
        }
    }
    for finding in &report.mended {
        output::say(&finding.told());
    }
}

fn summary(asked: &Copy, report: &Report, took: Duration) -> String {
    let sum =
        |of: fn(&crate::store::copy::TableReport) -> u64| report.tables.iter().map(of).sum::<u64>();
    let (rows, bytes, seconds) =
        (sum(|table| table.rows), sum(|table| table.bytes), took.as_secs_f64());
    let mb = bytes as f64 / 1e6;
    let counted = format!(
        "copied {} orders and {} messages, {rows} rows ({mb:.0} MB) in {seconds:.1} s, and compared every row",
        report.rows("orders"),
        report.rows("messages"),
    );
    let file = asked.from.display();
    if asked.rehearse {
        return format!(
            "{counted}\na rehearsal: no hub starts on {}; `{file}` may go on",
            report.to
        );
    }
    format!(
        "{counted}\n`{file}` is as it was; `{file}.copied` keeps a hub from starting on it beside the other\n\
         next: set `[store] url` and `password` to {}, `orderhub run`, `orderhub doctor`",
        report.to
    )
}

fn fault(error: &CopyError) -> Fault {
    let code = match error {
        CopyError::NoFile(_) => Code::NotFound,
        CopyError::Store(StoreError::Newer { .. }) => Code::Usage,
        CopyError::InUse(_) | CopyError::UnderWay(_) | CopyError::Store(_) => Code::Later,
        CopyError::Holds { .. } | CopyError::Another { .. } | CopyError::Copied { .. } => {
            Code::Conflict
        }
        CopyError::Database { .. } => Code::Unreachable,
        CopyError::NoInstall(_) | CopyError::Schema { .. } => Code::Usage,
        CopyError::Unholdable { .. }
        | CopyError::Differs(_)
        | CopyError::Closed
        | CopyError::Fault(_) => Code::Problems,
    };
    let fault = Fault::new(code, error.to_string());
    match error.hint() {
        Some(hint) => fault.hint(hint),
        None => fault,
    }
}
