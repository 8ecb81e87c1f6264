//! Who may do what: tokens of the settings, their roles, and the part of all orders that each sees.
//!
//! Without tokens in the settings the hub listens on loopback only, and whoever reaches it may do all.
//!
//! **Invariant:** a token leaves the request only as its hash: it stands in no log, answer or settings.
//! Test: `a_token_is_in_no_answer_and_in_no_log`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use orderhub_order::ids::SystemName;
use orderhub_order::json::View;
use secrecy::{ExposeSecret, SecretString};
use subtle::{Choice, ConstantTimeEq};

use crate::config::{Config, HashRef, Secrets};
use crate::store::{Part, Reach, Scope};

mod role;
mod token;

pub use role::{Right, Role, Rows};
pub use token::{TokenHash, create, hash, is_whole};

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// As history names them: `person:<name of the token>`.
    pub actor: Arc<str>,
    /// What they are for.
    pub role: Role,
    /// What they see.
    pub scope: Scope,
}

impl Caller {
    /// Whoever sits at the machine of a hub without tokens.
    fn local() -> Self {
        Self { actor: "person:local".into(), role: Role::OpsLead, scope: Scope::All }
    }

    /// How orders are shown to them.
    pub fn view(&self) -> View {
        View { mask_personal: !self.role.may(Right::ReadPersonal) }
    }

    /// By what they may find orders: whoever may not read personal values could try them otherwise, until one fits.
    pub fn reach(&self) -> Reach {
        if self.role.may(Right::ReadPersonal) { Reach::People } else { Reach::Identifiers }
    }
}

/// Why nobody is known by a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// It brings no token.
    Missing,
    /// It brings something that is no whole token.
    NoToken,
    /// Its token is not known, or not any more.
    Unknown,
}

/// Knows callers by their tokens.
#[derive(Debug)]
pub struct Guard {
    tokens: Vec<Known>,
    secrets: Secrets,
}

#[derive(Debug)]
struct Known {
    caller: Caller,
    hashes: Vec<HashRef>,
}

impl Guard {
    /// For the tokens of the settings. Hashes in files are read again when they change.
    pub fn new(config: &Config, secrets: &Secrets) -> Self {
        let tokens = config.access.tokens.iter().map(|(name, token)| {
            let scope = scope(config, token.role, &token.systems, &token.units);
            let actor = format!("person:{name}").into();
            let caller = Caller { actor, role: token.role, scope };
            Known { caller, hashes: token.sha256.0.clone() }
        });
        Self { tokens: tokens.collect(), secrets: secrets.clone() }
    }

    /// Whether a call must bring a token.
    pub fn asks(&self) -> bool {
        !self.tokens.is_empty()
    }

    /// Who calls, by the token that they bring.
    ///
    /// # Errors
    ///
    /// [`Denied`].
    pub fn caller(&self, token: Option<&SecretString>) -> Result<Caller, Denied> {
        if !self.asks() {
            return Ok(Caller::local());
        }
        let token = token.ok_or(Denied::Missing)?;
        if !is_whole(token) {
            return Err(Denied::NoToken);
        }
        let given = hash(token.expose_secret());
        // All are compared, and each as a whole, so that the time says nothing about which was near.
        let mut found = None;
        for known in &self.tokens {
            let fits = known.hashes.iter().fold(Choice::from(0), |fits, at| {
                let kept = self.hash_at(at).unwrap_or(TokenHash([0; 32]));
                fits | kept.0.ct_eq(&given.0)
            });
            if bool::from(fits) {
                found = Some(&known.caller);
            }
        }
        found.cloned().ok_or(Denied::Unknown)
    }

    fn hash_at(&self, at: &HashRef) -> Option<TokenHash> {
        match at {
            HashRef::Hash(hash) => Some(*hash),
            HashRef::At(place) => {
                let read = self.secrets.read(place);
                let hash = read.ok().and_then(|text| TokenHash::parse(text.expose_secret().trim()));
                if hash.is_none() {
                    tracing::warn!(?place, "the hash of a token cannot be read; it opens nothing");
                }
                hash
            }
        }
    }
}

