//! A TMS: makes labels, then follows the parcels.
//!
//! It knows no idempotency keys; two requests for one reference make two labels unless the asker looks
//! first. Tracking goes on by its own clock from the label on, so it may be ahead of what the warehouse
//! says. Webhooks: HMAC-SHA256 in base64, `X-Tms-Signature`.

mod routes;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::clock::stamp;
use crate::frame::{Frame, lock, member};
use crate::ledger::Effect;
use crate::outbox::Message;
use crate::sign::Sign;

/// A label was made.
pub const CREATED: &str = "label.created";
/// A label was cancelled.
pub const CANCELLED: &str = "label.cancelled";

/// Kinds that may take effect once per reference.
pub const ONCE: &[&str] = &[CREATED, CANCELLED];

/// The proof of the TMS's webhooks.
pub fn proof(secret: &str) -> Sign {
    Sign::HmacBase64 { header: "X-Tms-Signature", secret: secret.to_owned() }
}

/// How long after the label the carrier scans, carries and delivers (twin time).
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// From the label to the first scan.
    pub scan: Duration,
    /// From the first scan to the door.
    pub door: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { scan: Duration::from_secs(4 * 3600), door: Duration::from_secs(5 * 3600) }
    }
}

/// A TMS. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Tms {
    /// What every twin has.
    pub frame: Frame,
    pace: Pace,
    parcels: Arc<Mutex<Parcels>>,
}

#[derive(Debug, Default)]
struct Parcels {
    by_id: BTreeMap<u64, Parcel>,
    by_reference: BTreeMap<String, Vec<u64>>,
}

/// A parcel as the TMS keeps it.
#[derive(Clone, Debug)]
pub struct Parcel {
    /// `T000017`
    pub id: String,
    /// The sender's reference of the shipment.
    pub reference: String,
    /// The sender's reference of the order.
    pub order_ref: String,
    /// `label_created`, `in_transit`, `delivered`, `cancelled`
    pub status: &'static str,
    /// The carrier's number.
    pub tracking_no: String,
    /// Counts changes.
    pub revision: u64,
    events: Vec<Value>,
}

impl Tms {
    /// A TMS without parcels.
    pub fn new(frame: Frame, pace: Pace) -> Self {
        Self { frame, pace, parcels: Arc::default() }
    }

    /// The TMS's API and the twin's own calls.
    pub fn router(&self) -> Router {
        routes::router(self)
    }

    /// All parcels, in the order of their making.
    pub fn parcels(&self) -> Vec<Parcel> {
        lock(&self.parcels).by_id.values().cloned().collect()
    }

