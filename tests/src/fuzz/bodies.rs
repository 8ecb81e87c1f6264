//! Bodies of systems through compiled mappings.

use std::collections::BTreeMap;
use std::sync::Arc;

use orderhub_lang::value::Value;
use orderhub_mapping::causes::CAUSES;
use orderhub_mapping::facts::NoFacts;
use orderhub_mapping::watch::{Seen, Watch};
use orderhub_mapping::{Context, Mapped, Mapping, cases};
use orderhub_order::ids::{Collection, SystemName};

use super::known::{chosen, known};

/// A body of JSON: the first line names a mapping.
pub(super) fn run_json(input: &[u8]) {
    run(&known().json, input);
}

/// A body of another format.
pub(super) fn run_formats(input: &[u8]) {
    run(&known().formats, input);
}

/// Sees everything, and keeps nothing.
struct Blind;

impl Watch for Blind {
    fn document(&self, _number: usize) {}
    fn enter(&self, _collection: Collection, _name: &str) {}
    fn leave(&self) {}
    fn rule(&self, _seen: Seen) {}
}

fn run(among: &BTreeMap<String, Arc<Mapping>>, input: &[u8]) {
    let (mapping, body) = chosen(among, input);
    let (settings, args) = (settings(mapping), args());
    let system = SystemName::new("fuzz");
    let context = Context { system: &system, settings: &settings, args: &args, hub: None };
    let mapped = mapping.run(body, &context);
    told(&mapped);
    let shown: Vec<_> = mapped.iter().map(cases::document).collect();
    let again: Vec<_> = mapping.run(body, &context).iter().map(cases::document).collect();
    assert_eq!(shown, again, "mapping twice gives the same");
    let watched = mapping.watch_in(body, &context, &NoFacts, &Blind);
    let watched: Vec<_> = watched.iter().map(cases::document).collect();
    assert_eq!(shown, watched, "whoever watches changes nothing");
}

/// Settings under which the rules of the shipped mappings hold.
pub(super) fn settings(mapping: &Mapping) -> BTreeMap<String, String> {
    let usual = |name: &str| if name == "money" { "shop_money" } else { "1" };
    mapping.settings().map(|name| (name.to_owned(), usual(name).to_owned())).collect()
}

fn args() -> BTreeMap<String, Value> {
    [("id".to_owned(), Value::text("1"))].into()
}

/// What fails says so with a cause that is explained.
pub(super) fn told(mapped: &[Mapped]) {
    for one in mapped {
        if let Mapped::Failed(error) = one {
            let known = CAUSES.iter().any(|cause| cause.word == error.cause);
            assert!(known, "`{}` is explained nowhere", error.cause);
            assert!(!error.why.is_empty() && !error.to_string().is_empty());
        }
    }
}
