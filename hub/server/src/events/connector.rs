//! The exchange as a connector: one step, a publish. Pure.

use bytes::Bytes;
use orderhub_connectors::contract::{
    Answer, Call, Connector, Credentials, Heard, Limit, Memo, Needs, NextStep, Operation,
    ReplyXref, Request, Webhook,
};
use orderhub_connectors::error::{BuildError, CallError, VerifyError};

use super::{CONTENT_TYPE, IDEMPOTENCY, publisher};

/// The word that stands where HTTP has its verb.
pub(super) const PUBLISH: &str = "PUBLISH";
/// The header that carries the id of a message.
pub(super) const MESSAGE_ID: &str = "message-id";
/// The header that carries its content type.
pub(super) const KIND: &str = "content-type";

/// What speaks to an exchange.
#[derive(Debug)]
pub(super) struct Exchange {
    operations: Vec<Operation>,
    needs: Needs,
}

impl Exchange {
    pub(super) fn of(operations: Vec<Operation>) -> Self {
        Self { operations, needs: Needs::default() }
    }
}

impl Connector for Exchange {
    fn operations(&self) -> &[Operation] {
        &self.operations
    }

    fn next(&self, call: &Call<'_>, memo: &Memo) -> Result<NextStep, BuildError> {
        if memo.step > 0 {
            return Ok(NextStep::Done(Box::default()));
        }
        if !self.operations.iter().any(|known| known.name == call.operation) {
            return Err(BuildError::UnknownOperation(call.operation.to_owned()));
        }
        Ok(NextStep::Send(Box::new(Request {
            step: "publish".to_owned(),
            method: PUBLISH,
            // The routing key is the event's name: others bind to `order.*` or `#`.
            url: format!("{}/{}", call.base_url, call.operation),
            headers: vec![
                (KIND.to_owned(), CONTENT_TYPE.to_owned()),
                (MESSAGE_ID.to_owned(), call.key.to_owned()),
            ],
            body: Bytes::copy_from_slice(call.document),
            idempotency: IDEMPOTENCY,
            limit: "default".to_owned(),
            limit_key: None,
            own: None,
            timeout: publisher::WITHIN,
        })))
    }

    fn answer(&self, _call: &Call<'_>, memo: &mut Memo, _answer: &Answer) -> Result<(), CallError> {
        memo.step = 1;
        Ok(())
    }

    fn authorize(&self, _request: &mut Request, _with: &Credentials<'_>) -> Result<(), BuildError> {
        Ok(())
    }

    fn webhook(&self, _hook: &Webhook<'_>, _with: &Credentials<'_>) -> Result<Heard, VerifyError> {
        Err(VerifyError::Signature)
    }

    fn known(&self, _call: &Call<'_>, _memo: &Memo) -> Vec<ReplyXref> {
        Vec::new()
    }

    fn limits(&self) -> &[Limit] {
        &[]
    }

    fn needs(&self) -> &Needs {
        &self.needs
    }
}

/// A publish that was confirmed, in the words of an answer.
pub(super) fn confirmed() -> Answer {
    Answer { status: 200, headers: Vec::new(), body: Bytes::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_publish_under_its_name_and_key() {
        let exchange = Exchange::of(vec![super::super::operation("order.created")]);
        let (none, settings) =
            (std::collections::BTreeMap::new(), std::collections::BTreeMap::new());
        let call = |operation| Call {
            operation,
            document: b"{}",
            changed: None,
            media: "application/json",
            key: "k1",
            attempt: 1,
            base_url: "amqp-exchange:hub.events",
            settings: &settings,
            xrefs: &none,
            args: &none,
            fields: &[],
        };
        let mut memo = Memo::default();
        let Ok(NextStep::Send(request)) = exchange.next(&call("order.created"), &memo) else {
            panic!("it is sent");
        };
        assert_eq!(request.url, "amqp-exchange:hub.events/order.created");
        assert!(request.headers.contains(&("message-id".to_owned(), "k1".to_owned())));
        exchange.answer(&call("order.created"), &mut memo, &confirmed()).unwrap();
        assert!(matches!(exchange.next(&call("order.created"), &memo), Ok(NextStep::Done(_))));
        assert!(exchange.next(&call("order.lost"), &Memo::default()).is_err());
    }
}
