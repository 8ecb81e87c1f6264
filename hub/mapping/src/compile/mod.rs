//! From the file to programs: paths become slots of one scan, hub paths become fields, chains are
//! checked against the catalogue, and each rule goes the ways that are possible.

mod add;
mod blank;
mod broken;
mod each;
mod expression;
mod head;
mod inverse;
mod output;
mod parts;
mod rule;
mod scope;
mod source_type;
mod target;
mod template;
mod typing;
mod written;

use std::collections::BTreeSet;
use std::sync::Arc;

use orderhub_lang::condition::{Condition, Test};
use orderhub_lang::diagnostic::{Findings, Span};
use orderhub_order::ids::{Collection, Entity};

use crate::ast::{Direction, File, Rule};
use crate::codes;
use crate::conversions::Type;
use crate::program::{Input, Output};
use crate::rules::{self, RuleInfo, RuleNo, Went};
use crate::scan::trie::Trie;

pub(crate) use each::hub_text;
pub(crate) use inverse::VALUE;
use scope::Scope;
pub(crate) use target::limits;

/// What a compiled file is made of.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) input: Input,
    pub(crate) output: Output,
    /// Settings that the mapping reads, each once, with the place that reads it.
    pub(crate) settings: Vec<(String, Span)>,
    /// Those of them that a system may leave out.
    pub(crate) optional: BTreeSet<String>,
    /// Every rule, by number.
    pub(crate) rules: Vec<RuleInfo>,
    /// System paths that are read.
    pub(crate) paths: Vec<String>,
    /// From a body to the documents in it; the empty text: the body is one.
    pub(crate) roots: Vec<String>,
}

/// Where documents stand in a body: the body itself, unless the file says otherwise.
fn roots(file: &File) -> Vec<String> {
    if file.documents.is_empty() {
        return vec![String::new()];
    }
    file.documents.iter().map(|path| path.is.to_string().trim_matches('.').to_owned()).collect()
}

/// Compiles one file.
pub(crate) struct Compiler<'f> {
    pub(crate) findings: &'f mut Findings,
    trie: Trie,
    output: Output,
    none: Vec<crate::cell::Cell<'static>>,
    settings: Vec<(String, Span)>,
    /// Those that are read where nothing says that they are there.
    needed: BTreeSet<String>,
    /// Those that are there wherever what is being compiled counts, or that are only asked for.
    given: Vec<String>,
    went: Vec<Went>,
    paths: Vec<String>,
    entity: Entity,
    /// Rows of a table make one document: what is written to `rows.0` stands in each.
    rows: bool,
    /// Documents are objects without a fixed set of places: one may have more than another.
    open: bool,
    /// The type of a value of the document that no conversion made.
    leaves: Type,
    /// The file names a key: it may map documents in, and then the first rule of a field writes it out.
    keyed: bool,
}

/// Compiles a file whose parts were read; findings say what does not fit.
pub(crate) fn compile(file: &File, rules: Vec<RuleInfo>, findings: &mut Findings) -> Compiled {
    let compiler = Compiler {
        findings,
        trie: Trie::new(),
        output: Output::default(),
        none: file.none.clone(),
        settings: Vec::new(),
        needed: BTreeSet::new(),
        given: Vec::new(),
        went: vec![Went::default(); rules.len()],
        paths: Vec::new(),
        entity: file.entity,
        rows: file.grouping.is_some() && matches!(file.format, crate::format::Format::Csv(_)),
        open: matches!(file.format, crate::format::Format::Json | crate::format::Format::Form(_)),
        leaves: file.format.leaves(file.grouping.is_some()),
        keyed: file.keyed,
    };
    compiler.file(file, rules)
}

