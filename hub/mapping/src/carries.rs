//! Where the documents of a mapping carry a hub field: for those who ask whom a change of it reaches.

use std::collections::BTreeSet;

use orderhub_order::catalogue::FieldId;

use crate::Mapping;
use crate::hub_path::{HubPath, Leaf, Step};
use crate::listing::{Kind, listed};
use crate::program::{OutGiven, OutRule, OutSource};

impl Mapping {
    /// The places in which what goes out holds a hub field, or something that is made of it: `items.article`, without
    /// the positions of rows. Conditions and keys of rows are no places.
    pub fn carries(&self, field: FieldId) -> BTreeSet<String> {
        if !self.reads().contains(field) {
            return BTreeSet::new();
        }
        let rules = listed(self).into_iter().filter_map(|one| match one.is {
            Kind::Out(rule) if writes(rule, field) => Some(one.system),
            Kind::Out(_) | Kind::Field(_) | Kind::Object(_) | Kind::Name(_) | Kind::Each(_) => None,
        });
        rules.collect()
    }
}

fn writes(rule: &OutRule, field: FieldId) -> bool {
    let of = |source: &OutSource| match source {
        OutSource::Hub(path) => reaches(path, field),
        OutSource::Setting(_) => false,
    };
    let computed = rule.inverse.iter().flat_map(|inverse| &inverse.inputs);
    let given = match &rule.input {
        OutGiven::First(sources) | OutGiven::Named(sources) => sources.iter().any(of),
        OutGiven::Expression(inputs, _) => inputs.iter().any(|(_, source)| of(source)),
        // Its parts have rules of their own.
        OutGiven::Object(_) | OutGiven::Constant(_) | OutGiven::Key | OutGiven::Ours => false,
    };
    given || computed.into_iter().any(|(_, source)| of(source))
}

fn reaches(path: &HubPath, field: FieldId) -> bool {
    let leaf = matches!(path.leaf, Leaf::Field(id, _) if id == field);
    // What stands behind a reference is another one's where the reference changes.
    leaf || path.steps.iter().any(|step| matches!(step, Step::Follow(id, _) if *id == field))
}
