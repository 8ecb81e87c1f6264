//! Measuring in turns: each round gives every contender the same work once, so that noise of the machine
//! hits all alike; what counts is the median of the rounds' ratios. The time is this process' own on the
//! processor: while others run, nothing is measured.

use std::time::Duration;

use orderhub_tests::measure::watch::Watch;
use orderhub_tests::measure::{median, process, row};

/// What is measured, and by which name it is printed.
pub(crate) type Contender<'c> = (&'c str, &'c dyn Fn(usize));

/// Figures of one contender.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    /// Microseconds, median of the rounds.
    pub(crate) micros: f64,
    /// Microseconds of the best round.
    pub(crate) best: f64,
    /// Times the second contender's time of the same round, median.
    pub(crate) ratio: f64,
}

/// Runs all in turns over things 0 to `count` until the time is over. The second contender is the yardstick.
pub(crate) fn measure(contenders: &[Contender<'_>], count: usize, bound: Duration) -> Vec<Figure> {
    let began = Watch::start();
    let mut rounds: Vec<Vec<f64>> = vec![Vec::new(); contenders.len()];
    while began.elapsed() < bound || rounds[0].len() < 5 {
        for ((_, work), times) in contenders.iter().zip(&mut rounds) {
            let began = process::own_cpu_secs();
            (0..count).for_each(work);
            times.push((process::own_cpu_secs() - began) * 1e6 / count as f64);
        }
    }
    let yardstick = rounds.get(1).unwrap_or(&rounds[0]).clone();
    let figure = |mut times: Vec<f64>| {
        let mut ratios: Vec<f64> = times.iter().zip(&yardstick).map(|(own, by)| own / by).collect();
        let best = times.iter().copied().fold(f64::INFINITY, f64::min);
        Figure { micros: median(&mut times), best, ratio: median(&mut ratios) }
    };
    rounds.into_iter().map(figure).collect()
}

/// Prints them, and how the first stands to the second.
pub(crate) fn print(contenders: &[Contender<'_>], figures: &[Figure], bar: Option<f64>) {
    for ((name, _), figure) in contenders.iter().zip(figures) {
        row(name, &format!("{:.2} us an order (best {:.2})", figure.micros, figure.best));
    }
    let [own, by, ..] = figures else { return };
    let bar = bar.map(|bar| {
        format!(", bar {bar} x: {}", if own.ratio <= bar { "reached" } else { "MISSED" })
    });
    let bar = bar.unwrap_or_default();
    let best = own.best / by.best;
    row("  mapping / by hand", &format!("{:.2} x (best rounds {best:.2} x){bar}", own.ratio));
}
