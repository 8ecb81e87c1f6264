//! The whole contract between the hub and a system, on one page.
//!
//! An operation is a list of named steps. For each the connector builds a [`Request`]; from its [`Answer`] it says what comes
//! next. The memo (what was found so far) is stored before each step that is not repeatable: a retry resumes there.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use orderhub_lang::asked::Asked;
use orderhub_lang::value::Value;

pub use crate::element::{Element, Unread};
use crate::error::{BuildError, CallError, VerifyError};
use crate::invent::Invents;
pub use crate::parts::{Ack, Part, Refused, Tested, ToldLimit, Wait};
use crate::sign::Signer;

mod session;
mod webhook;

pub use session::{NO_SESSION, Session};
pub use webhook::{Handshake, Heard, MOST_NOTICES, Notice, Unheard, Webhook};

/// What speaks to one kind of system. Object safe, stateless, shared by all its accounts.
pub trait Connector: Debug + Send + Sync {
    /// The operations it offers.
    fn operations(&self) -> &[Operation];

    /// The steps of an operation in their order; none where it is unknown, or where nothing has to be looked for.
    fn steps(&self, _operation: &str) -> Vec<StepInfo<'_>> {
        Vec::new()
    }

    /// The first step of a call, or the one at which a resumed call goes on.
    ///
    /// # Errors
    ///
    /// [`BuildError`] if the operation is unknown, a step cannot be expressed, or a reference that it
    /// needs is missing (`NotLinked`).
    fn next(&self, call: &Call<'_>, memo: &Memo) -> Result<NextStep, BuildError>;

    /// Reads the answer to the step that [`Connector::next`] asked for, into the memo.
    ///
    /// # Errors
    ///
    /// The classified [`CallError`]: see [`CallError::next`].
    fn answer(&self, call: &Call<'_>, memo: &mut Memo, answer: &Answer) -> Result<(), CallError>;

    /// Adds credentials to a request: the only place that sees secrets. Called once per attempt, after
    /// the request's bytes are fixed.
    ///
    /// # Errors
    ///
    /// [`BuildError::Secret`] if a secret that the connector names is not configured.
    fn authorize(&self, request: &mut Request, with: &Credentials<'_>) -> Result<(), BuildError>;

    /// The longest time of one login, where the credential is a session that must be asked for and that ends;
    /// `None`: it has no such credential.
    fn logs_in(&self) -> Option<Duration> {
        None
    }

    /// The request that asks for a session. Only for a connector that [logs in](Connector::logs_in).
    ///
    /// # Errors
    ///
    /// [`BuildError`]: a secret is not configured, or a template fails.
    fn login(&self, _base_url: &str, _with: &Credentials<'_>) -> Result<Request, BuildError> {
        Err(BuildError::UnknownOperation("login".to_owned()))
    }

    /// Reads the answer to a login.
    ///
    /// # Errors
    ///
    /// [`CallError::NotAllowed`]: the system refuses our credential; [`CallError::Throttled`] and
    /// [`CallError::NotActed`]: ask again later, also where it gave nothing to go on with.
    fn logged_in(&self, _with: &Credentials<'_>, _answer: &Answer) -> Result<Session, CallError> {
        Ok(Session::default())
    }

    /// The answer to a sender that first asks whether this address takes its webhooks; `None`: it is none of
    /// those. Nobody has proved himself by then: nothing is told that the sender did not say or may not know.
    fn handshake(
        &self,
        _hook: &Webhook<'_>,
        _settings: &BTreeMap<String, String>,
    ) -> Option<Handshake> {
        None
    }

    /// How many calls of its limit a request counted as, where the answer says it: `None` is one.
    fn cost(&self, _call: &Call<'_>, _request: &Request, _answer: &Answer) -> Option<u32> {
        None
    }

    /// How many calls of a limit a call may count as that no answer has told of yet, where a system wants them all to be
    /// there before it is made; what it did not count as is given back. `None`: a call is one, and the rest is paid
    /// afterwards.
    fn reserve(&self, _limit: &str) -> Option<u32> {
        None
    }

    /// How many calls of its limit a request might have counted as, where the answer says it.
    fn may_cost(&self, _call: &Call<'_>, _request: &Request, _answer: &Answer) -> Option<u32> {
        None
    }

    /// The rate and burst of its limit that a request was told, where the answer says one.
    fn told(&self, _call: &Call<'_>, _request: &Request, _answer: &Answer) -> ToldLimit {
        ToldLimit::default()
    }

    /// Verifies a webhook and reads it into notices.
    ///
    /// # Errors
    ///
    /// [`VerifyError`]: not authentic.
    fn webhook(&self, hook: &Webhook<'_>, with: &Credentials<'_>) -> Result<Heard, VerifyError>;

    /// Reads a webhook again that was found authentic when it came; of its headers, those that are no credential are
    /// there. `None`: it takes none.
    fn heard(&self, _hook: &Webhook<'_>, _settings: &BTreeMap<String, String>) -> Option<Heard> {
        None
    }

    /// The references that the memo holds already: bound as soon as they are known, whatever later
    /// steps say. A subset of what [`Reply::xrefs`] will hold.
    fn known(&self, call: &Call<'_>, memo: &Memo) -> Vec<ReplyXref>;

    /// The named limits that it declares; settings may only lower them.
    fn limits(&self) -> &[Limit];

    /// The settings and secrets it reads, with where it says so: what a system must configure.
    fn needs(&self) -> &Needs;

    /// The same of those who use these operations only: a setting that another one reads need not be there.
    fn needs_of(&self, _used: &dyn Fn(&str) -> bool) -> Needs {
        self.needs().clone()
    }

    /// What its operations read of the document and the references that are given to them, as far as its file says so.
    fn asks(&self) -> &[Asked] {
        &[]
    }

    /// What it was tried against, as far as its file says so.
    fn tested(&self) -> Option<Tested> {
        None
    }

    /// What its system could answer, made up; `None`: it cannot say.
    fn invents(&self) -> Option<&dyn Invents> {
        None
    }

    /// The kinds of references that replies of its operations bind.
    fn binds(&self) -> Vec<&str> {
        Vec::new()
    }
}

/// One operation, as declared.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Its name: `create_sale`.
    pub name: String,
    /// `state`, `fact` or `read`.
    pub kind: OperationKind,
    /// The entity it makes or changes; none for reads.
    pub entity: Option<String>,
    /// It makes something that must not be made twice.
    pub creates: bool,
    /// It may write in more than one step: that its subject is known there does not show that all of it was done.
    pub in_steps: bool,
    /// Its reply declares the id of its entity (`reply.xrefs`): an answer without it is in doubt. Else our `ref` is it.
    pub names: bool,
    /// A read that gives a list of documents, not one.
    pub lists: bool,
    /// Names of arguments of a read.
    pub args: Vec<String>,
    /// The named limit it counts against; `default` if none.
    pub limit: String,
    /// Longest time for an attempt at its longest step, the first byte sent to the last byte read.
    pub timeout: Duration,
    /// The longest time that a listing may ask for at once; `None`: any.
    pub window: Option<Duration>,
    /// The proof that it is made with, by the first operation that names it; `None`: the one that all others share.
    pub proof: Option<String>,
    /// Things may move from one page of the listing to another while they are read.
    pub slides: bool,
}

/// A step, as far as whoever makes calls must know it beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepInfo<'a> {
    /// Its name, as in [`Request::step`].
    pub name: &'a str,
    /// What may be done after *may have acted*.
    pub idempotency: &'a Idempotency,
}

/// A named limit: so many calls in a time, for each key where it is keyed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// `default`, `parcel`.
    pub name: String,
    /// Calls; at least 1.
    pub calls: u32,
    /// In this time.
    pub per: Duration,
    /// Calls that may start at once after a quiet time; at least 1.
    pub burst: u32,
}

