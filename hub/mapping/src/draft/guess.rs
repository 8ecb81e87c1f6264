//! Which hub field a place of the samples means, by its name.

use orderhub_lang::path::Segment;
use orderhub_lang::value::Value;
use orderhub_order::catalogue::{Field, Kind, catalogue};
use orderhub_order::ids::{Collection, Entity};

use super::find::Documents;
use super::leaf::{Currency, Leaf, collect, currency, leaves};
use super::names::{ADDRESSES, FIELDS, PARTS, plain};
use super::shape::Shape;
use super::structure::{BESIDE, LISTS, List, PARENTS, REVISIONS};
use super::value::{self, Rule, told};
use super::write::{Lines, path, scalar};

/// What is guessed of a document as a whole.
#[derive(Debug, Default)]
pub(super) struct Frame {
    pub(super) parent: Option<String>,
    pub(super) revision: Option<String>,
}

/// What the document belongs to, and which of two is newer.
pub(super) fn frame(entity: Entity, documents: &Documents<'_>, grouped: bool) -> Frame {
    let (leaves, key) = match grouped {
        true => (parted(entity, documents.shape).0, documents.key.as_str()),
        false => (leaves(documents.shape), documents.key.as_str()),
    };
    let scalars = || leaves.iter().filter(|leaf| leaf.shape.is_scalar());
    let called = |name: &str| scalars().find(|leaf| leaf.name(1) == name || leaf.name(2) == name);
    let parents = PARENTS.iter().filter(|_| entity != Entity::Order);
    let mut parents = parents.filter_map(|name| Some((*name, called(name)?.path())));
    let parent = parents.next().map(|(name, path)| {
        let at = scalar(&path);
        // Their own number of an order; everything else is taken for the reference that we sent.
        let theirs = name.starts_with("order") && name.ends_with("id") && path != key;
        let how = if theirs { "xref: order, system" } else { "ref" };
        format!("[{{ {how}: {at} }}]")
    });
    let revision = REVISIONS.iter().find_map(|name| {
        let leaf = scalars().find(|leaf| leaf.keys.len() == 1 && leaf.name(1) == *name)?;
        let whole =
            |value: &Value| value.scalar_text().is_some_and(|text| text.parse::<i64>().is_ok());
        let kind = value::time(&leaf.shape.values)
            .or_else(|| leaf.shape.values.iter().all(whole).then(|| "integer".to_owned()))?;
        Some(format!("{{ system: {}, as: {kind} }}", scalar(&leaf.path())))
    });
    Frame { parent, revision }
}

/// Writes a rule or an open place for everything in a document.
pub(super) fn rules(entity: Entity, documents: &Documents<'_>, frame: &Frame, lines: &mut Lines) {
    let mut draft = Draft::of(entity, documents, frame);
    let mut rest = Vec::new();
    let mut leaves = Vec::new();
    let object = |name: &String| named(ADDRESSES, &plain(name));
    for (name, shape) in &documents.shape.keys {
        match (object(name), shape.rows()) {
            (Some(hub), _) if shape.is_object() && !draft.taken.contains(&hub) => {
                draft.taken.push(hub);
                draft.address(hub, name, shape, lines);
            }
            (_, Some(rows)) => rest.push((name, rows)),
            _ => collect(&[], vec![name], shape, &mut leaves),
        }
    }
    let collection = entity.collection().unwrap_or(Collection::Root);
    draft.scalars(collection, &leaves, lines);
    for (name, rows) in rest {
        draft.list(name, rows, lines);
    }
}

/// The same for documents of rows that share a column: what each document says once stands in its first row.
pub(super) fn grouped(entity: Entity, documents: &Documents<'_>, frame: &Frame, lines: &mut Lines) {
    let (leaves, of_rows) = parted(entity, documents.shape);
    let mut draft = Draft::of(entity, documents, frame);
    draft.scalars(entity.collection().unwrap_or(Collection::Root), &leaves, lines);
    if let Some((name, rows)) = documents.shape.inner() {
        let mut rows = rows.rows().cloned().unwrap_or_default();
        rows.keys = of_rows;
        draft.list_as(list_of(entity, "lines"), name, &rows, lines);
    }
}

