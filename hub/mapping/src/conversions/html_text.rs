//! `html_text`: a note that a system keeps as HTML, as plain text; back: plain text as HTML.
//!
//! In, tags go, blocks and `<br>` end a line, references of letters become the letters, scripts, styles and
//! comments are dropped, and white space is one blank, as a browser shows it. Out, `&`, `<` and `>` are
//! escaped and lines end with `<br>`. The canonical form is the text with single blanks, without blanks at
//! the ends of lines and without empty lines at its ends; nothing but white space is null.
//!
//! **Invariant:** what is no tag is text: a `<` before a blank, a digit or the end, and an `&` that begins no
//! reference, stay as they are. Test: `html_is_read_as_a_browser_shows_it`.

use encoding_rs::WINDOWS_1252;
use quick_xml::escape::resolve_html5_entity;

use super::{Conversion, Law, Put, Target, Type, text};
use crate::cell::{Cell, Trouble};

/// Longest name of a reference, in bytes, as HTML defines them.
const LONGEST_REFERENCE: usize = 32;

/// Elements that stand on lines of their own.
const BLOCKS: &[&str] = &[
    "address",
    "article",
    "aside",
    "blockquote",
    "center",
    "dd",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "li",
    "main",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "table",
    "tbody",
    "tfoot",
    "thead",
    "tr",
    "ul",
];

/// Elements whose content no browser shows.
const HIDDEN: &[&str] = &["head", "script", "style", "template", "title"];

#[derive(Debug, Default)]
pub(crate) struct HtmlText;

impl Conversion for HtmlText {
    fn name(&self) -> &'static str {
        "html_text"
    }

    fn law(&self) -> Law {
        Law::Canonical("white space is as a browser shows it")
    }

    fn gives(&self, from: Type) -> Result<Type, String> {
        text::scalar(from)
    }

    fn get<'a>(&self, cell: Cell<'a>, _: &[Cell<'a>], _: Target) -> Result<Cell<'a>, Trouble> {
        let html = cell.scalar().ok_or_else(|| Trouble::wrong_type(&cell, "a text"))?;
        let text = Lines::read(&html);
        Ok(if text.is_empty() { Cell::Null } else { Cell::text(text) })
    }

    fn put<'a>(&self, cell: Cell<'a>, _: Target) -> Result<Put<'a>, Trouble> {
        let text = cell.scalar().ok_or_else(|| Trouble::wrong_type(&cell, "a text"))?;
        Ok(Put::main(Cell::text(escaped(&text))))
    }
}

/// Plain text as HTML.
fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + 16);
    for (number, line) in text.lines().enumerate() {
        if number > 0 {
            html.push_str("<br>");
        }
        for letter in line.chars() {
            match letter {
                '&' => html.push_str("&amp;"),
                '<' => html.push_str("&lt;"),
                '>' => html.push_str("&gt;"),
                other => html.push(other),
            }
        }
    }
    html
}

/// Text that grows line by line, its white space as a browser shows it.
#[derive(Debug, Default)]
struct Lines {
    done: String,
    line: String,
    /// A blank is owed before the next letter of the line.
    blank: bool,
}

impl Lines {
    fn read(html: &str) -> String {
        let mut lines = Lines::default();
        let mut rest = html;
        while let Some(letter) = rest.chars().next() {
            let taken = match letter {
                '<' => lines.tag(rest),
                '&' => lines.reference(rest),
                _ => None,
            };
            let taken = taken.unwrap_or_else(|| {
                lines.letter(letter);
                letter.len_utf8()
            });
            rest = rest.get(taken..).unwrap_or_default();
        }
        lines.end();
        lines.done.trim_matches('\n').to_owned()
    }

    fn letter(&mut self, letter: char) {
        // A blank that does not break is a blank: editors write them for every second one.
        if matches!(letter, ' ' | '\t' | '\n' | '\r' | '\u{c}' | '\u{a0}') {
            self.blank = true;
            return;
        }
        if std::mem::take(&mut self.blank) && !self.line.is_empty() {
            self.line.push(' ');
        }
        self.line.push(letter);
    }

    /// Ends the line, an empty one too.
    fn end(&mut self) {
        self.done.push_str(&self.line);
        self.done.push('\n');
        self.line.clear();
        self.blank = false;
    }

    /// A block begins or ends: what was written stands on a line of its own.
    fn block(&mut self) {
        if !self.line.is_empty() {
            self.end();
        }
        self.blank = false;
    }