/// How repeated wishes for an operation collapse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationKind {
    /// Make the target look like this.
    State,
    /// This happened.
    Fact,
    /// Tell me.
    Read,
}

/// One use of an operation. The same call gives the same bytes on every retry, all but credentials.
#[derive(Clone)]
pub struct Call<'a> {
    /// Which operation.
    pub operation: &'a str,
    /// The mapped-out document; empty for reads and operations without `with:`.
    pub document: &'a [u8],
    /// The members of it that differ from what was last sent, where only those are to be sent: what stands
    /// for the whole document in a body. The others may be read of `document`.
    pub changed: Option<&'a [u8]>,
    /// What the document is on the wire: `application/json`, `text/csv; charset=gb18030`.
    pub media: &'a str,
    /// Idempotency key of the operation; steps derive theirs.
    pub key: &'a str,
    /// Attempt, from 1.
    pub attempt: u32,
    /// The account's base URL.
    pub base_url: &'a str,
    /// `[systems.<name>.settings]`, frozen with the call.
    pub settings: &'a BTreeMap<String, String>,
    /// References of the subject by kind (`xref.customer`).
    pub xrefs: &'a BTreeMap<String, Value>,
    /// Arguments of a read. A listing has `since` and `until`, and `cursor` for a page behind the first.
    pub args: &'a BTreeMap<String, Value>,
    /// System paths that the mapping of the answer reads.
    pub fields: &'a [String],
}

