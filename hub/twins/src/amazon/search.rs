//! `searchOrders`: orders by when they were made or changed, a page at a time.
//!
//! As the vendor's model says: exactly one of `createdAfter` and `lastUpdatedAfter`; what ends less than two minutes before
//! now is refused, and without an end it is two minutes before now, which the answer says. A token of a further page lives
//! for a day, with the parameters that it was given for; only the size of a page and the datasets may change.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Amazon, written};
use crate::frame::lock;

/// What was asked for, by name.
pub(super) type Asked = BTreeMap<String, String>;

/// What is younger is not listed (twin time).
const LAG: Duration = Duration::from_secs(120);
/// How long a token of a page lives (twin time).
const TOKEN_LIVES: Duration = Duration::from_secs(24 * 3_600);
/// Orders of a page, at most and unless asked otherwise.
const MOST: usize = 100;
/// Tokens that are kept.
const MOST_TOKENS: usize = 10_000;
/// Times that end what is listed.
const ENDS: [&str; 2] = ["createdBefore", "lastUpdatedBefore"];
/// What may differ between the pages of a listing.
const FREE: [&str; 3] = ["maxResultsPerPage", "includedData", "paginationToken"];

/// Datasets with the members of an order and of its items that they bring.
const DATASETS: &[(&str, &[&str], &[&str])] = &[
    ("BUYER", &["buyer"], &[]),
    ("RECIPIENT", &["recipient"], &[]),
    ("PROCEEDS", &["proceeds"], &["proceeds"]),
    ("EXPENSE", &[], &["expense"]),
    ("PROMOTION", &[], &["promotion"]),
    ("CANCELLATION", &[], &["cancellation"]),
    ("FULFILLMENT", &["fulfillment"], &["fulfillment"]),
    ("PACKAGES", &["packages"], &[]),
    ("TAX", &["tax"], &["tax"]),
    ("PAYMENT", &["payment"], &[]),
    ("FULFILLMENT_ORDERS", &["fulfillmentOrders"], &[]),
];

/// A listing that goes on.
#[derive(Clone, Debug)]
pub(super) struct Listing {
    /// What it was asked for, without what may differ.
    asked: Asked,
    /// Its end.
    before: Timestamp,
    /// Orders up to this one were listed.
    after: (Timestamp, String),
    /// When the token was given (twin time since the start).
    given: Duration,
}

/// Why something is refused.
pub(super) struct Refused;

impl Amazon {
    /// A page, or why there is none: the vendor says no more than that the input is invalid.
    pub(super) fn search(&self, asked: &Asked) -> Result<Value, Refused> {
        let by_change = match (asked.get("createdAfter"), asked.get("lastUpdatedAfter")) {
            (Some(_), None) => false,
            (None, Some(_)) => true,
            _ => return Err(Refused),
        };
        let end = ENDS[usize::from(by_change)];
        if asked.contains_key(ENDS[usize::from(!by_change)]) {
            return Err(Refused);
        }
        let latest = self.frame.clock.ours() - self.ours(LAG);
        let time = |name: &str| asked.get(name).map(|at| moment(at)).transpose();
        let from = time("createdAfter")?.or(time("lastUpdatedAfter")?).ok_or(Refused)?;
        let before = time(end)?.unwrap_or(latest);
        let size = match asked.get("maxResultsPerPage").map(|size| size.parse::<usize>()) {
            None => MOST,
            Some(Ok(size)) if (1..=MOST).contains(&size) => size,
            Some(_) => return Err(Refused),
        };
        if before > latest || before < from || unknown_datasets(asked) {
            return Err(Refused);
        }
        let (before, after) = self.goes_on(asked, before)?;
        let mut found = self.found(asked, by_change, (from, before));
        found.retain(|(at, id, _)| {
            after.as_ref().is_none_or(|after| (*at, id) > (after.0, &after.1))
        });
        let more = found.len() > size;
        found.truncate(size);
        let mut page = json!({ end: written(before) });
        if let Some((at, id, _)) = found.last().filter(|_| more) {
            page["pagination"] =
                json!({ "nextToken": self.token(asked, before, (*at, id.clone())) });
        }
        let orders = found.into_iter().map(|(_, _, order)| shown(order, asked));
        page["orders"] = orders.collect();
        Ok(page)
    }

