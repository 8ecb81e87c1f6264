//! The laws of a mapping that stands by itself: a group of rules with cases of its own, which goes both ways as
//! far as its rules do.

use std::collections::BTreeMap;
use std::sync::Arc;

use orderhub_lang::diagnostic::Span;
use orderhub_order::ids::Role;
use orderhub_order::rules::WhileDown;

use super::{Effort, FieldLaw, laws};
use crate::Mapping;
use crate::integration::{
    ByLink, ConnectorUse, Deliver, Intake, IntakeFrom, Integration, Ordering, SendFields,
};

/// The laws of every field of one mapping, as [`laws`] finds those of an integration.
pub fn of_mapping(
    mapping: &Arc<Mapping>,
    effort: Effort,
    read_sample: &dyn Fn(&str) -> Option<Vec<u8>>,
) -> Vec<FieldLaw> {
    laws(&around(mapping), effort, read_sample)
}

/// An integration that takes the mapping in and sends it out, and nothing else.
fn around(mapping: &Arc<Mapping>) -> Integration {
    let document = mapping.name.clone();
    let intake = Intake {
        from: IntakeFrom::Message { kind: document.clone() },
        documents: vec![document.clone()],
        ordering: Ordering::Queue,
        span: Span::default(),
    };
    let deliver = Deliver {
        id: document.clone(),
        on: String::new(),
        operation: ByLink::default(),
        once: false,
        with: ByLink { single: Some(document.clone()), ..ByLink::default() },
        reply: ByLink::default(),
        send: SendFields::All,
        when: None,
        while_down: WhileDown::Queue,
        span: Span::default(),
    };
    Integration {
        name: document.clone(),
        role: Role::Sink,
        connector: ConnectorUse::Declared,
        intake: vec![intake],
        deliver: vec![deliver],
        reads: BTreeMap::new(),
        owns: None,
        mappings: BTreeMap::from([(document, Arc::clone(mapping))]),
        connector_source: None,
        source: Arc::clone(&mapping.source),
    }
}
