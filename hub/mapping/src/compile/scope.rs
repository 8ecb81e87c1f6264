//! System paths: from a scope (the document, or an element in it) to slots of the scan.

use std::rc::Rc;

use orderhub_lang::condition::{Condition, Test};
use orderhub_lang::diagnostic::Span;
use orderhub_lang::path::{Path, Root, Segment};

use super::Compiler;
use crate::ast::PathAt;
use crate::cell::Cell;
use crate::codes;
use crate::hub_path::Resolver;
use crate::program::{Read, Source, TestRead};
use crate::scan::trie::{NodeId, Step, Trie};

/// What to do about a name of the hub's side on the system's.
const NO_PLACE: &str = "references and ordinals stand on the hub's side: `{ hub: $xref(order), system: id }`; here name a place \
                        of the document, such as `items.*.id`";

/// An element of the document that rules speak of.
#[derive(Clone, Debug)]
pub(crate) struct Scope {
    /// Its node.
    pub(crate) node: NodeId,
    /// Its path from the document on, for messages.
    pub(crate) text: String,
    /// What surrounds it.
    up: Option<Rc<Scope>>,
    /// Rows are counted here (`$index`).
    pub(crate) in_rows: bool,
}

impl Scope {
    /// The body, in which documents stand.
    pub(crate) fn body(node: NodeId) -> Self {
        Self { node, text: String::new(), up: None, in_rows: false }
    }

    /// The document.
    pub(crate) fn document(node: NodeId, body: NodeId) -> Self {
        let up = Some(Rc::new(Self::body(body)));
        Self { node, text: String::new(), up, in_rows: false }
    }

    /// A scope below this one.
    fn below(&self, node: NodeId, text: String) -> Self {
        Self { node, text, up: Some(Rc::new(self.clone())), in_rows: self.in_rows }
    }

    /// The scope of the rows of a list below this one.
    fn row(&self, node: NodeId, text: String) -> Self {
        Self { in_rows: true, ..self.below(node, text) }
    }

    fn above(&self, levels: u32) -> Option<Scope> {
        let mut scope = self.clone();
        for _ in 0..levels {
            scope = scope.up.as_deref()?.clone();
        }
        Some(scope)
    }
}

/// Joins a path's text and what follows.
fn join(text: &str, more: &str) -> String {
    if text.is_empty() { more.to_owned() } else { format!("{text}.{more}") }
}

