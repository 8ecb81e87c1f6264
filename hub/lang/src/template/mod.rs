//! Text with expressions in braces, `/orders/{memo.id}`, for places that values must not break out of.
//!
//! A string that is exactly one `{x}` keeps the type of `x`. A brace itself is `{{`, a closing one `}}`.
//!
//! **Invariant:** what a value may do in a place is decided by the place, not by the file: no value can
//! end a path segment, start another query parameter, or begin a new header line. Test:
//! `a_value_cannot_break_out_of_its_place`.
//! **Invariant:** what templates make is counted as it is made, and bounded. Test: `what_is_made_is_bounded`.

mod error;
mod place;
mod tree;

use std::sync::Arc;

pub use self::error::RenderError;
use self::place::{address, escaped, is_address};
pub use self::tree::Tree;
use crate::codes;
use crate::convert::{Conversions, Convert, NoConversions};
use crate::diagnostic::{Findings, Span};
use crate::expression::{self, EvalError, Expression, ExpressionError, Kind, Name, Scope};
use crate::room::{Full, Room};
use crate::value::Value;
use crate::yaml::Node;

/// A compiled template.
#[derive(Clone, Debug)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
enum Part {
    Literal(String),
    Value { expression: Arc<dyn Expression>, text: String, convert: Option<Arc<dyn Convert>> },
}

/// Where a rendered template goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Part of a path: percent-encoded; empty, `.` and `..` are refused.
    Path,
    /// Part of a query or form value: percent-encoded.
    Query,
    /// A header's value: visible ASCII and blanks only.
    Header,
    /// The address in front of a path: only letters, digits, `-._~`; the value of `base_url`, or of a setting whose
    /// name ends with `_url`, is taken as it is where it stands first, and is an `http` or `https` address without query.
    Base,
    /// A text that is escaped later (a string of a JSON body) or needs no escape.
    Text,
}

impl Template {
    /// Parses a template whose expressions may read `roots`.
    ///
    /// # Errors
    ///
    /// [`ExpressionError`] at the place within `text`.
    pub fn parse(text: &str, roots: &[&str]) -> Result<Self, ExpressionError> {
        Self::parse_with(text, roots, &NoConversions)
    }

