//! An ERP: sales, their audit, and stock as a read.
//!
//! It knows no idempotency keys and does not mind two sales with one reference, as many ERPs do: who
//! does not look first makes a second sale, and the ledger says so. Updates carry the sender's version;
//! an older one is taken too, and the ledger says that as well. The audit of a new sale passes on the
//! twin's clock, and is told by webhook (HMAC-SHA256 in hex, `X-Erp-Signature`).

mod routes;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::clock::stamp;
use crate::frame::{Frame, lock, member, text, whole};
use crate::ledger::Effect;
use crate::outbox::Message;
use crate::sign::Sign;

/// Kinds of effect in the ledger.
pub const CREATED: &str = "sale.created";
/// A sale was changed.
pub const UPDATED: &str = "sale.updated";
/// A sale was cancelled.
pub const CANCELLED: &str = "sale.cancelled";

/// Kinds that may take effect once per reference.
pub const ONCE: &[&str] = &[CREATED, CANCELLED];

/// The proof of the ERP's webhooks.
pub fn proof(secret: &str) -> Sign {
    Sign::HmacHex { header: "X-Erp-Signature", secret: secret.to_owned() }
}

/// How long the audit of a sale takes (twin time).
const AUDIT: Duration = Duration::from_secs(45 * 60);

/// An ERP. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Erp {
    /// What every twin has.
    pub frame: Frame,
    sales: Arc<Mutex<Sales>>,
}

#[derive(Debug, Default)]
struct Sales {
    by_id: BTreeMap<u64, Sale>,
    by_reference: BTreeMap<String, Vec<u64>>,
    last_event: u64,
}

/// A sale as the ERP keeps it.
#[derive(Clone, Debug)]
pub struct Sale {
    /// `S000017`
    pub id: String,
    /// The sender's reference.
    pub reference: String,
    /// The shop it came from, by its name at the sender.
    pub channel: String,
    /// The shop's number.
    pub order_no: String,
    /// The sender's version of what it sent last.
    pub version: u64,
    /// `confirmed` or `cancelled`
    pub state: &'static str,
    /// `pending` or `passed`
    pub finance_audit: &'static str,
    /// Counts changes of the sale here.
    pub revision: u64,
    /// What was sent last.
    pub document: Value,
}

impl Erp {
    /// An ERP without sales.
    pub fn new(frame: Frame) -> Self {
        Self { frame, sales: Arc::default() }
    }

    /// The ERP's API and the twin's own calls.
    pub fn router(&self) -> Router {
        routes::router(self)
    }

    /// All sales, in the order of their making.
    pub fn sales(&self) -> Vec<Sale> {
        lock(&self.sales).by_id.values().cloned().collect()
    }

