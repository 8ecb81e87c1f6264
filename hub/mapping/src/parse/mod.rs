//! Reads a mapping file: YAML with spans ► [`crate::ast`], all mistakes in one run.

mod beside;
mod chain;
mod format;
mod include;
mod rule;

use orderhub_lang::condition::Condition;
use orderhub_lang::diagnostic::{Findings, Span};
use orderhub_lang::path::Path;
use orderhub_lang::yaml::{Fields, Node};
use orderhub_order::ids::Entity;

use crate::Named;
use crate::ast::{File, Key, Parent, PathAt, Piece, Placed, Rule};
use crate::cases::{Around, Case};
use crate::cell::Cell;
use crate::codes;
use crate::literal::literal;

/// Reads one file; findings go to the reader's list. `None` only if the root is no mapping: whatever
/// else is wrong, what can be read is judged.
pub(crate) struct Reader<'f> {
    /// Where findings go.
    pub(crate) findings: &'f mut Findings,
    /// Named chains: of the integration and of the file; what it may include, and tables.
    pub(crate) named: Named,
    /// Parts that rest on something wrong that was told elsewhere: the file cannot be used, and what rests
    /// on them is not judged.
    pub(crate) unjudged: usize,
    /// Findings, and parts that are not judged, within lists of rules: they do not make wrong what surrounds
    /// the list.
    inside: (usize, usize),
    /// Nodes of what was included.
    weight: usize,
    /// Paths so far.
    paths: usize,
}

/// Most paths of a file, those of what it includes counted: each has a slot in every document that is read.
pub(crate) const MOST_PATHS: usize = 5_000;

/// Most values of a `none`.
const MOST_NONES: usize = 100;

/// The version of the language.
const LANGUAGE: &str = "1";

impl<'f> Reader<'f> {
    /// For a file that may name what is in `named`.
    pub(crate) fn new(findings: &'f mut Findings, named: Named) -> Self {
        Self { findings, named, unjudged: 0, inside: (0, 0), weight: 0, paths: 0 }
    }
}

