//! Files that a file includes: one address space for all of them, so that a span says which file it is of.
//!
//! The file itself begins at byte 0. Each time it includes another one, that one stands behind everything
//! before it, as a part: its spans are moved by the part's base, and nothing else has to know of files.
//! A file that is included twice stands there twice, so that a place tells which of the two is meant.
//!
//! **Invariant:** a finding names a file and a place in that file, never an address; one in a part also names
//! what includes it. Test: `a_place_in_a_part_names_its_file_and_what_includes_it`.

use std::sync::Arc;

use serde::Serialize;

use super::{Diagnostic, Position, Source, Span};

/// What is said of the place that includes a file.
const INCLUDED: &str = "included here";

/// A file that stands in the addresses of the one that includes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    base: u32,
    source: Arc<Source>,
    /// What includes it, an address of the same space.
    from: Span,
}

/// Another place that a finding has to do with.
#[derive(Clone, Debug)]
pub struct Note {
    /// The file.
    pub source: Arc<Source>,
    /// Where in it.
    pub span: Span,
    /// What is there: `included here`.
    pub text: String,
}

/// The machine's form of a note; its field names are an interface.
#[derive(Clone, Debug, Serialize)]
#[expect(missing_docs, reason = "the same as in `Note` and `Position`")]
pub struct Related<'a> {
    pub message: &'a str,
    pub file: &'a str,
    pub line: usize,
    pub column: usize,
}

impl Note {
    /// `file:line:column`
    pub fn place(&self) -> String {
        self.source.place(self.span.start)
    }

    /// As a machine reads it.
    pub(super) fn to_json(&self) -> Related<'_> {
        let Position { line, column } = self.source.position(self.span.start);
        Related { message: &self.text, file: &self.source.name, line, column }
    }
}

impl Source {
    /// Takes in another file, included at `from`; the base of its spans. `None`: the addresses are used up.
    pub fn include(&mut self, source: &Arc<Source>, from: Span) -> Option<u32> {
        let end = |base: u32, text: &str| {
            u32::try_from(text.len()).ok().and_then(|len| base.checked_add(len)?.checked_add(1))
        };
        let base = match self.parts.last() {
            Some(last) => end(last.base, &last.source.text)?,
            None => end(0, &self.text)?,
        };
        end(base, &source.text)?;
        self.parts.push(Part { base, source: Arc::clone(source), from });
        Some(base)
    }

    /// The part that an address is in; `None`: the file itself.
    fn part(&self, byte: u32) -> Option<&Part> {
        if self.parts.is_empty() {
            return None;
        }
        let behind = self.parts.partition_point(|part| part.base <= byte);
        behind.checked_sub(1).and_then(|at| self.parts.get(at))
    }

    /// The file that is included at an address; `None`: it is of the file itself.
    pub fn included(&self, byte: u32) -> Option<&Source> {
        self.part(byte).map(|part| part.source.as_ref())
    }

    /// The file that an address is in, with the address's byte in it.
    pub(super) fn file(&self, byte: u32) -> (&Source, u32) {
        self.part(byte).map_or((self, byte), |part| (part.source.as_ref(), byte - part.base))
    }

    /// The file and the place in it of a span, and what includes that file, from the inside out.
    pub(super) fn resolved(self: &Arc<Self>, span: Span) -> (Arc<Source>, Span, Vec<Note>) {
        let Some(part) = self.part(span.start) else {
            return (Arc::clone(self), span, Vec::new());
        };
        let end = span.end.saturating_sub(part.base);
        let own = Span { start: span.start - part.base, end };
        let (source, at, more) = self.resolved(part.from);
        let mut notes = vec![Note { source, span: at, text: INCLUDED.to_owned() }];
        notes.extend(more);
        (Arc::clone(&part.source), own, notes)
    }

    /// `file:line:column` of an address; of one in a part with what includes it.
    pub fn place(&self, byte: u32) -> String {
        let (file, own) = self.file(byte);
        let Position { line, column } = file.position(own);
        let place = format!("{}:{line}:{column}", file.name);
        match self.part(byte) {
            None => place,
            Some(part) => format!("{place}, included at {}", self.place(part.from.start)),
        }
    }
}

impl Diagnostic {
    /// The outermost place that includes the file of this finding; `None`: nothing does.
    pub fn included_at(&self) -> Option<&Note> {
        self.notes.last().filter(|note| note.text == INCLUDED)
    }

    /// With another place that it has to do with.
    #[must_use]
    pub fn with_note(mut self, source: &Arc<Source>, span: Span, text: impl Into<String>) -> Self {
        let (source, span, more) = source.resolved(span);
        self.notes.push(Note { source, span, text: text.into() });
        self.notes.extend(more);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Findings, render};
    use super::*;

    #[test]
    fn a_place_in_a_part_names_its_file_and_what_includes_it() {
        let mut main = Source::new("a.yaml", "one\ninclude b\ninclude b\n");
        let inner = Source::new("b.yaml", "x\ninclude c\n");
        let deep = Source::new("c.yaml", "wrong\n");
        let whole = Arc::make_mut(&mut main);
        let first = whole.include(&inner, Span::new(4, 13)).unwrap();
        let second = whole.include(&inner, Span::new(14, 23)).unwrap();
        let third = whole.include(&deep, Span::new(2, 11).shifted(second)).unwrap();
        assert_eq!(main.place(first), "b.yaml:1:1, included at a.yaml:2:1");
        assert_eq!(
            main.place(third + 1),
            "c.yaml:1:2, included at b.yaml:2:1, included at a.yaml:3:1"
        );
        assert_eq!(main.place(5), "a.yaml:2:2");
        assert_eq!(main.slice(Span::new(0, 5).shifted(third)), "wrong");
        let findings = Findings::new(&main);
        let found = findings.error("Y0001", Span::new(0, 5).shifted(third), "a word");
        assert_eq!(found.source.name, "c.yaml");
        let expected = "\
error[Y0001]: a word
 --> c.yaml:1:1
  |
1 | wrong
  | ^^^^^
  = note: included here: b.yaml:2:1
  = note: included here: a.yaml:3:1
  = more: orderhub explain Y0001
";
        assert_eq!(render(std::slice::from_ref(&found)), expected);
        let related = found.to_json().related;
        assert_eq!((related[1].file, related[1].line), ("a.yaml", 3));
    }
}
