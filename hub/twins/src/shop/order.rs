//! An order as the shop keeps it. Amounts are minor units of the order's currency.

use jiff::{SignedDuration, Timestamp};

/// The first name of everybody; the last is the order's number.
pub(super) const FIRST_NAME: &str = "Customer";

/// An order.
#[derive(Clone, Debug)]
pub struct Order {
    /// The vendor's id.
    pub id: u64,
    /// `1001`: unique in the shop, shown as `#1001`.
    pub number: u64,
    /// Counts changes, from 1: the truth about their order.
    pub sequence: u64,
    /// ISO 4217.
    pub currency: &'static str,
    /// Digits after the point.
    pub scale: u32,
    /// Where it goes.
    pub country: super::Country,
    /// Whether prices contain the tax.
    pub taxes_included: bool,
    /// Tax in tenths of a percent.
    pub tax_permille: u64,
    /// Shipping, untaxed.
    pub shipping: u64,
    /// Whether it was paid.
    pub payment: Payment,
    /// Why and when it was cancelled.
    pub cancelled: Option<(&'static str, Timestamp)>,
    /// The customer's note.
    pub note: Option<String>,
    /// What others wrote on it.
    pub tags: Vec<String>,
    /// When it was placed.
    pub created_at: Timestamp,
    /// When it was last changed; whole seconds, strictly rising.
    pub updated_at: Timestamp,
    /// What was ordered.
    pub lines: Vec<Line>,
    /// What left.
    pub fulfilments: Vec<Fulfilment>,
    /// What was taken off after payment, with the time.
    pub refunds: Vec<Refund>,
    /// Where its second part is sent from.
    pub apart_at: Place,
}

/// A location of the shop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// From where orders are sent.
    Main,
    /// The other.
    #[default]
    Second,
}

/// A fulfilment order: what one location has to send of an order. All of it is in the first, unless a line says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    First,
    Second,
}

/// Whether an order was paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payment {
    /// Not yet.
    Pending,
    /// Wholly.
    Paid,
    /// Never, and no more.
    Voided,
    /// Paid and given back.
    Refunded,
    /// Paid and partly given back.
    PartiallyRefunded,
}

/// A line.
#[derive(Clone, Debug)]
pub struct Line {
    /// The vendor's id.
    pub id: u64,
    /// The article.
    pub sku: &'static str,
    /// Its name.
    pub title: &'static str,
    /// Pieces ordered.
    pub quantity: u64,
    /// Pieces taken off again before they left.
    pub removed: u64,
    /// Pieces that left.
    pub fulfilled: u64,
    /// Pieces of those that still have to leave that the order's second part has.
    pub apart: u64,
    /// Price of one.
    pub price: u64,
    /// Discount on the whole line as ordered.
    pub discount: u64,
    /// Whether it is a thing that is sent.
    pub ships: bool,
}

/// Something that left.
#[derive(Clone, Debug)]
pub struct Fulfilment {
    /// The vendor's id.
    pub id: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed.
    pub updated_at: Timestamp,
    /// The carrier as the caller names it.
    pub company: Option<String>,
    /// The number on the label.
    pub tracking_no: Option<String>,
    /// Those on its other labels, where it has several.
    pub more_numbers: Vec<String>,
    /// Where to follow it.
    pub tracking_url: Option<String>,
    /// (line id, pieces)
    pub lines: Vec<(u64, u64)>,
}

/// Pieces taken off, and money given back for them.
#[derive(Clone, Debug)]
pub struct Refund {
    /// The vendor's id.
    pub id: u64,
    /// When.
    pub at: Timestamp,
    /// (line id, pieces)
    pub lines: Vec<(u64, u64)>,
    /// Minor units given back.
    pub amount: u64,
}

/// Sums of an order, minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    pub(super) gross: u64,
    pub(super) discount: u64,
    pub(super) tax: u64,
}

impl Fulfilment {
    /// All its numbers.
    pub fn numbers(&self) -> impl Iterator<Item = &String> {
        self.tracking_no.iter().chain(&self.more_numbers)
    }
}

impl Line {
    /// Pieces that are still ordered.
    pub fn current(&self) -> u64 {
        self.quantity - self.removed
    }

