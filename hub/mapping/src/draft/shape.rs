//! What samples have in common: which keys, which kinds of values, which lists.

use orderhub_lang::value::Value;

/// Most levels that are looked at.
pub(super) const DEEPEST: usize = 8;
/// Most values of one place that are kept to guess from.
const MOST_VALUES: usize = 50;

/// Everything that stood at one place.
#[derive(Clone, Debug, Default)]
pub(super) struct Shape {
    /// Scalars, null left out.
    pub(super) values: Vec<Value>,
    /// Keys of objects, in the order in which they were seen.
    pub(super) keys: Vec<(String, Shape)>,
    /// Elements of lists.
    pub(super) items: Option<Box<Shape>>,
    /// How often something stood here, null too.
    pub(super) seen: usize,
    /// How often it was a list.
    pub(super) lists: usize,
}

impl Shape {
    pub(super) fn add(&mut self, value: &Value, depth: usize) {
        self.seen += 1;
        match value {
            Value::Map(map) if depth < DEEPEST => {
                for (name, inner) in map {
                    if !self.keys.iter().any(|(known, _)| known == name) {
                        self.keys.push((name.clone(), Shape::default()));
                    }
                    if let Some((_, shape)) = self.keys.iter_mut().find(|(known, _)| known == name)
                    {
                        shape.add(inner, depth + 1);
                    }
                }
            }
            Value::List(items) if depth < DEEPEST => {
                self.lists += 1;
                let shape = self.items.get_or_insert_default();
                items.iter().for_each(|item| shape.add(item, depth + 1));
            }
            Value::Null | Value::Map(_) | Value::List(_) => {}
            scalar @ (Value::Bool(_) | Value::Int(_) | Value::Decimal(_) | Value::Text(_)) => {
                if self.values.len() < MOST_VALUES {
                    self.values.push(scalar.clone());
                }
            }
        }
    }

    /// Objects stand here, and nothing else.
    pub(super) fn is_object(&self) -> bool {
        !self.keys.is_empty() && self.values.is_empty() && self.items.is_none()
    }

    /// Lists of objects stand here.
    pub(super) fn rows(&self) -> Option<&Shape> {
        self.items.as_deref().filter(|items| items.is_object())
    }

    /// Scalars stand here, and nothing else.
    pub(super) fn is_scalar(&self) -> bool {
        !self.values.is_empty() && self.keys.is_empty() && self.items.is_none()
    }

    /// Where the documents stand in a body that is none itself, and their shape: its elements, or what the
    /// only key that holds more than a value holds.
    pub(super) fn document(&self) -> (Option<String>, &Shape) {
        if let Some(rows) = self.rows() {
            return (Some("\"*\"".to_owned()), rows);
        }
        let more = |(_, shape): &&(String, Shape)| shape.is_object() || shape.rows().is_some();
        let mut inner = self.keys.iter().filter(more);
        if let (Some((name, shape)), None) = (inner.next(), inner.next()) {
            let path = super::write::path(&[name]);
            if shape.is_object() {
                return (Some(super::write::scalar(&path)), shape);
            }
            if let Some(rows) = shape.rows() {
                return (Some(super::write::scalar(&format!("{path}.*"))), rows);
            }
        }
        (None, self)
    }
}
