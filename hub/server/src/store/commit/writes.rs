//! What a commit writes, set by set: N messages of one order make N changes, but one order row and one
//! lane row per system.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use orderhub_order::catalogue::FieldSet;
use orderhub_order::contribution::Contribution;
use orderhub_order::fold::TodoItem;
use orderhub_order::identify::ReferenceKey;
use orderhub_order::ids::{OrderKey, SystemName};
use orderhub_order::lane::Lane;
use orderhub_order::model::Order;

use super::DocumentKey;
use super::index::IndexWrites;
use crate::apply::{Args, Cursor, FetchKey, Recorded, Word};
use crate::intake::Envelope;
use crate::store::ReceiptRow;
use crate::store::pack::PackedAhead;
use orderhub_order::history::Stored;

/// Everything but seen ids and references, in the order of writing.
#[derive(Debug)]
pub(crate) struct Writes<'a> {
    /// Raw messages.
    pub(crate) messages: Vec<MessageWrite<'a>>,
    /// Versions.
    pub(crate) changes: &'a [ChangeWrite],
    /// Heads, sorted by key.
    pub(crate) orders: Vec<OrderWrite<'a>>,
    /// Lanes, sorted by order and system.
    pub(crate) lanes: Vec<LaneWrite<'a>>,
    /// What finds orders, and their lines.
    pub(crate) index: &'a IndexWrites,
    /// Attempts.
    pub(crate) receipts: &'a [(OrderKey, ReceiptRow)],
    /// For people.
    pub(crate) todos: &'a [TodoWrite],
    /// Documents whose open todos `parked` are done with by a later one, and that nothing waits behind any more:
    /// (system, kind, key).
    pub(crate) superseded: &'a [DocumentKey],
    /// What open todos are about by another name from now on, and their sentences; written before all else about todos. One
    /// whose new name another has already ends.
    pub(crate) carried: &'a BTreeMap<Field, (Box<str>, String)>,
    /// Fields of which nothing is to be decided any more, and why; none of them is in `todos`.
    pub(crate) settled: &'a BTreeMap<Field, String>,
    /// Documents that were driven again and need it no more: (first row, document).
    pub(crate) driven: &'a [(i64, Option<u32>)],
    /// Documents to be driven, or driven again, later.
    pub(crate) pending: &'a [PendingWrite],
    /// What waiting documents may wait for, and has come.
    pub(crate) woken: Vec<WaitKey>,
    /// Outcomes.
    pub(crate) counts: Vec<Count>,
    /// Hints and answers, by document, each once.
    pub(crate) fetches: &'a BTreeMap<FetchKey, FetchWrite>,
    /// Cursors that move.
    pub(crate) cursors: &'a BTreeMap<(SystemName, Box<str>), Cursor>,
    /// The time of the commit.
    pub(crate) now: Timestamp,
    /// The bundle by whose rules changes were folded.
    pub(crate) bundle: &'a str,
    /// What of all this was packed before.
    pub(crate) ahead: &'a PackedAhead,
}

/// What the messages of a batch say of one document that is fetched.
#[derive(Debug, Default)]
pub(crate) struct FetchWrite {
    /// What the operation is called with; those of the last hint.
    pub(crate) args: Args,
    /// So many more hints.
    pub(crate) wanted: i64,
    /// Only listings named it.
    pub(crate) backfill: bool,
    /// Hints up to this one are answered; zero: none is.
    pub(crate) done: i64,
}

/// A raw message with its outcome.
#[derive(Debug)]
pub(crate) struct MessageWrite<'a> {
    /// Its row.
    pub(crate) id: i64,
    /// The row of the first drive; then the body is there, not here.
    pub(crate) first: Option<i64>,
    /// As it arrived.
    pub(crate) envelope: &'a Envelope,
    /// The bundle that mapped it.
    pub(crate) bundle: &'a str,
    /// How it was mapped, besides.
    pub(crate) recorded: &'a Recorded,
    /// The outcome's word.
    pub(crate) outcome: Word,
    /// Why.
    pub(crate) why: &'a str,
}

/// A new version.
///
/// **Invariant:** a version of an order is never changed: its row is written once, and whatever comes
/// later (a document, an edit, a decision) makes another. Test: `every_version_shows_as_it_was`.
#[derive(Debug)]
pub(crate) struct ChangeWrite {
    /// Of this order.
    pub(crate) key: OrderKey,
    /// Its number.
    pub(crate) version: u32,
    /// Who.
    pub(crate) actor: Box<str>,
    /// The message or receipt that caused it.
    pub(crate) cause: Box<str>,
    /// Why, in a person's words.
    pub(crate) reason: Option<Box<str>>,
    /// The fields it touched.
    pub(crate) touched: FieldSet,
    /// Hash over the one before and what is stored of this one.
    pub(crate) chain: [u8; 32],
    /// The delta and its personal values.
    pub(crate) delta: Stored,
    /// The whole order at this version.
    pub(crate) keyframe: Option<Stored>,
}

