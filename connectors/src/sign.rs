//! The declarative signer and verifier: the only code that sees secrets.
//!
//! What is signed, how, and where it goes is said in templates (`{base64(hmac_sha256(secret.webhook,
//! raw))}`); digests and encodings are functions of the language.
//!
//! **Invariant:** a signature is computed over the exact bytes of the request or webhook, compared in
//! constant time, and a secret that is missing or empty never verifies anything. Tests:
//! `vendors_signatures_are_templates_over_the_exact_bytes`,
//! `bytes_that_are_no_text_are_signed_as_they_are`,
//! `a_verifier_takes_every_current_value_and_no_other`, and the case
//! `tests/data/connectors/wms-webhook-empty-secret.yaml`.

use std::cell::OnceCell;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use orderhub_lang::escape::percent;
use orderhub_lang::expression::{EvalError, Expression, Name, Scope};
use orderhub_lang::form;
use orderhub_lang::path::Segment;
use orderhub_lang::room::Room;
use orderhub_lang::template::{Place, RenderError, Template, Tree};
use orderhub_lang::value::Value;
use orderhub_lang::xml;
use subtle::ConstantTimeEq as _;

use crate::contract::{Credentials, Request, Webhook};
use crate::error::{BuildError, VerifyError};
use crate::put::put_at;

/// Names that signatures of requests may read.
pub const SIGNER_NAMES: &[&str] = &[
    "secret", "settings", "now", "utc", "nonce", "method", "host", "path", "query", "headers",
    "form", "raw",
];

/// The same where there is a login: `session.token` is what it gave.
pub const SESSION_NAMES: &[&str] = &[
    "secret", "settings", "now", "utc", "nonce", "method", "host", "path", "query", "headers",
    "form", "raw", "session",
];

/// Names that signatures of webhooks may read.
pub const VERIFIER_NAMES: &[&str] =
    &["secret", "settings", "now", "path", "query", "headers", "raw", "body", "text"];

/// What a form is on the wire.
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

/// Most values of one secret that are tried while it rotates.
const MOST_VALUES: usize = 8;

/// Adds credentials to requests.
#[derive(Clone, Debug, Default)]
pub struct Signer {
    /// Headers to add.
    pub headers: Vec<(String, Template)>,
    /// Query parameters to add.
    pub query: Vec<(String, Template)>,
    /// Form values to add, where the body is a form.
    pub form: Vec<(String, Template)>,
    /// Places to set in a JSON body.
    pub body: Vec<(Vec<Segment>, Tree)>,
    /// User and password of basic authentication.
    pub basic: Option<(Template, Template)>,
    /// Both are written as a form writes values, before they are joined (RFC 6749, section 2.3.1).
    pub encoded: bool,
}

/// The form of a webhook's body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// JSON.
    #[default]
    Json,
    /// A form, its values decoded.
    Form,
    /// XML, as mappings read it.
    Xml,
}

impl Format {
    /// The body as a tree.
    ///
    /// # Errors
    ///
    /// Why it is none.
    pub(crate) fn read(self, body: &[u8]) -> Result<Value, String> {
        match self {
            Self::Json => Value::from_json(body).map_err(|error| format!("is not JSON: {error}")),
            Self::Form => form::flat(body).ok_or_else(|| "is not a form".to_owned()),
            Self::Xml => xml::read(body).map_err(|why| format!("is not XML: {why}")),
        }
    }
}

/// Checks that a webhook is authentic.
#[derive(Clone, Debug)]
pub struct Verifier {
    /// What the sender gave.
    pub got: Arc<dyn Expression>,
    /// What it must be.
    pub want: Template,
    /// What the body is, for `body.<name>`.
    pub format: Format,
}

impl Signer {
    /// Adds what is declared, in this order: form values or places of the body, parameters, headers. Each sees what was added before it, in
    /// the order of the file, so that a signature may cover it.
    ///
    /// # Errors
    ///
    /// [`BuildError::Secret`] if a secret is not configured; [`BuildError::Step`] if a template fails.
    pub fn apply(&self, request: &mut Request, with: &Credentials<'_>) -> Result<(), BuildError> {
        for (name, template) in &self.form {
            let value = text(template, request, with)?;
            let mut body = request.body.to_vec();
            if !body.is_empty() {
                body.push(b'&');
            }
            body.extend(format!("{}={}", percent(name), percent(&value)).bytes());
            request.body = body.into();
        }
        let typed = |(name, _): &(String, String)| name.eq_ignore_ascii_case("content-type");
        if !self.form.is_empty() && !request.headers.iter().any(typed) {
            request.headers.push(("content-type".to_owned(), FORM.to_owned()));
        }
        self.set(request, with)?;
        for (name, template) in &self.query {
            let value = text(template, request, with)?;
            let separator = if request.url.contains('?') { '&' } else { '?' };
            let pair = format!("{separator}{}={}", percent(name), percent(&value));
            request.url.push_str(&pair);
        }
        let scope = SignerScope { request, with };
        let mut headers = rendered(&self.headers, &scope, &request.step)?;
        if let Some((user, password)) = &self.basic {
            let written = |template: &Template| {
                let value = text(template, request, with)?;
                Ok(if self.encoded { percent(&value) } else { value })
            };
            let user = written(user)?;
            if user.contains(':') {
                let why = "auth: the user of basic authentication has a colon".to_owned();
                return Err(BuildError::Step { step: request.step.clone(), why });
            }
            let pair = format!("{user}:{}", written(password)?);
            headers.push(("authorization".to_owned(), format!("Basic {}", STANDARD.encode(pair))));
        }
        request.headers.extend(headers);
        Ok(())
    }
}

