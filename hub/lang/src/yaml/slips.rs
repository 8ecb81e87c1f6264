//! Slips of the keyboard, and what copied text brings: signs of print, `=` for a colon, an element without its
//! `-`, a merge that was not finished.
//!
//! **Invariant:** such a slip is named only where mending it lets the reader get further, so that a sign which
//! belongs to a text is not blamed for another mistake. Test: `mistakes_are_reported_at_their_places`.

use serde_saphyr::granit_parser::ErrorKind;

use super::Key;
use super::brackets::open_in;
use super::place::parser;
use super::syntax::{Mistake, Stopped, indent, is_word, one_letter};
use crate::codes;
use crate::diagnostic::{Diagnostic, Findings, Span};

/// Longest text that a hint repeats, in letters.
const MOST_REPEATED: usize = 60;

const NO_DASH: &str = "a `-` is missing before this";
const DASH: &str = "each element of a list begins with `- `: ";

/// What is said of a key that its mapping has already; `in_list`: the mapping is an element of a list.
pub(super) fn key_twice(findings: &Findings, key: &Key, first: u32, in_list: bool) -> Diagnostic {
    let line = findings.source().line(first);
    let message = format!("key `{}` is given twice", key.name);
    let hint = "remove one of the two".to_owned();
    let hint = if in_list { hint + "; a new element of the list begins with `- `" } else { hint };
    let finding = findings.error(codes::DUPLICATE_KEY, key.span, message);
    finding.with_label(format!("first on line {line}")).with_hint(hint)
}

/// Reports the marks that version control leaves around two versions of some lines.
pub(super) fn merge_marks(findings: &mut Findings) -> bool {
    let source = std::sync::Arc::clone(findings.source());
    let mark = |line: &str| {
        ["<<<<<<< ", "||||||| ", ">>>>>>> "].iter().any(|mark| line.starts_with(mark))
            || line.trim_end() == "======="
    };
    // Most files have none: they are not looked at line by line.
    if !["<<<<<<< ", "=======", ">>>>>>> "].iter().any(|mark| source.text.contains(mark)) {
        return false;
    }
    let mut at = 0;
    let mut marks: Vec<(usize, usize)> = Vec::new();
    for (number, line) in (1..).zip(source.text.split_inclusive('\n')) {
        if mark(line) {
            marks.push((number, at));
        }
        at += line.len();
    }
    let Some((_, first)) = marks.first() else { return false };
    let lines: Vec<_> = marks.iter().take(6).map(|(number, _)| number.to_string()).collect();
    let more = if marks.len() > lines.len() { ", …" } else { "" };
    let hint = format!(
        "keep one of the versions, and delete the lines of the marks: {}{more}",
        lines.join(", ")
    );
    let span = Span::new(*first, first + 7);
    let message = format!("a merge was not finished: `{}` is one of its marks", source.slice(span));
    findings.report(findings.error(codes::SYNTAX, span, message).with_hint(hint));
    true
}

/// What a sign of print, or of another keyboard, is meant to be; quotes and blanks too.
fn meant(sign: char) -> Option<char> {
    Some(match sign {
        '：' => ':',
        '，' => ',',
        '｛' => '{',
        '｝' => '}',
        '［' => '[',
        '］' => ']',
        '“' | '”' | '„' | '«' | '»' | '＂' => '"',
        '‘' | '’' | '‚' | '＇' => '\'',
        _ if sign != ' ' && !sign.is_ascii() && sign.is_whitespace() => ' ',
        _ => return None,
    })
}

/// A dash of print.
fn is_dash(sign: char) -> bool {
    matches!(sign, '－' | '\u{2010}'..='\u{2015}' | '−')
}

