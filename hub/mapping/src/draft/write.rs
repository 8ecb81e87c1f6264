//! The lines of a draft: each guess on a line of its own, so that it can be taken back.

use orderhub_lang::path::{Path, Root, Segment};
use orderhub_order::ids::Entity;

use super::Sample;

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// It stays.
    Fixed,
    /// A guess; taken back it is a comment.
    Guess,
    /// A place without a guess: a comment from the start.
    Open,
}

#[derive(Clone, Debug)]
struct Line {
    indent: usize,
    text: String,
    kind: Kind,
    /// The block it belongs to.
    block: Option<usize>,
    /// It opens this block.
    opens: Option<usize>,
}

/// What stands before the rules.
#[derive(Debug)]
pub(super) struct Head<'h> {
    pub(super) name: &'h str,
    pub(super) entity: Entity,
    pub(super) format: Option<String>,
    pub(super) documents: Option<String>,
    pub(super) key: String,
    pub(super) parent: Option<String>,
    pub(super) revision: Option<String>,
    /// The format knows texts alone.
    pub(super) texts: bool,
}

/// The file, line by line.
#[derive(Debug)]
pub(super) struct Lines {
    all: Vec<Line>,
    blocks: usize,
    open: Option<usize>,
    /// How deep the rules of the open block stand.
    indent: usize,
}

