//! `orderhub twin`: one behavioural twin by itself, and making it say something.
//!
//! For trying a hub before its real systems are there, and for breaking them on purpose. Its address is the
//! first line on stdout; what took effect there is at `GET /_twin/ledger`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Subcommand;
use orderhub_twins::Clock;
use orderhub_twins::faults::{MAX_RULES, Rule};
use orderhub_twins::outbox::Habits;
use orderhub_twins::shop::{Emit, TOPICS};
use orderhub_twins::single::{Kind, Single, Trouble};
use orderhub_twins::webhooks::client;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::output::{self, Code, Fault, Output};
use super::serve::stop_signal;

/// Largest secret or script that is read, in bytes.
const MOST_BYTES: u64 = 64 * 1_024;
/// Longest wait for a twin's answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

#[derive(Clone, Debug, Subcommand)]
pub(super) enum Twin {
    /// A shop: tells orders by signed webhooks, takes fulfilments.
    Shop(At),
    /// A seller's account at Amazon: lists orders under its rates, takes confirmed shipments.
    Amazon(At),
    /// An ERP: takes sales, audits them.
    Erp(At),
    /// A warehouse: takes releases, picks, packs and ships.
    Wms(At),
    /// A carrier system: takes shipments, prints labels, tracks.
    Tms(At),
    /// Takes every changed order, and tells nobody.
    Sink(At),
    /// Makes a running twin say something: `twin emit shop orders/paid`.
    Emit {
        /// What the twin is: only shops speak by themselves.
        #[arg(value_parser = ["shop"])]
        kind: String,
        /// What it says.
        #[arg(value_parser = TOPICS)]
        topic: String,
        /// Where it listens.
        #[arg(long, env = "ORDERHUB_TWIN_URL", default_value = "http://127.0.0.1:9001")]
        twin: String,
        /// About the order of this number; without: a new one.
        #[arg(long)]
        order: Option<u64>,
        /// So many, each about a new order.
        #[arg(long, default_value_t = 1, conflicts_with = "order")]
        count: u32,
    },
}

/// Where and how a twin runs.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct At {
    /// Where it listens.
    #[arg(long, default_value = "127.0.0.1:9001")]
    listen: String,
    /// The hub that it tells.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    hub: String,
    /// Its name at the hub; without: what it is.
    #[arg(long)]
    system: Option<String>,
    /// The file with the secret that it proves itself with; a sink and Amazon, which tell nobody, need none.
    #[arg(long)]
    secret_file: Option<PathBuf>,
    /// Twin seconds in one of ours.
    #[arg(long, default_value_t = 60.0, value_parser = speed)]
    speed: f64,
    /// What goes wrong: a name, or a file of rules as `POST /_twin/faults` takes them.
    #[arg(long, default_value = "none", value_name = "NAME|FILE")]
    faults: String,
    /// Send some messages twice and out of order, as real systems do.
    #[arg(long)]
    untidy: bool,
    /// Orders that come into a shop, or into Amazon, by themselves, a minute of its time apart.
    #[arg(long, default_value_t = 0)]
    orders: u64,
    /// The number of a shop's first order; take a higher one after a restart.
    #[arg(long, default_value_t = 1_001)]
    first_number: u64,
}

/// Runs what was asked for.
pub(super) fn run(twin: &Twin, output: Output) -> Result<ExitCode, Fault> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Fault::new(Code::Problems, error.to_string()))?;
    let (kind, name, at) = match twin {
        Twin::Shop(at) => (Kind::Shop, "shop", at),
        Twin::Amazon(at) => (Kind::Amazon, "amazon", at),
        Twin::Erp(at) => (Kind::Erp, "erp", at),
        Twin::Wms(at) => (Kind::Wms, "wms", at),
        Twin::Tms(at) => (Kind::Tms, "tms", at),
        Twin::Sink(at) => (Kind::Sink, "sink", at),
        Twin::Emit { topic, twin, order, count, .. } => {
            let said = Emit { topic: topic.clone(), number: *order, count: *count };
            return runtime.block_on(emit(twin, &said, output));
        }
    };
    let single = at.single(kind, name)?;
    runtime.block_on(serve(single, &at.listen, output))
}

async fn serve(single: Single, listen: &str, output: Output) -> Result<ExitCode, Fault> {
    let cannot = |error: String| {
        Fault::new(Code::Later, format!("cannot listen on `{listen}`: {error}"))
            .hint("choose another address with `--listen`; port 0 takes a free one")
    };
    let listener = TcpListener::bind(listen).await.map_err(|error| cannot(error.to_string()))?;
    let name = single.name.clone();
    let served = single.start(listener).map_err(|error| cannot(error.to_string()))?;
    let url = served.url();
    match output {
        Output::Table | Output::Name => output::print(&url),
        Output::Json | Output::Jsonl => {
            output::print(&json!({ "twin": name, "url": url }).to_string());
        }
    }
    output::say(&format!("the twin `{name}` runs; its ledger is at {url}/_twin/ledger"));
    stop_signal().await;
    served.stop().await;
    Ok(ExitCode::SUCCESS)
}

