//! `auth:`: headers, query or form values, and basic authentication.

use orderhub_lang::template::Template;
use orderhub_lang::yaml::{Fields, Node};

use super::{Ctx, step};
use crate::sign::{SIGNER_NAMES, Signer};

pub(super) fn signer(node: &Node, ctx: &mut Ctx) -> Signer {
    let Some(mut fields) = Fields::of(node, "`auth`", &mut ctx.findings) else {
        return Signer::default();
    };
    let headers = fields.optional("headers").map(|node| {
        step::check_headers(node, ctx);
        named(node, "`auth.headers`", ctx)
    });
    let query = fields.optional("query").map(|node| named(node, "`auth.query`", ctx));
    let form = fields.optional("form").map(|node| named(node, "`auth.form`", ctx));
    let basic = fields.optional("basic").and_then(|node| basic(node, ctx));
    ctx.not_yet(&mut fields, &["oauth2", "session"]);
    fields.finish(&mut ctx.findings);
    Signer {
        headers: headers.unwrap_or_default(),
        query: query.unwrap_or_default(),
        form: form.unwrap_or_default(),
        basic,
    }
}

fn basic(node: &Node, ctx: &mut Ctx) -> Option<(Template, Template)> {
    let mut fields = Fields::of(node, "`auth.basic`", &mut ctx.findings)?;
    let user = fields.required("user", &mut ctx.findings);
    let user = user.and_then(|node| ctx.template(node, SIGNER_NAMES));
    let password = fields.required("password", &mut ctx.findings);
    let password = password.and_then(|node| ctx.template(node, SIGNER_NAMES));
    fields.finish(&mut ctx.findings);
    Some((user?, password?))
}

fn named(node: &Node, what: &str, ctx: &mut Ctx) -> Vec<(String, Template)> {
    let Some(map) = node.as_map() else {
        ctx.findings.report(ctx.findings.wrong_type(node, &format!("{what} is a mapping")));
        return Vec::new();
    };
    map.iter()
        .filter_map(|(key, node)| Some((key.name.clone(), ctx.template(node, SIGNER_NAMES)?)))
        .collect()
}
