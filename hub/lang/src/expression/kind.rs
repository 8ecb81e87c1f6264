//! What is known of an expression before it is computed: the kind of its result, and that its functions are
//! given as many arguments as they take.

use super::ExpressionError;
use super::token::Token;
use crate::codes;
use crate::diagnostic::Span;

/// The kind of a result. Any of them may be nothing instead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// It depends on the values.
    #[default]
    Unknown,
    /// True or false.
    Boolean,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// A text.
    Text,
}

/// What functions take, by example, and what they give.
pub(super) const FUNCTIONS: &[(&str, &str, Kind)] = &[
    ("int", "int(x)", Kind::Integer),
    ("decimal", "decimal(x)", Kind::Number),
    ("text", "text(x)", Kind::Text),
    ("json", "json(x)", Kind::Text),
    ("parse", "parse(text)", Kind::Unknown),
    ("base64", "base64(x)", Kind::Text),
    ("b64url", "b64url(x)", Kind::Text),
    ("hex", "hex(x)", Kind::Text),
    ("upper", "upper(text)", Kind::Text),
    ("lower", "lower(text)", Kind::Text),
    ("md5", "md5(x)", Kind::Unknown),
    ("sha256", "sha256(x)", Kind::Unknown),
    ("hmac_sha256", "hmac_sha256(key, x)", Kind::Unknown),
    ("urlencode", "urlencode(text)", Kind::Text),
    ("len", "len(x)", Kind::Integer),
    ("sum", "sum(list)", Kind::Number),
    ("has", "has(x)", Kind::Boolean),
    ("quote", "quote(text, \"'\")", Kind::Text),
    ("div", "div(a, b, scale)", Kind::Number),
    ("replace", "replace(text, what, with)", Kind::Text),
    ("part", "part(text, from, length)", Kind::Text),
    ("starts", "starts(text, with)", Kind::Boolean),
];

fn function(name: &str) -> Option<&'static (&'static str, &'static str, Kind)> {
    FUNCTIONS.iter().find(|(known, ..)| *known == name)
}

/// The kind of an expression's result, as far as its outermost part tells.
pub(super) fn kind(tokens: &[(Token, Span)]) -> Kind {
    if let [(only, _)] = tokens {
        return single(only);
    }
    if let [(Token::Call(name), _), rest @ ..] = tokens
        && closing(rest) == rest.len().checked_sub(1)
    {
        return function(name).map_or(Kind::Unknown, |(_, _, kind)| *kind);
    }
    let mut depth = 0_usize;
    let mut compares = false;
    for (token, _) in tokens {
        match sign(token) {
            "(" | "[" => depth += 1,
            ")" | "]" => depth = depth.saturating_sub(1),
            "??" | "&&" | "||" if depth == 0 => return Kind::Unknown,
            "==" | "!=" | "<" | "<=" | ">" | ">=" | "in" if depth == 0 => compares = true,
            _ => {}
        }
    }
    if compares { Kind::Boolean } else { Kind::Unknown }
}

/// The sign that a token is; nothing for others.
fn sign(token: &Token) -> &'static str {
    if let Token::Sign(sign) = token { sign } else { "" }
}

fn single(token: &Token) -> Kind {
    match token {
        Token::Text(_) => Kind::Text,
        Token::Number(number) if number.contains('.') => Kind::Number,
        Token::Number(_) => Kind::Integer,
        Token::Sign("true" | "false") => Kind::Boolean,
        Token::Sign(_) | Token::Name(_) | Token::Call(_) | Token::Property(_) => Kind::Unknown,
    }
}

/// Where the bracket closes that these tokens begin with.
fn closing(tokens: &[(Token, Span)]) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, (token, _)) in tokens.iter().enumerate() {
        match sign(token) {
            "(" | "[" => depth += 1,
            ")" | "]" => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// Refuses a call with more or fewer arguments than its function takes.
pub(super) fn check(tokens: &[(Token, Span)]) -> Result<(), ExpressionError> {
    for (at, (token, span)) in tokens.iter().enumerate() {
        let Token::Call(name) = token else { continue };
        let Some((_, example, _)) = function(name) else { continue };
        let rest = tokens.get(at + 1..).unwrap_or_default();
        // A bracket that nothing closes is the parser's to report.
        let Some(inside) = closing(rest).and_then(|end| rest.get(1..end)) else { continue };
        let (given, takes) = (arguments(inside), example.matches(',').count() + 1);
        if given != takes {
            let s = if takes == 1 { "" } else { "s" };
            return Err(ExpressionError {
                code: codes::CALL,
                span: *span,
                message: format!("`{name}` takes {takes} argument{s}, not {given}"),
                hint: Some(format!("write `{example}`")),
            });
        }
    }
    Ok(())
}

fn arguments(inside: &[(Token, Span)]) -> usize {
    let mut depth = 0_usize;
    let mut commas = 0;
    for (token, _) in inside {
        match sign(token) {
            "(" | "[" => depth += 1,
            ")" | "]" => depth = depth.saturating_sub(1),
            "," if depth == 0 => commas += 1,
            _ => {}
        }
    }
    if inside.is_empty() { 0 } else { commas + 1 }
}
