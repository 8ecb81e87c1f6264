//! `timestamp: { format, zone, twice, never }`: a moment, UTC in the hub.
//!
//! `format` is RFC 3339 by default, a strftime pattern or a list of them (the first writes), `epoch_s`
//! or `epoch_ms`. A zone is required where the source has none. A local time that comes twice at the
//! end of summer time is an error unless `twice:` says which is meant. `never` is the value that means
//! none.
//!
//! **Invariant:** no document of the hour that comes twice is older than another of that hour: as a revision, each local
//! time of it is the moment at which the clock was set back, whatever `twice:` says of other times. Test:
//! `no_document_of_the_hour_that_comes_twice_is_older`.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use orderhub_lang::yaml::Node;

use super::{Conversion, Law, Options, Put, Target, Type, zones};
use crate::cell::{Cell, Trouble};
use crate::quote::Quote;

#[derive(Debug)]
pub(crate) struct TimestampOf {
    formats: Vec<Format>,
    zone: Option<TimeZone>,
    twice: Twice,
    never: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
enum Format {
    Rfc3339,
    Pattern(String),
    EpochSeconds,
    EpochMillis,
}

/// Which of two equal local times is meant.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Twice {
    Earlier,
    Later,
    Hold,
}

impl TimestampOf {
    pub(crate) fn read(node: &Node, options: &mut Options<'_>) -> Option<Box<dyn Conversion>> {
        let plain =
            Self { formats: vec![Format::Rfc3339], zone: None, twice: Twice::Hold, never: None };
        if node.is_null() {
            return Some(Box::new(plain));
        }
        if node.as_map().is_none() {
            let formats = formats(node, options)?;
            return Self { formats, ..plain }.checked(node, options);
        }
        let mut fields = options.fields(node, "timestamp")?;
        let (format, zone) = (fields.optional("format"), fields.optional("zone"));
        let (twice, never) = (fields.optional("twice"), fields.optional("never"));
        fields.finish(options.findings);
        let formats = match format {
            Some(node) => formats(node, options)?,
            None => plain.formats,
        };
        let zone = match zone {
            Some(node) => Some(zone_of(node, options)?),
            None => None,
        };
        let twice = match twice {
            Some(node) => options.word(node, TWICE)?,
            None => Twice::Hold,
        };
        let never = match never {
            Some(node) => Some(options.only_text(node, "the value that means none is needed")?),
            None => None,
        };
        Self { formats, zone, twice, never }.checked(format.unwrap_or(node), options)
    }

    fn checked(self, node: &Node, options: &mut Options<'_>) -> Option<Box<dyn Conversion>> {
        let zoneless = self.formats.iter().any(|format| match format {
            Format::Pattern(pattern) => {
                !["%z", "%:z", "%s", "%Q"].iter().any(|p| pattern.contains(p))
            }
            Format::Rfc3339 | Format::EpochSeconds | Format::EpochMillis => false,
        });
        let half = self.formats.iter().find_map(|format| match format {
            Format::Pattern(pattern) if half_a_day(pattern) => Some(pattern),
            Format::Pattern(_) | Format::Rfc3339 | Format::EpochSeconds | Format::EpochMillis => {
                None
            }
        });
        if let Some(pattern) = half {
            let why = "hours up to twelve need `%p` for the half of the day, 15 o'clock would be 3";
            options.wrong(node, &format!("{why}: \"{}\"", pattern.replace("%I", "%H")));
            return None;
        }
        if zoneless && self.zone.is_none() {
            options.wrong(node, "this format has no zone: add `zone: Europe/Berlin`");
            return None;
        }
        Some(Box::new(self))
    }

    fn local(&self, at: DateTime, target: Target) -> Option<Result<Timestamp, Trouble>> {
        let zone = self.zone.as_ref()?;
        let ambiguous = zone.to_ambiguous_timestamp(at);
        let fold = matches!(ambiguous.offset(), AmbiguousOffset::Fold { .. });
        let chosen = match (fold, self.twice) {
            (true, Twice::Hold) => {
                let why = "this local time comes twice: set `twice: earlier` or `later`";
                return Some(Err(Trouble::new("ambiguous_time", why)));
            }
            (true, Twice::Later | Twice::Earlier) if target.is_revision => {
                ambiguous.later().map(|later| set_back(zone, later))
            }
            (true, Twice::Later) => ambiguous.later(),
            (true, Twice::Earlier) | (false, _) => ambiguous.compatible(),
        };
        Some(chosen.map_err(|_| not_a_time()))
    }

