//! The books of an order: per line, what was ordered and where it has got to.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::counts;
use crate::catalogue::{FieldId, catalogue, known};
use crate::ids::{At, Collection, ElementId};
use crate::model::{Element, Order, Record};
use crate::value::Value;

/// The books of one line. All quantities are in the line's unit.
///
/// **Invariant:** none is ever negative, and none overflows. Test:
/// `quantities_are_never_negative` in `tests/it/laws.rs`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineBook {
    /// The line needs a warehouse (`requires_shipping`, absent is yes).
    pub ships: bool,
    /// The line is a tombstone: all of it is cancelled.
    pub gone: bool,
    /// Ordered.
    pub ordered: Decimal,
    /// Ordered less cancelled: what the customer shall get.
    pub open: Decimal,
    /// Asked of warehouses that have not refused.
    pub released: Decimal,
    /// Allocated there.
    pub allocated: Decimal,
    /// Picked there.
    pub picked: Decimal,
    /// Packed there.
    pub packed: Decimal,
    /// Short there.
    pub short: Decimal,
    /// Asked of warehouses less what is short there.
    pub covered: Decimal,
    /// Handed over in shipments of no fulfilment.
    pub outside: Decimal,
    /// Handed over.
    pub shipped: Decimal,
    /// Arrived.
    pub delivered: Decimal,
    /// Came back.
    pub returned: Decimal,
}

/// The books of all lines, tombstones included.
#[derive(Clone, Debug, Default)]
pub struct Books {
    /// By line.
    pub lines: BTreeMap<ElementId, LineBook>,
}

/// Returns whose goods have arrived.
const GOODS_BACK: [&str; 7] =
    ["received", "inspected", "restocked", "scrapped", "refunded", "manual_refund", "completed"];

/// A sum that stops at the largest number instead of failing.
pub(crate) fn plus(a: Decimal, b: Decimal) -> Decimal {
    a.checked_add(b).unwrap_or(Decimal::MAX)
}

/// A difference that stops at zero.
pub(crate) fn minus(a: Decimal, b: Decimal) -> Decimal {
    a.checked_sub(b).unwrap_or_default().max(Decimal::ZERO)
}

/// A quantity: absent, null and negative count as none.
pub(crate) fn quantity(record: &Record, field: FieldId) -> Decimal {
    record.decimal(field).unwrap_or_default().max(Decimal::ZERO)
}

/// A shipment that has left: at `handed_over` or higher.
pub(crate) fn has_left(status: Option<&str>) -> bool {
    let rank = |status| catalogue().rank("shipment", status);
    status.is_some_and(|status| rank(status) >= rank("handed_over") && rank(status).is_some())
}

/// The fulfilment that a shipment belongs to.
pub(crate) fn fulfilment_of(shipment: &Element) -> Option<&str> {
    shipment.fields.value(known::shipment::FULFILMENT)?.as_ours()
}

impl Books {
    /// Reads the books from an order.
    pub fn of(order: &Order) -> Books {
        let mut books = Books::default();
        for line in order.collections.get(&Collection::Lines).into_iter().flatten() {
            books.lines.insert(line.id.clone(), opened(line));
        }
        for fulfilment in order.elements(Collection::Fulfilments) {
            if counts(fulfilment.fields.text(known::fulfilment::STATUS)) {
                books.add_fulfilment(fulfilment);
            }
        }
        for shipment in order.elements(Collection::Shipments) {
            books.add_shipment(shipment);
        }
        for case in order.elements(Collection::Returns) {
            let status = case.fields.text(known::return_case::STATUS);
            if status.is_some_and(|status| GOODS_BACK.contains(&status)) {
                for part in case.elements(Collection::ReturnLines) {
                    let qty = quantity(&part.fields, known::return_line::QTY);
                    books.post(&part.id, |book| book.returned = plus(book.returned, qty));
                }
            }
        }
        books
    }

    fn post(&mut self, line: &ElementId, post: impl FnOnce(&mut LineBook)) {
        // A part of a line that does not exist is the fold's to refuse; here it counts for nothing.
        if let Some(book) = self.lines.get_mut(line) {
            post(book);
        }
    }

