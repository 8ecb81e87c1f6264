//! A hostile system: it answers as the connector expects, and at one step it does not.
//!
//! It stands where the transport stands, so that nothing leaves the process. It looks at the connector's side of the call
//! ([`Watched`](super::watched::Watched)) to know what would be a good answer there.
//! **Invariant:** what it did before an answer was lost, it says when it is asked: an answer by which the step is not sent
//! again, if there is one. Test: `a_connector_that_looks_for_nothing_fails_its_card`.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use orderhub_connectors::contract::{
    Answer, Credentials, Idempotency, Memo, NO_SESSION, Reply, Request,
};
use orderhub_connectors::error::CallError;
use orderhub_lang::value::Value;
use tokio::time::Instant;

use super::fault::{Fault, RETRY_AFTER};
use super::known::{Choices, Known, print};
use crate::transport::Transport;

/// What a slow step is given.
const SHORT: Duration = Duration::from_millis(40);
/// A word that no system says.
const UNKNOWN: &str = "ORDERHUB_UNKNOWN_WORD";
/// What a login is called.
pub(crate) const LOGIN: &str = "login";

/// One request that came.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) step: String,
    /// What was built of it, but for credentials.
    pub(crate) built: u64,
    pub(crate) idempotency: Idempotency,
    /// It holds only if nothing changed meanwhile.
    pub(crate) conditional: bool,
    pub(crate) at: Instant,
    /// The attempt of the call that it belongs to.
    pub(crate) attempt: u32,
    /// The element that it is about.
    pub(crate) position: u32,
}

/// Where a trial begins, and where it need not go on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Span {
    /// What was answered before the step is due.
    pub(crate) said: Said,
    /// The call behind the step, when all went well: what comes from there on is known.
    pub(crate) passed: Option<u64>,
    /// What the call gave then.
    pub(crate) reply: Option<Reply>,
}

/// What was answered last, by step and element.
type Said = HashMap<(String, u32), Answer>;

/// What came of the strike.
#[derive(Clone, Debug, Default)]
pub(crate) struct Struck {
    /// The connector takes the bad answer for well.
    pub(crate) taken: bool,
    /// There was nothing to make of it.
    pub(crate) idle: bool,
}

#[derive(Debug, Default)]
struct State {
    memo: Memo,
    built: u64,
    attempt: u32,
    strikes: u32,
    acted: bool,
    sent: Vec<Sent>,
    struck: Struck,
    choices: Choices,
    /// Nothing changed there since, unless something was done.
    said: Said,
    /// The step that was answered last.
    last: String,
    /// Found out while nothing goes wrong.
    span: Span,
    /// The rest was left out, as it is known.
    cut: bool,
}

/// The system.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) known: Arc<Known>,
    pub(crate) step: String,
    pub(crate) fault: Fault,
    words: Vec<Value>,
    /// Where the rest of the call is known.
    rest: Option<(u64, Reply)>,
    state: Mutex<State>,
}

