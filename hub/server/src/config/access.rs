//! `[access]`: who may call the API.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use orderhub_order::ids::SystemName;
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::places::SecretRef;
use super::values;
use crate::access::{Role, TokenHash};

/// Table `[access]`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Access {
    /// By name; history names who acts by it. None at all: loopback only, and whoever is there may do all.
    #[serde(deserialize_with = "tokens")]
    pub tokens: BTreeMap<String, Token>,
}

/// Table `[access.tokens.<name>]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// Its hash, or several while it is being replaced.
    pub sha256: Hashes,
    /// What it may do.
    pub role: Role,
    /// Only orders from these systems, and only these systems; absent: all.
    #[serde(default, deserialize_with = "set", skip_serializing_if = "Option::is_none")]
    pub systems: Option<BTreeSet<SystemName>>,
    /// Only orders of these business units; absent: all.
    #[serde(default, deserialize_with = "set", skip_serializing_if = "Option::is_none")]
    pub units: Option<BTreeSet<String>>,
}

/// Hashes of one token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hashes(pub Vec<HashRef>);

/// The hash of a token, or where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HashRef {
    /// In the settings: it opens nothing.
    Hash(TokenHash),
    /// In a variable, or in a file, which is read again when it changes.
    At(SecretRef),
}

impl Serialize for HashRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Hash(hash) => serializer.collect_str(hash),
            Self::At(place) => place.serialize(serializer),
        }
    }
}

impl HashRef {
    /// The file, where it stands in one.
    pub(super) fn file(&mut self) -> Option<&mut PathBuf> {
        match self {
            Self::At(SecretRef::File(file)) => Some(file),
            Self::At(SecretRef::Env(_)) | Self::Hash(_) => None,
        }
    }
}

impl<'de> Deserialize<'de> for HashRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut all = deserializer.deserialize_any(HashesVisitor)?.0;
        match (all.pop(), all.is_empty()) {
            (Some(one), true) => Ok(one),
            _ => Err(D::Error::custom("must be one hash")),
        }
    }
}

impl<'de> Deserialize<'de> for Hashes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(HashesVisitor)
    }
}

struct HashesVisitor;

impl<'de> Visitor<'de> for HashesVisitor {
    type Value = Hashes;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the 64 hex digits that `orderhub token create` prints, or a list of them")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Hashes, E> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        // Never the text itself: it may be the token.
        let read = |part| {
            TokenHash::parse(part).map(HashRef::Hash).ok_or_else(|| {
                E::custom(
                    "is no SHA-256 of a token; `orderhub token create` prints one (64 hex digits), \
                     and the token itself never stands here",
                )
            })
        };
        Ok(Hashes(parts.map(read).collect::<Result<_, _>>()?))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Hashes, A::Error> {
        let place = SecretRef::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
        Ok(Hashes(vec![HashRef::At(place)]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Hashes, A::Error> {
        let mut all = Vec::new();
        while let Some(one) = list.next_element()? {
            all.push(one);
        }
        Ok(Hashes(all))
    }
}

/// A list, where there is one.
fn set<'de, T: Deserialize<'de> + Ord, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<BTreeSet<T>>, D::Error> {
    Ok(Some(values::list(deserializer)?.into_iter().collect()))
}

/// Whether a token may be called so: as a system, and `-` besides.
pub fn is_token_name(name: &str) -> bool {
    values::is_name(&name.replace('-', "_"))
}

/// Tokens by a name that can stand in history and in a log.
fn tokens<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, Token>, D::Error> {
    let tokens = BTreeMap::<String, Token>::deserialize(deserializer)?;
    match tokens.keys().find(|name| !is_token_name(name)) {
        None => Ok(tokens),
        Some(name) => Err(D::Error::custom(format!(
            "has `{name}`, which is no name for a token; use lower-case letters, digits, `_` and `-`, \
             beginning with a letter, at most 40 characters"
        ))),
    }
}

/// Every broken rule about tokens, one sentence each.
pub(super) fn rules(config: &super::Config, broken: &mut Vec<String>) {
    let listen = config.server.listen;
    let tokens = &config.access.tokens;
    if !listen.ip().is_loopback() && tokens.is_empty() {
        broken.push(format!(
            "`server.listen` is {listen}, which others can reach, but there are no access tokens; make one \
             with `orderhub token create` and put the table that it prints here, or listen on 127.0.0.1"
        ));
    }
    let mut owners: BTreeMap<TokenHash, &str> = BTreeMap::new();
    for (name, token) in tokens {
        let at = format!("access.tokens.{name}");
        if token.sha256.0.is_empty() {
            broken.push(format!(
                "`{at}.sha256` is empty; `orderhub token create` prints one, or remove the table"
            ));
        }
        for hash in &token.sha256.0 {
            let HashRef::Hash(hash) = hash else { continue };
            if let Some(other) = owners.insert(*hash, name).filter(|other| other != name) {
                broken.push(format!(
                    "`{at}` and `access.tokens.{other}` have the same token; make one for each"
                ));
            }
        }
        for system in token.systems.iter().flatten() {
            if !config.systems.contains_key(system) {
                broken.push(format!(
                    "`{at}.systems` names `{system}`, but there is no `[systems.{system}]`; add it, or \
                     correct the name"
                ));
            }
        }
        let none = |list: Option<usize>| list == Some(0);
        for (key, list) in [
            ("systems", token.systems.as_ref().map(BTreeSet::len)),
            ("units", token.units.as_ref().map(BTreeSet::len)),
        ] {
            if none(list) {
                broken.push(format!(
                    "`{at}.{key}` is an empty list, which would show nothing; name some, or remove it for all"
                ));
            }
        }
    }
}
