//! What a layout may not touch: scalars, aliases and comments by their bytes; and how deep each line stands.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_saphyr::granit_parser::{self, Event, Parser, ScalarStyle, StructureStyle};

use crate::diagnostic::Source;
use crate::yaml::Budget;
use crate::yaml::place::range;

/// A part of the text that is kept as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Atom {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) is: Kind,
}

/// What an atom is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A plain or quoted scalar.
    Scalar,
    /// `*name`
    Alias,
    /// `|` or `>` with its lines.
    Block,
    /// From `#` to the end of the line.
    Comment,
}

/// What was found, by byte.
#[derive(Debug, Default)]
pub(super) struct Atoms {
    /// In the order of the text.
    all: Vec<Atom>,
    /// First byte of a node outside of braces and brackets.
    nodes: BTreeMap<usize, Node>,
    /// The outermost braces and brackets, each from its opening to its end.
    flows: Vec<(usize, usize)>,
}

/// A node outside of braces and brackets.
#[derive(Clone, Copy, Debug)]
struct Node {
    /// The blocks that surround it.
    blocks: usize,
    /// It is a key of the innermost of them, and not the first thing in it.
    key: bool,
    /// It is a list of a line for each element.
    list: bool,
    /// It is the value of a key.
    value: bool,
}

/// A collection that is not closed yet.
#[derive(Clone, Copy, Debug)]
struct Open {
    flow: bool,
    start: usize,
    /// A mapping whose next node is a key.
    key: Option<bool>,
}

/// The lines of a block scalar, from the end of the line that announces it; the parser tells its text, up to
/// what follows.
fn lines_of(start: usize, end: usize, text: &str) -> (usize, usize) {
    let before = text.get(..start).unwrap_or_default();
    let line = before.rfind('\n').unwrap_or(0);
    let announced = text.get(..line).unwrap_or_default().trim_end().len();
    let within = text.get(..end).unwrap_or_default();
    let last = within.rfind('\n').map_or(0, |newline| newline + 1);
    let blank = within.get(last..).unwrap_or_default().trim().is_empty();
    (announced, if blank { last.max(announced) } else { end })
}

impl Atoms {
    /// Reads a text that can be read.
    pub(super) fn read(source: &Arc<Source>, budget: &Budget) -> Self {
        let options = granit_parser::options! {
            emit_comments: true,
            emit_unresolved_aliases: true,
            disallow_directives: false,
            flow_nesting_limit: budget.depth + 2,
            block_nesting_limit: budget.depth + 2,
        };
        let (mut atoms, mut open) = (Self::default(), Vec::new());
        for next in Parser::new_from_str_with_options(&source.text, options) {
            let Ok((event, span)) = next else { break };
            let (start, end) = range(source, &span);
            atoms.event(&event, start, end, &mut open, &source.text);
        }
        atoms.all.sort_by_key(|atom| atom.start);
        atoms
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the parser's enum is open; what is not named here has no place in a layout"
    )]
    fn event(
        &mut self,
        event: &Event<'_>,
        start: usize,
        end: usize,
        open: &mut Vec<Open>,
        text: &str,
    ) {
        let mut atom = |end, is| self.all.push(Atom { start, end, is });
        match event {
            Event::Comment(..) => {
                let line = text.get(start..).unwrap_or_default();
                let end = line.find('\n').map_or(text.len(), |length| start + length);
                atom(end, Kind::Comment);
            }
            Event::Scalar(_, style, ..) => {
                if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) {
                    let (start, end) = lines_of(start, end, text);
                    self.all.push(Atom { start, end, is: Kind::Block });
                } else if end > start {
                    atom(end, Kind::Scalar);
                }
                self.node(start, false, open);
            }
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                atom(end, Kind::Alias);
                self.node(start, false, open);
            }
            Event::SequenceStart(style, ..) => {
                let flow = *style == StructureStyle::Flow;
                self.node(start, !flow, open);
                open.push(Open { flow, start, key: None });
            }
            Event::MappingStart(style, ..) => {
                let flow = *style == StructureStyle::Flow;
                self.node(start, false, open);
                open.push(Open { flow, start, key: Some(true) });
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let outer = |open: &[Open]| open.last().is_none_or(|outer| !outer.flow);
                if let Some(closed) = open.pop()
                    && closed.flow
                    && outer(open)
                {
                    self.flows.push((closed.start, end));
                }
            }
            _ => {}
        }
    }

    /// Notes a node, and that its mapping goes on with the other of key and value.
    fn node(&mut self, start: usize, list: bool, open: &mut [Open]) {
        let blocks = open.iter().filter(|open| !open.flow).count();
        let Some(outer) = open.last_mut() else {
            self.nodes.entry(start).or_insert(Node { blocks, key: false, list, value: false });
            return;
        };
        let key = outer.key == Some(true);
        outer.key = outer.key.map(|key| !key);
        if !outer.flow {
            let value = outer.key == Some(true);
            self.nodes.entry(start).or_insert(Node { blocks, key, list, value });
        }
    }

    /// The atom that a byte is in.
    pub(super) fn at(&self, byte: usize) -> Option<Atom> {
        let next = self.all.partition_point(|atom| atom.start <= byte);
        let atom = next.checked_sub(1).and_then(|last| self.all.get(last))?;
        (byte < atom.end).then_some(*atom)
    }

    /// How many blocks stand around a line that begins at a byte, the one whose entry it is among them.
    pub(super) fn depth(&self, first: usize, dash: bool) -> usize {
        let Some((start, node)) = self.nodes.range(first..).next() else { return 1 };
        // The parser tells a list that stands no deeper than its key where its first element begins, behind
        // the dash; any other at its first dash.
        let begins = node.list && (*start == first || node.value);
        match (dash, begins) {
            (true, true) => node.blocks + 1,
            (true, false) => node.blocks,
            // A key stands in its mapping; what is no key stands one deeper.
            (false, _) => node.blocks + usize::from(!node.key),
        }
    }

    /// Whether a byte stands within braces or brackets.
    pub(super) fn flows(&self, byte: usize) -> bool {
        let next = self.flows.partition_point(|(start, _)| *start < byte);
        next.checked_sub(1).and_then(|at| self.flows.get(at)).is_some_and(|(_, end)| byte < *end)
    }

    /// The texts of the comments.
    pub(super) fn comments<'t>(&'t self, text: &'t str) -> impl Iterator<Item = &'t str> {
        let comments = self.all.iter().filter(|atom| atom.is == Kind::Comment);
        comments.map(|atom| text.get(atom.start..atom.end).unwrap_or_default())
    }
}