impl Peer {
    /// One that strikes at a step. `choices`: the answers that lead there, and from there to the end.
    pub(crate) fn new(
        known: &Arc<Known>,
        (step, fault): (&str, Fault),
        (choices, span): (Choices, Span),
    ) -> Arc<Self> {
        let strikes =
            if fault == Fault::Revoked { u32::MAX } else { u32::from(fault != Fault::None) };
        let call = known.inputs.call(1);
        let words = known.connector.invents().map(|invents| invents.words(call.operation));
        Arc::new(Self {
            known: Arc::clone(known),
            step: step.to_owned(),
            fault,
            words: words.unwrap_or_default(),
            rest: span.passed.zip(span.reply),
            state: Mutex::new(State { strikes, choices, said: span.said, ..State::default() }),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next attempt begins.
    pub(crate) fn begins(&self, attempt: u32) {
        self.state().attempt = attempt;
    }

    /// What came, what became of the strike, and whether the rest was left out.
    pub(crate) fn seen(&self) -> (Vec<Sent>, Struck, bool) {
        let state = self.state();
        (state.sent.clone(), state.struck.clone(), state.cut)
    }

    /// Where trials of the step begin and end, found out while nothing went wrong.
    pub(crate) fn span(&self) -> Span {
        self.state().span.clone()
    }

    /// The call goes on from here. Its reply, where the strike is over and the rest is known.
    pub(crate) fn passes(&self, memo: &Memo) -> Option<Reply> {
        let mut state = self.state();
        if self.fault == Fault::None {
            if state.span.passed.is_none() && state.last == self.step {
                state.span.passed = Some(print(memo));
            }
            return None;
        }
        let (passed, reply) = self.rest.as_ref().filter(|_| state.strikes == 0)?;
        state.cut = print(memo) == *passed;
        state.cut.then(|| reply.clone())
    }

    /// The connector is about to send this from here. A step that will be too slow is given little time.
    pub(crate) fn due(&self, memo: &Memo, request: &mut Request) {
        let mut state = self.state();
        state.memo = memo.clone();
        state.built = built(request);
        if self.fault == Fault::Slow && state.strikes > 0 && request.step == self.step {
            request.timeout = SHORT;
        }
    }

    fn answer(&self, request: &Request) -> Result<Option<Answer>, CallError> {
        let login = request.step == LOGIN;
        let mut state = self.state();
        if !login && self.fault == Fault::None && state.span.passed.is_none() {
            let first = request.step == self.step && state.last != self.step;
            if first {
                state.span.said = state.said.clone();
            }
            state.last.clone_from(&request.step);
        }
        if !login || self.step == LOGIN {
            let sent = sent(request, &state);
            state.sent.push(sent);
        }
        let good = if login { self.session() } else { self.good(&mut state, &request.step) };
        if state.strikes == 0 || request.step != self.step {
            return Ok(Some(good));
        }
        state.strikes -= 1;
        state.acted = self.fault.acts() && !login;
        match self.bad(request, &good) {
            Bad::Nothing => {
                state.struck.idle = true;
                Ok(Some(good))
            }
            Bad::Answer(bad) => {
                state.struck.taken = !login && self.known.after(&state.memo, &bad).is_some();
                Ok(Some(bad))
            }
            Bad::Never => Ok(None),
            Bad::Error(error) => Err(error),
        }
    }

    /// An answer that the connector takes: the one that leads on, or, where something was done before, one that says so.
    fn good(&self, state: &mut State, step: &str) -> Answer {
        let place = (step.to_owned(), state.memo.position);
        let answer = self.leading(state, (step, &place));
        state.said.insert(place, answer.clone());
        answer
    }

    fn leading(&self, state: &mut State, (step, place): (&str, &(String, u32))) -> Answer {
        let memo = state.memo.clone();
        let at = print(&memo);
        if state.acted && step != self.step {
            let answers = self.known.answers(&memo);
            let tells = answers.iter().find_map(|answer| {
                let way = self.known.end(&self.known.after(&memo, answer)?, Some(&self.step))?;
                Some((answer.clone(), way))
            });
            if let Some((answer, way)) = tells {
                state.choices.extend(way);
                return answer;
            }
        }
        if let Some(chosen) = state.choices.get(&at) {
            return chosen.clone();
        }
        let answers = self.known.answers(&memo);
        let leads = state.said.get(place).into_iter().chain(answers.iter()).find_map(|answer| {
            let way = self.known.end(&self.known.after(&memo, answer)?, None)?;
            Some((answer.clone(), way))
        });
        if let Some((answer, way)) = leads {
            state.choices.extend(way);
            return answer;
        }
        answers.first().cloned().unwrap_or_else(|| plain(200, Bytes::from_static(b"{}")))
    }

    fn bad(&self, request: &Request, good: &Answer) -> Bad {
        let html = "<html><head><title>Sign in</title></head><body>Please sign in.</body></html>";
        Bad::Answer(match self.fault {
            Fault::None => return Bad::Nothing,
            Fault::Expired | Fault::Revoked => plain(401, error_body(request)),
            Fault::Throttled => {
                let mut answer = plain(429, error_body(request));
                let seconds = RETRY_AFTER.as_secs_f64().to_string();
                answer.headers.push(("retry-after".to_owned(), seconds));
                answer
            }
            Fault::ThrottledInSilence => plain(429, Bytes::new()),
            Fault::Unavailable => plain(503, Bytes::from_static(html.as_bytes())),
            Fault::Cut => {
                let (why, retry_after) = ("connection refused".to_owned(), None);
                return Bad::Error(CallError::NotActed { why, retry_after });
            }
            Fault::Lost => {
                let why = "the connection was closed before the answer came".to_owned();
                return Bad::Error(CallError::MayHaveActed { why });
            }
            Fault::Slow => return Bad::Never,
            Fault::Page => {
                let headers = vec![("content-type".to_owned(), "text/html".to_owned())];
                Answer { status: 200, headers, body: Bytes::from_static(html.as_bytes()) }
            }
            Fault::Half => match good.body.len() / 2 {
                0 => return Bad::Nothing,
                half => plain(200, good.body.slice(..half)),
            },
            Fault::Empty => plain(200, Bytes::new()),
            Fault::ErrorInOk => plain(200, error_body(request)),
            Fault::Refusal => plain(422, error_body(request)),
            Fault::UnknownWord => match self.unknown(good) {
                Some(answer) => answer,
                None => return Bad::Nothing,
            },
        })
    }

    /// The good answer with another word wherever it says one that the file knows.
    fn unknown(&self, good: &Answer) -> Option<Answer> {
        let mut body = Value::from_json(&good.body).ok()?;
        let is = |word: &Value| self.words.contains(word) && word.as_text().is_some();
        replaced(&mut body, &is).then(|| Answer { body: body.to_json().into(), ..good.clone() })
    }

    fn session(&self) -> Answer {
        let secret = |_: &str| vec!["secret".to_owned()];
        let settings = self.known.inputs.settings();
        let with =
            Credentials { secret: &secret, settings, now: 0, nonce: "n", session: NO_SESSION };
        let invents = self.known.connector.invents();
        let session = invents.and_then(|invents| invents.session(&with));
        session.unwrap_or_else(|| plain(200, Bytes::from_static(b"{}")))
    }
}

fn sent(request: &Request, state: &State) -> Sent {
    let names = |name: &str| request.headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
    Sent {
        step: request.step.clone(),
        built: state.built,
        idempotency: request.idempotency.clone(),
        conditional: names("if-match") || names("if-none-match"),
        at: Instant::now(),
        attempt: state.attempt,
        position: state.memo.position,
    }
}

enum Bad {
    /// There is nothing to spoil.
    Nothing,
    Answer(Answer),
    Error(CallError),
    /// No answer comes.
    Never,
}

fn replaced(value: &mut Value, is: &dyn Fn(&Value) -> bool) -> bool {
    let mut any = false;
    match value {
        Value::List(list) => list.iter_mut().for_each(|item| any |= replaced(item, is)),
        Value::Map(map) => map.iter_mut().for_each(|(_, item)| any |= replaced(item, is)),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Decimal(_) | Value::Text(_) => {
            any = is(value);
            if any {
                *value = Value::text(UNKNOWN);
            }
        }
    }
    any
}

/// An error in the words of many systems, which repeats what it was sent, the credential too.
fn error_body(request: &Request) -> Bytes {
    let headers: Vec<String> =
        request.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let body = String::from_utf8_lossy(&request.body);
    let said = format!("cannot: {} {} {} {body}", request.method, request.url, headers.join(" "));
    let text = |text: &str| Value::text(text);
    let error = Value::Map(vec![
        ("code".to_owned(), text("E_KIT")),
        ("message".to_owned(), Value::Text(said.clone())),
    ]);
    Bytes::from(
        Value::Map(vec![
            ("success".to_owned(), Value::Bool(false)),
            ("message".to_owned(), Value::Text(said)),
            ("error".to_owned(), error.clone()),
            ("errors".to_owned(), Value::List(vec![error])),
        ])
        .to_json(),
    )
}

fn plain(status: u16, body: Bytes) -> Answer {
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    Answer { status, headers, body }
}

/// What a request is known by, before credentials are added to it.
pub(crate) fn built(request: &Request) -> u64 {
    let mut hasher = DefaultHasher::new();
    (request.method, &request.url, &request.headers, &request.body).hash(&mut hasher);
    hasher.finish()
}

impl Transport for Peer {
    fn send<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Answer, CallError>> {
        Box::pin(async move {
            match self.answer(request)? {
                Some(answer) => Ok(answer),
                None => std::future::pending().await,
            }
        })
    }
}
