//! `wrap: { __class__: Decimal, decimal: $value }`: a value inside a typed envelope; `wrap: { __class__:
//! datetime, year: $year, month: $month, day: $day, hour: $hour, minute: $minute, second: $second,
//! microsecond: $micro }`: a day or a time in its parts. In, what the envelope has besides must be as
//! written, wherever it stands; other keys of the document are passed over.
//!
//! A day in parts is a day. A time in parts has no zone: `timestamp: { zone: … }` behind it gives one. Parts
//! that the envelope does not have are zero.

use std::fmt::Write as _;

use jiff::civil::{Date, DateTime};
use orderhub_lang::value::Value;
use orderhub_lang::yaml::Node;

use super::{Conversion, Law, Options, Put, Target, Type};
use crate::cell::{Cell, Trouble};

/// The holes of a time, the first three those of a day.
const PARTS: [&str; 7] = ["$year", "$month", "$day", "$hour", "$minute", "$second", "$micro"];

#[derive(Debug)]
pub(crate) struct Wrap {
    kind: Kind,
    /// The whole envelope, holes as texts.
    envelope: Value,
}

/// What an envelope holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// `$value`
    Value,
    /// A day.
    Day,
    /// A time without a zone.
    Time,
}

impl Wrap {
    pub(crate) fn read(node: &Node, options: &mut Options<'_>) -> Option<Box<dyn Conversion>> {
        let envelope = node.to_value();
        if !options.is_short(node, &envelope) {
            return None;
        }
        let mut holes = Vec::new();
        find(&envelope, &mut holes);
        let has = |name: &str| holes.iter().filter(|hole| **hole == name).count();
        let kind = match holes.as_slice() {
            ["$value"] => Some(Kind::Value),
            _ if !holes.iter().all(|hole| PARTS.contains(hole) && has(hole) == 1) => None,
            _ if !["$year", "$month", "$day"].into_iter().all(|part| has(part) == 1) => None,
            [_, _, _] => Some(Kind::Day),
            _ => Some(Kind::Time),
        };
        let Some(kind) = kind.filter(|_| envelope.as_map().is_some()) else {
            let needs = "an envelope with `$value`, or with `$year`, `$month`, `$day` and the parts of a time, \
                         is needed: wrap: { __class__: Decimal, decimal: $value }";
            options.wrong(node, needs);
            return None;
        };
        Some(Box::new(Self { kind, envelope }))
    }
}

/// The holes of an envelope.
fn find<'v>(value: &'v Value, holes: &mut Vec<&'v str>) {
    match value {
        Value::Text(text) if text.starts_with('$') => holes.push(text),
        Value::List(items) => items.iter().for_each(|item| find(item, holes)),
        Value::Map(entries) => entries.iter().for_each(|(_, value)| find(value, holes)),
        _ => {}
    }
}

/// What stands in the holes; false where the document is not as the envelope.
fn matches<'v>(
    envelope: &'v Value,
    given: Option<&'v Value>,
    found: &mut Vec<(&'v str, Option<&'v Value>)>,
) -> bool {
    match (envelope, given) {
        (Value::Text(hole), given) if hole.starts_with('$') => {
            found.push((hole, given));
            true
        }
        (Value::Map(entries), Some(Value::Map(_))) => entries
            .iter()
            .all(|(key, value)| matches(value, given.and_then(|given| given.get(key)), found)),
        (Value::List(items), Some(Value::List(given))) => {
            items.len() == given.len()
                && items.iter().zip(given).all(|(item, given)| matches(item, Some(given), found))
        }
        // Scalars compare as text: `1` is `"1"`.
        (value, Some(given)) => match value.scalar_text() {
            Some(text) => given.scalar_text() == Some(text),
            None => value == given,
        },
        (value, None) => value.is_null(),
    }
}

/// The envelope with its holes filled.
fn filled(envelope: &Value, fill: &dyn Fn(&str) -> Value) -> Value {
    match envelope {
        Value::Text(hole) if hole.starts_with('$') => fill(hole),
        Value::List(items) => Value::List(items.iter().map(|item| filled(item, fill)).collect()),
        Value::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| (key.clone(), filled(value, fill)));
            Value::Map(entries.collect())
        }
        other => other.clone(),
    }
}