/// A line with the signs of YAML in place of those of print, and the first of them; nothing where it has none
/// outside of quotes and comments. `texts`: also those that a text may have.
fn with_plain_signs(line: &str, texts: bool) -> Option<(String, usize, char)> {
    let mut mended = String::with_capacity(line.len());
    let mut first = None;
    let (mut quoted, mut comment, mut begins) = (None, false, true);
    let mut letters = line.char_indices().peekable();
    let mut before = ' ';
    while let Some((at, letter)) = letters.next() {
        let next = letters.peek().map(|(_, next)| *next);
        if letter == '\n' {
            (quoted, comment, begins) = (None, false, true);
        }
        let sign = match meant(letter) {
            Some(',' | '"' | '\'') if !texts => None,
            None if begins && is_dash(letter) => Some('-'),
            sign => sign,
        };
        match sign.filter(|_| quoted.is_none() && !comment) {
            Some(sign) => {
                first = first.or(Some((at, sign)));
                mended.push(sign);
                if matches!(sign, ':' | ',' | '-') && next != Some(' ') {
                    mended.push(' ');
                }
            }
            None => {
                match letter {
                    '#' if quoted.is_none() && before.is_whitespace() => comment = true,
                    '"' | '\'' if quoted == Some(letter) && before != '\\' => quoted = None,
                    '"' | '\'' if quoted.is_none() && " {[,:".contains(before) => {
                        quoted = Some(letter);
                    }
                    _ => {}
                }
                mended.push(letter);
            }
        }
        begins &= letter.is_whitespace();
        before = letter;
    }
    first.map(|(at, sign)| (mended, at, sign))
}

/// Whether a text closes the brackets that it opens: else the reader would take what follows for more of them, and
/// seem to get further.
fn is_closed(text: &str) -> bool {
    open_in(text).is_ok_and(|open| open.is_empty())
}