    /// Pieces that still have to leave.
    pub fn open(&self) -> u64 {
        if self.ships { self.current().saturating_sub(self.fulfilled) } else { 0 }
    }

    /// Those of them that a part of the order has.
    pub(super) fn open_in(&self, part: Part) -> u64 {
        let apart = self.apart.min(self.open());
        match part {
            Part::First => self.open() - apart,
            Part::Second => apart,
        }
    }

    pub(super) fn sums(&self, pieces: u64, order: &Order) -> Sums {
        let gross = self.price * pieces;
        let discount = (self.discount * pieces).checked_div(self.quantity).unwrap_or(0);
        let net = gross - discount;
        let rate = order.tax_permille;
        let base = if order.taxes_included { 1_000 + rate } else { 1_000 };
        // Rounded half up, as the vendor does per line.
        let tax = (net * rate * 2 + base) / (base * 2);
        Sums { gross, discount, tax }
    }
}

impl Order {
    /// Who ordered, and gets it: nobody real.
    pub fn recipient(&self) -> String {
        format!("{FIRST_NAME} {}", self.number)
    }

    /// The street that it goes to.
    pub fn street(&self) -> String {
        super::make::street(self.number)
    }

    /// One more change, at least a second after the last.
    pub(super) fn touch(&mut self, now: Timestamp) {
        self.sequence += 1;
        let second = SignedDuration::from_secs(1);
        let next = self.updated_at.checked_add(second).unwrap_or(self.updated_at);
        self.updated_at = now.max(next);
    }

    pub(super) fn sums(&self, pieces: impl Fn(&Line) -> u64) -> Sums {
        self.lines.iter().map(|line| line.sums(pieces(line), self)).fold(
            Sums::default(),
            |sum, line| Sums {
                gross: sum.gross + line.gross,
                discount: sum.discount + line.discount,
                tax: sum.tax + line.tax,
            },
        )
    }

    pub(super) fn total(&self, sums: Sums) -> u64 {
        let tax = if self.taxes_included { 0 } else { sums.tax };
        sums.gross - sums.discount + self.shipping + tax
    }

    /// Where a part of it is sent from.
    pub(super) fn place(&self, part: Part) -> Place {
        match part {
            Part::First => Place::Main,
            Part::Second => self.apart_at,
        }
    }

    /// Whether everything that ships and was not taken off has left.
    pub fn is_fulfilled(&self) -> bool {
        self.lines.iter().all(|line| line.open() == 0)
    }

    /// Cancels it; gives the topic to tell it under. None: it is cancelled, or something has left.
    pub(super) fn cancel(&mut self, why: &'static str, now: Timestamp) -> Option<&'static str> {
        // Who has the goods cannot cancel.
        if self.cancelled.is_some() || !self.fulfilments.is_empty() {
            return None;
        }
        self.payment = match self.payment {
            Payment::Paid | Payment::PartiallyRefunded | Payment::Refunded => Payment::Refunded,
            Payment::Pending | Payment::Voided => Payment::Voided,
        };
        self.cancelled = Some((why, now));
        Some("orders/cancelled")
    }

    /// Takes a piece off that has not left; gives its line. None: everything has left.
    pub(super) fn edit_away(&mut self) -> Option<u64> {
        let open = |line: &&mut Line| line.open() > 0;
        let line = self.lines.iter_mut().find(open).filter(|_| self.cancelled.is_none())?;
        line.removed += 1;
        Some(line.id)
    }

    /// Takes off what has not left, and gives the money back. None: everything has left.
    pub(super) fn take_off_the_rest(&mut self, id: u64, now: Timestamp) -> Option<()> {
        let before = self.total(self.sums(Line::current));
        let lines: Vec<(u64, u64)> = self
            .lines
            .iter_mut()
            .filter(|line| line.open() > 0)
            .map(|line| {
                let open = line.open();
                line.removed += open;
                (line.id, open)
            })
            .collect();
        if lines.is_empty() {
            return None;
        }
        let amount = before - self.total(self.sums(Line::current));
        self.payment = Payment::PartiallyRefunded;
        self.refunds.push(Refund { id, at: now, lines, amount });
        Some(())
    }
}
