//! Reads the text of a path.

use super::{LONGEST, MOST_SEGMENTS, Path, PathError, Root, Segment};
use crate::diagnostic::Span;

/// Characters that mean something in a path; a key with one of them stands in quotes.
const SPECIAL: [char; 14] = ['.', '(', ')', '[', ']', '\'', '"', '*', '^', '/', '=', '$', '{', '}'];

/// Whether a name can stand without quotes.
pub(super) fn is_plain(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| SPECIAL.contains(&c) || c.is_whitespace())
}

/// Whether a text is a number as JSON writes it, without an exponent.
pub(crate) fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let text = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    digits(whole) && digits(fraction) && (whole == "0" || !whole.starts_with('0'))
}

/// Whether the value of `(key=value)` reads like one of the places that `$` begins.
pub(crate) fn names_a_value(value: &str) -> bool {
    ["$settings.", "$args.", "$hub.", "$xref("].iter().any(|root| value.trim().starts_with(root))
}

pub(super) fn path(text: &str) -> Result<Path, PathError> {
    if text.len() > LONGEST {
        return Err(PathError {
            span: Span::new(0, text.len()),
            message: format!("a path has at most {LONGEST} bytes"),
        });
    }
    let mut reader = Reader { text, at: 0 };
    let path = reader.path().map_err(|error| {
        let Some(meant) = meant(text) else { return error };
        let message = format!("{} (did you mean `{meant}`?)", error.message);
        PathError { message, ..error }
    })?;
    if path.segments.len() > MOST_SEGMENTS {
        return Err(PathError {
            span: Span::new(0, text.len()),
            message: format!("a path has at most {MOST_SEGMENTS} segments"),
        });
    }
    Ok(path)
}

