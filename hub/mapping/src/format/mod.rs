//! Bodies that are not JSON, both ways, and rows that belong together: what a mapping reads is JSON, made of
//! them, and what it writes is a tree, made into them.
//!
//! CSV gives an array of rows, each an object of texts by the names of the header, or by `c1`, `c2`, … where
//! there is none. XML gives an object of the root element: text is text, an element without anything is null,
//! attributes stand under `@name`, text beside elements under `#text`, elements of one name are a list.
//! Prefixes of namespaces are left out. Where a mapping reads a list, one element alone is a list of one; where it reads
//! attributes, a text alone stands under `#text`. A form
//! gives an object by the names and brackets of its fields.
//!
//! A format is a file for each way and a line in each `match` here: one that has segments and loops gives and
//! takes them as a tree too.
//!
//! **Invariant:** nothing is read that may be something else: a name that stands twice, letters that the encoding
//! has not, entities of a document's own end the whole body; a row of another length, or with a quote that is not
//! in order, fails alone where its end is certain. What went out comes in again as it was, up to what the
//! format cannot say (null is no text). Tests: the cases under `tests/data/mapping/formats`,
//! `what_goes_out_in_a_format_comes_in_again`.

mod csv;
mod form;
mod formula;
mod out;
mod rows;

use std::borrow::Cow;

use encoding_rs::Encoding;
use orderhub_lang::path::Path;
use orderhub_lang::value::Value;
use orderhub_lang::xml;

use crate::conversions::Type;
use crate::scan::trie::Trie;

pub(crate) use out::{EVERY, Shape, Unwritable, is_name, place};

/// What a body is.
#[derive(Clone, Debug, Default)]
pub(crate) enum Format {
    /// As it stands.
    #[default]
    Json,
    /// Elements, written in an encoding.
    Xml(&'static Encoding),
    /// Rows.
    Csv(Csv),
    /// Names and texts. The texts of some are JSON.
    Form(Vec<String>),
}

/// How rows are written.
#[derive(Clone, Debug)]
pub(crate) struct Csv {
    /// Between two cells.
    pub(crate) delimiter: u8,
    /// Around a cell that has a delimiter or ends a line.
    pub(crate) quote: u8,
    /// Of the letters.
    pub(crate) encoding: &'static Encoding,
    /// The first row names the columns.
    pub(crate) header: bool,
    /// A mark of byte order stands before the first row that goes out.
    pub(crate) bom: bool,
    /// Texts that begin like formulas go out and come in as they are.
    pub(crate) raw: bool,
}

impl Default for Csv {
    fn default() -> Self {
        let encoding = encoding_rs::UTF_8;
        Self { delimiter: b',', quote: b'"', encoding, header: true, bom: false, raw: false }
    }
}

/// Rows that belong together make one document `{ rows: [...] }`.
#[derive(Clone, Debug)]
pub(crate) struct Grouping {
    /// Where the rows stand: the first that exists.
    pub(crate) at: Vec<Path>,
    /// What is equal in rows of one document.
    pub(crate) by: Path,
}

/// Why a body cannot be read, and where.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unreadable(pub(crate) String);

/// A row that cannot be read, or a document of rows of which one cannot.
#[derive(Debug)]
pub(crate) struct Bad {
    /// It stands before so many documents that can.
    pub(crate) before: usize,
    /// Its line, from 1.
    pub(crate) line: u64,
    /// What is wrong.
    pub(crate) why: String,
    /// As far as it was read.
    row: Value,
}

/// What a body holds.
#[derive(Debug)]
pub(crate) struct Body<'b> {
    /// As JSON.
    pub(crate) json: Cow<'b, [u8]>,
    /// Where each document of a table begins, in lines from 1.
    pub(crate) lines: Vec<u64>,
    /// What is in none of them.
    pub(crate) bad: Vec<Bad>,
}

/// A body as a tree.
#[derive(Debug)]
struct Read {
    value: Value,
    lines: Vec<u64>,
    bad: Vec<Bad>,
}

impl From<Value> for Read {
    fn from(value: Value) -> Self {
        Self { value, lines: Vec::new(), bad: Vec::new() }
    }
}

