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
        let (name, options) = match node.as_map() {
            Some([(key, options)]) => (Some(key.name.as_str()), Some(options)),
            Some(_) => (None, None),
            None => (node.as_text(), None),
        };
        match name {
            Some("json") => {
                if let Some(options) = options {
                    let hint = "write `format: json`, or leave `format` out";
                    let message = "`json` has no options";
                    self.error(codes::FORMAT_OPTION, options.span, message, hint);
                }
                Format::Json
            }
            Some("xml") => Format::Xml(self.xml(options).unwrap_or(UTF_8)),
            Some("csv") => Format::Csv(self.csv(options).unwrap_or_default()),
            Some("form") => Format::Form(self.form(options).unwrap_or_default()),
            other => {
                let message = format!("unknown format `{}`", other.unwrap_or_default());
                let hint = "write `json`, `xml`, `form`, or `{ csv: { delimiter: \";\" } }`";
                self.error(codes::WORD, node.span, message, hint);
                Format::Json
            }
        }
    }

    /// `{ csv: { delimiter: ";", quote: "'", encoding: windows-1252, header: true, bom: true, raw: true } }`
    fn csv(&mut self, options: Option<&Node>) -> Option<Csv> {
        let mut csv = Csv::default();
        let Some(options) = options else { return Some(csv) };
        let mut fields = Fields::of(options, "`csv`", self.findings)?;
        let (delimiter, quote) = (fields.optional("delimiter"), fields.optional("quote"));
        let encoding = fields.optional("encoding");
        csv.header = fields.bool("header", self.findings).unwrap_or(true);
        let bom = fields.optional("bom");
        csv.bom = fields.bool("bom", self.findings).unwrap_or(false);
        csv.raw = fields.bool("raw", self.findings).unwrap_or(false);
        fields.finish(self.findings);
        // All that is wrong is told, not the first alone.
        if let Some(sign) = delimiter.and_then(|node| self.sign(node, "delimiter", b'"')) {
            csv.delimiter = sign;
        }
        if let Some(sign) = quote.and_then(|node| self.sign(node, "quote", csv.delimiter)) {
            csv.quote = sign;
        }
        if let Some(found) = encoding.and_then(|node| self.encoding(node)) {
            csv.encoding = found;
        }
        if let Some(node) = bom.filter(|_| csv.bom && csv.encoding != UTF_8) {
            let message = format!("{} has no mark of byte order", csv.encoding.name());
            self.error(codes::FORMAT_OPTION, node.span, message, "leave `bom` out, or write UTF-8");
        }
        Some(csv)
    }

    /// `{ xml: { encoding: iso-8859-1 } }`: how it goes out; what comes in says it of itself.
    fn xml(&mut self, options: Option<&Node>) -> Option<&'static Encoding> {
        let mut fields = Fields::of(options?, "`xml`", self.findings)?;
        let encoding = fields.optional("encoding");
        fields.finish(self.findings);
        self.encoding(encoding?)
    }

    /// `{ form: { json: [param] } }`: fields whose texts are JSON.
    fn form(&mut self, options: Option<&Node>) -> Option<Vec<String>> {
        let mut fields = Fields::of(options?, "`form`", self.findings)?;
        let json = fields.required("json", self.findings);
        fields.finish(self.findings);
        let names = json?.list_or_single().iter();
        Some(names.filter_map(|node| self.text(node, "a name of a field is needed")).collect())
    }

    /// A sign of its own between or around cells.
    fn sign(&mut self, node: &Node, what: &str, other: u8) -> Option<u8> {
        let text = node.scalar_text().unwrap_or_default();
        let found = match text.as_bytes() {
            [byte] if byte.is_ascii() && !byte.is_ascii_alphanumeric() && *byte != other => {
                Some(*byte).filter(|byte| !matches!(byte, b'\n' | b'\r'))
            }
            _ => None,
        };
        if found.is_none() {
            let hint = if what == "quote" {
                "write `quote: \"'\"`, another than the delimiter"
            } else {
                "write `delimiter: \";\"`, or `\"\\t\"` for a tab"
            };
            self.error(codes::WORD, node.span, format!("a {what} is one sign"), hint);
        }
        found
    }

    fn encoding(&mut self, node: &Node) -> Option<&'static Encoding> {
        let label = node.scalar_text().unwrap_or_default();
        let found = Encoding::for_label(label.as_bytes());
        if let Some(wide) = found.filter(|found| found.output_encoding() != *found) {
            let message = format!("{} is read, and never written", wide.name());
            self.error(
                codes::FORMAT_OPTION,
                node.span,
                message,
                "a mark of byte order says it: leave it out",
            );
            return None;
        }
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
            Format::Json | Format::Xml(_) | Format::Form(_) => {
                Placed { span, is: crate::paths::here() }
            }
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
