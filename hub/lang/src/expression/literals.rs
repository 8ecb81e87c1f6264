//! The words and numbers that an expression is written with: what those may say that it looks at.

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
}
