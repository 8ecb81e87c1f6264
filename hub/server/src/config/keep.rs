//! Table `[store.keep]`: how long is kept what grows with every message. Orders and their versions are kept
//! for ever, and so is whatever still waits for its time, a reference or a person.

use serde::{Deserialize, Serialize};

/// Longest time that is a number of days: ten years.
const MOST_DAYS: u16 = 3_650;
const DAY_S: u64 = 24 * 3_600;

/// Table `[store.keep]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Keep {
    /// Raw messages, with their personal data.
    pub messages: KeptFor,
    /// Attempts at deliveries.
    pub receipts: KeptFor,
    /// How many came in each minute.
    pub minutes: KeptFor,
}

/// So many whole days, written `90d`, or `forever`. What is older than that goes when its day (UTC) is over for
/// all of it: at most one day later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeptFor(Option<u16>);

impl KeptFor {
    /// Until somebody sets it otherwise.
    pub const FOREVER: Self = Self(None);

    /// So many days; `None` for none, and for more than ten years.
    pub fn days(days: u16) -> Option<Self> {
        (1..=MOST_DAYS).contains(&days).then_some(Self(Some(days)))
    }

    /// How many days; `None`: for ever.
    pub fn as_days(self) -> Option<u16> {
        self.0
    }
}

impl Default for KeptFor {
    /// A quarter: as long as people come with questions about one order.
    fn default() -> Self {
        Self(Some(90))
    }
}

impl TryFrom<String> for KeptFor {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == "forever" {
            return Ok(Self::FOREVER);
        }
        let days = match text.strip_suffix('d').map(str::parse) {
            Some(Ok(days)) => Some(days),
            Some(Err(_)) | None => orderhub_lang::units::duration(&text)
                .filter(|time| time.as_secs() % DAY_S == 0 && time.subsec_nanos() == 0)
                .and_then(|time| u16::try_from(time.as_secs() / DAY_S).ok()),
        };
        days.and_then(Self::days).ok_or_else(|| {
            format!("must be whole days from `1d` to `{MOST_DAYS}d`, such as `90d`, or `forever`")
        })
    }
}

impl From<KeptFor> for String {
    fn from(kept: KeptFor) -> String {
        kept.to_string()
    }
}

impl std::fmt::Display for KeptFor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(days) => write!(f, "{days}d"),
            None => f.write_str("forever"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_whole_days_within_its_bounds_or_forever() {
        let read = |text: &str| KeptFor::try_from(text.to_owned());
        for (text, shown) in
            [("1d", "1d"), ("3650d", "3650d"), ("48h", "2d"), ("forever", "forever")]
        {
            assert_eq!(read(text).unwrap().to_string(), shown, "{text}");
        }
        for wrong in ["0d", "3651d", "36h", "1d1h", "90", "", "always", "-1d", "99999d", "23h"] {
            assert!(read(wrong).unwrap_err().contains("`1d` to `3650d`"), "{wrong}");
        }
    }
}
