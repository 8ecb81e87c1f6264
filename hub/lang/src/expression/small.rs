//! Small expressions, computed without the engine: the operators of numbers, comparisons and logic, and the
//! functions that most rules use. An expression runs for every order; asking the engine takes fifty times as long.
//!
//! **Invariant:** what is computed here is what the engine computes. Whatever is not plainly so (another type, an
//! overflow, something missing, an error) is left to the engine, which says what is wrong. Tests:
//! `a_small_expression_is_what_the_engine_makes_of_it`, `operators_bind_as_the_engine_binds_them`.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "what is computed here is named; anything else is the engine's"
)]

use std::borrow::Cow;
use std::cmp::Ordering;

use rust_decimal::prelude::ToPrimitive as _;
use rust_decimal::{Decimal, RoundingStrategy};

use super::Name;
use super::token::Token;
use crate::diagnostic::Span;
use crate::value::Value;

/// Longest text and list that is worked on here; the engine knows the bounds of longer ones.
const LONGEST: usize = 4096;

/// Deepest nesting: the engine refuses deeper expressions, which are never asked for here.
const DEPTH: usize = 64;

/// A part of an expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Small {
    Constant(Value),
    /// The value of a name, by its number.
    Name(usize),
    Not(Box<Small>),
    Minus(Box<Small>),
    Binary(Operator, Box<Small>, Box<Small>),
    Call(Function, Vec<Small>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Or,
    And,
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    More,
    MoreOrEqual,
    Else,
    Plus,
    Minus,
    Times,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Decimal,
    Int,
    Text,
    Has,
    Div,
    Len,
}

/// Reads an expression that the engine has accepted; `None`: it needs the engine.
pub(super) fn read(tokens: &[(Token, Span)], names: &[Name]) -> Option<Small> {
    let mut reader = Reader { tokens, names, depth: 0 };
    let read = reader.binary(0)?;
    reader.tokens.is_empty().then_some(read)
}

struct Reader<'t> {
    tokens: &'t [(Token, Span)],
    names: &'t [Name],
    depth: usize,
}

impl<'t> Reader<'t> {
    fn sign(&self) -> &'static str {
        if let Some((Token::Sign(sign), _)) = self.tokens.first() { sign } else { "" }
    }

    fn next(&mut self) -> Option<&'t Token> {
        let ((token, _), rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(token)
    }

    fn take(&mut self, sign: &str) -> bool {
        let found = self.sign() == sign;
        if found {
            self.next();
        }
        found
    }

    /// Operators that bind at least so tight; all bind to the left.
    fn binary(&mut self, least: u8) -> Option<Small> {
        let mut left = self.unary()?;
        while let Some((operator, binds)) = operator(self.sign()).filter(|(_, own)| *own > least) {
            self.next();
            // The engine folds these before it runs, in its own way.
            if operator == Operator::Else && left == Small::Constant(Value::Null) {
                return None;
            }
            let right = self.binary(binds)?;
            left = Small::Binary(operator, Box::new(left), Box::new(right));
        }
        Some(left)
    }

    fn unary(&mut self) -> Option<Small> {
        self.depth += 1;
        if self.depth > DEPTH {
            return None;
        }
        let read = if self.take("!") {
            Small::Not(Box::new(self.unary()?))
        } else if self.take("-") {
            Small::Minus(Box::new(self.unary()?))
        } else {
            self.value()?
        };
        self.depth -= 1;
        Some(read)
    }

    fn value(&mut self) -> Option<Small> {
        match self.next()? {
            Token::Name(name) => self.names.iter().position(|known| known == name).map(Small::Name),
            Token::Text(text) => Some(Small::Constant(Value::Text(text.clone()))),
            Token::Number(number) => Some(Small::Constant(if number.contains('.') {
                Value::Decimal(Decimal::from_str_exact(number).ok()?)
            } else {
                Value::Int(number.parse().ok()?)
            })),
            Token::Sign("true") => Some(Small::Constant(Value::Bool(true))),
            Token::Sign("false") => Some(Small::Constant(Value::Bool(false))),
            Token::Sign("(") => {
                if self.take(")") {
                    return Some(Small::Constant(Value::Null));
                }
                let inside = self.binary(0)?;
                self.take(")").then_some(inside)
            }
            Token::Call(name) => {
                let function = function(name)?;
                let mut given = Vec::new();
                if !self.take("(") {
                    return None;
                }
                loop {
                    given.push(self.binary(0)?);
                    if self.take(")") {
                        break;
                    }
                    if !self.take(",") {
                        return None;
                    }
                }
                Some(Small::Call(function, given))
            }
            Token::Sign(_) | Token::Property(_) => None,
        }
    }
}

