//! Rules for the tests of stores: two shops, an ERP and a warehouse on the embedded flow, without
//! mappings.

use std::collections::BTreeMap;

use orderhub::bundle::Bundle;
use orderhub_order::catalogue::{FieldId, FieldSet};
use orderhub_order::contribution::Stated;
use orderhub_order::flow::{Flow, Ownership};
use orderhub_order::ids::{Entity, Role, SystemName};
use orderhub_order::model::Subject;
use orderhub_order::rules::{
    DeliverRule, Mode, OperationKind, OperationRule, Shapes, SystemRules, WhileDown,
};
use orderhub_order::value::Value;

/// A value that brings down the fold that looks at it.
pub(crate) const POISON: &str = "poison";

/// Lossless, except that it cannot bear [`POISON`].
#[derive(Debug)]
struct Plain;

impl Shapes for Plain {
    fn canon(&self, _system: &SystemName, _field: FieldId, value: &Stated) -> Stated {
        assert!(
            value.as_ref().and_then(Value::as_str) != Some(POISON),
            "a fault in the program, made on purpose"
        );
        value.clone()
    }

    fn reads(&self, _system: &SystemName, _rule: &str) -> FieldSet {
        FieldSet::ALL
    }

    fn writes(&self, _system: &SystemName, _rule: &str, _subject: Subject<'_>) -> FieldSet {
        FieldSet::EMPTY
    }
}

/// The bundle.
pub(crate) fn bundle() -> Bundle {
    of(vec![accept()])
}

/// What the ERP listens to.
fn accept() -> DeliverRule {
    DeliverRule {
        once: false,
        id: "order.accepted/create_sale".into(),
        on: "order.accepted".into(),
        create: Some(OperationRule {
            name: "create_sale".into(),
            kind: OperationKind::State,
            entity: Entity::Order,
            creates: true,
        }),
        update: None,
        single: None,
        when: None,
        while_down: WhileDown::Queue,
    }
}

/// A bundle whose ERP listens to this.
pub(crate) fn of(deliver: Vec<DeliverRule>) -> Bundle {
    in_mode(Mode::Live, deliver)
}

/// The bundle, while nothing is sent to its ERP.
pub(crate) fn shadowed() -> Bundle {
    in_mode(Mode::Shadow, vec![accept()])
}

fn in_mode(mode: Mode, deliver: Vec<DeliverRule>) -> Bundle {
    let systems = [
        ("shop_eu", Role::Channel, Vec::new()),
        ("shop_us", Role::Channel, Vec::new()),
        ("erp", Role::Erp, deliver),
        ("wms", Role::Wms, Vec::new()),
    ];
    let systems = systems.into_iter().map(|(name, role, deliver)| {
        let rules = SystemRules {
            role,
            integration: name.into(),
            tags: Vec::new(),
            unit: "default".into(),
            mode,
            owns: None,
            deliver,
            gone: Vec::new(),
        };
        (SystemName::new(name), rules)
    });
    Bundle::from_parts(
        "test".into(),
        Flow::embedded(),
        Ownership::embedded(),
        systems.collect(),
        BTreeMap::new(),
        Box::new(Plain),
    )
}
