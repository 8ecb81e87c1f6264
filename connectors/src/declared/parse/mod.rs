//! Reads a connector file: parse ► check ► compile, all mistakes in one run.

mod ack;
mod answer;
mod asked;
mod auth;
mod beside;
mod elsewhere;
mod graphql;
mod items;
mod known;
mod limits;
mod login;
mod looked;
mod native;
mod operation;
mod page;
mod reply;
mod sent;
mod step;
mod webhook;

use std::sync::Arc;
use std::time::Duration;

use orderhub_lang::asked::Asked;
use orderhub_lang::codes::UNKNOWN_NAME;
use orderhub_lang::convert::Conversions;
use orderhub_lang::diagnostic::{self, Diagnostic, Findings, Source};
use orderhub_lang::expression::{self, Name};
use orderhub_lang::path::Segment;
use orderhub_lang::template::{Template, Tree};
use orderhub_lang::units;
use orderhub_lang::value::Value;
use orderhub_lang::yaml::{self, Budget, Fields, Node};

use super::model::{Expr, Needed, Text};
use super::{Declared, Documents};
use crate::codes;
use crate::contract::{Needs, Tested};

/// Longest time for one attempt, where the file says nothing.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The longest time that a file may give one call.
const MOST_TIMEOUT: Duration = Duration::from_secs(300);

/// Names that templates of steps may read.
const STEP: &[&str] = &[
    "doc", "key", "memo", "item", "position", "mine", "xref", "attempt", "settings", "base_url",
    "fields", "args", "since", "until", "cursor", "items", "let",
];

/// Names that expressions over an answer may read.
const ANSWER: &[&str] = &[
    "status", "headers", "body", "text", "doc", "key", "memo", "item", "position", "mine", "xref",
    "attempt", "settings", "base_url", "fields", "args", "since", "until", "cursor", "items",
    "let",
];

/// Names that a reply may read: the last answer's body, not its status.
const REPLY: &[&str] = &["body", "text", "doc", "memo", "xref", "settings", "args", "let"];

/// Names of an address.
const BASE: &[&str] = &["base_url", "settings"];

/// What is collected while a file is read.
struct Ctx<'b> {
    conversions: &'b dyn Conversions,
    findings: Findings,
    needs: Needs,
    /// The same by operation.
    needed: Vec<Needed>,
    /// Documents in the same folder by file name.
    beside: &'b Documents,
    /// What was found in them.
    beside_findings: Vec<Diagnostic>,
    /// Trees that `let:` names where it stands; one with mistakes of its own is none.
    lets: Vec<(String, Option<Tree>)>,
    /// What `item` is where it stands.
    element: known::Element,
    /// The longest time of one call, where a step or a login says nothing.
    timeout: Duration,
    /// The operation that is being read.
    operation: Option<Arc<str>>,
    /// What operations read of what is given to them.
    asked: Vec<Asked>,
    /// What the operation that is being read reads of its own steps.
    kept: Vec<Asked>,
    /// What expressions are written with.
    words: Vec<(Option<Arc<str>>, Value)>,
    /// Proofs of single operations, and what they are called.
    proofs: Vec<(Value, String)>,
    /// What of an answer they order by its size.
    ordered: Vec<(Option<Arc<str>>, Vec<Segment>)>,
}

pub(super) fn compile(
    source: &Arc<Source>,
    beside: &Documents,
    conversions: &dyn Conversions,
) -> Result<Declared, Vec<Diagnostic>> {
    let findings = Findings::new(source);
    let mut ctx = Ctx {
        conversions,
        findings,
        needs: Needs::default(),
        needed: Vec::new(),
        beside,
        beside_findings: Vec::new(),
        lets: Vec::new(),
        element: known::Element::default(),
        timeout: TIMEOUT,
        operation: None,
        asked: Vec::new(),
        kept: Vec::new(),
        words: Vec::new(),
        proofs: Vec::new(),
        ordered: Vec::new(),
    };
    let root = yaml::parse_on(&mut ctx.findings, &Budget::default());
    let declared = root.and_then(|root| file(&root, &mut ctx));
    let Ctx { findings, needs, needed, beside_findings, asked, words, ordered, .. } = ctx;
    // A document that two steps name is judged once.
    let mut further = beside_findings;
    diagnostic::sort(&mut further);
    diagnostic::distinct(&mut further);
    let declared = declared.filter(|_| further.is_empty());
    match findings.into_result(declared) {
        Ok((declared, warnings)) => {
            Ok(Declared { needs, needed, asked, words, ordered, warnings, ..declared })
        }
        Err(found) => Err(found.into_iter().map(about_secrets).chain(further).collect()),
    }
}