    /// Makes a label. Asked twice, makes two.
    fn create(&self, key: Option<String>, document: &Value) -> Result<Parcel, &'static str> {
        let reference = member(document, "ref");
        if reference.is_empty() {
            return Err("`ref` is needed");
        }
        let country = document.get("ship_to").map(|to| member(to, "country")).unwrap_or_default();
        if country.len() != 2 {
            return Err("`ship_to.country` is needed, two letters");
        }
        let parcel = {
            let mut parcels = lock(&self.parcels);
            let number = parcels.by_id.len() as u64 + 1;
            let parcel = Parcel {
                id: format!("T{number:06}"),
                reference: reference.clone(),
                order_ref: member(document, "order_ref"),
                status: "label_created",
                tracking_no: format!("PL{number:09}{country}"),
                revision: 1,
                events: Vec::new(),
            };
            parcels.by_id.insert(number, parcel.clone());
            parcels.by_reference.entry(reference).or_default().push(number);
            self.write(CREATED, key, &parcel);
            parcel
        };
        let tms = self.clone();
        let id = parcel.id.clone();
        tokio::spawn(async move { tms.follow(&id).await });
        Ok(parcel)
    }

    fn cancel(&self, id: &str, key: Option<String>) -> Result<Parcel, StatusCode> {
        let mut parcels = lock(&self.parcels);
        let parcel = parcels.find(id).ok_or(StatusCode::NOT_FOUND)?;
        match parcel.status {
            "cancelled" => self.frame.ledger.repeated(),
            "label_created" => {
                parcel.status = "cancelled";
                parcel.revision += 1;
                self.write(CANCELLED, key, parcel);
            }
            _ => return Err(StatusCode::CONFLICT),
        }
        Ok(parcel.clone())
    }

    /// Cancels the labels of an order that nobody has scanned: how many those were, and how many were
    /// too late.
    fn cancel_order(&self, order_ref: &str, key: Option<&str>) -> (u64, u64) {
        let parcels = self.parcels();
        let ids = parcels.into_iter().filter(|parcel| parcel.order_ref == order_ref);
        let (mut done, mut late) = (0, 0);
        for id in ids.map(|parcel| parcel.id) {
            let key = key.map(|key| format!("{key}/{id}"));
            match self.cancel(&id, key) {
                Ok(_) => done += 1,
                Err(_) => late += 1,
            }
        }
        (done, late)
    }

    fn write(&self, kind: &str, key: Option<String>, parcel: &Parcel) {
        self.frame.ledger.wrote(Effect {
            kind: kind.to_owned(),
            key,
            reference: parcel.reference.clone(),
            subject: parcel.id.clone(),
            version: None,
        });
    }

    /// The parcel's way to the door, unless its label is cancelled.
    async fn follow(&self, id: &str) {
        self.frame.clock.sleep(self.pace.scan).await;
        self.scan(id, "in_transit", "sorting centre").await;
        self.frame.clock.sleep(self.pace.door).await;
        self.scan(id, "delivered", "front door").await;
    }

    async fn scan(&self, id: &str, status: &'static str, place: &str) {
        let at = stamp(self.frame.clock.now());
        let parcel = {
            let mut parcels = lock(&self.parcels);
            let Some(parcel) = parcels.find(id).filter(|parcel| parcel.status != "cancelled")
            else {
                return;
            };
            parcel.status = status;
            parcel.revision += 1;
            parcel.events.push(json!({
                "id": format!("{id}-{}", parcel.revision), "status": status, "at": at, "place": place,
            }));
            parcel.clone()
        };
        let Some(outbox) = &self.frame.outbox else { return };
        let event = format!("{id}-{}", parcel.revision);
        let body = json!({
            "event": "tracking.updated", "event_id": event,
            "shipment": shown(&parcel, &self.frame.name),
        });
        outbox
            .say(Message {
                headers: vec![
                    ("X-Tms-Event".to_owned(), "tracking.updated".to_owned()),
                    ("X-Tms-Event-Id".to_owned(), event.clone()),
                ],
                id: event,
                topic: "tracking.updated".to_owned(),
                subject: parcel.reference.clone(),
                sequence: parcel.revision,
                body: Bytes::from(body.to_string()),
            })
            .await;
    }
}

impl Parcels {
    fn find(&mut self, id: &str) -> Option<&mut Parcel> {
        let number = id.strip_prefix('T')?.parse().ok()?;
        self.by_id.get_mut(&number)
    }
}

/// A parcel as the API and the webhooks show it.
fn shown(parcel: &Parcel, name: &str) -> Value {
    let delivered = parcel.events.iter().find(|event| member(event, "status") == "delivered");
    json!({
        "id": parcel.id,
        "ref": parcel.reference,
        "status": parcel.status,
        "carrier": "parcel_line",
        "carrier_name": "Parcel Line",
        "service": "standard",
        "tracking_no": parcel.tracking_no,
        "tracking_url": format!("https://{name}.example/track/{}", parcel.tracking_no),
        "label_url": format!("https://{name}.example/labels/{}.pdf", parcel.id),
        "revision": parcel.revision,
        "delivered_at": delivered.map(|event| member(event, "at")),
        "events": parcel.events,
    })
}
