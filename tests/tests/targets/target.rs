//! The target of a random story: it does what it is told, no more.

use std::collections::{BTreeMap, BTreeSet};

use orderhub_order::catalogue::{FieldId, catalogue};
use orderhub_order::contribution::Stated;
use orderhub_order::ids::At;
use orderhub_order::json;
use orderhub_order::lane::Flight;
use serde_json::Value as Json;

/// What a resource of the target holds: keyed path ► value. What is null is not there.
pub(crate) type Held = BTreeMap<String, Json>;

/// The target: by deliver rule and subject, a resource of its own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Target {
    pub(crate) resources: BTreeMap<String, Held>,
    /// The call that may still take effect: resource and values.
    call: Option<(String, Held)>,
    /// The key of that call.
    key: String,
    /// It has taken effect, by whichever attempt.
    landed: bool,
    /// What it has come by itself since that call was frozen, by resource: what the call does not name of it stays.
    since: BTreeSet<(String, String)>,
}

impl Target {
    /// A call has left, anew or once more. One that makes something finds what an earlier attempt of it made.
    pub(crate) fn called(&mut self, flight: &Flight) {
        if flight.attempt == 1 || *flight.key != *self.key {
            self.key = flight.key.to_string();
            self.since.clear();
            self.landed = false;
        }
        let is_there = flight.creates && self.landed;
        self.call = (!is_there).then(|| (flight.want.text(), held(&flight.values)));
    }

    /// An attempt finds what one before it wrote, and writes nothing. `false`: none has.
    pub(crate) fn finds(&mut self) -> bool {
        if self.landed {
            self.call = None;
        }
        self.landed
    }

    /// Whether the last call has taken effect.
    pub(crate) fn landed(&self) -> bool {
        self.landed
    }

    /// Whether there is anything of it yet.
    pub(crate) fn is_there(&self) -> bool {
        !self.resources.is_empty()
    }

    /// The call takes effect, once. `false`: there is none that could.
    pub(crate) fn land(&mut self) -> bool {
        let Some((resource, mut values)) = self.call.take() else { return false };
        let before = self.resources.get(&resource).into_iter().flatten();
        for (path, value) in before {
            if self.since.contains(&(resource.clone(), path.clone())) && !values.contains_key(path)
            {
                values.insert(path.clone(), value.clone());
            }
        }
        self.resources.insert(resource, values);
        self.landed = true;
        true
    }

    /// The call never takes effect. `false`: it has, or there is none.
    pub(crate) fn lose(&mut self) -> bool {
        self.call.take().is_some()
    }

    /// Its user, or its own process, writes wherever the path is known.
    pub(crate) fn write(&mut self, resource: &str, path: &str, value: Json) {
        let named = self.resources.iter_mut().filter(|(name, _)| name.contains(resource));
        for (name, held) in named {
            self.since.insert((name.clone(), path.to_owned()));
            held.insert(path.to_owned(), value.clone());
        }
    }

    /// What it shows of a path; null where it has nothing.
    pub(crate) fn shows(&self, resource: &str, path: &str) -> Json {
        let mut named = self.resources.iter().filter(|(name, _)| name.contains(resource));
        named.find_map(|(_, held)| held.get(path)).cloned().unwrap_or_default()
    }
}

/// Values of the hub as the target holds them.
pub(crate) fn held(values: &[(At, FieldId, Stated)]) -> Held {
    let there = values.iter().filter(|(_, _, value)| value.is_some());
    let named = |at: &At, field: FieldId| {
        let field = catalogue().field(field).expect("a field").path.to_string();
        if at.is_root() { field } else { format!("{at}.{field}") }
    };
    there.map(|(at, field, value)| (named(at, *field), json::value(value))).collect()
}
