//! `webhooks:`: how they are verified and read.

use orderhub_lang::yaml::{Fields, Node};

use super::super::model::{Format, Hooks};
use super::Ctx;
use crate::codes;
use crate::sign::{VERIFIER_NAMES, Verifier};

/// Names that the reading of a webhook may read.
const HOOK: &[&str] = &["headers", "body", "text", "path", "settings"];

pub(super) fn hooks(node: &Node, ctx: &mut Ctx) -> Option<Hooks> {
    let mut fields = Fields::of(node, "`webhooks`", &mut ctx.findings)?;
    let verify = verify(&mut fields, ctx);
    let format = fields
        .optional("format")
        .map_or(Some("json"), |node| ctx.choice(node, "`format`", &["json", "form"]));
    let id = fields.optional("id").and_then(|node| ctx.text(node, HOOK));
    let kind = fields.required("kind", &mut ctx.findings).and_then(|node| ctx.text(node, HOOK));
    let document = fields.required("document", &mut ctx.findings);
    let document = document.and_then(|node| ctx.expression(node, HOOK));
    let respond = fields.optional("respond").and_then(|node| ctx.tree(node, HOOK));
    ctx.not_yet(&mut fields, &["handshake"]);
    fields.finish(&mut ctx.findings);
    Some(Hooks {
        verify: verify?,
        format: if format? == "form" { Format::Form } else { Format::Json },
        id,
        kind: kind?,
        document: document?,
        respond,
    })
}

/// The verifier; `Some(None)` for `verify: none`.
fn verify(fields: &mut Fields<'_>, ctx: &mut Ctx) -> Option<Option<Verifier>> {
    let Some(node) = fields.optional("verify") else {
        let finding = ctx
            .findings
            .error(codes::VERIFY, fields.span(), "webhooks need `verify:`")
            .with_hint(
                "say how senders prove themselves: `verify: { got: headers.x-token, want: \"{secret.token}\" }`; \
                 `verify: none` accepts everybody",
            );
        ctx.findings.report(finding);
        return None;
    };
    if node.as_text() == Some("none") {
        return Some(None);
    }
    let mut inner = Fields::of(node, "`verify`", &mut ctx.findings)?;
    let got = inner.required("got", &mut ctx.findings);
    let got = got.and_then(|node| ctx.expression(node, VERIFIER_NAMES));
    let want = inner.required("want", &mut ctx.findings);
    let want_node = want;
    let want = want.and_then(|node| ctx.template(node, VERIFIER_NAMES));
    inner.finish(&mut ctx.findings);
    if let (Some(want), Some(node)) = (&want, want_node)
        && !want.reads().any(|name| name.root == "secret")
    {
        let message = "what is wanted does not depend on any secret: anyone could send it";
        let finding = ctx.findings.error(codes::VERIFY, node.span, message);
        ctx.findings.report(
            finding
                .with_hint("write `want: \"{secret.token}\"`, or a signature made with a secret"),
        );
    }
    Some(Some(Verifier { got: got?, want: want? }))
}