impl Format {
    /// The body as JSON.
    pub(crate) fn read<'b>(
        &self,
        body: &'b [u8],
        trie: &Trie,
        grouping: Option<&Grouping>,
    ) -> Result<Body<'b>, Unreadable> {
        let mut read: Read = match self {
            Self::Json if grouping.is_none() => {
                let json = Cow::Borrowed(body);
                return Ok(Body { json, lines: Vec::new(), bad: Vec::new() });
            }
            Self::Json => rows::json(body)?.into(),
            Self::Xml(_) => xml::read(body).map_err(Unreadable)?.into(),
            Self::Csv(csv) => csv::read(csv, body)?,
            Self::Form(json) => form::read(json, body)?.into(),
        };
        if let Some(grouping) = grouping {
            read = rows::group(read, grouping)?;
        }
        if matches!(self, Self::Xml(_)) {
            rows::as_read(&mut read.value, trie, Trie::BODY);
        }
        Ok(Body { json: Cow::Owned(read.value.to_json()), lines: read.lines, bad: read.bad })
    }

    /// What was written as JSON, in the format.
    pub(crate) fn write(&self, json: Vec<u8>, shape: &Shape<'_>) -> Result<Vec<u8>, Unwritable> {
        if matches!(self, Self::Json) {
            return Ok(json);
        }
        let tree =
            Value::from_json(&json).map_err(|error| Unwritable::format(error.to_string()))?;
        match self {
            Self::Json => Ok(json),
            Self::Xml(encoding) => out::xml(encoding, tree, shape),
            Self::Csv(csv) => out::csv(csv, &tree, shape),
            Self::Form(json) => form::write(json, tree),
        }
    }

    /// What a body is called on the wire.
    pub(crate) fn media(&self) -> Cow<'static, str> {
        let letters = |kind: &str, encoding: &'static Encoding| {
            Cow::Owned(format!("{kind}; charset={}", encoding.name().to_ascii_lowercase()))
        };
        match self {
            Self::Json => Cow::Borrowed("application/json"),
            Self::Xml(encoding) => letters("application/xml", encoding),
            Self::Csv(csv) => letters("text/csv", csv.encoding),
            Self::Form(_) => Cow::Borrowed("application/x-www-form-urlencoded"),
        }
    }

    /// The text of a body, for people; `None` for JSON.
    pub(crate) fn text(&self, body: &[u8]) -> Option<String> {
        let encoding = match self {
            Self::Json => return None,
            Self::Xml(encoding) => encoding,
            Self::Csv(csv) => csv.encoding,
            Self::Form(_) => encoding_rs::UTF_8,
        };
        Some(encoding.decode(body).0.replace("\r\n", "\n"))
    }

    /// The type of a value before any conversion. The cells of a table are texts; what stands in XML may be an
    /// element too, and rows that are put together are a list.
    pub(crate) fn leaves(&self, grouped: bool) -> Type {
        match self {
            Self::Json => Type::Raw,
            Self::Form(json) if !json.is_empty() => Type::Raw,
            Self::Csv(_) if !grouped => Type::Text,
            Self::Csv(_) | Self::Xml(_) | Self::Form(_) => Type::Texts,
        }
    }

    /// It cannot say null: what is empty is an empty text.
    pub(crate) fn has_no_null(&self) -> bool {
        match self {
            Self::Csv(_) | Self::Form(_) => true,
            Self::Json | Self::Xml(_) => false,
        }
    }

    /// Elements: an empty text is null.
    pub(crate) fn is_xml(&self) -> bool {
        matches!(self, Self::Xml(_))
    }

    /// It has all letters of a text. XML writes those that its encoding does not have by their number.
    pub(crate) fn has_letters(&self, text: &str) -> bool {
        match self {
            Self::Csv(csv) => !csv.encoding.encode(text).2,
            Self::Json | Self::Xml(_) | Self::Form(_) => true,
        }
    }

    /// Its bytes are UTF-8, whatever they say.
    pub(crate) fn is_utf8(&self) -> bool {
        match self {
            Self::Json | Self::Form(_) => true,
            Self::Xml(_) => false,
            Self::Csv(csv) => csv.encoding == encoding_rs::UTF_8,
        }
    }
}

/// The text of bytes; letters that the encoding has not are not passed over.
fn decode<'b>(encoding: &'static Encoding, body: &'b [u8]) -> Result<Cow<'b, str>, Unreadable> {
    xml::decode(encoding, body).map_err(Unreadable)
}
