//! `send: changed`: what of a mapped-out document differs from what was last sent.
//!
//! What was sent is kept as a hash and the order's version, not as bytes: the order of that version is mapped out
//! again, and only where that gives the very bytes that were sent is the rest left out. Where it does not (other
//! files, other settings, a value that the target shows no more), all is sent.
//!
//! **Invariant:** what is left out is what the target took last and has not said otherwise since: what it changed itself,
//! or may have taken half, takes the hash away. Tests: `only_what_changed_is_sent_to_what_has_the_rest`,
//! `what_cannot_be_compared_is_sent_whole`; story `set-back`.

use orderhub_lang::value::Value;
use orderhub_mapping::integration::SendFields;
use orderhub_order::lane::Sent;
use orderhub_order::model::{Order, Subject};
use orderhub_order::route::Send;

use super::freeze::projection;
use super::outgoing::Ready;
use super::send::Hand;
use crate::store::{Scope, StoreError};

impl Hand<'_> {
    /// Notes beside the whole document what of it changed, where the rule asks for that.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: the order as it was could not be read.
    pub(super) async fn only_changed(
        &self,
        send: &Send<'_>,
        ready: &mut Ready,
    ) -> Result<(), StoreError> {
        let (key, operation) = (&send.want.key, send.operation);
        let delivery = self.delivery(&key.rule, &operation.name);
        let asked = delivery.is_some_and(|delivery| delivery.send == SendFields::Changed);
        if !asked || operation.creates || send.shadow || send.want.whole {
            return Ok(());
        }
        let Some(sent) = self.lane.sent.get(&key.text()) else { return Ok(()) };
        let store = &self.dispatcher.common.store;
        let Some(then) = store.at(&Scope::All, self.key, sent.version).await? else {
            return Ok(());
        };
        if let Some(before) = self.sent_then(send, &then, sent) {
            ready.frozen.changed = changed(&before, &ready.frozen.document).map(Into::into);
        }
        Ok(())
    }

    /// The document that was last sent; `None`: it cannot be made again.
    fn sent_then(&self, send: &Send<'_>, then: &Order, sent: &Sent) -> Option<Vec<u8>> {
        let key = &send.want.key;
        let mapping = self.delivery(&key.rule, &send.operation.name)?.with.as_ref()?;
        let subject = Subject { order: then, at: &key.subject, lane: Some(self.lane) };
        let mapped = mapping.reverse(subject, &self.context(Some(subject))).ok()?;
        (projection(&mapped.bytes) == sent.hash).then_some(mapped.bytes)
    }
}

/// The members of `now` that are not as in `before`, down to where they differ; a list that differs is given
/// whole. `None`: none differs.
fn changed(before: &[u8], now: &[u8]) -> Option<Vec<u8>> {
    let (before, now) = (Value::from_json(before).ok()?, Value::from_json(now).ok()?);
    different(&before, &now).map(|part| part.to_json())
}

fn different(before: &Value, now: &Value) -> Option<Value> {
    let (Value::Map(old), Value::Map(new)) = (before, now) else {
        return (before != now).then(|| now.clone());
    };
    let part = |(name, value): &(String, Value)| {
        let before = old.iter().find(|(other, _)| other == name);
        let part = match before {
            Some((_, before)) => different(before, value)?,
            None => value.clone(),
        };
        Some((name.clone(), part))
    };
    let parts: Vec<(String, Value)> = new.iter().filter_map(part).collect();
    (!parts.is_empty()).then_some(Value::Map(parts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_that_differ_are_given_down_to_where_they_do() {
        let cases = [
            (r#"{"a":1,"b":2}"#, r#"{"a":1,"b":3}"#, r#"{"b":3}"#),
            (r#"{"a":{"x":1,"y":2},"b":2}"#, r#"{"a":{"x":1,"y":3},"b":2}"#, r#"{"a":{"y":3}}"#),
            (r#"{"a":[1,2]}"#, r#"{"a":[1,3]}"#, r#"{"a":[1,3]}"#),
            (r#"{"a":1}"#, r#"{"a":null,"b":{"c":1}}"#, r#"{"a":null,"b":{"c":1}}"#),
            (r#"{"a":{"x":1}}"#, r#"{"a":5}"#, r#"{"a":5}"#),
            (r#"{"a":"1.0"}"#, r#"{"a":"1.00"}"#, r#"{"a":"1.00"}"#),
        ];
        for (before, now, expected) in cases {
            let found = changed(before.as_bytes(), now.as_bytes()).unwrap();
            assert_eq!(String::from_utf8(found).unwrap(), expected, "{before} ► {now}");
        }
        // A member that is gone cannot be said by leaving it out: all is sent.
        assert_eq!(changed(br#"{"a":1,"b":2}"#, br#"{"a":1}"#), None);
        assert_eq!(changed(b"no json", b"{}"), None);
    }
}
