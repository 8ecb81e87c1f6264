//! `page:` of a step: how a listing goes on.

use std::time::Duration;

use orderhub_lang::diagnostic::Span;
use orderhub_lang::yaml::{Fields, Node};

use super::super::model::{Page, PageKind};
use super::{ANSWER, Ctx};
use crate::codes;

/// Windows within each other would never end.
const LEAST_WINDOW: Duration = Duration::from_secs(60);

/// How a listing goes on, and how long a time it may be asked for at once.
pub(super) fn page(node: &Node, ctx: &mut Ctx) -> (Option<Page>, Option<Duration>) {
    let mut window = None;
    let page = page_of(node, &mut window, ctx);
    (page, window)
}

fn page_of(node: &Node, window: &mut Option<Duration>, ctx: &mut Ctx) -> Option<Page> {
    let mut fields = Fields::of(node, "`page`", &mut ctx.findings)?;
    let next = fields.optional("next").and_then(|node| ctx.expression(node, ANSWER));
    let cursor = fields.optional("cursor").and_then(|node| ctx.expression(node, ANSWER));
    let number = fields.optional("number").and_then(|node| whole(node, ctx));
    let offset = fields.optional("offset").and_then(|node| whole(node, ctx));
    let again = fields.optional("again").and_then(|node| ctx.expression(node, ANSWER));
    let size = fields.optional("size").and_then(|node| whole(node, ctx));
    let into = fields.text("into", &mut ctx.findings);
    let size_into = fields.text("size_into", &mut ctx.findings);
    let more = fields.optional("more").and_then(|node| ctx.expression(node, ANSWER));
    let snapshot = fields.bool("snapshot", &mut ctx.findings);
    if let Some(node) = fields.optional("window") {
        *window = ctx.duration(node);
        if window.is_some_and(|window| window < LEAST_WINDOW) {
            let hint = "write the longest time that the system lists at once: `60m`, `7d`";
            wrong(ctx, node.span, "a window is at least a minute", hint);
        }
    }
    fields.finish(&mut ctx.findings);
    let mut kinds = [
        next.map(PageKind::Next),
        cursor.map(PageKind::Cursor),
        number.map(PageKind::Number),
        offset.map(PageKind::Offset),
        again.map(PageKind::Again),
    ]
    .into_iter()
    .flatten();
    let (first, second) = (kinds.next(), kinds.next());
    let bare = into.is_none() && size.is_none() && size_into.is_none() && more.is_none();
    let bare = bare && snapshot.is_none();
    let snapshot = snapshot.unwrap_or(false);
    if first.is_none() && window.is_some() && bare {
        return None;
    }
    let (Some(kind), None) = (first, second) else {
        let message = "`page` is one of `next`, `cursor`, `number`, `offset` and `again`, a `window`, or both";
        wrong(ctx, node.span, message, "write `page: { next: body.next }`");
        return None;
    };
    if matches!(kind, PageKind::Again(_)) && !(bare && window.is_none()) {
        let hint =
            "write `page: { again: body.messages.0.id }`: it is asked again while it has that";
        wrong(ctx, node.span, "a queue has no pages: `again` stands alone", hint);
        return None;
    }
    let page = Page { kind, into, size: size.filter(|size| *size > 0), size_into, more, snapshot };
    check(&page, node.span, ctx);
    Some(page)
}

/// Whether a page can be asked for, and has an end.
fn check(page: &Page, span: Span, ctx: &mut Ctx) {
    let counts = matches!(page.kind, PageKind::Number(_) | PageKind::Offset(_));
    if counts && page.into.is_none() {
        wrong(ctx, span, "nothing says where the page is named", "add `into: page`");
    }
    if counts && page.size.is_none() && page.more.is_none() {
        let message = "nothing says which page is the last";
        wrong(
            ctx,
            span,
            message,
            "add `size: 100`: a shorter page is the last; or `more: body.more`",
        );
    }
    if page.size_into.is_some() && page.size.is_none() {
        wrong(ctx, span, "`size_into` needs a `size`", "add `size: 100`");
    }
}

fn whole(node: &Node, ctx: &mut Ctx) -> Option<i64> {
    let number = node.scalar_text().and_then(|text| text.parse().ok()).filter(|n| *n >= 0);
    if number.is_none() {
        let message = "a whole number from 0 on is needed";
        wrong(ctx, node.span, message, "write `number: 0`");
    }
    number
}

pub(super) fn wrong(ctx: &mut Ctx, span: Span, message: &str, hint: &str) {
    let finding = ctx.findings.error(codes::OPERATION, span, message).with_hint(hint);
    ctx.findings.report(finding);
}
