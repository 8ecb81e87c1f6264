//! A credential that ends and is asked for anew: the request of a login, and what its answer gives.
//!
//! The server decides when: before the first call, shortly before a session ends, and once when a call is
//! refused. A session lives in memory alone; each process has its own.
//!
//! **Invariants:** what a login gives is never empty: an answer without it is no session that every call would fail
//! with. A refused credential is said by the system (400, 401, 403 and 422, or what `ok` says no to and `why` has words for): anything else (a page for people, a
//! redirect) passes, and is asked again. Tests: the cases `tests/data/connectors/login-*.yaml`.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use orderhub_lang::expression::{EvalError, Name, Scope};
use orderhub_lang::template::{Place, Template, Tree};
use orderhub_lang::value::Value;

use super::judge;
use super::model::Expr;
use super::scope::Answered;
use super::walk::{render_error, yes};
use crate::contract::{Answer, Credentials, Idempotency, Request, Session};
use crate::error::{BuildError, CallError};
use crate::sign::{self, Signer, header};

/// What its step is called in logs and traces.
const STEP: &str = "login";

/// Names that expressions over the answer of a login may read.
pub(super) const LOGIN_ANSWER: &[&str] =
    &["status", "headers", "cookies", "body", "text", "settings"];

/// Names that the cost of a call may read.
pub(super) const COST: &[&str] = &["status", "headers", "body", "text", "settings"];

/// How a session is asked for.
#[derive(Debug)]
pub(super) struct Login {
    pub(super) method: &'static str,
    /// The whole address.
    pub(super) url: Template,
    /// Headers, parameters, form values and basic authentication.
    pub(super) signer: Signer,
    /// A JSON body; none where the form is sent.
    pub(super) body: Option<Tree>,
    pub(super) ok: Option<Expr>,
    pub(super) why: Vec<Expr>,
    pub(super) save: Vec<(String, Expr)>,
    pub(super) lives: Option<Lives>,
    pub(super) timeout: Duration,
    /// The refresh token that is sent, by OAuth 2.0.
    pub(super) refresh: Option<Template>,
}

/// How long a session is taken.
#[derive(Debug)]
pub(super) enum Lives {
    For(Duration),
    /// The answer says it, in seconds.
    Seconds(Expr),
}

pub(super) fn request(
    login: &Login,
    base_url: &str,
    with: &Credentials<'_>,
) -> Result<Request, BuildError> {
    let address = Address { base_url, settings: with.settings };
    let url = login.url.render(&address, Place::Base).map_err(|e| render_error(STEP, &e))?;
    let mut request = Request {
        step: STEP.to_owned(),
        method: login.method,
        url,
        headers: vec![("accept".to_owned(), "application/json".to_owned())],
        body: Bytes::new(),
        idempotency: Idempotency::Safe,
        limit: "default".to_owned(),
        limit_key: None,
        own: None,
        timeout: login.timeout,
    };
    let kind = match &login.body {
        Some(tree) => {
            request.body = sign::body(tree, &request, with)?.to_json().into();
            Some("application/json")
        }
        None if login.signer.form.is_empty() => None,
        None => Some(sign::FORM),
    };
    let own = login.signer.headers.iter().any(|(name, _)| name == "content-type");
    if let Some(kind) = kind.filter(|_| !own) {
        request.headers.push(("content-type".to_owned(), kind.to_owned()));
    }
    login.signer.apply(&mut request, with)?;
    Ok(request)
}

