//! The work on the floor: one task per release, all waits on the twin's clock.

use axum::body::Bytes;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::json;

use super::release::{parcels, shown};
use super::{Parcel, Release, Wms};
use crate::frame::lock;
use crate::outbox::Message;

impl Wms {
    /// A release's way through the house. Ends early when it is rejected or cancelled.
    pub(super) async fn work(self, number: u64) {
        let mut random = StdRng::seed_from_u64(self.manner.seed.rotate_left(32) ^ number);
        let mut chance = |percent: u8| random.random_range(0..100) < percent;
        let (rejected, short, split) = (
            chance(self.manner.rejected_percent),
            chance(self.manner.short_percent),
            chance(self.manner.split_percent),
        );
        self.frame.clock.sleep(self.manner.accept).await;
        let now = self.frame.clock.now();
        if rejected {
            self.step(number, |release| {
                release.status = "rejected";
                release.reason = Some("this warehouse does not carry the article");
            })
            .await;
            return;
        }
        let accepted = |release: &mut Release| {
            release.status = "accepted";
            release.accepted_at = Some(now);
        };
        if !self.step(number, accepted).await {
            return;
        }
        self.frame.clock.sleep(self.manner.pick).await;
        if !self.step(number, |release| pick(release, short)).await {
            return;
        }
        self.frame.clock.sleep(self.manner.pack).await;
        if !self.step(number, |release| pack(release, number, split)).await {
            return;
        }
        self.ship(number).await;
    }

    /// Waits for the labels, then hands the parcels over, one by one.
    async fn ship(&self, number: u64) {
        let (ids, labelled) = {
            let house = lock(&self.house);
            let Some(release) = house.releases.get(&number) else { return };
            let ids: Vec<String> = release.parcels.iter().map(|held| held.id.clone()).collect();
            (ids, std::sync::Arc::clone(&release.labelled))
        };
        let patience = self.frame.clock.real(self.manner.patience);
        let all = async {
            while !self.has_labels(number) {
                labelled.notified().await;
            }
        };
        if tokio::time::timeout(patience, all).await.is_err() {
            tracing::warn!(release = number, "a warehouse ships without a label");
        }
        for id in ids {
            self.frame.clock.sleep(self.manner.ship).await;
            let now = self.frame.clock.now();
            self.step(number, |release| {
                for parcel in release.parcels.iter_mut().filter(|parcel| parcel.id == id) {
                    parcel.status = "shipped";
                    parcel.shipped_at = Some(now);
                }
                if release.parcels.iter().all(|parcel| parcel.status == "shipped") {
                    release.status = "shipped";
                }
            })
            .await;
        }
    }

    fn has_labels(&self, number: u64) -> bool {
        let house = lock(&self.house);
        let release = house.releases.get(&number);
        release.is_none_or(|release| release.parcels.iter().all(|held| held.tracking_no.is_some()))
    }

    /// Changes a release, unless it is cancelled, and tells the hub. False: it is cancelled.
    async fn step(&self, number: u64, change: impl FnOnce(&mut Release)) -> bool {
        let (release, event) = {
            let mut house = lock(&self.house);
            house.last_event += 1;
            let event = house.last_event;
            let Some(release) = house.releases.get_mut(&number) else { return false };
            if release.status == "cancelled" {
                return false;
            }
            change(release);
            release.revision += 1;
            let release = release.clone();
            // Parcels can be named from the moment the hub may know of them.
            for parcel in &release.parcels {
                house.parcels.insert(parcel.id.clone(), number);
            }
            (release, event)
        };
        self.tell(&release, event).await;
        true
    }

    /// Tells how a release stands, after somebody else than the floor has changed it.
    pub(super) async fn tell_again(&self, id: &str) {
        let told = {
            let mut house = lock(&self.house);
            house.last_event += 1;
            let event = house.last_event;
            house.find(id).map(|release| (release.clone(), event))
        };
        if let Some((release, event)) = told {
            self.tell(&release, event).await;
        }
    }

    async fn tell(&self, release: &Release, event: u64) {
        let Some(outbox) = &self.frame.outbox else { return };
        let event = format!("{}-{event}", self.frame.name);
        let body = json!({
            "event": "release.updated",
            "event_id": event,
            "release": shown(release),
            "shipments": parcels(release),
        });
        outbox
            .say(Message {
                headers: vec![
                    ("X-Wms-Event".to_owned(), "release.updated".to_owned()),
                    ("X-Wms-Event-Id".to_owned(), event.clone()),
                ],
                id: event,
                topic: "release.updated".to_owned(),
                subject: release.reference.clone(),
                sequence: release.revision,
                body: Bytes::from(body.to_string()),
            })
            .await;
    }
}

/// All there is; with `short`, one piece of the first article of which there are several is missing.
fn pick(release: &mut Release, short: bool) {
    release.status = "picking";
    if short && let Some(line) = release.lines.iter_mut().find(|line| line.quantity > 1) {
        line.short = 1;
    }
    for line in &mut release.lines {
        line.picked = line.quantity - line.short;
    }
}

