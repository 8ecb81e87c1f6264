//! A shop, and a hub's place beside it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use orderhub_tests::hub::{self, Hub};
use orderhub_tests::mappings::copy;
use orderhub_tests::settings::{SECRET, Settings};
use orderhub_tests::{api, wait};
use orderhub_twins::clock::Clock;
use orderhub_twins::frame::Frame;
use orderhub_twins::outbox::{Habits, Outbox};
use orderhub_twins::serve::{Served, serve_anywhere};
use orderhub_twins::shop::{self, Plan, Shop};
use orderhub_twins::webhooks::{HubAddress, Webhooks, client};
use tempfile::TempDir;

pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// The shipped files, and a packing table that says what left the house.
fn files(into: &Path) {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in ["common", "hub", "shopify"] {
        copy(&tests.join("../mappings").join(folder), &into.join(folder));
    }
    copy(&tests.join("data/packing"), &into.join("packing"));
}

/// Hints instead of documents in webhooks, and a poll that does not wait for minutes.
fn hints(into: &Path) {
    change(&into.join("shopify/integration.yaml"), |text| {
        text.replace(
            "    apply: payload\n    document: order_rest\n    ordering: revision\n",
            "    apply: reread\n    do: get_order\n    args: { id: id }\n    document: order\n    ordering: reread\n",
        )
        .replace(
            "every: 5m, overlap: 5m, reach: 7d",
            "every: 2s, overlap: 1s, reach: 3d",
        )
    });
    change(&into.join("shopify/orders.graphql"), |text| text.replace("first: 250", "first: 10"));
}

pub(crate) fn change(path: &Path, change: impl FnOnce(String) -> String) {
    let before = std::fs::read_to_string(path).unwrap();
    let after = change(before.clone());
    assert_ne!(after, before, "{}", path.display());
    std::fs::write(path, after).unwrap();
}

/// A shop, and a hub's place beside it.
pub(crate) struct Scene {
    pub(crate) shop: Shop,
    _served: Served,
    folder: TempDir,
    port: u16,
}

impl Scene {
    /// With the shipped files but for hints.
    pub(crate) async fn new(store: &str) -> Self {
        let scene = Self::as_shipped(store).await;
        hints(&scene.mappings());
        scene
    }

    /// With the shipped files.
    pub(crate) async fn as_shipped(store: &str) -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), hub::free_port());
        let clock = Clock::started_before(1.0, Duration::ZERO);
        let address = HubAddress::default();
        address.set(format!("http://127.0.0.1:{port}"));
        let path = "/webhooks/shop_eu".to_owned();
        let webhooks = Webhooks::to(client().unwrap(), address, path, shop::proof(SECRET));
        let soon = Duration::from_millis(500);
        let habits = Habits { held: soon, again_after: soon, ..Habits::untidy(11) };
        let outbox = Outbox::start(clock.clone(), habits, Arc::new(webhooks));
        let shop = Shop::new(Frame::new("shop_eu", clock, shop::ONCE).telling(outbox), 1);
        let served = serve_anywhere(shop.router()).await.unwrap();
        let mappings = folder.path().join("mappings");
        files(&mappings);
        Settings::reading(port, &mappings)
            .store(store)
            .shop("shop_eu", &served.url())
            .system("packing", "packing", "http://127.0.0.1:1", &[], &[])
            .write(folder.path());
        Self { shop, _served: served, folder, port }
    }

    pub(crate) fn mappings(&self) -> PathBuf {
        self.folder.path().join("mappings")
    }

    /// Orders that were changed in the past, one each so many minutes, the last one so long ago; nobody was told.
    pub(crate) async fn has_old(&self, orders: u64, minutes: i64) {
        let (pace, gap) = (Duration::ZERO, Duration::ZERO..=Duration::ZERO);
        let plan = Plan { orders, seed: 5, pace, changes: 0..=0, gap, ..Plan::default() };
        self.silent().live(plan).await;
        for (back, mut order) in (1..).zip(self.shop.orders()) {
            let ago = jiff::SignedDuration::from_mins(minutes * back);
            order.updated_at = order.updated_at.checked_sub(ago).unwrap();
            order.created_at = order.updated_at;
            self.shop.has(order);
        }
    }

    pub(crate) async fn start(&self) -> Hub {
        Hub::start(self.folder.path(), self.port).await
    }

    /// The same shop, whose webhooks are lost.
    pub(crate) fn silent(&self) -> Shop {
        let mut silent = self.shop.clone();
        silent.frame.outbox = None;
        silent
    }
}

/// Every order of the shop stands in the hub as the shop has it.
pub(crate) async fn until_alike(hub: &Hub, shop: &Shop) {
    wait::until("the hub's orders are the shop's", PATIENCE, || async {
        let known = api::all_orders(hub).await;
        let alike = |order: &shop::Order| {
            known.iter().any(|one| {
                one.order_no == order.number.to_string()
                    && one.note == order.note.clone().unwrap_or_default()
                    && (one.whole["state"]["lifecycle"] == "cancelled") == order.cancelled.is_some()
            })
        };
        let orders = shop.orders();
        (orders.len() == known.len() && orders.iter().all(alike)).then_some(())
    })
    .await;
}
