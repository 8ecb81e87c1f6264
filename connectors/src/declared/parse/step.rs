//! One step of an operation.

use std::time::Duration;

use orderhub_lang::codes::PATH;
use orderhub_lang::expression::{self, Name, StandIn};
use orderhub_lang::path::{Path, Root, Segment};
use orderhub_lang::template::{Template, Tree};
use orderhub_lang::yaml::{Fields, Node};

use super::super::model::{Body, Classes, Each, Expr, Save, Step, Until};
use super::known::{self, Element};
use super::{
    ANSWER, Ctx, STEP, answer, elsewhere, graphql, items, looked, native, operation, page,
};
use crate::codes;
use crate::contract::Idempotency;
use crate::native::Native;

/// How long a system may still be acting after a lost answer, where the file says nothing.
pub(super) const SETTLES: Duration = Duration::from_secs(30);

const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/// What is well where a file says nothing: a GraphQL server says no with status 200.
const GRAPHQL_OK: &str = "status < 300 && !has(body.errors)";

/// Headers that the transport writes.
const TRANSPORT: &[&str] =
    &["host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer"];

/// What holds for a step of this operation that says nothing else.
pub(super) struct Base<'a> {
    pub(super) timeout: Duration,
    pub(super) limit: String,
    pub(super) classes: &'a Classes,
    pub(super) lets: &'a [(String, Tree)],
}

/// The steps before this one.
pub(super) struct Earlier<'a> {
    pub(super) steps: &'a [Step],
    /// One of them has mistakes of its own: that a name is not found says nothing then.
    pub(super) broken: bool,
}

pub(super) fn step(
    node: &Node,
    base: &Base<'_>,
    defaults: &operation::Defaults<'_>,
    earlier: &Earlier<'_>,
    ctx: &mut Ctx,
) -> Option<Step> {
    let mut fields = Fields::of(node, "a step", &mut ctx.findings)?;
    let id = fields.required_text("id", &mut ctx.findings);
    let outer = ctx.lets.len();
    let list = known::list(node);
    let (one, sent, answered) = Element::of(node, list.as_ref());
    let (lets, when, each) = before(&mut fields, (base, one), ctx);
    ctx.element = sent;
    let method = fields.required("method", &mut ctx.findings);
    let method = method.and_then(|node| ctx.choice(node, "`method`", METHODS));
    let (path, elsewhere) = elsewhere::place(&mut fields, method, ctx);
    let query = fields.optional("query").map(|node| trees(node, "`query`", ctx));
    let headers = fields.optional("headers").map(|node| headers(node, ctx));
    let document = graphql::body(&mut fields, ctx);
    let asks = document.is_some();
    let body = body(&mut fields, document, ctx);
    ctx.element = answered;
    let (save, native, lines) = kept(&mut fields, ctx);
    let timeout = fields.optional("timeout").and_then(|node| ctx.timeout(node));
    let limit =
        fields.optional("limit").and_then(|node| operation::known_limit(node, defaults, ctx));
    let idempotency = idempotency(&mut fields, (method, when.as_ref()), earlier, ctx);
    let own = answer::own(&mut fields, idempotency.as_ref(), ctx);
    let (page, window) =
        fields.optional("page").map(|node| page::page(node, ctx)).unwrap_or_default();
    let until = items::until(&mut fields, idempotency.as_ref(), ctx);
    let items = items::items(&mut fields, (each.as_ref(), list), ctx);
    check(&fields, (until.is_some(), items.is_some(), page.is_some()), ctx);
    ctx.lets.truncate(outer);
    ctx.element = Element::Unknown;
    fields.finish(&mut ctx.findings);
    let classes = judged(own, base, (elsewhere, asks));
    let asks = asks || lines || items.is_some() || page.is_some();
    let needs_body = asks || reads_body(&save, (&classes, until.as_ref()));
    Some(Step {
        id: id?,
        when,
        each,
        items,
        lets,
        until,
        method: method?,
        path: path?,
        elsewhere,
        query: query.unwrap_or_default(),
        headers: headers.unwrap_or_default(),
        body,
        lines,
        idempotency: idempotency?,
        save,
        native,
        gives: None,
        classes,
        needs_body,
        timeout: timeout.unwrap_or(base.timeout),
        limit: limit.unwrap_or_else(|| base.limit.clone()),
        page,
        window,
        // Known once all steps are.
        held: false,
    })
}

