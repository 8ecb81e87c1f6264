//! `auth: { session: … }` and its short form `auth: { oauth2: … }`: a credential that ends and is renewed.

use std::time::Duration;

use orderhub_lang::diagnostic::Span;
use orderhub_lang::expression::Name;
use orderhub_lang::template::Template;
use orderhub_lang::yaml::{Fields, Node};

use super::super::login::{LOGIN_ANSWER, Lives, Login};
use super::super::model::Expr;
use super::{BASE, Ctx, auth};
use crate::codes;
use crate::sign::{SIGNER_NAMES, Signer};

/// How each grant of OAuth 2.0 (RFC 6749) is asked for.
const GRANTS: &[&str] = &["client_credentials", "refresh_token", "password"];

/// Reads `session:` or `oauth2:` of `auth:`; at most one of them.
pub(super) fn login(fields: &mut Fields<'_>, ctx: &mut Ctx) -> Option<Login> {
    let session = fields.entry("session");
    let oauth2 = fields.entry("oauth2");
    match (session, oauth2) {
        (Some((_, session)), Some((key, oauth2))) => {
            let _both_are_read = (of_session(session, ctx), of_oauth2(oauth2, ctx));
            let message = "a system has one kind of login: `session` or `oauth2`";
            wrong(ctx, key.span, message, "leave one of them out");
            None
        }
        (Some((_, node)), None) => of_session(node, ctx),
        (None, Some((_, node))) => of_oauth2(node, ctx),
        (None, None) => None,
    }
}

fn of_session(node: &Node, ctx: &mut Ctx) -> Option<Login> {
    let mut fields = Fields::of(node, "`auth.session`", &mut ctx.findings)?;
    let method = fields
        .optional("method")
        .map_or(Some("POST"), |node| ctx.choice(node, "`method`", &["GET", "POST"]));
    let url = address(&mut fields, ctx);
    let signer = auth::parts(&mut fields, SIGNER_NAMES, ctx);
    let body = fields.entry("body");
    if let Some((key, _)) = body.filter(|_| !signer.form.is_empty()) {
        wrong(ctx, key.span, "a login sends `form:` or `body:`", "leave one of them out");
    }
    let body = body.and_then(|(_, node)| ctx.tree(node, SIGNER_NAMES));
    let ok = fields.optional("ok").and_then(|node| ctx.expression(node, LOGIN_ANSWER));
    let why = whys(&mut fields, ctx);
    let save = fields.optional("save");
    if save.and_then(Node::as_map).is_none_or(<[_]>::is_empty) {
        let hint = "add `save: { token: body.token }`: calls send it as `{session.token}`";
        wrong(ctx, fields.span(), "nothing is kept of what the login gives", hint);
    }
    let save = save.and_then(|node| saves(node, ctx));
    let lives = fields.optional("lives").and_then(|node| lives(node, ctx));
    let timeout = timeout(&mut fields, ctx);
    fields.finish(&mut ctx.findings);
    let (save, refresh) = (save?, None);
    Some(Login { method: method?, url: url?, signer, body, ok, why, save, lives, timeout, refresh })
}

/// The token endpoint of OAuth 2.0: a form, answered by `access_token` and `expires_in`.
fn of_oauth2(node: &Node, ctx: &mut Ctx) -> Option<Login> {
    let mut fields = Fields::of(node, "`auth.oauth2`", &mut ctx.findings)?;
    let url = address(&mut fields, ctx);
    let grant = fields
        .optional("grant")
        .map_or(Some("client_credentials"), |node| ctx.choice(node, "`grant`", GRANTS));
    let by = fields
        .optional("client")
        .map_or(Some("form"), |node| ctx.choice(node, "`client`", &["form", "basic"]));
    let mut value = |name: &'static str, needed: bool| {
        let node = match needed {
            true => fields.required(name, &mut ctx.findings),
            false => fields.optional(name),
        };
        node.and_then(|node| ctx.template(node, SIGNER_NAMES))
    };
    let client_id = value("client_id", true);
    let client_secret = value("client_secret", true);
    let refresh_token = value("refresh_token", grant == Some("refresh_token"));
    let (username, password) = (
        value("username", grant == Some("password")),
        value("password", grant == Some("password")),
    );
    let scope = value("scope", false);
    let further =
        fields.optional("form").map(|node| auth::named(node, "`form`", SIGNER_NAMES, ctx));
    let timeout = timeout(&mut fields, ctx);
    let lives = fields.optional("lives").and_then(|node| lives(node, ctx));
    let lives = lives.or_else(|| built_in("body.expires_in").map(Lives::Seconds));
    fields.finish(&mut ctx.findings);
    let mut signer = Signer::default();
    signer.form.push(("grant_type".to_owned(), Template::parse(grant?, &[]).ok()?));
    let client = (client_id?, client_secret?);
    let refresh = refresh_token.clone();
    let mut named = vec![
        ("refresh_token", refresh_token),
        ("username", username),
        ("password", password),
        ("scope", scope),
    ];
    match by? {
        "basic" => (signer.basic, signer.encoded) = (Some(client), true),
        _ => named.extend([("client_id", Some(client.0)), ("client_secret", Some(client.1))]),
    }
    signer.form.extend(named.into_iter().filter_map(|(n, value)| Some((n.to_owned(), value?))));
    signer.form.extend(further.unwrap_or_default());
    let why = ["body.error_description", "body.error"].into_iter().filter_map(built_in).collect();
    let save = vec![("token".to_owned(), built_in("body.access_token")?)];
    let url = url?;
    Some(Login {
        method: "POST",
        url,
        signer,
        body: None,
        ok: None,
        why,
        save,
        lives: Some(lives?),
        timeout,
        refresh,
    })
}

