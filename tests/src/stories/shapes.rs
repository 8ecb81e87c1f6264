//! What compiled mappings would know, as a story states it: which fields a rule reads, and how a
//! system would give our values back.

use std::collections::{BTreeMap, BTreeSet};

use orderhub_order::catalogue::{FieldId, FieldSet, catalogue};
use orderhub_order::contribution::Stated;
use orderhub_order::ids::SystemName;
use orderhub_order::model::Subject;
use orderhub_order::rules::Shapes;
use orderhub_order::value::{Address, Value};
use serde::Deserialize;

/// How a system changes what it is given.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Shape {
    /// Keeps so many characters.
    Cut(usize),
    /// `upper`, or `trim`, to which nothing is null.
    Word(String),
    /// Shows null as this text.
    Nothing {
        /// The text.
        nothing: String,
    },
    /// Rounds numbers.
    Round {
        /// Digits after the point.
        digits: u32,
    },
    /// By part of an address.
    Parts(BTreeMap<String, Shape>),
}

/// The shapes of a story.
#[derive(Clone, Debug, Default)]
pub struct StoryShapes {
    /// Operations that write in several steps.
    pub in_steps: BTreeSet<String>,
    /// By system and field path.
    pub canon: BTreeMap<SystemName, BTreeMap<FieldId, Shape>>,
    /// By system and rule.
    pub reads: BTreeMap<(SystemName, String), FieldSet>,
}

impl StoryShapes {
    /// The fields that stand at or below these catalogue paths.
    pub fn fields(paths: &[String]) -> FieldSet {
        paths.iter().fold(FieldSet::default(), |all, path| {
            let below = catalogue().below(path);
            assert!(!below.is_empty(), "no field at or below `{path}`");
            all.union(below)
        })
    }
}

impl Shapes for StoryShapes {
    fn canon(&self, system: &SystemName, field: FieldId, value: &Stated) -> Stated {
        let shape = self.canon.get(system).and_then(|fields| fields.get(&field));
        match (shape, value) {
            (Some(Shape::Nothing { nothing }), None) => Some(Value::text(nothing.as_str())),
            (Some(Shape::Word(word)), Some(Value::Text(text))) if word == "trim" => {
                let text = text.trim();
                (!text.is_empty()).then(|| Value::text(text))
            }
            (Some(shape), Some(value)) => Some(shaped(shape, value)),
            (None, _) | (_, None) => value.clone(),
        }
    }

    fn reads(&self, system: &SystemName, rule: &str) -> FieldSet {
        self.reads.get(&(system.clone(), rule.to_owned())).copied().unwrap_or_default()
    }

    fn writes(&self, system: &SystemName, rule: &str, _subject: Subject<'_>) -> FieldSet {
        self.reads(system, rule)
    }
}

fn shaped(shape: &Shape, value: &Value) -> Value {
    match (shape, value) {
        (Shape::Parts(parts), Value::Address(address)) => {
            let mut address: Address = (**address).clone();
            for (name, shape) in parts {
                let part = address.part_mut(name).unwrap_or_else(|| panic!("no part `{name}`"));
                if let Some(text) = part.take() {
                    let Value::Text(text) = shaped(shape, &Value::Text(text)) else { continue };
                    *part = Some(text);
                }
            }
            Value::Address(address.into())
        }
        (Shape::Cut(length), Value::Text(text)) => {
            Value::text(text.chars().take(*length).collect::<String>())
        }
        (Shape::Word(word), Value::Text(text)) if word == "upper" => {
            Value::text(text.to_uppercase())
        }
        (Shape::Round { digits }, Value::Decimal(number)) => {
            Value::Decimal(number.round_dp(*digits))
        }
        (_, other) => other.clone(),
    }
}
