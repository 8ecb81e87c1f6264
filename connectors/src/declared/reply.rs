//! From a memo whose steps all ran to a reply: references and documents.

use bytes::Bytes;
use orderhub_lang::expression::{EvalError, Expression, Name};
use orderhub_lang::template::RenderError;
use orderhub_lang::value::Value;

use super::model::{Compiled, Expr, OursRule, Xref, XrefRule};
use super::scope::{CallScope, Document, ReplyScope};
use super::{ACTED, NONE};
use super::{page, told};
use crate::contract::{Ack, Call, Idempotency, Memo, OperationKind, Ours, Reply, ReplyXref};
use crate::error::BuildError;

pub(super) fn reply(
    compiled: &Compiled,
    call: &Call<'_>,
    memo: &Memo,
    document: &Document<'_>,
) -> Result<Reply, BuildError> {
    let body = memo.body.as_ref().and_then(|body| Value::from_json(body).ok());
    let scope = scope(compiled, call, memo, document, body.as_ref());
    let failed = |what: &str, error: String| BuildError::Step {
        step: "reply".to_owned(),
        why: format!("`{what}`: {error}"),
    };
    let acts = compiled.steps.iter().any(|step| step.idempotency != Idempotency::Safe);
    let already = acts && !memo.saved.contains_key(ACTED);
    let mut reply = Reply { already, ..Reply::default() };
    for xref in &compiled.reply.xrefs {
        reply.xrefs.extend(xrefs(xref, &scope).map_err(|e| failed(&xref.kind, e))?);
    }
    if compiled.operation.kind == OperationKind::Read && memo.saved.contains_key(NONE) {
        return Ok(Reply { none: true, ..reply });
    }
    if let Some(expression) = &compiled.reply.document {
        reply.document = document_bytes(expression, memo, &scope)
            .map_err(|error| failed("document", error.to_string()))?;
        reply.none = reply.document.is_none() && told::is_none(expression, body.as_ref());
    }
    if let Some(expression) = &compiled.reply.documents {
        let value =
            expression.eval(&scope).map_err(|error| failed("documents", error.to_string()))?;
        reply.documents = match value {
            Value::List(list) => list.iter().map(|item| Bytes::from(item.to_json())).collect(),
            Value::Null => {
                return Err(failed("documents", "the answer has no such list".to_owned()));
            }
            other @ (Value::Bool(_)
            | Value::Int(_)
            | Value::Decimal(_)
            | Value::Text(_)
            | Value::Map(_)) => {
                return Err(failed("documents", format!("it is {}, not a list", other.kind())));
            }
        };
    }
    // An empty page is nothing to confirm: a poll would say so each time.
    if let Some(ack) = compiled.reply.ack.as_ref().filter(|_| !reply.documents.is_empty()) {
        let arg = |(name, rule): &(String, Expr)| {
            let value = rule.eval(&scope).map_err(|error| failed("ack", error.to_string()))?;
            Ok((name.clone(), value))
        };
        let args = ack.args.iter().map(arg).collect::<Result<_, BuildError>>()?;
        reply.ack = Some(Ack { operation: ack.operation.clone(), args });
    }
    if let Some(page) = compiled.steps.last().and_then(|step| step.page.as_ref()) {
        reply.next = page::next(page, call, memo, reply.documents.len());
        reply.again = page::again(page, memo, reply.documents.len());
    }
    Ok(reply)
}

/// All references that are known by now, the last answer's among them: what cannot be read yet is left out.
pub(super) fn named(
    compiled: &Compiled,
    call: &Call<'_>,
    memo: &Memo,
    document: &Document<'_>,
) -> Vec<ReplyXref> {
    let body = memo.body.as_ref().and_then(|body| Value::from_json(body).ok());
    let scope = scope(compiled, call, memo, document, body.as_ref());
    let rules = compiled.reply.xrefs.iter();
    rules.flat_map(|xref| xrefs(xref, &scope).unwrap_or_default()).collect()
}