/// One parcel, or the first line in one and the rest in another.
fn pack(release: &mut Release, number: u64, split: bool) {
    release.status = "packed";
    for line in &mut release.lines {
        line.packed = line.picked;
    }
    let packed: Vec<(String, u64)> = release
        .lines
        .iter()
        .filter(|line| line.packed > 0)
        .map(|line| (line.line_ref.clone(), line.packed))
        .collect();
    let cut = if split && packed.len() > 1 { 1 } else { packed.len() };
    let (first, second) = packed.split_at(cut.min(packed.len()));
    let groups = [first, second].into_iter().filter(|lines| !lines.is_empty());
    release.parcels = groups
        .enumerate()
        .map(|(at, lines)| Parcel {
            id: format!("P{number:06}-{}", at + 1),
            status: "packed",
            shipped_at: None,
            tracking_no: None,
            lines: lines.to_vec(),
        })
        .collect();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::frame::Frame;
    use crate::outbox::{Habits, Outbox, Taken};
    use crate::wms::{CREATED, Manner, ONCE};
    use jiff::Timestamp;
    use serde_json::Value;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    type Told = Arc<Mutex<Vec<Value>>>;

    fn wms(manner: Manner) -> (Wms, Told) {
        let clock = Clock::new(3600.0, Timestamp::UNIX_EPOCH);
        let told = Told::default();
        let to = Arc::clone(&told);
        let carrier = move |message: Message| -> Taken {
            to.lock().unwrap().push(serde_json::from_slice(&message.body).unwrap());
            Box::pin(async { true })
        };
        let outbox = Outbox::start(clock.clone(), Habits::tidy(), Arc::new(carrier));
        (Wms::new(Frame::new("wms", clock, ONCE).telling(outbox), manner), told)
    }

    fn release(wms: &Wms, key: &str) {
        let lines = json!([{ "line_ref": "L1", "sku": "MUG", "quantity": 2 },
            { "line_ref": "L2", "sku": "TEA", "quantity": "1" }]);
        let document = json!({ "ref": "shop-1001-F1", "order_ref": "shop-1001", "lines": lines });
        wms.create(Some(key.to_owned()), &document).unwrap();
    }

    fn statuses(told: &Told) -> Vec<String> {
        let told = told.lock().unwrap();
        told.iter().map(|body| body["release"]["status"].as_str().unwrap().to_owned()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_release_is_worked_on_and_ships_when_its_label_is_there() {
        let (wms, told) = wms(Manner { short_percent: 0, split_percent: 0, ..Manner::default() });
        release(&wms, "a");
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(statuses(&told), ["accepted", "picking", "packed"], "it waits for the label");
        wms.label("P000001-1", None, &json!({ "tracking_no": "PL1" })).unwrap();
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(statuses(&told).last().unwrap(), "shipped");
        let last = told.lock().unwrap().last().unwrap().clone();
        assert_eq!(last["shipments"][0]["release_ref"], "shop-1001-F1");
        assert_eq!(last["shipments"][0]["lines"].as_array().unwrap().len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_short_article_is_said_and_not_packed() {
        let (wms, _told) = wms(Manner { short_percent: 100, ..Manner::default() });
        release(&wms, "a");
        tokio::time::sleep(Duration::from_secs(60)).await;
        let line = wms.releases()[0].lines[0].clone();
        assert_eq!((line.quantity, line.short, line.packed), (2, 1, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_release_may_leave_in_two_parcels_that_hold_each_piece_once() {
        let (wms, _told) =
            wms(Manner { short_percent: 0, split_percent: 100, ..Manner::default() });
        release(&wms, "a");
        tokio::time::sleep(Duration::from_secs(60)).await;
        let parcels = wms.releases()[0].parcels.clone();
        assert_eq!(parcels.len(), 2);
        let pieces: u64 = parcels.iter().flat_map(|p| &p.lines).map(|(_, n)| n).sum();
        assert_eq!(pieces, 3);
    }

    #[tokio::test(start_paused = true)]
    async fn the_same_key_is_one_release_and_another_key_is_doubled() {
        let (wms, _told) = wms(Manner::default());
        release(&wms, "a");
        release(&wms, "a");
        let counts = wms.frame.ledger.counts();
        assert_eq!((counts.effects[CREATED], counts.repeated, counts.doubled), (1, 1, 0));
        release(&wms, "b");
        assert_eq!(wms.frame.ledger.counts().doubled, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_cancel_stops_the_work_until_something_is_packed() {
        let (wms, told) = wms(Manner::default());
        release(&wms, "a");
        assert_eq!(wms.cancel_order("shop-1001", Some("k")), (1, 0));
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(statuses(&told).is_empty());
        release(&wms, "b");
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(wms.cancel("R000002", None).is_err(), "it is packed");
    }
}