impl At {
    fn single(&self, kind: Kind, name: &str) -> Result<Single, Fault> {
        let secret = match &self.secret_file {
            Some(file) => read(file)?.trim_end_matches(['\r', '\n']).to_owned(),
            None if matches!(kind, Kind::Sink | Kind::Amazon) => String::new(),
            None => {
                return Err(Fault::new(Code::Usage, "a twin that tells the hub needs a secret")
                    .hint("name the file that holds it: `--secret-file FILE`"));
            }
        };
        let habits = if self.untidy { Habits::untidy(1) } else { Habits::tidy() };
        Ok(Single {
            kind,
            name: self.system.clone().unwrap_or_else(|| name.to_owned()),
            hub: self.hub.trim_end_matches('/').to_owned(),
            secret,
            clock: Clock::started_before(self.speed, Duration::ZERO),
            habits,
            faults: rules(&self.faults)?,
            orders: self.orders,
            first_number: self.first_number,
        })
    }
}

fn speed(word: &str) -> Result<f64, String> {
    let speed: f64 = word.parse().map_err(|_| format!("`{word}` is no number"))?;
    if (0.001..=1_000_000.0).contains(&speed) {
        Ok(speed)
    } else {
        Err("0.001 to 1000000".to_owned())
    }
}

/// A script by its name, or from a file.
fn rules(word: &str) -> Result<Vec<Rule>, Fault> {
    let unknown = match word.parse::<Trouble>() {
        Ok(trouble) => return Ok(trouble.rules()),
        Err(unknown) => unknown,
    };
    if !Path::new(word).exists() {
        return Err(Fault::new(Code::Usage, unknown).hint("or name a file of rules"));
    }
    let rules: Vec<Rule> = serde_json::from_str(&read(Path::new(word))?)
        .map_err(|error| Fault::new(Code::Usage, format!("`{word}`: {error}")))?;
    if rules.len() > MAX_RULES {
        return Err(Fault::new(Code::Usage, format!("`{word}` has more than {MAX_RULES} rules")));
    }
    Ok(rules)
}

/// A small file, whole.
fn read(file: &Path) -> Result<String, Fault> {
    let cannot = |why: String| Fault::new(Code::Usage, format!("`{}`: {why}", file.display()));
    let about = std::fs::metadata(file).map_err(|error| cannot(error.to_string()))?;
    if about.len() > MOST_BYTES {
        return Err(cannot(format!("larger than {MOST_BYTES} bytes")));
    }
    std::fs::read_to_string(file).map_err(|error| cannot(error.to_string()))
}

/// Tells a running twin what to say.
async fn emit(twin: &str, said: &Emit, output: Output) -> Result<ExitCode, Fault> {
    let client = client().map_err(|error| Fault::new(Code::Problems, error.to_string()))?;
    let url = format!("{}/_twin/emit", twin.trim_end_matches('/'));
    let sending = client.post(url).timeout(ANSWER_WITHIN).json(said).send().await;
    let answer = sending.map_err(|error| {
        let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        Fault::new(Code::Unreachable, format!("no twin answers at {twin}: {cause}")).hint(
            "start one with `orderhub twin shop --secret-file FILE`, or name it with `--twin`",
        )
    })?;
    let status = answer.status();
    let body: Value = answer.json().await.unwrap_or_default();
    if !status.is_success() {
        let why = body.get("message").and_then(Value::as_str).unwrap_or("the twin says no");
        let code = if status.as_u16() == 409 { Code::Conflict } else { Code::Usage };
        return Err(Fault::new(code, why));
    }
    let items = body.get("emitted").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    output::rows(items, &[("order", "/order"), ("topic", "/topic"), ("id", "/id")], output);
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_known_by_name_or_read_from_a_file_and_all_else_is_refused() {
        for (name, trouble) in Trouble::ALL {
            assert_eq!(rules(name).unwrap(), trouble.rules(), "{name}");
        }
        let fault = rules("503").unwrap_err();
        assert_eq!(fault.code, Code::Usage);
        assert!(fault.message.contains("504-acts"), "{}", fault.message);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("rules.json");
        std::fs::write(&file, r#"[{ "operation": "create_sale", "fault": { "status": 503 } }]"#)
            .unwrap();
        assert_eq!(rules(file.to_str().unwrap()).unwrap().len(), 1);
        std::fs::write(&file, r#"[{ "fualt": "hang" }]"#).unwrap();
        assert!(rules(file.to_str().unwrap()).unwrap_err().message.contains("fualt"));
    }
}
