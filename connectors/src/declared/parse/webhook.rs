//! `webhooks:`: how they are verified and read.

use orderhub_lang::yaml::{Fields, Node};

use super::super::model::{Greeting, Hooks};
use super::Ctx;
use crate::codes;
use crate::sign::{Format, VERIFIER_NAMES, Verifier};

/// Names that the reading of a webhook may read.
const HOOK: &[&str] = &["headers", "query", "body", "text", "path", "settings"];
/// The same of one element of `each:`.
const ELEMENT: &[&str] = &["headers", "query", "body", "text", "path", "settings", "item"];

pub(super) fn hooks(node: &Node, ctx: &mut Ctx) -> Option<Hooks> {
    let mut fields = Fields::of(node, "`webhooks`", &mut ctx.findings)?;
    let verify = verify(&mut fields, ctx);
    let format = fields
        .optional("format")
        .map_or(Some("json"), |node| ctx.choice(node, "`format`", &["json", "form", "xml"]))
        .map(|format| match format {
            "form" => Format::Form,
            "xml" => Format::Xml,
            _ => Format::Json,
        });
    let each = fields.optional("each");
    let names = if each.is_some() { ELEMENT } else { HOOK };
    let each = each.and_then(|node| ctx.expression(node, HOOK));
    let id = fields.optional("id").and_then(|node| ctx.text(node, names));
    let kind = fields.required("kind", &mut ctx.findings).and_then(|node| ctx.text(node, names));
    let document = fields.required("document", &mut ctx.findings);
    let document = document.and_then(|node| ctx.expression(node, names));
    let respond = fields.optional("respond").and_then(|node| ctx.tree(node, HOOK));
    let handshake = fields.optional("handshake").and_then(|node| greeting(node, ctx));
    fields.finish(&mut ctx.findings);
    Some(Hooks {
        verify: verify?.map(|verifier| Verifier { format: format.unwrap_or_default(), ..verifier }),
        format: format?,
        each,
        id,
        kind: kind?,
        document: document?,
        respond,
        handshake,
    })
}

fn greeting(node: &Node, ctx: &mut Ctx) -> Option<Greeting> {
    let mut fields = Fields::of(node, "`handshake`", &mut ctx.findings)?;
    let when = fields.required("when", &mut ctx.findings);
    let when = when.and_then(|node| ctx.expression(node, HOOK));
    let respond = fields.required("respond", &mut ctx.findings);
    let respond = respond.and_then(|node| ctx.tree(node, HOOK));
    fields.finish(&mut ctx.findings);
    Some(Greeting { when: when?, respond: respond? })
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
    Some(Some(Verifier { got: got?, want: want?, format: Format::Json }))
}
