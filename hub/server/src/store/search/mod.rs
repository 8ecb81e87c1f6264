//! What people find orders by: words of an order that lie in the clear, and keyed hashes of what is personal.
//!
//! *In the clear*, found exactly and by their beginning: our reference, the order's number, the ids that systems
//! have of the order, its fulfilments, shipments, returns, invoices and payments, tracking numbers of shipments and
//! packages, SSCCs, invoice numbers: what stands on a parcel, in a mail or in another system when somebody asks.
//! *Hashed*, found exactly and only by who may read personal values: e-mail, phone, each word of a name, of a
//! company, postal code, tax number, payment reference. Not at all: skus (a third of all orders has the one that is
//! asked for; `v1_lines` counts them), streets and towns (nobody spells them twice alike), notes.
//!
//! **Invariant:** what finds an order is what it says now: a commit writes the difference between what the order
//! said before and what it says after. Test: `what_finds_an_order_follows_it`.
//! **Invariant:** a word in a path, where writes go, too, means the order that is called so (our reference, its number,
//! its own ids at systems) and never one whose parcel, invoice or payment is: those numbers are picked by others, and
//! meet. What an order is called lies in a form of its own ([`called`]), which a beginning finds like any other. Test:
//! `a_number_names_an_order_and_no_invoice_or_parcel_of_another`.
//! **Invariant:** without the key nothing personal can be read or tried from the tables. Test:
//! `personal_values_lie_in_no_table_of_the_search`.
//!
//! Bounds: [`MOST_WORDS`] and [`MOST_HASHES`] of one order, those of the order itself first; [`MOST_ASKED`] words of
//! one question; [`MOST_FOUND`] orders that are called by one word.

use std::collections::BTreeSet;

mod key;
mod normal;
mod plan;
mod progress;
mod terms;

pub(crate) use key::SearchKey;
pub(crate) use normal::{called, identifier};
pub use plan::{MOST_ASKED, MOST_LETTERS, Reach};
pub(crate) use plan::{MOST_RARE, Plan, Term, rarest};
pub use progress::Wanted;
pub(crate) use progress::{Kept, begin, rows};

/// The number of what stands above: another one makes the search anew over all orders.
pub(crate) const VERSION: i64 = 2;
/// Words of one order.
pub(crate) const MOST_WORDS: usize = 64;
/// Hashes of one order.
pub(crate) const MOST_HASHES: usize = 32;

/// Orders that one word may mean; more are not told apart.
pub(crate) const MOST_FOUND: usize = 50;
/// Orders called by one word that are looked at, newest first, until so many are found that who asks may see.
pub(crate) const MOST_LOOKED: i64 = 2_000;

/// What finds one order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Terms {
    /// In the clear, normalised; what the order itself is called in the form of [`called`], and in that one only.
    pub(crate) words: BTreeSet<String>,
    /// Keyed hashes. Of 64 bits: two values of ten million meet by chance once in a million stores.
    pub(crate) hashes: BTreeSet<i64>,
}
