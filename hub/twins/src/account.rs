//! The closing account, counted at the twins and nowhere else: what came in at the shops, and what became
//! of it at the ERP, the WMS, the TMS, the sink and back in the shops.
//!
//! **Invariant:** nothing here asks the hub. An order that is not whole at the twins is *open*; what is
//! still open when everybody is quiet is lost. Test:
//! `an_order_is_open_for_what_it_lacks_until_it_is_whole_at_every_twin`.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use crate::erp::{Erp, Sale};
use crate::ledger::Counts;
use crate::shop::{Order, Payment, Shop};
use crate::sink::Sink;
use crate::tms::{Parcel, Tms};
use crate::wms::{Release, Wms};

/// Orders that are named per reason; the others are only counted.
const NAMED: usize = 5;

/// The twins that an account is made over.
#[derive(Clone, Copy, Debug)]
pub struct Parties<'a> {
    /// Where orders come from.
    pub shops: &'a [Shop],
    /// The ERP.
    pub erp: &'a Erp,
    /// The WMS.
    pub wms: &'a Wms,
    /// The TMS.
    pub tms: &'a Tms,
    /// The sink, if there is one.
    pub sink: Option<&'a Sink>,
}

/// What was counted.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Account {
    /// Orders placed in the shops.
    pub placed: u64,
    /// Of them, cancelled in the shops.
    pub cancelled: u64,
    /// Messages that the shops sent, copies not counted.
    pub messages: u64,
    /// Copies that the shops and the others sent on purpose.
    pub copies: u64,
    /// Messages and copies that a twin gave up: the hub did not take them.
    pub given_up: u64,
    /// Orders that the sink was told of.
    pub stored: u64,
    /// Sales at the ERP.
    pub sales: u64,
    /// Of them, cancelled again.
    pub sales_cancelled: u64,
    /// Releases at the WMS.
    pub releases: u64,
    /// Labels at the TMS.
    pub labels: u64,
    /// Fulfilments in the shops.
    pub fulfilments: u64,
    /// Versions that the sink got.
    pub versions: u64,
    /// Live orders that wholly left, as their shop sees it.
    pub fulfilled: u64,
    /// Cancels that came when goods were packed: no fault of anybody.
    pub too_late: u64,
    /// Orders that are not whole, by what is missing.
    pub open: BTreeMap<&'static str, Open>,
    /// Effects that happened twice, over all twins.
    pub doubled: u64,
    /// Effects with a version below the last one, over all twins.
    pub out_of_order: u64,
    /// Repeated requests that a twin recognised.
    pub repeated: u64,
    /// What each twin counted.
    pub twins: BTreeMap<String, Counts>,
}

/// Orders that lack the same thing.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Open {
    /// How many.
    pub count: u64,
    /// Some of them, as `shop #1001`.
    pub some: Vec<String>,
}

impl Account {
    /// Orders that are not whole.
    pub fn lost(&self) -> u64 {
        self.open.values().map(|open| open.count).sum()
    }

    /// Whether nothing is lost, doubled or out of order.
    pub fn balances(&self) -> bool {
        self.lost() == 0 && self.doubled == 0 && self.out_of_order == 0 && self.given_up == 0
    }

    fn open(&mut self, why: &'static str, order: &Order, shop: &Shop) {
        let open = self.open.entry(why).or_default();
        open.count += 1;
        if open.some.len() < NAMED {
            open.some.push(format!("{} #{}", shop.frame.name, order.number));
        }
    }
}

/// Makes the account.
pub fn count(parties: Parties<'_>) -> Account {
    let mut account = Account::default();
    totals(parties, &mut account);
    let view = View::of(parties);
    for shop in parties.shops {
        for order in shop.orders() {
            account.placed += 1;
            let standing = view.standing(shop, &order);
            match standing {
                Standing::Fulfilled => account.fulfilled += 1,
                Standing::Cancelled => account.cancelled += 1,
                Standing::TooLate => {
                    account.cancelled += 1;
                    account.too_late += 1;
                }
                Standing::Open(why) => {
                    account.cancelled += u64::from(order.cancelled.is_some());
                    account.open(why, &order, shop);
                }
            }
        }
    }
    account
}