/// The path that is meant by one of another language: `$.a[0].b`, `a/b`, `{a}`, `a..b`.
fn meant(text: &str) -> Option<String> {
    let inner = text.trim().trim_start_matches("{{").trim_end_matches("}}");
    let inner = inner.trim_start_matches(['{', '$']).trim_end_matches('}').trim();
    let document = if inner.starts_with('/') { "/" } else { "" };
    let parts = inner.split(['.', '/', '[', ']']).filter(|part| !part.is_empty());
    let parts: Vec<&str> = parts.map(|part| part.trim_matches(['\'', '"'])).collect();
    let meant = format!("{document}{}", parts.join("."));
    let fine = Reader { text: &meant, at: 0 }.path().is_ok();
    (fine && !parts.is_empty() && meant != text).then_some(meant)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn take(&mut self, prefix: &str) -> bool {
        let found = self.rest().starts_with(prefix);
        self.at += if found { prefix.len() } else { 0 };
        found
    }

    fn at_end(&self) -> bool {
        self.at >= self.text.len()
    }

    fn error<T>(&self, message: impl Into<String>) -> Result<T, PathError> {
        let next = self.rest().chars().next().map_or(1, char::len_utf8);
        Err(PathError { span: Span::new(self.at, self.at + next), message: message.into() })
    }

    fn path(&mut self) -> Result<Path, PathError> {
        if self.text.is_empty() {
            return self.error("a path is empty; the element itself is `.`");
        }
        if self.text == "." {
            return Ok(Path { root: Root::Here, segments: Vec::new() });
        }
        let (root, separated) = self.root()?;
        let mut segments = Vec::new();
        if separated {
            if self.at_end() {
                return Ok(Path { root, segments });
            }
            if !self.take(".") {
                return self.error("expected `.`");
            }
        } else if self.at_end() && root != Root::Here {
            return Ok(Path { root, segments });
        }
        loop {
            self.segment(&mut segments)?;
            if self.at_end() {
                return Ok(Path { root, segments });
            }
            if !self.take(".") {
                return self.error(
                    "expected `.`; a key with other characters stands in quotes: 'odd key'",
                );
            }
        }
    }

    /// The start, and whether a `.` stands between it and the first segment.
    fn root(&mut self) -> Result<(Root, bool), PathError> {
        if self.take("/") {
            return Ok((Root::Document, false));
        }
        let mut levels = 0;
        while self.take("^") {
            levels += 1;
        }
        if levels > 0 {
            return Ok((Root::Up(levels), false));
        }
        if !self.rest().starts_with('$') {
            return Ok((Root::Here, false));
        }
        if self.take("$xref(") {
            return Ok((Root::Xref(self.until_closed()?), true));
        }
        if self.take("$hub./") {
            return Ok((Root::Hub, false));
        }
        if self.rest().starts_with("$hub") {
            return self.error("the order as it stands is `$hub./…`, with a slash");
        }
        let names = [
            ("$settings", Root::Settings),
            ("$args", Root::Args),
            ("$index", Root::Index),
            ("$position", Root::Position),
            ("$n", Root::Ordinal),
        ];
        for (name, root) in names {
            let ends =
                self.rest().strip_prefix(name).is_some_and(|r| r.is_empty() || r.starts_with('.'));
            if ends {
                self.at += name.len();
                let alone = matches!(root, Root::Index | Root::Position | Root::Ordinal);
                if alone && !self.at_end() {
                    return self.error(format!("`{name}` has no parts"));
                }
                if !alone && self.at_end() {
                    return self.error(format!("`{name}` needs a name: `{name}.x`"));
                }
                return Ok((root, true));
            }
        }
        self.error("there is `$settings.x`, `$args.x`, `$hub./x`, `$xref(kind)`, `$index`, `$position` and `$n`; a key that begins with `$` stands in quotes")
    }

    fn segment(&mut self, segments: &mut Vec<Segment>) -> Result<(), PathError> {
        if self.take("*") {
            segments.push(Segment::Each);
        } else if self.take("($settings.") {
            let name = self.until_closed()?;
            segments.push(Segment::Setting(name));
        } else if self.take("$xref(") {
            let kind = self.until_closed()?;
            segments.push(Segment::Xref(kind));
        } else if self.rest().starts_with('\'') {
            let key = self.quoted()?;
            segments.push(Segment::Key(key));
        } else {
            let name = self.plain();
            if name.is_empty() {
                return self.error("expected a key, an index or `*`");
            }
            let index = name.bytes().all(|byte| byte.is_ascii_digit());
            segments.push(match name.parse() {
                Ok(number) if index => Segment::Index(number),
                _ => Segment::Key(name.to_owned()),
            });
        }
        while self.take("(") {
            let key = self.name("the key of `(key=value)`")?;
            if !self.take("=") {
                return self
                    .error("expected `=`: the element where a key has a value is `(key=value)`");
            }
            let bare = !self.rest().starts_with('\'');
            self.letters(&key)?;
            let value = self.name("the value of `(key=value)`")?;
            if !self.take(")") {
                return self.error("expected `)`");
            }
            let number = bare && is_number(&value);
            segments.push(Segment::Where { key, value, number });
        }
        Ok(())
    }

    /// Refuses a value of `(key=value)` that reads like a path: it is letters.
    fn letters(&self, key: &str) -> Result<(), PathError> {
        let rest = self.rest();
        let value = rest.split(')').next().unwrap_or_default();
        if !names_a_value(value) {
            return Ok(());
        }
        let message = format!(
            "`({key}={value})` compares with the letters `{value}`, and with no value; letters like these stand in quotes: \
             `({key}='{value}')`"
        );
        Err(PathError { span: Span::new(self.at, self.at + value.len()), message })
    }

    fn name(&mut self, what: &str) -> Result<String, PathError> {
        if self.rest().starts_with('\'') {
            return self.quoted();
        }
        let rest = self.rest();
        let end = rest.find(['=', ')', '(', '\'']).unwrap_or(rest.len());
        let name = rest.get(..end).unwrap_or_default();
        if name.is_empty() {
            return self.error(format!("expected {what}"));
        }
        self.at += end;
        Ok(name.to_owned())
    }

    fn plain(&mut self) -> &'a str {
        let rest = self.rest();
        let end =
            rest.find(|c: char| SPECIAL.contains(&c) || c.is_whitespace()).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    fn quoted(&mut self) -> Result<String, PathError> {
        let start = self.at;
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = self.rest();
            let Some(end) = rest.find('\'') else {
                self.at = start;
                return self.error("a quote is not closed");
            };
            out.push_str(rest.get(..end).unwrap_or_default());
            self.at += end + 1;
            if !self.take("'") {
                return Ok(out);
            }
            out.push('\'');
        }
    }

    fn until_closed(&mut self) -> Result<String, PathError> {
        let name = self.plain_dotted();
        if name.is_empty() {
            return self.error("expected a name");
        }
        if !self.take(")") {
            return self.error("expected `)`");
        }
        Ok(name)
    }

    fn plain_dotted(&mut self) -> String {
        let rest = self.rest();
        let end = rest.find([')', '(', ' ', '\'']).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default().to_owned()
    }
}