/// An operator and how tight it binds.
fn operator(sign: &str) -> Option<(Operator, u8)> {
    Some(match sign {
        "||" => (Operator::Or, 1),
        "&&" => (Operator::And, 2),
        "==" => (Operator::Equal, 3),
        "!=" => (Operator::Unequal, 3),
        "<" => (Operator::Less, 4),
        "<=" => (Operator::LessOrEqual, 4),
        ">" => (Operator::More, 4),
        ">=" => (Operator::MoreOrEqual, 4),
        "??" => (Operator::Else, 5),
        "+" => (Operator::Plus, 6),
        "-" => (Operator::Minus, 6),
        "*" => (Operator::Times, 7),
        _ => return None,
    })
}

fn function(name: &str) -> Option<Function> {
    Some(match name {
        "decimal" => Function::Decimal,
        "int" => Function::Int,
        "text" => Function::Text,
        "has" => Function::Has,
        "div" => Function::Div,
        "len" => Function::Len,
        _ => return None,
    })
}

type Found<'v> = Option<Cow<'v, Value>>;

impl Small {
    /// Its value; `None`: the engine must be asked.
    pub(super) fn value<'v>(&'v self, names: &'v [Value]) -> Found<'v> {
        match self {
            Small::Constant(value) => Some(Cow::Borrowed(value)),
            Small::Name(number) => names.get(*number).map(Cow::Borrowed),
            Small::Not(of) => Some(Cow::Owned(Value::Bool(!boolean(&*of.value(names)?)?))),
            Small::Minus(of) => match &*of.value(names)? {
                Value::Int(whole) => Some(Cow::Owned(Value::Int(whole.checked_neg()?))),
                Value::Decimal(exact) => Some(Cow::Owned(Value::Decimal(-*exact))),
                _ => None,
            },
            Small::Binary(operator, left, right) => binary(*operator, left, right, names),
            Small::Call(function, given) => call(*function, given, names),
        }
    }
}

fn boolean(value: &Value) -> Option<bool> {
    if let Value::Bool(yes) = value { Some(*yes) } else { None }
}

fn binary<'v>(
    operator: Operator,
    left: &'v Small,
    right: &'v Small,
    names: &'v [Value],
) -> Found<'v> {
    let first = left.value(names)?;
    match operator {
        Operator::Or | Operator::And => {
            let decided = boolean(&first)?;
            if decided == (operator == Operator::Or) {
                return Some(first);
            }
            right.value(names).filter(|second| boolean(second).is_some())
        }
        Operator::Else if *first != Value::Null => Some(first),
        Operator::Else => right.value(names),
        Operator::Plus | Operator::Minus | Operator::Times => {
            let second = right.value(names)?;
            arithmetic(operator, &first, &second).map(Cow::Owned)
        }
        Operator::Equal
        | Operator::Unequal
        | Operator::Less
        | Operator::LessOrEqual
        | Operator::More
        | Operator::MoreOrEqual => {
            let second = right.value(names)?;
            compare(operator, &first, &second).map(|holds| Cow::Owned(Value::Bool(holds)))
        }
    }
}

fn exact(value: &Value) -> Option<Decimal> {
    match value {
        Value::Int(whole) => Some(Decimal::from(*whole)),
        Value::Decimal(exact) => Some(*exact),
        _ => None,
    }
}

