//! Webhooks: verified over their raw bytes, read into notices, stored, then answered.
//!
//! **Invariant:** 2xx only after the commit that holds every notice of the request, those too that cannot be read. Tests:
//! `a_webhook_is_verified_stored_and_only_then_answered`,
//! `one_notice_that_cannot_be_read_holds_back_none_beside_it`.
//! **Invariant:** no system is asked before what it sent is stored. Test:
//! `a_webhook_is_stored_before_its_system_is_asked`.
//! **Invariant:** a secret that stands in it is not stored. Test:
//! `a_secret_within_a_webhook_is_neither_stored_nor_shown`.
//! **Invariant:** a webhook that comes again is known again, though a secret that stands in it was named since. Test:
//! `a_repeat_is_known_whichever_secrets_are_named_by_then`.
//! Bounds: [`MOST_NOTICES`] of one request; of more nothing is taken, and the sender is told.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use orderhub_connectors::contract::{
    Credentials, Element, Heard, MOST_NOTICES, NO_SESSION, Notice, Unheard, Webhook,
};
use orderhub_connectors::error::VerifyError;
use orderhub_order::hash::half;
use orderhub_order::ids::SystemName;

use super::hidden::Hidden;
use super::{Envelope, Intake, Pending};
use crate::bundle::{Seen, UNREADABLE, kept_with};
use crate::causes;
use crate::http::{Api, Problem};
use crate::store::StoreError;

/// Senders give up after about five seconds and send again; so does the hub, a little earlier.
const STORED_WITHIN: Duration = Duration::from_secs(4);

/// `POST /webhooks/{system}`.
pub async fn root(
    State(api): State<Api>,
    Path(system): Path<SystemName>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    take(&api, system, ("", query), &headers, body).await
}

