//! What is known of a name before anything runs: whether the file gives it where it is read, which parts a `let:` has
//! that the file writes out, and which part of the document an element of `each:` is.
//!
//! **Invariant:** a part that is never there is refused where it is read, and one that may be there is not. Tests:
//! `every_mistake_of_a_file_is_reported_at_its_place_in_one_run` (`wrong/parts.yaml`),
//! `what_is_read_and_never_given_is_refused_at_its_place`, `what_may_be_given_is_not_refused`.
//!
//! Bounds: [`MOST_LOOKS`] of one name; what is not found out within them counts as given.

use orderhub_lang::codes::UNKNOWN_NAME;
use orderhub_lang::diagnostic::{Diagnostic, Span};
use orderhub_lang::expression::{self, Name};
use orderhub_lang::path::{Path, Root, Segment};
use orderhub_lang::template::Tree;
use orderhub_lang::yaml::Node;

use super::{Ctx, STEP};

/// Most places that are looked at for one name: trees may name each other many times over.
const MOST_LOOKS: usize = 200;

/// What `item` is where something is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Element {
    /// Nothing is known of it: part of an answer, or not known yet.
    #[default]
    Unknown,
    /// There is none.
    None,
    /// One of a list, with its name where it has one.
    Of(Option<Name>),
    /// None: one request is about the whole list.
    AllOf(Option<Name>),
}

impl Element {
    /// What it is for each element of a step, in the request that it sends, and in what reads its answer.
    pub(super) fn of(step: &Node, list: Option<&Name>) -> (Self, Self, Self) {
        let one = match step.get("each") {
            Some(_) => Self::Of(list.cloned()),
            None => Self::None,
        };
        match step.get("items") {
            Some(_) => (one, Self::AllOf(list.cloned()), Self::Unknown),
            None => (one.clone(), one.clone(), one),
        }
    }
}

/// The name of the list that a step runs over; `None`: it is computed, or written out.
pub(super) fn list(step: &Node) -> Option<Name> {
    let text = step.get("each")?.as_text()?;
    let text = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or(text);
    let expression = expression::compile(text, STEP).ok().filter(|found| found.is_name())?;
    expression.reads().first().cloned()
}

/// What is found of a name.
enum Found {
    /// It is there, or may be.
    Given,
    /// It is this part of the document; so many parts at the beginning are read elsewhere.
    Document(Vec<Segment>, usize),
    /// So many parts at its end are not there; what is there instead.
    Not(usize, Vec<String>),
    /// It reads `item`, and there is none.
    NoItem,
    /// It reads `items`, and there are none.
    NoItems,
}

struct Look<'c> {
    lets: &'c [(String, Option<Tree>)],
    element: &'c Element,
    left: usize,
}

