//! Lanes that rest are looked at again once the files are others: what they lacked (a reference, a rule's `when`, a value
//! that no mapping wrote) may be given now.
//!
//! **Invariant:** a lane that rests by what the files said is tried again after each change of the files or of the systems
//! that the settings name, and, unless it rests for a hold alone, after a start, whatever the store. Tests:
//! `what_no_rule_writes_is_a_todo_and_is_sent_once_mended`,
//! `lanes_at_rest_are_tried_again_at_the_start`, `a_start_by_the_same_files_leaves_held_lanes_alone`.
//!
//! **Bounds:** [`AT_ONCE`] orders in one commit, [`PAGES`] such commits at a look: what is due meanwhile goes between.
//! After a change of the files all that rests is looked at, and twice, [`AGAIN`] apart: another process may have tried by
//! the former files in between. What rests for a hold alone, such as all orders that are not paid, is left out where
//! nothing that holds are judged by has changed ([`Bundle::holds_by`]). That all was looked at is kept in the store: a start
//! by the same files looks once. Tests: `other_mappings_leave_held_lanes_alone`, `holds_are_judged_by_these_files_alone`. One
//! process does it, under the lease of the periodic work; a pass that it did not end is begun anew by the next, which does
//! no harm. What is gone from the files ([`Bundle::judges_by`]) counts as the files do.
//!
//! [`Bundle::holds_by`]: crate::bundle::Bundle::holds_by
//! [`Bundle::judges_by`]: crate::bundle::Bundle::judges_by

use futures_util::future::try_join_all;
use jiff::{SignedDuration, Timestamp};
use orderhub_order::fold::{Act, Facts};
use orderhub_order::ids::OrderKey;

use crate::apply::{Apply, OrderUnit, Unit};
use crate::store::{Store, StoreError};

/// Orders that are looked at in one commit.
const AT_ONCE: usize = 50;
/// Such commits at a look of the periodic work.
const PAGES: usize = 10;
/// Another process uses other files within seconds; then nobody tries by the former ones any more.
const AGAIN: SignedDuration = SignedDuration::from_secs(15);

/// What lanes are judged by: of the files in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct By {
    /// All that a lane may rest by, in a word.
    pub(crate) lanes: String,
    /// What holds and conditions are judged by alone.
    pub(crate) holds: String,
}

impl By {
    /// As the store keeps it.
    fn to_text(&self) -> String {
        format!("{};{}", self.lanes, self.holds)
    }

    /// Of what was looked by to the end last; a program before this one kept no holds.
    fn read(text: &str) -> Option<Self> {
        let (lanes, holds) = text.split_once(';')?;
        Some(Self { lanes: lanes.to_owned(), holds: holds.to_owned() })
    }
}

/// How far it is.
#[derive(Debug, Default)]
pub(crate) struct Woken {
    /// By what lanes were looked at.
    by: Option<By>,
    /// The order behind which the pass goes on; `None`: it is over.
    after: Option<OrderKey>,
    /// When the second pass begins.
    again: Option<Timestamp>,
    /// All of it was looked at by these files before, by another process or a former one.
    known: bool,
    /// What rests for a hold alone is looked at, too.
    held: bool,
}

impl Woken {
    /// Goes on, as far as it may at one look. `by`: what lanes are judged by now.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: it goes on where it stopped.
    pub(crate) async fn look(
        &mut self,
        (store, apply): (&dyn Store, &Apply),
        by: &By,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if self.by.as_ref() != Some(by) {
            let last = store.woken().await?.and_then(|text| By::read(&text));
            let known = self.by.is_none() && last.as_ref() == Some(by);
            let held = last.is_none_or(|last| last.holds != by.holds);
            if !known {
                // A pass that does not come to its end was none, whatever files are in use then.
                store.keep_woken("").await?;
            }
            let again = (!known).then(|| now.checked_add(AGAIN).unwrap_or(now));
            let after = Some(OrderKey(i64::MIN));
            *self = Self { by: Some(by.clone()), after, again, known, held };
        } else if self.after.is_none() && self.again.is_some_and(|again| again <= now) {
            (self.after, self.again) = (Some(OrderKey(i64::MIN)), None);
        }
        for _ in 0..PAGES {
            let Some(after) = self.after else { return Ok(()) };
            let keys = store.resting(after, AT_ONCE, self.held).await?;
            try_join_all(keys.iter().map(|key| apply.submit(tick(*key)))).await?;
            let more = keys.last().copied().filter(|_| keys.len() == AT_ONCE);
            if more.is_none() && self.again.is_none() && !self.known {
                store.keep_woken(&by.to_text()).await?;
            }
            self.after = more;
        }
        Ok(())
    }
}

/// Derives again, by the files of now: what can be sent is due.
fn tick(key: OrderKey) -> Unit {
    let facts = Facts { actor: "hub".into(), cause: "files".into(), ..Facts::default() };
    Unit::Order(Box::new(OrderUnit { key, act: Act::Tick, facts, receipt: None }))
}
