//! How the types of the contract print: shapes and names, never a secret or a personal value.
//!
//! **Invariant:** a header's value, a query, a body, a document, a saved value or a setting never
//! reaches a log by `{:?}`. Test: `no_secret_and_no_personal_value_prints`.

use std::fmt::{Debug, Formatter, Result};

use crate::contract::{Answer, Call, Credentials, Memo, Notice, Reply, Request, Session, Webhook};

impl Debug for Call<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_struct("Call")
            .field("operation", &self.operation)
            .field("key", &self.key)
            .field("attempt", &self.attempt)
            .field("document_bytes", &self.document.len())
            .finish_non_exhaustive()
    }
}

impl Debug for Memo {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_struct("Memo")
            .field("step", &self.step)
            .field("position", &self.position)
            .field("saved", &self.saved.keys())
            .field("body_bytes", &self.body.as_ref().map(bytes::Bytes::len))
            .finish()
    }
}

impl Debug for Request {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Request")
            .field("step", &self.step)
            .field("method", &self.method)
            // What stands behind the question mark may be a signature or a person's name.
            .field("url", &self.url.split('?').next().unwrap_or_default())
            .field("headers", &names)
            .field("body_bytes", &self.body.len())
            .field("idempotency", &self.idempotency)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

impl Debug for Session {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_struct("Session")
            .field("values", &self.values.keys())
            .field("lives", &self.lives)
            .finish()
    }
}

impl Debug for Answer {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

impl Debug for Reply {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_struct("Reply")
            .field("xrefs", &self.xrefs)
            .field("document_bytes", &self.document.as_ref().map(bytes::Bytes::len))
            .field("documents", &self.documents.len())
            .field("next", &self.next.is_some())
            .field("already", &self.already)
            .field("none", &self.none)
            .finish()
    }
}

impl Debug for Webhook<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_struct("Webhook")
            .field("path", &self.path)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

impl Debug for Notice {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_struct("Notice")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .field("document_bytes", &self.document.len())
            .finish_non_exhaustive()
    }
}

impl Debug for Credentials<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str("Credentials(..)")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use orderhub_lang::value::Value;

    use super::*;
    use crate::contract::Idempotency;

    fn request(planted: &str, headers: &[(String, String)], body: &bytes::Bytes) -> Request {
        Request {
            step: "s".to_owned(),
            method: "GET",
            url: format!("https://x.example.com/a?sign={planted}"),
            headers: headers.to_vec(),
            body: body.clone(),
            idempotency: Idempotency::Safe,
            limit: "default".to_owned(),
            limit_key: Some(planted.to_owned()),
            own: None,
            timeout: Duration::from_secs(1),
        }
    }

    #[test]
    fn no_secret_and_no_personal_value_prints() {
        let planted = "PLANTED";
        let bytes = bytes::Bytes::from_static(planted.as_bytes());
        let headers = vec![("authorization".to_owned(), planted.to_owned())];
        let texts = BTreeMap::from([("a".to_owned(), planted.to_owned())]);
        let values = BTreeMap::from([("a".to_owned(), Value::text(planted))]);
        let request = request(planted, &headers, &bytes);
        let call = Call {
            operation: "o",
            document: planted.as_bytes(),
            changed: None,
            media: "application/json",
            key: "k",
            attempt: 1,
            base_url: planted,
            settings: &texts,
            xrefs: &values,
            args: &values,
            fields: &[],
        };
        let memo = Memo { saved: values.clone(), body: Some(bytes.clone()), ..Memo::default() };
        let hook = Webhook { path: "/", query: planted, headers: &headers, body: &bytes };
        let secret = |_: &str| vec![planted.to_owned()];
        let printed = [
            format!("{request:?}"),
            format!("{call:?}"),
            format!("{memo:?}"),
            format!("{:?}", Answer { status: 200, headers: headers.clone(), body: bytes.clone() }),
            format!(
                "{:?}",
                Reply {
                    document: Some(bytes.clone()),
                    documents: vec![bytes.clone()],
                    ..Reply::default()
                }
            ),
            format!("{hook:?}"),
            format!("{:?}", Notice { id: None, kind: "k".to_owned(), document: bytes.clone() }),
            format!("{:?}", Session { values: texts.clone(), lives: None }),
            format!(
                "{:?}",
                Credentials {
                    secret: &secret,
                    settings: &texts,
                    now: 0,
                    nonce: planted,
                    session: &texts
                }
            ),
        ];
        for text in printed {
            assert!(!text.contains(planted), "{text}");
        }
    }
}
