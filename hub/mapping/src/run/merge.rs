//! Several sources of one element.

use orderhub_order::contribution::ElementStatement;

/// A second source of the same element: the first that gives a value for a field counts.
pub(super) fn merge(first: &mut ElementStatement, second: ElementStatement) {
    first.adds |= second.adds;
    for (id, value) in second.fields {
        match first.fields.binary_search_by_key(&id, |(known, _)| *known) {
            Ok(at) => {
                if let Some((_, known)) = first.fields.get_mut(at)
                    && known.is_none()
                {
                    *known = value;
                }
            }
            Err(at) => first.fields.insert(at, (id, value)),
        }
    }
    for xref in second.xrefs {
        if !first.xrefs.iter().any(|(kind, _)| *kind == xref.0) {
            first.xrefs.push(xref);
        }
    }
    first.xrefs.sort();
    for inner in second.collections {
        match first.collections.iter_mut().find(|known| known.collection == inner.collection) {
            None => first.collections.push(inner),
            Some(known) => {
                known.complete |= inner.complete;
                for element in inner.elements {
                    let same = |known: &&mut ElementStatement| {
                        known.key == element.key && known.ours == element.ours
                    };
                    match known.elements.iter_mut().find(same) {
                        Some(known) => merge(known, element),
                        None => known.elements.push(element),
                    }
                }
            }
        }
    }
}
