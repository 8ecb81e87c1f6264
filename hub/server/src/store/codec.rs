//! How bodies lie in rows: a format byte, then plain or compressed bytes. What those say is the order
//! crate's.
//!
//! Personal values lie in columns of their own, in the same form; a sealed format will carry its key
//! id after the byte. Every format written once is read for ever.

use std::cell::RefCell;
use std::sync::LazyLock;

use orderhub_order::catalogue::{FieldId, FieldSet, known};
use orderhub_order::history::{self, Stored};
use orderhub_order::lane::Lane;
use orderhub_order::model::Order;
use zstd::bulk::Decompressor;
use zstd::dict::{DecoderDictionary, EncoderDictionary};

use crate::bundle::Files;

/// The bytes follow as they are.
const PLAIN: u8 = 1;
/// One zstd frame follows.
const ZSTD: u8 = 2;
/// One zstd frame follows, made with [`DICTIONARY`].
const ZSTD_1: u8 = 3;
/// What stored bodies have in common. Made by `train-dictionary` (`tests/bench/dictionary.rs`) on made-up
/// orders. Measured on the demo's store: bodies of 0.11 instead of 0.26 of their size, in half the time.
static DICTIONARY: &[u8] = include_bytes!("dictionaries/1.zstd");
static ENCODER: LazyLock<EncoderDictionary<'static>> =
    LazyLock::new(|| EncoderDictionary::copy(DICTIONARY, LEVEL));
static DECODER: LazyLock<DecoderDictionary<'static>> =
    LazyLock::new(|| DecoderDictionary::copy(DICTIONARY));
/// Shorter bodies are not worth a frame.
const WORTH_COMPRESSING: usize = 64;
/// Longest body that is unpacked: a row that claims more is damaged.
const MOST_BYTES: usize = 64 << 20;
/// Measured on 3 KB orders: higher levels cost twice the time for a tenth of the size.
const LEVEL: i32 = 1;

/// A row that this program cannot read, or a body that it cannot write.
#[derive(Debug, thiserror::Error)]
#[error("{what} cannot be read or written: {why}")]
pub struct CodecError {
    what: &'static str,
    why: String,
}

/// Packs bodies; keeps the compressor's tables between them.
pub(crate) struct Packer(Option<zstd::bulk::Compressor<'static>>);

impl std::fmt::Debug for Packer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Packer")
    }
}

impl Packer {
    /// Without memory for a compressor, bodies are kept plain.
    pub(crate) fn new() -> Self {
        Self(zstd::bulk::Compressor::with_prepared_dictionary(&ENCODER).ok())
    }

    /// Packs one body.
    pub(crate) fn pack(&mut self, bytes: &[u8]) -> Vec<u8> {
        let compressor = self.0.as_mut().filter(|_| bytes.len() >= WORTH_COMPRESSING);
        if let Some(packed) = compressor.and_then(|compressor| compressor.compress(bytes).ok())
            && packed.len() < bytes.len()
        {
            return with_format(ZSTD_1, &packed);
        }
        with_format(PLAIN, bytes)
    }
}

thread_local! {
    /// The decompressors of a thread that reads; their tables are larger than most bodies.
    static UNPACKERS: RefCell<Unpackers> = const { RefCell::new(Unpackers { plain: None, first: None }) };
}

/// One for each way in which frames are made.
struct Unpackers {
    plain: Option<Decompressor<'static>>,
    first: Option<Decompressor<'static>>,
}

impl Unpackers {
    fn decompress(&mut self, format: u8, frame: &[u8], size: usize) -> std::io::Result<Vec<u8>> {
        let (slot, made) = if format == ZSTD {
            (&mut self.plain, Decompressor::new as fn() -> _)
        } else {
            (&mut self.first, (|| Decompressor::with_prepared_dictionary(&DECODER)) as fn() -> _)
        };
        match slot {
            Some(unpacker) => unpacker.decompress(frame, size),
            None => slot.insert(made()?).decompress(frame, size),
        }
    }
}

fn with_format(format: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 1);
    out.push(format);
    out.extend_from_slice(bytes);
    out
}

/// The bytes that were packed.
///
/// # Errors
///
/// [`CodecError`]: the row is damaged, or of a newer program.
pub fn unpack(row: &[u8]) -> Result<Vec<u8>, CodecError> {
    let damaged = |why: String| CodecError { what: "a stored body", why };
    match row.split_first() {
        Some((&PLAIN, bytes)) => Ok(bytes.to_vec()),
        Some((&format @ (ZSTD | ZSTD_1), frame)) => {
            let size = zstd::zstd_safe::get_frame_content_size(frame).ok().flatten();
            let size = size.and_then(|size| usize::try_from(size).ok());
            let size = size.filter(|size| *size <= MOST_BYTES);
            let size = size.ok_or_else(|| damaged("it claims a size beyond bounds".to_owned()))?;
            let unpacked = UNPACKERS.with_borrow_mut(|with| with.decompress(format, frame, size));
            unpacked.map_err(|error| damaged(error.to_string()))
        }
        Some((format, _)) => Err(damaged(format!("format {format} is of a newer program"))),
        None => Err(damaged("it is empty".to_owned())),
    }
}

