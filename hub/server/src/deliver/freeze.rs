//! What a flight freezes: the document, the settings by value and the references, as bytes in the lane.
//!
//! **Invariant:** a retry, in this process or the next, sends the same bytes: everything a connector
//! reads besides credentials comes from here, and nothing here is a secret. Tests:
//! `what_is_frozen_comes_back_to_the_byte`,
//! `a_retry_goes_under_the_same_key_and_nothing_supersedes_it`.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use orderhub_connectors::contract::{Call, Memo};
use orderhub_lang::value::Value;
use orderhub_order::hash;
use orderhub_order::ids::{At, OrderKey, SystemName};
use orderhub_order::lane::{Lane, WantKey};
use serde::{Deserialize, Serialize};

/// The inputs of a call.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Frozen {
    /// The mapped-out document.
    pub(super) document: Bytes,
    /// What of it differs from what was last sent, where only that is sent.
    pub(super) changed: Option<Bytes>,
    /// What it is on the wire.
    media: String,
    settings: BTreeMap<String, String>,
    xrefs: BTreeMap<String, Value>,
    args: BTreeMap<String, Value>,
    fields: Vec<String>,
}

/// A frozen document holds names and addresses: it does not print.
impl fmt::Debug for Frozen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frozen").field("bytes", &self.document.len()).finish_non_exhaustive()
    }
}

/// The form in the lane: this as JSON, its length before it, the document's bytes after it.
#[derive(Serialize, Deserialize)]
struct Head {
    /// The form's version.
    v: u8,
    settings: BTreeMap<String, String>,
    xrefs: BTreeMap<String, String>,
    fields: Vec<String>,
    /// What the document is, where it is no JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    media: Option<String>,
    /// Bytes of the whole document, where what changed of it follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    whole: Option<usize>,
}

/// The form of all but those that say what changed, which programs before them do not read.
const VERSION: u8 = 1;
const WITH_CHANGED: u8 = 2;

/// What documents are on the wire unless their mapping says otherwise.
pub(super) const JSON: &str = "application/json";

impl Frozen {
    /// Freezes what a subject's delivery needs.
    pub(super) fn new(
        document: Bytes,
        media: &str,
        settings: &BTreeMap<String, String>,
        lane: &Lane,
        subject: &At,
        fields: Vec<String>,
    ) -> Self {
        let xrefs = references(lane, subject);
        let args = BTreeMap::new();
        let media = media.to_owned();
        let settings = settings.clone();
        Self { document, changed: None, media, settings, xrefs, args, fields }
    }

    /// Freezes what a read needs.
    pub(super) fn read(
        settings: &BTreeMap<String, String>,
        args: BTreeMap<String, Value>,
        fields: Vec<String>,
    ) -> Self {
        Self {
            document: Bytes::new(),
            changed: None,
            media: JSON.to_owned(),
            settings: settings.clone(),
            xrefs: BTreeMap::new(),
            args,
            fields,
        }
    }

    /// For the lane.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let text = |(kind, id): (&String, &Value)| {
            (kind.clone(), id.as_text().unwrap_or_default().to_owned())
        };
        let head = Head {
            v: if self.changed.is_some() { WITH_CHANGED } else { VERSION },
            settings: self.settings.clone(),
            xrefs: self.xrefs.iter().map(text).collect(),
            fields: self.fields.clone(),
            media: (self.media != JSON).then(|| self.media.clone()),
            whole: self.changed.is_some().then_some(self.document.len()),
        };
        // Maps of texts always serialise.
        let head = serde_json::to_vec(&head).unwrap_or_default();
        let length = u32::try_from(head.len()).unwrap_or(u32::MAX).to_be_bytes();
        let changed = self.changed.as_deref().unwrap_or_default();
        [&length[..], &head, &self.document, changed].concat()
    }

    /// From the lane. `None`: not a form that this program knows.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (head, document) = rest.split_at_checked(length)?;
        let head: Head = serde_json::from_slice(head).ok()?;
        let (document, changed) = match (head.v, head.whole) {
            (VERSION, None) => (document, None),
            (WITH_CHANGED, Some(whole)) => {
                let (document, changed) = document.split_at_checked(whole)?;
                (document, Some(Bytes::copy_from_slice(changed)))
            }
            _ => return None,
        };
        let xrefs = head.xrefs.into_iter().map(|(kind, id)| (kind, Value::Text(id)));
        Some(Self {
            document: Bytes::copy_from_slice(document),
            changed,
            media: head.media.unwrap_or_else(|| JSON.to_owned()),
            settings: head.settings,
            xrefs: xrefs.collect(),
            args: BTreeMap::new(),
            fields: head.fields,
        })
    }

    /// The call that a connector reads.
    pub(super) fn call<'a>(
        &'a self,
        operation: &'a str,
        key: &'a str,
        attempt: u32,
        base_url: &'a str,
    ) -> Call<'a> {
        Call {
            operation,
            document: &self.document,
            changed: self.changed.as_deref(),
            media: &self.media,
            key,
            attempt,
            base_url,
            settings: &self.settings,
            xrefs: &self.xrefs,
            args: &self.args,
            fields: &self.fields,
        }
    }
}

