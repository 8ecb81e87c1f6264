//! Reads a verified webhook into notices, and answers one that only asks.
//!
//! **Invariant:** nothing that a webhook says is left out, and nothing is held back for what stands beside it: each
//! element is a notice, or is told of with its place. Test: the case
//! `tests/data/connectors/hook-each-unreadable.yaml`.

use std::collections::BTreeMap;

use bytes::Bytes;
use orderhub_lang::expression::{EvalError, Expression, Name, Scope};
use orderhub_lang::form;
use orderhub_lang::template::{Place, RenderError};
use orderhub_lang::value::Value;

use super::model::{Hooks, Text};
use super::reply::is_body;
use super::walk::yes;
use crate::contract::{Element, Handshake, Heard, MOST_NOTICES, Notice, Unheard, Unread, Webhook};
use crate::element::print;
use crate::sign::{Format, header};

/// Longest answer to a handshake: whoever asks is unknown.
const LONGEST_GREETING: usize = 4 * 1024;

#[derive(Clone, Copy)]
struct HookScope<'a> {
    hook: &'a Webhook<'a>,
    settings: &'a BTreeMap<String, String>,
    body: &'a Value,
    item: Option<&'a Value>,
}

impl Scope for HookScope<'_> {
    fn get(&self, name: &Name) -> Result<Value, EvalError> {
        match name.root.as_str() {
            "headers" => Ok(header(self.hook.headers, name)),
            "query" => name.within(&form::flat(self.hook.query.as_bytes()).unwrap_or_default()),
            "body" => name.within(self.body),
            "item" => self.item.map_or(Ok(Value::Null), |item| name.within(item)),
            "text" => Ok(Value::Text(String::from_utf8_lossy(self.hook.body).into_owned())),
            "path" => Ok(Value::text(self.hook.path)),
            _ => {
                let setting = name.key().and_then(|key| self.settings.get(key));
                Ok(setting.map_or(Value::Null, |value| value.as_str().into()))
            }
        }
    }
}

/// The answer to a sender that asks first; one that cannot be told is none.
pub(super) fn handshake(
    hooks: &Hooks,
    hook: &Webhook<'_>,
    settings: &BTreeMap<String, String>,
) -> Option<Handshake> {
    let greeting = hooks.handshake.as_ref()?;
    let body = body(hooks, hook).unwrap_or_default();
    let scope = HookScope { hook, settings, body: &body, item: None };
    if !yes(&greeting.when, &scope).unwrap_or(false) {
        return None;
    }
    let (media, body) = match greeting.respond.value(&scope).ok()? {
        Value::Null => return None,
        Value::Text(text) => ("text/plain; charset=utf-8", Bytes::from(text)),
        tree @ (Value::Bool(_)
        | Value::Int(_)
        | Value::Decimal(_)
        | Value::List(_)
        | Value::Map(_)) => ("application/json", Bytes::from(tree.to_json())),
    };
    (body.len() <= LONGEST_GREETING).then_some(Handshake { media, body })
}

fn body(hooks: &Hooks, hook: &Webhook<'_>) -> Result<Value, String> {
    hooks.format.read(hook.body).map_err(|why| format!("the webhook's body {why}"))
}

/// What is answered and what is said. The answer is the request's, whatever became of its notices: who gets another
/// one than he waits for sends it all again.
pub(super) fn read(
    hooks: &Hooks,
    hook: &Webhook<'_>,
    settings: &BTreeMap<String, String>,
) -> Heard {
    let (read, why) = match body(hooks, hook) {
        Ok(body) => (body, None),
        Err(why) => (Value::Null, Some(why)),
    };
    let scope = HookScope { hook, settings, body: &read, item: None };
    let respond = hooks.respond.as_ref().map(|tree| tree.value(&scope));
    let (respond, unfit) = match respond.transpose() {
        Ok(value) => (value.map(|value| Bytes::from(value.to_json())), None),
        Err(error) => (None, Some(format!("`respond`: {error}"))),
    };
    let notices = match why.or(unfit) {
        Some(why) => Err(Unheard::Unreadable(why)),
        None => notices(hooks, &scope),
    };
    Heard { respond, notices }
}

fn notices(hooks: &Hooks, scope: &HookScope<'_>) -> Result<Vec<Element>, Unheard> {
    let Some(each) = &hooks.each else {
        let notice = notice(hooks, scope).map_err(Unheard::Unreadable)?;
        return Ok(vec![Element { print: print(scope.hook.body), read: Ok(notice) }]);
    };
    let list = each.eval(scope).map_err(|error| format!("`each`: {error}"));
    let list = list.map_err(Unheard::Unreadable)?;
    let list = if hooks.format == Format::Xml { listed(list) } else { list };
    let none = || Unheard::Unreadable("`each` is no list".to_owned());
    let list = list.as_list().ok_or_else(none)?;
    if list.len() > MOST_NOTICES {
        return Err(Unheard::TooMany(list.len()));
    }
    let one = |(at, item): (usize, &Value)| {
        let read = notice(hooks, &HookScope { item: Some(item), ..*scope });
        let read = read.map_err(|why| Unread { place: place(&**each, at), why });
        Element { print: print(&item.to_json()), read }
    };
    Ok(list.iter().enumerate().map(one).collect())
}

/// Where an element stands in the request, as its system would write it.
fn place(each: &dyn Expression, at: usize) -> String {
    let list = each.reads().first().filter(|_| each.is_name()).map(Name::as_str);
    let list = list.map(|name| name.strip_prefix("body.").unwrap_or(name));
    format!("{}[{at}]", list.unwrap_or("each"))
}

/// One element of XML is a list of one, none of them an empty one.
fn listed(value: Value) -> Value {
    if value.as_list().is_some() {
        return value;
    }
    Value::List(if value.is_null() { Vec::new() } else { vec![value] })
}

fn notice(hooks: &Hooks, scope: &HookScope<'_>) -> Result<Notice, String> {
    let id = match &hooks.id {
        Some(text) => text_of(text, scope).map_err(|e| format!("`id`: {e}"))?,
        None => None,
    };
    let kind = text_of(&hooks.kind, scope).map_err(|e| format!("`kind`: {e}"))?;
    let kind = kind.ok_or_else(|| "the webhook does not say its kind".to_owned())?;
    let document = if is_body(hooks.document.as_ref()) && hooks.format != Format::Form {
        Bytes::clone(scope.hook.body)
    } else {
        let value = hooks.document.eval(scope).map_err(|error| format!("`document`: {error}"))?;
        if value.is_null() {
            return Err("the webhook has no document".to_owned());
        }
        value.to_json().into()
    };
    Ok(Notice { id, kind, document })
}

/// A text; `None` where a part of it is missing or empty.
fn text_of(text: &Text, scope: &HookScope<'_>) -> Result<Option<String>, RenderError> {
    let rendered = match text {
        Text::Template(template) => match template.render(scope, Place::Text) {
            Ok(text) => Some(text),
            Err(RenderError::Missing(_)) => None,
            Err(error) => return Err(error),
        },
        Text::Expression(expression) => expression
            .eval(scope)
            .map_err(|why| RenderError::Eval { text: "expression".to_owned(), why })?
            .scalar_text()
            .map(std::borrow::Cow::into_owned),
    };
    Ok(rendered.filter(|text| !text.is_empty()))
}
