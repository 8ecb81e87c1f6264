//! From the parser's events to a tree, counting as it goes.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use serde_saphyr::granit_parser::{self, Event, ScalarStyle, ScanError};

use super::place::{measure, parser, range};
use super::{Budget, Key, Node, NodeValue, hidden, scalar, slips, syntax};
use crate::codes;
use crate::diagnostic::{Diagnostic, Findings, Source, Span};

/// Reads one file.
///
/// # Errors
///
/// All mistakes that can be found in one pass: syntax (the first), tabs, duplicate keys, several
/// documents, tags, what nobody sees, a budget exceeded; each at its place.
pub fn parse(source: &Arc<Source>, budget: &Budget) -> Result<Node, Vec<Diagnostic>> {
    let mut findings = Findings::new(source);
    let root = parse_on(&mut findings, budget);
    findings.into_result(root).map(|(root, _)| root)
}

/// Reads one file for a reader that goes on after mistakes: the tree where it is whole, although a key may
/// be given twice (the first counts), a tag may stand before a value, or another document behind it.
pub fn parse_on(findings: &mut Findings, budget: &Budget) -> Option<Node> {
    let source = Arc::clone(findings.source());
    if source.text.len() > budget.bytes {
        let message = too_large(source.text.len() as u64, budget.bytes as u64);
        findings.report(findings.error(codes::TOO_LARGE, Span::new(0, 0), message));
        return None;
    }
    hidden::check(findings);
    if slips::merge_marks(findings) {
        return None;
    }
    let reader = Reader {
        budget: *budget,
        findings,
        open: Vec::new(),
        anchors: HashMap::new(),
        root: None,
        nodes: 0,
        documents: 0,
        whole: true,
        last: 0,
    };
    reader.read(&source)
}

/// What is said of a file with too many bytes, read or not.
pub fn too_large(bytes: u64, most: u64) -> String {
    format!("the file has {bytes} bytes; {most} are allowed")
}

/// A collection that is not closed yet.
struct Open {
    start: usize,
    end: usize,
    anchor: usize,
    flow: bool,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map {
        entries: Vec<(Key, Node)>,
        names: HashMap<String, u32>,
        key: Option<Key>,
        merges: Vec<Node>,
    },
}

/// An anchored node with its size and height, so that an alias is charged before it is copied.
struct Anchor {
    node: Node,
    nodes: usize,
    height: usize,
}

struct Reader<'f> {
    budget: Budget,
    findings: &'f mut Findings,
    open: Vec<Open>,
    anchors: HashMap<usize, Anchor>,
    root: Option<Node>,
    nodes: usize,
    documents: usize,
    /// Nothing that was said is missing in the tree.
    whole: bool,
    /// Where the last scalar or alias, or the last bracket, ends.
    last: usize,
}

/// Reading cannot go on; what was found says why.
struct Stop;