impl Signer {
    /// Sets what stands within a JSON body; one without a body gets one.
    fn set(&self, request: &mut Request, with: &Credentials<'_>) -> Result<(), BuildError> {
        if self.body.is_empty() {
            return Ok(());
        }
        let failed = |why: &str| BuildError::Step {
            step: request.step.clone(),
            why: format!("auth: `body`: {why}"),
        };
        let mut tree = match request.body.is_empty() {
            true => Value::Map(Vec::new()),
            false => Value::from_json(&request.body)
                .map_err(|_| failed("what the step sends is no JSON"))?,
        };
        let room = Room::default();
        for (path, value) in &self.body {
            let value = body(value, request, with)?;
            let put = put_at(&mut tree, path, value, &room);
            if !put.map_err(|full| failed(&full.to_string()))? {
                return Err(failed("a key of something that is no object"));
            }
        }
        request.body = tree.to_json().into();
        let typed = |(name, _): &(String, String)| name.eq_ignore_ascii_case("content-type");
        if !request.headers.iter().any(typed) {
            request.headers.push(("content-type".to_owned(), "application/json".to_owned()));
        }
        Ok(())
    }
}

/// What a template gives over the request as it is by now.
fn text(
    template: &Template,
    request: &Request,
    with: &Credentials<'_>,
) -> Result<String, BuildError> {
    let scope = SignerScope { request, with };
    template.render(&scope, Place::Text).map_err(|error| build_error(&request.step, &error))
}

/// A body with secrets in it, as those of logins are.
pub(crate) fn body(
    tree: &Tree,
    request: &Request,
    with: &Credentials<'_>,
) -> Result<Value, BuildError> {
    tree.value(&SignerScope { request, with }).map_err(|error| build_error(&request.step, &error))
}

fn rendered(
    templates: &[(String, Template)],
    scope: &dyn Scope,
    step: &str,
) -> Result<Vec<(String, String)>, BuildError> {
    let one = |(name, template): &(String, Template)| {
        let value = template.render(scope, Place::Header).map_err(|e| build_error(step, &e))?;
        Ok((name.clone(), value))
    };
    templates.iter().map(one).collect()
}

fn build_error(step: &str, error: &RenderError) -> BuildError {
    match error {
        RenderError::Eval { why: EvalError::Secret(name), .. } => BuildError::Secret(name.clone()),
        RenderError::Missing(_)
        | RenderError::Eval { .. }
        | RenderError::Place { .. }
        | RenderError::Large { .. } => {
            BuildError::Step { step: step.to_owned(), why: format!("auth: {error}") }
        }
    }
}

impl Verifier {
    /// Checks a webhook; each current value of a rotating secret may have signed it.
    ///
    /// # Errors
    ///
    /// [`VerifyError::Signature`] if none fits or the sender gave none; [`VerifyError::Secret`] if a
    /// secret is not configured.
    pub fn verify(&self, hook: &Webhook<'_>, with: &Credentials<'_>) -> Result<(), VerifyError> {
        let mut fits = subtle::Choice::from(0);
        // Parsed at most once: whoever sends it has proved nothing yet.
        let body = OnceCell::new();
        for turn in 0..self.turns(with) {
            let scope = VerifierScope { hook, with, turn, format: self.format, body: &body };
            let got = match self.got.eval(&scope) {
                Ok(value) => value.scalar_text().map(std::borrow::Cow::into_owned),
                Err(_) => None,
            };
            let got = got.filter(|got| !got.is_empty()).ok_or(VerifyError::Signature)?;
            let want = match self.want.render(&scope, Place::Text) {
                Ok(want) if !want.is_empty() => want,
                Ok(_) => return Err(VerifyError::Signature),
                Err(RenderError::Eval { why: EvalError::Secret(name), .. }) => {
                    return Err(VerifyError::Secret(name));
                }
                Err(
                    RenderError::Missing(_)
                    | RenderError::Eval { .. }
                    | RenderError::Place { .. }
                    | RenderError::Large { .. },
                ) => {
                    return Err(VerifyError::Signature);
                }
            };
            // Every value is tried: how long it takes does not tell which one fits.
            fits |= got.as_bytes().ct_eq(want.as_bytes());
        }
        if bool::from(fits) { Ok(()) } else { Err(VerifyError::Signature) }
    }