impl Reader<'_> {
    /// The whole file.
    pub(crate) fn file(&mut self, root: &Node) -> Option<File> {
        if root.as_list().is_some() {
            let needed = "a mapping file is made of lines such as `mapping: till.order`";
            let finding = self.findings.wrong_type(root, needed);
            self.findings.report(finding.with_hint("begin it with `orderhub: 1`"));
            return None;
        }
        let mut fields = Fields::of(root, "a mapping", self.findings)?;
        self.version(&mut fields);
        let name = fields.required("mapping", self.findings);
        let entity = fields.optional("entity");
        let format = fields.optional("format");
        let documents = fields.optional("documents");
        let where_ = fields.optional("where");
        let key = fields.optional("key");
        let parent = fields.optional("parent");
        let creates = fields.bool("creates", self.findings);
        let revision = fields.optional("revision");
        let none = fields.optional("none");
        let uses = fields.optional("use");
        let rules = fields.required("fields", self.findings);
        let cases = fields.optional("cases");
        fields.finish(self.findings);
        let format = format.map(|node| self.format(node)).unwrap_or_default();
        if let Some(uses) = uses {
            self.uses(uses);
        }
        let name = name.and_then(|node| self.name(node));
        let keyed = key.is_some();
        let (entity, known_entity) = entity.map_or((Entity::Order, true), |node| self.entity(node));
        let (documents, grouping) = self.documents(documents, &format);
        let where_ = where_.and_then(|node| self.condition(node));
        let key = key.and_then(|node| self.key(node));
        let parents = parent.map(|node| self.parents(node)).unwrap_or_default();
        let revision = revision.and_then(|node| self.source_rule(node, "revision"));
        let none = none.map(|node| self.nones(node)).unwrap_or_default();
        let rules = rules.map(|node| self.rules(node)).unwrap_or_default();
        let cases = cases.map(|node| self.cases(node)).unwrap_or_default();
        Some(File {
            name,
            entity,
            known_entity,
            documents,
            where_,
            key,
            keyed,
            parents,
            creates,
            revision,
            none,
            fields: rules,
            cases,
            format,
            grouping,
        })
    }

    /// `<integration>.<document>`
    fn name(&mut self, node: &Node) -> Option<Placed<String>> {
        let text = self.text(node, "a name is needed")?;
        if !text.contains('.') {
            let hint = "write `<integration>.<document>`, such as `shopify.order_rest`";
            let message = format!("`{text}` names no integration");
            self.error(codes::NAME, node.span, message, hint);
        }
        Some(Placed { span: node.span, is: text })
    }

    /// `orderhub: 1` stands in every file.
    pub(crate) fn version(&mut self, fields: &mut Fields<'_>) {
        let Some(node) = fields.required("orderhub", self.findings) else { return };
        if node.scalar_text().as_deref() != Some(LANGUAGE) {
            let message = "this program reads version 1 of the language";
            self.error(codes::VERSION, node.span, message, "write `orderhub: 1`");
        }
    }

    /// The entity, and whether it is the one that is meant: the rules of a file with a misspelled one are
    /// judged against the entity next to it.
    fn entity(&mut self, node: &Node) -> (Entity, bool) {
        let Some(text) = self.text(node, "an entity is needed") else {
            return (Entity::Order, false);
        };
        if let Some(entity) = Entity::parse(&text) {
            return (entity, true);
        }
        let names = Entity::ALL.map(Entity::as_str);
        let finding =
            self.findings.error(codes::WORD, node.span, format!("unknown entity `{text}`"));
        let finding = match finding.with_nearest(&text, names) {
            near if near.hint.is_some() => near,
            other => other.with_hint(format!("one of {}", names.join(", "))),
        };
        self.findings.report(finding);
        let meant = orderhub_lang::diagnostic::nearest(&text, names).and_then(Entity::parse);
        (meant.unwrap_or(Entity::Order), meant.is_some())
    }

    fn parents(&mut self, node: &Node) -> Vec<Parent> {
        node.list_or_single().iter().filter_map(|node| self.parent(node)).collect()
    }

    fn parent(&mut self, node: &Node) -> Option<Parent> {
        let mut fields = Fields::of(node, "an entry of `parent`", self.findings)?;
        let kind = fields.text("xref", self.findings);
        let system = fields.optional("system");
        let reference = fields.optional("ref");
        let chain = fields.optional("as");
        fields.finish(self.findings);
        let place = match (&kind, system, reference) {
            (Some(_), Some(system), None) => system,
            (None, None, Some(reference)) => reference,
            _ => {
                let message = "an entry of `parent` names a cross reference or our `ref`";
                let hint = "write `{ xref: order, system: order_id }` or `{ ref: reference }`";
                self.error(codes::SHAPE, node.span, message, hint);
                return None;
            }
        };
        let chain = chain.map(|node| self.chain(node)).unwrap_or_default();
        let system = self.side(place)?;
        let rule = Rule { span: node.span, system: Some(system), chain, ..Rule::default() };
        Some(Parent { kind, rule })
    }

    /// A key: a path, a rule, or a template.
    pub(crate) fn key(&mut self, node: &Node) -> Option<Key> {
        if let Some(template) = node.get("template") {
            let mut fields = Fields::of(node, "`key`", self.findings)?;
            fields.allow(&["template"]);
            fields.finish(self.findings);
            return self.template(template);
        }
        self.source_rule(node, "key").map(|rule| Key::Rule(Box::new(rule)))
    }

    fn template(&mut self, node: &Node) -> Option<Key> {
        let text = self.text(node, "a template is needed: \"{reference}-1\"")?;
        let mut pieces = Vec::new();
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            if let Some(after) = after.strip_prefix('{') {
                pieces.push(Piece::Text("{".to_owned()));
                rest = after;
                continue;
            }
            let Some((inner, after)) = after.split_once('}') else {
                self.error(codes::SHAPE, node.span, "`{` is not closed", "a brace itself is `{{`");
                return None;
            };
            pieces.push(Piece::Path(self.path_text(inner, node)?));
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        if !pieces.iter().any(|piece| matches!(piece, Piece::Path(_))) {
            let hint = "a key is read from the document: `{ template: \"{reference}-1\" }`";
            self.error(codes::SHAPE, node.span, "the template names no path", hint);
            return None;
        }
        Some(Key::Template(node.span, pieces))
    }

    fn cases(&mut self, node: &Node) -> Vec<Case> {
        node.list_or_single().iter().filter_map(|node| self.case(node)).collect()
    }

    fn case(&mut self, node: &Node) -> Option<Case> {
        let mut fields = Fields::of(node, "a case", self.findings)?;
        let why = fields.required_text("why", self.findings);
        fields.allow(&["source"]);
        let system = fields.text("system", self.findings);
        let hub = fields.text("hub", self.findings);
        let out = fields.text("out", self.findings);
        let context = fields.optional("context");
        fields.finish(self.findings);
        if hub.is_none() || (system.is_none() && out.is_none()) {
            let message = "a case needs `hub` and a document";
            let hint = "`system` and `hub` for the way in, `hub` and `out` for the way back";
            self.error(codes::SHAPE, node.span, message, hint);
        }
        if let Some(node) = context.filter(|node| node.as_map().is_none()) {
            let finding = self.findings.wrong_type(node, "`context` is a mapping");
            self.findings.report(finding.with_hint("write `{ $settings.money: shop_money }`"));
        }
        let mut given = Vec::new();
        for (key, value) in context.and_then(Node::as_map).unwrap_or_default() {
            let kinds = [
                ("$settings.", Around::Setting),
                ("$args.", Around::Argument),
                ("$lookup.", Around::Lookup),
            ];
            let named = |(prefix, around)| Some((around, key.name.strip_prefix(prefix)?));
            match (kinds.into_iter().find_map(named), value.scalar_text()) {
                (Some((around, name)), Some(text)) => {
                    given.push((around, name.to_owned(), text.into_owned()));
                }
                _ => {
                    let hint = "write `{ $settings.money: shop_money }`";
                    self.error(codes::SHAPE, key.span, "a case's context names settings", hint);
                }
            }
        }
        let file = |key| {
            let named = node.get(key)?;
            Some((named.scalar_text()?.into_owned(), named.span))
        };
        let files = ["system", "hub", "out"].into_iter().filter_map(file).collect();
        let span = node.span;
        Some(Case { why: why?, span, system, hub: hub?, out, files, context: given })
    }

    /// Values that mean null.
    pub(crate) fn nones(&mut self, node: &Node) -> Vec<Cell<'static>> {
        let mut values = Vec::new();
        let items = node.list_or_single();
        if items.len() > MOST_NONES {
            let message = format!("`none` lists at most {MOST_NONES} values");
            self.error(codes::SHAPE, node.span, message, "a table with empty words says the same");
            return values;
        }
        for item in items {
            match literal(item) {
                Some(value) => values.push(value),
                None => {
                    let hint = "write `none: [false, \"\"]`";
                    self.error(codes::SHAPE, item.span, "`none` lists plain values", hint);
                }
            }
        }
        values
    }

    /// A condition.
    pub(crate) fn condition(&mut self, node: &Node) -> Option<Condition> {
        match Condition::parse(self.findings.source(), node) {
            Ok(condition) => self.counted(condition.tests.len(), node.span).then_some(condition),
            Err(more) => {
                self.findings.extend(more);
                None
            }
        }
    }

    /// A path.
    pub(crate) fn path(&mut self, node: &Node) -> Option<PathAt> {
        let text = self.text(node, "a path is needed")?;
        self.path_text(&text, node)
    }

    fn path_text(&mut self, text: &str, node: &Node) -> Option<PathAt> {
        if !self.counted(1, node.span) {
            return None;
        }
        match Path::parse(text) {
            Ok(is) => Some(Placed { span: node.span, is }),
            Err(error) => {
                let span = node.inner(self.findings.source(), error.span);
                let finding = self.findings.error(orderhub_lang::codes::PATH, span, error.message);
                self.findings.report(finding);
                None
            }
        }
    }

    /// Counts paths; reports the first that is too many.
    fn counted(&mut self, paths: usize, span: Span) -> bool {
        let before = self.paths;
        self.paths = before.saturating_add(paths);
        if before <= MOST_PATHS && self.paths > MOST_PATHS {
            let message = format!("a mapping has at most {MOST_PATHS} paths");
            let hint =
                "divide the file: another shape of the same thing may have a file of its own";
            self.error(codes::EXPANSION, span, message, hint);
        }
        let fits = self.paths <= MOST_PATHS;
        self.unjudged += usize::from(!fits);
        fits
    }

    /// A scalar as text.
    pub(crate) fn text(&mut self, node: &Node, needs: &str) -> Option<String> {
        let text = node.scalar_text().map(std::borrow::Cow::into_owned);
        if text.is_none() {
            let finding = self.findings.wrong_type(node, needs);
            self.findings.report(if node.is_null() {
                finding.with_hint("write it behind the colon, or leave the key out")
            } else {
                finding
            });
        }
        text
    }

    /// Reports an error with what to do.
    pub(crate) fn error(
        &mut self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
        hint: &str,
    ) {
        let finding = self.findings.error(code, span, message).with_hint(hint);
        self.findings.report(finding);
    }
}
