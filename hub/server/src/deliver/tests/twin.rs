//! The outside world of these tests: a twin that counts its effects and fails on demand.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use orderhub_connectors::contract::{Answer, Request};
use orderhub_connectors::error::CallError;

use crate::transport::Transport;

/// What the twin does with the next request that is no look-up.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    /// None: it works.
    Works,
    /// Takes effect, answers 504.
    LostAfterEffect,
    /// No effect, answers 504.
    LostBeforeEffect,
    /// No effect, no connection.
    Refused,
    /// No effect, 503 with a wish.
    Throttled(u64),
    /// No effect, an answer that says no.
    SaysNo,
    /// No effect, 401.
    NotAllowed,
    /// Takes effect, never answers.
    Hangs,
    /// Answers without an id.
    Nameless,
    /// No effect, this answer.
    Says(u16, &'static str),
}

/// What becomes of a login that does not go well.
#[derive(Clone, Copy, Debug)]
pub(super) enum Login {
    /// Answered so.
    Status(u16),
    /// The connection breaks after the request left.
    Breaks,
    /// Never answered.
    Hangs,
    /// Answered so, with this body.
    Says(u16, &'static str),
}

/// Sessions that the twin gives for a secret.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    /// What becomes of the next logins, before it gives sessions.
    pub(super) faults: VecDeque<Login>,
    /// How long a login takes.
    pub(super) takes: Duration,
    /// How many it gave.
    pub(super) given: u32,
    /// The one that it takes; none as long as none was given.
    pub(super) valid: Option<String>,
}

impl Sessions {
    fn login(&mut self) -> Answer {
        self.given += 1;
        let session = format!("S{}", self.given);
        self.valid = Some(session.clone());
        json(200, &format!(r#"{{"session":"{session}"}}"#))
    }
}

/// The outside world: effects by key, in order.
#[derive(Debug, Default)]
pub(super) struct Twin {
    pub(super) faults: Mutex<VecDeque<Fault>>,
    /// Path and key of effects, each time one was made.
    pub(super) effects: Mutex<Vec<String>>,
    /// What the next look-ups for a sale are answered, instead of what there is.
    pub(super) looks: Mutex<VecDeque<&'static str>>,
    /// How long a look-up for a sale takes.
    pub(super) look_takes: Mutex<Duration>,
    /// Every request: method, URL, key.
    pub(super) requests: Mutex<Vec<(String, String, String)>>,
    /// The bodies that came with the requests.
    pub(super) bodies: Mutex<Vec<String>>,
    /// The one token that it takes; none: any.
    pub(super) takes: Mutex<Option<&'static str>>,
    pub(super) sessions: Mutex<Sessions>,
    /// Everything fails while it is down.
    pub(super) down: Mutex<bool>,
}

impl Twin {
    pub(super) fn fail_with(&self, faults: impl IntoIterator<Item = Fault>) {
        self.faults.lock().unwrap().extend(faults);
    }

    pub(super) fn effects(&self) -> Vec<String> {
        self.effects.lock().unwrap().clone()
    }

    pub(super) fn requests(&self) -> usize {
        self.requests.lock().unwrap().len()
    }

    async fn login(&self) -> Result<Answer, CallError> {
        let (fault, takes) = {
            let mut sessions = self.sessions.lock().unwrap();
            (sessions.faults.pop_front(), sessions.takes)
        };
        tokio::time::sleep(takes).await;
        match fault {
            None => Ok(self.sessions.lock().unwrap().login()),
            Some(Login::Status(status)) => Ok(json(status, "{}")),
            Some(Login::Breaks) => {
                Err(CallError::MayHaveActed { why: "the connection broke".to_owned() })
            }
            Some(Login::Hangs) => std::future::pending().await,
            Some(Login::Says(status, body)) => Ok(json(status, body)),
        }
    }

    fn effect(&self, url: &str, key: &str) -> Answer {
        let path = url.trim_start_matches("http://twin");
        self.effects.lock().unwrap().push(format!("{path} {key}"));
        json(200, &format!(r#"{{"id":"S{}"}}"#, self.sales().len()))
    }

    /// The one sale that there is, as tests that look have one order only.
    fn look_up(&self) -> Answer {
        if let Some(said) = self.looks.lock().unwrap().pop_front() {
            return json(200, said);
        }
        let sales = self.sales();
        match sales.first() {
            Some(_) => json(200, r#"{"items":[{"id":"S1"}]}"#),
            None => json(200, r#"{"items":[]}"#),
        }
    }

    /// The keys under which sales were made, each time one was.
    pub(super) fn sales(&self) -> Vec<String> {
        let effects = self.effects.lock().unwrap();
        let sales = effects.iter().filter_map(|effect| effect.strip_prefix("/sales "));
        sales.map(str::to_owned).collect()
    }

    fn not_acted() -> CallError {
        CallError::NotActed { why: "no connection".to_owned(), retry_after: None }
    }
}

fn json(status: u16, body: &str) -> Answer {
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    Answer { status, headers, body: Bytes::copy_from_slice(body.as_bytes()) }
}

impl Transport for Twin {
    fn send<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Answer, CallError>> {
        let header = |name: &str| {
            let mut headers = request.headers.iter();
            let found = headers.find(|(known, _)| known.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let login = request.url.ends_with("/login");
        let mut taken = self.takes.lock().unwrap().is_none_or(|taken| header("x-token") == taken);
        if let Some(valid) = self.sessions.lock().unwrap().valid.as_ref().filter(|_| !login) {
            taken = header("x-token") == *valid;
        }
        let key = header("x-key");
        let row = (request.method.to_owned(), request.url.clone(), key.clone());
        self.requests.lock().unwrap().push(row);
        let body = String::from_utf8_lossy(&request.body).into_owned();
        self.bodies.lock().unwrap().push(body);
        Box::pin(async move {
            if !taken {
                return Ok(json(401, "{}"));
            }
            if *self.down.lock().unwrap() {
                return Err(Self::not_acted());
            }
            if login {
                return self.login().await;
            }
            if request.method == "GET" && request.url.contains("/sales") {
                let takes = *self.look_takes.lock().unwrap();
                tokio::time::sleep(takes).await;
                return Ok(self.look_up());
            }
            let fault = self.faults.lock().unwrap().pop_front();
            match fault {
                None if request.method == "GET" => Ok(json(200, r#"{"on_hand":7}"#)),
                None | Some(Fault::Works) => Ok(self.effect(&request.url, &key)),
                Some(Fault::LostBeforeEffect) => Ok(json(504, "{}")),
                Some(Fault::LostAfterEffect) => {
                    self.effect(&request.url, &key);
                    Ok(json(504, "{}"))
                }
                Some(Fault::Refused) => Err(Self::not_acted()),
                Some(Fault::Throttled(seconds)) => {
                    let mut answer = json(429, "{}");
                    answer.headers.push(("retry-after".to_owned(), seconds.to_string()));
                    Ok(answer)
                }
                Some(Fault::SaysNo) => Ok(json(422, r#"{"message":"no"}"#)),
                Some(Fault::NotAllowed) => Ok(json(401, "{}")),
                Some(Fault::Hangs) => {
                    self.effect(&request.url, &key);
                    std::future::pending().await
                }
                Some(Fault::Nameless) => Ok(json(200, "{}")),
                Some(Fault::Says(status, body)) => Ok(json(status, body)),
            }
        })
    }
}