fn totals(parties: Parties<'_>, account: &mut Account) {
    let shops = parties.shops.iter().map(|shop| &shop.frame);
    let others = [&parties.erp.frame, &parties.wms.frame, &parties.tms.frame];
    let sink = parties.sink.iter().map(|sink| &sink.frame);
    for frame in shops.chain(others).chain(sink) {
        let counts = frame.ledger.counts();
        account.doubled += counts.doubled;
        account.out_of_order += counts.out_of_order;
        account.repeated += counts.repeated;
        if let Some(outbox) = &frame.outbox {
            let sent = outbox.sent();
            account.copies += sent.copies;
            account.given_up += sent.given_up;
        }
        account.twins.insert(frame.name.to_string(), counts);
    }
    let effects = |counts: &Counts, kind: &str| counts.effects.get(kind).copied().unwrap_or(0);
    for shop in parties.shops {
        let counts = shop.frame.ledger.counts();
        account.fulfilments += effects(&counts, crate::shop::FULFILLED);
        account.messages +=
            shop.frame.outbox.as_ref().map(|outbox| outbox.sent().messages).unwrap_or(0);
    }
    let erp = parties.erp.frame.ledger.counts();
    account.sales = effects(&erp, crate::erp::CREATED);
    account.sales_cancelled = effects(&erp, crate::erp::CANCELLED);
    account.releases = effects(&parties.wms.frame.ledger.counts(), crate::wms::CREATED);
    account.labels = effects(&parties.tms.frame.ledger.counts(), crate::tms::CREATED);
    let sink = parties.sink.map(|sink| sink.frame.ledger.counts()).unwrap_or_default();
    account.stored = sink.references;
    account.versions = effects(&sink, crate::sink::CHANGED);
}

/// Where an order stands, seen from all twins together.
enum Standing {
    Fulfilled,
    Cancelled,
    TooLate,
    Open(&'static str),
}

/// The books of all twins, by the references that connect them.
struct View {
    /// (channel, order number) ► sales
    sales: HashMap<(String, String), Vec<Sale>>,
    /// order reference ► releases
    releases: HashMap<String, Vec<Release>>,
    /// order reference ► parcels at the carrier
    labels: HashMap<String, Vec<Parcel>>,
    /// references that the sink knows; none without a sink
    told: Option<std::collections::HashSet<String>>,
}

impl View {
    fn of(parties: Parties<'_>) -> Self {
        let mut sales: HashMap<_, Vec<_>> = HashMap::new();
        for sale in parties.erp.sales() {
            let order = (sale.channel.clone(), sale.order_no.clone());
            sales.entry(order).or_default().push(sale);
        }
        let mut releases: HashMap<_, Vec<_>> = HashMap::new();
        for release in parties.wms.releases() {
            releases.entry(release.order_ref.clone()).or_default().push(release);
        }
        let mut labels: HashMap<_, Vec<_>> = HashMap::new();
        for parcel in parties.tms.parcels() {
            labels.entry(parcel.order_ref.clone()).or_default().push(parcel);
        }
        let told = parties.sink.map(|sink| {
            let entries = sink.frame.ledger.entries(0, usize::MAX);
            entries.into_iter().map(|entry| entry.effect.reference).collect()
        });
        Self { sales, releases, labels, told }
    }

    fn standing(&self, shop: &Shop, order: &Order) -> Standing {
        let key = (shop.frame.name.to_string(), order.number.to_string());
        let sales = self.sales.get(&key).map(Vec::as_slice).unwrap_or_default();
        if order.cancelled.is_some() {
            return self.cancelled(sales);
        }
        if order.payment == Payment::Pending {
            return Standing::Open("not paid");
        }
        let [sale] = sales else {
            return Standing::Open(if sales.is_empty() { "no sale" } else { "two sales" });
        };
        if sale.state == "cancelled" {
            return Standing::Open("sale cancelled for no reason");
        }
        if self.told.as_ref().is_some_and(|told| !told.contains(&sale.reference)) {
            return Standing::Open("the sink was not told");
        }
        let releases = self.releases.get(&sale.reference).map(Vec::as_slice).unwrap_or_default();
        if releases.is_empty() {
            return Standing::Open("not released");
        }
        if releases.iter().any(|release| !matches!(release.status, "shipped" | "cancelled")) {
            return Standing::Open("not shipped");
        }
        let parcels: usize = releases.iter().map(|release| release.parcels.len()).sum();
        let labels = self.labels.get(&sale.reference).map(Vec::len).unwrap_or(0);
        if labels != parcels {
            return Standing::Open(if labels < parcels { "no label" } else { "a label too many" });
        }
        if !order.is_fulfilled() {
            return Standing::Open("not fulfilled in the shop");
        }
        Standing::Fulfilled
    }

    /// A cancelled order leaves no live sale, and nothing on the floor that is not packed.
    fn cancelled(&self, sales: &[Sale]) -> Standing {
        let Some(sale) = sales.first() else { return Standing::Cancelled };
        let releases = self.releases.get(&sale.reference).map(Vec::as_slice).unwrap_or_default();
        if releases.iter().any(|release| !release.parcels.is_empty()) {
            return Standing::TooLate;
        }
        if sales.iter().any(|sale| sale.state != "cancelled") {
            return Standing::Open("sale not cancelled");
        }
        if releases.iter().any(|release| !matches!(release.status, "cancelled" | "rejected")) {
            return Standing::Open("release not cancelled");
        }
        Standing::Cancelled
    }
}

#[cfg(test)]
mod tests;
