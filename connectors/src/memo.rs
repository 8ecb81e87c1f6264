//! The memo as bytes: one version byte, then JSON.
//!
//! **Invariant:** bytes of a version that this program does not know are refused, never guessed. Test:
//! `other_forms_and_damage_are_refused`.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use orderhub_lang::value::Value;

use crate::contract::Memo;

/// The form that is written now. A sample of each form stays in the tests for ever.
const VERSION: u8 = 1;

/// Largest body that is stored with a lane, in bytes; a larger one is dropped: the steps behind it can be
/// run again, a lane of megabytes cannot be locked cheaply.
const LARGEST_BODY: usize = 64 * 1024;

impl Memo {
    /// For the store.
    pub fn to_bytes(&self) -> Vec<u8> {
        let body = self.body.as_ref().filter(|body| body.len() <= LARGEST_BODY);
        let saved = self.saved.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        let value = Value::Map(vec![
            ("step".to_owned(), Value::Int(self.step.into())),
            ("position".to_owned(), Value::Int(self.position.into())),
            ("saved".to_owned(), Value::Map(saved)),
            (
                "body".to_owned(),
                body.map_or(Value::Null, |body| Value::Text(STANDARD.encode(body))),
            ),
        ]);
        let mut bytes = vec![VERSION];
        bytes.extend(value.to_json());
        bytes
    }

    /// From the store. Unreadable bytes (another version) give `None`.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (version, json) = bytes.split_first()?;
        if *version != VERSION {
            return None;
        }
        let value = Value::from_json(json).ok()?;
        let number = |key: &str| value.get(key)?.as_int().and_then(|n| u32::try_from(n).ok());
        let saved: BTreeMap<String, Value> =
            value.get("saved")?.as_map()?.iter().cloned().collect();
        let body = match value.get("body")? {
            Value::Text(text) => Some(Bytes::from(STANDARD.decode(text).ok()?)),
            Value::Null => None,
            Value::Bool(_) | Value::Int(_) | Value::Decimal(_) | Value::List(_) | Value::Map(_) => {
                return None;
            }
        };
        Some(Self { step: number("step")?, position: number("position")?, saved, body })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_memo_of_the_first_form_is_read_for_ever() {
        let bytes =
            b"\x01{\"step\":3,\"position\":1,\"saved\":{\"addr\":[5,null]},\"body\":\"e30=\"}";
        let memo = Memo::from_bytes(bytes).unwrap();
        assert_eq!((memo.step, memo.position), (3, 1));
        assert_eq!(memo.saved["addr"], Value::List(vec![Value::Int(5), Value::Null]));
        assert_eq!(memo.body.as_deref(), Some(b"{}".as_slice()));
        assert_eq!(memo.to_bytes(), bytes);
    }

    #[test]
    fn other_forms_and_damage_are_refused() {
        for bytes in [&b""[..], b"\x01", b"\x01{}", b"\x01nope", b"\x01{\"step\":-1}"] {
            assert_eq!(Memo::from_bytes(bytes), None);
        }
        // Bytes that would be read if another version were taken for this one.
        let mut bytes = Memo::default().to_bytes();
        assert!(Memo::from_bytes(&bytes).is_some());
        for version in [0, VERSION + 1, u8::MAX] {
            bytes[0] = version;
            assert_eq!(Memo::from_bytes(&bytes), None, "{version}");
        }
    }

    #[test]
    fn a_large_body_is_not_stored() {
        let memo =
            Memo { body: Some(Bytes::from(vec![b'x'; LARGEST_BODY + 1])), ..Memo::default() };
        assert_eq!(Memo::from_bytes(&memo.to_bytes()).unwrap().body, None);
    }
}