impl Lines {
    pub(super) fn new(head: &Head<'_>, samples: &[Sample<'_>]) -> Self {
        let mut lines = Self { all: Vec::new(), blocks: 0, open: None, indent: 2 };
        lines.fixed(0, "# A draft from sample documents. What ends with `# guess` was guessed from names and values: look at each.");
        lines.fixed(0, "# A line that begins with `# -` is a place of the documents for which nothing was guessed.");
        lines.fixed(0, "orderhub: 1");
        lines.fixed(0, format!("mapping: {}", head.name));
        lines.fixed(0, format!("entity: {}", head.entity.as_str()));
        if let Some(format) = &head.format {
            lines.fixed(0, format!("format: {format} # guess"));
        }
        if let Some(documents) = &head.documents {
            lines.fixed(0, format!("documents: {{ {documents} }} # guess"));
        }
        lines.fixed(0, format!("key: {} # guess", scalar(&head.key)));
        if let Some(parent) = &head.parent {
            lines.push(0, format!("parent: {parent} # guess"), Kind::Guess, None);
        }
        if let Some(revision) = &head.revision {
            lines.push(0, format!("revision: {revision} # guess"), Kind::Guess, None);
        }
        if head.texts {
            lines.fixed(0, "none: [\"\"] # the format knows texts alone: an empty one says that there is nothing");
        }
        let mut cases = vec!["cases:".to_owned()];
        for sample in samples {
            let (file, hub) = (scalar(sample.file), scalar(&hub_file(sample.file)));
            cases.push(format!(
                "  - {{ why: the draft was made from it, system: {file}, hub: {hub} }}"
            ));
        }
        for case in cases {
            lines.fixed(0, case);
        }
        lines.fixed(0, "fields:");
        lines
    }

    fn fixed(&mut self, indent: usize, text: impl Into<String>) {
        self.push(indent, text.into(), Kind::Fixed, None);
    }

    fn push(&mut self, indent: usize, text: String, kind: Kind, opens: Option<usize>) {
        self.all.push(Line { indent, text, kind, block: self.open, opens });
    }

    /// A rule that was guessed.
    pub(super) fn guess(&mut self, rule: &str) {
        let indent = self.indent;
        self.push(indent, format!("- {{ {rule} }} # guess"), Kind::Guess, None);
    }

    /// A place without a guess.
    pub(super) fn nothing(&mut self, path: &str, kind: &str) {
        let indent = self.indent;
        let text = format!("# - {{ hub: , system: {} }} # {kind}", scalar(path));
        self.push(indent, text, Kind::Open, None);
    }

    /// A guess that lacks something: a comment from the start, with what it lacks.
    pub(super) fn lacks(&mut self, rule: &str, what: &str) {
        let indent = self.indent;
        self.push(indent, format!("# - {{ {rule} }} # {what}"), Kind::Open, None);
    }

    /// Begins a block of rules below a rule.
    pub(super) fn open(&mut self, indent: usize, head: &[String]) {
        self.indent = indent;
        self.blocks += 1;
        let block = self.blocks;
        for (number, line) in head.iter().enumerate() {
            let text = if number == 0 { format!("- {line} # guess") } else { format!("  {line}") };
            let opens = (number == 0).then_some(block);
            self.push(2, text, Kind::Guess, opens);
            if number == 0 {
                self.open = Some(block);
            }
        }
    }

    pub(super) fn close(&mut self) {
        self.open = None;
        self.indent = 2;
    }

    /// Makes the guess of a line a comment, and of a block's first line the whole block. False: it is no guess.
    pub(super) fn take_back(&mut self, number: usize) -> bool {
        let Some(line) = number.checked_sub(1).and_then(|at| self.all.get(at)) else {
            return false;
        };
        if line.kind != Kind::Guess {
            return false;
        }
        // The lines of a block's head stand and fall together.
        let rule = line.text.starts_with("- {") || line.indent == 0;
        let block = if rule { None } else { line.opens.or(line.block) };
        match block {
            Some(block) => self.take_block(block),
            None => {
                let of = line.block;
                self.comment(number - 1);
                if let Some(block) = of
                    && !self.has_rules(block)
                {
                    self.take_block(block);
                }
            }
        }
        true
    }

    fn has_rules(&self, block: usize) -> bool {
        let of = self.all.iter().filter(|line| line.block == Some(block));
        of.clone().any(|line| line.kind == Kind::Guess && line.text.starts_with("- {"))
    }

    fn take_block(&mut self, block: usize) {
        for at in 0..self.all.len() {
            let of = |line: &Line| line.block == Some(block) || line.opens == Some(block);
            if self.all.get(at).is_some_and(of) {
                self.comment(at);
            }
        }
    }

    fn comment(&mut self, at: usize) {
        if let Some(line) = self.all.get_mut(at)
            && line.kind == Kind::Guess
        {
            line.kind = Kind::Open;
            line.text = format!("# {}", line.text.trim_end_matches(" # guess"));
        }
    }

    /// Takes back what was guessed of the document as a whole, the last of it first. False: there is nothing left.
    pub(super) fn take_back_head(&mut self) -> bool {
        let head = |line: &Line| line.indent == 0 && line.kind == Kind::Guess;
        let last = self.all.iter().rposition(head);
        last.is_some_and(|at| self.take_back(at + 1))
    }

    /// Rules that were guessed, and places without one.
    pub(super) fn count(&self) -> (usize, usize) {
        let rules = self.all.iter().filter(|line| line.text.contains("- {"));
        let guessed = rules.clone().filter(|line| line.kind == Kind::Guess).count();
        (guessed, rules.filter(|line| line.kind == Kind::Open).count())
    }

    /// The file.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        let none = !self.all.iter().any(|line| line.kind == Kind::Guess && line.indent > 0);
        for line in &self.all {
            text.push_str(&" ".repeat(line.indent));
            text.push_str(&line.text);
            if none && line.kind == Kind::Fixed && line.text == "fields:" {
                text.push_str(" [] # nothing was guessed");
            }
            text.push('\n');
        }
        text
    }
}

/// The expectation beside a sample: `samples/order.json` ► `samples/order.hub.json`.
pub fn hub_file(file: &str) -> String {
    const ENDS: [&str; 6] = [".json", ".csv", ".tsv", ".txt", ".xml", ".form"];
    let stem = ENDS.iter().find_map(|end| file.strip_suffix(end));
    format!("{}.hub.json", stem.unwrap_or(file))
}

/// A path as files write it.
pub(super) fn at(segments: &[Segment]) -> String {
    scalar(&Path { root: Root::Here, segments: segments.to_vec() }.to_string())
}

/// A path of keys as files write it.
pub(super) fn path(keys: &[&String]) -> String {
    let segments = keys.iter().map(|key| Segment::Key((*key).clone())).collect();
    Path { root: Root::Here, segments }.to_string()
}

/// A text as YAML, quoted where it must be.
pub(super) fn scalar(text: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '.' | '/');
    let first = |letter: char| letter.is_alphabetic() || letter == '/';
    let word = text.chars().next().is_some_and(first) && text.chars().all(plain);
    let odd = ["true", "false", "null"].contains(&text.to_lowercase().as_str());
    if word && !odd {
        return text.to_owned();
    }
    orderhub_lang::value::Value::text(text).to_json_text()
}
