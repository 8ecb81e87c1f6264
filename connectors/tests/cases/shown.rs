//! What cases say and what connectors give, in one form that can be compared.

use std::collections::BTreeMap;

use bytes::Bytes;
use orderhub_connectors::contract::*;
use orderhub_lang::value::Value;

pub(super) fn text(value: Option<&Value>) -> String {
    value.and_then(Value::scalar_text).unwrap_or_default().into_owned()
}

pub(super) fn values(case: &Value, key: &str) -> BTreeMap<String, Value> {
    case.get(key).and_then(Value::as_map).unwrap_or_default().iter().cloned().collect()
}

pub(super) fn texts(case: &Value, key: &str) -> BTreeMap<String, String> {
    values(case, key).iter().map(|(k, v)| (k.clone(), text(Some(v)))).collect()
}

pub(super) fn list<'v>(case: &'v Value, key: &str) -> &'v [Value] {
    case.get(key).and_then(Value::as_list).unwrap_or_default()
}

/// A body: JSON of a tree, a text as it is.
pub(super) fn body(value: Option<&Value>) -> Bytes {
    match value {
        None | Some(Value::Null) => Bytes::new(),
        Some(Value::Text(text)) => text.clone().into(),
        Some(tree) => tree.to_json().into(),
    }
}

/// The bytes of a body as a case writes them.
pub(super) fn shown(bytes: &[u8]) -> Value {
    if bytes.is_empty() {
        return Value::Null;
    }
    Value::from_json(bytes)
        .unwrap_or_else(|_| Value::text(String::from_utf8_lossy(bytes).into_owned()))
}

/// Every part that the case names must be as it says.
pub(super) fn expect(why: &str, expected: &Value, actual: &Value) {
    for (key, wanted) in expected.as_map().unwrap() {
        let got = actual.get(key).cloned().unwrap_or_default();
        assert_eq!(
            got.to_json_text(),
            wanted.to_json_text(),
            "{why}\n`{key}` of {}",
            actual.to_json_text()
        );
    }
}

pub(super) fn map(pairs: Vec<(&str, Value)>) -> Value {
    Value::Map(pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

pub(super) fn show_request(request: &Request) -> Value {
    let headers = request.headers.iter();
    map(vec![
        ("step", request.step.as_str().into()),
        ("send", Value::Text(format!("{} {}", request.method, request.url))),
        ("headers", Value::Map(headers.map(|(k, v)| (k.clone(), v.as_str().into())).collect())),
        ("body", shown(&request.body)),
        ("idempotency", Value::Text(format!("{:?}", request.idempotency))),
        ("limit", Value::Text(request.limit.clone())),
        ("limit_key", request.limit_key.as_deref().map_or(Value::Null, Value::text)),
        ("timeout_ms", Value::Int(request.timeout.as_millis().try_into().unwrap())),
    ])
}

pub(super) fn show_xref(xref: &ReplyXref) -> Value {
    let ours = match &xref.ours {
        None => String::new(),
        Some(Ours::Id(id)) => format!(" of {id}"),
        Some(Ours::Position(position)) => format!(" at {position}"),
    };
    Value::Text(format!("{}{ours} = {}", xref.kind, xref.ext_id))
}

pub(super) fn show_time(time: std::time::Duration) -> Value {
    Value::Text(format!("{time:?}"))
}

pub(super) fn show_part(part: &Part) -> Value {
    let refused = part.refused.iter().map(|one| Value::Text(format!("{}: {}", one.ours, one.why)));
    map(vec![
        ("step", part.step.as_str().into()),
        ("refused", Value::List(refused.collect())),
        ("of", Value::Int(part.of.try_into().unwrap())),
        ("again", part.again.into()),
        ("xrefs", Value::List(part.xrefs.iter().map(show_xref).collect())),
    ])
}

pub(super) fn show_reply(reply: &Reply) -> Value {
    map(vec![
        ("xrefs", Value::List(reply.xrefs.iter().map(show_xref).collect())),
        ("document", reply.document.as_deref().map_or(Value::Null, shown)),
        ("already", reply.already.into()),
        ("none", reply.none.into()),
        ("next", reply.next.clone().unwrap_or_default()),
        ("again", reply.again.into()),
        (
            "ack",
            reply.ack.as_ref().map_or(Value::Null, |ack| {
                let args = ack.args.iter().map(|(name, value)| (name.clone(), value.clone()));
                map(vec![
                    ("do", ack.operation.as_str().into()),
                    ("args", Value::Map(args.collect())),
                ])
            }),
        ),
        ("documents", Value::List(reply.documents.iter().map(|bytes| shown(bytes)).collect())),
    ])
}

pub(super) fn show_notice(notice: &Notice, respond: &Value) -> Value {
    map(vec![
        ("id", notice.id.as_deref().map_or(Value::Null, Value::text)),
        ("kind", notice.kind.as_str().into()),
        ("document", shown(&notice.document)),
        ("respond", respond.clone()),
    ])
}