/// The columns that say something of a whole document, and those of its rows.
fn parted(entity: Entity, document: &Shape) -> (Vec<Leaf<'_>>, Vec<(String, Shape)>) {
    let inner = document.inner().and_then(|(name, shape)| Some((name, shape.rows()?)));
    let Some((name, rows)) = inner else { return (Vec::new(), Vec::new()) };
    let collection = entity.collection().unwrap_or(Collection::Root);
    let list = list_of(entity, "lines").map(|list| list.collection);
    let varies = |(key, shape): &&(String, Shape)| {
        let of = |collection| field(collection, &plain(key)).is_some();
        shape.differs || list.is_some_and(of) && !of(collection)
    };
    let (of_rows, of_all): (Vec<_>, Vec<_>) = rows.keys.iter().partition(varies);
    let before = [Segment::Key(name.clone()), Segment::Index(0)];
    let mut leaves = Vec::new();
    for (key, shape) in of_all {
        collect(&before, vec![key], shape, &mut leaves);
    }
    (leaves, of_rows.into_iter().cloned().collect())
}

/// What is known while a document is drafted.
struct Draft<'d> {
    entity: Entity,
    key: &'d str,
    currency: Option<Currency>,
    /// Hub sides that have their rule.
    taken: Vec<&'static str>,
    /// Places that say something of the document as a whole.
    used: Vec<String>,
}

impl<'d> Draft<'d> {
    fn of(entity: Entity, documents: &'d Documents<'_>, frame: &Frame) -> Self {
        let used = [&frame.parent, &frame.revision].into_iter().flatten().cloned().collect();
        let currency = currency(documents.shape);
        Self { entity, key: &documents.key, currency, taken: Vec::new(), used }
    }

    /// It is the key, the parent or the revision.
    fn is_used(&self, path: &str) -> bool {
        let at = scalar(path);
        let stands = |text: &String| {
            text.contains(&format!(": {at} }}")) || text.contains(&format!(": {at},"))
        };
        path == self.key || self.used.iter().any(stands)
    }

    fn address(&mut self, hub: &'static str, name: &String, shape: &Shape, lines: &mut Lines) {
        let system = scalar(&path(&[name]));
        let order = self.entity == Entity::Order;
        let mut head = vec![format!("hub: {}{hub}", if order { "" } else { "/" })];
        head.push(format!("system: {system}"));
        if !order {
            // A document states its own element alone: the order's address only goes out with it.
            head.push("direction: out".to_owned());
        }
        head.push("fields:".to_owned());
        lines.open(6, &head);
        let mut taken = Vec::new();
        for (inner, shape) in &shape.keys {
            let part = named(PARTS, &plain(inner)).filter(|part| !taken.contains(part));
            let part = part.filter(|part| is_part(part, shape));
            let inner = path(&[inner]);
            match part.filter(|_| !shape.is_object() && shape.items.is_none()) {
                Some(part) => {
                    taken.push(part);
                    lines.guess(&format!("hub: {part}, system: {}", scalar(&inner)));
                }
                None => lines.nothing(&inner, told(shape)),
            }
        }
        lines.close();
    }

    fn list(&mut self, name: &String, rows: &Shape, lines: &mut Lines) {
        let called = plain(name);
        let list = LISTS
            .iter()
            .find(|list| list.entity == self.entity && list.names.contains(&called.as_str()));
        self.list_as(list, name, rows, lines);
    }

    fn list_as(
        &mut self,
        list: Option<&'static List>,
        name: &String,
        rows: &Shape,
        lines: &mut Lines,
    ) {
        let list = list.filter(|list| !self.taken.contains(&list.hub));
        let key = list.and_then(|list| Some((list, row_key(rows, list.keys)?)));
        let Some((list, key)) = key else {
            lines.nothing(&format!("{}.*", path(&[name])), "a list");
            return;
        };
        self.taken.push(list.hub);
        let mut head = vec![
            format!("hub: {}", list.hub),
            format!("system: {}", scalar(&path(&[name]))),
            "each:".to_owned(),
            format!("  {}: {}", if list.ours { "ours" } else { "key" }, scalar(&key)),
        ];
        if self.entity == Entity::Fulfilment {
            head.push("  adds: false".to_owned());
        }
        head.push("  fields:".to_owned());
        lines.open(8, &head);
        let inside = Draft {
            entity: self.entity,
            key: &key,
            currency: self.currency.take(),
            taken: Vec::new(),
            used: Vec::new(),
        };
        inside.scalars(list.collection, &leaves(rows), lines);
        self.currency = inside.currency;
        lines.close();
    }

