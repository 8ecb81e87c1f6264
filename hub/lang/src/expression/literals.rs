//! The words and numbers that an expression is written with, and what it orders: what those may say that it looks at.

use super::Name;
use super::token::{Token, tokens};
use crate::value::Value;

/// The texts in quotes and the whole numbers of an expression, in their order; one that cannot be read has none.
pub fn literals(text: &str) -> Vec<Value> {
    let tokens = tokens(text).unwrap_or_default();
    let literal = |(token, _): (Token, _)| match token {
        Token::Text(text) => Some(Value::Text(text)),
        Token::Number(number) => number.parse().ok().map(Value::Int),
        Token::Name(_) | Token::Call(_) | Token::Property(_) | Token::Sign(_) => None,
    };
    tokens.into_iter().filter_map(literal).collect()
}

/// Signs that ask which of two numbers is larger.
const ORDERS: [&str; 4] = ["<", "<=", ">", ">="];
/// Signs that bind less than those: no part of what stands at either side.
const OUTER: [&str; 6] = ["&&", "||", "==", "!=", "in", ","];

/// The names at either side of a `<`, `<=`, `>` or `>=`, each once: what stands there must be a number. An expression that
/// cannot be read has none.
pub fn ordered(text: &str) -> Vec<Name> {
    let tokens: Vec<Token> =
        tokens(text).unwrap_or_default().into_iter().map(|(token, _)| token).collect();
    let is_order = |token: &Token| matches!(token, Token::Sign(sign) if ORDERS.contains(sign));
    let mut found = Vec::new();
    for at in (0..tokens.len()).filter(|at| tokens.get(*at).is_some_and(is_order)) {
        let (before, behind) = tokens.split_at(at);
        side(before.iter().rev(), (&[")", "]"], &["(", "["]), &mut found);
        side(behind.iter().skip(1), (&["(", "["], &[")", "]"]), &mut found);
    }
    found
}

/// One side of a comparison, from its sign away.
fn side<'t>(
    tokens: impl Iterator<Item = &'t Token>,
    (opens, closes): (&[&str], &[&str]),
    found: &mut Vec<Name>,
) {
    let mut depth = 0_usize;
    for token in tokens {
        match token {
            Token::Name(name) if !found.contains(name) => found.push(name.clone()),
            Token::Sign(sign) if opens.contains(sign) => depth += 1,
            Token::Sign(sign) if closes.contains(sign) => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return,
            },
            Token::Sign(sign) if depth == 0 && (OUTER.contains(sign) || ORDERS.contains(sign)) => {
                return;
            }
            Token::Name(_)
            | Token::Sign(_)
            | Token::Call(_)
            | Token::Property(_)
            | Token::Text(_)
            | Token::Number(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_whole_numbers_are_found_and_nothing_else() {
        let found =
            literals("body.state in ['draft', 'it''s'] && len(body.'odd key') == 20 && 0.05 < 1");
        let expected = ["draft".into(), "it's".into(), Value::Int(20), Value::Int(1)];
        assert_eq!(found, expected);
        assert_eq!(literals("body.x == '"), []);
    }

    #[test]
    fn what_stands_at_either_side_of_an_order_is_found() {
        let cases = [
            ("body.page < body.pages", "body.page body.pages"),
            ("body.ok && int(body.at ?? 0) + 50 >= (body.all - 1)", "body.all body.at"),
            ("body.a == body.b || 3 > body.c", "body.c"),
            ("starts(body.a, 'x') && len(body.b) <= body.c.d", "body.b body.c.d"),
            ("f(body.a, body.b < 3) && body.c", "body.b"),
            ("body.a != body.b", ""),
            ("body.a < '", ""),
        ];
        for (text, expected) in cases {
            let mut names: Vec<String> = ordered(text).iter().map(ToString::to_string).collect();
            names.sort();
            assert_eq!(names.join(" "), expected, "{text}");
        }
    }
}
