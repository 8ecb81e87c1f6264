//! Which way an integration uses each of its mappings, and which operations of its connector it uses.

use super::{IntakeFrom, Integration};
use crate::Direction;

impl Integration {
    /// The ways in which a document is mapped: in as an intake or a reply, out as what is delivered. One that
    /// nothing names goes wherever it can.
    pub fn ways(&self, document: &str) -> Vec<Direction> {
        let is = |known: &String| known == document;
        let comes_in = self.intake.iter().any(|intake| intake.documents.iter().any(is))
            || self.deliver.iter().any(|deliver| deliver.reply.all().any(is));
        let goes_out = self.deliver.iter().any(|deliver| deliver.with.all().any(is));
        let mut ways = Vec::new();
        if comes_in || !goes_out {
            ways.push(Direction::In);
        }
        if goes_out || !comes_in {
            ways.push(Direction::Out);
        }
        ways
    }

    /// Whether an operation is called for it: by what it delivers, fetches, polls or reads.
    pub fn uses(&self, operation: &str) -> bool {
        let is = |name: &String| name == operation;
        let delivers = self.deliver.iter().any(|deliver| deliver.operation.all().any(is));
        let hears = self.intake.iter().any(|intake| {
            let fetches = intake.from.fetch().is_some_and(|fetch| is(&fetch.operation));
            fetches || matches!(&intake.from, IntakeFrom::Poll(poll) if is(&poll.operation))
        });
        delivers || hears || self.reads.values().any(|read| is(&read.operation))
    }
}
