//! What the store answers with: pages, rows and the filters that ask for them.

use jiff::Timestamp;
use orderhub_order::catalogue::{FieldId, FieldSet, known};
use orderhub_order::fold::{TodoItem, TodoKind};
use orderhub_order::ids::{OrderKey, SystemName};
use orderhub_order::model::Order;

use super::{Reach, Scope};
use crate::intake::Envelope;

/// Most rows of one page.
pub const MOST_ROWS: usize = 500;
/// Orders looked at for one page, by their columns.
const MOST_ORDERS: usize = 20_000;
/// Orders looked at for one page where each body must be decoded, or the words of each be asked for. Measured: 9 us
/// each on SQLite, 22 us on PostgreSQL.
const MOST_LOOKED_INTO: usize = 4_000;
/// Attempts looked at for one page: rows without a body.
pub(crate) const MOST_ATTEMPTS: usize = 100_000;

/// One page of a listing.
#[derive(Debug)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Where the next page starts; `None` at the end.
    pub next: Option<String>,
}

/// Which orders.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Words that find orders, all of them; see [`super::search`].
    pub q: Option<String>,
    /// By what they may find.
    pub reach: Reach,
    /// Origin.
    pub system: Option<SystemName>,
    /// Stage.
    pub stage: Option<String>,
    /// Has this hold.
    pub hold: Option<String>,
    /// Changed then or later.
    pub updated_since: Option<Timestamp>,
    /// Placed then or later.
    pub placed_since: Option<Timestamp>,
    /// These of the order's own fields have these words; an absent lifecycle is `open`.
    pub states: Vec<(FieldId, String)>,
    /// From [`Page::next`].
    pub cursor: Option<String>,
    /// At most [`MOST_ROWS`].
    pub limit: usize,
}

impl Filter {
    /// Orders looked at for one page. `walks`: words find too many to be asked for first.
    pub(crate) fn most(&self, scope: &Scope, walks: bool) -> usize {
        let looks = walks || !self.states.is_empty() || *scope != Scope::All;
        if looks { MOST_LOOKED_INTO } else { MOST_ORDERS }
    }

    /// Whether an order has the words that were asked for.
    pub(crate) fn has_states(&self, order: &Order) -> bool {
        self.states.iter().all(|(field, value)| state(order, *field) == Some(value))
    }
}

fn state(order: &Order, field: FieldId) -> Option<&str> {
    // An order of which nobody said so is open.
    let lifecycle = || Some(order.lifecycle()).filter(|_| field == known::order::STATE_LIFECYCLE);
    order.fields.text(field).or_else(lifecycle)
}

/// Which of the open todos.
#[derive(Clone, Debug, Default)]
pub struct TodoFilter {
    /// Kind.
    pub kind: Option<TodoKind>,
    /// System.
    pub system: Option<SystemName>,
    /// Cause.
    pub cause: Option<String>,
    /// Order.
    pub order: Option<OrderKey>,
    /// From [`Page::next`].
    pub cursor: Option<String>,
    /// At most [`MOST_ROWS`].
    pub limit: usize,
}

/// One version of an order.
#[derive(Clone, Debug)]
pub struct ChangeRow {
    /// Its number.
    pub version: u32,
    /// When it was committed.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// The message or receipt that caused it.
    pub cause: String,
    /// Why, in the words of the person who acted.
    pub reason: Option<String>,
    /// The bundle that mapped it.
    pub bundle: String,
    /// The fields it touched.
    pub touched: FieldSet,
    /// The delta, for [`orderhub_order::history`].
    pub delta: Vec<u8>,
    /// The delta's personal values, which lie apart; empty when there are none.
    pub personal: Vec<u8>,
}

/// One attempt.
#[derive(Clone, Debug, serde::Serialize)]
pub struct ReceiptRow {
    /// When.
    pub at: Timestamp,
    /// Whose.
    pub system: String,
    /// What was called.
    pub operation: String,
    /// Attempt, from 1.
    pub attempt: u32,
    /// Class of the receipt.
    pub class: String,
    /// HTTP status of the last step, where there was one.
    pub status: Option<u16>,
    /// How long it took.
    pub ms: u64,
    /// Why, masked.
    pub why: String,
}

impl ReceiptRow {
    /// Every class that an attempt may have.
    pub const CLASSES: [&str; 7] =
        ["ok", "already", "not_acted", "may_have_acted", "said_no", "throttled", "not_allowed"];
}

/// Which attempts.
#[derive(Clone, Debug, Default)]
pub struct AttemptFilter {
    /// At deliveries of this order.
    pub order: Option<OrderKey>,
    /// At this system.
    pub system: Option<SystemName>,
    /// Of this class.
    pub class: Option<String>,
    /// From [`Page::next`].
    pub cursor: Option<String>,
    /// At most [`MOST_ROWS`].
    pub limit: usize,
}

/// One attempt among those of all orders.
#[derive(Clone, Debug)]
pub struct AttemptRow {
    /// The order that was delivered.
    pub order: OrderKey,
    /// The attempt.
    pub receipt: ReceiptRow,
}

/// State of a todo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TodoState {
    /// Waits for a person.
    Open,
    /// Was replayed.
    Replayed,
    /// Was decided.
    Resolved,
    /// Was let be, with a reason.
    Discarded,
    /// A later document did it.
    Superseded,
}

impl TodoState {
    const ALL: [Self; 5] =
        [Self::Open, Self::Replayed, Self::Resolved, Self::Discarded, Self::Superseded];

