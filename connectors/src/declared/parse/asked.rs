//! What an operation reads of what is given to it: its document and references, for those who know the mappings; what
//! its own steps keep is compared here.
//!
//! **Invariant:** an operation that reads what no step of it saves is refused. Test:
//! `every_mistake_of_a_file_is_reported_at_its_place_in_one_run` (`wrong/asked.yaml`).

use std::sync::Arc;

use orderhub_lang::asked::{Asked, place};
use orderhub_lang::diagnostic::Span;
use orderhub_lang::expression::Name;
use orderhub_lang::path::Segment;
use orderhub_lang::yaml::Node;

use super::super::model::Step;
use super::Ctx;
use crate::codes;

/// What is given to an operation from outside of its file.
const GIVEN: &[&str] = &["doc", "xref"];
/// What its own steps keep.
const KEPT: &[&str] = &["memo", "mine"];

impl Ctx<'_> {
    /// What is read from here on is the operation's.
    pub(super) fn begin(&mut self, operation: &str) {
        self.operation = Some(operation.into());
        self.kept.clear();
    }

    /// Remembers a name that an operation reads.
    pub(super) fn ask(&mut self, name: &Name, node: &Node, needed: bool) {
        let Some(operation) = &self.operation else { return };
        let root = name.root.as_str();
        let kept = KEPT.contains(&root);
        if !kept && !GIVEN.contains(&root) {
            return;
        }
        let asked = Asked {
            operation: Arc::clone(operation),
            name: name.clone(),
            needed,
            base: 0,
            source: Arc::clone(self.findings.source()),
            span: self.place(name, node),
        };
        let list = if kept { &mut self.kept } else { &mut self.asked };
        list.push(asked);
    }

    /// Remembers a part of the document that is read by another name, below `base` parts that are read elsewhere.
    pub(super) fn ask_within(
        &mut self,
        (segments, base): (Vec<Segment>, usize),
        span: Span,
        needed: bool,
    ) {
        let Some(operation) = self.operation.clone().filter(|_| base < segments.len()) else {
            return;
        };
        let source = Arc::clone(self.findings.source());
        let name = Name::of("doc", segments);
        self.asked.push(Asked { operation, name, needed, base, source, span });
    }

    /// Where a name stands in a node.
    pub(super) fn place(&self, name: &Name, node: &Node) -> Span {
        let part = node.scalar_text().and_then(|text| place(&text, name));
        part.map_or(node.span, |part| node.inner(self.findings.source(), part))
    }

    /// The operation's end: what it reads of its own steps must be saved by one. `None`: a step could not be read,
    /// and may have saved it.
    pub(super) fn end(&mut self, steps: Option<&[Step]>) {
        self.operation = None;
        let kept = std::mem::take(&mut self.kept);
        let Some(steps) = steps else { return };
        let saved = steps.iter().flat_map(|step| &step.save).map(|save| save.name.as_str());
        let given = steps.iter().filter_map(|step| step.native);
        let given = given.flat_map(|native| native.gives.iter().copied());
        let saved: Vec<&str> = saved.chain(given).collect();
        for asked in kept {
            let Some(key) = asked.name.key().filter(|key| !saved.contains(key)) else { continue };
            let message = format!("no step of `{}` saves `{key}`", asked.operation);
            let finding = self.findings.error(codes::NOT_SAVED, asked.span, message);
            let finding = match finding.with_nearest(key, saved.iter().copied()) {
                finding if finding.hint.is_some() => finding,
                finding => finding.with_hint(format!(
                    "add `save: {{ {key}: body.id }}` to the step that learns it"
                )),
            };
            self.findings.report(finding);
        }
    }
}
