//! Quotes and brackets where the reader of YAML had to stop: which is open, and where it was to be closed.

use serde_saphyr::granit_parser::ErrorKind;

use super::syntax::{Mistake, Stopped, indent, one_letter};
use crate::diagnostic::Span;

/// A sign and where it stands.
type Sign = (usize, char);

/// What closes a bracket.
fn closing(bracket: char) -> char {
    if bracket == '{' { '}' } else { ']' }
}

/// The brackets that are open at the end of a text, outermost first; or a quote that its own line does not close.
pub(super) fn open_in(text: &str) -> Result<Vec<Sign>, Sign> {
    let mut open: Vec<Sign> = Vec::new();
    let mut quoted: Option<Sign> = None;
    let mut comment = false;
    let mut before = '\n';
    let mut escaped = false;
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        if std::mem::take(&mut escaped) {
            continue;
        }
        let begins = before.is_whitespace() || "{[,:(".contains(before);
        match (quoted, letter) {
            (Some(quote), '\n') => return Err(quote),
            (None, '\n') => comment = false,
            (Some((_, '"')), '\\') => escaped = true,
            (Some((_, '\'')), '\'') if letters.peek().is_some_and(|(_, next)| *next == '\'') => {
                escaped = true;
            }
            (Some((_, quote)), _) if letter == quote => quoted = None,
            (Some(_), _) => {}
            (None, '#') if before.is_whitespace() => comment = true,
            (None, _) if comment => {}
            (None, '"' | '\'') if begins => quoted = Some((at, letter)),
            (None, '{' | '[') if begins || !open.is_empty() => open.push((at, letter)),
            (None, '}' | ']') => drop(open.pop()),
            (None, _) => {}
        }
        before = letter;
    }
    Ok(open)
}

/// The column that lines must pass to go on with a bracket of this line: that of its key, else of its `-`.
fn floor(line: &str) -> usize {
    let inner = line.trim_start_matches([' ', '-']);
    if inner.starts_with(['{', '[']) { indent(line) } else { line.len() - inner.len() }
}

impl Stopped<'_> {
    /// The same as [`open_in`] of a part of the file.
    fn open_at(&self, from: usize, to: usize) -> Result<Vec<Sign>, Sign> {
        let placed = |(at, sign): Sign| (from + at, sign);
        match open_in(self.text(from, to)) {
            Ok(open) => Ok(open.into_iter().map(placed).collect()),
            Err(quote) => Err(placed(quote)),
        }
    }

    /// Where to look for what is open: from the outermost bracket that is known, else from the line.
    fn from(&self) -> usize {
        self.line(self.after).0.min(self.open.unwrap_or(usize::MAX))
    }

    /// A quote that is not closed.
    pub(super) fn quote(&self) -> Option<Mistake> {
        let (at, quote) = self.open_at(self.from(), self.at).err()?;
        Some(Mistake {
            span: Span::new(at, at + 1),
            message: format!("this quote `{quote}` is opened and not closed"),
            hint: format!("add `{quote}` behind the text"),
        })
    }

    /// A bracket that is not closed, is closed by another, or was never opened: the reader says so itself.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the parser's enum is open; what is not named here is not about brackets"
    )]
    fn named_bracket(&self) -> Option<Mistake> {
        match *self.kind {
            ErrorKind::UnclosedFlowCollection { open } => Some(self.not_closed((self.at, open))),
            ErrorKind::MismatchedFlowCollectionEnd { open, close } => {
                Some(self.mismatched(open, close))
            }
            ErrorKind::MisplacedFlowCollectionEnd => {
                let sign = if self.text(self.at, self.at + 1) == "}" { '}' } else { ']' };
                Some(Mistake {
                    span: one_letter(self.source, self.at),
                    message: format!("`{sign}` closes nothing that is open"),
                    hint: "delete it: it is one too many".to_owned(),
                })
            }
            _ => None,
        }
    }

    /// A bracket that is not closed, closed too often, or stands in a path; a comma that is missing in one.
    pub(super) fn bracket(&self) -> Option<Mistake> {
        self.named_bracket().or_else(|| self.open_bracket())
    }

    fn open_bracket(&self) -> Option<Mistake> {
        let (open, bracket) = self.open_at(self.from(), self.at).ok()?.pop()?;
        let here = self.text(self.at, self.source.text.len());
        let before = self.text(0, self.at);
        if here.starts_with('[') && before.ends_with(|c: char| !c.is_whitespace() && c != ',') {
            return Some(Mistake {
                span: one_letter(self.source, self.at),
                message: "`[` begins a list".to_owned(),
                hint: "in a path, a place in a list is `items.0`, every element `items.*`"
                    .to_owned(),
            });
        }
        let close = closing(bracket);
        let ((first, opened), (start, line)) = (self.line(open), self.line(self.at));
        let comma = Mistake {
            span: one_letter(self.source, self.at),
            message: format!("a comma, or `{close}`, is missing before this"),
            hint: "a text with a comma, a bracket, a quote or `: ` in it stands in quotes"
                .to_owned(),
        };
        if first == start {
            return Some(comma);
        }
        let separator = matches!(
            self.kind,
            ErrorKind::ExpectedFlowMappingSeparator | ErrorKind::ExpectedFlowSequenceSeparator
        );
        if separator && indent(line) > floor(opened) {
            return Some(Mistake { span: one_letter(self.source, start + indent(line)), ..comma });
        }
        Some(self.not_closed((open, bracket)))
    }

    fn not_closed(&self, (at, bracket): Sign) -> Mistake {
        Mistake {
            span: Span::new(at, at + 1),
            message: format!("`{bracket}` is opened here and not closed"),
            hint: match self.missing_on_line(at) {
                Some(missing) => format!("add `{missing}` at the end of this line"),
                None => format!("add `{}` behind what it holds", closing(bracket)),
            },
        }
    }

    /// What the line of an open bracket lacks at its end; nothing where the next line may go on with it.
    fn missing_on_line(&self, at: usize) -> Option<String> {
        let (start, line) = self.line(at);
        let code = line.split_once(" #").map_or(line, |(code, _)| code).trim_end();
        let behind = self.text(start + line.len(), self.source.text.len()).lines();
        let next = behind.map(str::trim_end).find(|line| !line.is_empty());
        let goes_on =
            next.is_some_and(|next| indent(next) > floor(line) && !next.trim().starts_with("- "));
        if goes_on || code.ends_with(['{', '[', ',']) {
            return None;
        }
        let open = self.open_at(start, start + line.len()).ok()?;
        let missing: Vec<_> =
            open.iter().rev().map(|(_, bracket)| closing(*bracket).to_string()).collect();
        (!missing.is_empty()).then(|| missing.join(" "))
    }

    /// `[a, b }`
    fn mismatched(&self, open: char, close: char) -> Mistake {
        let outer = self.open_at(self.open.unwrap_or(self.line(self.at).0), self.at);
        let awaited = outer.is_ok_and(|outer| outer.iter().any(|(_, one)| closing(*one) == close));
        let own = closing(open);
        Mistake {
            span: Span::new(self.at, self.at + 1),
            message: format!("`{open}` is opened here and closed by `{close}`"),
            hint: if awaited {
                format!("add `{own}` before that `{close}`")
            } else {
                format!("write `{own}` for that `{close}`")
            },
        }
    }
}