    /// Its word in columns.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Replayed => "replayed",
            Self::Resolved => "resolved",
            Self::Discarded => "discarded",
            Self::Superseded => "superseded",
        }
    }

    /// The state of a word.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == word)
    }
}

/// One todo.
#[derive(Clone, Debug)]
pub struct TodoRow {
    /// Its number.
    pub id: i64,
    /// Kind, cause, system, words.
    pub item: TodoItem,
    /// The order, where known.
    pub order: Option<OrderKey>,
    /// The message, where there is one.
    pub message: Option<i64>,
    /// When it came up.
    pub at: Timestamp,
    /// What became of it.
    pub state: TodoState,
    /// By whom and why, where a person or a later document ended it.
    pub end: Option<TodoEnd>,
}

/// The words of a todo with its own number, order and system in the commands that they name, so that each can be typed as
/// it stands: who comes to the words does not know the number yet.
///
/// **Invariant:** no command of a stored todo has a place that is left to fill in. Test:
/// `the_commands_of_a_todo_name_what_it_is_about`.
pub(crate) fn in_full(
    why: &str,
    id: i64,
    (order, system): (Option<OrderKey>, Option<&SystemName>),
) -> String {
    let word = |word: &str| match (word, order, system) {
        ("ID", _, _) => id.to_string(),
        ("ORDER", Some(order), _) => order.shown(),
        ("SYSTEM", _, Some(system)) => system.to_string(),
        (word, _, _) => word.to_owned(),
    };
    let part = |(at, part): (usize, &str)| match at % 2 == 1 && part.starts_with("orderhub ") {
        true => part.split(' ').map(word).collect::<Vec<_>>().join(" "),
        false => part.to_owned(),
    };
    why.split('`').enumerate().map(part).collect::<Vec<_>>().join("`")
}

/// How a todo ended.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct TodoEnd {
    /// What became of it.
    #[serde(skip)]
    pub state: TodoState,
    /// Who ended it; the hub itself, for what is superseded.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

impl TodoEnd {
    /// Its message is driven again.
    pub(crate) fn replayed(by: &str, at: Timestamp) -> Self {
        Self { state: TodoState::Replayed, by: by.to_owned(), reason: "replayed".to_owned(), at }
    }
}

/// Open todos of one kind and system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TodoCount {
    /// Their kind.
    pub kind: TodoKind,
    /// The system they concern.
    pub system: Option<SystemName>,
    /// How many.
    pub open: u64,
}

/// A raw message as stored.
#[derive(Clone, Debug)]
pub struct MessageRow {
    /// Its number.
    pub id: i64,
    /// The envelope as it arrived.
    pub envelope: Envelope,
    /// The outcome's word.
    pub outcome: String,
    /// Why.
    pub why: String,
}

/// A message to be driven again, alone.
#[derive(Clone, Debug)]
pub struct PendingRow {
    /// The first message row.
    pub message: MessageRow,
    /// The document in it that waits; `None`: all of them.
    pub document: Option<u32>,
    /// Drives so far, this one included.
    pub attempts: u32,
    /// Since when it waits.
    pub since: Timestamp,
    /// Nothing waits behind it any more.
    pub let_go: bool,
}

/// How much waits for a system.
#[derive(Clone, Debug)]
pub struct Backlog {
    /// Which system.
    pub system: SystemName,
    /// Lanes that want something.
    pub pending: u64,
    /// Since when the target lags behind the oldest of them, whatever was tried since.
    pub oldest: Option<Timestamp>,
}

/// Something that a person holds shut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PauseRow {
    /// Which system.
    pub system: SystemName,
    /// The operation whose breaker is held open; `None`: nothing at all is sent to the system.
    pub operation: Option<String>,
    /// Why.
    pub reason: String,
    /// Who.
    pub actor: String,
    /// Since when.
    pub at: Timestamp,
}

/// What came in one minute, of one kind, with one outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MinuteRow {
    /// Its beginning.
    pub at: Timestamp,
    /// The kind of document.
    pub document: String,
    /// The word of the outcome.
    pub outcome: String,
    /// How many.
    pub count: u64,
}

impl MinuteRow {
    /// Minutes since 1970, as they are stored.
    pub(crate) fn minute(at: Timestamp) -> i64 {
        at.as_second().div_euclid(60)
    }

    pub(crate) fn of((minute, document, outcome, count): (i64, String, String, i64)) -> Self {
        let at = Timestamp::from_second(minute.saturating_mul(60)).unwrap_or(Timestamp::UNIX_EPOCH);
        Self { at, document, outcome, count: u64::try_from(count).unwrap_or(0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{commands_in, is_typed};

    #[test]
    fn the_commands_of_a_todo_name_what_it_is_about() {
        let why = "`orderhub todo resolve ID --again --reason \"it is back\"`, `orderhub why ORDER SYSTEM`; ID and `ORDER` stay";
        assert!(!commands_in(why).iter().any(|command| is_typed(command)));
        let (order, system) = (OrderKey(7), SystemName::new("erp"));
        let said = in_full(why, 26, (Some(order), Some(&system)));
        let first = "orderhub todo resolve 26 --again --reason \"it is back\"".to_owned();
        let commands = commands_in(&said);
        assert_eq!(commands, [first, format!("orderhub why {} erp", order.shown())], "{said}");
        assert!(commands.iter().all(|command| is_typed(command)), "{said}");
        assert!(said.ends_with("; ID and `ORDER` stay"), "{said}");
    }
}
