//! Criterion over the process' own time on the processor, and ratios of its estimates.

use std::cell::Cell;
use std::fs;
use std::path::Path;
use std::time::Duration;

use criterion::measurement::{Measurement, ValueFormatter};
use criterion::{Criterion, Throughput};
use rustix::time::{ClockId, clock_gettime};

/// What is measured, and by which name it is printed; it is told which run this is.
pub(crate) type Compared<'c> = (&'static str, &'c dyn Fn(usize));

/// How often all are measured.
const ROUNDS: usize = 5;
/// Of one in one round: samples, and how long they and the warm-up take.
const SAMPLES: usize = 40;
const MEASURED: Duration = Duration::from_millis(1200);
const WARM: Duration = Duration::from_millis(300);

/// Nanoseconds of CPU time.
struct CpuTime;

impl Measurement for CpuTime {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        let used = clock_gettime(ClockId::ProcessCPUTime);
        let (secs, nanos) = (u64::try_from(used.tv_sec), u32::try_from(used.tv_nsec));
        Duration::new(secs.unwrap_or_default(), nanos.unwrap_or_default())
    }

    fn end(&self, began: Duration) -> Duration {
        self.start().saturating_sub(began)
    }

    fn add(&self, one: &Duration, other: &Duration) -> Duration {
        *one + *other
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        value.as_nanos() as f64
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        &Micros
    }
}

struct Micros;

impl ValueFormatter for Micros {
    fn scale_values(&self, _: f64, values: &mut [f64]) -> &'static str {
        values.iter_mut().for_each(|value| *value /= 1e3);
        "us of CPU"
    }

    fn scale_throughputs(&self, _: f64, _: &Throughput, values: &mut [f64]) -> &'static str {
        self.scale_values(0.0, values)
    }

    fn scale_for_machines(&self, _: &mut [f64]) -> &'static str {
        "ns"
    }
}

/// Measures in rounds.
pub(crate) struct Rounds {
    criterion: Criterion<CpuTime>,
    folder: tempfile::TempDir,
}

impl Rounds {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder for the samples");
        let criterion = Criterion::default().with_measurement(CpuTime).without_plots();
        let criterion = criterion.output_directory(folder.path()).sample_size(SAMPLES);
        let criterion = criterion.measurement_time(MEASURED).warm_up_time(WARM);
        Self { criterion, folder }
    }

    /// Measures all and prints what each takes; how each stands to the first, median of the rounds.
    pub(crate) fn run(&mut self, compared: &[Compared<'_>]) -> Vec<(&'static str, f64)> {
        let mut found: Vec<Vec<f64>> = vec![Vec::new(); compared.len()];
        for round in 0..ROUNDS {
            for ((name, work), micros) in compared.iter().zip(&mut found) {
                let id = format!("{name}, round {}", round + 1);
                let run = Cell::new(0_usize);
                self.criterion.bench_function(&id, |bencher| {
                    bencher.iter(|| work(run.replace(run.get() + 1)));
                });
                micros.push(estimate(&self.folder.path().join(&id)) / 1e3);
            }
        }
        let first = found[0].clone();
        let mut ratios = Vec::new();
        for ((name, _), micros) in compared.iter().zip(&mut found) {
            let mut against: Vec<f64> = micros.iter().zip(&first).map(|(own, by)| own / by).collect();
            ratios.push((*name, median(&mut against)));
            println!("{name:<44} {:.2} us of CPU an order", median(micros));
        }
        ratios
    }
}

/// Criterion's estimate of one run, in nanoseconds: the median of its samples.
fn estimate(folder: &Path) -> f64 {
    let path = folder.join("new/estimates.json");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let all: serde_json::Value = serde_json::from_str(&text).expect("estimates are JSON");
    all["median"]["point_estimate"].as_f64().expect("there is a median")
}

fn median(of: &mut [f64]) -> f64 {
    of.sort_by(f64::total_cmp);
    of[of.len() / 2]
}