/// The longest time of a login: its own, else that of the file.
fn timeout(fields: &mut Fields<'_>, ctx: &mut Ctx) -> Duration {
    let own = fields.optional("timeout").and_then(|node| ctx.timeout(node));
    own.unwrap_or(ctx.timeout)
}

/// An expression of our own.
fn built_in(text: &str) -> Option<Expr> {
    orderhub_lang::expression::compile(text, LOGIN_ANSWER).ok()
}

fn address(fields: &mut Fields<'_>, ctx: &mut Ctx) -> Option<Template> {
    let node = fields.required("url", &mut ctx.findings)?;
    let template = ctx.template(node, BASE)?;
    let text = node.scalar_text().unwrap_or_default();
    let begins = |with: &&str| text.starts_with(with);
    let setting = text.strip_prefix("{settings.").and_then(|rest| rest.split('}').next());
    let is_whole = ["https://", "http://", "{base_url}"].iter().any(begins);
    if !is_whole && !setting.is_some_and(|name| name.ends_with("_url")) {
        let message = "the address of a login is whole";
        let hint = "write `url: \"{base_url}/login\"`, or `https://…` or a setting `{settings.token_url}` where another \
                    host gives the token";
        wrong(ctx, node.span, message, hint);
    }
    Some(template)
}

fn whys(fields: &mut Fields<'_>, ctx: &mut Ctx) -> Vec<Expr> {
    let nodes = fields.optional("why").map(Node::list_or_single).unwrap_or_default();
    nodes.iter().filter_map(|node| ctx.expression(node, LOGIN_ANSWER)).collect()
}

/// `None`: one of them has a mistake, so that nothing is said of what is missing.
fn saves(node: &Node, ctx: &mut Ctx) -> Option<Vec<(String, Expr)>> {
    let Some(map) = node.as_map() else {
        ctx.findings.report(ctx.findings.wrong_type(node, "`save` is a mapping of names"));
        return None;
    };
    let all: Vec<_> = map
        .iter()
        .map(|(key, node)| Some((key.name.clone(), ctx.expression(node, LOGIN_ANSWER)?)))
        .collect();
    all.into_iter().collect()
}

/// `20m`, or where the answer says the seconds.
fn lives(node: &Node, ctx: &mut Ctx) -> Option<Lives> {
    let text = node.scalar_text().unwrap_or_default();
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        let time = ctx.duration(node)?;
        if time.is_zero() {
            wrong(ctx, node.span, "no session ends at once", "write how long it is taken: `20m`");
        }
        return Some(Lives::For(time));
    }
    ctx.expression(node, LOGIN_ANSWER).map(Lives::Seconds)
}

/// What calls send of a session must be saved by its login, and something must be sent.
pub(super) fn check(node: &Node, signer: &mut Signer, login: Option<&Login>, ctx: &mut Ctx) {
    let Some(login) = login else { return };
    let read: Vec<Name> = auth::reads(signer)
        .cloned()
        .chain(auth::body_reads(signer))
        .filter(|name| name.root == "session")
        .collect();
    for name in &read {
        let key = name.key().unwrap_or_default();
        if !login.save.iter().any(|(saved, _)| saved == key) {
            let message = format!("the login saves no `{key}`");
            let known = login.save.iter().map(|(name, _)| name.as_str());
            let finding =
                ctx.findings.error(codes::LOGIN, node.span, message).with_one_of(key, known);
            ctx.findings.report(finding);
        }
    }
    if !read.is_empty() {
        return;
    }
    let bearer = login.save.iter().any(|(name, _)| name == "token")
        && !signer.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization"))
        && signer.basic.is_none();
    match Template::parse("Bearer {session.token}", &["session"]) {
        Ok(template) if bearer => signer.headers.push(("authorization".to_owned(), template)),
        Ok(_) | Err(_) => {
            let hint =
                "add `headers: { X-Token: \"{session.token}\" }` with a name that `save` keeps";
            wrong(ctx, node.span, "no call sends what the login gives", hint);
        }
    }
}

fn wrong(ctx: &mut Ctx, span: Span, message: &str, hint: &str) {
    let finding = ctx.findings.error(codes::LOGIN, span, message).with_hint(hint);
    ctx.findings.report(finding);
}