    /// The bytes of the tag or comment that begins here; `None`: it is text.
    fn tag(&mut self, rest: &str) -> Option<usize> {
        if let Some(comment) = rest.strip_prefix("<!--") {
            return Some(comment.find("-->").map_or(rest.len(), |end| end + 7));
        }
        let inner = rest.get(1..)?;
        let closes = inner.starts_with('/');
        let name = inner.strip_prefix('/').unwrap_or(inner);
        if !name
            .starts_with(|first: char| first.is_ascii_alphabetic() || first == '!' || first == '?')
        {
            return None;
        }
        let length = tag_length(rest)?;
        let end = name.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(name.len());
        let name = name.get(..end).unwrap_or_default().to_ascii_lowercase();
        if name == "br" {
            self.end();
        } else if matches!(name.as_str(), "td" | "th") {
            self.blank = true;
        } else if BLOCKS.contains(&name.as_str()) {
            self.block();
        } else if HIDDEN.contains(&name.as_str()) && !closes {
            return Some(length + hidden_length(rest.get(length..)?, &name));
        }
        Some(length)
    }

    /// The bytes of the reference that begins here; `None`: it is text.
    fn reference(&mut self, rest: &str) -> Option<usize> {
        let end = rest.bytes().take(LONGEST_REFERENCE + 2).position(|byte| byte == b';')?;
        let name = rest.get(1..end)?;
        match name.strip_prefix('#') {
            Some(number) => self.letter(numbered(number)?),
            None => resolve_html5_entity(name)?.chars().for_each(|letter| self.letter(letter)),
        }
        Some(end + 1)
    }
}

/// The letter of a number; those of Windows-1252 that old pages write as if they were of Unicode too.
fn numbered(number: &str) -> Option<char> {
    let digits = number.strip_prefix(['x', 'X']);
    let code = match digits {
        Some(digits) => u32::from_str_radix(digits, 16).ok()?,
        None => number.parse::<u32>().ok()?,
    };
    if let Ok(byte @ 0x80..=0x9f) = u8::try_from(code) {
        let bytes = [byte];
        let (letter, _) = WINDOWS_1252.decode_without_bom_handling(&bytes);
        return letter.chars().next();
    }
    char::from_u32(code).filter(|letter| *letter != '\0')
}

/// Up to the `>` that is in no quotes; `None`: nothing ends the tag.
fn tag_length(rest: &str) -> Option<usize> {
    let mut quote = None;
    for (at, letter) in rest.char_indices() {
        match (letter, quote) {
            ('>', None) => return Some(at + 1),
            ('"' | '\'', None) => quote = Some(letter),
            (letter, Some(open)) if letter == open => quote = None,
            _ => {}
        }
    }
    None
}

/// What a hidden element holds, its end tag not among it.
fn hidden_length(rest: &str, name: &str) -> usize {
    let ends = |at: &usize| {
        let tag = rest.get(at + 2..at + 2 + name.len());
        rest.get(*at..at + 2) == Some("</") && tag.is_some_and(|tag| tag.eq_ignore_ascii_case(name))
    };
    let places = rest.match_indices('<').map(|(at, _)| at);
    places.into_iter().find(ends).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_is_read_as_a_browser_shows_it() {
        for (html, text) in [
            (
                "<p>Ring <b>twice</b>,&nbsp;please.</p><p>Gate&#32;2 &amp; 3</p>",
                "Ring twice, please.\nGate 2 & 3",
            ),
            ("a<br>b<br/><br />c", "a\nb\n\nc"),
            ("  a \n b  ", "a b"),
            ("<ul><li>one<li>two</ul>", "one\ntwo"),
            ("1 < 2 & 3 > 2; a <3 b", "1 < 2 & 3 > 2; a <3 b"),
            ("&lt;b&gt; &copy &hellip; &#x4E2D;&#146;&#0;", "<b> &copy … 中’&#0;"),
            ("<script>if (a < b) x()</script >x<style>p{}</style>", "x"),
            ("<!-- no --><a title='>'>yes</a><!-- open", "yes"),
            ("<tr><td>a<td>b</tr>c", "a b\nc"),
            ("a <b", "a <b"),
            ("王 小明<BR>订单", "王 小明\n订单"),
            ("<p> </p><br>", ""),
        ] {
            assert_eq!(Lines::read(html), text, "{html}");
        }
    }
}
