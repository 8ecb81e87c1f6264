//! A small installation: a shop, an ERP, a warehouse, a carrier system and a sink, and what each
//! listens to. Mappings are stood in for by the fields that they read.

use std::collections::BTreeMap;

use orderhub_order::catalogue::{FieldId, FieldSet, catalogue};
use orderhub_order::condition::Condition;
use orderhub_order::contribution::Stated;
use orderhub_order::flow::{Flow, Ownership};
use orderhub_order::ids::{Entity, Role, SystemName};
use orderhub_order::model::Subject;
use orderhub_order::route::EVENT;
use orderhub_order::rules::{
    DeliverRule, Mode, OperationKind, OperationRule, Rules, Shapes, SystemRules, WhileDown,
};

/// What the rules of a test stand on.
pub(crate) struct World {
    pub(crate) flow: Flow,
    pub(crate) ownership: Ownership,
    pub(crate) systems: BTreeMap<SystemName, SystemRules>,
    pub(crate) shapes: Reads,
}

/// Mappings that change nothing and read these fields, by deliver rule.
#[derive(Debug)]
pub(crate) struct Reads(BTreeMap<&'static str, FieldSet>);

impl Shapes for Reads {
    fn canon(&self, _system: &SystemName, _field: FieldId, value: &Stated) -> Stated {
        value.clone()
    }
    fn reads(&self, _system: &SystemName, rule: &str) -> FieldSet {
        self.0.get(rule).copied().unwrap_or_default()
    }
    fn writes(&self, system: &SystemName, rule: &str, _subject: Subject<'_>) -> FieldSet {
        self.reads(system, rule)
    }
}

impl World {
    /// The named systems of: shop, shop2, erp, erp2, wms, wms2, tms, sink. `wms` has the tag `home`.
    pub(crate) fn of(names: &[String]) -> World {
        let systems = names.iter().map(|name| (SystemName::new(name.as_str()), system(name)));
        World {
            flow: Flow::embedded(),
            ownership: Ownership::embedded(),
            systems: systems.collect(),
            shapes: Reads(reads()),
        }
    }

    pub(crate) fn rules(&self) -> Rules<'_> {
        Rules {
            bundle: "bundle",
            flow: &self.flow,
            ownership: &self.ownership,
            systems: &self.systems,
            shapes: &self.shapes,
        }
    }
}

fn reads() -> BTreeMap<&'static str, FieldSet> {
    let of = |paths: &[&str]| {
        paths.iter().fold(FieldSet::default(), |set, path| set.union(catalogue().below(path)))
    };
    BTreeMap::from([
        ("order.accepted/sale", of(&["ref", "order_no", "lines.sku", "lines.qty.ordered"])),
        ("order.cancelled/cancel", of(&["cancel.reason"])),
        ("fulfilment.released/pick", of(&["fulfilments.ref", "fulfilments.lines.qty"])),
        ("shipment.created/label", of(&["shipments.ref"])),
        ("shipment.tracking_changed/track", of(&["shipments.tracking_no", "shipments.status"])),
        ("shipment.handed_over/fulfil", of(&["shipments.tracking_no"])),
        ("order.changed/put", of(&["ref", "stage", "state.payment"])),
    ])
}

fn system(name: &str) -> SystemRules {
    let role = name.trim_end_matches(char::is_numeric);
    let role = if role == "shop" { Role::Channel } else { Role::parse(role).unwrap() };
    let tags = if name == "wms" { vec!["home".into()] } else { Vec::new() };
    SystemRules {
        role,
        integration: role.as_str().into(),
        tags,
        unit: "default".into(),
        mode: Mode::Live,
        owns: None,
        deliver: deliver(role),
        gone: Vec::new(),
    }
}

fn operation(name: &str, kind: OperationKind, entity: Entity, creates: bool) -> OperationRule {
    OperationRule { name: name.into(), kind, entity, creates }
}

pub(crate) fn rule(id: &str) -> DeliverRule {
    let on = id.split('/').next().unwrap().into();
    DeliverRule {
        id: id.into(),
        on,
        create: None,
        update: None,
        single: None,
        once: false,
        when: None,
        while_down: WhileDown::default(),
    }
}

/// A pair that makes and then updates an entity.
fn pair(id: &str, entity: Entity) -> DeliverRule {
    let create = Some(operation("create", OperationKind::State, entity, true));
    let update = Some(operation("update", OperationKind::State, entity, false));
    DeliverRule { create, update, ..rule(id) }
}

fn update(id: &str, entity: Entity) -> DeliverRule {
    let update = Some(operation("update", OperationKind::State, entity, false));
    DeliverRule { update, ..rule(id) }
}

fn single(id: &str, kind: OperationKind, entity: Entity, creates: bool) -> DeliverRule {
    DeliverRule { single: Some(operation("single", kind, entity, creates)), ..rule(id) }
}

fn deliver(role: Role) -> Vec<DeliverRule> {
    use OperationKind::{Fact, State};
    match role {
        Role::Channel => {
            vec![single("shipment.handed_over/fulfil", Fact, Entity::Shipment, true)]
        }
        Role::Erp => vec![
            pair("order.accepted/sale", Entity::Order),
            update("order.cancelled/cancel", Entity::Order),
        ],
        Role::Wms => vec![
            pair("fulfilment.released/pick", Entity::Fulfilment),
            update("fulfilment.cancelled/stop", Entity::Fulfilment),
            single("order.cancelled/note", Fact, Entity::Order, false),
            single("shipment.tracking_changed/track", State, Entity::Shipment, false),
        ],
        Role::Tms => vec![
            single("shipment.created/label", State, Entity::Shipment, true),
            update("shipment.cancelled/void", Entity::Shipment),
            single("order.cancelled/note", Fact, Entity::Order, false),
        ],
        Role::Sink => vec![single("order.changed/put", State, Entity::Order, false)],
        Role::Finance | Role::Crm => Vec::new(),
    }
}

/// A system that publishes these events of the hub.
pub(crate) fn publisher(events: &[&str]) -> SystemRules {
    let rule = |name: &&str| {
        let id = format!("{EVENT}{name}");
        single(&id, OperationKind::Fact, Entity::Order, false)
    };
    SystemRules { deliver: events.iter().map(rule).collect(), ..system("sink") }
}

/// A deliver rule's condition, from its YAML.
pub(crate) fn when(text: &str, subject: orderhub_order::ids::Collection) -> Condition {
    let source = orderhub_lang::diagnostic::Source::new("when.yaml", text);
    let node = orderhub_lang::yaml::parse(&source, &Default::default()).unwrap();
    Condition::parse(&source, &node, subject).unwrap()
}