impl Stopped<'_> {
    /// What is mended by changing one line.
    pub(super) fn slip(&self) -> Option<Mistake> {
        let lines = self.near();
        let each = || lines.iter().copied();
        let found = each().find_map(|at| self.sign(at, at)).or_else(|| self.sign(0, self.at));
        let found = found.or_else(|| each().find_map(|at| self.separator(at)));
        found.or_else(|| self.dash()).or_else(|| self.dash_above()).or_else(|| self.brace())
    }

    /// The lines that may hold the cause, by where they begin: that of the place, the one above, and where the
    /// last thing that was read ends.
    fn near(&self) -> Vec<usize> {
        let own = self.line(self.at).0;
        let mut lines = vec![own];
        lines.extend(self.above(own));
        lines.push(self.line(self.after).0);
        lines.extend(self.open.map(|open| self.line(open).0));
        lines.dedup();
        lines
    }

    /// The start of the line above that says something.
    fn above(&self, start: usize) -> Option<usize> {
        let mut start = start;
        loop {
            start = self.line(start.checked_sub(1)?).0;
            let line = self.line(start).1.trim();
            if !line.is_empty() && !line.starts_with('#') {
                return Some(start);
            }
        }
    }

    /// Whether the reader gets further with other text in place of some lines.
    fn mends(&self, from: usize, to: usize, text: &str) -> bool {
        let all = [self.text(0, from), text, self.text(to, self.source.text.len())].concat();
        // A bracket that is not closed is seen at the end of the file, and told where it was opened.
        let late = matches!(self.kind, ErrorKind::UnclosedFlowCollection { .. });
        for next in parser(&all, self.budget) {
            match next {
                Ok((_, span)) if !late && span.start.line() > self.row => return true,
                Ok(_) => {}
                Err(error) => return error.marker().line() > self.row,
            }
        }
        true
    }

    /// A sign of print on the lines from that of one byte to that of another.
    fn sign(&self, from: usize, to: usize) -> Option<Mistake> {
        let (last, line) = self.line(to);
        let end = last + line.len();
        // Of many lines, commas and quotes may be those of texts.
        let texts = from == to;
        let from = self.line(from).0;
        let (mended, at, sign) = with_plain_signs(self.text(from, end), texts)?;
        if !is_closed(&mended) || !self.mends(from, end, &mended) {
            return None;
        }
        let span = one_letter(self.source, from + at);
        let is = self.text(span.start as usize, span.end as usize);
        let number = is.chars().next().map_or(0, u32::from);
        let (message, hint) = match sign {
            ' ' => (
                format!("a blank that is not the ordinary one: U+{number:04X}"),
                "type it anew; it comes from copied text".to_owned(),
            ),
            '"' | '\'' => (
                format!("`{is}` (U+{number:04X}) is no quote of YAML"),
                "write the text in `\"…\"` or `'…'`".to_owned(),
            ),
            _ => (
                format!("`{is}` (U+{number:04X}) stands where YAML has `{sign}`"),
                format!("type `{sign}`{}", if ":,-".contains(sign) { " and a blank" } else { "" }),
            ),
        };
        Some(Mistake { span, message, hint })
    }

    /// `hub= order_no`, `hub order_no`, `hub:order_no` on a line of its own.
    fn separator(&self, start: usize) -> Option<Mistake> {
        let line = self.line(start).1;
        let inner = line.trim_start_matches([' ', '-']);
        let before = line.len() - inner.len();
        let end = inner.find(|c: char| !is_word(c.encode_utf8(&mut [0; 4])))?;
        let (key, rest) = inner.split_at(end);
        let sign = rest.trim_start().chars().next()?;
        let value = rest.trim_start().trim_start_matches(['=', ':']).trim();
        let value = if value.starts_with('#') { "" } else { value };
        let apart = rest.starts_with(' ') && !matches!(sign, '=' | ':' | '#');
        let joined = sign == '=' || (sign == ':' && rest.starts_with(':') && !value.is_empty());
        let several = apart && value.contains(": ");
        if !is_word(key) || several || !(apart || joined) {
            return None;
        }
        let mended = format!("{}{key}: {value}", line.get(..before)?);
        if mended == line.trim_end() || !self.mends(start, start + line.len(), &mended) {
            return None;
        }
        let at = start + before + key.len();
        let (skipped, message) = match sign {
            '=' => (rest.find('=')?, "`=` stands where a colon belongs"),
            ':' => (0, "a blank is missing behind the colon"),
            _ => (0, "a colon is missing behind the key"),
        };
        Some(Mistake {
            span: one_letter(self.source, at + skipped),
            message: message.to_owned(),
            hint: format!("write `{}`", repeated(&format!("{key}: {value}"))),
        })
    }

    /// An element of a list without its `-`.
    fn dash(&self) -> Option<Mistake> {
        let about = matches!(
            self.kind,
            ErrorKind::ExpectedBlockMappingKey
                | ErrorKind::SimpleKeyExpected
                | ErrorKind::ExpectedBlockSequenceEntry
        );
        let (own, line) = self.line(self.at);
        let end = own + line.len();
        let braced = |start: usize| self.line(start).1.trim_start().starts_with('{');
        let element = line.trim_start().starts_with("- ");
        // The lines from the first that lacks it, all of them in braces where there are several.
        let mut firsts = if element { Vec::new() } else { vec![own] };
        let mut above = self.above(own).filter(|above| braced(*above));
        while let Some(start) = above.filter(|_| firsts.len() < 100) {
            firsts.push(start);
            above = self.above(start).filter(|above| braced(*above));
        }
        let mut tried: Vec<usize> = firsts.first().copied().into_iter().collect();
        tried.extend(firsts.last().copied().filter(|_| firsts.len() > 1));
        let list = if element { Some(indent(line)) } else { self.list_above(own) };
        let first = tried.into_iter().filter(|_| about).find(|first| {
            let with = |indent: Option<usize>| {
                let lines = self.text(*first, end).split_inclusive('\n');
                lines.map(|line| with_dash(line, indent)).collect::<String>()
            };
            self.mends(*first, end, &with(None))
                || (braced(*first) && list.is_some() && self.mends(*first, end, &with(list)))
        })?;
        let line = self.line(first).1;
        let at = first + indent(line);
        let content = repeated(line.trim());
        let key = !braced(first);
        Some(Mistake {
            span: one_letter(self.source, at),
            message: NO_DASH.to_owned(),
            hint: if key {
                format!(
                    "an element of the list is `- {content}`; a key of the one above begins below its first key"
                )
            } else {
                format!("{DASH}`- {content}`")
            },
        })
    }

    /// Where the elements of the list above a line begin.
    fn list_above(&self, start: usize) -> Option<usize> {
        let lines = self.text(0, start).lines().rev().take(100);
        lines.filter(|line| line.trim_start().starts_with("- ")).map(indent).next()
    }

    /// `- hub: order_no, system: number }`, `as: table: rows }`
    fn brace(&self) -> Option<Mistake> {
        let (start, line) = self.line(self.at);
        let inner = line.trim_start_matches([' ', '-']);
        let key = inner.find(": ").map_or(0, |end| end + 1);
        let value = inner.get(key..)?.trim_start();
        let about = matches!(self.kind, ErrorKind::MappingValueNotAllowed);
        let closed = inner.split(" #").next().is_some_and(|code| code.trim_end().ends_with('}'));
        if !about || !closed || inner.starts_with('{') || value.starts_with('{') {
            return None;
        }
        let found = [inner, value].into_iter().find(|rest| {
            let before = self.text(start, start + line.len() - rest.len());
            let mended = format!("{before}{{ {rest}");
            is_closed(&mended) && self.mends(start, start + line.len(), &mended)
        })?;
        Some(Mistake {
            span: one_letter(self.source, start + line.len() - found.len()),
            message: "a `{` is missing before this".to_owned(),
            hint: format!("write `{{ {}`", repeated(found)),
        })
    }

    /// `on: …` above a key that is one of its element's.
    fn dash_above(&self) -> Option<Mistake> {
        let (own, line) = self.line(self.at);
        let above = self.above(own)?;
        let first = self.line(above).1;
        let behind = self.text(own, self.source.text.len()).lines();
        let mut next =
            behind.skip_while(|line| line.trim().is_empty() || indent(line) > indent(first));
        let next = next.next().filter(|next| indent(next) == indent(first));
        // Another key there: it is a mapping.
        let in_list = next.map(|next| next.trim_start().starts_with("- "));
        let fits = in_list != Some(false) && indent(line) == indent(first) + 2;
        let with = with_dash(first, None);
        let content = repeated(first.trim());
        (fits && with != first && self.mends(above, above + first.len(), &with)).then(|| Mistake {
            span: one_letter(self.source, above + indent(first)),
            message: match in_list {
                Some(_) => NO_DASH.to_owned(),
                None => format!("{NO_DASH}, or the next line is indented too much"),
            },
            hint: match in_list {
                Some(_) => format!("{DASH}`- {content}`"),
                None => {
                    format!("{DASH}`- {content}`; keys of one mapping begin in the same column")
                }
            },
        })
    }
}

/// A line as an element of a list: where it stands, or where the others begin.
fn with_dash(line: &str, list: Option<usize>) -> String {
    let content = line.trim_start_matches(' ');
    if content.trim().is_empty() || content.starts_with(['#', '-']) {
        return line.to_owned();
    }
    format!("{}- {content}", " ".repeat(list.unwrap_or(indent(line))))
}

/// As much of a text as a hint repeats, without its comment.
fn repeated(text: &str) -> String {
    let text =
        if text.contains(['"', '\'']) { text } else { text.split(" #").next().unwrap_or(text) };
    let text = text.trim_end();
    let shown: String = text.chars().take(MOST_REPEATED).collect();
    if shown.len() < text.len() { format!("{shown}…") } else { shown }
}