/// A head to write.
#[derive(Debug)]
pub(crate) struct OrderWrite<'a> {
    /// The head.
    pub(crate) order: &'a Order,
    /// It has no row yet.
    pub(crate) new: bool,
    /// Chain hash of its last change.
    pub(crate) chain: [u8; 32],
    /// Bytes of deltas since the last keyframe.
    pub(crate) since_keyframe: u32,
    /// When its timer rings.
    pub(crate) next_timer: Option<Timestamp>,
}

/// A lane to write.
#[derive(Debug)]
pub(crate) struct LaneWrite<'a> {
    /// Of this order.
    pub(crate) order: &'a Order,
    /// The lane.
    pub(crate) lane: &'a Lane,
    /// Whose it is from now on.
    pub(crate) hold: Hold,
}

/// Who has a lane in its ring, or its call in the air.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    /// Whoever had it.
    Kept,
    /// Nobody: any process may claim it when it is due.
    Free,
    /// This process, by its number.
    By(u64),
}

impl Hold {
    /// Whether the row says something else than before, and what.
    pub(crate) fn column(self) -> (bool, Option<i64>) {
        match self {
            Self::Kept => (false, None),
            Self::Free => (true, None),
            Self::By(process) => (true, Some(i64::try_from(process).unwrap_or(i64::MAX))),
        }
    }
}

/// Something for a person.
#[derive(Debug)]
pub(crate) struct TodoWrite {
    /// Kind, cause, system, words.
    pub(crate) item: TodoItem,
    /// The order, where known.
    pub(crate) order: Option<OrderKey>,
    /// The message to drive again, where there is one, and the document in it.
    pub(crate) message: Option<(i64, Option<u32>)>,
    /// Kind and key of the document that a later one supersedes.
    pub(crate) document: Option<(Arc<str>, Box<str>)>,
    /// How it stands to those that are there.
    pub(crate) stands: Stands,
}

/// How a todo stands to those that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stands {
    /// Beside them.
    Beside,
    /// Its message was driven again: where the hub ended a todo of the same cause about it by that, it is this one.
    ///
    /// **Invariant:** a message that other files do not mend keeps the number of its todo. Test:
    /// `what_fails_again_in_the_same_way_keeps_its_number`.
    Again,
    /// The hub asked the system, and this is what it says now: it takes the place of the open one about the same document.
    ///
    /// **Invariant:** a document that is asked for again and again and cannot be read is one todo, about its last answer.
    /// Test: `what_is_asked_for_again_and_cannot_be_read_is_one_todo`.
    Instead,
}

/// What one todo at most is open about: a field of an order, and whose statement of it.
pub(crate) type Field = (OrderKey, Option<SystemName>, Box<str>);

impl TodoWrite {
    /// One about an order, of no message.
    pub(crate) fn of_order(item: TodoItem, order: OrderKey) -> Self {
        let order = Some(order);
        Self { item, order, message: None, document: None, stands: Stands::Beside }
    }

    /// The field that it is about, if it is about one.
    pub(crate) fn field(&self) -> Option<Field> {
        Some((self.order?, self.item.system.clone(), self.item.about.clone()?))
    }

    /// Whether the other one is about the same document, and stands in this one's place.
    pub(crate) fn gives_way_to(&self, other: &Self) -> bool {
        let own = (self.stands, &self.item.system, &self.document);
        own == (Stands::Instead, &other.item.system, &other.document)
    }
}

/// A document to be driven again.
#[derive(Debug)]
pub(crate) struct PendingWrite {
    /// The first row of its message.
    pub(crate) message: i64,
    /// Which document of it; `None`: all.
    pub(crate) document: Option<u32>,
    /// `suspect`, `waiting`, `reading`.
    pub(crate) why: &'static str,
    /// Since when.
    pub(crate) since: Timestamp,
    /// When it is due; `None`: when woken.
    pub(crate) due: Option<Timestamp>,
    /// The system whose answer it waits for; `None`: it waits for none.
    pub(crate) asks: Option<SystemName>,
    /// Its kind, where it waits for what it looks up: later facts of its key wait behind it; [`LET_GO`]: not any more.
    pub(crate) holds: Option<Arc<str>>,
    /// What it waits for, and what it is about.
    pub(crate) keys: Vec<WaitKey>,
    /// The hub asked the system, and this is what it says of the document now: it takes the place of what waits of it.
    ///
    /// **Invariant:** a document that is asked for again and again and waits is one that waits, in its last words, and it
    /// waits since the first. Test: `what_is_asked_for_again_and_waits_is_one_that_waits`.
    pub(crate) instead: Option<WaitKey>,
}