/// Says where secrets may be read, for those who tried elsewhere.
fn about_secrets(finding: Diagnostic) -> Diagnostic {
    if finding.code == UNKNOWN_NAME && finding.message.contains("`secret`") {
        return finding.with_hint("secrets are read in `auth` and in `webhooks.verify` only; into a JSON body `auth: { body: { a.b: … } }` puts them");
    }
    finding
}

/// The address that paths are relative to: what it says itself begins like one.
fn address(node: &Node, ctx: &mut Ctx) -> Option<Template> {
    let template = ctx.template(node, BASE)?;
    let said = template.prefix();
    if !said.is_empty() && !["http://", "https://"].iter().any(|scheme| said.starts_with(scheme)) {
        let message = "an address begins with `https://` or `http://`";
        let finding = ctx.findings.error(codes::ADDRESS, node.span, message);
        let hint = "write `https://host/path`, or `\"{base_url}\"` for the address of the settings";
        ctx.findings.report(finding.with_hint(hint));
    }
    Some(template)
}

fn file(root: &Node, ctx: &mut Ctx) -> Option<Declared> {
    let mut fields = Fields::of(root, "a connector file", &mut ctx.findings)?;
    ctx.version(&mut fields);
    let name = fields.required_text("connector", &mut ctx.findings);
    let tested = fields.optional("tested").and_then(|node| ctx.tested(node));
    let base = fields.required("base", &mut ctx.findings).and_then(|node| address(node, ctx));
    let timeout = fields.optional("timeout").and_then(|node| ctx.timeout(node)).unwrap_or(TIMEOUT);
    ctx.timeout = timeout;
    let (signer, login) =
        fields.optional("auth").map(|node| auth::auth(node, ctx)).unwrap_or_default();
    let limits::Limits { limits, keyed, costs, told, reserves } =
        fields.optional("limits").map(|node| limits::limits(node, ctx)).unwrap_or_default();
    let classes =
        fields.optional("answer").map(|node| answer::classes(node, ctx)).unwrap_or_default();
    let defaults = operation::Defaults { timeout, classes, limits: &limits };
    let operations = fields
        .required("operations", &mut ctx.findings)
        .map(|node| operation::operations(node, &defaults, ctx))
        .unwrap_or_default();
    let shared = operations.iter().filter(|operation| operation.signer.is_none());
    shared.for_each(|operation| auth::sends(root, &signer, operation, ctx));
    let hooks = fields.optional("webhooks").and_then(|node| webhook::hooks(node, ctx));
    fields.finish(&mut ctx.findings);
    let list = operations.iter().map(|compiled| compiled.operation.clone()).collect();
    Some(Declared {
        name: name?,
        tested,
        base: base?,
        signer,
        login,
        limits,
        keyed,
        costs,
        told,
        reserves,
        list,
        operations,
        hooks,
        needs: Needs::default(),
        needed: Vec::new(),
        asked: Vec::new(),
        words: Vec::new(),
        ordered: Vec::new(),
        warnings: Vec::new(),
    })
}

