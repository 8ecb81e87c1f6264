//! What samples have in common: which keys, which kinds of values, which lists.

use std::collections::BTreeSet;

use orderhub_lang::value::Value;

/// Most levels that are looked at.
pub(super) const DEEPEST: usize = 8;
/// Most keys of one object that are looked at: one keyed by ids has a key for each of them.
const MOST_KEYS: usize = super::MOST_PATHS;
/// Most values of one place that are kept to guess from.
const MOST_VALUES: usize = 50;

/// Everything that stood at one place.
#[derive(Clone, Debug, Default)]
pub(super) struct Shape {
    /// Scalars, null left out; the first of them.
    pub(super) values: Vec<Value>,
    /// Keys of objects, in the order in which they were seen.
    pub(super) keys: Vec<(String, Shape)>,
    /// Elements of lists.
    pub(super) items: Option<Box<Shape>>,
    /// How often something stood here, null too.
    pub(super) seen: usize,
    /// How often it was a list.
    lists: usize,
    /// How often it was a scalar that is not null.
    pub(super) scalars: usize,
    /// The same scalar stood here in two elements of one list.
    pub(super) twice: bool,
    /// Two scalars that differ stood here in elements of one list.
    pub(super) differs: bool,
    /// The list that was looked at last, and what stood here in it.
    list: (usize, BTreeSet<String>),
}

/// Numbers the lists of all samples.
#[derive(Debug, Default)]
pub(super) struct Lists(usize);

impl Shape {
    /// Adds one sample.
    pub(super) fn add(&mut self, value: &Value, lists: &mut Lists) {
        lists.0 += 1;
        let own = lists.0;
        self.add_at(value, 0, own, lists);
    }

    fn add_at(&mut self, value: &Value, depth: usize, list: usize, lists: &mut Lists) {
        self.seen += 1;
        match value {
            Value::Map(map) if depth < DEEPEST => {
                for (name, inner) in map {
                    if let Some(shape) = self.key(name) {
                        shape.add_at(inner, depth + 1, list, lists);
                    }
                }
            }
            Value::List(items) if depth < DEEPEST => {
                lists.0 += 1;
                let own = lists.0;
                self.lists += 1;
                let shape = self.items.get_or_insert_default();
                items.iter().for_each(|item| shape.add_at(item, depth + 1, own, lists));
            }
            Value::Null | Value::Map(_) | Value::List(_) => {}
            scalar @ (Value::Bool(_) | Value::Int(_) | Value::Decimal(_) | Value::Text(_)) => {
                self.scalar(scalar, list);
            }
        }
    }

    /// What stands under a key; `None`: the object has too many, and those are hardly names.
    fn key(&mut self, name: &str) -> Option<&mut Shape> {
        let known = self.keys.iter().position(|(known, _)| known == name);
        let at = match known {
            Some(at) => at,
            None if self.keys.len() >= MOST_KEYS => return None,
            None => {
                self.keys.push((name.to_owned(), Shape::default()));
                self.keys.len() - 1
            }
        };
        self.keys.get_mut(at).map(|(_, shape)| shape)
    }

    fn scalar(&mut self, scalar: &Value, list: usize) {
        self.scalars += 1;
        if self.list.0 != list {
            self.list = (list, BTreeSet::new());
        }
        let text = scalar.scalar_text().unwrap_or_default().into_owned();
        let before = self.list.1.len();
        let new = self.list.1.insert(text);
        self.twice |= !new;
        self.differs |= new && before > 0;
        if self.values.len() < MOST_VALUES {
            self.values.push(scalar.clone());
        }
    }

    /// Where one element of a name stood alone and several stood elsewhere (XML), it is a list everywhere.
    pub(super) fn lists_of_one(&mut self) {
        if let Some(items) = &mut self.items {
            for (name, inner) in std::mem::take(&mut self.keys) {
                match items.keys.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, known)) => known.join(inner),
                    None => items.keys.push((name, inner)),
                }
            }
            items.seen += self.seen.saturating_sub(self.lists);
            self.lists = self.seen;
            items.lists_of_one();
        }
        self.keys.iter_mut().for_each(|(_, shape)| shape.lists_of_one());
    }

    fn join(&mut self, other: Shape) {
        self.seen += other.seen;
        self.lists += other.lists;
        self.scalars += other.scalars;
        self.twice |= other.twice;
        self.differs |= other.differs;
        self.values.extend(other.values);
        self.values.truncate(MOST_VALUES);
        for (name, inner) in other.keys {
            if let Some(known) = self.key(&name) {
                known.join(inner);
            }
        }
        match (&mut self.items, other.items) {
            (Some(own), Some(items)) => own.join(*items),
            (own @ None, items) => *own = items,
            (Some(_), None) => {}
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

    /// The values are all different, as far as they were kept.
    pub(super) fn never_repeats(&self) -> bool {
        let texts = self.values.iter().filter_map(Value::scalar_text);
        let distinct: BTreeSet<_> = texts.collect();
        distinct.len() == self.values.len() && !self.twice
    }

    /// The only key that holds more than a value, and what it holds.
    pub(super) fn inner(&self) -> Option<(&String, &Shape)> {
        let more = |(_, shape): &&(String, Shape)| shape.is_object() || shape.rows().is_some();
        let mut inner = self.keys.iter().filter(more);
        match (inner.next(), inner.next()) {
            (Some((name, shape)), None) => Some((name, shape)),
            _ => None,
        }
    }
}