    /// The same with conversions: `{x as name}`.
    ///
    /// # Errors
    ///
    /// As [`Template::parse`]; a name that is no conversion, or one that gives no system's form.
    pub fn parse_with(
        text: &str,
        roots: &[&str],
        conversions: &dyn Conversions,
    ) -> Result<Self, ExpressionError> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut at = 0;
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let Some(brace) = rest.find(['{', '}']) else {
                literal.push_str(rest);
                break;
            };
            literal.push_str(rest.get(..brace).unwrap_or_default());
            at += brace;
            let from = text.get(at..).unwrap_or_default();
            if from.starts_with("{{") || from.starts_with("}}") {
                literal.push_str(from.get(..1).unwrap_or_default());
                at += 2;
            } else if from.starts_with('}') {
                literal.push('}');
                at += 1;
            } else {
                let inside = inside(from).ok_or_else(|| unclosed(at))?;
                if !literal.is_empty() {
                    parts.push(Part::Literal(std::mem::take(&mut literal)));
                }
                parts.push(value(inside, at + 1, roots, conversions)?);
                at += inside.len() + 2;
            }
        }
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(Self { parts })
    }

    /// Parses the template that a node holds; reports mistakes at their place in the file. Numbers and
    /// booleans are their text.
    pub fn parse_node(node: &Node, roots: &[&str], findings: &mut Findings) -> Option<Self> {
        Self::parse_node_with(node, roots, &NoConversions, findings)
    }

    /// The same with conversions.
    pub fn parse_node_with(
        node: &Node,
        roots: &[&str],
        conversions: &dyn Conversions,
        findings: &mut Findings,
    ) -> Option<Self> {
        let Some(text) = node.scalar_text() else {
            findings.report(findings.wrong_type(node, "a template is a text"));
            return None;
        };
        match Self::parse_with(&text, roots, conversions) {
            Ok(template) => Some(template),
            Err(error) => {
                expression::report(node, error, findings);
                None
            }
        }
    }

    /// The text, if it holds no expression.
    pub fn as_literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Literal(text)] => Some(text),
            [..] => None,
        }
    }

    /// The literal in front of the first expression; empty if it begins with one.
    pub fn prefix(&self) -> &str {
        match self.parts.first() {
            Some(Part::Literal(text)) => text,
            Some(Part::Value { .. }) | None => "",
        }
    }

    /// The first expression that stands between quotes of another language: its value could close them. A number
    /// cannot.
    pub fn bare_in_quotes(&self) -> Option<&str> {
        let mut open = None;
        for part in &self.parts {
            match part {
                Part::Literal(text) => open = quoted(text, open),
                Part::Value { expression, text, .. } => {
                    let number = matches!(expression.kind(), Kind::Integer | Kind::Number);
                    if open.is_some() && !number {
                        return Some(text);
                    }
                }
            }
        }
        None
    }

    /// Whether it is exactly one `{x}`.
    pub fn is_single(&self) -> bool {
        matches!(self.parts.as_slice(), [Part::Value { .. }])
    }

    /// The name, where it is exactly one and nothing is done with it.
    pub fn only_name(&self) -> Option<&Name> {
        match self.parts.as_slice() {
            [Part::Value { expression, convert: None, .. }] if expression.is_name() => {
                expression.reads().first()
            }
            [..] => None,
        }
    }

    /// The names it reads.
    pub fn reads(&self) -> impl Iterator<Item = &Name> {
        self.parts.iter().flat_map(|part| match part {
            Part::Literal(_) => [].iter(),
            Part::Value { expression, .. } => expression.reads().iter(),
        })
    }

    /// The names without which there is no text: each stands alone in its braces, beside something else.
    pub fn needs(&self) -> impl Iterator<Item = &Name> {
        let single = self.is_single();
        self.parts.iter().filter(move |_| !single).flat_map(|part| match part {
            Part::Value { expression, .. } if expression.is_name() => expression.reads().iter(),
            Part::Literal(_) | Part::Value { .. } => [].iter(),
        })
    }

    /// The value: of exactly one `{x}` with its type, else the text.
    ///
    /// # Errors
    ///
    /// [`RenderError`]; a missing value within a longer text is [`RenderError::Missing`].
    pub fn value(&self, scope: &dyn Scope) -> Result<Value, RenderError> {
        within(scope, |room| self.made(scope, room))
    }

    /// The same in what room is left.
    fn made(&self, scope: &dyn Scope, room: &Room) -> Result<Value, RenderError> {
        match self.parts.as_slice() {
            [Part::Value { expression, text, convert }] => {
                let value = eval(expression.as_ref(), (text, convert.as_deref()), scope)?;
                room.take(value.size()).map_err(|full| large(text, full))?;
                Ok(value)
            }
            [..] => self.written(scope, Place::Text, room).map(Value::Text),
        }
    }

    /// The text for a place.
    ///
    /// # Errors
    ///
    /// [`RenderError`]: an expression fails, a value is missing, is no scalar, or cannot stand there.
    pub fn render(&self, scope: &dyn Scope, place: Place) -> Result<String, RenderError> {
        within(scope, |room| self.written(scope, place, room))
    }

    fn written(&self, scope: &dyn Scope, place: Place, room: &Room) -> Result<String, RenderError> {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(text) => out.push_str(text),
                Part::Value { expression, text, convert } => {
                    let value = eval(expression.as_ref(), (text, convert.as_deref()), scope)?;
                    let first = expression.reads().first();
                    let is_base = first.is_some_and(is_address);
                    let written = if place == Place::Base && is_base && out.is_empty() {
                        address(&value, text)?
                    } else {
                        escaped(&value, text, place)?
                    };
                    room.take(written.len()).map_err(|full| large(text, full))?;
                    out.push_str(&written);
                }
            }
        }
        Ok(out)
    }
}

/// What is made in the room of a scope, else in room of its own.
fn within<T>(scope: &dyn Scope, make: impl FnOnce(&Room) -> T) -> T {
    match scope.room() {
        Some(room) => make(room),
        None => make(&Room::default()),
    }
}

fn large(text: &str, full: Full) -> RenderError {
    RenderError::Large { text: text.to_owned(), full }
}