    /// Rules for scalars: each field is taken by the first place that is called so, longer names first.
    fn scalars(&self, collection: Collection, leaves: &[Leaf<'_>], lines: &mut Lines) {
        let mut guesses: Vec<Option<&'static Field>> = vec![None; leaves.len()];
        for count in [3, 2, 1] {
            for (at, leaf) in leaves.iter().enumerate() {
                let known = guesses.get(at).is_some_and(Option::is_some);
                if known || leaf.keys.len() < count {
                    continue;
                }
                let found = field(collection, &leaf.name(count));
                let found =
                    found.filter(|field| !guesses.iter().flatten().any(|one| one.id == field.id));
                if let (Some(field), Some(place)) = (found, guesses.get_mut(at)) {
                    *place = Some(field);
                }
            }
        }
        let mut parts = Vec::new();
        for (leaf, guess) in leaves.iter().zip(guesses) {
            let path = leaf.path();
            match guess.and_then(|field| value::rule(field, leaf, self.currency.as_ref())) {
                Some(Rule::Guess(rule)) => lines.guess(&rule),
                Some(Rule::Lacks(rule, what)) => lines.lacks(&rule, &what),
                // It is in use already.
                None if self.is_used(&path) => {}
                None => match self.flat(collection, leaf).filter(|hub| !parts.contains(hub)) {
                    Some(hub) => {
                        lines.guess(&format!("hub: {hub}, system: {}", scalar(&path)));
                        parts.push(hub);
                    }
                    None => lines.nothing(&path, told(leaf.shape)),
                },
            }
        }
    }

    /// A part of an address that stands in the document itself: `ship_city`.
    fn flat(&self, collection: Collection, leaf: &Leaf<'_>) -> Option<String> {
        if collection != Collection::Root || !leaf.shape.is_scalar() || leaf.keys.len() != 1 {
            return None;
        }
        let name = leaf.name(1);
        let part = |name: &str| {
            let exact =
                |(hub, others): &&(&str, &[&str])| plain(hub) == name || others.contains(&name);
            let part = PARTS.iter().find(exact).map(|(part, _)| *part)?;
            is_part(part, leaf.shape).then_some(part)
        };
        let free = |hub: &&(&str, &[&str])| !self.taken.contains(&hub.0);
        for (hub, words) in BESIDE.iter().filter(free) {
            let rest = words
                .iter()
                .find_map(|word| name.strip_prefix(word).filter(|rest| !rest.is_empty()));
            if let Some(part) = rest.and_then(part) {
                return Some(format!("{hub}.{part}"));
            }
        }
        let (hub, _) = BESIDE.iter().find(free)?;
        // Names, companies and phones that say nothing else are the customer's.
        let place = ["line1", "line2", "city", "region", "district", "postal_code", "country"];
        let bare = part(&name).filter(|part| place.contains(part) && *hub == "addresses.ship_to");
        bare.map(|part| format!("{hub}.{part}"))
    }
}

fn list_of(entity: Entity, hub: &str) -> Option<&'static List> {
    LISTS.iter().find(|list| list.entity == entity && list.hub == hub)
}

/// What identifies a row of a list: it is called so, stands in each, and never twice in one list.
fn row_key(rows: &Shape, names: &[&str]) -> Option<String> {
    let fits = |shape: &Shape| shape.is_scalar() && shape.scalars == rows.seen && !shape.twice;
    let called = |name: &&str| {
        let found = rows.keys.iter().find(|(key, shape)| plain(key) == **name && fits(shape));
        found.map(|(key, _)| path(&[key]))
    };
    names.iter().find_map(called)
}

/// A value can be the part of an address.
fn is_part(part: &str, shape: &Shape) -> bool {
    let country = |value: &Value| value.as_text().is_some_and(|text| text.len() == 2);
    match part {
        "country" => shape.values.iter().all(country),
        _ => shape.values.iter().all(|value| value.as_bool().is_none()),
    }
}

/// The hub side that something is called.
fn named(names: &'static [(&str, &[&str])], name: &str) -> Option<&'static str> {
    let called = |(hub, others): &&(&str, &[&str])| plain(hub) == name || others.contains(&name);
    let last = |(hub, _): &&(&str, &[&str])| {
        hub.rsplit('.').next().is_some_and(|last| plain(last) == name)
    };
    names.iter().find(called).or_else(|| names.iter().find(last)).map(|(hub, _)| *hub)
}

/// The field of a collection that a name means.
fn field(collection: Collection, name: &str) -> Option<&'static Field> {
    let given = |field: &&&Field| !matches!(field.kind, Kind::Hub | Kind::Derived);
    let fields: Vec<&'static Field> = catalogue().fields_of(collection).collect();
    let own = fields.iter().filter(given).find(|field| plain(field.path) == name);
    let synonym = || {
        let mut named = FIELDS.iter().filter(|(_, others)| others.contains(&name));
        named.find_map(|(hub, _)| {
            let mut fields = fields.iter().filter(given);
            fields.find(|field| field.full_path() == *hub)
        })
    };
    own.or_else(synonym).copied()
}