impl Reader<'_> {
    fn read(mut self, source: &Source) -> Option<Node> {
        for next in parser(&source.text, &self.budget) {
            let step = match next {
                Ok((event, span)) => {
                    let (start, end) = range(source, &span);
                    self.last = self.last.max(end);
                    self.event(event, (start, end))
                }
                Err(error) => self.scan_error(&error),
            };
            if step.is_err() {
                // Behind the first document nothing is missing in it.
                self.whole &= self.documents > 1;
                break;
            }
        }
        let nothing = Node { span: Span::default(), value: NodeValue::Null };
        self.whole.then(|| self.root.take().unwrap_or(nothing))
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the parser's enum is open; what is not named here is no node"
    )]
    fn event(&mut self, event: Event<'_>, (start, end): (usize, usize)) -> Result<(), Stop> {
        let span = Span::new(start, end);
        match event {
            Event::DocumentStart(..) => self.document(span),
            Event::Scalar(text, style, anchor, tag) => {
                let value = match &tag {
                    Some(tag) => {
                        self.check_tag(tag, span);
                        NodeValue::Text(text.into_owned())
                    }
                    None if style == ScalarStyle::Plain => {
                        if !self.awaits_key() {
                            hidden::printed(self.findings, &text, span);
                        }
                        scalar::plain(&text)
                    }
                    None => NodeValue::Text(text.into_owned()),
                };
                let node = Node { span, value };
                self.charge(measure(&node).0, span)?;
                self.remember(anchor, &node)?;
                self.place(node, end)
            }
            Event::SequenceStart(style, anchor, tag) => {
                if let Some(tag) = tag {
                    self.check_tag(&tag, span);
                }
                let flow = style == granit_parser::StructureStyle::Flow;
                self.begin(Open { start, end, anchor, flow, content: Content::List(Vec::new()) })
            }
            Event::MappingStart(style, anchor, tag) => {
                if let Some(tag) = tag {
                    self.check_tag(&tag, span);
                }
                let flow = style == granit_parser::StructureStyle::Flow;
                let content = Content::Map {
                    entries: Vec::new(),
                    names: HashMap::new(),
                    key: None,
                    merges: Vec::new(),
                };
                self.begin(Open { start, end, anchor, flow, content })
            }
            Event::SequenceEnd | Event::MappingEnd => self.finish(end),
            Event::Alias(id) => self.alias(id, span),
            Event::UnresolvedAlias(name) => {
                self.whole = false;
                let message = format!("alias `*{name}` has no anchor");
                self.findings.report(
                    self.findings
                        .error(codes::ALIAS, span, message)
                        .with_label(format!("no `&{name}` stands before it"))
                        .with_hint(format!(
                            "write the value here, or `&{name}` before the one that is meant, further up in this file"
                        )),
                );
                self.place(Node { span, value: NodeValue::Null }, end)
            }
            // Stream marks, document ends, and kinds of events that later versions may add: none of
            // them is a node.
            _ => Ok(()),
        }
    }

    fn document(&mut self, span: Span) -> Result<(), Stop> {
        self.documents += 1;
        if self.documents > 1 {
            self.findings.report(
                self.findings
                    .error(codes::SEVERAL_DOCUMENTS, span, "several documents in one file")
                    .with_hint("put it into a file of its own"),
            );
            return Err(Stop);
        }
        Ok(())
    }

    fn check_tag(&mut self, tag: &granit_parser::Tag, span: Span) {
        if tag.handle() != "tag:yaml.org,2002:" || tag.suffix() != "str" {
            let message = format!("tag `{}{}` is not supported", tag.handle(), tag.suffix());
            self.findings.report(
                self.findings
                    .error(codes::TAG, span, message)
                    .with_hint("write the value without it"),
            );
        }
    }

    /// Counts nodes before they are kept.
    fn charge(&mut self, nodes: usize, span: Span) -> Result<(), Stop> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > self.budget.nodes {
            let message = format!(
                "the file has more than {} nodes once aliases are expanded",
                self.budget.nodes
            );
            self.findings.report(
                self.findings
                    .error(codes::TOO_MANY_NODES, span, message)
                    .with_label("reading stopped here"),
            );
            return Err(Stop);
        }
        Ok(())
    }

    fn check_depth(&mut self, depth: usize, span: Span) -> Result<(), Stop> {
        if depth > self.budget.depth {
            let message = format!("nested deeper than {} levels", self.budget.depth);
            self.findings.report(self.findings.error(codes::TOO_DEEP, span, message));
            return Err(Stop);
        }
        Ok(())
    }

    fn begin(&mut self, open: Open) -> Result<(), Stop> {
        let span = Span::new(open.start, open.end);
        self.charge(1, span)?;
        self.check_depth(self.open.len() + 1, span)?;
        self.open.push(open);
        Ok(())
    }

    fn finish(&mut self, end: usize) -> Result<(), Stop> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        // The end of a block is where the next token was seen; its last child is what a person sees.
        let end = if open.flow { end } else { open.end };
        let value = match open.content {
            Content::List(list) => NodeValue::List(list),
            Content::Map { mut entries, mut names, merges, .. } => {
                for merge in &merges {
                    self.merge(&mut entries, &mut names, merge)?;
                }
                hidden::alike(self.findings, &entries);
                NodeValue::Map(entries)
            }
        };
        let node = Node { span: Span::new(open.start, end), value };
        self.remember(open.anchor, &node)?;
        self.place(node, end)
    }

    /// Keeps a copy of an anchored node, which counts like an alias to it.
    fn remember(&mut self, anchor: usize, node: &Node) -> Result<(), Stop> {
        if anchor != 0 {
            let (nodes, height) = measure(node);
            self.charge(nodes, node.span)?;
            self.anchors.insert(anchor, Anchor { node: node.clone(), nodes, height });
        }
        Ok(())
    }

    fn alias(&mut self, id: usize, span: Span) -> Result<(), Stop> {
        let Some((nodes, height)) = self.anchors.get(&id).map(|a| (a.nodes, a.height)) else {
            self.whole = false;
            self.findings.report(
                self.findings
                    .error(codes::ALIAS, span, "an alias to a node that it stands in")
                    .with_label("would never end"),
            );
            return self.place(Node { span, value: NodeValue::Null }, span.end as usize);
        };
        self.charge(nodes, span)?;
        self.check_depth(self.open.len() + height, span)?;
        let node = self.anchors.get(&id).map(|anchor| anchor.node.clone());
        let Some(node) = node else { return Ok(()) };
        self.place(node, span.end as usize)
    }

    /// Whether the next node is a key.
    fn awaits_key(&self) -> bool {
        matches!(self.open.last(), Some(Open { content: Content::Map { key: None, .. }, .. }))
    }

    /// Puts a finished node where it belongs: a key, a value, an element, or the root.
    fn place(&mut self, node: Node, end: usize) -> Result<(), Stop> {
        let (open, around) = match self.open.as_mut_slice() {
            [.., around, open] => (Some(open), Some(around)),
            [open] => (Some(open), None),
            [] => (None, None),
        };
        let Some(open) = open else {
            self.root = Some(node);
            return Ok(());
        };
        let in_list = !open.flow && around.is_some_and(|a| matches!(a.content, Content::List(_)));
        open.end = open.end.max(end);
        match &mut open.content {
            Content::List(list) => list.push(node),
            Content::Map { key: slot @ None, .. } => {
                let written = self.findings.source().slice(node.span);
                let name = node.scalar_text().map(std::borrow::Cow::into_owned);
                // A null key (`~:`, `null:`) is its text as well, as written.
                let name = name.or_else(|| node.is_null().then(|| written.to_owned()));
                *slot = Some(Key { span: node.span, name: name.clone().unwrap_or_default() });
                if name.is_none() {
                    self.whole = false;
                    let message = format!("{} cannot be a key", node.kind());
                    self.findings.report(self.findings.error(
                        codes::COMPLEX_KEY,
                        node.span,
                        message,
                    ));
                }
            }
            Content::Map { entries, names, key, merges } => {
                let Some(key) = key.take() else { return Ok(()) };
                let mut node = node;
                if node.is_null() && node.span.start == node.span.end {
                    // `key:` with nothing behind it: the place is the key, not the next line.
                    node.span = Span { start: key.span.end, end: key.span.end };
                }
                let merge = key.name == "<<" && self.findings.source().slice(key.span) == "<<";
                if merge {
                    merges.push(node);
                } else {
                    match names.entry(key.name.clone()) {
                        Entry::Vacant(free) => {
                            free.insert(key.span.start);
                            entries.push((key, node));
                        }
                        Entry::Occupied(first) => {
                            let finding =
                                slips::key_twice(self.findings, &key, *first.get(), in_list);
                            self.findings.report(finding);
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Adds the keys of `from` (a mapping or a list of them) that are not there yet.
    fn merge(
        &mut self,
        entries: &mut Vec<(Key, Node)>,
        names: &mut HashMap<String, u32>,
        from: &Node,
    ) -> Result<(), Stop> {
        for part in from.list_or_single() {
            let Some(map) = part.as_map() else {
                self.whole = false;
                let message = format!("`<<` merges mappings, this is {}", part.kind());
                self.findings.report(self.findings.error(codes::MERGE, part.span, message));
                continue;
            };
            // The alias itself was charged; what is copied a second time is charged again.
            self.charge(measure(part).0, part.span)?;
            for (key, node) in map {
                if names.insert(key.name.clone(), key.span.start).is_none() {
                    entries.push((key.clone(), node.clone()));
                }
            }
        }
        Ok(())
    }

    fn scan_error(&mut self, error: &ScanError) -> Result<(), Stop> {
        let open = self.open.iter().find(|open| open.flow).map(|open| open.start);
        let finding = syntax::finding(self.findings, error, &self.budget, open, self.last);
        // What nobody sees may be what the reader stopped at.
        if !self.findings.has(codes::HIDDEN, finding.span) {
            self.findings.report(finding);
        }
        Err(Stop)
    }
}
