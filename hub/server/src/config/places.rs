//! Where something stands: in a message (selectors), or outside the settings (secrets).

use std::fmt;
use std::path::PathBuf;

use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// Where a message says something about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", try_from = "SelectorKeys")]
pub enum Selector {
    /// A header's name.
    Header(String),
    /// A segment of the routing key, from 0, split at dots.
    RoutingKey(usize),
    /// A path in the JSON body, keys separated by dots.
    Body(String),
    /// Always this.
    Fixed(String),
    /// A message property: `message_id`, `correlation_id`, `type` or `app_id`.
    Property(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
struct SelectorKeys {
    header: Option<String>,
    routing_key: Option<usize>,
    body: Option<String>,
    fixed: Option<String>,
    property: Option<String>,
}

impl TryFrom<SelectorKeys> for Selector {
    type Error = String;

    fn try_from(keys: SelectorKeys) -> Result<Self, String> {
        let found = [
            keys.header.map(|name| Selector::Header(name.to_lowercase())),
            keys.routing_key.map(Selector::RoutingKey),
            keys.body.map(Selector::Body),
            keys.fixed.map(Selector::Fixed),
            keys.property.map(Selector::Property),
        ];
        let mut found = found.into_iter().flatten();
        match (found.next(), found.next()) {
            (Some(Selector::Property(name)), None) if !PROPERTIES.contains(&name.as_str()) => {
                Err(format!(
                    "names `{name}`, which is no message property; one of `{}`",
                    PROPERTIES.join("`, `")
                ))
            }
            (Some(selector), None) => Ok(selector),
            _ => {
                Err("must have exactly one of `header`, `routing_key`, `body`, `fixed`, `property`"
                    .to_owned())
            }
        }
    }
}

const PROPERTIES: [&str; 4] = ["message_id", "correlation_id", "type", "app_id"];

/// Where a secret is. The secret itself never stands in settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", try_from = "SecretKeys")]
pub enum SecretRef {
    /// An environment variable, read at start.
    Env(String),
    /// A file, read again when it changes.
    File(PathBuf),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SecretKeys {
    env: Option<String>,
    file: Option<PathBuf>,
}

impl TryFrom<SecretKeys> for SecretRef {
    type Error = &'static str;

    fn try_from(keys: SecretKeys) -> Result<Self, Self::Error> {
        match (keys.env, keys.file) {
            (Some(name), None) => Ok(Self::Env(name)),
            (None, Some(file)) => Ok(Self::File(file)),
            _ => Err("must be `{ env = \"NAME\" }` or `{ file = \"/path\" }`, one of the two"),
        }
    }
}

/// One reference, or several while a secret is being rotated, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SecretRefs(pub Vec<SecretRef>);

impl<'de> Deserialize<'de> for SecretRefs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SecretRefsVisitor)
    }
}

struct SecretRefsVisitor;

impl<'de> Visitor<'de> for SecretRefsVisitor {
    type Value = SecretRefs;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`{ env = \"NAME\" }`, `{ file = \"/path\" }` or a list of them, never the secret itself")
    }

    // Never the text itself: it is most likely the secret.
    fn visit_str<E: Error>(self, _secret: &str) -> Result<SecretRefs, E> {
        Err(E::custom(
            "must not hold the secret itself; write `{ env = \"NAME\" }` or `{ file = \"/path\" }`",
        ))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<SecretRefs, A::Error> {
        let one = SecretRef::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
        Ok(SecretRefs(vec![one]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<SecretRefs, A::Error> {
        let mut all = Vec::new();
        while let Some(one) = list.next_element()? {
            all.push(one);
        }
        Ok(SecretRefs(all))
    }
}
