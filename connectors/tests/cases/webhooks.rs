//! Webhooks of cases.

use std::path::Path;

use bytes::Bytes;
use orderhub_connectors::contract::*;
use orderhub_lang::value::Value;

use super::shown::*;
use super::{Around, connector, data, load};

/// A webhook as it comes, and what it says.
pub(super) fn run(path: &Path, case: &Value) {
    let why = format!("{}: {}", path.display(), text(case.get("why")));
    let connector = connector(&text(case.get("connector")));
    let around = Around::of(case);
    let hook = case.get("webhook").unwrap();
    let headers: Vec<(String, String)> = texts(hook, "headers").into_iter().collect();
    let sent = body(hook.get("body"));
    let query = text(hook.get("query"));
    let webhook = Webhook { path: "", query: &query, headers: &headers, body: &sent };
    if let Some(greeting) = connector.handshake(&webhook, &around.settings) {
        let shown = map(vec![
            ("media", greeting.media.into()),
            ("body", Value::Text(String::from_utf8(greeting.body.to_vec()).unwrap())),
        ]);
        return expect(&why, case.get("handshake").unwrap(), &shown);
    }
    let shown = match around.with(|with| connector.webhook(&webhook, with)) {
        Ok(Heard { notices: Ok(notices), respond }) => {
            let respond = respond.as_deref().map_or(Value::Null, super::shown::shown);
            let one = |element: &Element| match &element.read {
                Ok(notice) => show_notice(notice, &respond),
                Err(Unread { place, why }) => map(vec![
                    ("unreadable", Value::Text(why.clone())),
                    ("at", Value::Text(place.clone())),
                    ("respond", respond.clone()),
                ]),
            };
            notices.iter().map(one).collect()
        }
        Ok(Heard { notices: Err(Unheard::Unreadable(why)), respond }) => {
            let respond = respond.as_deref().map_or(Value::Null, super::shown::shown);
            vec![map(vec![("unreadable", Value::Text(why)), ("respond", respond)])]
        }
        Ok(Heard { notices: Err(Unheard::TooMany(has)), .. }) => panic!("{why}: {has} notices"),
        Err(error) => vec![map(vec![("error", Value::Text(error.to_string()))])],
    };
    if let Some(wanted) = case.get("respond") {
        let heard = around.with(|with| connector.webhook(&webhook, with)).unwrap();
        assert_eq!(super::shown::shown(&heard.respond.unwrap()), *wanted, "{why}");
    }
    let end = case.get("end").unwrap();
    let ends = end.as_list().unwrap_or(std::slice::from_ref(end));
    assert_eq!(shown.len(), ends.len(), "{why}: {shown:?}");
    for (end, shown) in ends.iter().zip(&shown) {
        expect(&why, end, shown);
    }
}

#[test]
fn a_webhook_of_too_many_notices_is_left_to_its_sender() {
    let connector = connector("batch.yaml");
    let around = Around::of(&load(&data().join("hook-each-empty.yaml")));
    let headers = vec![("x-token".to_owned(), "S".to_owned())];
    let heard = |count: usize| {
        let body = format!(r#"{{"items":[{}]}}"#, vec![r#"{"kind":"order"}"#; count].join(","));
        let hook = Webhook { path: "", query: "", headers: &headers, body: &Bytes::from(body) };
        around.with(|with| connector.webhook(&hook, with)).unwrap().notices
    };
    let most = heard(MOST_NOTICES).unwrap();
    let (first, last) =
        (most.first().unwrap().read.as_ref().unwrap(), most.last().unwrap().read.as_ref().unwrap());
    assert_eq!(first.document.as_ptr(), last.document.as_ptr(), "one body for all of them");
    assert_eq!(heard(MOST_NOTICES + 1).unwrap_err(), Unheard::TooMany(1_001));
}
