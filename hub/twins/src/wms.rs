//! A WMS: takes releases, then works on its own clock: accepts, picks, packs, waits for the label, ships.
//! Sometimes an article is short, sometimes a release leaves in two parcels.
//!
//! It honours `Idempotency-Key`: the same key gives the same release. Another key for the same
//! reference makes a second release, and the ledger says doubled. Webhooks carry the whole release with
//! a rising `revision` and its parcels; proof is a static token, `X-Wms-Token`.

mod floor;
mod release;
mod routes;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use serde_json::Value;

use release::lines;
pub use release::{Line, Parcel, Release};

use crate::frame::{Frame, lock, member};
use crate::ledger::Effect;
use crate::sign::Sign;

/// A release was taken.
pub const CREATED: &str = "release.created";
/// Quantities of a release were changed.
pub const UPDATED: &str = "release.updated";
/// A release was cancelled.
pub const CANCELLED: &str = "release.cancelled";
/// A parcel got its label.
pub const LABELLED: &str = "parcel.labelled";

/// Kinds that may take effect once per reference.
pub const ONCE: &[&str] = &[CREATED, CANCELLED];

/// The proof of the WMS's webhooks.
pub fn proof(secret: &str) -> Sign {
    Sign::Token { header: "X-Wms-Token", token: secret.to_owned() }
}

/// How the warehouse works (times are twin time).
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// From the release to its acceptance.
    pub accept: Duration,
    /// From there to the first pick.
    pub pick: Duration,
    /// From there to the packed parcel.
    pub pack: Duration,
    /// From the label to the handover.
    pub ship: Duration,
    /// How long it waits for a label before it ships without.
    pub patience: Duration,
    /// Releases of a hundred in which one article is one piece short.
    pub short_percent: u8,
    /// Releases of a hundred with several lines that leave in two parcels.
    pub split_percent: u8,
    /// Releases of a hundred that are rejected.
    pub rejected_percent: u8,
    /// Makes the choices repeatable.
    pub seed: u64,
}

impl Default for Manner {
    fn default() -> Self {
        Self {
            accept: Duration::from_secs(10 * 60),
            pick: Duration::from_secs(30 * 60),
            pack: Duration::from_secs(60 * 60),
            ship: Duration::from_secs(60 * 60),
            patience: Duration::from_secs(7 * 24 * 3600),
            short_percent: 4,
            split_percent: 5,
            rejected_percent: 0,
            seed: 1,
        }
    }
}

/// A WMS. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Wms {
    /// What every twin has.
    pub frame: Frame,
    manner: Manner,
    house: Arc<Mutex<House>>,
}

#[derive(Debug, Default)]
struct House {
    releases: BTreeMap<u64, Release>,
    by_key: HashMap<String, u64>,
    by_reference: BTreeMap<String, Vec<u64>>,
    /// Parcel id ► release.
    parcels: HashMap<String, u64>,
    last_event: u64,
}

impl Wms {
    /// A warehouse with nothing to do.
    pub fn new(frame: Frame, manner: Manner) -> Self {
        Self { frame, manner, house: Arc::default() }
    }

    /// The WMS's API and the twin's own calls.
    pub fn router(&self) -> Router {
        routes::router(self)
    }

    /// All releases, in the order of their making.
    pub fn releases(&self) -> Vec<Release> {
        lock(&self.house).releases.values().cloned().collect()
    }