    /// One order.
    pub(super) fn one(&self, id: &str, asked: &Asked) -> Result<Option<Value>, Refused> {
        let digits =
            |part: &str, count| part.len() == count && part.bytes().all(|b| b.is_ascii_digit());
        let parts: Vec<&str> = id.split('-').collect();
        let is_id = matches!(parts[..], [a, b, c] if digits(a, 3) && digits(b, 7) && digits(c, 7));
        if !is_id || unknown_datasets(asked) {
            return Err(Refused);
        }
        let found = lock(&self.book).orders.get(id).map(|order| order.document.clone());
        Ok(found.map(|order| json!({ "order": shown(order, asked) })))
    }

    /// Where a listing goes on by its token: its end, and the last order that was listed.
    fn goes_on(
        &self,
        asked: &Asked,
        before: Timestamp,
    ) -> Result<(Timestamp, Option<(Timestamp, String)>), Refused> {
        let Some(token) = asked.get("paginationToken") else { return Ok((before, None)) };
        let listing = lock(&self.book).pages.get(token).cloned().ok_or(Refused)?;
        let age = self.frame.clock.elapsed().saturating_sub(listing.given);
        if age > TOKEN_LIVES || listing.asked != fixed(asked) {
            return Err(Refused);
        }
        Ok((listing.before, Some(listing.after)))
    }

    fn token(&self, asked: &Asked, before: Timestamp, after: (Timestamp, String)) -> String {
        let given = self.frame.clock.elapsed();
        let mut book = lock(&self.book);
        book.last += 1;
        let token = format!("page-{}", book.last);
        if book.pages.len() >= MOST_TOKENS {
            book.pages.retain(|_, page| given.saturating_sub(page.given) <= TOKEN_LIVES / 24);
        }
        let listing = Listing { asked: fixed(asked), before, after, given };
        book.pages.insert(token.clone(), listing);
        token
    }

    /// What fits, in the order of its times. The model does not say in which order pages come.
    fn found(
        &self,
        asked: &Asked,
        by_change: bool,
        (from, before): (Timestamp, Timestamp),
    ) -> Vec<(Timestamp, String, Value)> {
        let one_of = |name: &str, value: &Value| {
            let wanted = asked.get(name).map(|list| list.split(','));
            wanted.is_none_or(|mut list| list.any(|word| value == word))
        };
        let book = lock(&self.book);
        let orders = book.orders.iter().filter_map(|(id, order)| {
            let made = order.document["createdTime"].as_str()?.parse().ok()?;
            let at: Timestamp = if by_change { order.updated } else { made };
            let document = &order.document;
            let fits = from <= at
                && at <= before
                && one_of("marketplaceIds", &document["salesChannel"]["marketplaceId"])
                && one_of("fulfillmentStatuses", &document["fulfillment"]["fulfillmentStatus"])
                && one_of("fulfilledBy", &document["fulfillment"]["fulfilledBy"]);
            fits.then(|| (at, id.clone(), document.clone()))
        });
        let mut found: Vec<_> = orders.collect();
        found.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        found
    }

    /// Twin time as ours.
    fn ours(&self, twin: Duration) -> SignedDuration {
        SignedDuration::try_from(self.frame.clock.real(twin)).unwrap_or(SignedDuration::ZERO)
    }
}

/// What stays the same over the pages of a listing.
fn fixed(asked: &Asked) -> Asked {
    let fixed = asked.iter().filter(|(name, _)| !FREE.contains(&name.as_str()));
    fixed.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// A moment with `Z`: others are refused.
pub(super) fn moment(text: &str) -> Result<Timestamp, Refused> {
    text.strip_suffix('Z').ok_or(Refused)?;
    text.parse().map_err(|_| Refused)
}

fn datasets(asked: &Asked) -> impl Iterator<Item = &str> {
    asked.get("includedData").into_iter().flat_map(|list| list.split(','))
}

fn unknown_datasets(asked: &Asked) -> bool {
    datasets(asked).any(|name| !DATASETS.iter().any(|(known, ..)| *known == name))
}

/// An order with the datasets that were asked for.
fn shown(mut order: Value, asked: &Asked) -> Value {
    let asked: Vec<&str> = datasets(asked).collect();
    for (_, members, of_items) in DATASETS.iter().filter(|(name, ..)| !asked.contains(name)) {
        let without = |value: &mut Value, members: &[&str]| {
            if let Some(map) = value.as_object_mut() {
                members.iter().for_each(|member| drop(map.remove(*member)));
            }
        };
        without(&mut order, members);
        let items = order["orderItems"].as_array_mut().into_iter().flatten();
        items.for_each(|item| without(item, of_items));
    }
    order
}
