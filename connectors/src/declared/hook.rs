//! Reads a verified webhook into a notice.

use std::collections::BTreeMap;

use bytes::Bytes;
use orderhub_lang::expression::{EvalError, Name, Scope};
use orderhub_lang::form;
use orderhub_lang::template::{Place, RenderError};
use orderhub_lang::value::Value;

use super::model::{Format, Hooks, Text};
use super::reply::is_body;
use crate::contract::{Notice, Webhook};
use crate::error::VerifyError;
use crate::sign::header;

struct HookScope<'a> {
    hook: &'a Webhook<'a>,
    settings: &'a BTreeMap<String, String>,
    body: Value,
}

impl Scope for HookScope<'_> {
    fn get(&self, name: &Name) -> Result<Value, EvalError> {
        match name.root.as_str() {
            "headers" => Ok(header(self.hook.headers, name)),
            "body" => name.within(&self.body),
            "text" => Ok(Value::Text(String::from_utf8_lossy(self.hook.body).into_owned())),
            "path" => Ok(Value::text(self.hook.path)),
            _ => {
                let setting = name.key().and_then(|key| self.settings.get(key));
                Ok(setting.map_or(Value::Null, |value| value.as_str().into()))
            }
        }
    }
}

pub(super) fn read(
    hooks: &Hooks,
    hook: &Webhook<'_>,
    settings: &BTreeMap<String, String>,
) -> Result<Notice, VerifyError> {
    let unreadable = |why: String| VerifyError::Unreadable(why);
    let body = match hooks.format {
        Format::Json => Value::from_json(hook.body)
            .map_err(|error| unreadable(format!("the webhook's body is not JSON: {error}")))?,
        Format::Form => form::flat(hook.body)
            .ok_or_else(|| unreadable("the webhook's body is not a form".to_owned()))?,
    };
    let scope = HookScope { hook, settings, body };
    let id = match &hooks.id {
        Some(text) => text_of(text, &scope).map_err(|e| unreadable(format!("`id`: {e}")))?,
        None => None,
    };
    let kind = text_of(&hooks.kind, &scope).map_err(|e| unreadable(format!("`kind`: {e}")))?;
    let kind = kind.ok_or_else(|| unreadable("the webhook does not say its kind".to_owned()))?;
    let document = if is_body(hooks.document.as_ref()) && hooks.format == Format::Json {
        Bytes::copy_from_slice(hook.body)
    } else {
        let value = hooks
            .document
            .eval(&scope)
            .map_err(|error| unreadable(format!("`document`: {error}")))?;
        if value.is_null() {
            return Err(unreadable("the webhook has no document".to_owned()));
        }
        value.to_json().into()
    };
    let respond = match &hooks.respond {
        Some(tree) => {
            let value = tree.value(&scope).map_err(|e| unreadable(format!("`respond`: {e}")))?;
            Some(Bytes::from(value.to_json()))
        }
        None => None,
    };
    Ok(Notice { id, kind, document, respond })
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
