//! One candidate empties the queue: processes started, the sink watched, what each used counted.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use orderhub_tests::database::Server;
use orderhub_tests::http;
use orderhub_tests::hub::{Hub, free_port};
use orderhub_tests::measure::hub;
use orderhub_tests::measure::process::{Used, family_cpu_secs, used};
use orderhub_tests::measure::twin::{self, Sink};
use orderhub_tests::measure::watch::Watch;
use orderhub_tests::measure::{rate, row};
use serde_json::Value;

use super::bare::DONE;

/// Longest time for one candidate.
const BOUND: Duration = Duration::from_secs(240);

/// Who empties the queue.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Candidate {
    /// The program on SQLite.
    Hub,
    /// The program on a PostgreSQL server of its own.
    HubOnPostgres,
    /// A loop without a store; orders spread over so many lanes.
    Bare {
        /// One: strictly one after the other.
        lanes: usize,
    },
}

impl Candidate {
    /// Names its queue and folder.
    pub(crate) fn word(self) -> String {
        match self {
            Candidate::Hub => "hub".to_owned(),
            Candidate::HubOnPostgres => "hub-on-postgres".to_owned(),
            Candidate::Bare { lanes } => format!("bare-{lanes}"),
        }
    }

    fn mode(self) -> &'static str {
        match self {
            Candidate::Hub => "SQLite, WAL, synchronous=FULL; acknowledged after commit",
            Candidate::HubOnPostgres => "PostgreSQL, fsync, synchronous_commit=on; likewise",
            Candidate::Bare { .. } => "none: nothing stored; acknowledged after the answer",
        }
    }
}

/// What a candidate works with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts<'a> {
    /// The broker's address.
    pub(crate) amqp: &'a str,
    /// Its process.
    pub(crate) broker: u32,
    /// The filled queue.
    pub(crate) queue: &'a str,
    /// The candidate's own folder.
    pub(crate) folder: &'a Path,
    /// Messages in the queue.
    pub(crate) orders: u64,
    /// The database of [`Candidate::HubOnPostgres`].
    pub(crate) database: &'a Server,
}

/// What came of it.
#[derive(Clone, Debug)]
pub(crate) struct Figures {
    /// Orders a second at the sink, from the first one seen to the last.
    pub(crate) rate: f64,
    /// From the start of the candidate's process to the first order at the sink.
    first_after: Duration,
    /// By process: over the same time as the rate, for so many orders.
    processes: Vec<(&'static str, Used)>,
    database_cpu_secs: f64,
    counted: u64,
    counts: Value,
}

/// A process that is killed when dropped.
struct Process(Child);

impl Process {
    /// Waits until it says that everything is acknowledged.
    fn acknowledged(mut self) {
        let out = self.0.stdout.take().expect("its output is piped");
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line).expect("it says when it is done");
        assert_eq!(line.trim(), DONE, "it ended before it was done");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Already ended is fine.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A candidate that was started.
enum Running {
    Hub(Hub),
    Bare(Process),
}

impl Running {
    fn start(candidate: Candidate, parts: &Parts<'_>, sink: &Sink) -> Self {
        let Candidate::Bare { lanes } = candidate else {
            let port = free_port();
            let store = match candidate {
                Candidate::HubOnPostgres => parts.database.url(),
                Candidate::Hub | Candidate::Bare { .. } => "sqlite:orderhub.db",
            };
            let place =
                hub::Place { amqp: parts.amqp, queue: parts.queue, store, sink: sink.url() };
            hub::settings(parts.folder, port, &place);
            return Self::Hub(Hub::spawn(parts.folder, port));
        };
        let program = std::env::current_exe().expect("this program has a path");
        let (lanes, count) = (lanes.to_string(), parts.orders.to_string());
        let words = ["bare", &lanes, &count, parts.amqp, parts.queue, sink.url()];
        let process = Command::new(program).args(words).stdout(Stdio::piped()).spawn();
        Self::Bare(Process(process.expect("it starts")))
    }

    fn pid(&self) -> u32 {
        match self {
            Running::Hub(hub) => hub.pid(),
            Running::Bare(process) => process.0.id(),
        }
    }

    /// Ends it in order: receipts stored, messages acknowledged.
    async fn end(self, client: &reqwest::Client) {
        match self {
            Running::Hub(hub) => {
                hub::settled(&hub, client).await;
                hub.terminate().await;
            }
            Running::Bare(process) => process.acknowledged(),
        }
    }
}

/// Starts a sink and the candidate, and waits until the sink has every order.
pub(crate) async fn run(candidate: Candidate, parts: &Parts<'_>) -> Figures {
    let sink = Sink::start();
    let client = http::client();
    let whole = Watch::start();
    let running = Running::start(candidate, parts, &sink);
    let all = [("candidate", running.pid()), ("sink", sink.pid()), ("broker", parts.broker)];
    let look = || (all.map(|(_, pid)| used(pid)), family_cpu_secs(parts.database.pid()));
    let counted_by = |most: u64| sink.has(&client, most);
    // The first look that finds orders is where the clock starts: starting a process is not the job.
    let what = format!("the sink has all orders of `{}`", candidate.word());
    let watching = async {
        let before = counted_by(1).await;
        let (first_after, clock, used) = (whole.elapsed(), Watch::start(), look());
        let counts = counted_by(parts.orders).await;
        (first_after, before, used, counts, clock.elapsed())
    };
    let watched = tokio::time::timeout(BOUND, watching).await;
    let (after, stored_after) = look();
    let (first_after, before, (used, stored), counts, took) =
        watched.unwrap_or_else(|_| panic!("after {BOUND:?} still not true: {what}"));
    running.end(&client).await;
    let counted = parts.orders - twin::changed(&before);
    let processes = all.iter().zip(after).zip(used);
    Figures {
        rate: rate(counted, took),
        first_after,
        processes: processes.map(|(((name, _), after), used)| (*name, after.since(used))).collect(),
        database_cpu_secs: stored_after - stored,
        counted,
        counts,
    }
}

impl Figures {
    /// Prints them, and says so when the sink saw anything that should not be.
    pub(crate) fn print(&self, candidate: Candidate, orders: u64) {
        println!();
        let word = candidate.word();
        let first = self.first_after.as_secs_f64();
        let rate = self.rate;
        row(&word, &format!("{rate:.0} orders/s; first at the sink {first:.2} s after its start"));
        row(&format!("{word}: commit mode"), candidate.mode());
        for (name, used) in &self.processes {
            row(&format!("{word}: {name}"), &used.per(self.counted).to_string());
        }
        let stored = self.database_cpu_secs * 1_000.0 / self.counted as f64;
        if let Candidate::HubOnPostgres = candidate {
            let stored = format!("CPU {stored:.3} s per 1,000 orders");
            row(&format!("{word}: database"), &stored);
        }
        let count = |name: &str| self.counts[name].as_u64().unwrap_or(0);
        let (doubled, late) = (count("doubled"), count("out_of_order"));
        let (repeated, received) = (count("repeated"), count("references"));
        let figures = format!(
            "orders {received} of {orders}, repeated {repeated}, doubled {doubled}, out of order {late}"
        );
        row(&format!("{word}: counted at the sink"), &figures);
    }
}
