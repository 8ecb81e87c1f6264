//! `list(k=v)` within an expression: `v` is letters. One that reads like the name of a value is refused: as letters it
//! would hold for no element, without a word.

use super::ExpressionError;
use super::name::Name;
use super::token::Token;
use crate::codes;
use crate::diagnostic::Span;
use crate::path::{Segment, names_a_value};

/// Refuses filters that compare with the letters of a name of `roots`.
pub(super) fn check(tokens: &[(Token, Span)], roots: &[&str]) -> Result<(), ExpressionError> {
    for (token, span) in tokens {
        let Token::Name(name) = token else { continue };
        for segment in &name.segments {
            let Segment::Where { key, value, .. } = segment else { continue };
            if let Some(found) = bare(name, (key, value), roots) {
                return Err(error(name, (key, value), span.start as usize + found));
            }
        }
    }
    Ok(())
}

/// Where the value stands in the name, if it has no quotes and reads like a name of `roots`.
fn bare(name: &Name, (key, value): (&str, &str), roots: &[&str]) -> Option<usize> {
    let (root, rest) = value.trim().trim_start_matches(['{', '$']).split_once('.')?;
    let named = roots.contains(&root) && !rest.is_empty();
    let at = name.as_str().find(&format!("({key}={value})"))?;
    (named || names_a_value(value)).then_some(at + 1 + key.len() + 1)
}

fn error(name: &Name, (key, value): (&str, &str), at: usize) -> ExpressionError {
    let list = name.as_str().split('(').next().unwrap_or_default();
    let value = value.trim();
    let named = value.trim_matches(['{', '}', '$']);
    ExpressionError {
        code: codes::FILTER,
        span: Span::new(at, at + value.len()),
        message: format!(
            "`({key}={value})` compares with the letters `{value}`, and with no value"
        ),
        hint: Some(format!(
            "letters like these stand in quotes, `({key}='{value}')`; no value can stand there: `{named} in \
             {list}.*.{key}` tells whether one has it, and the `query:` of a request asks for that one alone"
        )),
    }
}
