//! Values of settings that are valid by construction: stores, brokers, rates, networks, names.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use orderhub_order::ids::SystemName;
use secrecy::{ExposeSecret, SecretString};
use serde::de::{Error, IntoDeserializer, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::System;

/// Where the store is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum StoreUrl {
    /// A file.
    Sqlite(PathBuf),
    /// A database of a PostgreSQL server.
    Postgres(PostgresUrl),
}

impl TryFrom<String> for StoreUrl {
    type Error = String;

    fn try_from(url: String) -> Result<Self, String> {
        match url.split_once(':') {
            Some(("sqlite", file)) if !file.is_empty() => Ok(Self::Sqlite(PathBuf::from(file))),
            Some(("postgres" | "postgresql", rest)) => {
                postgres(rest).map(|()| Self::Postgres(PostgresUrl(url)))
            }
            // Never the text itself: it may hold a password.
            _ => Err("must be `sqlite:<file>` or `postgres://user@host:5432/database`".to_owned()),
        }
    }
}

impl From<StoreUrl> for String {
    fn from(url: StoreUrl) -> String {
        match url {
            StoreUrl::Sqlite(file) => format!("sqlite:{}", file.display()),
            StoreUrl::Postgres(url) => url.0,
        }
    }
}

/// A database's URL, without a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostgresUrl(String);

impl PostgresUrl {
    /// `postgres://user@host:5432/database`
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Looks at what stands behind the scheme. No answer repeats it: it may hold a password.
fn postgres(rest: &str) -> Result<(), String> {
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    // Behind the last `@`: a password may hold one, too.
    let (who, place) = match place.rsplit_once('@') {
        Some((who, place)) => (who.trim_start_matches('/'), place),
        None => ("", place.trim_start_matches('/')),
    };
    let named = query.split('&').any(|pair| pair.starts_with("password"));
    if who.contains(':') || named {
        return Err(
            "holds a password; write it as `password = { env = \"NAME\" }` or `{ file = \"/path\" }` beside it"
                .to_owned(),
        );
    }
    match place.split_once('/') {
        Some((host, database))
            if !host.is_empty() && !database.is_empty() && rest.starts_with("//") =>
        {
            Ok(())
        }
        _ => {
            Err("must name a host and a database: `postgres://user@host:5432/database`".to_owned())
        }
    }
}

/// A broker's URL; its password does not print.
#[derive(Clone)]
pub struct BrokerUrl(SecretString);

impl BrokerUrl {
    /// The whole URL, to connect with.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// `amqp://user:***@host:5672/%2f`
    pub fn masked(&self) -> String {
        let url = self.expose();
        let Some((scheme, rest)) = url.split_once("://") else { return "***".to_owned() };
        match rest.rsplit_once('@') {
            Some((who, host)) => {
                let user = who.split(':').next().unwrap_or_default();
                format!("{scheme}://{user}:***@{host}")
            }
            None => url.to_owned(),
        }
    }
}

impl fmt::Debug for BrokerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

impl Serialize for BrokerUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.masked())
    }
}

impl<'de> Deserialize<'de> for BrokerUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let url = String::deserialize(deserializer)?;
        if url.starts_with("amqp://") || url.starts_with("amqps://") {
            Ok(Self(url.into()))
        } else {
            // Never the text itself: it may hold a password.
            Err(D::Error::custom("must be `amqp://user:password@host:5672/vhost` or `amqps://…`"))
        }
    }
}

/// How many calls in how long a time: `10/s`, `1/3m`, `400/h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rate {
    /// Calls.
    pub calls: NonZeroU32,
    /// In this time.
    pub per: Duration,
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse_rate(text).ok_or_else(|| {
            format!("is `{text}`, which is no rate; write `10/s`, `30/m`, `400/h` or `1/3m` (one in three minutes)")
        })
    }
}

fn parse_rate(text: &str) -> Option<Rate> {
    let (calls, per) = text.split_once('/')?;
    let digits = per.trim_end_matches(['s', 'm', 'h']);
    let unit = match per.strip_prefix(digits)? {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        _ => return None,
    };
    let times =
        if digits.is_empty() { 1 } else { digits.parse::<u64>().ok().filter(|n| *n > 0)? };
    let per = Duration::from_secs(times.checked_mul(unit)?);
    Some(Rate { calls: calls.trim().parse().ok()?, per })
}

impl TryFrom<String> for Rate {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Rate> for String {
    fn from(rate: Rate) -> String {
        match rate.per.as_secs() {
            1 => format!("{}/s", rate.calls),
            60 => format!("{}/m", rate.calls),
            3_600 => format!("{}/h", rate.calls),
            secs => format!("{}/{secs}s", rate.calls),
        }
    }
}

/// One named limit of a system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// The steady rate.
    pub rate: Rate,
    /// Calls that may start at once after a quiet time; absent: as the connector declares.
    #[serde(default)]
    pub burst: Option<NonZeroU32>,
}

/// A network: `127.0.0.1/32`, `10.0.0.0/8`, `::1/128`; without a length: one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Net {
    address: IpAddr,
    length: u8,
}

impl Net {
    /// Whether the address belongs to the network.
    pub fn contains(&self, address: IpAddr) -> bool {
        let shift = |bits: u8| u32::from(bits.saturating_sub(self.length));
        match (self.address, address) {
            (IpAddr::V4(net), IpAddr::V4(one)) => {
                let differing = u32::from(net) ^ u32::from(one);
                differing.checked_shr(shift(32)).unwrap_or(0) == 0
            }
            (IpAddr::V6(net), IpAddr::V6(one)) => {
                let differing = u128::from(net) ^ u128::from(one);
                differing.checked_shr(shift(128)).unwrap_or(0) == 0
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl TryFrom<String> for Net {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong =
            || format!("is `{text}`, which is no network; write `127.0.0.1/32` or `10.0.0.0/8`");
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text.as_str(), None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let length = match length {
            Some(length) => length.parse().ok().filter(|n| *n <= most).ok_or_else(wrong)?,
            None => most,
        };
        Ok(Self { address, length })
    }
}

impl From<Net> for String {
    fn from(net: Net) -> String {
        format!("{}/{}", net.address, net.length)
    }
}

/// A list as TOML writes it, or as one environment variable can: `a,b`.
pub(super) fn list<'de, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    deserializer.deserialize_any(ListVisitor(std::marker::PhantomData))
}

struct ListVisitor<T>(std::marker::PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Vec<T>, E> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(|part| T::deserialize(part.to_owned().into_deserializer())).collect()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
        let mut all = Vec::new();
        while let Some(one) = list.next_element()? {
            all.push(one);
        }
        Ok(all)
    }
}

/// Systems by checked name: `[a-z][a-z0-9_]*`, at most 40 characters.
pub(super) fn systems<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<SystemName, System>, D::Error> {
    let raw = BTreeMap::<String, System>::deserialize(deserializer)?;
    let named = raw.into_iter().map(|(name, system)| {
        if is_name(&name) {
            Ok((SystemName::new(name), system))
        } else {
            Err(D::Error::custom(format!(
                "has `{name}`, which is no name for a system; use lower-case letters, digits and `_`, \
                 beginning with a letter, at most 40 characters"
            )))
        }
    });
    named.collect()
}

pub(super) fn is_name(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|first| first.is_ascii_lowercase())
        && letters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && name.len() <= 40
}
