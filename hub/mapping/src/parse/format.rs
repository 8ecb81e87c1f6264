//! `format:` and `documents:`: what a body is, and where the documents stand in it.

use encoding_rs::{Encoding, UTF_8};
use orderhub_lang::diagnostic::Span;
use orderhub_lang::path::{Path, Root, Segment};
use orderhub_lang::yaml::{Fields, Node};

use super::Reader;
use crate::ast::{PathAt, Placed};
use crate::codes;
use crate::format::{Csv, Format, Grouping};

impl Reader<'_> {
    pub(super) fn format(&mut self, node: &Node) -> Format {
        if node.as_map().is_some() {
            return self.csv(node).map_or(Format::Json, Format::Csv);
        }
        match node.as_text() {
            Some("json") => {}
            Some("xml") => return Format::Xml,
            Some("csv") => {
                return Format::Csv(Csv { delimiter: b',', encoding: UTF_8, header: true });
            }
            Some("form") => self.later(node.span, "the format `form`"),
            other => {
                let message = format!("unknown format `{}`", other.unwrap_or_default());
                let hint = "write `json`, `xml`, or `{ csv: { delimiter: \";\" } }`";
                self.error(codes::WORD, node.span, message, hint);
            }
        }
        Format::Json
    }

    /// `{ csv: { delimiter: ";", encoding: windows-1252, header: true } }`
    fn csv(&mut self, node: &Node) -> Option<Csv> {
        let mut fields = Fields::of(node, "`format`", self.findings)?;
        let csv = fields.required("csv", self.findings);
        fields.finish(self.findings);
        let mut fields = Fields::of(csv?, "`csv`", self.findings)?;
        let delimiter = fields.optional("delimiter");
        let encoding = fields.optional("encoding");
        let header = fields.bool("header", self.findings).unwrap_or(true);
        fields.finish(self.findings);
        let delimiter = match delimiter {
            None => b',',
            Some(node) => self.delimiter(node)?,
        };
        let encoding = match encoding {
            None => UTF_8,
            Some(node) => self.encoding(node)?,
        };
        Some(Csv { delimiter, encoding, header })
    }

    fn delimiter(&mut self, node: &Node) -> Option<u8> {
        let text = node.scalar_text().unwrap_or_default();
        let found = match text.as_bytes() {
            [byte] if byte.is_ascii() && !byte.is_ascii_alphanumeric() && *byte != b'"' => {
                Some(*byte)
            }
            _ => None,
        };
        if found.is_none() {
            let hint = "write `delimiter: \";\"`, or `\"\\t\"` for a tab";
            self.error(codes::WORD, node.span, "a delimiter is one sign", hint);
        }
        found
    }

    fn encoding(&mut self, node: &Node) -> Option<&'static Encoding> {
        let label = node.scalar_text().unwrap_or_default();
        let found = Encoding::for_label(label.as_bytes());
        if found.is_none() {
            let message = format!("unknown encoding `{label}`");
            let hint = "write `utf-8`, `windows-1252`, `gb18030`, `shift_jis` or another of the web's names";
            self.error(codes::WORD, node.span, message, hint);
        }
        found
    }

    /// Where documents stand. Rows that are put together stand as documents in a list of their own; without a
    /// word every row of a table is one.
    pub(super) fn documents(
        &mut self,
        node: Option<&Node>,
        format: &Format,
    ) -> (Vec<PathAt>, Option<Grouping>) {
        let span = node.map(|node| node.span).unwrap_or_default();
        let usual = vec![match format {
            Format::Csv(_) => Placed { span, is: each() },
            Format::Json | Format::Xml => Placed { span, is: crate::paths::here() },
        }];
        let Some(node) = node else { return (usual, None) };
        let Some(mut fields) = Fields::of(node, "`documents`", self.findings) else {
            return (usual, None);
        };
        let at = fields.optional("at");
        let by = fields.optional("by");
        fields.finish(self.findings);
        let at = match at {
            None => usual,
            Some(at) => at.list_or_single().iter().filter_map(|node| self.path(node)).collect(),
        };
        let Some(by) = by.and_then(|node| self.path(node)) else { return (at, None) };
        let plain = |path: &PathAt| matches!(path.is.root, Root::Here | Root::Document);
        if !plain(&by) || by.is.is_fan_out() || !at.iter().all(plain) {
            self.grouped_by(by.span);
            return (at, None);
        }
        let at = at.into_iter().map(|path| path.is).collect();
        let documents = vec![Placed { span: by.span, is: each() }];
        (documents, Some(Grouping { at, by: by.is }))
    }

    fn grouped_by(&mut self, span: Span) {
        let message = "rows are put together by one value that stands in each of them";
        self.error(codes::WORD, span, message, "write `by: order_no`");
    }
}

/// Every element.
fn each() -> Path {
    Path { root: Root::Here, segments: vec![Segment::Each] }
}
