//! What a process used, by `/proc`: CPU seconds, memory, bytes written.

use std::fmt;

/// Clock ticks in a second of `/proc/PID/stat`: fixed by the kernel's interface.
const TICKS: f64 = 100.0;

/// What a process has used since it started.
#[derive(Clone, Copy, Debug, Default)]
pub struct Used {
    /// In user mode and in the kernel, all threads.
    pub cpu_secs: f64,
    /// Bytes that it caused to be written to the disk.
    pub written: u64,
    /// Memory now.
    pub rss_kib: u64,
    /// Most memory ever.
    pub peak_kib: u64,
}

/// Looks at a process; zeros for one that is gone.
pub fn used(pid: u32) -> Used {
    let (status, io) = (read(pid, "status"), read(pid, "io"));
    Used {
        cpu_secs: cpu_secs(pid, &[14, 15]),
        written: field(&io, "write_bytes:"),
        rss_kib: field(&status, "VmRSS:"),
        peak_kib: field(&status, "VmHWM:"),
    }
}

/// CPU seconds of a process and its children, those that ended included.
pub fn family_cpu_secs(pid: u32) -> f64 {
    let children = read(pid, &format!("task/{pid}/children"));
    let children = children.split_whitespace().filter_map(|child| child.parse().ok());
    let children = children.map(|child: u32| cpu_secs(child, &[14, 15]));
    cpu_secs(pid, &[14, 15, 16, 17]) + children.sum::<f64>()
}

fn read(pid: u32, file: &str) -> String {
    std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default()
}

/// The sum of these fields of `/proc/PID/stat`, which count clock ticks.
fn cpu_secs(pid: u32, fields: &[usize]) -> f64 {
    let stat = read(pid, "stat");
    // The name, in brackets, may hold blanks; after it stand the state (3rd field) and the rest.
    let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let rest: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |field: &usize| rest.get(field - 3)?.parse::<f64>().ok();
    fields.iter().filter_map(ticks).sum::<f64>() / TICKS
}

/// Looks at this process.
pub fn own() -> Used {
    used(std::process::id())
}

/// CPU seconds of this process to the nanosecond, threads that ended included.
pub fn own_cpu_secs() -> f64 {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    used.tv_sec as f64 + used.tv_nsec as f64 / 1e9
}

fn field(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

impl Used {
    /// What came on top of `before`; memory stays as it is now.
    pub fn since(self, before: Used) -> Used {
        Used {
            cpu_secs: self.cpu_secs - before.cpu_secs,
            written: self.written.saturating_sub(before.written),
            ..self
        }
    }

    /// The figures for so many orders.
    pub fn per(self, orders: u64) -> Per {
        Per { used: self, orders }
    }
}

/// What a process used for so many orders, to print.
#[derive(Clone, Copy, Debug)]
pub struct Per {
    used: Used,
    orders: u64,
}

impl fmt::Display for Per {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Used { cpu_secs, rss_kib, peak_kib, written } = self.used;
        let (cpu, mib) = (cpu_secs * 1000.0 / self.orders as f64, |kib: u64| kib as f64 / 1024.0);
        let (now, peak) = (mib(rss_kib), mib(peak_kib));
        let kib = written as f64 / 1024.0 / self.orders as f64;
        write!(f, "CPU {cpu:.3} s per 1,000 orders, RSS {now:.0} MiB, peak {peak:.0} MiB")?;
        if written > 0 { write!(f, ", {kib:.1} KiB written an order") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_seen_to_use_what_it_uses() {
        let before = own();
        let mut sum = 0_u64;
        while own().since(before).cpu_secs < 0.05 {
            sum = (0..100_000_u64).fold(sum, |sum, n| sum.wrapping_add(std::hint::black_box(n)));
        }
        let (after, exact) = (own(), own_cpu_secs());
        assert!(exact > 0.04, "{exact}");
        assert!(after.rss_kib > 0 && after.peak_kib >= after.rss_kib, "{after:?} {sum}");
        assert_eq!(used(u32::MAX).rss_kib, 0, "a process that is gone has used nothing");
    }
}
