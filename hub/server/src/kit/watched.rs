//! The connector under test, as the hub calls it: it tells the hostile system what it is about to send, and waits for
//! nobody's job.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use orderhub_connectors::contract::{
    Answer, Call, Connector, Credentials, Heard, Limit, Memo, Needs, NextStep, Operation,
    ReplyXref, Request, Session, StepInfo, Wait, Webhook,
};
use orderhub_connectors::error::{BuildError, CallError, VerifyError};

use super::peer::Peer;

/// How long a job is waited for here.
const MOMENT: Duration = Duration::from_millis(1);

/// A connector that is watched.
#[derive(Debug)]
pub(crate) struct Watched(pub(crate) Arc<Peer>);

impl Watched {
    fn inner(&self) -> &dyn Connector {
        &*self.0.known.connector
    }
}

impl Connector for Watched {
    fn operations(&self) -> &[Operation] {
        self.inner().operations()
    }

    fn steps(&self, operation: &str) -> Vec<StepInfo<'_>> {
        self.inner().steps(operation)
    }

    fn next(&self, call: &Call<'_>, memo: &Memo) -> Result<NextStep, BuildError> {
        if let Some(reply) = self.0.passes(memo) {
            return Ok(NextStep::Done(Box::new(reply)));
        }
        Ok(match self.inner().next(call, memo)? {
            NextStep::Send(mut request) => {
                self.0.due(memo, &mut request);
                NextStep::Send(request)
            }
            NextStep::Wait(wait) => NextStep::Wait(Wait { every: MOMENT, ..wait }),
            other @ (NextStep::Part(_) | NextStep::Done(_)) => other,
        })
    }

    fn answer(&self, call: &Call<'_>, memo: &mut Memo, answer: &Answer) -> Result<(), CallError> {
        self.inner().answer(call, memo, answer)
    }

    fn authorize(&self, request: &mut Request, with: &Credentials<'_>) -> Result<(), BuildError> {
        self.inner().authorize(request, with)
    }

    fn logs_in(&self) -> Option<Duration> {
        self.inner().logs_in()
    }

    fn login(&self, base_url: &str, with: &Credentials<'_>) -> Result<Request, BuildError> {
        self.inner().login(base_url, with)
    }

    fn logged_in(&self, with: &Credentials<'_>, answer: &Answer) -> Result<Session, CallError> {
        self.inner().logged_in(with, answer)
    }

    fn cost(&self, call: &Call<'_>, request: &Request, answer: &Answer) -> Option<u32> {
        self.inner().cost(call, request, answer)
    }

    fn webhook(&self, hook: &Webhook<'_>, with: &Credentials<'_>) -> Result<Heard, VerifyError> {
        self.inner().webhook(hook, with)
    }

    fn heard(&self, hook: &Webhook<'_>, settings: &BTreeMap<String, String>) -> Option<Heard> {
        self.inner().heard(hook, settings)
    }

    fn known(&self, call: &Call<'_>, memo: &Memo) -> Vec<ReplyXref> {
        self.inner().known(call, memo)
    }

    fn limits(&self) -> &[Limit] {
        self.inner().limits()
    }

    fn needs(&self) -> &Needs {
        self.inner().needs()
    }
}
