//! Which key a store is searched by, and whether the search has to be made anew.
//!
//! A key that is another than the one the store was filled under is refused: what was hashed under the former one
//! would be found no more, and nobody would know. `orderhub reindex` forgets the search and its key; the next start
//! takes the key that it is given, and makes the search anew beside its other work.

use secrecy::SecretString;

use super::{SearchKey, VERSION};
use crate::store::StoreError;

/// The rows of `meta` that the search keeps.
pub(crate) mod rows {
    /// The [`super::VERSION`] that fills it.
    pub(crate) const VERSION: &str = "search_version";
    /// [`super::SearchKey::check`] of its key.
    pub(crate) const CHECK: &str = "search_check";
    /// The key, where no setting names one.
    pub(crate) const KEY: &str = "search_key";
    /// Orders up to this key are in it; without the row: all.
    pub(crate) const NEXT: &str = "search_next";
}

/// What `meta` says.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub(crate) version: Option<i64>,
    pub(crate) check: Option<String>,
    pub(crate) key: Option<SecretString>,
}

/// How a store is to be searched.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The key; `None`: the store's own.
    pub key: Option<SecretString>,
}

impl Wanted {
    /// Whether the key that was named can be one.
    ///
    /// # Errors
    ///
    /// [`StoreError::Failed`]: it is too short.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        let named = self.key.as_ref().is_none_or(|key| SearchKey::new(key).is_some());
        if named { Ok(()) } else { Err(too_short()) }
    }
}

fn too_short() -> StoreError {
    StoreError::Failed(
        "the key of `store.search_key` is too short; make one of 32 characters or more, such as by \
         `openssl rand -hex 32`"
            .to_owned(),
    )
}

/// How it is searched.
#[derive(Debug)]
pub(crate) struct Begun {
    pub(crate) key: SearchKey,
    /// All of it is to be made anew.
    pub(crate) anew: bool,
    /// To be kept in `meta`.
    pub(crate) made: Option<SecretString>,
}

/// Decides.
///
/// # Errors
///
/// [`StoreError::SearchKey`]; [`StoreError::Failed`] when a newer program fills the search.
pub(crate) fn begin(kept: Kept, wanted: Option<&SecretString>) -> Result<Begun, StoreError> {
    let Kept { version, check, key } = kept;
    if version.is_some_and(|version| version > VERSION) {
        let why = "the search of this store is made by a newer program; run that one";
        return Err(StoreError::Failed(why.to_owned()));
    }
    let (key, made) = match (wanted, key) {
        (Some(wanted), _) => (wanted.clone(), None),
        (None, Some(own)) => (own, None),
        // It was made with a key that is not here.
        (None, None) if check.is_some() => return Err(StoreError::SearchKey),
        (None, None) => {
            let made = SearchKey::make();
            (made.clone(), Some(made))
        }
    };
    let key = SearchKey::new(&key).ok_or_else(too_short)?;
    if check.as_ref().is_some_and(|check| *check != key.check()) {
        return Err(StoreError::SearchKey);
    }
    let anew = check.is_none() || version != Some(VERSION);
    Ok(Begun { key, anew, made })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(letter: &str) -> SecretString {
        letter.repeat(32).into()
    }

    fn kept(version: i64, check: &SecretString, own: Option<SecretString>) -> Kept {
        let check = SearchKey::new(check).map(|key| key.check());
        Kept { version: Some(version), check, key: own }
    }

    #[test]
    fn another_key_is_refused_and_a_new_store_makes_its_own() {
        let begun = begin(Kept::default(), None).unwrap();
        assert!(begun.anew && begun.made.is_some());
        let begun = begin(Kept::default(), Some(&key("a"))).unwrap();
        assert!(begun.anew && begun.made.is_none());
        let begun = begin(kept(VERSION, &key("a"), Some(key("a"))), None).unwrap();
        assert!(!begun.anew && begun.made.is_none());
        assert!(begin(kept(0, &key("a"), Some(key("a"))), None).unwrap().anew);
        for (kept, wanted) in [
            (kept(VERSION, &key("a"), None), None),
            (kept(VERSION, &key("a"), None), Some(key("b"))),
            (kept(VERSION, &key("a"), Some(key("a"))), Some(key("b"))),
        ] {
            assert!(matches!(begin(kept, wanted.as_ref()), Err(StoreError::SearchKey)));
        }
        assert!(begin(Kept::default(), Some(&"short".to_owned().into())).is_err());
        assert!(begin(kept(VERSION + 1, &key("a"), Some(key("a"))), None).is_err());
    }
}
