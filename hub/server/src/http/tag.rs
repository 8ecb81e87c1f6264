//! Entity tags of orders: `"<version>-<hash of what is shown>"`. The version alone does not do: references
//! come without one, and callers see an order differently.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Problem;

/// An order as it is shown: 304 to who has it already.
pub(super) fn tagged(headers: &HeaderMap, version: u32, shown: Vec<u8>) -> Response {
    let hash = hex::encode(orderhub_order::hash::half(&shown));
    let tag = format!("\"{version}-{}\"", hash.get(..16).unwrap_or_default());
    let has = headers.get_all(header::IF_NONE_MATCH).iter().any(|tags| {
        let tags = tags.to_str().unwrap_or_default().split(',').map(str::trim);
        tags.map(|one| one.strip_prefix("W/").unwrap_or(one)).any(|one| one == tag || one == "*")
    });
    let kind = HeaderValue::from_static("application/json");
    // Personal data: nobody on the way keeps it.
    let private = HeaderValue::from_static("private, no-cache");
    let status = if has { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
    let body = if has { Vec::new() } else { shown };
    let mut response = (status, body).into_response();
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, private);
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// The version that `If-Match` names: a tag that an order was shown with, or its version alone in quotes.
pub(super) fn seen(headers: &HeaderMap) -> Result<u32, Problem> {
    let tag = headers.get(header::IF_MATCH).ok_or_else(|| {
        let detail =
            "send the version that you looked at: `If-Match: \"<version>\"`, or the order's `ETag`";
        Problem::new(StatusCode::PRECONDITION_REQUIRED, "version_required", detail)
    })?;
    let text = tag.to_str().unwrap_or_default().trim();
    let inner = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let version = inner.map(|inner| inner.split_once('-').map_or(inner, |(version, _)| version));
    // Versions count from 1.
    let version = version.and_then(|version| version.parse().ok()).filter(|version| *version > 0);
    version.ok_or_else(|| {
        Problem::bad_request("`If-Match` is the version in quotes, or the `ETag` of the order")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn a_tag_is_known_again_in_a_list_and_weak_and_another_is_not() {
        let first = tagged(&HeaderMap::new(), 7, b"{}".to_vec());
        let tag = first.headers()[header::ETAG].to_str().unwrap().to_owned();
        for has in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()] {
            let again = tagged(&headers(header::IF_NONE_MATCH, &has), 7, b"{}".to_vec());
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{has}");
            assert_eq!(again.headers()[header::ETAG].to_str().unwrap(), tag);
        }
        let other = tagged(&headers(header::IF_NONE_MATCH, &tag), 7, b"[]".to_vec());
        assert_eq!(other.status(), StatusCode::OK, "the same version, shown otherwise");
        assert_eq!(seen(&headers(header::IF_MATCH, &tag)).unwrap(), 7);
        assert_eq!(seen(&headers(header::IF_MATCH, "\"12\"")).unwrap(), 12);
        for wrong in ["W/\"x\"", "12", "\"0\"", "\"\"", "*"] {
            assert!(seen(&headers(header::IF_MATCH, wrong)).is_err(), "{wrong}");
        }
    }
}
