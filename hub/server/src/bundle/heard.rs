//! A webhook that could not be read when it came, read again by the connector as it is now: each notice of it is then
//! taken as it would have been.
//!
//! **Invariant:** what was acknowledged and could not be read is read again by the mended connector, the notices that
//! were taken at once are not taken twice, and what nobody takes stays a todo. Tests:
//! `of_a_webhook_that_is_read_again_only_what_could_not_be_read_is_taken`,
//! `a_webhook_that_could_not_be_read_is_applied_once_its_connector_is_mended`,
//! `one_notice_that_cannot_be_read_holds_back_none_beside_it`,
//! `what_a_mended_connector_reads_from_another_list_is_taken_once_or_stays_a_todo`.
//! Bounds: the body of one request is kept once, whatever of it cannot be read; its path and query up to
//! [`headers::LONGEST`] bytes each; two numbers for each element of it.

use std::sync::Arc;

use orderhub_connectors::contract::{Element, Heard, Notice, Unheard, Unread, Webhook};
use orderhub_mapping::facts::Lacks;
use orderhub_mapping::{MapError, Mapped};

use super::again::{Before, Seen};
use super::receive::{From, Received};
use super::{Bundle, Intake, Kept};
use crate::apply::FetchWant;
use crate::causes;
use crate::intake::gates::{UNREAD, WEBHOOK};
use crate::intake::{Envelope, headers};

/// The cause of a webhook, or a notice of it, that cannot be read.
pub(crate) const UNREADABLE: &str = causes::UNREADABLE_WEBHOOK.word;

/// The header of a webhook that holds which of its notices could not be read, as JSON; null: all of it.
const AT: &str = "orderhub-unread";
/// The header that holds what all of its elements are known by, as JSON.
const ALL: &str = "orderhub-elements";
/// The headers that hold what stood below `/webhooks/{system}`, and behind the question mark without credentials.
const PATH: &str = "orderhub-path";
const QUERY: &str = "orderhub-query";

/// What an unread webhook is kept with besides the headers of its sender. `unread`: the positions of what could not be
/// read, and all of its elements; `None`: nothing of it could be read.
pub(crate) fn kept_with(
    unread: Option<(&[usize], &[Seen])>,
    path: &str,
    query: &str,
) -> Vec<(String, String)> {
    // Numbers are always written.
    let at = serde_json::to_string(&unread.map(|(at, _)| at)).unwrap_or_default();
    let all = unread.map(|(_, all)| serde_json::to_string(all).unwrap_or_default());
    let query = headers::keep_query(query);
    let more = [(PATH, path), (QUERY, query.as_str())];
    let more = more.into_iter().filter(|(_, said)| (1..=headers::LONGEST).contains(&said.len()));
    let all = all.iter().map(|all| (ALL, all.as_str()));
    let kept = std::iter::once((AT, at.as_str())).chain(all).chain(more);
    kept.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Whether it is a webhook that was kept unread.
pub(super) fn is_unread(envelope: &Envelope) -> bool {
    let webhook = *envelope.source == *WEBHOOK && *envelope.document == *UNREAD;
    webhook && of(envelope, AT).is_some()
}

fn of<'e>(envelope: &'e Envelope, name: &str) -> Option<&'e str> {
    let header = envelope.headers.iter().find(|(known, _)| known == name);
    header.map(|(_, value)| value.as_str())
}

/// What was read of it when it came; `None`: nothing. What is wrong with these headers is ours: then all of it is read.
fn before(envelope: &Envelope) -> Option<Before> {
    let at: Vec<usize> = of(envelope, AT).and_then(|at| serde_json::from_str(at).ok()).flatten()?;
    let all = of(envelope, ALL).and_then(|all| serde_json::from_str(all).ok());
    Some(Before { at, all: all.unwrap_or_default() })
}

impl Bundle {
    /// Whether it is a webhook that could not be read when it came.
    pub fn is_unread(&self, envelope: &Envelope) -> bool {
        is_unread(envelope)
    }

    /// Marks what an earlier program kept of a webhook that it could not read.
    pub(crate) fn as_unread(&self, envelope: &mut Envelope) {
        let webhook = *envelope.source == *WEBHOOK && *envelope.document == *UNREAD;
        if webhook && of(envelope, AT).is_none() && self.intake_of(envelope).is_none() {
            envelope.headers.extend(kept_with(None, "", ""));
        }
    }