    fn with_format(
        &self,
        format: &Format,
        text: &str,
        target: Target,
    ) -> Option<Result<Timestamp, Trouble>> {
        match format {
            Format::Rfc3339 => match text.parse::<Timestamp>() {
                Ok(at) => Some(Ok(at)),
                Err(_) => self.local(text.parse::<DateTime>().ok()?, target),
            },
            Format::EpochSeconds => epoch(text, 1_000).map(Ok),
            Format::EpochMillis => epoch(text, 1).map(Ok),
            Format::Pattern(pattern) => {
                let parts = strtime::parse(pattern, text).ok()?;
                match parts.to_timestamp() {
                    Ok(at) => Some(Ok(at)),
                    Err(_) => {
                        let local = parts.to_datetime().ok();
                        let day = || Some(parts.to_date().ok()?.at(0, 0, 0, 0));
                        self.local(local.or_else(day)?, target)
                    }
                }
            }
        }
    }

    fn write(&self, at: Timestamp) -> Option<Cell<'static>> {
        let zone = || self.zone.clone().unwrap_or(TimeZone::UTC);
        Some(match self.formats.first()? {
            Format::Rfc3339 if self.zone.is_none() => Cell::text(at.to_string()),
            Format::Rfc3339 => {
                let zoned = at.to_zoned(zone());
                Cell::text(at.display_with_offset(zoned.offset()).to_string())
            }
            Format::EpochSeconds => Cell::Number(at.as_second().to_string().into()),
            Format::EpochMillis => Cell::Number(at.as_millisecond().to_string().into()),
            Format::Pattern(pattern) => {
                Cell::text(strtime::format(pattern, &at.to_zoned(zone())).ok()?)
            }
        })
    }
}

/// When a clock was set back, of a moment in the hour behind it.
fn set_back(zone: &TimeZone, moment: Timestamp) -> Timestamp {
    let behind = moment.checked_add(jiff::SignedDuration::from_nanos(1)).unwrap_or(moment);
    zone.preceding(behind).next().map_or(moment, |change| change.timestamp())
}

const TWICE: &[(&str, Twice)] =
    &[("earlier", Twice::Earlier), ("later", Twice::Later), ("hold", Twice::Hold)];

fn formats(node: &Node, options: &mut Options<'_>) -> Option<Vec<Format>> {
    let mut formats = Vec::new();
    for node in node.list_or_single() {
        let text = options.only_text(node, "a format is needed, such as \"%Y-%m-%d %H:%M:%S\"")?;
        formats.push(match text.as_str() {
            "rfc3339" => Format::Rfc3339,
            "epoch_s" => Format::EpochSeconds,
            "epoch_ms" => Format::EpochMillis,
            pattern if pattern.contains('%') => Format::Pattern(text),
            _ => {
                let why = "a strftime pattern, rfc3339, epoch_s or epoch_ms is needed";
                let like = strftime(&text).unwrap_or_else(|| "%Y-%m-%d %H:%M:%S".to_owned());
                options.wrong(node, &format!("{why}: \"{like}\""));
                return None;
            }
        });
    }
    if formats.is_empty() {
        options.wrong(node, "a format is needed");
    }
    (!formats.is_empty()).then_some(formats)
}

/// A pattern as other languages write it, `DD.MM.YYYY`, as it is written here.
pub(super) fn strftime(text: &str) -> Option<String> {
    let (mut pattern, mut hours) = (String::new(), false);
    let mut letters = text.chars().peekable();
    while let Some(first) = letters.next() {
        let mut length = 1;
        while letters.next_if_eq(&first).is_some() {
            length += 1;
        }
        let part = match (first.to_ascii_lowercase(), length) {
            ('y', 4) => "%Y",
            ('y', 2) => "%y",
            ('d', 1 | 2) => "%d",
            ('m', 1 | 2) if hours => "%M",
            ('m', 1 | 2) => "%m",
            ('h', 1 | 2) => "%H",
            ('s', 1 | 2) => "%S",
            ('t', 1) => "T",
            _ if first.is_alphanumeric() || first == '%' => return None,
            _ => {
                pattern.extend(std::iter::repeat_n(first, length));
                continue;
            }
        };
        hours = part == "%H";
        pattern.push_str(part);
    }
    pattern.contains('%').then_some(pattern)
}