/// Reads an order's head.
pub(crate) fn order(stored: &Stored) -> Result<Order, CodecError> {
    let read = history::decode_order(&stored.body, &stored.personal);
    read.map_err(|error| CodecError { what: "an order", why: error.to_string() })
}

/// Reads a lane beside the head of its order.
pub(crate) fn lane(stored: &Stored, head: &Order) -> Result<Lane, CodecError> {
    let read = history::decode_lane(&stored.body, &stored.personal, head);
    read.map_err(|error| CodecError { what: "a lane", why: error.to_string() })
}

/// The order before its first version, which deltas are replayed on where there is no keyframe: what
/// the fold's `create` gives, and no later version changes.
pub(crate) fn first(head: &Order) -> Order {
    let Order { key, reference, origin, unit, .. } = head;
    let mut first = Order::new(*key, reference.clone(), origin.clone(), unit.clone());
    first.bound = head.bound.clone();
    first.bound.retain(|_, system| system == origin);
    if let Some(received) = head.fields.get(known::order::RECEIVED_AT) {
        first.fields.set(known::order::RECEIVED_AT, received.clone());
    }
    first
}

/// Brings an order to its next version.
pub(crate) fn replay(order: &mut Order, delta: &Stored) -> Result<(), CodecError> {
    let of = |why: String| CodecError { what: "a delta", why };
    let read = history::decode_delta(&delta.body, &delta.personal);
    let delta = read.map_err(|error| of(error.to_string()))?;
    history::apply(order, &delta).map_err(|error| of(error.to_string()))
}

/// A set of fields: bit `n` of byte `m` is field `8m + n`; empty bytes at the end are left out.
pub(crate) fn fields(set: FieldSet) -> Vec<u8> {
    let mut bits = vec![0_u8; 32];
    for field in set.iter() {
        if let Some(byte) = bits.get_mut(usize::from(field.0 / 8)) {
            *byte |= 1 << (field.0 % 8);
        }
    }
    let used = bits.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    bits.truncate(used);
    bits
}

/// The set again; fields of a newer catalogue are kept.
pub(crate) fn read_fields(bits: &[u8]) -> FieldSet {
    let mut set = FieldSet::default();
    for (byte, position) in bits.iter().zip(0_u16..) {
        let fields = (0..8).filter(|bit| byte & (1 << bit) != 0);
        fields.for_each(|bit| set.insert(FieldId(position * 8 + bit)));
    }
    set
}

/// The files of a bundle.
pub(crate) fn files(files: &Files) -> Result<Vec<u8>, CodecError> {
    serde_json::to_vec(files)
        .map_err(|error| CodecError { what: "a bundle", why: error.to_string() })
}

/// The files again.
pub(crate) fn read_files(bytes: &[u8]) -> Result<Files, CodecError> {
    read("a bundle", bytes)
}

/// Headers as text.
pub(crate) fn headers(headers: &[(String, String)]) -> String {
    // Pairs of texts can always be written.
    serde_json::to_string(headers).unwrap_or_default()
}

/// The headers again.
pub(crate) fn read_headers(text: &str) -> Result<Vec<(String, String)>, CodecError> {
    read("headers", text.as_bytes())
}

fn read<T: serde::de::DeserializeOwned>(what: &'static str, bytes: &[u8]) -> Result<T, CodecError> {
    serde_json::from_slice(bytes).map_err(|error| CodecError { what, why: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_unpacked_and_damage_is_told() {
        let mut packer = Packer::new();
        for body in [Vec::new(), b"short".to_vec(), b"again and again ".repeat(4_000)] {
            assert_eq!(unpack(&packer.pack(&body)).unwrap(), body);
        }
        let long = packer.pack(&b"again and again ".repeat(4_000));
        assert_eq!(long[0], ZSTD_1);
        for row in [&[][..], &[9, 1, 2], &[ZSTD, 0, 1], &long[..20]] {
            assert!(unpack(row).is_err());
        }
    }

    /// What each format wrote once.
    #[test]
    fn every_format_is_read_for_ever() {
        let body =
            b"an order, an order, an order, an order, an order, an order, an order, an order";
        let rows = [
            "01616e206f726465722c20616e206f726465722c20616e206f726465722c20616e206f726465722c20616e206f726465722c20616e206f726465722c20616e206f726465722c20616e206f72646572",
            "0228b52ffd204e8d000050616e206f726465722c20010051b42001",
            "0328b52ffd23cd937c154e8d000050616e206f726465722c20010051b42001",
        ];
        for row in rows {
            assert_eq!(unpack(&hex::decode(row).unwrap()).unwrap(), body);
        }
        let of_the_dictionary = "0328b52ffd23cd937c1550ed0000107d7d087c000ed403ab61323c676c670a275b48f4cb08b17fd6405a01";
        let edit =
            br#"{"field":{"at":"fulfilments[F1]","field":85,"old":["packed"],"new":["shipped"]}}"#;
        assert_eq!(unpack(&hex::decode(of_the_dictionary).unwrap()).unwrap(), edit);
    }
}
