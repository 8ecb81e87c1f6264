//! The queue in which notices of changed orders stand: Amazon SQS by its JSON protocol, behind signature V4.
//!
//! A standard queue: a message may come twice and in any order, and what was received is hidden for thirty seconds (twin
//! time) and comes again unless it is deleted. Facts: the API reference of SQS, `ReceiveMessage` and `DeleteMessage`; the
//! notice is the vendor's `OrderChangeNotification.json`, of which the summary of items is left out.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Json, http};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Amazon, written};
use crate::frame::lock;
use crate::serve::Wire;

/// How long a message that was received is hidden (twin time).
const HIDDEN: Duration = Duration::from_secs(30);
/// Messages of an answer, at most.
const MOST: usize = 10;
/// Messages that are kept.
const MOST_KEPT: usize = 100_000;
/// Every so many notices one is there twice.
const TWICE: u64 = 5;

/// What stands in the queue.
#[derive(Debug, Default)]
pub(super) struct Queue {
    messages: Vec<Message>,
    last: u64,
}

#[derive(Clone, Debug)]
struct Message {
    id: String,
    body: String,
    receipt: String,
    /// Twin time since the start.
    hidden_until: Duration,
}

impl Amazon {
    /// Puts the notice of an order that was made or changed into the queue.
    pub(super) fn notify(&self, order: &Value) {
        let now = written(self.frame.clock.ours());
        let notice = |id: &str| {
            json!({
                "NotificationVersion": "1.0", "NotificationType": "ORDER_CHANGE", "PayloadVersion": "1.0", "EventTime": now,
                "Payload": { "OrderChangeNotification": {
                    "NotificationLevel": "OrderLevel", "SellerId": "A1SELLER", "AmazonOrderId": order["orderId"],
                    "OrderChangeType": "OrderStatusChange",
                    "OrderChangeTrigger": { "TimeOfOrderChange": now, "ChangeReason": "OrderStatusChange" },
                    "Summary": { "MarketplaceId": order["salesChannel"]["marketplaceId"] },
                } },
                "NotificationMetadata": { "ApplicationId": "app", "SubscriptionId": "s", "PublishTime": now, "NotificationId": id },
            })
            .to_string()
        };
        let last = self.next();
        let copies = if last.is_multiple_of(TWICE) { 2 } else { 1 };
        for copy in 0..copies {
            self.enqueue(format!("m-{last}-{copy}"), notice(&format!("n-{last}")));
        }
    }

    /// Puts a message into the queue that somebody else sent.
    pub fn message(&self, body: &str) {
        let last = self.next();
        self.enqueue(format!("m-{last}-0"), body.to_owned());
    }

    fn next(&self) -> u64 {
        let mut queue = lock(&self.queue);
        queue.last += 1;
        queue.last
    }

    fn enqueue(&self, id: String, body: String) {
        let mut queue = lock(&self.queue);
        let (receipt, hidden_until) = (String::new(), Duration::ZERO);
        queue.messages.push(Message { id, body, receipt, hidden_until });
        let beyond = queue.messages.len().saturating_sub(MOST_KEPT);
        queue.messages.drain(..beyond);
    }

    /// Messages that were not deleted.
    pub fn waiting(&self) -> usize {
        lock(&self.queue).messages.len()
    }

    fn received(&self, most: usize) -> Value {
        let now = self.frame.clock.elapsed();
        let mut queue = lock(&self.queue);
        queue.last += 1;
        let turn = queue.last;
        let open = queue.messages.iter_mut().rev().filter(|message| message.hidden_until <= now);
        let given: Vec<Value> = open
            .take(most.clamp(1, MOST))
            .map(|message| {
                message.hidden_until = now + HIDDEN;
                message.receipt = format!("{}/{turn}", message.id);
                json!({ "MessageId": message.id, "ReceiptHandle": message.receipt, "Body": message.body })
            })
            .collect();
        // An empty queue says nothing of messages.
        if given.is_empty() { json!({}) } else { json!({ "Messages": given }) }
    }

    fn deleted(&self, receipt: &str) {
        lock(&self.queue)
            .messages
            .retain(|message| message.receipt != receipt || receipt.is_empty());
    }
}

/// `POST /`: the operation stands in a header.
pub(super) async fn ask(
    State(amazon): State<Amazon>,
    wire: Wire,
    method: http::Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let target = header(&headers, "x-amz-target").to_owned();
    let frame = amazon.frame.clone();
    let operation = target.strip_prefix("AmazonSQS.").unwrap_or("nothing").to_owned();
    let of = format!("queue {operation}");
    let effect = async move {
        let no = |status, kind: &str, why: &str| {
            let kind = format!("com.amazon.coral.service#{kind}");
            (status, Json(json!({ "__type": kind, "message": why }))).into_response()
        };
        if let Some(secret) = amazon.secret.as_deref()
            && !is_signed(secret, &method, &headers, &body)
        {
            let why =
                "The request signature we calculated does not match the signature you provided.";
            return no(StatusCode::FORBIDDEN, "InvalidSignatureException", why);
        }
        let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
        if asked["QueueUrl"].as_str().is_none_or(str::is_empty) {
            return no(StatusCode::BAD_REQUEST, "MissingRequiredParameterException", "QueueUrl");
        }
        match operation.as_str() {
            "ReceiveMessage" => {
                let most =
                    asked["MaxNumberOfMessages"].as_u64().and_then(|n| usize::try_from(n).ok());
                Json(amazon.received(most.unwrap_or(1))).into_response()
            }
            "DeleteMessage" => {
                amazon.deleted(asked["ReceiptHandle"].as_str().unwrap_or_default());
                StatusCode::OK.into_response()
            }
            _ => no(StatusCode::BAD_REQUEST, "UnknownOperationException", "no such operation"),
        }
    };
    frame.run(&of, &wire, effect).await
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Whether a request to `/` is signed as signature V4 asks: of the headers that it names, `host` and `x-amz-date` among
/// them, and of its whole body. (How old it is, is not looked at: the twin's clock is another one.)
fn is_signed(secret: &str, method: &http::Method, headers: &HeaderMap, body: &[u8]) -> bool {
    let said = header(headers, "authorization");
    let part = |name: &str| said.split([' ', ',']).find_map(|part| part.strip_prefix(name));
    let parts = (part("Credential="), part("SignedHeaders="), part("Signature="));
    let (Some(credential), Some(signed), Some(signature)) = parts else { return false };
    let names: Vec<&str> = signed.split(';').collect();
    let scope: Vec<&str> = credential.split('/').skip(1).collect();
    let [day, region, service, "aws4_request"] = scope[..] else { return false };
    let date = header(headers, "x-amz-date");
    if !["host", "x-amz-date"].iter().all(|name| names.contains(name)) || !date.starts_with(day) {
        return false;
    }
    let lines: Vec<String> =
        names.iter().map(|name| format!("{name}:{}\n", header(headers, name))).collect();
    let hash = |bytes: &[u8]| hex::encode(Sha256::digest(bytes));
    let canonical = format!("{method}\n/\n\n{}\n{signed}\n{}", lines.concat(), hash(body));
    let text = format!(
        "AWS4-HMAC-SHA256\n{date}\n{day}/{region}/{service}/aws4_request\n{}",
        hash(canonical.as_bytes())
    );
    let chain = [day, region, service, "aws4_request", text.as_str()];
    let first = format!("AWS4{secret}").into_bytes();
    let last = chain.iter().try_fold(first, |key, data| {
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
        mac.update(data.as_bytes());
        Some(mac.finalize().into_bytes().to_vec())
    });
    last.is_some_and(|last| hex::encode(last) == signature)
}