    /// The intakes that a message may be taken by: one, or for a webhook that is read again all of its system.
    pub(super) fn intakes_of(&self, envelope: &Envelope) -> impl Iterator<Item = &Intake> {
        let unread = is_unread(envelope).then(|| self.system(&envelope.system)).flatten();
        let one = if is_unread(envelope) { None } else { self.intake_of(envelope) };
        one.into_iter().chain(unread.into_iter().flat_map(|system| &system.intakes))
    }

    /// What is kept with a message before anything is looked up: the settings that its mappings read.
    pub fn kept(&self, envelope: &Envelope) -> Kept {
        let all = self.intakes_of(envelope).filter_map(|intake| intake.facts.as_deref());
        let all = all.filter_map(|facts| Kept::from_bytes(Some(facts)));
        all.fold(Kept::default(), Kept::and)
    }

    /// The same, as the message's row keeps it.
    pub(crate) fn facts_of(&self, envelope: &Envelope) -> Option<Arc<[u8]>> {
        if is_unread(envelope) {
            return self.kept(envelope).to_bytes().map(Arc::from);
        }
        self.intake_of(envelope)?.facts.as_ref().map(Arc::clone)
    }

    /// Reads it again: its documents and its hints.
    pub(super) fn read_again(&self, envelope: &Envelope, from: From<'_>) -> Received {
        let (path, query) = (of(envelope, PATH), of(envelope, QUERY));
        let hook = Webhook {
            path: path.unwrap_or_default(),
            query: query.unwrap_or_default(),
            headers: &envelope.headers,
            body: &envelope.body,
        };
        let none = || Heard {
            respond: None,
            notices: Err(Unheard::Unreadable("its connector takes no webhooks".to_owned())),
        };
        let heard = from.0.connector.heard(&hook, from.1).unwrap_or_else(none);
        let notices = match heard.notices {
            Ok(notices) => notices,
            Err(Unheard::Unreadable(why)) => return Received::Unreadable(UNREADABLE, why),
            Err(Unheard::TooMany(has)) => {
                let why = format!("it has {has} notices, more than are read of one");
                return Received::Unreadable(UNREADABLE, why);
            }
        };
        let seen: Vec<Seen> = notices.iter().map(Seen::of).collect();
        let only = match before(envelope).map(|before| before.in_list(&seen)).transpose() {
            Ok(only) => only,
            Err(why) => return Received::Unreadable(UNREADABLE, why),
        };
        let (mut documents, mut hints) = (Vec::new(), Vec::new());
        for (position, Element { read, .. }) in notices.into_iter().enumerate() {
            if only.as_ref().is_none_or(|only| only.contains(&position)) {
                self.take_again(envelope, from, read, (&mut documents, &mut hints));
            }
        }
        Received::Notices(documents, hints)
    }

    /// One notice of it.
    fn take_again(
        &self,
        envelope: &Envelope,
        from: From<'_>,
        notice: Result<Notice, Unread>,
        (documents, hints): (&mut Vec<Mapped>, &mut Vec<FetchWant>),
    ) {
        let notice = match notice {
            Ok(notice) => notice,
            Err(Unread { place, why }) => {
                return documents.push(failed(UNREADABLE, Some(place), why));
            }
        };
        let document = notice.kind.as_str().into();
        let (message_id, body) = (notice.id, notice.document);
        // What came of it is told by the webhook that was kept.
        let own = |name: &str| name == AT || name == ALL;
        let headers = envelope.headers.iter().filter(|(name, _)| !own(name)).cloned().collect();
        let one = Envelope { document, message_id, body, headers, ..envelope.clone() };
        if self.intake_of(&one).is_none() {
            let why = super::unknown_document(self, &one);
            return documents.push(failed(causes::UNKNOWN_DOCUMENT.word, None, why));
        }
        match self.received(&one, from) {
            Received::Documents(mapped) => documents.extend(mapped),
            Received::Hints(wants) => hints.extend(wants),
            Received::Notices(mapped, wants) => {
                documents.extend(mapped);
                hints.extend(wants);
            }
            Received::Unreadable(cause, why) => documents.push(failed(cause, None, why)),
        }
    }
}

fn failed(cause: &'static str, place: Option<String>, why: String) -> Mapped {
    let (place, path) = (place.map(Into::into), String::new());
    Mapped::Failed(MapError {
        cause,
        rule: None,
        place,
        path,
        why,
        key: None,
        digest: None,
        lacks: Lacks::default(),
    })
}
