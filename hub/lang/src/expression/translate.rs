//! From tokens to the engine's script: names and constants become variables, so that no text of the file
//! is ever read as code.

use rhai::Dynamic;
use rust_decimal::Decimal;

use super::token::{Token, error};
use super::{ExpressionError, Name, functions};
use crate::codes;
use crate::diagnostic::{Span, nearest};

/// A script of ASCII signs, `v0…` for names, `c0…` for constants and `f_…` for functions.
#[derive(Debug)]
pub(super) struct Script {
    pub(super) text: String,
    pub(super) names: Vec<Name>,
    pub(super) constants: Vec<Dynamic>,
    /// (byte in `text`, where it comes from), rising.
    places: Vec<(usize, Span)>,
}

impl Script {
    /// Where a byte of the script comes from.
    pub(super) fn place(&self, byte: usize) -> Span {
        let after = self.places.partition_point(|(at, _)| *at <= byte);
        let found = after.checked_sub(1).and_then(|index| self.places.get(index));
        found.map_or(Span::default(), |(_, span)| *span)
    }
}

pub(super) fn script(text: &str, tokens: &[(Token, Span)]) -> Result<Script, ExpressionError> {
    let mut script = Script {
        text: String::new(),
        names: Vec::new(),
        constants: Vec::new(),
        places: Vec::new(),
    };
    for (token, span) in tokens {
        script.places.push((script.text.len(), *span));
        match token {
            Token::Name(name) => {
                let known = script.names.iter().position(|other| other == name);
                let index = known.unwrap_or(script.names.len());
                if known.is_none() {
                    script.names.push(name.clone());
                }
                script.text.push_str(&format!("v{index}"));
            }
            Token::Call(function) => {
                check_function(function, *span)?;
                // `(` must follow at once for the engine to see a call; it is the next token.
                script.text.push_str(&format!("f_{function}"));
                continue;
            }
            Token::Property(key) => script.text.push_str(&format!("?.{key}")),
            Token::Text(text) => script.constant(Dynamic::from(text.clone())),
            Token::Number(number) => {
                let value = constant(number).ok_or_else(|| {
                    error(*span, "this number has more digits than can be kept exactly", None)
                })?;
                script.constant(value);
            }
            Token::Sign(sign) => script.text.push_str(sign),
        }
        // `()` is one sign for the engine.
        if *token != Token::Sign("(") {
            script.text.push(' ');
        }
    }
    script.places.push((script.text.len(), Span::new(text.len(), text.len())));
    Ok(script)
}

impl Script {
    fn constant(&mut self, value: Dynamic) {
        self.text.push_str(&format!("c{}", self.constants.len()));
        self.constants.push(value);
    }
}

fn constant(number: &str) -> Option<Dynamic> {
    if number.contains('.') {
        Decimal::from_str_exact(number).ok().map(Dynamic::from_decimal)
    } else {
        number.parse::<i64>().ok().map(Dynamic::from_int)
    }
}

fn check_function(function: &str, span: Span) -> Result<(), ExpressionError> {
    if functions::NAMES.contains(&function) {
        return Ok(());
    }
    let hint = nearest(function, functions::NAMES.iter().copied()).map_or_else(
        || format!("functions: {}", functions::NAMES.join(" ")),
        |near| format!("did you mean `{near}`?"),
    );
    Err(ExpressionError {
        code: codes::UNKNOWN_FUNCTION,
        span,
        message: format!("there is no function `{function}`"),
        hint: Some(hint),
    })
}