fn arithmetic(operator: Operator, left: &Value, right: &Value) -> Option<Value> {
    if let (Value::Int(left), Value::Int(right)) = (left, right) {
        let whole = match operator {
            Operator::Plus => left.checked_add(*right),
            Operator::Minus => left.checked_sub(*right),
            _ => left.checked_mul(*right),
        };
        return whole.map(Value::Int);
    }
    let (left, right) = (exact(left)?, exact(right)?);
    let exact = match operator {
        Operator::Plus => left.checked_add(right),
        Operator::Minus => left.checked_sub(right),
        _ => left.checked_mul(right),
    };
    exact.map(Value::Decimal)
}

fn compare(operator: Operator, left: &Value, right: &Value) -> Option<bool> {
    let equal = match (left, right) {
        (Value::Int(left), Value::Int(right)) => return Some(ordered(operator, left.cmp(right))),
        (Value::Int(_) | Value::Decimal(_), Value::Int(_) | Value::Decimal(_)) => {
            return Some(ordered(operator, exact(left)?.cmp(&exact(right)?)));
        }
        (Value::Text(left), Value::Text(right)) => left == right,
        (Value::Bool(left), Value::Bool(right)) => left == right,
        (Value::Null, other) | (other, Value::Null) => *other == Value::Null,
        _ => return None,
    };
    match operator {
        Operator::Equal => Some(equal),
        Operator::Unequal => Some(!equal),
        _ => None,
    }
}

fn ordered(operator: Operator, found: Ordering) -> bool {
    match operator {
        Operator::Equal => found.is_eq(),
        Operator::Unequal => found.is_ne(),
        Operator::Less => found.is_lt(),
        Operator::LessOrEqual => found.is_le(),
        Operator::More => found.is_gt(),
        _ => found.is_ge(),
    }
}

/// A number, also from its text.
fn number(value: &Value) -> Option<Decimal> {
    let Value::Text(text) = value else { return exact(value) };
    let text = text.trim();
    if text.contains(['e', 'E']) {
        return Decimal::from_scientific(text).ok();
    }
    Decimal::from_str_exact(text).ok()
}

fn call<'v>(function: Function, given: &'v [Small], names: &'v [Value]) -> Found<'v> {
    if let (Function::Div, [over, under, scale]) = (function, given) {
        let (over, under) = (over.value(names)?, under.value(names)?);
        return div(&over, &under, &*scale.value(names)?).map(Cow::Owned);
    }
    let [of] = given else { return None };
    let of = of.value(names)?;
    if *of == Value::Null && matches!(function, Function::Decimal | Function::Int | Function::Text)
    {
        return Some(of);
    }
    Some(Cow::Owned(match function {
        Function::Decimal => Value::Decimal(number(&of)?),
        Function::Int => {
            if let Value::Bool(yes) = *of {
                return Some(Cow::Owned(Value::Int(yes.into())));
            }
            let number = number(&of)?;
            Value::Int(number.fract().is_zero().then(|| number.to_i64()).flatten()?)
        }
        Function::Text => Value::Text(of.scalar_text()?.into_owned()),
        Function::Has => Value::Bool(*of != Value::Null),
        Function::Len => Value::Int(match &*of {
            Value::Null => 0,
            Value::Text(text) if text.len() <= LONGEST => {
                i64::try_from(text.chars().count()).ok()?
            }
            Value::List(list) if list.len() <= LONGEST => i64::try_from(list.len()).ok()?,
            Value::Map(map) => i64::try_from(map.len()).ok()?,
            _ => return None,
        }),
        Function::Div => return None,
    }))
}

fn div(over: &Value, under: &Value, scale: &Value) -> Option<Value> {
    let Value::Int(scale) = scale else { return None };
    let scale = u32::try_from(*scale).ok().filter(|scale| *scale <= Decimal::MAX_SCALE)?;
    let quotient = number(over)?.checked_div(number(under)?)?;
    let mut rounded =
        quotient.round_dp_with_strategy(scale, RoundingStrategy::MidpointAwayFromZero);
    rounded.rescale(scale);
    Some(Value::Decimal(rounded))
}

#[cfg(test)]
#[path = "small_tests.rs"]
mod tests;
