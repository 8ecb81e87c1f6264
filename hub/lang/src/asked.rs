//! What a file reads of what another file gives it: a document, references. Who has both files compares them.

use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Source, Span};
use crate::expression::Name;

/// One name that an operation reads, with its place.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The operation.
    pub operation: Arc<str>,
    /// The whole name, `doc.lines.*.sku`.
    pub name: Name,
    /// Nothing is sent without it; else it may be missing.
    pub needed: bool,
    /// So many parts at its beginning are read at a place of their own (the list of `each:`, whose element this is
    /// of): that they are not given is told there.
    pub base: usize,
    /// The file that reads it.
    pub source: Arc<Source>,
    /// The name's place in it.
    pub span: Span,
}

impl Asked {
    /// A finding at its place.
    pub fn error(&self, code: &'static str, message: String) -> Diagnostic {
        Diagnostic::error(code, &self.source, self.span, message)
    }

    /// As it is written there, where that is not the whole name: `item.sku` for `doc.lines.*.sku`.
    pub fn here(&self) -> Option<&str> {
        let here = self.source.slice(self.span);
        let (_, own) = self.split()?;
        here.ends_with(own).then_some(here).filter(|here| *here != self.name.as_str())
    }

    /// Another place as it would be written there: `item.sku` for `doc.lines.*.sku`.
    pub fn as_here(&self, other: &str) -> String {
        let rest = self.split().zip(self.here()).and_then(|((base, own), here)| {
            let rest = other.strip_prefix(base)?.trim_start_matches('.');
            Some(format!("{}{rest}", here.strip_suffix(own)?))
        });
        rest.unwrap_or_else(|| other.to_owned())
    }

    /// What is read elsewhere, and what of the name is written here.
    fn split(&self) -> Option<(&str, &str)> {
        let base = self.name.segments.get(..self.base).filter(|base| !base.is_empty())?;
        let base = Name::of(&self.name.root, base.to_vec());
        let (base, own) = self.name.as_str().split_at_checked(base.as_str().len())?;
        Some((base, own.trim_start_matches('.')))
    }
}

/// Where a name stands in the text of a node; `None`: it is written otherwise there.
pub fn place(text: &str, name: &Name) -> Option<Span> {
    let name = name.as_str();
    let outside = |c: Option<char>| !c.is_some_and(|c| c.is_alphanumeric() || "_.-'".contains(c));
    text.match_indices(name).find_map(|(at, _)| {
        let (before, behind) = text.split_at_checked(at)?;
        let behind = behind.strip_prefix(name)?;
        let alone = outside(before.chars().next_back()) && outside(behind.chars().next());
        alone.then(|| Span::new(at, at + name.len()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::Template;

    #[test]
    fn a_name_is_found_where_it_stands_alone() {
        let cases = [
            ("/jobs/{doc.job}", Some(7)),
            ("{doc.jobs}/{doc.job}", Some(12)),
            ("{has(doc.job)}", Some(5)),
            ("{my.doc.job}/{doc.job ?? 'x'}", Some(14)),
        ];
        let template = Template::parse("{doc.job}", &["doc"]).unwrap();
        let name = template.reads().next().unwrap();
        for (text, wanted) in cases {
            let found = place(text, name).map(|span| span.start as usize);
            assert_eq!(found, wanted, "{text}");
        }
    }
}
