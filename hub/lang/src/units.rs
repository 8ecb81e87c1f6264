//! Durations and rates as files write them: `500ms`, `10s`, `5m`, `1h`, `7d`; `10/s`, `1/3m`.

use std::time::Duration;

/// Longest duration that a file may name: a year.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

/// A duration; `None` for anything else. `0s` is one.
pub fn duration(text: &str) -> Option<Duration> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (count, unit) = text.split_at_checked(digits)?;
    let duration = Duration::from_millis(count.parse::<u64>().ok()?.checked_mul(millis(unit)?)?);
    (duration <= LONGEST).then_some(duration)
}

/// So many in a time: `10/s`, `100/min`, `1/3m`; `None` for anything else and for none at all.
pub fn rate(text: &str) -> Option<(u32, Duration)> {
    let (count, time) = text.split_once('/')?;
    let count = count.parse::<u32>().ok().filter(|count| *count > 0)?;
    let per = if time.starts_with(|c: char| c.is_ascii_digit()) {
        duration(time)?
    } else {
        Duration::from_millis(millis(time)?)
    };
    (!per.is_zero()).then_some((count, per))
}

fn millis(unit: &str) -> Option<u64> {
    Some(match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_rates_are_read_as_files_write_them() {
        assert_eq!(duration("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(duration("7d"), Some(Duration::from_secs(7 * 86_400)));
        assert_eq!(duration("0s"), Some(Duration::ZERO));
        for wrong in ["", "10", "s", "1.5s", "-1s", "10 s", "99999999999999999999s", "900d"] {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
        assert_eq!(rate("10/s"), Some((10, Duration::from_secs(1))));
        assert_eq!(rate("1/3m"), Some((1, Duration::from_secs(180))));
        for wrong in ["0/s", "10", "1/0s", "/s", "a/s"] {
            assert_eq!(rate(wrong), None, "{wrong}");
        }
    }
}