/// The references that a call about `subject` sees: its own, then those of what surrounds it.
fn references(lane: &Lane, subject: &At) -> BTreeMap<String, Value> {
    let mut found: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
    for xref in lane.named().filter(|xref| subject.within(&xref.at)) {
        let near = xref.at.0.len();
        let entry = found.entry(&xref.kind).or_insert((near, &xref.ext_id));
        if entry.0 < near {
            *entry = (near, &xref.ext_id);
        }
    }
    found.into_iter().map(|(kind, (_, id))| (kind.to_owned(), Value::text(id))).collect()
}

/// The memo for the lane; empty as long as nothing was found, so that newer inputs may replace the flight.
pub(super) fn write_memo(memo: &Memo) -> Vec<u8> {
    if *memo == Memo::default() { Vec::new() } else { memo.to_bytes() }
}

/// The memo from the lane. `None`: not a form that the connectors know.
pub(super) fn read_memo(bytes: &[u8]) -> Option<Memo> {
    if bytes.is_empty() { Some(Memo::default()) } else { Memo::from_bytes(bytes) }
}

/// The first 16 bytes of the document's SHA-256: what was sent is compared by it.
pub(super) fn projection(document: &[u8]) -> [u8; 16] {
    hash::half(document)
}

/// Which call of an operation it is, among those about the same.
#[derive(Clone, Copy, Debug)]
pub(super) enum Which {
    /// A state's: the version that is frozen.
    Version(u32),
    /// A state's of a version that was sent or given up before: it has to be written once more, whatever a target keeps
    /// by the key of the call before. By the fence of the call, of which each has another.
    Anew(u32, u64),
    /// A fact's: its firing, whenever it is called, so that it is told once.
    Firing(u32),
    /// A fact that was given up, and is certainly not there: a target that keeps its answers by key would give the refusal
    /// that it gave. By the fence of the call, of which each has another.
    Again(u32, u64),
}

impl Which {
    /// Of a call with this fence.
    pub(super) fn of(lane: &Lane, want: &WantKey, (version, fence): (u32, u64)) -> Self {
        let text = want.text();
        let sent = lane.sent.get(&text).is_some_and(|sent| sent.version == version);
        let given_up = lane.given_up.get(&text);
        match want.fact {
            // One that may be there is not called before a person has decided.
            Some(fact) if given_up.is_some() => Self::Again(fact, fence),
            Some(fact) => Self::Firing(fact),
            None if sent || given_up.is_some_and(|one| one.version == version) => {
                Self::Anew(version, fence)
            }
            None => Self::Version(version),
        }
    }
}

/// The idempotency key of an operation: the same for the same frozen inputs, for ever; steps and elements
/// derive theirs from it.
pub(super) fn idempotency_key(
    install: &str,
    order: OrderKey,
    system: &SystemName,
    operation: &str,
    subject: &At,
    which: Which,
) -> String {
    let identity = match which {
        Which::Version(version) => format!("version {version}"),
        Which::Anew(version, fence) => format!("version {version} anew {fence}"),
        Which::Firing(fact) => format!("fact {fact}"),
        Which::Again(fact, fence) => format!("fact {fact} again {fence}"),
    };
    let subject = subject.to_string();
    let order = order.0.to_string();
    let parts = [install, &order, system.as_str(), operation, &subject, &identity];
    hex::encode(hash::half_of_parts(parts.map(str::as_bytes)))
}

#[cfg(test)]
mod tests {
    use orderhub_order::ids::{Collection, ElementId, Role};
    use orderhub_order::lane::{GivenUp, Sent, Xref};

    use super::*;

    fn system() -> SystemName {
        SystemName::new("wms_a")
    }

    fn fulfilment() -> At {
        At::of(Collection::Fulfilments, ElementId::new("F1"))
    }

    fn lane() -> Lane {
        let mut lane = Lane::new(system(), Role::Wms);
        let xref = |kind: &str, at: At, id: &str| Xref { kind: kind.into(), at, ext_id: id.into() };
        lane.xrefs = vec![
            xref("customer", At::ROOT, "C1"),
            xref("fulfilment", fulfilment(), "7"),
            xref("tracker", fulfilment(), "near"),
            xref("tracker", At::ROOT, "far"),
            xref("shipment", At::of(Collection::Shipments, ElementId::new("S1")), "other"),
        ];
        lane
    }

