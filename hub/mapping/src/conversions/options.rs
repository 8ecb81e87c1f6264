//! Reads the options of conversions, and reports what is wrong with them at its place.

use orderhub_lang::diagnostic::Findings;
use orderhub_lang::path::Path;
use orderhub_lang::value::Value;
use orderhub_lang::yaml::{Fields, Node};

use crate::{Named, codes};

/// Reads options and collects findings.
#[derive(Debug)]
pub(crate) struct Options<'f> {
    /// Where findings go.
    pub(crate) findings: &'f mut Findings,
    /// What the file may name: tables.
    pub(crate) named: Named,
    /// What it names cannot be used, and that was told elsewhere.
    pub(crate) unjudged: bool,
}

impl<'f> Options<'f> {
    /// For a conversion of a file that may name what is in `named`.
    pub(crate) fn new(findings: &'f mut Findings, named: Named) -> Self {
        Self { findings, named, unjudged: false }
    }

    /// The path below the mappings folder of a table that a file of `folder` names.
    pub(crate) fn table_path(&mut self, node: &Node, name: &str, folder: &str) -> Option<String> {
        let letters = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
        let own = name.starts_with("tables/");
        let inside = own || name.starts_with("common/tables/");
        let plain = name.len() <= LONGEST && name.chars().all(letters);
        if inside && plain && name.ends_with(".csv") && !name.contains("..") {
            return Some(if own { format!("{folder}/{name}") } else { name.to_owned() });
        }
        let message = "a table is a `.csv` file in `tables` of this folder, or in `common/tables`";
        let finding = self.findings.error(codes::OUTSIDE, node.span, message);
        let file = name.rsplit('/').next().unwrap_or_default();
        let stem: String = file.trim_end_matches(".csv").chars().filter(|c| letters(*c)).collect();
        let stem = if stem.is_empty() { "carriers" } else { stem.as_str() };
        self.findings.report(finding.with_hint(format!("write `file: tables/{stem}.csv`")));
        None
    }

    /// The place of a column that a rule names.
    pub(crate) fn column(
        &mut self,
        at: &Node,
        named: Option<&Node>,
        known: &[String],
    ) -> Option<usize> {
        let text = named.and_then(Node::scalar_text);
        let found = text.as_deref().and_then(|text| known.iter().position(|name| name == text));
        if found.is_none() {
            let message = match &text {
                Some(text) => format!("the table has no column `{text}`"),
                None => "`from` and `to` name the columns of this table".to_owned(),
            };
            let names = known.iter().map(String::as_str);
            let finding = self.findings.error(codes::COLUMN, at.span, message);
            let finding = match finding.with_nearest(text.as_deref().unwrap_or_default(), names) {
                near if near.hint.is_some() => near,
                other => other.with_hint(format!("its columns: {}", shown(known))),
            };
            self.findings.report(finding);
        }
        found
    }
}

/// Longest path of a table.
const LONGEST: usize = 100;
/// Bytes of a text among options.
const LONGEST_TEXT: usize = 1_000;

/// The first few of a list of names.
fn shown(names: &[String]) -> String {
    const MOST: usize = 10;
    let first = names.iter().take(MOST).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > MOST { format!("{first}, …") } else { first }
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

    /// The only option, as text: `strip_prefix: "#"`.
    pub(crate) fn only_text(&mut self, node: &Node, needs: &str) -> Option<String> {
        let Some(text) = node.scalar_text() else {
            self.wrong(node, needs);
            return None;
        };
        if text.len() > LONGEST_TEXT {
            // It may be written once for each element of a list.
            self.wrong(node, &format!("a text has at most {LONGEST_TEXT} bytes here"));
            return None;
        }
        Some(text.into_owned())
    }

    /// What is written around each of many values: true if it is short, else reported.
    pub(crate) fn is_short(&mut self, node: &Node, written: &Value) -> bool {
        let short = written.to_json().len() <= LONGEST_TEXT;
        if !short {
            self.wrong(node, &format!("what is written around has at most {LONGEST_TEXT} bytes"));
        }
        short
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
