//! A wish that the files make no call of: the first request needs what the mapping did not write.
//!
//! **Invariant:** what is missing in a document is never taken for a reference that may come: a person is told at once
//! what is missing, in which mapping and for which operation. Test: `what_no_rule_writes_is_a_todo_and_is_sent_once_mended`.

use orderhub_order::fold::Act;
use orderhub_order::lane::Flight;

use super::send::{Hand, Turn};
use crate::store::{ReceiptRow, StoreError};

impl Hand<'_> {
    /// Nothing was sent: shown to a person, and tried again when the order changes or the files do. What is behind it in
    /// its lane goes on.
    pub(super) async fn not_given(&self, flight: &Flight, name: &str) -> Result<Turn, StoreError> {
        let (rule, operation) = (&flight.want.rule, &flight.operation);
        let delivery = self.delivery(rule, operation);
        let why = match delivery.and_then(|delivery| delivery.with.as_ref()) {
            Some(mapping) => format!(
                "`{name}` is not in what `{}` made of the order, and `{operation}` of `{rule}` needs it: mend the mapping \
                 or the connector, or the order where it lacks the value; it is sent once that is done",
                mapping.name
            ),
            None => format!(
                "`{operation}` of `{rule}` needs `{name}`, and there is no document: give that entry of `deliver:` a \
                 `with:`; it is sent once that is done"
            ),
        };
        let row = ReceiptRow {
            at: self.dispatcher.common.clock.now(),
            system: self.dispatcher.name.to_string(),
            operation: operation.to_string(),
            attempt: flight.attempt,
            class: "not_acted".to_owned(),
            status: None,
            ms: 0,
            why: why.clone(),
        };
        let (system, want) = (self.dispatcher.name.clone(), flight.want.clone());
        let version = flight.version;
        self.commit(Act::Unfit { system, want, version, why }, Some(row)).await?;
        Ok(Turn::Again)
    }
}
