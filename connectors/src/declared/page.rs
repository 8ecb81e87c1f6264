//! How a listing goes on behind a page: what an answer says of the next one, and how that is asked for.
//!
//! Between two pages the caller keeps what [`Reply::next`](crate::contract::Reply::next) says and gives it back
//! as the argument `cursor`. **Invariant:** a link that an answer names is followed at the system's own address
//! only, so that nobody else is sent its credentials. Tests: the cases
//! `tests/data/connectors/page-link-elsewhere.yaml` and `tests/data/connectors/page-link-elsewhere-short.yaml`.
//!
//! A queue has no pages: what was received and confirmed is not there the next time, and the same call is made again.

use orderhub_lang::expression::EvalError;
use orderhub_lang::value::Value;

use super::model::{Page, PageKind};
use super::scope::CallScope;
use crate::contract::{Call, Memo};

/// The argument in which the next page is named, as the caller gives it back.
const CURSOR: &str = "cursor";
/// What an answer said of the next page. No expression can read it, as no name has a `$`.
const NEXT: &str = "$next";
/// Whether it said that there is one.
const MORE: &str = "$more";
/// Whether it said that a queue has something.
const AGAIN: &str = "$again";

/// What an answer says of the next page, for the memo: its headers are gone when the reply is made.
pub(super) fn said(page: &Page, scope: &CallScope<'_>) -> Result<Vec<(String, Value)>, EvalError> {
    let mut said = Vec::new();
    if let PageKind::Next(expression) | PageKind::Cursor(expression) = &page.kind {
        let value = expression.eval(scope)?;
        let linked = value.as_text().filter(|_| matches!(page.kind, PageKind::Next(_)));
        let linked = linked.map(|text| link(text).map_or(Value::Null, Value::text));
        said.push((NEXT.to_owned(), linked.unwrap_or(value)));
    }
    if let PageKind::Again(expression) = &page.kind {
        let value = expression.eval(scope)?;
        let has = value.as_bool().unwrap_or(!value.is_null() && value.as_text() != Some(""));
        said.push((AGAIN.to_owned(), Value::Bool(has)));
    }
    if let Some(more) = &page.more {
        said.push((MORE.to_owned(), more.eval(scope)?));
    }
    Ok(said)
}

/// The next page, of a page with so many documents; `None`: this is the last.
pub(super) fn next(page: &Page, call: &Call<'_>, memo: &Memo, documents: usize) -> Option<Value> {
    let says_no = memo.saved.get(MORE).is_some_and(|more| more.as_bool() != Some(true));
    if says_no {
        return None;
    }
    let count = i64::try_from(documents).unwrap_or(i64::MAX);
    let step = match &page.kind {
        PageKind::Next(_) | PageKind::Cursor(_) => {
            let next = memo.saved.get(NEXT)?;
            let named = next.scalar_text().is_some_and(|text| !text.is_empty());
            return named.then(|| next.clone());
        }
        PageKind::Again(_) => return None,
        PageKind::Number(_) => 1,
        PageKind::Offset(_) => count,
    };
    // An empty page is the last, whatever it says: the one behind it would be the same.
    let short = page.more.is_none() && page.size.is_some_and(|size| count < size);
    if documents == 0 || short {
        return None;
    }
    let here = place(page, call)?.as_int()?;
    Some(Value::Int(here.saturating_add(step)))
}

/// Whether a queue that gave so many documents may have others.
pub(super) fn again(page: &Page, memo: &Memo, documents: usize) -> bool {
    let says = memo.saved.get(AGAIN).and_then(Value::as_bool) == Some(true);
    matches!(page.kind, PageKind::Again(_)) && says && documents > 0
}

/// What is asked for: the page that the caller names, else the first.
fn place(page: &Page, call: &Call<'_>) -> Option<Value> {
    let given = call.args.get(CURSOR).filter(|value| !value.is_null()).cloned();
    given.or(match &page.kind {
        PageKind::Number(first) | PageKind::Offset(first) => Some(Value::Int(*first)),
        PageKind::Next(_) | PageKind::Cursor(_) | PageKind::Again(_) => None,
    })
}

/// The parameters that name the page and its size.
pub(super) fn parameters(page: &Page, call: &Call<'_>) -> Vec<(String, String)> {
    let place = place(page, call).filter(|_| !matches!(page.kind, PageKind::Next(_)));
    let place = place.as_ref().and_then(Value::scalar_text);
    let named = page.into.as_ref().zip(place).map(|(into, at)| (into.clone(), at.into_owned()));
    let size = page.size_into.as_ref().zip(page.size);
    named.into_iter().chain(size.map(|(into, size)| (into.clone(), size.to_string()))).collect()
}

/// Where the next page is read that an answer linked to; `None`: at the address of the first.
///
/// # Errors
///
/// Why the link is not followed.
pub(super) fn address(page: &Page, call: &Call<'_>, first: &str) -> Result<Option<String>, String> {
    if !matches!(page.kind, PageKind::Next(_)) {
        return Ok(None);
    }
    let Some(link) = call.args.get(CURSOR).and_then(Value::as_text) else { return Ok(None) };
    if !link.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("the link to the next page has characters that no address has".to_owned());
    }
    let origin = origin(first);
    let beyond = link.strip_prefix(origin);
    if beyond.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?'])) {
        return Ok(Some(link.to_owned()));
    }
    if link.starts_with('/') && !link.starts_with("//") {
        return Ok(Some(format!("{origin}{link}")));
    }
    if link.starts_with('?') {
        let path = first.split('?').next().unwrap_or_default();
        return Ok(Some(format!("{path}{link}")));
    }
    Err("the link to the next page leads to another system".to_owned())
}

/// `https://host:port` of an address.
fn origin(base: &str) -> &str {
    let after = base.find("://").map_or(0, |at| at + 3);
    let end = base.get(after..).and_then(|rest| rest.find(['/', '?', '#']));
    end.and_then(|end| base.get(..after + end)).unwrap_or(base)
}

/// A link as it stands, or that of a `Link` header which is called `next`.
fn link(text: &str) -> Option<&str> {
    if !text.trim_start().starts_with('<') {
        return Some(text);
    }
    text.split(',').find_map(|link| {
        let (target, about) = link.trim().strip_prefix('<')?.split_once('>')?;
        let mut about = about.split(';').map(str::trim);
        about.any(|about| matches!(about, "rel=\"next\"" | "rel=next")).then_some(target)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_header_is_read() {
        let header = r#"<https://a/x?page=1>; rel="previous", <https://a/x?page=3>; rel="next""#;
        assert_eq!(link(header), Some("https://a/x?page=3"));
        assert_eq!(link("<https://a/x?page=1>; rel=\"previous\""), None);
        assert_eq!(link("/x?page=3"), Some("/x?page=3"));
    }

    #[test]
    fn an_origin_is_scheme_and_host() {
        for base in
            ["https://a:8080", "https://a:8080/", "https://a:8080/api/v1", "https://a:8080?x"]
        {
            assert_eq!(origin(base), "https://a:8080");
        }
    }
}
