//! `url:` of a step, in place of `path:`: an address that an earlier answer gave; and `format:` of its answer.
//!
//! **Invariant:** a step that goes elsewhere only asks, and sends nothing there that the file does not write out in its
//! own headers. Test: `every_mistake_of_a_file_is_reported_at_its_place_in_one_run` (`wrong/elsewhere.yaml`).

use orderhub_lang::template::Template;
use orderhub_lang::yaml::{Fields, Node};

use super::{Ctx, STEP, page, step};
use crate::codes;

/// What a request would carry there, or what is said of its address besides.
const NOT_THERE: &[&str] =
    &["path", "query", "body", "form", "put", "graphql", "variables", "items", "page"];

/// What `format:` may say.
const FORMATS: &[&str] = &["json", "jsonl"];

/// Where a step goes: the path below the system's address, or the whole address, and whether it is that.
pub(super) fn place(
    fields: &mut Fields<'_>,
    method: Option<&str>,
    ctx: &mut Ctx,
) -> (Option<Template>, bool) {
    let Some((key, node)) = fields.entry("url") else {
        let path = fields.required("path", &mut ctx.findings);
        return (path.and_then(|node| step::path(node, ctx)), false);
    };
    if method.is_some_and(|method| !matches!(method, "GET" | "HEAD")) {
        let hint = "write `method: GET`; what is sent goes to the system itself, below `base`";
        page::wrong(ctx, key.span, "what an answer gave the address of is only read", hint);
    }
    for name in NOT_THERE.iter().copied() {
        if let Some((key, _)) = fields.entry(name) {
            let message = format!("a step with `url:` has no `{name}:`");
            let hint = "the address that was given is asked as it stands; leave it out";
            page::wrong(ctx, key.span, &message, hint);
        }
    }
    (address(node, ctx), true)
}

/// One value that a step before has kept, and nothing else: what is written by hand is what `base` is for.
fn address(node: &Node, ctx: &mut Ctx) -> Option<Template> {
    let template = ctx.template(node, STEP)?;
    let kept = template.only_name().is_some_and(|name| {
        matches!(name.root.as_str(), "memo" | "mine") && !name.segments.is_empty()
    });
    if kept {
        return Some(template);
    }
    let message = "`url:` is an address that an earlier step has kept";
    let hint = "write `url: \"{memo.file}\"`, and `save: { file: body.url }` in the step that learns it; \
                for an address of your own, `base:` of the operation";
    ctx.findings.report(ctx.findings.error(codes::ADDRESS, node.span, message).with_hint(hint));
    None
}

/// Whether the answer is one JSON value a line.
pub(super) fn lines(fields: &mut Fields<'_>, ctx: &mut Ctx) -> bool {
    let format = fields.optional("format");
    format.and_then(|node| ctx.choice(node, "`format`", FORMATS)) == Some("jsonl")
}