/// The references that do not need the last answer.
pub(super) fn known(
    compiled: &Compiled,
    call: &Call<'_>,
    memo: &Memo,
    document: &Document<'_>,
) -> Vec<ReplyXref> {
    let scope = scope(compiled, call, memo, document, None);
    let of_memo = |name: &Name| !matches!(name.root.as_str(), "body" | "text");
    let reads_memo_only = |rule: &XrefRule| match rule {
        XrefRule::Value(template) => template.reads().all(of_memo),
        XrefRule::Expression(expression) => expression.reads().iter().all(of_memo),
        XrefRule::Elements { at, .. } => at.reads().iter().all(of_memo),
    };
    compiled
        .reply
        .xrefs
        .iter()
        .filter(|xref| reads_memo_only(&xref.rule))
        .flat_map(|xref| xrefs(xref, &scope).unwrap_or_default())
        .collect()
}

fn scope<'a>(
    compiled: &'a Compiled,
    call: &'a Call<'a>,
    memo: &'a Memo,
    document: &'a Document<'a>,
    body: Option<&'a Value>,
) -> ReplyScope<'a> {
    let inner = CallScope::element("reply", None, 0, (call, memo, document)).naming(&compiled.lets);
    ReplyScope { inner, body, text: memo.body.as_deref().unwrap_or_default() }
}

/// The references of one kind, in our form.
fn xrefs(xref: &Xref, scope: &ReplyScope<'_>) -> Result<Vec<ReplyXref>, String> {
    let found = as_said(&xref.kind, &xref.rule, scope)?;
    let Some(convert) = &xref.convert else { return Ok(found) };
    let ours = |found: ReplyXref| {
        let ext_id = convert.get(Value::Text(found.ext_id))?;
        let ext_id = ext_id.scalar_text().filter(|id| !id.trim().is_empty());
        let ext_id = ext_id.ok_or_else(|| "`as` makes no id of it".to_owned())?.into_owned();
        Ok(ReplyXref { ext_id, ..found })
    };
    found.into_iter().map(ours).collect()
}

fn as_said(kind: &str, rule: &XrefRule, scope: &ReplyScope<'_>) -> Result<Vec<ReplyXref>, String> {
    let subject = |value: &Value| {
        let ext_id = value.scalar_text().filter(|text| !text.trim().is_empty())?.into_owned();
        Some(ReplyXref { kind: kind.to_owned(), ours: None, ext_id })
    };
    match rule {
        XrefRule::Value(template) => match template.value(scope) {
            Ok(value) => Ok(each(&value).iter().filter_map(subject).collect()),
            // As soon as it is not null.
            Err(RenderError::Missing(_)) => Ok(Vec::new()),
            Err(error) => Err(error.to_string()),
        },
        XrefRule::Expression(expression) => {
            let value = expression.eval(scope).map_err(|error| error.to_string())?;
            Ok(each(&value).iter().filter_map(subject).collect())
        }
        XrefRule::Elements { at, ours, ext } => {
            let value = at.eval(scope).map_err(|error| error.to_string())?;
            let elements = each(&value).iter().zip(0_u32..);
            Ok(elements
                .filter_map(|(element, position)| {
                    let text = |value: &Value| {
                        let text = value.scalar_text().filter(|text| !text.trim().is_empty())?;
                        Some(text.into_owned())
                    };
                    let ext_id = text(ext.first(element))?;
                    let ours = match ours {
                        OursRule::Position => Ours::Position(position),
                        OursRule::Id(path) => Ours::Id(text(path.first(element))?),
                    };
                    Some(ReplyXref { kind: kind.to_owned(), ours: Some(ours), ext_id })
                })
                .collect())
        }
    }
}

/// The elements of a list, or the value itself.
fn each(value: &Value) -> &[Value] {
    value.as_list().unwrap_or(std::slice::from_ref(value))
}

/// The document's bytes: the body itself as it came, a part of it written anew.
fn document_bytes(
    expression: &Expr,
    memo: &Memo,
    scope: &ReplyScope<'_>,
) -> Result<Option<Bytes>, EvalError> {
    if is_body(expression.as_ref()) {
        return Ok(memo.body.as_ref().filter(|body| !body.is_empty()).cloned());
    }
    let value = expression.eval(scope)?;
    Ok((!value.is_null()).then(|| value.to_json().into()))
}

/// Whether an expression is exactly `body`.
pub(super) fn is_body(expression: &dyn Expression) -> bool {
    matches!(expression.reads(), [only] if only.as_str() == "body") && expression.is_name()
}
