//! Lays a text out anew, line by line, around what may not be touched.

use super::atoms::{Atoms, Kind};

/// Blanks for each block that a line stands in.
const STEP: usize = 2;

/// A part of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// Kept as it is.
    Atom(String),
    /// `&name`, `!tag`: what stands before a node.
    Before(String),
    /// One of `{}[],:-?`.
    Sign(char),
}

/// The text in its one layout.
pub(super) fn lay(text: &str, atoms: &Atoms) -> String {
    let mut laid =
        Laid { text, atoms, out: String::new(), moved: 0, comments: Vec::new(), empty: false };
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        laid.line(start, line.trim_end_matches('\n'));
        start += line.len();
    }
    laid.rest();
    laid.out.truncate(laid.out.trim_end().len());
    if !laid.out.is_empty() {
        laid.out.push('\n');
    }
    laid.out
}

struct Laid<'t> {
    text: &'t str,
    atoms: &'t Atoms,
    out: String,
    /// How far the last line of a block was moved: what belongs to it moves along.
    moved: isize,
    /// Lines of comments that wait for the line they stand before: column and text; `None`: an empty line.
    comments: Vec<Option<(usize, String)>>,
    /// The last line was empty.
    empty: bool,
}

impl Laid<'_> {
    fn line(&mut self, start: usize, line: &str) {
        let inside = self.atoms.at(start).filter(|atom| atom.start < start);
        if let Some(atom) = inside.filter(|atom| atom.is == Kind::Block) {
            // The lines of a block scalar are its text.
            self.rest();
            let end = atom.end.saturating_sub(start);
            return self.of_block(line.get(..end.min(line.len())).unwrap_or(line), line);
        }
        let blanks = line.len() - line.trim_start_matches([' ', '\t']).len();
        if let Some(atom) = inside {
            let end = (atom.end - start).min(line.len());
            self.rest();
            let first = line.get(blanks..end).unwrap_or_default().to_owned();
            return self.put(
                shift(blanks, self.moved),
                start + end,
                vec![Part::Atom(first)],
                line,
                start,
            );
        }
        let content = line.get(blanks..).unwrap_or_default();
        if content.is_empty() {
            self.comments.push(None);
            return;
        }
        if content.starts_with('#') {
            self.comments.push(Some((blanks, content.trim_end().to_owned())));
            return;
        }
        let first = start + blanks;
        if self.atoms.at(first).is_none()
            && ["---", "...", "%"].iter().any(|mark| content.starts_with(mark))
        {
            self.rest();
            self.out.push_str(content.trim_end());
            self.out.push('\n');
            return;
        }
        let column = if self.atoms.flows(first) {
            shift(blanks, self.moved)
        } else {
            let dash = content == "-" || content.starts_with("- ");
            let dash = dash && self.atoms.at(first).is_none();
            let column = self.atoms.depth(first, dash).saturating_sub(1) * STEP;
            self.moved =
                isize::try_from(column).unwrap_or(0) - isize::try_from(blanks).unwrap_or(0);
            column
        };
        self.waiting(blanks, column);
        self.put(column, first, Vec::new(), line, start);
    }

    /// Writes a line from a byte on, behind what is there of it already.
    fn put(&mut self, column: usize, from: usize, mut parts: Vec<Part>, line: &str, start: usize) {
        let (comment, at) = self.parts(from, start + line.len(), &mut parts);
        let code = join(&parts);
        let mut text = format!("{}{code}", " ".repeat(column));
        if let Some(comment) = comment {
            let before = line.get(..at - start).unwrap_or_default().chars().count();
            let written = text.chars().count();
            text.push_str(&" ".repeat(before.saturating_sub(written).max(1)));
            text.push_str(comment.trim_end());
        }
        self.out.push_str(text.trim_end_matches([' ', '\t']));
        self.out.push('\n');
        self.empty = false;
    }

    /// The parts of a line from one byte to another, and the comment at its end with its byte.
    fn parts(&self, from: usize, to: usize, parts: &mut Vec<Part>) -> (Option<String>, usize) {
        let mut at = from;
        while at < to {
            if let Some(atom) = self.atoms.at(at) {
                let end = atom.end.min(to);
                let text = self.text.get(at..end).unwrap_or_default().to_owned();
                match atom.is {
                    Kind::Comment => return (Some(text), at),
                    Kind::Scalar | Kind::Alias | Kind::Block => parts.push(Part::Atom(text)),
                }
                at = end;
                continue;
            }
            let rest = self.text.get(at..to).unwrap_or_default();
            let Some(letter) = rest.chars().next() else { break };
            match letter {
                ' ' | '\t' => at += 1,
                '&' | '!' => {
                    let length = rest.find([' ', '\t', ',', '}', ']']).unwrap_or(rest.len());
                    parts.push(Part::Before(rest.get(..length).unwrap_or_default().to_owned()));
                    at += length.max(1);
                }
                '|' | '>' => {
                    let length = rest.find([' ', '\t']).unwrap_or(rest.len());
                    parts.push(Part::Before(rest.get(..length).unwrap_or_default().to_owned()));
                    at += length.max(1);
                }
                sign => {
                    parts.push(Part::Sign(sign));
                    at += sign.len_utf8();
                }
            }
        }
        (None, at)
    }

    /// A line of a block scalar.
    fn of_block(&mut self, own: &str, line: &str) {
        let blanks = own.len() - own.trim_start_matches(' ').len();
        if own.trim_matches(' ').is_empty() && blanks == line.len() && line.trim().is_empty() {
            // Blanks alone are text where they reach beyond the block.
            let kept = shift(blanks, self.moved);
            self.out.push_str(&" ".repeat(if blanks == 0 { 0 } else { kept }));
        } else {
            self.out.push_str(&" ".repeat(shift(blanks, self.moved)));
            self.out.push_str(line.get(blanks..).unwrap_or_default());
        }
        self.out.push('\n');
        self.empty = false;
    }

    /// Comments before a line stand at its column; deeper ones are of the block that ends there.
    fn waiting(&mut self, blanks: usize, column: usize) {
        let moved = isize::try_from(column).unwrap_or(0) - isize::try_from(blanks).unwrap_or(0);
        for comment in std::mem::take(&mut self.comments) {
            match comment {
                None => self.blank(),
                Some((at, text)) => {
                    let at = if at <= blanks { column } else { shift(at, moved) };
                    self.comment(at, &text);
                }
            }
        }
    }

    /// Comments that no line follows.
    fn rest(&mut self) {
        for comment in std::mem::take(&mut self.comments) {
            match comment {
                None => self.blank(),
                Some((at, text)) => self.comment(shift(at, self.moved), &text),
            }
        }
    }

    fn comment(&mut self, column: usize, text: &str) {
        self.out.push_str(&" ".repeat(column));
        self.out.push_str(text);
        self.out.push('\n');
        self.empty = false;
    }

    /// At most one empty line, and none at the beginning.
    fn blank(&mut self) {
        if !self.empty && !self.out.is_empty() {
            self.out.push('\n');
        }
        self.empty = true;
    }
}

fn shift(column: usize, by: isize) -> usize {
    column.saturating_add_signed(by)
}

/// The parts of a line with the blanks between them.
fn join(parts: &[Part]) -> String {
    let mut text = String::new();
    let mut last: Option<&Part> = None;
    for part in parts {
        if let Some(last) = last
            && apart(last, part)
        {
            text.push(' ');
        }
        match part {
            Part::Atom(word) | Part::Before(word) => text.push_str(word),
            Part::Sign(sign) => text.push(*sign),
        }
        last = Some(part);
    }
    text
}

/// Whether a blank stands between two parts.
fn apart(left: &Part, right: &Part) -> bool {
    match (left, right) {
        (Part::Sign('{'), Part::Sign('}')) | (Part::Sign('['), _) | (_, Part::Sign(']' | ',')) => {
            false
        }
        (Part::Atom(word), Part::Sign(':')) => word.starts_with('*'),
        (_, Part::Sign(':')) => false,
        _ => true,
    }
}
