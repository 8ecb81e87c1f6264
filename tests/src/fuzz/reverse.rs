//! Orders out and in again.

use orderhub_mapping::causes::CAUSES;
use orderhub_mapping::{Context, Mapping, Projection, ReverseError, cases};
use orderhub_order::ids::SystemName;
use serde_json::Value as Json;

use super::bodies::settings;
use super::known::{chosen, known};
use super::made::{Bytes, hub};

/// Causes for which a document is held on purpose when it comes back.
const HELD: [&str; 2] = ["ambiguous_time", "unknown_value"];

/// An order made of the input, out through the mapping that its first line names: the same bytes twice, which are
/// what they say; and where every field goes both ways, what comes in is what goes out from then on.
pub(super) fn reverse(input: &[u8]) {
    let known = known();
    let named = |among| {
        let (mapping, rest) = chosen(among, input);
        let bytes = input.get(..input.len() - rest.len()).unwrap_or_default();
        let first = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        (mapping, rest, first == mapping.name.as_bytes())
    };
    // A shipped one where it is named; else one of those that go both ways.
    let (mapping, rest, both) = match named(&known.json) {
        (mapping, rest, true) if !known.both.contains_key(&mapping.name) => (mapping, rest, false),
        _ => {
            let (mapping, rest, _) = named(&known.both);
            (mapping, rest, true)
        }
    };
    let made = hub(mapping, &mut Bytes::new(rest));
    let Some((body, first)) = out(mapping, &made) else { return };
    if !both {
        serde_json::from_slice::<Json>(&body).expect("what went out is JSON");
        return;
    }
    let Some(first) = first else { return };
    let first = said(mapping, first);
    let Some((again, second)) = out(mapping, &first) else {
        panic!("what came in does not go out: {first:#}");
    };
    let second = second.map(|second| said(mapping, second));
    let told =
        || format!("{}\nthen {}", String::from_utf8_lossy(&body), String::from_utf8_lossy(&again));
    assert_eq!(second.as_ref(), Some(&first), "what comes back keeps changing: {}", told());
}

/// Without what other formats than JSON cannot say: a list of nothing, or null in its place, is no element at all.
fn said(mapping: &Mapping, mut hub: Json) -> Json {
    if let Json::Object(fields) = &mut hub
        && !mapping.name.starts_with("json.")
    {
        let nothing = |value: &Json| value.as_array().is_some_and(Vec::is_empty);
        fields.retain(|name, value| !(nothing(value) || name == "tags" && value.is_null()));
    }
    hub
}

/// The bytes that go out for an order, and what is made of them when they come in; `None`: it does not go out.
fn out(mapping: &Mapping, hub: &Json) -> Option<(Vec<u8>, Option<Json>)> {
    let (settings, args) = (settings(mapping), Default::default());
    let system = SystemName::new("fuzz");
    let context = Context { system: &system, settings: &settings, args: &args, hub: None };
    let project = || cases::project(mapping, hub, &context);
    // What the hub itself does not hold is no order.
    let projected = project().ok()?;
    assert_eq!(Some(&projected), project().ok().as_ref(), "twice the same");
    let Projection { bytes, media, .. } = match projected {
        Ok(projection) => projection,
        Err(ReverseError::NotLinked(kind)) => {
            assert!(!kind.is_empty());
            return None;
        }
        Err(ReverseError::Failed(error)) => {
            let known = CAUSES.iter().any(|cause| cause.word == error.cause);
            assert!(known, "`{}` is explained nowhere", error.cause);
            return None;
        }
    };
    assert!(!media.is_empty());
    let given = cases::given(mapping, &bytes, &context);
    let cause = given.get("$error").and_then(Json::as_str);
    let back = match cause {
        None => Some(given),
        Some(cause) if HELD.contains(&cause) => None,
        // Those that are shipped need not take what they send.
        Some(_) if !known().both.contains_key(&mapping.name) => None,
        Some(cause) => {
            panic!(
                "what went out is not read: {cause}: {given}\n{}",
                String::from_utf8_lossy(&bytes)
            )
        }
    };
    Some((bytes, back))
}
