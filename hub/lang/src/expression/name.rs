//! Dotted names: a root and a total path behind it.

use std::fmt;
use std::fmt::Write as _;

use super::EvalError;
use crate::path::{Segment, values};
use crate::value::Value;

/// A dotted name: `body.items.one.id`, `headers.x-signature`, `doc.lines.*.qty`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Name {
    /// The first part: who it is looked up in.
    pub root: String,
    /// The parts behind it.
    pub segments: Vec<Segment>,
    text: String,
}

impl Name {
    pub(super) fn new(root: String, segments: Vec<Segment>, text: String) -> Self {
        Self { root, segments, text }
    }

    /// The name of a place, as it would be written.
    pub fn of(root: &str, segments: Vec<Segment>) -> Self {
        let mut text = root.to_owned();
        for segment in &segments {
            let dot = if matches!(segment, Segment::Where { .. }) { "" } else { "." };
            // Writing to a String does not fail.
            let _fine = write!(text, "{dot}{segment}");
        }
        Self::new(root.to_owned(), segments, text)
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The key right behind the root: `token` of `secret.token`.
    pub fn key(&self) -> Option<&str> {
        match self.segments.first() {
            Some(Segment::Key(key)) => Some(key),
            Some(
                Segment::Index(_)
                | Segment::Each
                | Segment::Where { .. }
                | Segment::Setting(_)
                | Segment::Xref(_),
            )
            | None => None,
        }
    }

    /// Looks the parts behind the root up in `value`; missing is [`Value::Null`], a fan-out is a list.
    ///
    /// # Errors
    ///
    /// [`EvalError::Several`] for `.one` of a list of several.
    pub fn within(&self, value: &Value) -> Result<Value, EvalError> {
        self.lookup(value, &self.segments)
    }

    /// The same for a value that stands for the root and the key behind it.
    ///
    /// # Errors
    ///
    /// As [`Name::within`].
    pub fn within_key(&self, value: &Value) -> Result<Value, EvalError> {
        self.lookup(value, self.segments.get(1..).unwrap_or_default())
    }

    fn lookup(&self, start: &Value, segments: &[Segment]) -> Result<Value, EvalError> {
        let mut reached = vec![start];
        let mut fan_out = false;
        for segment in segments {
            fan_out |= *segment == Segment::Each;
            let mut next = Vec::with_capacity(reached.len());
            for value in reached {
                match (segment, value) {
                    (Segment::Key(key), Value::List(list)) if key == "one" => match list.as_slice()
                    {
                        [] => {}
                        [only] => next.push(only),
                        _ => return Err(EvalError::Several(self.text.clone())),
                    },
                    _ => next.extend(values(std::slice::from_ref(segment), value)),
                }
            }
            reached = next;
        }
        if fan_out {
            return Ok(Value::List(reached.into_iter().cloned().collect()));
        }
        Ok(reached.first().map_or(Value::Null, |value| (*value).clone()))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({})", self.text)
    }
}