impl Ctx<'_> {
    fn version(&mut self, fields: &mut Fields<'_>) {
        if let Some(node) = fields.required("orderhub", &mut self.findings)
            && node.scalar_text().as_deref() != Some("1")
        {
            let finding = self
                .findings
                .error(codes::VERSION, node.span, "this program reads version 1 of the language")
                .with_hint("write `orderhub: 1`");
            self.findings.report(finding);
        }
    }

    fn expression(&mut self, node: &Node, roots: &[&str]) -> Option<Expr> {
        let expression = expression::compile_node(node, roots, &mut self.findings)?;
        expression.reads().iter().for_each(|name| self.note(name, node, false));
        let text = node.scalar_text().unwrap_or_default();
        let words = expression::literals(&text).into_iter();
        self.words.extend(words.map(|word| (self.operation.clone(), word)));
        let ordered = expression::ordered(&text).into_iter().filter(|name| name.root == "body");
        self.ordered.extend(ordered.map(|name| (self.operation.clone(), name.segments)));
        Some(expression)
    }

    fn template(&mut self, node: &Node, roots: &[&str]) -> Option<Template> {
        let conversions = self.conversions;
        let template = Template::parse_node_with(node, roots, conversions, &mut self.findings)?;
        let needed: Vec<&Name> = template.needs().collect();
        template.reads().for_each(|name| self.note(name, node, needed.contains(&name)));
        if let Some(bare) = template.bare_in_quotes() {
            let message = format!("`{{{bare}}}` stands bare between quotes");
            let finding = self
                .findings
                .error(codes::BARE, node.span, message)
                .with_hint(format!("write `{{quote({bare}, \"'\")}}` without quotes around it"));
            self.findings.report(finding);
        }
        Some(template)
    }

    fn tree(&mut self, node: &Node, roots: &[&str]) -> Option<Tree> {
        // Leaves are templates, each at its own place.
        if let Some(list) = node.as_list() {
            let trees: Vec<_> = list.iter().map(|item| self.tree(item, roots)).collect();
            return trees.into_iter().collect::<Option<_>>().map(Tree::List);
        }
        if let Some(map) = node.as_map() {
            let trees: Vec<_> = map
                .iter()
                .map(|(key, item)| self.tree(item, roots).map(|tree| (key.name.clone(), tree)))
                .collect();
            return trees.into_iter().collect::<Option<_>>().map(Tree::Map);
        }
        if node.as_text().is_none() {
            return Some(Tree::Constant(node.to_value()));
        }
        let template = self.template(node, roots)?;
        Some(match template.as_literal() {
            Some(text) => Tree::Constant(text.into()),
            None => Tree::Template(template),
        })
    }

    /// A text that is a template where it has a brace, else an expression.
    fn text(&mut self, node: &Node, roots: &[&str]) -> Option<Text> {
        if node.as_text().is_some_and(|text| text.contains('{')) {
            self.template(node, roots).map(Text::Template)
        } else {
            self.expression(node, roots).map(Text::Expression)
        }
    }

    fn duration(&mut self, node: &Node) -> Option<Duration> {
        let duration = node.scalar_text().and_then(|text| units::duration(&text));
        if duration.is_none() {
            let finding = self
                .findings
                .error(codes::DURATION, node.span, "not a duration")
                .with_hint("write a whole number and a unit: `500ms`, `10s`, `5m`, `1h`");
            self.findings.report(finding);
        }
        duration
    }

    /// A time that one call may take: bounded, because a lane waits for it.
    fn timeout(&mut self, node: &Node) -> Option<Duration> {
        let timeout = self.bounded(node)?;
        if timeout.is_zero() {
            let hint = "write how long one call may take: `10s`, or leave it out for 30 s";
            let finding = self.findings.error(codes::DURATION, node.span, "no call ends at once");
            self.findings.report(finding.with_hint(hint));
            return None;
        }
        Some(timeout)
    }

    fn bounded(&mut self, node: &Node) -> Option<Duration> {
        let timeout = self.duration(node)?;
        if timeout <= MOST_TIMEOUT {
            return Some(timeout);
        }
        let message = format!("no call may take longer than {} s", MOST_TIMEOUT.as_secs());
        let hint =
            "for work that takes longer, start it in one step and ask for its end in another";
        let finding = self.findings.error(codes::DURATION, node.span, message).with_hint(hint);
        self.findings.report(finding);
        None
    }

    /// What the file was tried against.
    fn tested(&mut self, node: &Node) -> Option<Tested> {
        let words = Tested::ALL.map(Tested::word);
        let word = self.choice(node, "`tested`", &words)?;
        Tested::ALL.into_iter().find(|known| known.word() == word)
    }

    /// One of a few words.
    fn choice(&mut self, node: &Node, what: &str, words: &[&'static str]) -> Option<&'static str> {
        let text = node.scalar_text().unwrap_or_default();
        let found = words.iter().find(|word| **word == text).copied();
        if found.is_none() {
            let message = format!("{what} is one of: {}", words.join(", "));
            let finding = self
                .findings
                .error(codes::CHOICE, node.span, message)
                .with_nearest(&text, words.iter().copied());
            self.findings.report(finding);
        }
        found
    }

    /// Remembers what is read of what others give, of settings and secrets the first place, and holds names to what the
    /// file gives.
    fn note(&mut self, name: &Name, node: &Node, needed: bool) {
        self.given(name, node, needed);
        self.ask(name, node, needed);
        let (secret, list) = match name.root.as_str() {
            "settings" => (false, &mut self.needs.settings),
            "secret" => (true, &mut self.needs.secrets),
            _ => return,
        };
        let Some(key) = name.key() else { return };
        let place = self.findings.source().place(node.span.start);
        if !list.iter().any(|(known, _)| known == key) {
            list.push((key.to_owned(), place.clone()));
        }
        let operation = self.operation.clone();
        let known =
            |one: &Needed| one.secret == secret && one.name == key && one.operation == operation;
        if !self.needed.iter().any(known) {
            self.needed.push(Needed { secret, name: key.to_owned(), place, operation });
        }
    }
}
