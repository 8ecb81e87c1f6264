//! One candidate empties the queue: processes started, the sink watched, what each used counted.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use orderhub_tests::http;
use orderhub_tests::hub::{Hub, free_port};
use orderhub_tests::measure::process::{Used, used};
use orderhub_tests::measure::twin::Sink;
use orderhub_tests::measure::{rate, row};
use orderhub_tests::wait;
use serde_json::Value;

use super::bare::DONE;

/// Longest time for one candidate.
const BOUND: Duration = Duration::from_secs(240);
/// How often the sink is asked for its counts, which costs it little.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Who empties the queue.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Candidate {
    /// The program.
    Hub,
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
            Candidate::Bare { lanes } => format!("bare-{lanes}"),
        }
    }

    fn mode(self) -> &'static str {
        match self {
            Candidate::Hub => "SQLite, WAL, synchronous=FULL; acknowledged after commit",
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

/// Starts a sink and the candidate, and waits until the sink has every order.
pub(crate) async fn run(candidate: Candidate, parts: &Parts<'_>) -> Figures {
    let sink = Sink::start();
    let client = http::client();
    let began = Instant::now();
    let (bare, hub, pid) = match candidate {
        Candidate::Hub => {
            let port = free_port();
            settings(parts, port, sink.url());
            let hub = Hub::spawn(parts.folder, port);
            let pid = hub.pid();
            (None, Some(hub), pid)
        }
        Candidate::Bare { lanes } => {
            let program = std::env::current_exe().expect("this program has a path");
            let (lanes, count) = (lanes.to_string(), parts.orders.to_string());
            let words = ["bare", &lanes, &count, parts.amqp, parts.queue, sink.url()];
            let process = Command::new(program).args(words).stdout(Stdio::piped()).spawn();
            let process = Process(process.expect("it starts"));
            let pid = process.0.id();
            (Some(process), None, pid)
        }
    };
    let all = [("candidate", pid), ("sink", sink.pid()), ("broker", parts.broker)];
    let look = || all.map(|(_, pid)| used(pid));
    let what = format!("the sink has all orders of `{}`", candidate.word());
    // The first look that finds orders is where the clock starts: starting a process is not the job.
    let mut first: Option<(Instant, u64, [Used; 3])> = None;
    let mut tick = tokio::time::interval(LOOK_EVERY);
    let watching = async {
        loop {
            tick.tick().await;
            let counts = counts(&client, sink.url()).await;
            let now = counts["effects"]["order.changed"].as_u64().unwrap_or(0);
            if first.is_none() && now > 0 {
                first = Some((Instant::now(), now, look()));
            }
            if now >= parts.orders {
                break counts;
            }
        }
    };
    let counts = tokio::time::timeout(BOUND, watching).await;
    let (ended, after) = (Instant::now(), look());
    let counts = counts.unwrap_or_else(|_| panic!("after {BOUND:?} still not true: {what}"));
    if let Some(hub) = hub {
        settled(&hub, &client).await;
        hub.terminate().await;
    }
    if let Some(bare) = bare {
        bare.acknowledged();
    }
    let (started, before, used) = first.expect("the sink has orders");
    let counted = parts.orders - before;
    let processes = all.iter().zip(after).zip(used);
    Figures {
        rate: rate(counted, ended - started),
        first_after: started - began,
        processes: processes.map(|(((name, _), after), used)| (*name, after.since(used))).collect(),
        counted,
        counts,
    }
}

async fn counts(client: &reqwest::Client, url: &str) -> Value {
    let answer = client.get(format!("{url}/_twin/ledger?limit=0")).send().await;
    let page = answer.expect("the sink answers").bytes().await.expect("the sink answers");
    let page: Value = serde_json::from_slice(&page).expect("the sink answers JSON");
    page["counts"].clone()
}

/// Waits until the last receipts are stored: only then is the job over for the hub.
async fn settled(hub: &Hub, client: &reqwest::Client) {
    let url = hub.url("/api/v1/systems");
    wait::until("no lane of the hub wants anything", Duration::from_secs(20), || async {
        let page = client.get(&url).send().await.ok()?.bytes().await.ok()?;
        let page: Value = serde_json::from_slice(&page).ok()?;
        let systems = page["items"].as_array()?;
        let idle = |system: &Value| system["backlog"] == 0 && system["in_flight"] == 0;
        systems.iter().all(idle).then_some(())
    })
    .await;
}

/// The shipped files, one shop as the source, the sink as the only target.
fn settings(parts: &Parts<'_>, port: u16, sink: &str) {
    let mappings = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mappings");
    let mappings = mappings.canonicalize().expect("mappings/ is there");
    let (amqp, queue, mappings) = (parts.amqp, parts.queue, mappings.display());
    let text = format!(
        r#"
        [server]
        listen = "127.0.0.1:{port}"
        [mappings]
        path = "{mappings}"
        [egress]
        allow_private = ["127.0.0.1/32"]
        [bus]
        url = "{amqp}"
        [bus.consume.orders]
        queue = "{queue}"
        system = {{ header = "x-system" }}
        document = {{ fixed = "order_rest" }}
        message_id = {{ property = "message_id" }}
        [systems.shop_eu]
        integration = "shopify"
        base_url = "http://127.0.0.1:9"
        secrets = {{ token = {{ file = "secret" }}, webhook = {{ file = "secret" }} }}
        settings = {{ money = "shop_money", location_id = "1" }}
        [systems.sink]
        integration = "sink"
        base_url = "{sink}"
        "#
    );
    std::fs::write(parts.folder.join("orderhub.toml"), text).expect("the folder is writable");
    std::fs::write(parts.folder.join("secret"), "bench").expect("the folder is writable");
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
        let count = |name: &str| self.counts[name].as_u64().unwrap_or(0);
        let (doubled, late) = (count("doubled"), count("out_of_order"));
        let (repeated, received) = (count("repeated"), count("references"));
        let figures = format!(
            "orders {received} of {orders}, repeated {repeated}, doubled {doubled}, out of order {late}"
        );
        row(&format!("{word}: counted at the sink"), &figures);
    }
}
