//! `orderhub demo`: the whole main job on this machine with nothing installed.
//!
//! Starts the twins of two shops, an ERP, a WMS, a TMS and a sink on free loopback ports and the hub in
//! this process on SQLite, streams orders, breaks the ERP in the middle, and closes with an account that
//! is counted at the twins. Everything goes over real HTTP, as between real systems.

mod files;
mod play;
mod settings;
mod show;
mod table;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::ValueEnum;
use orderhub_twins::Clock as TwinClock;
use orderhub_twins::outbox::Habits;
use orderhub_twins::tms::Pace;
use orderhub_twins::webhooks::HubAddress;
use orderhub_twins::wms::Manner;
use orderhub_twins::world::{Setting, World};

use super::author::names::Names;
use super::output::{self, Code, Fault, Output};
use super::serve::{not_started, stop_signal};
use crate::bundle::Bundle;
use crate::clock::Clock;
use crate::{Hub, Start, StartError};

/// Twin seconds in one of ours: a warehouse's hour is a second.
const SPEED: f64 = 3_600.0;

/// How far the twins' clock starts in the past, so that what it stamps is not in the future (twin time).
const BEFORE: Duration = Duration::from_secs(3 * 24 * 3_600);

/// The shops; both count their orders from #1001.
const SHOPS: [&str; 2] = ["shop_eu", "shop_us"];

/// Arguments of `orderhub demo`.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Demo {
    /// How many orders come in.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    orders: u64,
    /// End with the closing account instead of serving on.
    #[arg(long)]
    exit: bool,
    /// The folder of mapping files: run if it holds any, else written there.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// What goes wrong in the middle.
    #[arg(long, value_enum, default_value_t = Faults::Erp504)]
    faults: Faults,
}

/// What goes wrong in the middle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Faults {
    /// Nothing.
    None,
    /// The ERP's gateway answers 504 for a while; some sales are made all the same.
    #[value(name = "erp-504")]
    Erp504,
}

/// The hub and the world around it.
#[derive(Debug)]
struct Stage {
    world: World,
    hub: Hub,
}

/// Runs the demonstration; the exit code says whether the account balances.
pub(super) fn run(demo: &Demo, output: Output) -> Result<ExitCode, Fault> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Fault::new(Code::Problems, error.to_string()))?;
    let work = folder("orderhub-demo-")?;
    let mappings = match &demo.dir {
        Some(dir) => files::folder(dir)?,
        // Outlives the demonstration: to be edited and run again.
        None => files::folder(&folder("orderhub-mappings-")?.keep())?,
    };
    let balances = runtime.block_on(async {
        let stage = Stage::set(work.path(), &mappings).await?;
        let played = tokio::select! {
            played = stage.play(demo) => Some(played),
            () = stop_signal() => None,
        };
        let balances = match played {
            Some((account, took)) => {
                show::account(&account, took, SPEED, output);
                if !demo.exit {
                    let at = stage.hub.addr();
                    output::say(&format!("The hub serves on http://{at} until ctrl-c."));
                    stop_signal().await;
                }
                account.balances()
            }
            None => {
                output::say("Stopped before the account was closed.");
                false
            }
        };
        stage.hub.stop().await;
        Ok::<_, Fault>(balances)
    })?;
    let again = format!("orderhub demo --dir {}", mappings.display());
    output::say(&format!("The mapping files, to be edited and run again with `{again}`, are in"));
    output::say(&mappings.display().to_string());
    Ok(if balances { ExitCode::SUCCESS } else { ExitCode::from(Code::Problems.number()) })
}

impl Stage {
    /// Starts the twins, then the hub that knows them, then tells them where it is.
    async fn set(work: &Path, mappings: &Path) -> Result<Self, Fault> {
        let address = HubAddress::default();
        let secret = uuid::Uuid::new_v4().simple().to_string();
        let setting = Setting {
            hub: address.clone(),
            shops: SHOPS.map(str::to_owned).to_vec(),
            secret: secret.clone(),
            clock: TwinClock::started_before(SPEED, BEFORE),
            habits: Habits::untidy(1),
            manner: Manner::default(),
            pace: Pace::default(),
        };
        let world = World::start(&setting).await;
        let world = world.map_err(|error| Fault::new(Code::Later, error.to_string()))?;
        let loaded = settings::of(work, mappings, &world.addresses());
        let loaded = loaded.map_err(|error| Fault::new(Code::Settings, error.to_string()))?;
        let names = Names::below(mappings);
        let refused = |error: StartError| not_started(error, &names);
        let files = Bundle::read(mappings).map_err(|error| refused(error.into()))?;
        let env = [(settings::SECRET.to_owned(), secret)].into();
        let start = Start { config: loaded.config, files, env, clock: Clock::system() };
        let hub = Hub::start(start).await.map_err(refused)?;
        address.set(format!("http://{}", hub.addr()));
        Ok(Self { world, hub })
    }
}

fn folder(prefix: &str) -> Result<tempfile::TempDir, Fault> {
    let made = tempfile::Builder::new().prefix(prefix).tempdir();
    made.map_err(|error| {
        Fault::new(Code::Later, format!("cannot make a temporary folder: {error}"))
            .hint("set TMPDIR to a folder that you may write to")
    })
}