impl Look<'_> {
    /// Looks for a name whose first `base` parts are read elsewhere.
    fn name(&mut self, root: &str, segments: &[Segment], base: usize) -> Found {
        self.left = self.left.saturating_sub(1);
        if self.left == 0 {
            return Found::Given;
        }
        match (root, self.element) {
            ("doc", _) => Found::Document(segments.to_vec(), base),
            ("let", _) => match segments.split_first() {
                Some((Segment::Key(key), rest)) => self.tree(key, rest),
                Some(_) | None => Found::Given,
            },
            ("item" | "mine", Element::None | Element::AllOf(_)) => Found::NoItem,
            ("items", Element::None | Element::Of(_)) => Found::NoItems,
            ("item", Element::Of(Some(list))) => self.below(list, one_of(list), segments),
            ("items", Element::AllOf(Some(list))) => {
                self.below(list, list.segments.clone(), segments)
            }
            _ => Found::Given,
        }
    }

    /// What stands for a name, and the parts behind it.
    fn below(&mut self, of: &Name, mut base: Vec<Segment>, rest: &[Segment]) -> Found {
        let elsewhere = base.len();
        base.extend_from_slice(rest);
        self.name(&of.root, &base, elsewhere)
    }

    fn tree(&mut self, key: &str, rest: &[Segment]) -> Found {
        let known = self.lets.iter().find(|(known, _)| known == key);
        let Some((_, Some(tree))) = known else { return Found::Given };
        let (mut one, mut all) = (false, false);
        tree.reads(&mut |name| {
            one |= matches!(name.root.as_str(), "item" | "mine");
            all |= name.root == "items";
        });
        match self.element {
            Element::None | Element::AllOf(_) if one => Found::NoItem,
            Element::None | Element::Of(_) if all => Found::NoItems,
            Element::Unknown | Element::None | Element::Of(_) | Element::AllOf(_) => {
                self.within(tree, rest)
            }
        }
    }

    fn within(&mut self, tree: &Tree, rest: &[Segment]) -> Found {
        self.left = self.left.saturating_sub(1);
        let Some((first, behind)) = rest.split_first().filter(|_| self.left > 0) else {
            return match tree {
                Tree::Template(template) => self.template(template.only_name(), rest),
                Tree::Constant(_) | Tree::List(_) | Tree::Map(_) => Found::Given,
            };
        };
        let not = |known| Found::Not(rest.len(), known);
        match (tree, first) {
            (Tree::Template(template), _) => self.template(template.only_name(), rest),
            (Tree::Constant(_), _) => not(Vec::new()),
            (Tree::Map(map), Segment::Key(_) | Segment::Index(_)) => {
                let key = key(first);
                match map.iter().find(|(known, _)| *known == key) {
                    Some((_, child)) => self.within(child, behind),
                    None => not(map.iter().map(|(known, _)| known.clone()).collect()),
                }
            }
            (Tree::Map(map), Segment::Each) => self.any(map.iter().map(|(_, child)| child), behind),
            (Tree::List(list), Segment::Each) => self.any(list.iter(), behind),
            (Tree::List(list), Segment::Index(place)) => match list.get(*place as usize) {
                Some(child) => self.within(child, behind),
                None => not(Vec::new()),
            },
            (Tree::List(list), Segment::Key(name)) if name == "one" => match list.as_slice() {
                [only] => self.within(only, behind),
                [..] => Found::Given,
            },
            (Tree::List(_), Segment::Key(_)) => not(vec!["*".to_owned(), "one".to_owned()]),
            (_, Segment::Where { .. } | Segment::Setting(_) | Segment::Xref(_)) => Found::Given,
        }
    }

    fn template(&mut self, name: Option<&Name>, rest: &[Segment]) -> Found {
        name.map_or(Found::Given, |name| self.below(name, name.segments.clone(), rest))
    }

    /// Of several, it is enough that one has it.
    fn any<'t>(&mut self, children: impl Iterator<Item = &'t Tree>, rest: &[Segment]) -> Found {
        let mut last = Found::Given;
        for child in children {
            last = self.within(child, rest);
            if !matches!(last, Found::Not(..)) {
                return Found::Given;
            }
        }
        last
    }
}

/// An element of a list, as a part of where the list is. A fan-out is the list of what it reaches.
fn one_of(list: &Name) -> Vec<Segment> {
    let mut segments = list.segments.clone();
    if !segments.contains(&Segment::Each) {
        segments.push(Segment::Each);
    }
    segments
}

/// A part as a key of a map.
fn key(segment: &Segment) -> String {
    match segment {
        Segment::Key(key) => key.clone(),
        other @ (Segment::Index(_)
        | Segment::Each
        | Segment::Where { .. }
        | Segment::Setting(_)
        | Segment::Xref(_)) => other.to_string(),
    }
}

