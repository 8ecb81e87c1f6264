//! `auth:`: headers, query or form values, basic authentication, and the login that gives what they send.

use orderhub_lang::expression::Name;
use orderhub_lang::template::Template;
use orderhub_lang::yaml::{Fields, Node};

use super::super::login::Login;
use super::super::model::{Body, Compiled};
use super::{Ctx, login, step};
use crate::codes;
use crate::sign::{SESSION_NAMES, SIGNER_NAMES, Signer};

pub(super) fn auth(node: &Node, ctx: &mut Ctx) -> (Signer, Option<Login>) {
    let Some(mut fields) = Fields::of(node, "`auth`", &mut ctx.findings) else {
        return (Signer::default(), None);
    };
    let says_login = node.get("session").or_else(|| node.get("oauth2")).is_some();
    let login = login::login(&mut fields, ctx);
    let roots = if says_login { SESSION_NAMES } else { SIGNER_NAMES };
    let mut signer = parts(&mut fields, roots, ctx);
    signer.body =
        fields.optional("body").map(|n| step::puts(n, "`body`", roots, ctx)).unwrap_or_default();
    fields.finish(&mut ctx.findings);
    login::check(node, &mut signer, login.as_ref(), ctx);
    (signer, login)
}

/// The same of one operation, in place of what the file says: without a login.
pub(super) fn own(node: &Node, ctx: &mut Ctx) -> Option<Signer> {
    let mut fields = Fields::of(node, "`auth` of an operation", &mut ctx.findings)?;
    let mut signer = parts(&mut fields, SIGNER_NAMES, ctx);
    let body = fields.optional("body").map(|n| step::puts(n, "`body`", SIGNER_NAMES, ctx));
    signer.body = body.unwrap_or_default();
    fields.finish(&mut ctx.findings);
    Some(signer)
}

/// What the proof of an operation is called: as the first operation whose `auth:` says the same.
pub(super) fn proof(node: &Node, operation: &str, ctx: &mut Ctx) -> String {
    let said = node.to_value();
    if let Some((_, first)) = ctx.proofs.iter().find(|(known, _)| *known == said) {
        return first.clone();
    }
    ctx.proofs.push((said, operation.to_owned()));
    operation.to_owned()
}

/// The same of an operation that proves itself by its own.
pub(super) fn sends_own(node: &Node, operation: &Compiled, ctx: &mut Ctx) {
    if let Some(signer) = &operation.signer {
        sends(node, signer, operation, ctx);
    }
}

/// Whether what an operation sends has room for what is added to it.
pub(super) fn sends(root: &Node, signer: &Signer, operation: &Compiled, ctx: &mut Ctx) {
    if !signer.form.is_empty() {
        sends_forms(root, operation, ctx);
    }
    if !signer.body.is_empty() {
        sends_json(root, operation, ctx);
    }
}

/// What a request is authorised by.
pub(super) fn parts(fields: &mut Fields<'_>, roots: &[&str], ctx: &mut Ctx) -> Signer {
    let headers = fields.optional("headers").map(|node| {
        step::check_headers(node, ctx);
        named(node, "`headers`", roots, ctx)
    });
    let query = fields.optional("query").map(|node| named(node, "`query`", roots, ctx));
    let form = fields.optional("form").map(|node| named(node, "`form`", roots, ctx));
    let basic = fields.optional("basic").and_then(|node| basic(node, roots, ctx));
    Signer {
        headers: headers.unwrap_or_default(),
        query: query.unwrap_or_default(),
        form: form.unwrap_or_default(),
        body: Vec::new(),
        basic,
        encoded: false,
    }
}

fn basic(node: &Node, roots: &[&str], ctx: &mut Ctx) -> Option<(Template, Template)> {
    let mut fields = Fields::of(node, "`auth.basic`", &mut ctx.findings)?;
    let user = fields.required("user", &mut ctx.findings);
    let user = user.and_then(|node| ctx.template(node, roots));
    let password = fields.required("password", &mut ctx.findings);
    let password = password.and_then(|node| ctx.template(node, roots));
    fields.finish(&mut ctx.findings);
    Some((user?, password?))
}

pub(super) fn named(
    node: &Node,
    what: &str,
    roots: &[&str],
    ctx: &mut Ctx,
) -> Vec<(String, Template)> {
    let Some(map) = node.as_map() else {
        ctx.findings.report(ctx.findings.wrong_type(node, &format!("{what} is a mapping")));
        return Vec::new();
    };
    map.iter()
        .filter_map(|(key, node)| Some((key.name.clone(), ctx.template(node, roots)?)))
        .collect()
}

/// The names that it reads.
pub(super) fn reads(signer: &Signer) -> impl Iterator<Item = &Name> {
    let named = signer.headers.iter().chain(&signer.query).chain(&signer.form);
    let basic = signer.basic.iter().flat_map(|(user, password)| [user, password]);
    named.map(|(_, template)| template).chain(basic).flat_map(Template::reads)
}

/// The same of what it sets within bodies.
pub(super) fn body_reads(signer: &Signer) -> Vec<Name> {
    let mut names = Vec::new();
    for (_, tree) in &signer.body {
        tree.reads(&mut |name| names.push(name.clone()));
    }
    names
}

/// Values of `auth.form` go into forms alone: added to anything else they would spoil it.
fn sends_forms(root: &Node, operation: &Compiled, ctx: &mut Ctx) {
    for step in &operation.steps {
        let fits = match step.body {
            Body::Form(_) => true,
            Body::None => step.method == "POST",
            Body::Document | Body::Json { .. } | Body::Graphql { .. } => false,
        };
        if !fits {
            let span = root.get("auth").map_or(root.span, |auth| auth.span);
            let (name, step) = (&operation.operation.name, &step.id);
            let message =
                format!("`auth.form` is for forms, and step `{step}` of `{name}` sends none");
            let hint =
                "write its body as `form: { … }`, or prove who we are by `headers` or `query`";
            ctx.findings
                .report(ctx.findings.error(codes::OPERATION, span, message).with_hint(hint));
        }
    }
}

/// Places that `auth.body` sets are those of JSON bodies: nothing else has them.
fn sends_json(root: &Node, operation: &Compiled, ctx: &mut Ctx) {
    for step in &operation.steps {
        let fits = match step.body {
            Body::Json { .. } | Body::Document | Body::Graphql { .. } => true,
            Body::None => !matches!(step.method, "GET" | "HEAD"),
            Body::Form(_) => false,
        };
        if !fits {
            let span = root.get("auth").map_or(root.span, |auth| auth.span);
            let (name, step) = (&operation.operation.name, &step.id);
            let message =
                format!("`auth.body` is for JSON bodies, and step `{step}` of `{name}` sends none");
            let hint = "send a `body:` by POST, or prove who we are by `headers` or `query`";
            ctx.findings
                .report(ctx.findings.error(codes::OPERATION, span, message).with_hint(hint));
        }
    }
}
