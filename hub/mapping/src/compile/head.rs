//! What stands at the head of a file whose documents are parts of a body: `/` begins at the part there, too.

use orderhub_lang::path::{Path, Root};

use super::Compiler;
use crate::ast::{File, Key, PathAt, Piece, Rule, Side};
use crate::codes;
use crate::format::Format;

impl Compiler<'_> {
    /// Refuses paths of `key`, `parent` and `revision` that begin with `/` where every document is a part of its body. They
    /// would read the part, which a plain name says; whoever writes `/` there means the body, and would get nothing.
    pub(super) fn head(&mut self, file: &File) {
        let whole = |path: &PathAt| path.is.segments.is_empty();
        let rows = file.grouping.is_some() || matches!(file.format, Format::Csv(_));
        if rows || file.documents.is_empty() || file.documents.iter().any(whole) {
            return;
        }
        let mut paths: Vec<&PathAt> = Vec::new();
        match &file.key {
            Some(Key::Rule(rule)) => paths.extend(read(rule)),
            Some(Key::Template(_, pieces)) => {
                paths.extend(pieces.iter().filter_map(|piece| {
                    if let Piece::Path(path) = piece { Some(path) } else { None }
                }))
            }
            None => {}
        }
        paths.extend(file.parents.iter().flat_map(|parent| read(&parent.rule)));
        paths.extend(file.revision.iter().flat_map(read));
        for path in paths.into_iter().filter(|path| path.is.root == Root::Document) {
            let as_from = |root| Path { root, segments: path.is.segments.clone() };
            let (here, around) = (as_from(Root::Here), as_from(Root::Up(1)));
            let message = format!(
                "`{}` begins at the part that `documents: at` gives, not at the body around it",
                path.is
            );
            let hint = format!(
                "write `{around}` for what stands around the part, `{here}` for what is in it"
            );
            self.wrong(codes::SYSTEM_PATH, path.span, message, &hint);
        }
    }
}

/// The places that a rule of the head reads.
fn read(rule: &Rule) -> Vec<&PathAt> {
    match &rule.system {
        Some(Side::Paths(paths)) => paths.iter().collect(),
        Some(Side::Named(named)) => named.iter().map(|(_, path)| path).collect(),
        None => Vec::new(),
    }
}
