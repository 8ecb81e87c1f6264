//! What a message does besides what its documents say: it asks for a fetch, answers one, moves a cursor. All
//! of it stands in the commit that stores the message, or none.

use std::collections::BTreeMap;

use jiff::Timestamp;
use orderhub_order::fold::TodoKind;
use orderhub_order::ids::{SystemName, names_nothing};

/// What a message does besides.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    /// Documents that are to be fetched.
    pub wants: Vec<FetchWant>,
    /// The fetch that it answers.
    pub done: Option<FetchDone>,
    /// The cursor that it moves.
    pub cursor: Option<Cursor>,
    /// Where it is refused: the kind of its todo, if not `parked`.
    pub shown_as: Option<TodoKind>,
    /// The hash of what came, where it is stored without the secrets in it: a repeat of it is one whichever secrets the
    /// settings name by then.
    pub came: Option<[u8; 16]>,
}

/// What is fetched: one document of a system.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FetchKey {
    /// Of which account.
    pub system: SystemName,
    /// The kind of document, as the intake names it.
    pub document: Box<str>,
    /// Which one: the operation's argument, or all of them as a JSON array in the order of their names. At
    /// most [`FetchKey::LONGEST`] bytes.
    pub ext_id: Box<str>,
}

impl FetchKey {
    /// Longest id, in bytes: an index holds it.
    pub const LONGEST: usize = 512;

    /// The key of a fetch with these arguments. `None`: they are too long, or hold what no id has.
    pub fn new(system: &SystemName, document: &str, args: &Args) -> Option<Self> {
        let ext_id = match args.values().collect::<Vec<_>>().as_slice() {
            [only] => (*only).clone(),
            several => serde_json::to_string(several).ok()?,
        };
        let fits =
            !names_nothing(&ext_id) && ext_id.len() <= Self::LONGEST && !ext_id.contains('\0');
        let (system, document) = (system.clone(), document.into());
        fits.then(|| Self { system, document, ext_id: ext_id.into() })
    }
}

/// The arguments of a read, by name.
pub type Args = BTreeMap<String, String>;

/// A hint that a document should be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchWant {
    /// Which.
    pub key: FetchKey,
    /// What the operation is called with.
    pub args: Args,
    /// A listing named it: what was hinted at just now goes first.
    pub backfill: bool,
}

/// An answer to a fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchDone {
    /// Of which document.
    pub key: FetchKey,
    /// So many hints had been counted when it was asked for: those that came since want another.
    pub n: i64,
}

/// How far a listing has been read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Of which account.
    pub system: SystemName,
    /// The kind of document, as the intake names it.
    pub document: Box<str>,
    /// Everything that changed before this is stored; `None`: no poll has ended yet.
    pub since: Option<Timestamp>,
    /// The poll under way: from when on it lists.
    pub from: Option<Timestamp>,
    /// The poll under way: when it began.
    pub until: Option<Timestamp>,
    /// The poll under way: the next page, as the connector named it.
    pub next: Option<String>,
    /// When the last good poll ended.
    pub good_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fetch_is_known_by_its_arguments() {
        let system = SystemName::new("shop");
        let args = |pairs: &[(&str, &str)]| -> Args {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let key = |pairs: &[(&str, &str)]| {
            FetchKey::new(&system, "order", &args(pairs)).map(|key| key.ext_id.to_string())
        };
        assert_eq!(key(&[("id", "7")]).as_deref(), Some("7"));
        assert_eq!(key(&[("shop", "a"), ("id", "7")]).as_deref(), Some(r#"["7","a"]"#));
        assert_eq!(key(&[("id", "")]), None);
        assert_eq!(key(&[("id", "a\0b")]), None);
        assert_eq!(key(&[("id", &"x".repeat(513))]), None);
    }
}