    /// Makes a sale. Asked twice, makes two.
    fn create(&self, key: Option<String>, document: Value) -> Result<Sale, &'static str> {
        let reference = member(&document, "reference");
        if reference.is_empty() {
            return Err("`reference` is needed");
        }
        check_lines(&document)?;
        let sale = {
            let mut sales = lock(&self.sales);
            let number = sales.by_id.len() as u64 + 1;
            let sale = Sale {
                id: format!("S{number:06}"),
                reference: reference.clone(),
                channel: member(&document, "channel"),
                order_no: member(&document, "order_no"),
                version: whole(&document, "version").unwrap_or(0),
                state: "confirmed",
                finance_audit: "pending",
                revision: 1,
                document,
            };
            sales.by_id.insert(number, sale.clone());
            sales.by_reference.entry(reference).or_default().push(number);
            self.write(CREATED, key, &sale, Some(sale.version).filter(|version| *version > 0));
            sale
        };
        self.audit_later(sale.id.clone());
        Ok(sale)
    }

    /// Changes a sale to look like the document. The same version again changes nothing.
    fn update(&self, id: &str, key: Option<String>, document: Value) -> Result<Sale, StatusCode> {
        if check_lines(&document).is_err() {
            return Err(StatusCode::UNPROCESSABLE_ENTITY);
        }
        let mut sales = lock(&self.sales);
        let sale = sales.find(id).ok_or(StatusCode::NOT_FOUND)?;
        if sale.state == "cancelled" {
            return Err(StatusCode::CONFLICT);
        }
        let version = whole(&document, "version").unwrap_or(0);
        if version == sale.version && document == sale.document {
            self.frame.ledger.repeated();
            return Ok(sale.clone());
        }
        sale.version = version;
        sale.revision += 1;
        sale.document = document;
        self.write(UPDATED, key, sale, Some(version).filter(|version| *version > 0));
        Ok(sale.clone())
    }

    /// Cancels a sale; cancelled already is fine.
    fn cancel(&self, id: &str, key: Option<String>) -> Result<Sale, StatusCode> {
        let mut sales = lock(&self.sales);
        let sale = sales.find(id).ok_or(StatusCode::NOT_FOUND)?;
        if sale.state == "cancelled" {
            self.frame.ledger.repeated();
            return Ok(sale.clone());
        }
        sale.state = "cancelled";
        sale.revision += 1;
        self.write(CANCELLED, key, sale, None);
        Ok(sale.clone())
    }

    fn write(&self, kind: &str, key: Option<String>, sale: &Sale, version: Option<u64>) {
        self.frame.ledger.wrote(Effect {
            kind: kind.to_owned(),
            key,
            reference: sale.reference.clone(),
            subject: sale.id.clone(),
            version,
        });
    }

    /// Stock of an article: made up, the same for the same article, falling as sales come.
    fn stock(&self, sku: &str) -> Value {
        let sold: u64 = lock(&self.sales)
            .by_id
            .values()
            .filter(|sale| sale.state != "cancelled")
            .flat_map(|sale| lines(&sale.document))
            .filter(|line| member(line, "sku") == sku)
            .filter_map(|line| whole(line, "quantity"))
            .sum();
        let first = 10_000 + sku.bytes().map(u64::from).sum::<u64>();
        json!({
            "sku": sku,
            "on_hand": first.saturating_sub(sold).to_string(),
            "as_of": stamp(self.frame.clock.now()),
        })
    }

    fn audit_later(&self, id: String) {
        let erp = self.clone();
        tokio::spawn(async move {
            erp.frame.clock.sleep(AUDIT).await;
            erp.audit(&id).await;
        });
    }

    async fn audit(&self, id: &str) {
        let (sale, event) = {
            let mut sales = lock(&self.sales);
            sales.last_event += 1;
            let event = sales.last_event;
            let Some(sale) = sales.find(id) else { return };
            if sale.state == "cancelled" {
                return;
            }
            sale.finance_audit = "passed";
            sale.revision += 1;
            (sale.clone(), event)
        };
        let Some(outbox) = &self.frame.outbox else { return };
        let event = format!("{}-{event}", self.frame.name);
        let body = json!({ "event": "sale.updated", "event_id": event, "sale": shown(&sale) });
        outbox
            .say(Message {
                headers: vec![
                    ("X-Erp-Event".to_owned(), "sale.updated".to_owned()),
                    ("X-Erp-Event-Id".to_owned(), event.clone()),
                ],
                id: event,
                topic: "sale.updated".to_owned(),
                subject: sale.reference.clone(),
                sequence: sale.revision,
                body: Bytes::from(body.to_string()),
            })
            .await;
    }
}

impl Sales {
    fn find(&mut self, id: &str) -> Option<&mut Sale> {
        let number = id.strip_prefix('S')?.parse().ok()?;
        self.by_id.get_mut(&number)
    }
}

/// A sale as the API shows it.
fn shown(sale: &Sale) -> Value {
    let lines: Vec<Value> = lines(&sale.document)
        .enumerate()
        .map(|(at, line)| {
            json!({
                "id": format!("{}-{}", sale.id, at + 1),
                "line_ref": line.get("line_ref").map(text),
                "sku": member(line, "sku"),
            })
        })
        .collect();
    json!({
        "id": sale.id,
        "reference": sale.reference,
        "state": sale.state,
        "finance_audit": sale.finance_audit,
        "revision": sale.revision,
        "lines": lines,
    })
}

fn lines(document: &Value) -> impl Iterator<Item = &Value> {
    document.get("lines").and_then(Value::as_array).into_iter().flatten()
}

/// A sale without articles or with a quantity that is none is refused, as an ERP does.
fn check_lines(document: &Value) -> Result<(), &'static str> {
    if lines(document).next().is_none() {
        return Err("`lines` is empty");
    }
    if lines(document).any(|line| whole(line, "quantity").is_none()) {
        return Err("every line needs a whole `quantity`");
    }
    Ok(())
}
