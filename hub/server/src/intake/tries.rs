//! How a poll stands: what was asked for, and how the last tries went.

use jiff::Timestamp;

use super::confirm::Unconfirmed;
use super::slide::Turn;
use super::window::Window;
use crate::apply::Cursor;

/// How the last tries went.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Trouble {
    /// Attempts at this page that the long policy counts.
    pub(super) attempts: u32,
    /// Failures in a row.
    pub(super) failures: u32,
    /// Not before this.
    pub(super) until: Option<Timestamp>,
    /// How often what was put off at the system had been made due when this was.
    pub(super) eased: u64,
    /// What named the next page may have lapsed there: the poll begins again, from where the last ended.
    pub(super) begin: bool,
    /// What was listed last ends before the poll's now: what follows is asked for at once.
    pub(super) behind: bool,
    /// The last page that was stored, by what is in it.
    pub(super) page: Option<[u8; 16]>,
    pub(super) unconfirmed: Unconfirmed,
}

/// A page that was asked for.
pub(super) struct Page {
    /// Where the listing stood before it.
    pub(super) cursor: Cursor,
    pub(super) turn: Turn,
    pub(super) window: Window,
    /// The time that was asked for does not reach up to now.
    pub(super) more: bool,
    /// Things may move from page to page.
    pub(super) slides: bool,
}
