//! Builds the request of a step: address, headers, body, each value escaped for its place.

use bytes::Bytes;
use orderhub_lang::escape::percent;
use orderhub_lang::room::Full;
use orderhub_lang::template::{Place, RenderError, Template, Tree};
use orderhub_lang::value::Value;

use super::model::{Body, Compiled, Step};
use super::scope::{CallScope, Document};
use super::walk::{At, render_error, step_error};
use super::{Declared, elsewhere, page};
use crate::contract::{Call, Memo, Request};
use crate::error::BuildError;
use crate::put::put_at;
use crate::sign::FORM;

pub(super) fn build(
    (declared, compiled): (&Declared, &Compiled),
    at: &At<'_>,
    call: &Call<'_>,
    memo: &Memo,
    document: &Document<'_>,
) -> Result<Request, BuildError> {
    let step = at.step;
    let scope = CallScope::of(at, call, memo, document);
    let render = |template: &Template, place| {
        template.render(&scope, place).map_err(|error| render_error(&step.id, &error))
    };
    let base = compiled.base.as_ref().unwrap_or(&declared.base);
    let mut url = render(base, Place::Base)?;
    if step.elsewhere {
        let address = render(&step.path, Place::Text)?;
        elsewhere::checked(&address, &url).map_err(|why| step_error(&step.id, why.to_owned()))?;
        url = address;
    } else {
        url.push_str(&render(&step.path, Place::Path)?);
    }
    let mut query = pairs(step, &step.query, &scope)?;
    for (name, value) in step.page.iter().flat_map(|page| page::parameters(page, call)) {
        append(&mut query, &name, &value);
    }
    if !query.is_empty() {
        url.push('?');
        url.push_str(&query);
    }
    if let Some(page) = &step.page {
        let next = page::address(page, call, &url);
        url = next.map_err(|why| step_error(&step.id, why))?.unwrap_or(url);
    }
    let mut headers = Vec::new();
    for (name, template) in &step.headers {
        match template.render(&scope, Place::Header) {
            Ok(value) => headers.push((name.clone(), value)),
            // Exactly one value that is nothing: the header is left out.
            Err(RenderError::Missing(_)) if template.is_single() => {}
            Err(error) => return Err(render_error(&step.id, &error)),
        }
    }
    let (body, kind) = body(step, call, &scope)?;
    let has = |headers: &[(String, String)], name: &str| headers.iter().any(|(n, _)| n == name);
    if let Some(kind) = kind.filter(|_| !has(&headers, "content-type")) {
        headers.push(("content-type".to_owned(), kind.to_owned()));
    }
    if !has(&headers, "accept") {
        headers.push(("accept".to_owned(), "application/json".to_owned()));
    }
    Ok(Request {
        step: step.id.clone(),
        method: step.method,
        url,
        headers,
        body,
        idempotency: step.idempotency.clone(),
        limit: step.limit.clone(),
        limit_key: limit_key(declared, step, &scope)?,
        timeout: step.timeout,
        own: if step.elsewhere { elsewhere::nobody() } else { compiled.signer.clone() },
    })
}

/// The key within a keyed limit.
fn limit_key(
    declared: &Declared,
    step: &Step,
    scope: &CallScope<'_>,
) -> Result<Option<String>, BuildError> {
    let Some(keyed) = declared.keyed.iter().find(|keyed| keyed.name == step.limit) else {
        return Ok(None);
    };
    let value = keyed
        .by
        .eval(scope)
        .map_err(|error| step_error(&step.id, format!("limit `{}`: {error}", keyed.name)))?;
    // Calls without a key share one.
    Ok(Some(value.scalar_text().map(std::borrow::Cow::into_owned).unwrap_or_default()))
}

/// `a=1&b=2`: a list repeats the key, nothing leaves it out.
fn pairs(
    step: &Step,
    trees: &[(String, Tree)],
    scope: &CallScope<'_>,
) -> Result<String, BuildError> {
    let mut out = String::new();
    for (name, tree) in trees {
        let value = tree.value(scope).map_err(|error| render_error(&step.id, &error))?;
        let values = match value {
            Value::List(list) => list,
            Value::Null => continue,
            single @ (Value::Bool(_)
            | Value::Int(_)
            | Value::Decimal(_)
            | Value::Text(_)
            | Value::Map(_)) => vec![single],
        };
        for value in values.iter().filter(|value| !value.is_null()) {
            let text = value.scalar_text().ok_or_else(|| {
                step_error(&step.id, format!("parameter `{name}` is {}", value.kind()))
            })?;
            append(&mut out, name, &text);
        }
    }
    Ok(out)
}

fn append(query: &mut String, name: &str, value: &str) {
    if !query.is_empty() {
        query.push('&');
    }
    query.push_str(&percent(name));
    query.push('=');
    query.push_str(&percent(value));
}

/// The body's bytes and what they are.
fn body<'c>(
    step: &Step,
    call: &Call<'c>,
    scope: &CallScope<'_>,
) -> Result<(Bytes, Option<&'c str>), BuildError> {
    const JSON: Option<&str> = Some("application/json");
    match &step.body {
        Body::None => Ok((Bytes::new(), None)),
        Body::Document if call.document.is_empty() => Ok((Bytes::new(), None)),
        Body::Document => {
            let sent = call.changed.unwrap_or(call.document);
            Ok((Bytes::copy_from_slice(sent), Some(call.media)))
        }
        Body::Form(trees) => Ok((pairs(step, trees, scope)?.into(), Some(FORM))),
        Body::Graphql { query, variables } => {
            let value = |(name, tree): &(String, Tree)| {
                let value = tree.value(scope).map_err(|e| render_error(&step.id, &e))?;
                Ok((name.clone(), value))
            };
            let variables = variables.iter().map(value).collect::<Result<_, BuildError>>()?;
            let query = ("query".to_owned(), Value::text(&**query));
            let body = Value::Map(vec![query, ("variables".to_owned(), Value::Map(variables))]);
            Ok((body.to_json().into(), JSON))
        }
        Body::Json { tree, put } => {
            let render = |tree: &Tree| tree.value(scope).map_err(|e| render_error(&step.id, &e));
            let mut value = render(tree)?;
            for (path, tree) in put {
                let set = render(tree)?;
                // Nothing is not set: the document keeps what it has.
                if set.is_null() {
                    continue;
                }
                let full = |full: Full| step_error(&step.id, format!("`put`: {full}"));
                if !put_at(&mut value, path, set, scope.within()).map_err(full)? {
                    let why = "`put` does not fit the body: a key of something that is no object, or more elements than `*` finds";
                    return Err(step_error(&step.id, why.to_owned()));
                }
            }
            if value.is_null() {
                Ok((Bytes::new(), None))
            } else {
                Ok((value.to_json().into(), JSON))
            }
        }
    }
}