/// The quote that is open behind a text; an apostrophe within a word opens none.
fn quoted(text: &str, mut open: Option<char>) -> Option<char> {
    let mut before = ' ';
    for c in text.chars() {
        match open {
            Some(quote) if c == quote => open = None,
            None if c == '"' || c == '\'' && !before.is_alphanumeric() => open = Some(c),
            Some(_) | None => {}
        }
        before = c;
    }
    open
}

fn unclosed(at: usize) -> ExpressionError {
    ExpressionError {
        code: codes::TEMPLATE,
        span: Span::new(at, at + 1),
        message: "a brace is not closed".to_owned(),
        hint: Some("a brace itself is `{{`".to_owned()),
    }
}

/// What stands between an opening brace and its closing one; braces within quotes do not count.
fn inside(from: &str) -> Option<&str> {
    let mut quote = None;
    for (at, c) in from.char_indices().skip(1) {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '\'' || c == '"' => quote = Some(c),
            None if c == '}' => return from.get(1..at),
            None => {}
        }
    }
    None
}

fn value(
    inside: &str,
    start: usize,
    roots: &[&str],
    conversions: &dyn Conversions,
) -> Result<Part, ExpressionError> {
    let (own, named) = match as_at(inside) {
        Some(at) => (inside.get(..at).unwrap_or_default(), inside.get(at + AS.len()..)),
        None => (inside, None),
    };
    let convert = match named {
        None => None,
        Some(named) => {
            let wrong = |(message, hint): (String, String)| {
                let at = start + inside.len() - named.trim_start().len();
                let span = Span::new(at, at + named.trim().len());
                ExpressionError { code: codes::TEMPLATE, span, message, hint: Some(hint) }
            };
            let name = named.trim();
            let found = conversions.named(name).map_err(wrong)?;
            if let Some(why) = found.one_way() {
                let hint = "what is sent needs a way out; convert it in the mapping".to_owned();
                return Err(wrong((format!("`{name}` cannot be written: {why}"), hint)));
            }
            Some(found)
        }
    };
    let shift = u32::try_from(start).unwrap_or(u32::MAX);
    let expression =
        expression::compile(own, roots).map_err(|error| in_braces(error, own, shift))?;
    Ok(Part::Value { expression, text: inside.trim().to_owned(), convert })
}

/// What stands before the name of a conversion.
const AS: &str = " as ";

/// Where the last ` as ` stands that is not within quotes.
fn as_at(inside: &str) -> Option<usize> {
    let (mut quote, mut found) = (None, None);
    for (at, c) in inside.char_indices() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '\'' || c == '"' => quote = Some(c),
            None if inside.get(at..).is_some_and(|rest| rest.starts_with(AS)) => found = Some(at),
            None => {}
        }
    }
    found
}

/// A mistake between braces: where it was not meant as an expression at all (another language, a piece of
/// JSON), the brace is what to mend.
fn in_braces(error: ExpressionError, inside: &str, shift: u32) -> ExpressionError {
    let at = inside.get(error.span.start as usize..).unwrap_or_default();
    let foreign =
        error.code == codes::EXPRESSION && at.starts_with([':', '{', '}', '$', '#', '\\']);
    let hint = match error.hint {
        Some(hint) if !foreign => Some(hint),
        _ if error.code == codes::EXPRESSION => {
            Some("`{` begins an expression; a brace itself is doubled: `{{`".to_owned())
        }
        hint => hint,
    };
    ExpressionError { span: error.span.shifted(shift), hint, ..error }
}

fn eval(
    expression: &dyn Expression,
    (text, convert): (&str, Option<&dyn Convert>),
    scope: &dyn Scope,
) -> Result<Value, RenderError> {
    let failed = |why: EvalError| match why {
        EvalError::Missing(name) => RenderError::Missing(name),
        why @ (EvalError::Several(_)
        | EvalError::Secret(_)
        | EvalError::Nothing(_)
        | EvalError::Failed(_)) => RenderError::Eval { text: text.to_owned(), why },
    };
    let value = expression.eval(scope).map_err(failed)?;
    match convert {
        Some(convert) if !value.is_null() => {
            convert.put(value).map_err(|why| failed(EvalError::Failed(why)))
        }
        Some(_) | None => Ok(value),
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