    /// What the sender of a webhook gives, by the first value of each secret; `None`: it cannot be told.
    pub(crate) fn wanted(&self, hook: &Webhook<'_>, with: &Credentials<'_>) -> Option<String> {
        let body = OnceCell::new();
        let scope = VerifierScope { hook, with, turn: 0, format: self.format, body: &body };
        self.want.render(&scope, Place::Text).ok().filter(|want| !want.is_empty())
    }

    /// How many values the secret with the most of them has; at least one turn, so that a missing
    /// secret is told.
    fn turns(&self, with: &Credentials<'_>) -> usize {
        let names = self.want.reads().chain(self.got.reads());
        let counts = names
            .filter(|name| name.root == "secret")
            .filter_map(Name::key)
            .map(|key| (with.secret)(key).len());
        counts.max().unwrap_or(1).clamp(1, MOST_VALUES)
    }
}

/// The value of a secret for a turn.
fn secret(name: &Name, with: &Credentials<'_>, turn: usize) -> Result<Value, EvalError> {
    let key = name.key().unwrap_or_default();
    let mut values = (with.secret)(key);
    values.retain(|value| !value.is_empty());
    let last = values.len().checked_sub(1).ok_or_else(|| EvalError::Secret(key.to_owned()))?;
    Ok(values.into_iter().nth(turn.min(last)).map_or(Value::Null, Value::Text))
}

fn setting(name: &Name, with: &Credentials<'_>) -> Value {
    let value = name.key().and_then(|key| with.settings.get(key));
    value.map_or(Value::Null, |value| Value::text(value.as_str()))
}

/// A moment in the basic form of ISO 8601, as the letters of dates are signed: `20150830T123600Z`.
fn utc(now: i64) -> Value {
    let at = Timestamp::from_second(now).unwrap_or_default();
    Value::Text(at.strftime("%Y%m%dT%H%M%SZ").to_string())
}

struct SignerScope<'a> {
    request: &'a Request,
    with: &'a Credentials<'a>,
}

impl Scope for SignerScope<'_> {
    fn get(&self, name: &Name) -> Result<Value, EvalError> {
        let (address, query) = self.request.url.split_once('?').unwrap_or((&self.request.url, ""));
        let from_host = address.find("://").and_then(|at| address.get(at + 3..)).unwrap_or(address);
        let (host, path) = from_host.split_at(from_host.find('/').unwrap_or(from_host.len()));
        Ok(match name.root.as_str() {
            "secret" => secret(name, self.with, 0)?,
            "settings" => setting(name, self.with),
            "now" => Value::Int(self.with.now),
            "utc" => utc(self.with.now),
            "nonce" => Value::text(self.with.nonce),
            "method" => Value::text(self.request.method),
            "host" => Value::text(host),
            "path" => Value::text(if path.is_empty() { "/" } else { path }),
            "query" => Value::text(query),
            // Those of the step; what is added by `auth` is not among them yet.
            "headers" => header(&self.request.headers, name),
            // The value of a field as it was before it was escaped: what vendors sign.
            "form" => {
                let form = form::flat(&self.request.body).unwrap_or_default();
                name.within(&form)?
            }
            "session" => {
                let value = name.key().and_then(|key| self.with.session.get(key));
                value.map_or(Value::Null, |value| Value::text(value.as_str()))
            }
            _ => Value::Null,
        })
    }

    fn bytes(&self, name: &Name) -> Option<Vec<u8>> {
        (name.as_str() == "raw").then(|| self.request.body.to_vec())
    }
}

struct VerifierScope<'a> {
    hook: &'a Webhook<'a>,
    with: &'a Credentials<'a>,
    turn: usize,
    format: Format,
    body: &'a OnceCell<Value>,
}

impl VerifierScope<'_> {
    fn body(&self) -> &Value {
        self.body.get_or_init(|| self.format.read(self.hook.body).unwrap_or_default())
    }
}

impl Scope for VerifierScope<'_> {
    fn get(&self, name: &Name) -> Result<Value, EvalError> {
        Ok(match name.root.as_str() {
            "secret" => secret(name, self.with, self.turn)?,
            "settings" => setting(name, self.with),
            "now" => Value::Int(self.with.now),
            "path" => Value::text(self.hook.path),
            "query" => name.within(&form::flat(self.hook.query.as_bytes()).unwrap_or_default())?,
            "headers" => header(self.hook.headers, name),
            "body" => name.within(self.body())?,
            "text" => Value::Text(String::from_utf8_lossy(self.hook.body).into_owned()),
            _ => Value::Null,
        })
    }

    fn bytes(&self, name: &Name) -> Option<Vec<u8>> {
        (name.as_str() == "raw").then(|| self.hook.body.to_vec())
    }
}

/// The first header of the name behind `headers.`, in any case.
pub(crate) fn header(headers: &[(String, String)], name: &Name) -> Value {
    let found = name.key().and_then(|key| {
        headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(key)).map(|(_, value)| value)
    });
    found.map_or(Value::Null, |value| Value::text(value.as_str()))
}

#[cfg(test)]
#[path = "sign_tests.rs"]
mod tests;