/// What a token sees. What belongs to no order is seen by its system: of those that the token names, and
/// whose own unit is one that it names.
fn scope(
    config: &Config,
    role: Role,
    systems: &Option<BTreeSet<SystemName>>,
    units: &Option<BTreeSet<String>>,
) -> Scope {
    let rows = role.rows();
    if systems.is_none() && units.is_none() && rows.is_empty() {
        return Scope::All;
    }
    let heard = (systems.is_some() || units.is_some()).then(|| {
        let heard = |name: &SystemName, unit: &String| {
            systems.as_ref().is_none_or(|systems| systems.contains(name))
                && units.as_ref().is_none_or(|units| units.contains(unit))
        };
        let all: BTreeMap<_, _> = config.systems.iter().map(|(n, s)| (n, &s.unit)).collect();
        all.into_iter().filter(|(name, unit)| heard(name, unit)).map(|(n, _)| n.clone()).collect()
    });
    let (systems, units) = (systems.clone(), units.clone());
    Scope::Part(Arc::new(Part { systems, units, rows, heard }))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::config::parse;

    fn guard(access: &str) -> Guard {
        let config = parse("orderhub.toml", access, &HashMap::new()).unwrap().config;
        Guard::new(&config, &Secrets::new(HashMap::new()))
    }

    #[test]
    fn two_tokens_open_the_same_door_while_one_replaces_the_other() {
        let ((old, old_hash), (new, new_hash), (other, _)) = (create(), create(), create());
        let guard = guard(&format!(
            "[access.tokens.ops]\nsha256 = [\"{new_hash}\", \"{old_hash}\"]\nrole = \"ops_lead\"\n"
        ));
        for token in [&old, &new] {
            let caller = guard.caller(Some(token)).unwrap();
            assert_eq!((&*caller.actor, caller.role), ("person:ops", Role::OpsLead));
            assert_eq!(caller.scope, Scope::All);
        }
        assert_eq!(guard.caller(Some(&other)), Err(Denied::Unknown));
        assert_eq!(guard.caller(Some(&"hunter2".to_owned().into())), Err(Denied::NoToken));
        assert_eq!(guard.caller(None), Err(Denied::Missing));
    }

    #[test]
    fn a_hash_in_a_file_is_read_again_when_the_file_changes() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ops.sha256");
        let ((old, old_hash), (new, new_hash)) = (create(), create());
        std::fs::write(&file, format!("{old_hash}\n")).unwrap();
        let guard = guard(&format!(
            "[access.tokens.ops]\nsha256 = {{ file = \"{}\" }}\nrole = \"viewer\"\n",
            file.display()
        ));
        assert!(guard.caller(Some(&old)).is_ok());
        std::fs::write(&file, format!("  {new_hash}")).unwrap();
        assert!(guard.caller(Some(&new)).is_ok());
        assert_eq!(guard.caller(Some(&old)), Err(Denied::Unknown));
        std::fs::write(&file, "nothing").unwrap();
        assert_eq!(guard.caller(Some(&new)), Err(Denied::Unknown));
    }

    #[test]
    fn a_token_of_units_or_systems_sees_what_belongs_to_them() {
        let (token, hash) = create();
        let system =
            |name, unit| format!("[systems.{name}]\nintegration = \"till\"\nunit = \"{unit}\"\n");
        let systems = format!("{}{}", system("till_eu", "eu"), system("till_us", "us"));
        let scope = |more: &str| {
            let guard = guard(&format!(
                "{systems}[access.tokens.a]\nsha256 = \"{hash}\"\nrole = \"viewer\"\n{more}"
            ));
            guard.caller(Some(&token)).unwrap().scope
        };
        let (eu, us) = (SystemName::new("till_eu"), SystemName::new("till_us"));
        let by_system = scope("systems = [\"till_eu\"]");
        assert!(by_system.hears(Some(&eu)) && !by_system.hears(Some(&us)));
        let by_unit = scope("units = [\"us\"]");
        assert!(!by_unit.hears(Some(&eu)) && by_unit.hears(Some(&us)) && !by_unit.hears(None));
        assert_eq!(scope(""), Scope::All);
    }
}
