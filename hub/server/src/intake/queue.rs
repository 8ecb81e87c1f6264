//! Messages of a queue become envelopes: where system, document and id stand is a setting. Pure.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use orderhub_order::causes::UNKNOWN_SYSTEM;
use orderhub_order::ids::SystemName;
use serde_json::value::RawValue;

use super::{Envelope, headers};
use crate::causes;
use crate::config::{Consume, Selector};

/// Longest text that a selector may give; longer is no name and no id.
const LONGEST: usize = 512;

/// A message as the broker gave it.
///
/// **Invariant:** printing it shows neither the body nor the headers. Test:
/// `printing_a_message_shows_neither_its_body_nor_its_headers`.
#[derive(Clone)]
pub struct Raw {
    /// The routing key.
    pub routing_key: String,
    /// Headers whose values are texts or numbers, names as sent.
    pub headers: Vec<(String, String)>,
    /// Properties by name: `message_id`, `correlation_id`, `type`, `app_id`.
    pub properties: Vec<(&'static str, String)>,
    /// The body.
    pub body: Bytes,
    /// Delivered before, and not acknowledged then.
    pub suspect: bool,
    /// When the hub got it.
    pub received: Timestamp,
}

impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Raw")
            .field("routing_key", &self.routing_key)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// An envelope, and what its message did not say: then it is stored as a todo.
#[derive(Clone, Debug)]
pub struct Addressed {
    /// The envelope; a system or document that the message does not name is `?`.
    pub envelope: Envelope,
    /// What is missing: cause and words.
    pub refused: Option<(&'static str, String)>,
}

/// Reads system, document and id out of a message.
pub fn address(source: &Arc<str>, settings: &Consume, raw: Raw) -> Addressed {
    let system = select(&settings.system, &raw);
    let document = select(&settings.document, &raw);
    let message_id = settings.message_id.as_ref().and_then(|selector| select(selector, &raw));
    let refused = match (&system, &document) {
        (None, _) => Some((UNKNOWN_SYSTEM.word, missing("system", &settings.system))),
        (_, None) => Some((causes::UNKNOWN_DOCUMENT.word, missing("document", &settings.document))),
        (Some(_), Some(_)) => None,
    };
    let kept = raw.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let envelope = Envelope {
        source: Arc::clone(source),
        system: SystemName::new(system.as_deref().unwrap_or("?")),
        document: Arc::from(document.as_deref().unwrap_or("?")),
        message_id: message_id.map(Cow::into_owned),
        headers: headers::keep(kept),
        received: raw.received,
        suspect: raw.suspect,
        body: raw.body.clone(),
    };
    Addressed { envelope, refused }
}

fn missing(what: &str, selector: &Selector) -> String {
    let place = match selector {
        Selector::Header(name) => format!("header `{name}`"),
        Selector::RoutingKey(segment) => format!("segment {segment} of the routing key"),
        Selector::Body(path) => format!("`{path}` in the body"),
        Selector::Fixed(_) => "the setting".to_owned(),
        Selector::Property(name) => format!("property `{name}`"),
    };
    format!("the message does not name its {what}: {place} is missing or no text")
}

fn select<'a>(selector: &'a Selector, raw: &'a Raw) -> Option<Cow<'a, str>> {
    let found = match selector {
        Selector::Fixed(text) => Some(Cow::Borrowed(text.as_str())),
        Selector::Header(name) => {
            let mut headers = raw.headers.iter();
            headers.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, v)| Cow::from(v))
        }
        Selector::Property(name) => {
            raw.properties.iter().find(|(key, _)| key == name).map(|(_, value)| Cow::from(value))
        }
        Selector::RoutingKey(segment) => raw.routing_key.split('.').nth(*segment).map(Cow::from),
        Selector::Body(path) => in_body(path, &raw.body).map(Cow::Owned),
    };
    found.filter(|text| !text.is_empty() && text.len() <= LONGEST)
}

/// The text or number at a dotted path of a JSON body; each level is scanned once, and its values stay raw.
fn in_body(path: &str, body: &[u8]) -> Option<String> {
    let mut here: &RawValue = serde_json::from_slice(body).ok()?;
    for key in path.split('.') {
        let level: HashMap<Cow<'_, str>, &RawValue> = serde_json::from_str(here.get()).ok()?;
        here = level.get(key).copied()?;
    }
    let text = here.get();
    if text.starts_with('"') {
        serde_json::from_str(text).ok()
    } else {
        // A number keeps its digits; anything else is no name.
        text.starts_with(|c: char| c.is_ascii_digit() || c == '-').then(|| text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Consumers;

    fn raw() -> Raw {
        Raw {
            routing_key: "orders.shop_eu.created".to_owned(),
            headers: vec![
                ("X-System".to_owned(), "shop_us".to_owned()),
                ("Authorization".to_owned(), "Bearer 1".to_owned()),
            ],
            properties: vec![("message_id", "m-1".to_owned())],
            body: Bytes::from_static(br#"{"meta":{"shop":"shop_cn","n":12},"a":[1]}"#),
            suspect: false,
            received: Timestamp::UNIX_EPOCH,
        }
    }

    fn consume(system: Selector, document: Selector) -> Consume {
        Consume {
            queue: "orders".to_owned(),
            system,
            document,
            message_id: Some(Selector::Property("message_id".to_owned())),
            dead_letters: None,
            consumers: Consumers::One,
        }
    }

    #[test]
    fn printing_a_message_shows_neither_its_body_nor_its_headers() {
        let fixed = |text: &str| Selector::Fixed(text.to_owned());
        let settings = consume(fixed("shop"), fixed("order"));
        let raw_shown = format!("{:?}", raw());
        let shown = format!("{:?}", address(&Arc::from("queue:orders"), &settings, raw()));
        for secret in ["shop_cn", "Bearer", "shop_us"] {
            assert!(!raw_shown.contains(secret), "{raw_shown}");
            assert!(!shown.contains(secret), "{shown}");
        }
    }

    #[test]
    fn each_selector_finds_its_text() {
        let cases = [
            (Selector::Header("x-system".to_owned()), Some("shop_us")),
            (Selector::RoutingKey(1), Some("shop_eu")),
            (Selector::RoutingKey(7), None),
            (Selector::Body("meta.shop".to_owned()), Some("shop_cn")),
            (Selector::Body("meta.n".to_owned()), Some("12")),
            (Selector::Body("meta".to_owned()), None),
            (Selector::Body("a.0".to_owned()), None),
            (Selector::Fixed("shop".to_owned()), Some("shop")),
            (Selector::Property("type".to_owned()), None),
        ];
        for (selector, expected) in cases {
            assert_eq!(select(&selector, &raw()).as_deref(), expected, "{selector:?}");
        }
    }

    #[test]
    fn a_message_without_a_system_is_kept_with_its_reason() {
        let settings =
            consume(Selector::Header("x-shop".to_owned()), Selector::Fixed("order".to_owned()));
        let addressed = address(&Arc::from("queue:orders"), &settings, raw());
        let (cause, why) = addressed.refused.unwrap();
        assert_eq!(cause, "unknown_system");
        assert!(why.contains("header `x-shop`"), "{why}");
        assert_eq!(addressed.envelope.message_id.as_deref(), Some("m-1"));
    }

    #[test]
    fn a_broken_body_names_nothing() {
        let broken = Raw { body: Bytes::from_static(b"{\"meta\":"), ..raw() };
        assert_eq!(select(&Selector::Body("meta.shop".to_owned()), &broken), None);
    }
}
