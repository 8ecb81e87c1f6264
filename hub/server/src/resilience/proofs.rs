//! The credentials of one system: the one that its operations share, and one for each other proof that its file names
//! (a queue beside an API).
//!
//! **Invariant:** a proof that is refused stops the operations that are made with it, and no other. Test:
//! `a_proof_that_is_refused_stops_no_operation_with_another`.
//! In memory: one for each proof of the files, which bound their number.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::credential::Credential;

/// What the proof is called that operations have which name no other.
pub const SHARED: &str = "";

/// Operations with a proof of their own, by name, and what that proof is called.
pub type Own = BTreeMap<String, String>;

/// All of them.
#[derive(Debug, Default)]
pub struct Proofs(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    own: Own,
    states: BTreeMap<String, Arc<Credential>>,
}

impl Proofs {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Other files are in use: what they name no more is forgotten.
    pub fn renew(&self, own: Own) {
        let known = &mut *self.known();
        known.states.retain(|name, _| name == SHARED || own.values().any(|used| used == name));
        known.own = own;
    }

    /// Whether the files in use name it.
    pub(super) fn is_named(&self, name: &str) -> bool {
        name == SHARED || self.known().own.values().any(|used| used == name)
    }

    /// What the proof of an operation is called.
    pub fn name(&self, operation: &str) -> String {
        self.known().own.get(operation).cloned().unwrap_or_default()
    }

    /// The state of a proof, by what it is called.
    pub(super) fn called(&self, name: &str) -> Arc<Credential> {
        let mut known = self.known();
        if let Some(credential) = known.states.get(name) {
            return Arc::clone(credential);
        }
        let credential = Arc::<Credential>::default();
        known.states.insert(name.to_owned(), Arc::clone(&credential));
        credential
    }

    /// The state of the proof that an operation is made with.
    pub fn of(&self, operation: &str) -> Arc<Credential> {
        self.called(&self.name(operation))
    }

    /// Those that were ever used, by what they are called.
    pub fn all(&self) -> Vec<(String, Arc<Credential>)> {
        let known = self.known();
        known.states.iter().map(|(name, one)| (name.clone(), Arc::clone(one))).collect()
    }

    /// How long none of these operations may be made; `None`: one may. Of no operation: what the shared proof says.
    pub fn refused_for<'a>(
        &self,
        operations: impl Iterator<Item = &'a str>,
        now: Instant,
    ) -> Option<Duration> {
        let mut least = None;
        for operation in operations {
            let wait = self.of(operation).would_admit(now).err()?;
            least = Some(least.map_or(wait, |known: Duration| known.min(wait)));
        }
        least.or_else(|| self.called(SHARED).would_admit(now).err())
    }

    /// How often any of them was taken, or replaced, after it had been refused.
    pub fn taken_again(&self) -> u64 {
        self.all().iter().map(|(_, credential)| credential.taken_again()).sum()
    }
}

/// Before the names of proofs, where processes call them among the breakers of a system: no operation has such a name.
const AMONG: &str = "auth ";

/// What processes call a proof among the breakers of its system.
pub(super) fn among_breakers(name: &str) -> String {
    if name == SHARED { String::new() } else { format!("{AMONG}{name}") }
}

/// The proof that a breaker of the processes stands for; `None`: it is an operation's.
pub(super) fn proof_of(breaker: &str) -> Option<&str> {
    if breaker.is_empty() { Some(SHARED) } else { breaker.strip_prefix(AMONG) }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use orderhub_connectors::error::CallError;

    use super::super::tests::{Answer, System, step};
    use super::super::{Caller as _, Cause, Guards, Jitter, Policy, Step, stack};
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_proof_that_is_refused_stops_no_operation_with_another() {
        let guards = Guards::new(&Policy::default(), Jitter::none()).unwrap();
        let own = |operation: &str| (operation.to_owned(), "receive".to_owned());
        guards.proofs.renew([own("receive"), own("remove")].into());
        let stack = stack(Arc::clone(&guards));
        let denied =
            || Answer::Fails(CallError::NotAllowed { status: Some(401), why: "401".to_owned() });
        let call = async |system: &System, operation: &str| {
            stack.call(&Step { operation, ..step(system, true) }).await
        };
        for (refused, along, other) in
            [("receive", "remove", "create"), ("create", "put", "remove")]
        {
            let system = System::new([denied()]);
            call(&system, refused).await.unwrap_err();
            for operation in [refused, along] {
                let failure = call(&system, operation).await.unwrap_err();
                assert!(matches!(failure.cause, Cause::Refused(_)), "{operation}: {failure:?}");
            }
            call(&system, other).await.unwrap();
            assert!(
                guards.proofs.of(refused).is_refused(),
                "what is taken says nothing of the other"
            );
            guards.all_accepted();
        }
    }

    #[test]
    fn what_processes_call_a_proof_is_the_name_of_no_operation() {
        for name in [SHARED, "receive_changes"] {
            assert_eq!(proof_of(&among_breakers(name)), Some(name));
        }
        assert_eq!(proof_of("receive_changes"), None);
    }

    #[tokio::test]
    async fn a_proof_that_no_file_names_any_more_is_forgotten() {
        let proofs = Proofs::default();
        proofs.renew([("receive".to_owned(), "receive".to_owned())].into());
        proofs.of("receive").refuse(Instant::now());
        proofs.of("create").refuse(Instant::now());
        assert!(proofs.refused_for(["receive", "create"].into_iter(), Instant::now()).is_some());
        proofs.renew([("receive".to_owned(), "again".to_owned())].into());
        assert!(!proofs.of("receive").is_refused());
        assert!(proofs.refused_for(["receive", "create"].into_iter(), Instant::now()).is_none());
        assert!(proofs.refused_for(std::iter::empty(), Instant::now()).is_some());
    }
}