pub(super) fn answer(
    login: &Login,
    with: &Credentials<'_>,
    answer: &Answer,
) -> Result<Session, CallError> {
    let answered = Answered::new(answer);
    let scope = AnswerScope { settings: with.settings, answered: &answered };
    let status = answer.status;
    let why = || format!("login: {}", judge::why(&login.why, &scope, &answered));
    if status == 429 {
        return Err(CallError::Throttled {
            why: why(),
            retry_after: judge::retry_after(&answered),
        });
    }
    let well = (200..300).contains(&status);
    let again = || CallError::NotActed { why: why(), retry_after: judge::retry_after(&answered) };
    if !well && !REFUSES.contains(&status) {
        return Err(again());
    }
    let ok = match &login.ok {
        None => well,
        Some(ok) => yes(ok, &scope).unwrap_or(false),
    };
    if !ok && well && !says_why(login, &scope) {
        return Err(again());
    }
    if !ok {
        return Err(CallError::NotAllowed { status: None, why: why() });
    }
    if rotates(login, with, &answered) {
        return Err(CallError::NotAllowed { status: None, why: ROTATES.to_owned() });
    }
    let mut session = Session::default();
    for (name, expression) in &login.save {
        let value = expression.eval(&scope).unwrap_or_default();
        let value = value.scalar_text().filter(|value| !value.is_empty()).ok_or_else(|| {
            let read = expression.reads().first().map_or(name.as_str(), Name::as_str);
            let why = format!("login: status {status}: the answer has no `{read}`");
            CallError::NotActed { why, retry_after: None }
        })?;
        session.values.insert(name.clone(), value.into_owned());
    }
    session.lives = match &login.lives {
        None => None,
        Some(Lives::For(time)) => Some(*time),
        // A time that cannot be read is none: the session is taken until it is refused.
        Some(Lives::Seconds(expression)) => {
            let value = expression.eval(&scope).unwrap_or_default();
            let seconds = value.scalar_text().and_then(|text| text.parse::<u32>().ok());
            seconds.map(|seconds| Duration::from_secs(seconds.into()))
        }
    };
    Ok(session)
}

/// Statuses by which a system refuses a credential; any other that is no success is trouble on the way, or a page for
/// people.
const REFUSES: [u16; 4] = [400, 401, 403, 422];

/// Whether an answer of a good status that is not `ok` says why: a refusal has words where the file expects them, a page
/// for people has none.
fn says_why(login: &Login, scope: &AnswerScope<'_>) -> bool {
    let rules = login.why.iter();
    let mut said =
        rules.filter_map(|rule| rule.eval(scope).ok()?.scalar_text().map(|t| t.into_owned()));
    let own = said.any(|text| !text.trim().is_empty());
    own || login.why.is_empty() && scope.answered.body().is_some_and(|body| body.as_map().is_some())
}

/// Said now, and not by a refusal after the token's first life.
const ROTATES: &str = "login: the system gave another refresh token; one that rotates is not kept by this version: use \
                       `grant: client_credentials`, or ask the system for a token that stays";

/// Whether the client must take a new refresh token from now on (RFC 6749, section 6).
fn rotates(login: &Login, with: &Credentials<'_>, answered: &Answered<'_>) -> bool {
    let given = answered.body().and_then(|body| body.get("refresh_token")?.scalar_text());
    let (Some(template), Some(given)) = (&login.refresh, given) else { return false };
    let known = template.reads().filter(|name| name.root == "secret").filter_map(Name::key);
    !known.flat_map(|name| (with.secret)(name)).any(|value| value == given)
}

/// What the address of a login may read.
struct Address<'a> {
    base_url: &'a str,
    settings: &'a BTreeMap<String, String>,
}

impl Scope for Address<'_> {
    fn get(&self, name: &Name) -> Result<Value, EvalError> {
        Ok(match name.root.as_str() {
            "base_url" => Value::text(self.base_url),
            _ => setting(self.settings, name),
        })
    }
}

/// An answer that is not one to a step of an operation, or not read as such.
pub(super) struct AnswerScope<'a> {
    pub(super) settings: &'a BTreeMap<String, String>,
    pub(super) answered: &'a Answered<'a>,
}

impl Scope for AnswerScope<'_> {
    fn get(&self, name: &Name) -> Result<Value, EvalError> {
        let answer = self.answered.answer;
        Ok(match name.root.as_str() {
            "status" => Value::Int(answer.status.into()),
            "headers" => header(&answer.headers, name),
            "cookies" => name.key().and_then(|key| cookie(answer, key)).unwrap_or_default(),
            "body" => self.answered.body().map_or(Ok(Value::Null), |body| name.within(body))?,
            "text" => Value::Text(String::from_utf8_lossy(&answer.body).into_owned()),
            _ => setting(self.settings, name),
        })
    }
}

fn setting(settings: &BTreeMap<String, String>, name: &Name) -> Value {
    let value = name.key().and_then(|key| settings.get(key));
    value.map_or(Value::Null, |value| Value::text(value.as_str()))
}

/// The value of a cookie that the answer sets.
fn cookie(answer: &Answer, key: &str) -> Option<Value> {
    let set = answer.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
    let mut pairs = set.filter_map(|(_, value)| value.split(';').next()?.split_once('='));
    pairs.find(|(name, _)| name.trim() == key).map(|(_, value)| Value::text(value.trim()))
}
