//! What is stored of a call while it is in the air.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use orderhub_connectors::contract::{Memo, ReplyXref};
use orderhub_order::fold::{Act, Outcome};
use orderhub_order::lane::{Flight, Xref};
use tokio::time::Instant;

use super::bind::bind;
use super::freeze::write_memo;
use super::send::Hand;

/// A step that has waited for less than this is taken to have begun when its memo was stored: `settles` is much longer.
const AT_ONCE: Duration = Duration::from_millis(500);

/// A flight in the air, whose memo is stored on the way.
pub(super) struct Flying<'a> {
    hand: &'a Hand<'a>,
    flight: &'a Flight,
    noted: Mutex<Noted>,
}

/// What is stored of a flight in the air.
#[derive(Clone)]
struct Noted {
    memo: Memo,
    /// References.
    known: usize,
    at: Instant,
}

/// The flight is not ours any more, or the store is gone: nothing more may be sent for it.
#[derive(Debug)]
pub(super) struct Lost;

impl<'a> Flying<'a> {
    /// A flight that was stored just now, with its memo.
    pub(super) fn new(hand: &'a Hand<'a>, flight: &'a Flight, memo: Memo) -> Self {
        Self { hand, flight, noted: Mutex::new(Noted { memo, known: 0, at: Instant::now() }) }
    }

    /// Stores the memo before a step that is not repeatable, and references as soon as they are known.
    pub(super) async fn note(
        &self,
        memo: &Memo,
        known: &[ReplyXref],
        repeatable: bool,
    ) -> Result<(), Lost> {
        let noted = self.noted();
        let grown = known.len() > noted.known;
        if !grown && (repeatable || noted.memo == *memo) {
            return Ok(());
        }
        let (xrefs, _) = bind(known, self.flight, &self.hand.state.order);
        self.store(memo, xrefs, known.len()).await
    }

    /// The first byte of a step that is not repeatable is about to leave. Where it has waited for that, for its turn or a
    /// login, the time is stored once more: whoever finds the call lapsed looks for it no earlier than it may have settled.
    pub(super) async fn leaves(&self) -> Result<(), Lost> {
        let noted = self.noted();
        if noted.at.elapsed() < AT_ONCE {
            return Ok(());
        }
        self.store(&noted.memo, Vec::new(), noted.known).await
    }

    fn noted(&self) -> Noted {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn store(&self, memo: &Memo, xrefs: Vec<Xref>, known: usize) -> Result<(), Lost> {
        let act = Act::Memo {
            system: self.hand.dispatcher.name.clone(),
            fence: self.flight.fence,
            memo: write_memo(memo),
            xrefs,
        };
        let outcome = self.hand.commit(act, None).await.map_err(|_| Lost)?;
        let Some(Outcome::Applied { .. }) = outcome else { return Err(Lost) };
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        *noted = Noted { memo: memo.clone(), known, at: Instant::now() };
        Ok(())
    }
}
