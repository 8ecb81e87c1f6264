//! Cuts an expression into tokens: the closed set that may reach the engine.

use super::{ExpressionError, Name};
use crate::codes;
use crate::diagnostic::{Span, visible};
use crate::path::{MOST_SEGMENTS, Segment, is_number};

/// One token.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A dotted name.
    Name(Name),
    /// A function's name; `(` follows.
    Call(String),
    /// `.name` behind a closing bracket.
    Property(String),
    /// A text in quotes.
    Text(String),
    /// A number as written.
    Number(String),
    /// `true`, `false`, an operator, a bracket or a comma.
    Sign(&'static str),
}

/// What stands in for `if`.
pub(super) const NO_IF: &str = "there is no `if`: compare, `p == 'expedite'`, and let `as: { boolean: { true: Y, false: N } }` write \
                                the result; or take a rule for each, with `where:`";

/// Longer signs before their beginnings.
const SIGNS: [&str; 19] = [
    "==", "!=", "<=", ">=", "&&", "||", "??", "<", ">", "!", "+", "-", "*", "%", "(", ")", "[",
    "]", ",",
];

/// Cuts `text`.
pub(super) fn tokens(text: &str) -> Result<Vec<(Token, Span)>, ExpressionError> {
    let mut reader = Reader { text, at: 0 };
    let mut tokens: Vec<(Token, Span)> = Vec::new();
    loop {
        reader.blanks();
        let start = reader.at;
        let Some(first) = reader.peek() else { break };
        let after_bracket =
            matches!(tokens.last(), Some((Token::Sign(")" | "]") | Token::Property(_), _)));
        let token = match first {
            '\'' | '"' => Token::Text(reader.quoted(first)?),
            '0'..='9' => reader.number()?,
            '.' if after_bracket => reader.property()?,
            c if is_first(c) => reader.name()?,
            _ => reader.sign()?,
        };
        tokens.push((token, Span::new(start, reader.at)));
    }
    if tokens.is_empty() {
        return Err(error(Span::new(0, text.len()), "an expression is empty", None));
    }
    Ok(tokens)
}

pub(super) fn error(span: Span, message: &str, hint: Option<&str>) -> ExpressionError {
    ExpressionError {
        code: codes::EXPRESSION,
        span,
        message: message.to_owned(),
        hint: hint.map(str::to_owned),
    }
}

