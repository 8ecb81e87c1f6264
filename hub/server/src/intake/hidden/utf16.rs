//! Bodies that say by their first two bytes that they are written in UTF-16, as XML may be.

use bytes::Bytes;

/// Which of the two bytes of a unit is first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Big,
    Little,
}

/// The text behind the mark; `None`: it is not written so.
pub(super) fn read(body: &[u8]) -> Option<(Order, String)> {
    let (order, rest) = match body {
        [0xfe, 0xff, rest @ ..] => (Order::Big, rest),
        [0xff, 0xfe, rest @ ..] => (Order::Little, rest),
        _ => return None,
    };
    let (pairs, odd) = rest.as_chunks::<2>();
    let unit = |pair: &[u8; 2]| match order {
        Order::Big => u16::from_be_bytes(*pair),
        Order::Little => u16::from_le_bytes(*pair),
    };
    let units: Vec<u16> = pairs.iter().map(unit).collect();
    String::from_utf16(&units).ok().filter(|_| odd.is_empty()).map(|text| (order, text))
}

/// The text as it was written, its mark before it.
pub(super) fn write(order: Order, text: &str) -> Bytes {
    let units = std::iter::once(0xfeff).chain(text.encode_utf16());
    let bytes = |unit: u16| match order {
        Order::Big => unit.to_be_bytes(),
        Order::Little => unit.to_le_bytes(),
    };
    units.flat_map(bytes).collect()
}
