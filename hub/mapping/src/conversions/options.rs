//! Reads the options of conversions, and reports what is wrong with them at its place.

use orderhub_lang::diagnostic::{Findings, Span};
use orderhub_lang::path::Path;
use orderhub_lang::yaml::{Fields, Node};

use crate::codes;

/// Reads options and collects findings.
#[derive(Debug)]
pub(crate) struct Options<'f> {
    /// Where findings go.
    pub(crate) findings: &'f mut Findings,
    /// The conversion's name, with its place.
    pub(crate) name: (&'f str, Span),
}

impl Options<'_> {
    /// A conversion without options: true if there are none, else reported.
    pub(crate) fn none(&mut self, node: &Node) -> bool {
        if !node.is_null() {
            self.wrong(node, "this conversion has no options");
        }
        node.is_null()
    }

    /// Reports an option that is not what it can be.
    pub(crate) fn wrong(&mut self, node: &Node, why: &str) {
        // What to write stands behind a colon.
        let (why, hint) = match why.split_once(": ") {
            Some((why, more)) if more.starts_with(['a', 'A']) => (why, Some(more.to_owned())),
            Some((why, example)) => (why, Some(format!("write `{example}`"))),
            None => (why, None),
        };
        let mut finding = self.findings.error(codes::OPTION, node.span, why.to_owned());
        finding.hint = hint;
        self.findings.report(finding);
    }

    /// Reports that this version does not have the conversion.
    pub(crate) fn later(&mut self) {
        let (name, span) = self.name;
        let message = format!("the conversion `{name}`: not in this version");
        self.findings.report(self.findings.error(codes::LATER, span, message));
    }

    /// The only option, as text: `strip_prefix: "#"`.
    pub(crate) fn only_text(&mut self, node: &Node, needs: &str) -> Option<String> {
        let text = node.scalar_text();
        if text.is_none() {
            self.wrong(node, needs);
        }
        text.map(std::borrow::Cow::into_owned)
    }

    /// The options as a mapping; `None` for no options or a wrong type, which is reported.
    pub(crate) fn fields<'n>(&mut self, node: &'n Node, what: &'n str) -> Option<Fields<'n>> {
        if node.is_null() { None } else { Fields::of(node, what, self.findings) }
    }

    /// A path among the options.
    pub(crate) fn path(&mut self, node: &Node) -> Option<Path> {
        let text = self.only_text(node, "a path is needed")?;
        match Path::parse(&text) {
            Ok(path) => Some(path),
            Err(error) => {
                let span = node.inner(self.findings.source(), error.span);
                let finding = self.findings.error(orderhub_lang::codes::PATH, span, error.message);
                self.findings.report(finding);
                None
            }
        }
    }

    /// One of a few words.
    pub(crate) fn word<T: Copy>(&mut self, node: &Node, words: &[(&str, T)]) -> Option<T> {
        let text = node.scalar_text();
        let found = words.iter().find(|(word, _)| text.as_deref() == Some(*word));
        if found.is_none() {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.wrong(node, &format!("one of {} is needed", known.join(", ")));
        }
        found.map(|(_, value)| *value)
    }

    /// A single character.
    pub(crate) fn letter(&mut self, node: &Node) -> Option<char> {
        let text = self.only_text(node, "one character is needed")?;
        let mut letters = text.chars();
        let letter = letters.next().filter(|_| letters.next().is_none());
        if letter.is_none() {
            self.wrong(node, "one character is needed");
        }
        letter
    }
}