    fn add_fulfilment(&mut self, fulfilment: &Element) {
        use known::fulfilment_line as part;
        for line in fulfilment.elements(Collection::FulfilmentLines) {
            let of = |field| quantity(&line.fields, field);
            let (qty, short) = (of(part::QTY), of(part::SHORT));
            let (allocated, picked, packed) =
                (of(part::ALLOCATED), of(part::PICKED), of(part::PACKED));
            self.post(&line.id, |book| {
                book.released = plus(book.released, qty);
                book.short = plus(book.short, short);
                book.covered = plus(book.covered, minus(qty, short));
                book.allocated = plus(book.allocated, allocated);
                book.picked = plus(book.picked, picked);
                book.packed = plus(book.packed, packed);
            });
        }
    }

    fn add_shipment(&mut self, shipment: &Element) {
        let status = shipment.fields.text(known::shipment::STATUS);
        if !has_left(status) {
            return;
        }
        let (arrived, outside) = (status == Some("delivered"), fulfilment_of(shipment).is_none());
        for line in shipment.elements(Collection::ShipmentLines) {
            let qty = quantity(&line.fields, known::shipment_line::QTY);
            self.post(&line.id, |book| {
                book.shipped = plus(book.shipped, qty);
                if arrived {
                    book.delivered = plus(book.delivered, qty);
                }
                if outside {
                    book.outside = plus(book.outside, qty);
                }
            });
        }
    }

    /// The lines that a warehouse has to do with: they ship, and something of them is open or left.
    pub fn shipping(&self) -> impl Iterator<Item = (&ElementId, &LineBook)> {
        self.lines.iter().filter(|(_, book)| {
            book.ships && (book.open > Decimal::ZERO || book.shipped > Decimal::ZERO)
        })
    }

    /// Writes quantities and state of each line. Zero is left out until it was once something else.
    pub(super) fn write(&self, order: &mut Order) {
        for (line, book) in &self.lines {
            let at = At::of(Collection::Lines, line.clone());
            let Some(record) = order.record_mut(&at) else { continue };
            for (field, quantity) in book.written() {
                let old = record.decimal(field);
                if old.unwrap_or_default() != quantity {
                    record.set(field, Some(Value::Decimal(quantity.normalize())));
                }
            }
            super::put(order, &at, known::line::STATE, book.state());
        }
    }
}

/// The books of a line before anything happened to it.
fn opened(line: &Element) -> LineBook {
    let ordered = quantity(&line.fields, known::line::QTY_ORDERED);
    let cancelled = quantity(&line.fields, known::line::QTY_CANCELLED);
    let ships = line.fields.value(known::line::REQUIRES_SHIPPING) != Some(&Value::Boolean(false));
    let open = if line.gone { Decimal::ZERO } else { minus(ordered, cancelled) };
    LineBook { ships, gone: line.gone, ordered, open, ..LineBook::default() }
}

impl LineBook {
    /// What no warehouse was asked for yet: `ordered - cancelled - shipped outside - covered`.
    pub fn unreleased(&self) -> Decimal {
        minus(minus(self.open, self.outside), self.covered)
    }

    /// Something is short and nothing covers it.
    pub fn uncovered(&self) -> bool {
        self.short > Decimal::ZERO && self.unreleased() > Decimal::ZERO
    }

    fn written(&self) -> [(FieldId, Decimal); 8] {
        use known::line;
        [
            (line::QTY_ALLOCATED, self.allocated),
            (line::QTY_RELEASED, self.released),
            (line::QTY_PICKED, self.picked),
            (line::QTY_PACKED, self.packed),
            (line::QTY_SHORT, self.short),
            (line::QTY_SHIPPED, self.shipped),
            (line::QTY_DELIVERED, self.delivered),
            (line::QTY_RETURNED, self.returned),
        ]
    }

    /// `line.state`: the furthest that holds, by what has left, else by what the warehouse did.
    fn state(&self) -> &'static str {
        let some = |quantity: Decimal| quantity > Decimal::ZERO;
        let all = |quantity: Decimal| some(quantity) && quantity >= self.open;
        match () {
            () if all(self.returned) => "returned",
            () if all(self.delivered) => "delivered",
            () if all(self.shipped) => "shipped",
            () if some(self.shipped) => "partially_shipped",
            () if self.gone || (some(self.ordered) && !some(self.open)) => "cancelled",
            () if some(self.packed) => "packed",
            () if some(self.picked) => "picking",
            () if self.uncovered() => "backordered",
            () if some(self.allocated) => "allocated",
            () if some(self.released) => "released",
            () => "open",
        }
    }
}
