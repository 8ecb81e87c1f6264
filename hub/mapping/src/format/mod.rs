//! Bodies that are not JSON, and rows that belong together: what a mapping reads is JSON, made of them.
//!
//! CSV gives an array of rows, each an object of texts by the names of the header, or by `c1`, `c2`, … where
//! there is none. XML gives an object of the root element: text is text, an element without anything is null,
//! attributes stand under `@name`, text beside elements under `#text`, elements of one name are a list.
//! Prefixes of namespaces are left out. Where a mapping reads a list, one element alone is a list of one.
//!
//! **Invariant:** nothing is read that may be something else: a row of another length than the header, a name that
//! stands twice, letters that the encoding has not, entities of a document's own end the whole body. Tests: the
//! cases under `tests/data/mapping/formats`.

mod csv;
mod rows;
mod xml;

use std::borrow::Cow;

use encoding_rs::Encoding;
use orderhub_lang::path::Path;

use crate::conversions::Type;
use crate::scan::trie::Trie;

/// What a body is.
#[derive(Debug, Default)]
pub(crate) enum Format {
    /// As it stands.
    #[default]
    Json,
    /// Elements.
    Xml,
    /// Rows.
    Csv(Csv),
}

/// How rows are written.
#[derive(Debug)]
pub(crate) struct Csv {
    /// Between two cells.
    pub(crate) delimiter: u8,
    /// Of the letters.
    pub(crate) encoding: &'static Encoding,
    /// The first row names the columns.
    pub(crate) header: bool,
}

/// Rows that belong together make one document `{ rows: [...] }`.
#[derive(Debug)]
pub(crate) struct Grouping {
    /// Where the rows stand: the first that exists.
    pub(crate) at: Vec<Path>,
    /// What is equal in rows of one document.
    pub(crate) by: Path,
}

/// Why a body cannot be read, and where.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unreadable(pub(crate) String);

impl Format {
    /// The body as JSON.
    pub(crate) fn read<'b>(
        &self,
        body: &'b [u8],
        trie: &Trie,
        grouping: Option<&Grouping>,
    ) -> Result<Cow<'b, [u8]>, Unreadable> {
        let value = match self {
            Self::Json if grouping.is_none() => return Ok(Cow::Borrowed(body)),
            Self::Json => rows::json(body)?,
            Self::Xml => xml::read(body)?,
            Self::Csv(csv) => csv::read(csv, body)?,
        };
        let mut value = match grouping {
            Some(grouping) => rows::group(value, grouping)?,
            None => value,
        };
        if matches!(self, Self::Xml) {
            rows::as_lists(&mut value, trie, Trie::BODY);
        }
        Ok(Cow::Owned(value.to_json()))
    }

    /// The type of a value before any conversion. The cells of a table are texts; what stands in XML may be an
    /// element too, and rows that are put together are a list.
    pub(crate) fn leaves(&self, grouped: bool) -> Type {
        match self {
            Self::Json => Type::Raw,
            Self::Csv(_) if !grouped => Type::Text,
            Self::Csv(_) | Self::Xml => Type::Texts,
        }
    }

    /// Its bytes are UTF-8, whatever they say.
    pub(crate) fn is_utf8(&self) -> bool {
        match self {
            Self::Json => true,
            Self::Xml => false,
            Self::Csv(csv) => csv.encoding == encoding_rs::UTF_8,
        }
    }
}

/// The text of bytes; letters that the encoding has not are not passed over.
fn decode<'b>(encoding: &'static Encoding, body: &'b [u8]) -> Result<Cow<'b, str>, Unreadable> {
    let (encoding, body) = match Encoding::for_bom(body) {
        Some((own, length)) => (own, body.get(length..).unwrap_or_default()),
        None => (encoding, body),
    };
    let text = encoding.decode_without_bom_handling_and_without_replacement(body);
    text.ok_or_else(|| Unreadable(format!("it has bytes that are no {}", encoding.name())))
}
