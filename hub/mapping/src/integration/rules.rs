//! An integration as the fold sees it: roles, ownership and deliver rules.

use orderhub_order::ids::Entity;
use orderhub_order::rules::{DeliverRule, Mode, OperationKind, OperationRule, SystemRules};

use super::{Deliver, Integration};

/// What the connector says of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationFacts {
    /// What it is for.
    pub kind: OperationUse,
    /// The entity it makes or changes; none for reads.
    pub entity: Option<Entity>,
    /// It makes something that must not be made twice.
    pub creates: bool,
}

/// What an operation is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationUse {
    /// "Make the target look like this", or "this happened".
    Write(OperationKind),
    /// "Tell me".
    Read,
}

impl Integration {
    /// The rules of one of its systems. `facts` are what the connector says of its operations; one
    /// that it does not have, or that only reads, is left out of the rule: the bundle refuses it.
    pub fn system_rules(
        &self,
        facts: &dyn Fn(&str) -> Option<OperationFacts>,
        tags: Vec<Box<str>>,
        unit: Box<str>,
        mode: Mode,
    ) -> SystemRules {
        SystemRules {
            role: self.role,
            integration: self.name.as_str().into(),
            tags,
            unit,
            mode,
            owns: self.owns.clone(),
            deliver: self.deliver.iter().map(|rule| deliver_rule(rule, facts)).collect(),
            gone: Vec::new(),
        }
    }
}

fn deliver_rule(deliver: &Deliver, facts: &dyn Fn(&str) -> Option<OperationFacts>) -> DeliverRule {
    let operation = |name: &Option<String>| {
        let name = name.as_deref()?;
        let facts = facts(name)?;
        let OperationUse::Write(kind) = facts.kind else { return None };
        Some(OperationRule {
            name: name.into(),
            kind,
            entity: facts.entity.unwrap_or_else(|| about(&deliver.on)),
            creates: facts.creates,
        })
    };
    // What is chosen for a subject without a link makes something, whatever the connector says.
    let create = operation(&deliver.operation.create);
    DeliverRule {
        id: deliver.id.as_str().into(),
        on: deliver.on.as_str().into(),
        create: create.map(|create| OperationRule { creates: true, ..create }),
        update: operation(&deliver.operation.update),
        single: operation(&deliver.operation.single),
        once: deliver.once,
        when: deliver.when.clone(),
        while_down: deliver.while_down,
    }
}

/// What an event is about.
fn about(event: &str) -> Entity {
    event.split('.').next().and_then(Entity::parse).unwrap_or(Entity::Order)
}