/// `POST /webhooks/{system}/…`: what stands below tells integrations what came.
pub async fn below(
    State(api): State<Api>,
    Path((system, path)): Path<(SystemName, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    take(&api, system, (&path, query), &headers, body).await
}

/// `GET /webhooks/{system}`: some senders ask so before they send.
pub async fn asked(
    State(api): State<Api>,
    Path(system): Path<SystemName>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    answer(&api, &system, ("", query), &headers)
}

/// `GET /webhooks/{system}/…`: the same.
pub async fn asked_below(
    State(api): State<Api>,
    Path((system, path)): Path<(SystemName, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    answer(&api, &system, (&path, query), &headers)
}

fn answer(
    api: &Api,
    system: &SystemName,
    (path, query): (&str, Option<String>),
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let (pairs, query) = (pairs(headers), query.unwrap_or_default());
    let hook = Webhook { path, query: &query, headers: &pairs, body: &Bytes::new() };
    handshake(api, system, &hook).ok_or_else(|| {
        let detail = "webhooks are sent by POST; only a handshake asks by GET";
        Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
    })
}

fn pairs(headers: &HeaderMap) -> Vec<(String, String)> {
    let pair = |(name, value): (&HeaderName, &HeaderValue)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    };
    headers.iter().filter_map(pair).collect()
}

async fn take(
    api: &Api,
    system: SystemName,
    (path, query): (&str, Option<String>),
    headers: &HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    if api.stopping.is_cancelled() {
        return Err(Problem::unavailable("stopping", "the hub is stopping"));
    }
    compressed(headers)?;
    let pairs = pairs(headers);
    let query = query.unwrap_or_default();
    let hook = Webhook { path, query: &query, headers: &pairs, body: &body };
    if let Some(greeting) = handshake(api, &system, &hook) {
        return Ok(greeting);
    }
    let (heard, proofs) = verify(api, &system, &hook)?;
    // It is authentic: from here on nothing needs what proved it.
    let hidden = Hidden::proofs(api, &system, &proofs);
    let without = hidden.body(&body);
    let came = without.as_ref().map(|_| came(&heard)).unwrap_or_default();
    let Heard { respond, notices } = match &without {
        Some(body) => as_stored(api, &system, heard, &Webhook { body, ..hook }),
        None => heard,
    };
    let (path, query) = (hidden.text(path), hidden.query(&query));
    let body = without.as_ref().unwrap_or(&body);
    let hook = Webhook { path: &path, query: &query, headers: &pairs, body };
    let request = Request { api, system: &system, hook: &hook, kept: hidden.headers(&pairs) };
    let storing = async {
        match notices {
            Ok(notices) => store(&request, notices, &came).await,
            Err(Unheard::Unreadable(why)) => {
                let pending = request.unread(&api.intake, None, why).await?;
                pending.stored().await?;
                Ok(())
            }
            Err(Unheard::TooMany(has)) => Err(request.too_many(has)),
        }
    };
    match tokio::time::timeout(STORED_WITHIN, storing).await {
        Ok(stored) => stored?,
        Err(_) => {
            return Err(Problem::unavailable("busy", "not stored in time; send it again"));
        }
    }
    Ok(match respond {
        Some(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
        None => StatusCode::OK.into_response(),
    })
}

/// The answer to a sender that asks, before it sends anything, whether this address takes its webhooks. Nothing
/// is stored: there is nothing in it.
fn handshake(api: &Api, system: &SystemName, hook: &Webhook<'_>) -> Option<Response> {
    let bundle = api.intake.bundle();
    let (known, settings) = (bundle.system(system)?, api.config.systems.get(system)?);
    let greeting = known.connector.handshake(hook, &settings.settings)?;
    tracing::info!(%system, "a handshake was answered: webhooks can come");
    // What it says is the sender's own: no browser may take it for a page.
    let sniff = (header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    Some(([(header::CONTENT_TYPE, greeting.media), sniff], greeting.body).into_response())
}

/// A compressed body would have to be unpacked before its signature could be compared.
fn compressed(headers: &HeaderMap) -> Result<(), Problem> {
    let encoding = headers.get(header::CONTENT_ENCODING).and_then(|value| value.to_str().ok());
    match encoding {
        None | Some("identity") => Ok(()),
        Some(_) => {
            let detail = "send the body without `Content-Encoding`";
            Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "compressed", detail))
        }
    }
}

/// What it says, and the names of the secrets that it was proved by.
fn verify(
    api: &Api,
    system: &SystemName,
    hook: &Webhook<'_>,
) -> Result<(Heard, BTreeSet<String>), Problem> {
    let bundle = api.intake.bundle();
    let (Some(known), Some(settings)) = (bundle.system(system), api.config.systems.get(system))
    else {
        return Err(Problem::not_found("system", system.as_str()));
    };
    let proofs = RefCell::new(BTreeSet::new());
    let secret = |name: &str| {
        proofs.borrow_mut().insert(name.to_owned());
        let refs = settings.secrets.get(name).map(|refs| refs.0.as_slice());
        api.secrets.values(refs.unwrap_or_default())
    };
    let nonce = uuid::Uuid::new_v4().to_string();
    let credentials = Credentials {
        secret: &secret,
        settings: &settings.settings,
        now: api.clock.now().as_second(),
        nonce: &nonce,
        session: NO_SESSION,
    };
    let heard = known.connector.webhook(hook, &credentials).map_err(|error| {
        let label = system.to_string();
        metrics::counter!("orderhub_webhooks_refused_total", "system" => label).increment(1);
        tracing::warn!(%system, %error, "a webhook was refused");
        match error {
            VerifyError::Signature => Problem::new(
                StatusCode::UNAUTHORIZED,
                causes::BAD_SIGNATURE.word,
                error.to_string(),
            ),
            // Ours to mend, and named in the log; a sender that tries again loses nothing.
            VerifyError::Secret(_) => {
                let detail = "webhooks of this system cannot be verified yet; send it again";
                Problem::unavailable("not_configured", detail)
            }
            VerifyError::None => {
                Problem::new(StatusCode::NOT_FOUND, "no_webhooks", error.to_string())
            }
        }
    })?;
    Ok((heard, proofs.take()))
}

/// The hash of each notice as it came, which is not kept: what is known of one that comes again must not depend on the
/// secrets that the settings name at the time.
fn came(heard: &Heard) -> Vec<Option<[u8; 16]>> {
    let all = heard.notices.as_deref().unwrap_or_default().iter();
    all.map(|one| one.read.as_ref().ok().map(|notice| half(&notice.document))).collect()
}

/// What is heard of the body as it is stored; the sender gets the answer to what he sent.
fn as_stored(api: &Api, system: &SystemName, heard: Heard, stored: &Webhook<'_>) -> Heard {
    let bundle = api.intake.bundle();
    let again = bundle.system(system).zip(api.config.systems.get(system));
    let again =
        again.and_then(|(known, settings)| known.connector.heard(stored, &settings.settings));
    Heard { respond: heard.respond, notices: again.map_or(heard.notices, |heard| heard.notices) }
}

/// What is kept of a request with each of its notices.
struct Request<'r> {
    api: &'r Api,
    system: &'r SystemName,
    hook: &'r Webhook<'r>,
    kept: Vec<(String, String)>,
}

