//! The systems of these tests, and what they listen to.

use orderhub_order::ids::{Entity, Role};
use orderhub_order::rules::{DeliverRule, Mode, OperationKind, OperationRule, WhileDown};

use super::rig::{ERP, SINK, Setup};

/// A system, its role, what it listens to, its mode.
type Listens = (&'static str, Role, Vec<DeliverRule>, Mode);

pub(super) fn systems(setup: Setup) -> [Listens; 3] {
    let while_down = setup.while_down;
    let rule =
        |on: &str, do_: &str, operation| DeliverRule { while_down, ..rule(on, do_, operation) };
    let tells = setup.tells.then(|| {
        let fact = OperationRule { kind: OperationKind::Fact, ..operation("tell", false) };
        DeliverRule { while_down: WhileDown::Fail, ..rule("order.changed", "tell", fact) }
    });
    [
        ("shop", Role::Channel, Vec::new(), Mode::Live),
        (
            ERP,
            Role::Erp,
            vec![rule("order.accepted", setup.create, operation(setup.create, true))],
            setup.mode,
        ),
        (
            SINK,
            Role::Sink,
            [rule("order.changed", setup.put, operation(setup.put, false))]
                .into_iter()
                .chain(tells)
                .collect(),
            Mode::Live,
        ),
    ]
}

fn rule(on: &str, do_: &str, operation: OperationRule) -> DeliverRule {
    DeliverRule {
        id: format!("{on}/{do_}").into(),
        on: on.into(),
        create: None,
        update: None,
        single: Some(operation),
        once: false,
        when: None,
        while_down: WhileDown::Queue,
    }
}

fn operation(name: &str, creates: bool) -> OperationRule {
    OperationRule { name: name.into(), kind: OperationKind::State, entity: Entity::Order, creates }
}
