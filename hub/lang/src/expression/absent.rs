//! What the text of an expression says of names that are missing: whether something else stands in for them.

use super::token::{Token, tokens};

/// What stands in for a name that is missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StandIn {
    /// Nothing is said of it.
    #[default]
    Unsaid,
    /// Another value, by `??`; or the expression only asks whether it is there, by `has`.
    Other,
    /// Nothing, and that is meant: `?? ()`.
    Nothing,
}

impl StandIn {
    /// What the text of an expression says; one that cannot be read says nothing.
    pub fn of(text: &str) -> Self {
        let Ok(tokens) = tokens(text) else { return Self::Unsaid };
        let tokens: Vec<Token> = tokens.into_iter().map(|(token, _)| token).collect();
        let meant = [Token::Sign("??"), Token::Sign("("), Token::Sign(")")];
        if tokens.windows(meant.len()).any(|window| window == meant) {
            return Self::Nothing;
        }
        let stands_in = |token: &Token| match token {
            Token::Sign(sign) => *sign == "??",
            Token::Call(function) => function == "has",
            Token::Name(_) | Token::Property(_) | Token::Text(_) | Token::Number(_) => false,
        };
        if tokens.iter().any(stands_in) { Self::Other } else { Self::Unsaid }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_is_read_from_the_text() {
        for (text, expected) in [
            ("body.items.one.id", StandIn::Unsaid),
            ("'a ?? ()' + body.id", StandIn::Unsaid),
            ("text(body.id)", StandIn::Unsaid),
            ("body.id ?? body.no", StandIn::Other),
            ("has(body.id)", StandIn::Other),
            ("body.label.id ?? ()", StandIn::Nothing),
            ("[['add', body.taxes??()]]", StandIn::Nothing),
            ("body.id ??", StandIn::Other),
            ("'", StandIn::Unsaid),
        ] {
            assert_eq!(StandIn::of(text), expected, "{text}");
        }
    }
}