impl Request<'_> {
    fn envelope(&self, kind: &str, (message_id, body): (Option<String>, Bytes)) -> Envelope {
        Envelope {
            source: Arc::from(super::gates::WEBHOOK),
            system: self.system.clone(),
            document: Arc::from(kind),
            message_id,
            body,
            headers: self.kept.clone(),
            received: self.api.clock.now(),
            suspect: false,
        }
    }

    /// Keeps the request whole for what of it cannot be read: all of it, or the elements at these positions of all that it
    /// has. It is read again when its connector is mended.
    async fn unread(
        &self,
        intake: &Intake,
        unread: Option<(&[usize], &[Seen])>,
        why: String,
    ) -> Result<Pending, StoreError> {
        let mut envelope = self.envelope(super::gates::UNREAD, (None, self.hook.body.clone()));
        envelope.headers.extend(kept_with(unread, self.hook.path, self.hook.query));
        intake.queue_refused(envelope, UNREADABLE, why).await
    }

    /// Nothing of it is stored: a sender who is told so divides it, or sends it again until somebody looks.
    fn too_many(&self, has: usize) -> Problem {
        let label = self.system.to_string();
        metrics::counter!("orderhub_webhooks_refused_total", "system" => label).increment(1);
        let system = self.system;
        tracing::warn!(%system, notices = has, "a webhook with too many notices was refused");
        let detail =
            format!("the request has {has} notices; send at most {MOST_NOTICES} in one request");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_many", detail)
    }
}

/// Places of one request that are told; the others are counted.
const MOST_PLACES: usize = 10;

/// Hands all notices in, then waits for all of them: they share commits, in their order. Those that cannot be read
/// are kept together, with the request, and hold back none beside them. `came`: the hash of each as it came, where
/// that is not stored.
async fn store(
    request: &Request<'_>,
    notices: Vec<Element>,
    came: &[Option<[u8; 16]>],
) -> Result<(), Problem> {
    let (intake, mut pending) = (request.api.intake.in_order(), Vec::with_capacity(notices.len()));
    let (mut at, mut why) = (Vec::new(), Vec::new());
    let all: Vec<Seen> = notices.iter().map(Seen::of).collect();
    // Without its secrets it has as many, unless the place of its list is hidden with them.
    let came = if came.len() == all.len() { came } else { &[] };
    for (position, Element { read, .. }) in notices.into_iter().enumerate() {
        match read {
            Ok(Notice { id, kind, document }) => {
                let envelope = request.envelope(&kind, (id, document));
                let came = came.get(position).copied().flatten();
                pending.push(intake.queue_hidden(envelope, came).await?);
            }
            Err(unread) => {
                at.push(position);
                why.push(format!("{}: {}", unread.place, unread.why));
            }
        }
    }
    if !at.is_empty() {
        let beyond = why.len().saturating_sub(MOST_PLACES);
        why.truncate(MOST_PLACES);
        let more = if beyond > 0 { format!("; and {beyond} more") } else { String::new() };
        let why = format!("{}{more}", why.join("; "));
        pending.push(request.unread(&intake, Some((&at, &all)), why).await?);
    }
    for one in pending {
        one.stored().await?;
    }
    Ok(())
}