impl Compiler<'_> {
    /// Walks a path in the document; the scope it ends in is what rules below it speak of.
    pub(super) fn walk(
        &mut self,
        path: &Path,
        span: Span,
        scope: &Scope,
    ) -> Option<(NodeId, Scope)> {
        let (scope, _, _) = self.descend(path, span, scope)?;
        Some((scope.node, scope))
    }

    /// The scope at a path, the rows on the way, and the path's text.
    fn descend(
        &mut self,
        path: &Path,
        span: Span,
        scope: &Scope,
    ) -> Option<(Scope, Vec<crate::scan::trie::Address>, String)> {
        let start = match path.root {
            Root::Here => Some(scope.clone()),
            Root::Up(levels) => scope.above(levels),
            Root::Document => {
                let body = Scope::body(Trie::BODY);
                Some(if scope.up.is_none() {
                    body
                } else {
                    Scope::document(Trie::DOCUMENT, Trie::BODY)
                })
            }
            Root::Settings
            | Root::Args
            | Root::Hub
            | Root::Xref(_)
            | Root::Index
            | Root::Position
            | Root::Ordinal => None,
        };
        let Some(start) = start else {
            let message = format!("`{path}` is not a place in the document");
            self.wrong(codes::SYSTEM_PATH, span, message, NO_PLACE);
            return None;
        };
        // Elements surround each other; what lies between them does not.
        let (mut element, mut rows) = (start.clone(), Vec::new());
        let (mut at, mut place) = (start.node, start.text);
        for segment in &path.segments {
            let (step, text) = match segment {
                Segment::Key(key) => (Step::Key(key.clone()), key.clone()),
                Segment::Index(place) => (Step::Index(*place), place.to_string()),
                Segment::Each => (Step::Each, "*".to_owned()),
                Segment::Where { key, value, .. } => {
                    (Step::Where(key.clone(), value.clone()), format!("({key}={value})"))
                }
                Segment::Setting(name) => {
                    self.setting(name, span);
                    (Step::Setting(name.clone()), format!("($settings.{name})"))
                }
                Segment::Xref(_) => {
                    let message = "`$xref` is of the hub side";
                    self.wrong(codes::SYSTEM_PATH, span, message, "write it under `hub:`");
                    return None;
                }
            };
            let node = self.trie.step(at, &step);
            place = join(&place, &text);
            if step == Step::Each {
                if let Some(found) = self.trie.node(at).and_then(|node| node.rows) {
                    let level = self.trie.address(at).level;
                    rows.push(crate::scan::trie::Address { level, slot: found.slot });
                }
                element = element.row(node, place.clone());
            }
            at = node;
        }
        let found = if at == element.node { element } else { element.below(at, place.clone()) };
        Some((found, rows, place))
    }

    /// A place in the document.
    pub(super) fn read(&mut self, path: &PathAt, scope: &Scope) -> Option<(Read, Scope)> {
        let (found, rows, text) = self.descend(&path.is, path.span, scope)?;
        if !self.paths.contains(&text) && !text.is_empty() {
            self.paths.push(text.clone());
        }
        let slot = self.trie.address(found.node);
        Some((Read { rows, slot, text: text.into() }, found))
    }

    /// Rows for `each`: the path, with a `*` at its end if it has none.
    pub(super) fn rows(&mut self, path: &PathAt, scope: &Scope) -> Option<(Read, Scope)> {
        let mut path = path.clone();
        if path.is.segments.last() != Some(&Segment::Each) {
            path.is.segments.push(Segment::Each);
        }
        self.read(&path, scope)
    }

    /// Anything a system path may name.
    pub(super) fn source(&mut self, path: &PathAt, scope: &Scope) -> Option<(Source, Scope)> {
        let own = scope.clone();
        match &path.is.root {
            Root::Here | Root::Up(_) | Root::Document => {
                let (read, scope) = self.read(path, scope)?;
                Some((Source::Document(read), scope))
            }
            Root::Settings => {
                let [Segment::Key(name)] = path.is.segments.as_slice() else {
                    let hint = "write `$settings.money`";
                    self.wrong(codes::SYSTEM_PATH, path.span, "a setting has one name", hint);
                    return None;
                };
                self.setting(name, path.span);
                Some((Source::Setting(name.clone()), own))
            }
            Root::Args => Some((Source::Argument(path.is.segments.clone()), own)),
            Root::Hub => {
                let mut inner = path.is.clone();
                inner.root = Root::Document;
                let resolver = &mut Resolver { findings: self.findings };
                let found = resolver.resolve(&inner, path.span, &[])?;
                Some((Source::Hub(found), own))
            }
            Root::Index if scope.in_rows => Some((Source::Index, own)),
            Root::Index => {
                let hint = "it counts the rows of an `each`";
                self.wrong(codes::SYSTEM_PATH, path.span, "`$index` stands in no row", hint);
                None
            }
            Root::Xref(_) | Root::Position | Root::Ordinal => {
                let message = format!("`{}` is not a place in the document", path.is);
                self.wrong(codes::SYSTEM_PATH, path.span, message, NO_PLACE);
                None
            }
        }
    }

    /// Tests of `where:`. What `none` and the whole file say means null is not present; a list of values looks at
    /// what stands there.
    pub(super) fn tests(
        &mut self,
        condition: Option<&Condition>,
        none: &[Cell<'static>],
        scope: &Scope,
    ) -> Vec<TestRead> {
        let mut tests = Vec::new();
        for test in condition.map(|condition| condition.tests.as_slice()).unwrap_or_default() {
            if let Test::From(_) = test.test {
                let hint = "list the values: `{ status: [shipped, delivered] }`";
                self.wrong(codes::WHERE, test.span, "a document's values have no rank", hint);
                continue;
            }
            let presence = matches!(test.test, Test::Present | Test::Absent | Test::None);
            let none = none.iter().chain(&self.none).filter(|_| presence).cloned().collect();
            let path = PathAt { span: test.span, is: test.path.clone() };
            let before = self.given.len();
            if presence {
                self.given.extend(setting_of(&test.path));
            }
            let source = self.source(&path, scope);
            self.given.truncate(before);
            if let Some((source, _)) = source {
                tests.push(TestRead { source, test: test.test.clone(), none });
            }
        }
        tests
    }
}

/// The setting that a path names.
pub(super) fn setting_of(path: &Path) -> Option<String> {
    match (&path.root, path.segments.as_slice()) {
        (Root::Settings, [Segment::Key(name)]) => Some(name.clone()),
        _ => None,
    }
}
