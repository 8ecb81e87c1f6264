//! A value in its place, which it cannot break out of.

use std::borrow::Cow;

use super::{Place, RenderError};
use crate::escape::percent;
use crate::expression::Name;
use crate::value::Value;

/// The text of a value, which must be there and be a scalar.
fn plain<'v>(value: &'v Value, text: &str) -> Result<Cow<'v, str>, RenderError> {
    if value.is_null() {
        return Err(RenderError::Missing(text.to_owned()));
    }
    let why = "is a list or an object; only a scalar can stand inside a text";
    value.scalar_text().ok_or_else(|| RenderError::Place { text: text.to_owned(), why })
}

/// Whether a name stands for a whole address: the account's own, or a setting that says by its name that it is one.
pub(super) fn is_address(name: &Name) -> bool {
    let setting = || name.root == "settings" && name.key().is_some_and(|key| key.ends_with("_url"));
    name.as_str() == "base_url" || setting()
}

/// The address in front of everything else.
pub(super) fn address(value: &Value, text: &str) -> Result<String, RenderError> {
    let why = "is no `http` or `https` address without user, query and fragment";
    let refuse = || RenderError::Place { text: text.to_owned(), why };
    base_url(&plain(value, text)?).map(str::to_owned).ok_or_else(refuse)
}

/// A value, so that it cannot break out of its place.
pub(super) fn escaped(value: &Value, text: &str, place: Place) -> Result<String, RenderError> {
    let refuse = |why| RenderError::Place { text: text.to_owned(), why };
    let plain = plain(value, text)?;
    match place {
        Place::Text => Ok(plain.into_owned()),
        Place::Query => Ok(percent(&plain)),
        Place::Path if matches!(plain.as_ref(), "" | "." | "..") => {
            Err(refuse("is empty, `.` or `..`, which would change the path"))
        }
        Place::Path => Ok(percent(&plain)),
        Place::Header if plain.bytes().all(|byte| (b' '..=b'~').contains(&byte)) => {
            Ok(plain.into_owned())
        }
        Place::Header => Err(refuse("has characters that a header cannot hold")),
        Place::Base if !plain.is_empty() && percent(&plain) == plain => Ok(plain.into_owned()),
        Place::Base => Err(refuse("has characters that an address cannot hold")),
    }
}

/// An account's address, without its last slash.
pub(super) fn base_url(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let host = rest.split('/').next().unwrap_or_default();
    let fine = !host.is_empty()
        && !rest.contains(['?', '#', '@', '\\'])
        && rest.bytes().all(|byte| byte.is_ascii_graphic());
    fine.then(|| text.trim_end_matches('/'))
}