impl Ctx<'_> {
    /// Holds a name to what the file gives where it stands: trees of `let:`, `items`, `item`.
    pub(super) fn given(&mut self, name: &Name, node: &Node, needed: bool) {
        match (name.root.as_str(), name.key().unwrap_or_default()) {
            ("let", key) if !self.lets.iter().any(|(known, _)| known == key) => {
                self.no_tree(name, key, node);
            }
            ("let" | "item" | "items" | "mine", _) => self.look(name, node, needed),
            _ => {}
        }
    }

    fn no_tree(&mut self, name: &Name, key: &str, node: &Node) {
        let message = format!("no `let:` before this gives `{key}`");
        let finding = self.findings.error(UNKNOWN_NAME, self.place(name, node), message);
        let finding = if self.lets.is_empty() {
            finding.with_hint("a tree reads those before it; add `let: { name: … }` there")
        } else {
            finding.with_one_of(key, self.lets.iter().map(|(known, _)| known.as_str()))
        };
        self.findings.report(finding);
    }

    fn look(&mut self, name: &Name, node: &Node, needed: bool) {
        let mut look = Look { lets: &self.lets, element: &self.element, left: MOST_LOOKS };
        let found = look.name(&name.root, &name.segments, 0);
        let at = self.place(name, node);
        let finding = match found {
            Found::Given => return,
            Found::Document(segments, base) => {
                return self.ask_within((segments, base), at, needed);
            }
            Found::Not(parts, known) => {
                // A part that is read elsewhere is told there.
                let least = usize::from(name.root == "let");
                let there = name.segments.len().checked_sub(parts);
                let Some(there) = there.filter(|there| *there >= least) else { return };
                let (of, missing) = name.segments.split_at(there);
                let of = Name::of(&name.root, of.to_vec());
                self.lacks((&format!("`{of}`"), missing), known, at)
            }
            Found::NoItem => {
                let (message, hint) = self.no_item(name);
                self.findings.error(UNKNOWN_NAME, at, message).with_hint(hint)
            }
            Found::NoItems => {
                let message = match name.root.as_str() {
                    "let" => {
                        format!("`{name}` reads `items`, which are those of a step with `items:`")
                    }
                    _ => "`items` are those of a step with `items:`".to_owned(),
                };
                let hint = "add `items: { at: body.results, ours: ref, ok: item.ok }`";
                self.findings.error(UNKNOWN_NAME, at, message).with_hint(hint)
            }
        };
        self.findings.report(finding);
    }

    fn no_item(&self, name: &Name) -> (String, &'static str) {
        let of = match name.root.as_str() {
            "let" => format!("`{name}` is of one element"),
            root => format!("`{root}` is of one element"),
        };
        match self.element {
            Element::AllOf(_) => (
                format!("{of}, and this request is about all of them"),
                "write `{items}`, which is the list of those that are sent",
            ),
            Element::Unknown | Element::None | Element::Of(_) => (
                format!("{of}, and nothing says of which list"),
                "add `each: doc.lines` to the step, or read the document: `doc.…`",
            ),
        }
    }

    fn lacks(
        &self,
        (what, missing): (&str, &[Segment]),
        known: Vec<String>,
        at: Span,
    ) -> Diagnostic {
        let part = missing.first().map(key).unwrap_or_default();
        let finding = self.findings.error(UNKNOWN_NAME, at, format!("{what} has no `{part}`"));
        let finding = finding.with_one_of(&part, known.iter().map(String::as_str));
        if finding.hint.is_some() {
            return finding;
        }
        finding.with_hint("nothing stands below it")
    }

    /// A path within an element of a list that has a name: `ours:` and `id:` of `items:`.
    pub(super) fn in_element(&mut self, list: &Name, path: &Path, node: &Node) {
        if path.root != Root::Here || path.segments.is_empty() {
            return;
        }
        let mut look = Look { lets: &self.lets, element: &Element::Unknown, left: MOST_LOOKS };
        match look.below(list, one_of(list), &path.segments) {
            Found::Given | Found::NoItem | Found::NoItems => {}
            Found::Document(segments, base) => self.ask_within((segments, base), node.span, true),
            Found::Not(parts, known) => {
                let there = path.segments.len().checked_sub(parts);
                let Some(missing) = there.and_then(|at| path.segments.get(at..)) else { return };
                let what = format!("an element of `{list}`");
                let finding = self.lacks((&what, missing), known, node.span);
                self.findings.report(finding);
            }
        }
    }
}