/// The day or time of the parts, as ISO 8601 writes them.
fn together(kind: Kind, found: &[(&str, Option<&Value>)]) -> Option<Cell<'static>> {
    let part = |name: &str| match found.iter().find(|(hole, _)| *hole == name) {
        None => Some(0),
        Some((_, value)) => value.and_then(|value| value.scalar_text()?.parse::<u32>().ok()),
    };
    let mut text = String::new();
    // Writing to a String does not fail.
    let _fine = write!(text, "{:04}-{:02}-{:02}", part("$year")?, part("$month")?, part("$day")?);
    if kind == Kind::Day {
        return text.parse::<Date>().ok().map(Cell::Date);
    }
    let (hour, minute, second) = (part("$hour")?, part("$minute")?, part("$second")?);
    let _fine = write!(text, "T{hour:02}:{minute:02}:{second:02}.{:06}", part("$micro")?);
    text.parse::<DateTime>().ok().map(|at| Cell::text(at.to_string()))
}

/// The parts of what `together` made, or of a time with an offset: its own clock counts.
fn apart(cell: &Cell<'_>) -> Option<DateTime> {
    if let Cell::Date(day) = cell {
        return Some(day.at(0, 0, 0, 0));
    }
    let text = cell.scalar()?;
    text.strip_suffix('Z').unwrap_or(&text).parse().ok()
}

fn part_of(at: DateTime, hole: &str) -> Value {
    Value::Int(match hole {
        "$year" => i64::from(at.year()),
        "$month" => i64::from(at.month()),
        "$day" => i64::from(at.day()),
        "$hour" => i64::from(at.hour()),
        "$minute" => i64::from(at.minute()),
        "$second" => i64::from(at.second()),
        _ => i64::from(at.subsec_nanosecond() / 1_000),
    })
}

impl Conversion for Wrap {
    fn name(&self) -> &'static str {
        "wrap"
    }

    fn law(&self) -> Law {
        match self.kind {
            Kind::Value => Law::Exact,
            Kind::Day | Kind::Time => Law::Canonical("a day or a time is written in its parts"),
        }
    }

    fn gives(&self, from: Type) -> Result<Type, String> {
        match (from, self.kind) {
            (Type::Raw | Type::Texts, Kind::Value) => Ok(from),
            (Type::Raw | Type::Texts, Kind::Day) => Ok(Type::Date),
            (Type::Raw | Type::Texts, Kind::Time) => Ok(Type::Local),
            _ => Err("an object".to_owned()),
        }
    }

    fn get<'a>(&self, cell: Cell<'a>, _: &[Cell<'a>], _: Target) -> Result<Cell<'a>, Trouble> {
        let tree = cell.tree().filter(|tree| tree.as_map().is_some());
        let tree = tree.ok_or_else(|| Trouble::wrong_type(&cell, "an object"))?;
        let mut found = Vec::new();
        if !matches(&self.envelope, Some(&tree), &mut found) {
            return Err(Trouble::new("wrong_type", "not the envelope that the rule names"));
        }
        if self.kind == Kind::Value {
            let value = found.first().and_then(|(_, value)| *value);
            return Ok(value.cloned().map_or(Cell::Absent, Cell::from_lang));
        }
        let why = "the envelope holds no day or time";
        together(self.kind, &found).ok_or_else(|| Trouble::new("not_a_time", why))
    }

    fn put<'a>(&self, cell: Cell<'a>, _: Target) -> Result<Put<'a>, Trouble> {
        let value = if self.kind == Kind::Value {
            let value = cell.to_lang();
            filled(&self.envelope, &|_| value.clone())
        } else {
            let why = "a day or a time of ISO 8601 is needed here";
            let at = apart(&cell).ok_or_else(|| Trouble::new("not_a_time", why))?;
            filled(&self.envelope, &|hole| part_of(at, hole))
        };
        Ok(Put::main(Cell::Json(value.to_json_text().into())))
    }
}
