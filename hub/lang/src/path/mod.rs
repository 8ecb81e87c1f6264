//! Paths of the mapping language: `a.b`, `a.0`, `a.*.b`, `list(k=v).b`, `a.'odd key'`,
//! `a.($settings.money)`, `.`, `^b`, `/b`, `$settings.x`.
//!
//! Bounds: at most [`LONGEST`] bytes and [`MOST_SEGMENTS`] segments.

mod read;

pub(crate) use read::{is_number, names_a_value};

use std::fmt;

use crate::diagnostic::Span;
use crate::value::Value;

/// Longest text of a path, in bytes.
pub const LONGEST: usize = 512;

/// Most segments of a path.
pub const MOST_SEGMENTS: usize = 32;

/// Where a path starts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Root {
    /// The current element.
    Here,
    /// The surrounding element, so many levels up (`^b` is 1).
    Up(u32),
    /// The document (hub side: the order).
    Document,
    /// `$settings`
    Settings,
    /// `$args`
    Args,
    /// `$hub`
    Hub,
    /// `$xref(kind)`
    Xref(String),
    /// `$index`
    Index,
    /// `$position`, in replies
    Position,
    /// `$n`, an ordinal that is never reused
    Ordinal,
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Segment {
    /// A key of an object.
    Key(String),
    /// A place in an array.
    Index(u32),
    /// Every element.
    Each,
    /// The element where `key` is `value`.
    Where {
        /// The key looked at.
        key: String,
        /// The text it must have.
        value: String,
        /// It is a number without quotes: so it is written; read it is from a number and a text alike.
        number: bool,
    },
    /// A key whose name is a setting's value.
    Setting(String),
    /// `$xref(kind)` of the element reached so far (`line.$xref(line)`).
    Xref(String),
}

/// A parsed path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Path {
    /// Where it starts.
    pub root: Root,
    /// The steps; none: the start itself (`.`).
    pub segments: Vec<Segment>,
}

/// A path that does not parse: where within its text, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathError {
    /// Bytes within the path's text.
    pub span: Span,
    /// What is wrong and what to write.
    pub message: String,
}

impl Path {
    /// Parses a path, at most 512 bytes and 32 segments.
    ///
    /// # Errors
    ///
    /// [`PathError`] at the place within `text`.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        read::path(text)
    }

    /// Whether it can reach several values.
    pub fn is_fan_out(&self) -> bool {
        self.segments.contains(&Segment::Each)
    }

    /// Every value that its segments reach from `start`, in order: none where something is missing, and
    /// at most one without `*`. Settings and references, which a value does not hold, reach nothing.
    pub fn values<'v>(&self, start: &'v Value) -> Vec<&'v Value> {
        values(&self.segments, start)
    }

    /// The first value that is reached; [`Value::Null`] where there is none.
    pub fn first<'v>(&self, start: &'v Value) -> &'v Value {
        const NOTHING: &Value = &Value::Null;
        self.values(start).first().copied().unwrap_or(NOTHING)
    }
}

/// What [`Path::values`] does, for segments alone.
pub fn values<'v>(segments: &[Segment], start: &'v Value) -> Vec<&'v Value> {
    let mut reached = vec![start];
    for segment in segments {
        reached = reached.into_iter().flat_map(|value| step(segment, value)).collect();
    }
    reached
}

fn step<'v>(segment: &Segment, value: &'v Value) -> Vec<&'v Value> {
    match segment {
        Segment::Key(key) => value.get(key).into_iter().collect(),
        Segment::Index(index) => match value {
            Value::List(list) => list.get(*index as usize).into_iter().collect(),
            Value::Map(_) => value.get(&index.to_string()).into_iter().collect(),
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Decimal(_) | Value::Text(_) => {
                Vec::new()
            }
        },
        Segment::Each => match value {
            Value::List(list) => list.iter().collect(),
            Value::Map(map) => map.iter().map(|(_, value)| value).collect(),
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Decimal(_) | Value::Text(_) => {
                Vec::new()
            }
        },
        Segment::Where { key, value: wanted, .. } => value
            .as_list()
            .unwrap_or_default()
            .iter()
            .filter(|item| {
                let found = item.get(key).and_then(Value::scalar_text);
                found.as_deref() == Some(wanted.as_str())
            })
            .take(1)
            .collect(),
        Segment::Setting(_) | Segment::Xref(_) => Vec::new(),
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let needs_dot = match &self.root {
            Root::Here if self.segments.is_empty() => return f.write_str("."),
            Root::Here => false,
            Root::Up(levels) => {
                (0..*levels).try_for_each(|_| f.write_str("^"))?;
                false
            }
            Root::Document => {
                f.write_str("/")?;
                false
            }
            Root::Settings => f.write_str("$settings").map(|()| true)?,
            Root::Args => f.write_str("$args").map(|()| true)?,
            Root::Hub => f.write_str("$hub.").and_then(|()| f.write_str("/")).map(|()| false)?,
            Root::Xref(kind) => write!(f, "$xref({kind})").map(|()| true)?,
            Root::Index => f.write_str("$index").map(|()| true)?,
            Root::Position => f.write_str("$position").map(|()| true)?,
            Root::Ordinal => f.write_str("$n").map(|()| true)?,
        };
        for (position, segment) in self.segments.iter().enumerate() {
            let dot = !matches!(segment, Segment::Where { .. }) && (position > 0 || needs_dot);
            if dot {
                f.write_str(".")?;
            }
            write!(f, "{segment}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Segment::Key(key) => f.write_str(&quoted(key)),
            Segment::Index(index) => write!(f, "{index}"),
            Segment::Each => f.write_str("*"),
            Segment::Where { key, value, number: true } => write!(f, "({}={value})", quoted(key)),
            Segment::Where { key, value, .. } => write!(f, "({}={})", quoted(key), quoted(value)),
            Segment::Setting(name) => write!(f, "($settings.{name})"),
            Segment::Xref(kind) => write!(f, "$xref({kind})"),
        }
    }
}

/// A name as it must be written: in quotes where it would read as something else.
fn quoted(name: &str) -> String {
    let digits = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
    if read::is_plain(name) && !digits {
        name.to_owned()
    } else {
        format!("'{}'", name.replace('\'', "''"))
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