/// Whether a pattern has hours up to twelve and no half of the day: 15:00 would be written as 03:00.
fn half_a_day(pattern: &str) -> bool {
    let mut letters = pattern.chars();
    let mut found = Vec::new();
    while let Some(letter) = letters.next() {
        if letter == '%' {
            found.extend(letters.find(|next| next.is_alphabetic() || *next == '%'));
        }
    }
    let has = |wanted: [char; 2]| found.iter().any(|letter| wanted.contains(letter));
    has(['I', 'l']) && !has(['p', 'P']) && !has(['H', 'k'])
}

fn zone_of(node: &Node, options: &mut Options<'_>) -> Option<TimeZone> {
    let name = options.only_text(node, "a zone is needed, such as Asia/Shanghai")?;
    let zone = zones::zone(&name);
    if zone.is_none() {
        options.wrong(node, "unknown zone: a name such as Asia/Shanghai, or +08:00, is needed");
    }
    zone
}

/// Milliseconds times `scale` since 1970, a fraction too.
fn epoch(text: &str, scale: i64) -> Option<Timestamp> {
    let exact = crate::cell::decimal(text)?.checked_mul(rust_decimal::Decimal::from(scale))?;
    let millis = rust_decimal::prelude::ToPrimitive::to_i64(&exact.trunc())?;
    Timestamp::from_millisecond(millis).ok()
}

fn not_a_time() -> Trouble {
    Trouble::new("not_a_time", "not a time in the format that the rule names")
}

impl Conversion for TimestampOf {
    fn name(&self) -> &'static str {
        "timestamp"
    }

    fn law(&self) -> Law {
        let coarse = self.formats.first().is_some_and(|format| *format != Format::Rfc3339);
        if !coarse && self.never.is_none() {
            return Law::Exact;
        }
        Law::Canonical("it is as fine as the format writes it")
    }

    fn gives(&self, from: Type) -> Result<Type, String> {
        // What has no zone of its own comes in the form of ISO 8601, and this must name one.
        let zoned = self.zone.is_some() && self.formats.first() == Some(&Format::Rfc3339);
        if from == Type::Local && !zoned {
            return Err(
                "a time with its zone: `timestamp: { zone: UTC }` takes one without".to_owned()
            );
        }
        super::text::scalar(from).map(|_| Type::Timestamp)
    }

    fn quote(&self) -> Quote {
        Quote::Typed
    }

    fn get<'a>(&self, cell: Cell<'a>, _: &[Cell<'a>], target: Target) -> Result<Cell<'a>, Trouble> {
        if cell == Cell::Null {
            return Ok(Cell::Null);
        }
        let text = cell.scalar().ok_or_else(|| Trouble::wrong_type(&cell, "a time"))?;
        if self.never.as_deref() == Some(&*text) {
            return Ok(Cell::Null);
        }
        let found = self.formats.iter().find_map(|format| self.with_format(format, &text, target));
        found.unwrap_or_else(|| Err(not_a_time())).map(Cell::Timestamp)
    }

    fn put<'a>(&self, cell: Cell<'a>, _: Target) -> Result<Put<'a>, Trouble> {
        match cell {
            Cell::Timestamp(at) => self.write(at).map(Put::main).ok_or_else(not_a_time),
            Cell::Null => Ok(Put::main(self.never.clone().map_or(Cell::Null, Cell::text))),
            // What a map of texts keeps of a moment, and what an expression gives.
            Cell::Text(text) => {
                let why = "not a time as the hub writes it, `2026-01-31T12:00:00Z`";
                let at = text.parse().map_err(|_| Trouble::new("not_a_time", why))?;
                self.write(at).map(Put::main).ok_or_else(not_a_time)
            }
            other => Err(Trouble::wrong_type(&other, "a timestamp")),
        }
    }

    fn takes_null(&self) -> bool {
        self.never.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::strftime;

    #[test]
    fn patterns_of_other_languages_are_told_as_they_are_written_here() {
        for (given, wanted) in [
            ("DD.MM.YYYY", Some("%d.%m.%Y")),
            ("dd.MM.yyyy HH:mm", Some("%d.%m.%Y %H:%M")),
            ("YYYY-MM-DDTHH:MM:SS", Some("%Y-%m-%dT%H:%M:%S")),
            ("M/D/YY", Some("%m/%d/%y")),
            ("yyyyMMddHHmmss", Some("%Y%m%d%H%M%S")),
            ("iso", None),
            ("--", None),
        ] {
            assert_eq!(strftime(given).as_deref(), wanted, "{given}");
        }
    }
}
