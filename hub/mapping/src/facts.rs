//! What is recorded of a mapped message besides its bytes, and the name of what it gave.

use orderhub_order::contribution::Revision;
use orderhub_order::fold::content_hash;
use orderhub_order::hash;

use crate::Mapped;

/// Names what one message gave, all its documents with their revisions: equal results have equal names. What
/// kept a document from being mapped counts by its cause, its rule and its place, not by its words.
pub fn said(mapped: &[Mapped]) -> [u8; 16] {
    let mut parts: Vec<Vec<u8>> = Vec::with_capacity(7 * mapped.len());
    for one in mapped {
        let mut add = |part: &[u8]| parts.push(part.to_vec());
        match one {
            Mapped::Document(said) => {
                add(b"document");
                add(said.entity.as_str().as_bytes());
                add(said.document.as_bytes());
                add(said.key.as_bytes());
                add(revision(said.revision.as_ref()).as_bytes());
                add(&content_hash(said));
            }
            Mapped::Skipped => add(b"skipped"),
            Mapped::Failed(error) => {
                add(b"failed");
                add(error.cause.as_bytes());
                add(error.rule.as_deref().unwrap_or_default().as_bytes());
                add(error.place.as_deref().unwrap_or_default().as_bytes());
                add(error.path.as_bytes());
                add(error.key.as_deref().unwrap_or_default().as_bytes());
            }
        }
    }
    hash::half_of_parts(parts.iter().map(Vec::as_slice))
}

fn revision(revision: Option<&Revision>) -> String {
    match revision {
        None => String::new(),
        Some(Revision::Integer(number)) => number.to_string(),
        Some(Revision::Timestamp(at)) => at.to_string(),
    }
}