    /// Takes a release; the same key again gives the same one.
    fn create(&self, key: Option<String>, document: &Value) -> Result<Release, &'static str> {
        let reference = member(document, "ref");
        if reference.is_empty() {
            return Err("`ref` is needed");
        }
        let lines = lines(document)?;
        let mut house = lock(&self.house);
        let known = key.as_ref().and_then(|key| house.by_key.get(key)).copied();
        if let Some(release) = known.and_then(|number| house.releases.get(&number)) {
            self.frame.ledger.repeated();
            return Ok(release.clone());
        }
        let number = house.releases.len() as u64 + 1;
        let release = Release {
            id: format!("R{number:06}"),
            reference: reference.clone(),
            order_ref: member(document, "order_ref"),
            status: "received",
            accepted_at: None,
            reason: None,
            revision: 1,
            lines,
            parcels: Vec::new(),
            labelled: Arc::default(),
        };
        if let Some(key) = &key {
            house.by_key.insert(key.clone(), number);
        }
        house.by_reference.entry(reference).or_default().push(number);
        house.releases.insert(number, release.clone());
        self.write(CREATED, key, &release.reference, &release.id);
        drop(house);
        tokio::spawn(self.clone().work(number));
        Ok(release)
    }

    /// Changes quantities of what is not packed yet. Lines that the release does not have are passed over.
    fn update(
        &self,
        id: &str,
        key: Option<String>,
        document: &Value,
    ) -> Result<Release, StatusCode> {
        let wanted = lines(document).map_err(|_| StatusCode::UNPROCESSABLE_ENTITY)?;
        let mut house = lock(&self.house);
        let release = house.find(id).ok_or(StatusCode::NOT_FOUND)?;
        let same = wanted.iter().all(|line| {
            let held = release.lines.iter().find(|held| held.line_ref == line.line_ref);
            held.is_some_and(|held| held.quantity == line.quantity)
        });
        if same {
            self.frame.ledger.repeated();
            return Ok(release.clone());
        }
        if !release.parcels.is_empty() || matches!(release.status, "rejected" | "cancelled") {
            return Err(StatusCode::CONFLICT);
        }
        for line in &wanted {
            if let Some(held) = release.lines.iter_mut().find(|held| held.line_ref == line.line_ref)
            {
                held.quantity = line.quantity;
                held.picked = held.picked.min(line.quantity);
                held.short = held.short.min(line.quantity);
            }
        }
        release.revision += 1;
        self.write(UPDATED, key, &release.reference, &release.id);
        Ok(release.clone())
    }

    /// Cancels a release of which nothing is packed.
    fn cancel(&self, id: &str, key: Option<String>) -> Result<Release, StatusCode> {
        let mut house = lock(&self.house);
        let release = house.find(id).ok_or(StatusCode::NOT_FOUND)?;
        if release.status == "cancelled" {
            self.frame.ledger.repeated();
            return Ok(release.clone());
        }
        if !release.parcels.is_empty() {
            return Err(StatusCode::CONFLICT);
        }
        release.status = "cancelled";
        release.reason = Some("cancelled by the sender");
        release.revision += 1;
        self.write(CANCELLED, key, &release.reference, &release.id);
        Ok(release.clone())
    }

    /// Cancels what is not packed of an order: how many releases that were, and how many were too late.
    fn cancel_order(&self, order_ref: &str, key: Option<&str>) -> (u64, u64) {
        let of_order = |release: &Release| release.order_ref == order_ref;
        let releases = self.releases();
        let ids: Vec<String> =
            releases.into_iter().filter(of_order).map(|release| release.id).collect();
        let (mut done, mut late) = (0, 0);
        for id in ids {
            // One key came for all: the release makes it one for each.
            let key = key.map(|key| format!("{key}/{id}"));
            match self.cancel(&id, key) {
                Ok(_) => done += 1,
                Err(_) => late += 1,
            }
        }
        (done, late)
    }

    /// Takes a parcel's label; the same number again changes nothing.
    fn label(&self, parcel: &str, key: Option<String>, document: &Value) -> Result<(), StatusCode> {
        let number = member(document, "tracking_no");
        if number.is_empty() {
            return Err(StatusCode::UNPROCESSABLE_ENTITY);
        }
        let mut house = lock(&self.house);
        let release = house.parcels.get(parcel).copied().ok_or(StatusCode::NOT_FOUND)?;
        let release = house.releases.get_mut(&release).ok_or(StatusCode::NOT_FOUND)?;
        let held = release.parcels.iter_mut().find(|held| held.id == parcel);
        let held = held.ok_or(StatusCode::NOT_FOUND)?;
        if held.tracking_no.as_ref() == Some(&number) {
            self.frame.ledger.repeated();
            return Ok(());
        }
        held.tracking_no = Some(number);
        release.labelled.notify_one();
        self.write(LABELLED, key, parcel, &release.id);
        Ok(())
    }

    fn write(&self, kind: &str, key: Option<String>, reference: &str, subject: &str) {
        self.frame.ledger.wrote(Effect {
            kind: kind.to_owned(),
            key,
            reference: reference.to_owned(),
            subject: subject.to_owned(),
            version: None,
        });
    }
}

impl House {
    fn find(&mut self, id: &str) -> Option<&mut Release> {
        let number = id.strip_prefix('R')?.parse().ok()?;
        self.releases.get_mut(&number)
    }
}