/// What the steps found so far. Bytes to the server, which stores them with the lane.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Memo {
    /// Index of the step to run, and of the element within its `each:`.
    pub step: u32,
    /// Position within `each:`.
    pub position: u32,
    /// Values saved by steps.
    pub saved: BTreeMap<String, Value>,
    /// The last answer's body, kept for `reply.document`; dropped from what is stored when over 64 KiB.
    pub body: Option<Bytes>,
}

/// What [`Connector::next`] says.
#[derive(Clone, Debug)]
pub enum NextStep {
    /// Send this.
    Send(Box<Request>),
    /// Not now: [`Memo::go_on`], and ask again.
    Wait(Wait),
    /// Not all of it was taken: [`Memo::go_on`], and what is left can be sent again.
    Part(Box<Part>),
    /// All steps ran.
    Done(Box<Reply>),
}

/// One request. HTTP for now; a message to publish or a file to put are more variants of `transport`.
#[derive(Clone)]
pub struct Request {
    /// The step's name, for logs, receipts and limits.
    pub step: String,
    /// `GET`, `POST`, ….
    pub method: &'static str,
    /// Absolute URL; every value in it is escaped.
    pub url: String,
    /// Headers in order.
    pub headers: Vec<(String, String)>,
    /// The body's exact bytes.
    pub body: Bytes,
    /// What may be done after *may have acted*.
    pub idempotency: Idempotency,
    /// The named limit this step counts against.
    pub limit: String,
    /// The key within a keyed limit (`by: args.number`).
    pub limit_key: Option<String>,
    /// Longest time for one attempt.
    pub timeout: Duration,
    /// What proves us in place of what proves us elsewhere: its operation has an `auth` of its own.
    pub own: Option<Arc<Signer>>,
}

/// What may be done when nobody knows whether a step took effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Idempotency {
    /// Send it again at once.
    Safe,
    /// Resume at the named step, no earlier than `settles` after the call began plus its timeout.
    FindFirst {
        /// Index of the step to resume at.
        step: u32,
        /// How long the system may still be acting.
        settles: Duration,
    },
    /// A person must look.
    Unsafe,
}

/// What came back.
#[derive(Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The whole body, bounded by the transport.
    pub body: Bytes,
}

/// The result of an operation.
#[derive(Clone, Default)]
pub struct Reply {
    /// References to bind: (kind, how the element is named, external id).
    pub xrefs: Vec<ReplyXref>,
    /// The answer's document for the mapping `reply:`, or a read's document.
    pub document: Option<Bytes>,
    /// A listing's documents.
    pub documents: Vec<Bytes>,
    /// A listing's next page: the same read with this as its argument `cursor`. `None`: this is the last.
    pub next: Option<Value>,
    /// A queue has more: the same read again, once this is stored and confirmed.
    pub again: bool,
    /// It was found done: no step that is not safe was answered on the way.
    pub already: bool,
    /// A read's answer said that there is no such thing.
    pub none: bool,
    /// How the system is told that a listing is stored here; `None`: it wants to know nothing.
    pub ack: Option<Ack>,
}

/// One reference of a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyXref {
    /// Entity name or free kind: `order`, `line`, `customer`.
    pub kind: String,
    /// Our id of the element, as sent (`ours:`); `None`: the subject itself.
    pub ours: Option<Ours>,
    /// The system's id.
    pub ext_id: String,
}

/// How a reply names our element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ours {
    /// By our id.
    Id(String),
    /// By its position among what was sent.
    Position(u32),
}

/// Secrets and the moment, only for [`Connector::authorize`] and [`Connector::webhook`].
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    /// A secret's current values by name, newest first (several while rotating).
    pub secret: &'a dyn Fn(&str) -> Vec<String>,
    /// The account's settings.
    pub settings: &'a BTreeMap<String, String>,
    /// Now, seconds since 1970, UTC.
    pub now: i64,
    /// Unpredictable text for this attempt.
    pub nonce: &'a str,
    /// What the last login gave, by name; empty where there is none.
    pub session: &'a BTreeMap<String, String>,
}

/// Settings and secrets that the files of an integration read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Names of settings, with the place that reads each.
    pub settings: Vec<(String, String)>,
    /// Names of secrets, with the place that reads each.
    pub secrets: Vec<(String, String)>,
}