    #[test]
    fn a_call_sees_its_own_references_and_those_around_it() {
        let found = references(&lane(), &fulfilment());
        let found: Vec<_> = found.iter().map(|(k, v)| (k.as_str(), v.as_text().unwrap())).collect();
        assert_eq!(found, [("customer", "C1"), ("fulfilment", "7"), ("tracker", "near")]);
    }

    #[test]
    fn what_is_frozen_comes_back_to_the_byte() {
        let settings = BTreeMap::from([("warehouse".to_owned(), "W1".to_owned())]);
        let document = Bytes::from_static(b"\xff\x00{not json}");
        let fields = vec!["a.b".to_owned()];
        for media in [JSON, "text/csv; charset=gb18030"] {
            let (document, fields) = (Bytes::clone(&document), fields.clone());
            let frozen = Frozen::new(document, media, &settings, &lane(), &fulfilment(), fields);
            let bytes = frozen.to_bytes();
            assert_eq!(Frozen::from_bytes(&bytes), Some(frozen));
        }
        let frozen = Frozen::new(document, JSON, &settings, &lane(), &fulfilment(), fields);
        let mut partly = frozen.clone();
        partly.changed = Some(Bytes::from_static(b"{\"a\":1}"));
        assert_eq!(Frozen::from_bytes(&partly.to_bytes()), Some(partly));
        let bytes = frozen.to_bytes();
        assert!(!bytes.windows(5).any(|part| part == b"media"), "lanes of before are as these");
        assert_eq!(Frozen::from_bytes(&bytes[..3]), None);
        assert_eq!(Frozen::from_bytes(b"\xff\xff\xff\xffx"), None);
    }

    #[test]
    fn a_projection_is_the_same_for_ever() {
        let hash = hex::encode(projection(b"\xff\x00{not json}"));
        assert_eq!(hash, "70159b47d85c54be5ebc4e6a44147c48", "lanes hold it");
    }

    #[test]
    fn a_key_is_made_of_all_that_makes_a_call_one_call() {
        let key = |install: &str, order, operation: &str, which| {
            let at = fulfilment();
            idempotency_key(install, OrderKey(order), &system(), operation, &at, which)
        };
        let first = key("i", 1, "create", Which::Version(3));
        assert_eq!(first, key("i", 1, "create", Which::Version(3)));
        assert_eq!(first, "5006c2046953d1db7159487f60b8b2cf", "keys lie in stores and at systems");
        let others = [
            key("j", 1, "create", Which::Version(3)),
            key("i", 2, "create", Which::Version(3)),
            key("i", 1, "update", Which::Version(3)),
            key("i", 1, "create", Which::Version(4)),
            key("i", 1, "create", Which::Firing(3)),
            key("i", 1, "create", Which::Again(3, 3)),
            key("i", 1, "create", Which::Again(3, 4)),
            key("i", 1, "create", Which::Anew(3, 3)),
            key("i", 1, "create", Which::Anew(3, 4)),
        ];
        let different: std::collections::BTreeSet<_> = others.iter().chain([&first]).collect();
        assert_eq!(different.len(), 10);
    }

    #[test]
    fn a_fact_that_was_given_up_is_another_call() {
        let (mut lane, at) = (lane(), (9, 4));
        let want = |fact| WantKey { rule: "r".into(), subject: fulfilment(), fact };
        assert!(matches!(Which::of(&lane, &want(None), at), Which::Version(9)));
        assert!(matches!(Which::of(&lane, &want(Some(3)), at), Which::Firing(3)));
        let fact = GivenUp { version: 3, release: None, may_be_there: false, whole: false };
        lane.given_up.insert(want(Some(3)).text(), fact);
        assert!(matches!(Which::of(&lane, &want(Some(3)), at), Which::Again(3, 4)));
        assert!(matches!(Which::of(&lane, &want(Some(5)), at), Which::Firing(5)), "each its own");
    }

    #[test]
    fn a_state_that_is_told_once_more_is_another_call() {
        let (at, want) = ((9, 4), WantKey { rule: "r".into(), subject: fulfilment(), fact: None });
        for (version, is_another) in [(8, false), (9, true)] {
            let mut sent = lane();
            sent.sent.insert(want.text(), Sent::new(version, [0; 16]));
            let mut given_up = lane();
            let one = GivenUp { version, release: None, may_be_there: false, whole: false };
            given_up.given_up.insert(want.text(), one);
            for lane in [sent, given_up] {
                let which = Which::of(&lane, &want, at);
                assert_eq!(matches!(which, Which::Anew(9, 4)), is_another, "{which:?}");
            }
        }
    }
}
