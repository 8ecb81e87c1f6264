//! Rules between settings: each answer names the key, the problem and what to do.

use std::collections::BTreeMap;
use std::net::IpAddr;

use orderhub_lang::diagnostic::nearest;
use orderhub_order::flow::EVENTS;

use super::{Config, Selector, StoreUrl, access, observe};

/// Longest body that is taken in at all.
pub(super) const MOST_BYTES: usize = 16 << 20;

/// Every broken rule, one sentence each.
pub(super) fn rules(config: &Config) -> Vec<String> {
    let mut broken = Vec::new();
    server(config, &mut broken);
    access::rules(config, &mut broken);
    store(config, &mut broken);
    bus(config, &mut broken);
    files(config, &mut broken);
    systems(config, &mut broken);
    observe::rules(&config.telemetry, &mut broken);
    broken
}

fn server(config: &Config, broken: &mut Vec<String>) {
    let bytes = config.intake.park_above_bytes;
    if bytes == 0 || bytes > MOST_BYTES {
        broken.push(format!(
            "`intake.park_above_bytes` is {bytes}; choose 1 to {MOST_BYTES} (16 MiB, the largest body that is stored)"
        ));
    }
}

fn store(config: &Config, broken: &mut Vec<String>) {
    match (&config.store.url, &config.store.password) {
        (StoreUrl::Sqlite(_), Some(_)) => broken.push(
            "`store.password` is set, but `store.url` is a file, which has none; remove it"
                .to_owned(),
        ),
        (StoreUrl::Sqlite(_), None) | (StoreUrl::Postgres(_), _) => {}
    }
}

fn bus(config: &Config, broken: &mut Vec<String>) {
    let Some(bus) = &config.bus else { return };
    for name in crate::events::unknown(bus) {
        let near = nearest(name, EVENTS).map(|near| format!("; did you mean `{near}`?"));
        let known = near.unwrap_or_else(|| format!("; known: {}", EVENTS.join(", ")));
        broken.push(format!("`bus.events` names `{name}`, which is no event of the hub{known}"));
    }
    let events = crate::events::SYSTEM;
    if !bus.events_exchange.is_empty() && config.systems.contains_key(events) {
        broken.push(format!(
            "`[systems.{events}]` stands beside `bus.events_exchange`, which is a system of that name itself; \
             name yours otherwise"
        ));
    }
    let mut readers: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, consume) in &bus.consume {
        let at = format!("bus.consume.{name}");
        if consume.queue.is_empty() {
            broken.push(format!("`{at}.queue` is empty; name the queue to read"));
        }
        if let Some(other) = readers.insert(&consume.queue, name) {
            broken.push(format!(
                "`{at}` and `bus.consume.{other}` both read `{}`; a queue has one reader, or its order is lost",
                consume.queue
            ));
        }
        if let Selector::Fixed(system) = &consume.system
            && !config.systems.contains_key(system.as_str())
        {
            broken.push(format!(
                "`{at}.system` is fixed to `{system}`, but there is no `[systems.{system}]`; add it"
            ));
        }
        if let Some(Selector::Fixed(_)) = &consume.message_id {
            broken.push(format!(
                "`{at}.message_id` is fixed: every message but the first would be a duplicate; remove it"
            ));
        }
    }
}

fn files(config: &Config, broken: &mut Vec<String>) {
    let mut readers = BTreeMap::new();
    for (name, drop) in &config.files {
        if let Some(problem) = drop.wrong() {
            broken.push(format!("`files.{name}`: {problem}"));
        }
        if let Some(other) = readers.insert(&drop.path, name) {
            broken.push(format!(
                "`files.{name}` and `files.{other}` both read `{}`; a folder has one reader",
                drop.path.display()
            ));
        }
        if !config.systems.contains_key(&drop.system) {
            broken.push(format!(
                "`files.{name}.system` is `{}`, but there is no `[systems.{}]`; add it",
                drop.system, drop.system
            ));
        }
    }
}

fn systems(config: &Config, broken: &mut Vec<String>) {
    for (name, system) in &config.systems {
        let at = format!("systems.{name}");
        if system.integration.is_empty() {
            broken.push(format!("`{at}.integration` is empty; name a folder of the mappings"));
        }
        if let Some(problem) = base_url(&system.base_url) {
            broken.push(format!("`{at}.base_url` {problem}"));
        }
        let Some(address) = literal_address(&system.base_url) else { continue };
        let allowed = config.egress.allow_private.iter().any(|net| net.contains(address));
        if address.is_loopback() && !allowed {
            broken.push(format!(
                "`{at}.base_url` is {address}, which `egress.allow_private` does not list; \
                 add \"{address}/{}\" there",
                if address.is_ipv4() { 32 } else { 128 }
            ));
        }
        if system.secrets.values().any(|refs| refs.0.is_empty()) {
            broken.push(format!("`{at}.secrets` has an empty list; name at least one place"));
        }
    }
}

fn base_url(url: &str) -> Option<&'static str> {
    if url.is_empty() {
        return None;
    }
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    match rest {
        None => Some("must begin with https:// or http://"),
        Some(rest) if rest.split('/').next().is_some_and(|host| host.contains('@')) => {
            Some("holds a user or password; use `secrets`, and `auth:` of the connector")
        }
        Some(rest) if rest.contains(['?', '#']) => Some("must not have a query or a fragment"),
        Some("") => Some("has no host"),
        Some(_) => None,
    }
}

/// The address, where the URL names one instead of a host.
fn literal_address(url: &str) -> Option<IpAddr> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split('/').next()?;
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next()?,
        None => authority.split(':').next()?,
    };
    if host == "localhost" { Some(IpAddr::from([127, 0, 0, 1])) } else { host.parse().ok() }
}
