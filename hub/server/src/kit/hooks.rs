//! Webhooks: only what its system proved is heard, and what comes twice is one event.

use std::collections::BTreeMap;

use orderhub_connectors::contract::{Connector, Credentials, Element, NO_SESSION};
use orderhub_connectors::error::VerifyError;
use orderhub_connectors::invent::{ANY, Hook};

use super::judge::Mark;
use super::trial::CANARY;

/// The check that a webhook without proof, or with a wrong one, is refused.
pub(super) const FORGED: &str = "forged webhook";
/// The check that the same event is known again.
pub(super) const TWICE: &str = "webhook twice";
/// Another event than [`ANY`].
const OTHER: &str = "72";

/// The marks of both checks; none: the connector hears no webhooks.
pub(super) fn check(connector: &dyn Connector) -> Vec<(&'static str, Mark)> {
    let settings = connector.needs().settings.iter();
    let settings = settings.map(|(name, _)| (name.clone(), ANY.to_owned())).collect();
    let sender = Sender { connector, settings };
    if sender.hears_none() {
        return Vec::new();
    }
    match (sender.hook(ANY, "ours"), sender.hook(OTHER, "ours")) {
        (Some(hook), Some(other)) => {
            vec![(FORGED, sender.forged(&hook, &other)), (TWICE, sender.twice(&hook, &other))]
        }
        _ => {
            let none = Mark::None("no webhook was found that it takes");
            vec![(FORGED, none.clone()), (TWICE, none)]
        }
    }
}

struct Sender<'c> {
    connector: &'c dyn Connector,
    settings: BTreeMap<String, String>,
}

impl Sender<'_> {
    /// Calls `with` with credentials by which secrets are `whose`.
    fn with<T>(&self, whose: &str, with: impl FnOnce(&Credentials<'_>) -> T) -> T {
        let secret = |name: &str| match whose {
            "" => Vec::new(),
            whose => vec![format!("{CANARY}-{whose}-{name}")],
        };
        let settings = &self.settings;
        let nonce = "n";
        with(&Credentials { secret: &secret, settings, now: 0, nonce, session: NO_SESSION })
    }

    fn hears_none(&self) -> bool {
        let (headers, body) = (Vec::new(), bytes::Bytes::new());
        let hook = Hook { path: String::new(), query: String::new(), headers, body };
        let heard = self.with("ours", |with| self.connector.webhook(&hook.as_webhook(), with));
        matches!(heard, Err(VerifyError::None))
    }

    fn hook(&self, said: &str, whose: &str) -> Option<Hook> {
        self.with(whose, |with| self.connector.invents()?.hook(said, with))
    }

    /// Whether it is taken for authentic.
    fn takes(&self, hook: &Hook) -> bool {
        self.with("ours", |with| self.connector.webhook(&hook.as_webhook(), with)).is_ok()
    }

    fn forged(&self, hook: &Hook, other: &Hook) -> Mark {
        let Some(foreign) = self.hook(ANY, "foreign") else {
            return Mark::None("no webhook was found that it takes");
        };
        if foreign == *hook {
            return Mark::None("its proof holds no secret, or its file says `verify: none`");
        }
        if self.takes(&foreign) {
            return fail("one that was made with another secret is taken");
        }
        let bare = without(hook, &foreign);
        if bare.body == foreign.body && self.takes(&bare) {
            return fail("one without any proof is taken");
        }
        let unset = self.with("", |with| self.connector.webhook(&hook.as_webhook(), with));
        if unset.is_ok() {
            return fail("while its secret is not configured, everybody is heard");
        }
        // The proof of one event with what another one says: a token that is always the same cannot tell.
        let ours: Vec<_> =
            hook.headers.iter().filter(|pair| !foreign.headers.contains(pair)).collect();
        let signs = ours.iter().any(|pair| !other.headers.contains(pair));
        let swapped = Hook { body: other.body.clone(), ..hook.clone() };
        if signs && hook.body != other.body && self.takes(&swapped) {
            return fail("what it says may be changed under its signature");
        }
        Mark::Pass
    }

    fn twice(&self, hook: &Hook, other: &Hook) -> Mark {
        let (first, again, other) = (self.ids(hook), self.ids(hook), self.ids(other));
        let (Ok(first), Ok(again), Ok(other)) = (first, again, other) else {
            return Mark::None("no webhook was found that it can read");
        };
        if first != again {
            return fail("the same event has another id the second time: it would be taken twice");
        }
        if first.iter().all(Option::is_none) {
            return Mark::None(
                "it names no id of an event: what is newer, and what changed, decide",
            );
        }
        if first.iter().any(|id| id.is_some() && other.contains(id)) {
            return fail("two events have one id: the second would be taken for the first");
        }
        Mark::Pass
    }

    /// The ids of what it says.
    fn ids(&self, hook: &Hook) -> Result<Vec<Option<String>>, ()> {
        let heard = self.with("ours", |with| self.connector.webhook(&hook.as_webhook(), with));
        let notices = heard.map_err(|_| ())?.notices.map_err(|_| ())?;
        if notices.is_empty() {
            return Err(());
        }
        notices.into_iter().map(|Element { read, .. }| Ok(read.map_err(|_| ())?.id)).collect()
    }
}

/// Without what another secret gives otherwise: the proof.
fn without(hook: &Hook, foreign: &Hook) -> Hook {
    let same = |pair: &&(String, String)| foreign.headers.contains(pair);
    let headers = hook.headers.iter().filter(same).cloned().collect();
    let kept = |mine: &str, theirs: &str| if mine == theirs { mine } else { "" }.to_owned();
    let (path, query) = (kept(&hook.path, &foreign.path), kept(&hook.query, &foreign.query));
    Hook { path, query, headers, body: hook.body.clone() }
}

fn fail(why: &str) -> Mark {
    Mark::Fail(why.to_owned())
}