/// What is computed before anything is sent: trees with names, whether it is sent, the list that it runs over.
fn before(
    fields: &mut Fields<'_>,
    (base, one): (&Base<'_>, Element),
    ctx: &mut Ctx,
) -> (Vec<(String, Tree)>, Option<Expr>, Option<Each>) {
    // What both kinds read that a step with `items:` has: which of them fits is told where it is used.
    let of_all = fields.entry("items").is_some();
    ctx.element = if of_all { Element::Unknown } else { one.clone() };
    let own = items::lets(fields, ctx);
    ctx.element = one;
    let lets = base.lets.iter().cloned().chain(own).collect();
    let when = fields.optional("when").and_then(|node| ctx.expression(node, STEP));
    ctx.element = Element::None;
    let each = fields.optional("each").and_then(|node| each(node, ctx));
    (lets, when, each)
}

/// Whether the body of an answer is needed to tell what it says.
fn reads_body(save: &[Save], (classes, until): (&Classes, Option<&Until>)) -> bool {
    let saves = save.iter().any(|save| reads_answer(&save.value));
    saves
        || classes.ok.as_ref().is_some_and(reads_answer)
        || until.is_some_and(|until| reads_answer(&until.done))
}

/// What one step cannot be at once.
fn check(fields: &Fields<'_>, (until, items, page): (bool, bool, bool), ctx: &mut Ctx) {
    if usize::from(until) + usize::from(items) + usize::from(page) > 1 {
        let message = "a step has one of `until:`, `items:` and `page:`";
        page::wrong(ctx, fields.span(), message, "make two steps of it");
    }
}

fn each(node: &Node, ctx: &mut Ctx) -> Option<Each> {
    match node.as_text() {
        Some(text) if !text.starts_with('{') => ctx.expression(node, STEP).map(Each::Expression),
        Some(_) | None => ctx.tree(node, STEP).map(Each::Tree),
    }
}

pub(super) fn path(node: &Node, ctx: &mut Ctx) -> Option<Template> {
    let template = ctx.template(node, STEP)?;
    let literals = node.scalar_text().unwrap_or_default();
    let outside = outside_braces(&literals);
    let fine = |c: char| c.is_ascii_alphanumeric() || "/-._~!$&'()*+,;=:@%".contains(c);
    if !template.prefix().starts_with('/') || !outside.chars().all(fine) {
        let finding = ctx
            .findings
            .error(
                codes::ADDRESS,
                node.span,
                "a path begins with `/` and has only characters of paths",
            )
            .with_hint("write `/jobs`, relative to `base`; what follows `?` stands in `query: { name: value }`");
        ctx.findings.report(finding);
    }
    let bare = |part: &&str| PLACES.iter().any(|place| part.starts_with(place));
    if let Some(part) = outside.split('/').find(bare) {
        let message = format!("`{part}` is a text here: each call goes to the same path");
        let finding = ctx.findings.error(codes::ADDRESS, node.span, message).as_warning();
        ctx.findings.report(finding.with_hint(format!("write `{{{part}}}`")));
    }
    Some(template)
}

/// How places begin that stand in braces where a path names them.
const PLACES: [&str; 5] = ["doc.", "xref.", "memo.", "args.", "item."];

/// A template's text without its expressions.
fn outside_braces(text: &str) -> String {
    let mut out = String::new();
    let mut depth = 0_u32;
    for c in text.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            c if depth == 0 => out.push(c),
            _ => {}
        }
    }
    out
}

pub(super) fn check_headers(node: &Node, ctx: &mut Ctx) {
    // What is no mapping is told where its templates are read.
    for (key, _) in node.as_map().unwrap_or_default() {
        let name = key.name.to_ascii_lowercase();
        let fine = !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !TRANSPORT.contains(&name.as_str());
        if !fine {
            let message = format!("header `{}` cannot be set", key.name);
            let hint = "a header has letters, digits and hyphens; the transport sets length and host itself";
            let finding = ctx.findings.error(codes::HEADER, key.span, message);
            ctx.findings.report(finding.with_hint(hint));
        }
    }
}

fn headers(node: &Node, ctx: &mut Ctx) -> Vec<(String, Template)> {
    check_headers(node, ctx);
    let Some(map) = node.as_map() else {
        ctx.findings.report(ctx.findings.wrong_type(node, "`headers` is a mapping"));
        return Vec::new();
    };
    map.iter()
        .filter_map(|(key, node)| Some((key.name.to_ascii_lowercase(), ctx.template(node, STEP)?)))
        .collect()
}

fn trees(node: &Node, what: &str, ctx: &mut Ctx) -> Vec<(String, Tree)> {
    let Some(map) = node.as_map() else {
        ctx.findings.report(ctx.findings.wrong_type(node, &format!("{what} is a mapping")));
        return Vec::new();
    };
    map.iter().filter_map(|(key, node)| Some((key.name.clone(), ctx.tree(node, STEP)?))).collect()
}

