//! What a page of a listing is known by, and the messages that it is stored in. Pure.

use bytes::Bytes;
use orderhub_order::hash::half_of_parts;

/// A page is stored in messages of about so many bytes.
pub(super) const MESSAGE: usize = 256 * 1_024;

/// What a page is known by; `None`: it is empty, as any may be.
pub(super) fn hash(documents: &[Bytes]) -> Option<[u8; 16]> {
    (!documents.is_empty()).then(|| half_of_parts(documents.iter().map(|document| &document[..])))
}

/// JSON arrays of the documents, in their order; some stand alone.
pub(super) fn split(documents: &[Bytes], alone: impl Fn(&Bytes) -> bool) -> Vec<Bytes> {
    let mut bodies = Vec::new();
    let mut body: Vec<u8> = Vec::new();
    let mut ends = |body: &mut Vec<u8>| {
        if !body.is_empty() {
            body.push(b']');
            bodies.push(std::mem::take(body).into());
        }
    };
    for document in documents {
        let alone = alone(document);
        if alone || body.len() + document.len() > MESSAGE {
            ends(&mut body);
        }
        body.push(if body.is_empty() { b'[' } else { b',' });
        body.extend_from_slice(document);
        if alone {
            ends(&mut body);
        }
    }
    ends(&mut body);
    bodies
}

/// A page of one document.
pub(super) fn one(document: &Bytes) -> Bytes {
    [b"[", &document[..], b"]"].concat().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_stored_in_messages_of_bounded_size() {
        let document = |bytes: usize| Bytes::from(format!("\"{}\"", "x".repeat(bytes - 2)));
        let none = |_: &Bytes| false;
        assert!(split(&[], none).is_empty());
        assert_eq!(split(&[document(3), document(4)], none), ["[\"x\",\"xx\"]"]);
        let large = [document(3), document(2 * MESSAGE), document(3), document(MESSAGE - 3)];
        let large = split(&large, none);
        let sizes: Vec<usize> = large.iter().map(Bytes::len).collect();
        assert_eq!(sizes, [5, 2 * MESSAGE + 2, 5, MESSAGE - 1]);
    }

    #[test]
    fn what_stands_alone_takes_nothing_along() {
        let page: Vec<Bytes> = ["1", "2", "null", "3", "null", "null"].map(Bytes::from).into();
        let bodies = split(&page, |document| document == "null");
        assert_eq!(bodies, ["[1,2]", "[null]", "[3]", "[null]", "[null]"]);
    }
}