/// In the place of the kind of a document that waits for what it looks up, and that a later one of its key did away with:
/// nothing waits behind it, however often it is driven in vain.
pub(crate) const LET_GO: &str = "";

impl PendingWrite {
    /// Nothing waits behind it any more, if it is a document of this kind and key.
    pub(super) fn let_go(&mut self, (system, kind, key): &DocumentKey) {
        let about = || WaitKey::about(system, key).is_some_and(|key| self.keys.contains(&key));
        if self.holds.as_deref() == Some(&**kind) && about() {
            self.holds = Some(LET_GO.into());
        }
    }
}

/// What a document waits for, in the columns of the table of references.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct WaitKey {
    /// The system, or empty for our own refs.
    pub(crate) system: Box<str>,
    /// The reference's kind, `ref`, or one of the hub's own that begin with `#`.
    pub(crate) kind: Box<str>,
    /// The id.
    pub(crate) ext_id: Box<str>,
}

/// The kind of our own refs.
pub(crate) const REF: &str = "ref";
/// The kind of a wait for a lane to settle.
const LANE: &str = "#lane";
/// The kind of a wait for other files than those by which a look-up found nothing.
pub(crate) const FILES: &str = "#files";
/// The kind of a wait for an answer of a read of the system.
pub(crate) const READ: &str = "#read";
/// The kind of a key that is not waited for: what the document is about, by which people ask for it.
pub(crate) const ABOUT: &str = "#about";
/// The kind of a key that is not waited for: which document of its system it is.
pub(crate) const DOCUMENT: &str = "#document";
/// The kind of a wait for a parked document.
const PARKED: &str = "#parked";

impl WaitKey {
    /// Waits for a reference.
    pub(crate) fn reference(key: &ReferenceKey) -> Self {
        match key {
            ReferenceKey::Xref { system, kind, ext_id } => {
                Self { system: system.as_str().into(), kind: kind.clone(), ext_id: ext_id.clone() }
            }
            ReferenceKey::Ref(text) => {
                Self { system: "".into(), kind: REF.into(), ext_id: text.clone() }
            }
        }
    }

    /// Waits for the flight of a lane to settle.
    pub(crate) fn lane(system: &SystemName, key: OrderKey) -> Self {
        let ext_id = key.0.to_string().into();
        Self { system: system.as_str().into(), kind: LANE.into(), ext_id }
    }

    /// Waits for other files than these, too: they may look up something else, or nothing.
    pub(crate) fn files(bundle: &str) -> Self {
        Self { system: "".into(), kind: FILES.into(), ext_id: bundle.into() }
    }

    /// Waits for an answer of a system to this read.
    pub(crate) fn read(system: &SystemName, read: &str) -> Self {
        Self { system: system.as_str().into(), kind: READ.into(), ext_id: read.into() }
    }

    /// Is about what this system knows by this key, or what our `ref` names; `None`: no id is as long.
    pub(crate) fn about(system: &SystemName, key: &str) -> Option<Self> {
        let fits = key.len() <= FetchKey::LONGEST && !key.contains('\0');
        fits.then(|| Self {
            system: system.as_str().into(),
            kind: ABOUT.into(),
            ext_id: key.into(),
        })
    }

    /// Is this document of a system; `None`: no id is as long.
    pub(crate) fn document(said: &Contribution) -> Option<Self> {
        let name = format!("{}/{}", said.document, said.key);
        Some(Self { kind: DOCUMENT.into(), ..Self::about(&said.system, &name)? })
    }

    /// Waits for a parked document to be done with.
    pub(crate) fn parked(system: &SystemName, key: &str) -> Self {
        Self { system: system.as_str().into(), kind: PARKED.into(), ext_id: key.into() }
    }
}

/// So many messages of one kind had this outcome.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Count {
    /// Whose.
    pub(crate) system: SystemName,
    /// Kind of document.
    pub(crate) document: Arc<str>,
    /// The word.
    pub(crate) outcome: Word,
    /// How many.
    pub(crate) n: u32,
}