impl Compiler<'_> {
    fn file(mut self, file: &File, mut rules: Vec<RuleInfo>) -> Compiled {
        self.documents(file);
        self.head(file);
        self.assume(file.where_.as_ref());
        let document = Scope::document(Trie::DOCUMENT, Trie::BODY);
        let stack = self.stack();
        let where_ = self.tests(file.where_.as_ref(), &[], &document);
        let key = file.key.as_ref().and_then(|key| self.key(key, &document));
        let mut parents = Vec::new();
        for parent in &file.parents {
            if let Some(rule) = self.plain(&parent.rule, &document) {
                parents.push((parent.kind.as_deref().map(Box::from), rule));
            }
        }
        let revision = file.revision.as_ref().and_then(|rule| self.revision(rule, &document));
        let mut out = crate::program::OutElement::default();
        let root = self.element(&file.fields, &document, &stack, &mut out);
        self.written(file, &out);
        self.output.root = out;
        if file.format.has_no_null() {
            self.blanks(&root);
        }
        rules::settle(&mut rules, &self.went, &rules::around(file));
        let optional = self.optional();
        let trie = self.trie;
        Compiled {
            input: Input { trie, where_, key, parents, revision, root },
            output: self.output,
            optional,
            settings: self.settings,
            rules,
            paths: self.paths,
            roots: roots(file),
        }
    }

    /// The collections from the order to the subject.
    fn stack(&self) -> Vec<Collection> {
        let mut stack = vec![Collection::Root];
        stack.extend(self.entity.collection());
        stack
    }

    fn documents(&mut self, file: &File) {
        for (number, path) in file.documents.iter().enumerate() {
            let body = Scope::body(Trie::BODY);
            let Some((node, _)) = self.walk(&path.is, path.span, &body) else { continue };
            self.trie.mark_document(node, u8::try_from(number).unwrap_or(u8::MAX));
        }
    }

    /// Notes which ways a rule goes; `None`: nothing new is known of that way.
    fn went(
        &mut self,
        no: RuleNo,
        inward: Option<Result<(), String>>,
        outward: Option<Result<(), String>>,
    ) {
        let Some(went) = self.went.get_mut(usize::from(no.0)) else { return };
        went.inward = inward.or_else(|| went.inward.take());
        went.outward = outward.or_else(|| went.outward.take());
    }

    /// Settings that are only asked for, or read where they are there.
    fn optional(&self) -> BTreeSet<String> {
        let read = self.settings.iter().map(|(name, _)| name.clone());
        read.filter(|name| !self.needed.contains(name)).collect()
    }

    /// Notes what a condition says is there, until as many as before are known again: what this gives.
    fn assume(&mut self, condition: Option<&Condition>) -> usize {
        let before = self.given.len();
        for test in condition.map(|condition| condition.tests.as_slice()).unwrap_or_default() {
            if test.test == Test::Present {
                self.given.extend(scope::setting_of(&test.path));
            }
        }
        before
    }

    /// Notes that a setting is read.
    fn setting(&mut self, name: &str, span: Span) {
        if !self.given.iter().any(|known| known == name) {
            self.needed.insert(name.to_owned());
        }
        if !self.settings.iter().any(|(known, _)| known == name) {
            self.settings.push((name.to_owned(), span));
        }
    }

    fn wrong(&mut self, code: &'static str, span: Span, message: impl Into<String>, hint: &str) {
        let finding = self.findings.error(code, span, message);
        let finding = if hint.is_empty() { finding } else { finding.with_hint(hint) };
        self.findings.report(finding);
    }

    /// The ways a rule may go: asked for, or whatever is possible.
    fn ways(rule: &Rule) -> (bool, bool) {
        match rule.direction.as_ref().map(|direction| direction.is) {
            None => (true, true),
            Some(Direction::In) => (true, false),
            Some(Direction::Out) => (false, true),
        }
    }
}

/// A conversion that is shared.
pub(crate) type Shared = Arc<dyn crate::conversions::Conversion>;

/// The finding that a rule can go no way.
fn no_way(compiler: &mut Compiler<'_>, rule: &Rule, why: &str) {
    compiler.wrong(codes::NO_WAY, rule.span, "this rule can go neither in nor out", why);
}
