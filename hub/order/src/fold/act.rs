//! What can happen to an order: the fold's input.

use serde::{Deserialize, Serialize};

use crate::catalogue::FieldId;
use crate::contribution::{Contribution, Stated, maybe};
use crate::identify::{Bound, ReferenceKey};
use crate::ids::{At, SystemName};
use crate::lane::{Flight, LaneCode, WantKey, Xref};

/// One thing that happened to an order. Documents, receipts, people and timers are alike.
#[derive(Clone, Debug)]
pub enum Act {
    /// A system spoke.
    Document(DocumentAct),
    /// The deliverer is about to send the first byte: reserve ► flying.
    Fly {
        /// The system.
        system: SystemName,
        /// The call, its fence one above [`crate::lane::Lane::fence`].
        flight: Box<Flight>,
    },
    /// The memo of a flight grew (before a step that is not repeatable), or references are known.
    Memo {
        /// The system.
        system: SystemName,
        /// The flight's fence.
        fence: u64,
        /// The memo so far.
        memo: Vec<u8>,
        /// References known so far.
        xrefs: Vec<Xref>,
    },
    /// The deliverer found that nothing has to be sent for this want.
    Skip {
        /// The system.
        system: SystemName,
        /// The want.
        want: WantKey,
        /// The order version it looked at.
        version: u32,
        /// Why.
        code: LaneCode,
        /// The projection's hash, where one was made.
        hash: Option<[u8; 16]>,
        /// The wish waits in the store, not in hand, and is due then.
        until: Option<jiff::Timestamp>,
    },
    /// The files make no call of this want: it is not tried again before they, or the order, are others.
    Unfit {
        /// The system.
        system: SystemName,
        /// The want.
        want: WantKey,
        /// The order version that was looked at.
        version: u32,
        /// Why, for a person.
        why: String,
    },
    /// The system is down, and the rule of this want does not let it wait: given up, and nothing of it was sent.
    Down {
        /// The system.
        system: SystemName,
        /// The call that was not made, its fence one above [`crate::lane::Lane::fence`].
        flight: Box<Flight>,
        /// Since when, and what to do, for a person.
        why: String,
    },
    /// What came of an attempt.
    Receipt(Box<Receipt>),
    /// A person did something.
    Person(PersonAct),
    /// What stood in the way of the system's calls is gone: what was put off because of it is due.
    Hurry {
        /// The system.
        system: SystemName,
    },
    /// A timer of the order fired: derive again.
    Tick,
}

/// A document, with where it was identified to belong.
#[derive(Clone, Debug)]
pub struct DocumentAct {
    /// What it says.
    pub contribution: Contribution,
    /// The element that its key (or ours) is bound to; the order itself: empty.
    pub at: Option<At>,
    /// The element that a parent reference named.
    pub parent: Option<At>,
}

/// What came of one attempt of a delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The system.
    pub system: SystemName,
    /// The flight's fence: an old one changes nothing.
    pub fence: u64,
    /// The verdict on the attempt.
    pub class: ReceiptClass,
    /// A step was written there in this attempt: nothing supersedes the call any more. Of one that is given up by it:
    /// was written, or may have been.
    pub wrote: bool,
    /// References to bind: (entity or free kind, which element of ours, external id).
    pub xrefs: Vec<Xref>,
    /// The mapped reply, onto the same subject.
    pub reply: Option<Contribution>,
    /// Operator's words for a todo: never personal, never secret.
    pub why: String,
    /// The memo at the end of the attempt.
    pub memo: Vec<u8>,
    /// When the attempt is to be tried again, if the class says so: decided by the retry policy.
    pub next_due: Option<jiff::Timestamp>,
}

/// Class of a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptClass {
    /// Done.
    Ok,
    /// Was done before.
    Already,
    /// Nothing happened there.
    NotActed,
    /// Perhaps.
    MayHaveActed,
    /// Refused for good.
    SaidNo,
    /// Too many calls.
    Throttled,
    /// Credentials refused.
    NotAllowed,
    /// Flown nowhere: shadow mode.
    Shadowed,
    /// May have acted, and nobody can answer whether it did.
    InDoubt,
    /// The retries are used up.
    Dead,
}

/// What a person did. Who it was and why stands in the [`Facts`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PersonAct {
    /// Sets fields.
    Edit {
        /// The version the person looked at.
        seen: u32,
        /// What.
        values: Vec<(At, FieldId, Stated)>,
    },
    /// Leads the order back to what an earlier version said.
    Restore {
        /// The version the person looked at.
        seen: u32,
        /// The version that is led back to.
        to: u32,
        /// What is put back for it.
        puts: Vec<Put>,
    },
    /// Ends a hold.
    ReleaseHold {
        /// The hold's id.
        hold: Box<str>,
    },
    /// Has what a system lacks of the order sent to it.
    Resend {
        /// The system.
        system: SystemName,
        /// Besides what it lacks all states that it is owed, once more and whole. A fact that was told is told once.
        #[serde(default)]
        all: bool,
    },
    /// Settles a dead or doubtful flight.
    Settle {
        /// The lane's system.
        system: SystemName,
        /// Try again, or let it be.
        again: bool,
        /// Of a wish that the files make no call of, or that was given up: its key, and nothing
        /// else is decided. `None`: the call that waits, else the first such wish.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        about: Option<Box<str>>,
    },
}

/// One value to be put back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Put {
    /// Where.
    pub at: At,
    /// Which.
    pub field: FieldId,
    /// What stood there; the outer `None` is absent, the inner null.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "maybe")]
    pub value: Option<Stated>,
}

/// What is not in the document: given, never fetched, so that the fold stays pure.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Who or what acts: `system:shop_eu`, `person:…`, `hub`.
    pub actor: Box<str>,
    /// The message or receipt that caused it, for the change row.
    pub cause: Box<str>,
    /// Why, in the words of the person who acts; `None`: nobody was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Box<str>>,
    /// When the hub received it.
    pub received: Option<jiff::Timestamp>,
    /// The sequence of the stored row: the revision of documents that carry none.
    pub sequence: i64,
    /// Recorded look-ups.
    pub lookups: Vec<(Box<str>, Box<str>)>,
    /// What the table of cross references says of those that the act would bind ([`super::binds`]): one
    /// that names another order or entity is not bound.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bound: Vec<(ReferenceKey, Bound)>,
}