fn body(fields: &mut Fields<'_>, document: Option<Body>, ctx: &mut Ctx) -> Body {
    let body = fields.optional("body");
    let put = fields.optional("put").map(|node| puts(node, "`put`", STEP, ctx)).unwrap_or_default();
    if let Some((key, node)) = fields.entry("form") {
        if body.is_some() || !put.is_empty() {
            let message = "a step has either `form:` or `body:` with `put:`";
            let finding = ctx.findings.error(codes::OPERATION, key.span, message);
            ctx.findings.report(finding.with_hint("leave one of them out"));
        }
        return Body::Form(trees(node, "`form`", ctx));
    }
    if let Some(document) = document {
        if body.is_some() || !put.is_empty() {
            let message = "what a `graphql:` document sends stands in `variables:`";
            let finding = ctx.findings.error(codes::OPERATION, fields.span(), message);
            ctx.findings.report(finding.with_hint("leave `body:` and `put:` out"));
        }
        return document;
    }
    match body {
        Some(node) if put.is_empty() && node.as_text() == Some("{doc}") => Body::Document,
        Some(node) => ctx.tree(node, STEP).map_or(Body::None, |tree| Body::Json { tree, put }),
        None if put.is_empty() => Body::None,
        None => Body::Json { tree: Tree::Map(Vec::new()), put },
    }
}

pub(super) fn puts(
    node: &Node,
    what: &str,
    roots: &[&str],
    ctx: &mut Ctx,
) -> Vec<(Vec<Segment>, Tree)> {
    let Some(map) = node.as_map() else {
        ctx.findings
            .report(ctx.findings.wrong_type(node, &format!("{what} is a mapping of paths")));
        return Vec::new();
    };
    let mut puts = Vec::new();
    for (key, node) in map {
        let tree = ctx.tree(node, roots);
        match Path::parse(&key.name) {
            Ok(path) if path.root == Root::Here && !path.segments.is_empty() && settable(&path) => {
                puts.extend(tree.map(|tree| (path.segments, tree)));
            }
            Ok(_) => {
                let message =
                    format!("`{}` cannot be set: keys, places of lists and `*` only", key.name);
                let finding = ctx.findings.error(codes::PUT, key.span, message);
                ctx.findings
                    .report(finding.with_hint("write `lines.0.site` or `lines.*.site`, or map it"));
            }
            Err(error) => {
                ctx.findings.report(ctx.findings.error(PATH, key.span, error.message));
            }
        }
    }
    puts
}

fn settable(path: &Path) -> bool {
    let settable =
        |segment: &Segment| matches!(segment, Segment::Key(_) | Segment::Index(_) | Segment::Each);
    path.segments.iter().all(settable)
}

/// What of the answer is kept, what is worked out of it, and whether it is one value a line.
fn kept(fields: &mut Fields<'_>, ctx: &mut Ctx) -> (Vec<Save>, Option<&'static Native>, bool) {
    let save = fields.optional("save").map(|node| saves(node, ctx)).unwrap_or_default();
    (save, native::native(fields, ctx), elsewhere::lines(fields, ctx))
}

/// How its answers are judged: what the file says of answers it says of the system's.
fn judged(own: Classes, base: &Base<'_>, (elsewhere, asks): (bool, bool)) -> Classes {
    let mut classes = if elsewhere { own } else { answer::over(own, base.classes) };
    if asks && classes.ok.is_none() {
        classes.ok = expression::compile(GRAPHQL_OK, ANSWER).ok();
    }
    classes
}

fn saves(node: &Node, ctx: &mut Ctx) -> Vec<Save> {
    let Some(map) = node.as_map() else {
        ctx.findings.report(ctx.findings.wrong_type(node, "`save` is a mapping of names"));
        return Vec::new();
    };
    map.iter()
        .filter_map(|(key, node)| {
            let value = ctx.expression(node, ANSWER)?;
            let stands_in = StandIn::of(&node.scalar_text().unwrap_or_default());
            let (name, at) = (key.name.clone(), node.span);
            let (names, sent, written) = (false, false, false);
            Some(Save { name, value, stands_in, names, sent, written, at })
        })
        .collect()
}

fn idempotency(
    fields: &mut Fields<'_>,
    (method, when): (Option<&str>, Option<&Expr>),
    earlier: &Earlier<'_>,
    ctx: &mut Ctx,
) -> Option<Idempotency> {
    let read = matches!(method, Some("GET" | "HEAD"));
    let Some(node) = fields.optional("idempotency") else {
        if read {
            return Some(Idempotency::Safe);
        }
        if method.is_some() {
            let finding = ctx
                .findings
                .error(
                    codes::IDEMPOTENCY,
                    fields.span(),
                    "a step that writes says its `idempotency`",
                )
                .with_hint(
                    "add `idempotency: safe` where sending it twice does no harm, `{ find_first: <step> }` where an \
                     earlier step can look, else `unsafe`",
                );
            ctx.findings.report(finding);
        }
        return None;
    };
    if node.as_map().is_some() {
        return looked::find_first(node, earlier, when, ctx);
    }
    match ctx.choice(node, "`idempotency`", &["safe", "unsafe"])? {
        "safe" => Some(Idempotency::Safe),
        _ => Some(Idempotency::Unsafe),
    }
}

fn reads_answer(expr: &Expr) -> bool {
    expr.reads().iter().any(|name: &Name| name.root == "body")
}