fn is_first(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

fn is_inner(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take(&mut self, prefix: &str) -> bool {
        let found = self.rest().starts_with(prefix);
        self.at += if found { prefix.len() } else { 0 };
        found
    }

    fn blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn fail<T>(&self, message: &str, hint: Option<&str>) -> Result<T, ExpressionError> {
        let length = self.peek().map_or(0, char::len_utf8);
        Err(error(Span::new(self.at, self.at + length), message, hint))
    }

    /// A quoted text; the quote itself is written twice.
    fn quoted(&mut self, quote: char) -> Result<String, ExpressionError> {
        let start = self.at;
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = self.rest();
            let Some(end) = rest.find(quote) else {
                return Err(error(
                    Span::new(start, self.text.len()),
                    "a quote is not closed",
                    None,
                ));
            };
            out.push_str(rest.get(..end).unwrap_or_default());
            self.at += end + 1;
            if self.peek() != Some(quote) {
                return Ok(out);
            }
            self.at += 1;
            out.push(quote);
        }
    }

    fn digits(&mut self) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    fn number(&mut self) -> Result<Token, ExpressionError> {
        let start = self.at;
        self.digits();
        if self.take(".") && self.digits().is_empty() {
            return self.fail("expected a digit behind the point", None);
        }
        if self.peek().is_some_and(|c| is_first(c) || c == '.') {
            return self.fail("a number ends here", Some("a name does not begin with a digit"));
        }
        Ok(Token::Number(self.text.get(start..self.at).unwrap_or_default().to_owned()))
    }

    /// Letters, digits, `_`, and hyphens between them.
    fn part(&mut self) -> &'a str {
        let rest = self.rest();
        let mut end = 0;
        let mut chars = rest.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            let inside =
                c == '-' && at > 0 && chars.peek().is_some_and(|(_, next)| is_inner(*next));
            if !is_inner(c) && !inside {
                break;
            }
            end = at + c.len_utf8();
        }
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    fn name(&mut self) -> Result<Token, ExpressionError> {
        let start = self.at;
        let root = self.part().to_owned();
        match root.as_str() {
            "true" => return Ok(Token::Sign("true")),
            "false" => return Ok(Token::Sign("false")),
            "in" => return Ok(Token::Sign("in")),
            _ => {}
        }
        if self.rest().starts_with('(') {
            return Ok(Token::Call(root));
        }
        let mut segments = Vec::new();
        while self.take(".") {
            self.segment(&mut segments)?;
        }
        if segments.len() > MOST_SEGMENTS {
            let span = Span::new(start, self.at);
            return Err(error(span, "a name has too many parts", None));
        }
        let text = self.text.get(start..self.at).unwrap_or_default().to_owned();
        Ok(Token::Name(Name::new(root, segments, text)))
    }

    fn segment(&mut self, segments: &mut Vec<Segment>) -> Result<(), ExpressionError> {
        if self.take("*") {
            if self.peek().is_some_and(is_inner) {
                return self.fail("expected `.` behind `*`", None);
            }
            segments.push(Segment::Each);
            return Ok(());
        }
        if self.peek() == Some('\'') {
            let key = self.quoted('\'')?;
            segments.push(Segment::Key(key));
            return Ok(());
        }
        let part = self.part();
        if part.is_empty() {
            return self.fail("a name ends with a point", None);
        }
        let digits = part.bytes().all(|byte| byte.is_ascii_digit());
        segments.push(match part.parse() {
            Ok(index) if digits => Segment::Index(index),
            _ => Segment::Key(part.to_owned()),
        });
        if self.rest().starts_with('(') {
            self.element(segments)?;
        }
        Ok(())
    }

    /// `(key=value)` behind a list's name.
    fn element(&mut self, segments: &mut Vec<Segment>) -> Result<(), ExpressionError> {
        let start = self.at;
        self.at += 1;
        if let Some(segment) = self.quoted_element()? {
            segments.push(segment);
            return Ok(());
        }
        let rest = self.rest();
        let end = rest.find(')').unwrap_or(rest.len());
        let inside = rest.get(..end).unwrap_or_default();
        let parts = inside.split_once('=').filter(|(key, value)| {
            !key.is_empty()
                && !value.is_empty()
                && !inside.contains(['(', '\'', '"'])
                && end < rest.len()
        });
        let Some((key, value)) = parts else {
            return Err(error(
                Span::new(start, start + 1),
                "a name with points is no function",
                Some("write `f(a.b)`; the element where k is v is `a.b(k=v)`"),
            ));
        };
        let number = is_number(value);
        segments.push(Segment::Where { key: key.to_owned(), value: value.to_owned(), number });
        self.at += end + 1;
        Ok(())
    }

    /// `key='value')`: whatever letters stand between the quotes.
    fn quoted_element(&mut self) -> Result<Option<Segment>, ExpressionError> {
        let rest = self.rest();
        let key = rest.split_once('=').filter(|(key, value)| {
            !key.is_empty() && !key.contains(['(', ')', '\'', '"']) && value.starts_with('\'')
        });
        let Some((key, _)) = key else { return Ok(None) };
        self.at += key.len() + 1;
        let value = self.quoted('\'')?;
        if !self.take(")") {
            return self.fail("expected `)` behind the value of `(key='value')`", None);
        }
        Ok(Some(Segment::Where { key: key.to_owned(), value, number: false }))
    }

    fn property(&mut self) -> Result<Token, ExpressionError> {
        self.at += 1;
        let part = self.part();
        let plain = part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !plain || !part.starts_with(is_first) || self.rest().starts_with('(') {
            return self.fail("expected a plain key behind the point", None);
        }
        Ok(Token::Property(part.to_owned()))
    }

    fn sign(&mut self) -> Result<Token, ExpressionError> {
        for sign in SIGNS {
            if self.take(sign) {
                return Ok(Token::Sign(sign));
            }
        }
        match self.peek() {
            Some('/') => self.fail(
                "there is no `/`",
                Some("write `div(a, b, scale)`, which says how many decimals it keeps"),
            ),
            Some('=') => self.fail("`=` means nothing here", Some("equality is `==`")),
            Some('&' | '|') => self.fail("one sign is missing", Some("`&&` is and, `||` is or")),
            Some('?') => self.fail(
                "there is no `? :`",
                Some("in a mapping take two rules with `where:`; what stands in for `()` is `a ?? b`"),
            ),
            Some(other) => {
                let message =
                    format!("`{}` means nothing in an expression", visible(&other.to_string()));
                self.fail(&message, self.odd(other))
            }
            None => self.fail("an expression ends too early", None),
        }
    }

    /// What is meant by a character that means nothing, where that can be told.
    fn odd(&self, sign: char) -> Option<&'static str> {
        let first = self.text.split_whitespace().next();
        match sign {
            '{' | '}' if first == Some("if") => Some(NO_IF),
            '{' | '}' => Some("an expression has no braces; a text stands in quotes: `'{'`"),
            '`' | '´' | '“' | '”' | '„' | '‘' | '’' | '«' | '»' => {
                Some("texts stand in straight quotes: `'paid'`")
            }
            ';' => Some("an expression is one value: there are no statements"),
            _ => None,
        }
    }
}
