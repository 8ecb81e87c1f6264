//! The conversions of mappings, for templates and references of connectors: a value of a call is turned into the
//! system's form, an id of an answer into ours.
//!
//! **Invariant:** a chain gives the same here as in a rule of a mapping, so that webhooks and calls agree on one id. Test:
//! `a_chain_gives_the_same_in_a_connector_as_in_a_mapping`.

use std::sync::Arc;

use orderhub_lang::convert::{Conversions, Convert};
use orderhub_lang::diagnostic::{Findings, Source, nearest};
use orderhub_lang::value::Value;
use orderhub_lang::yaml::{Node, NodeValue};

use crate::Named;
use crate::ast::Chain;
use crate::cell::Cell;
use crate::codes;
use crate::conversions::{Shape, Target, Type, names};
use crate::parse::Reader;

/// A chain of conversions, of single values.
#[derive(Debug)]
struct Converter {
    chain: Chain,
    /// What the chain gives of a value as it stands.
    gives: Type,
}

/// A name whose chain was told to be wrong elsewhere: nothing runs with it.
#[derive(Debug)]
struct Unjudged;

impl Convert for Unjudged {
    fn get(&self, value: Value) -> Result<Value, String> {
        Ok(value)
    }

    fn put(&self, value: Value) -> Result<Value, String> {
        Ok(value)
    }
}

impl Converter {
    /// # Errors
    ///
    /// What does not go with one value of a call.
    fn new(chain: Chain) -> Result<Self, String> {
        let mut gives = Type::Raw;
        for link in &chain {
            let (conversion, name) = (&link.conversion, link.conversion.name());
            if conversion.shape() == Shape::Fold {
                return Err(format!("`{name}` makes one value of many"));
            }
            if conversion.looks_up() {
                return Err(format!("`{name}` asks what stands outside of the call"));
            }
            if !conversion.beside().is_empty() {
                return Err(format!("`{name}` reads more than one place of a document"));
            }
            gives = conversion.gives(gives).map_err(|needs| format!("`{name}` needs {needs}"))?;
        }
        Ok(Self { chain, gives })
    }
}

impl Convert for Converter {
    fn get(&self, value: Value) -> Result<Value, String> {
        let mut cell = Cell::from_lang(value);
        for link in &self.chain {
            let got = link.conversion.get(cell, &[], Target::default());
            cell = got.map_err(|trouble| trouble.why)?;
        }
        Ok(cell.to_lang())
    }

    fn put(&self, value: Value) -> Result<Value, String> {
        let mut cell = typed(Cell::from_lang(value), self.gives);
        for link in self.chain.iter().rev() {
            let put = link.conversion.put(cell, Target::default());
            cell = put.map_err(|trouble| trouble.why)?.main;
        }
        Ok(cell.to_lang())
    }

    fn one_way(&self) -> Option<String> {
        let link = self.chain.iter().find(|link| !link.conversion.two_way())?;
        Some(format!("`{}` has no way back", link.conversion.name()))
    }
}

/// A text that stands for a value of another type, as that: names of calls hold texts.
fn typed(cell: Cell<'_>, wanted: Type) -> Cell<'_> {
    let text = match &cell {
        Cell::Text(text) | Cell::Number(text) => text.trim(),
        Cell::Absent
        | Cell::Null
        | Cell::Bool(_)
        | Cell::Json(_)
        | Cell::Integer(_)
        | Cell::Decimal(_)
        | Cell::Money(_)
        | Cell::Timestamp(_)
        | Cell::Date(_)
        | Cell::List(_)
        | Cell::Map(_)
        | Cell::Ref(_)
        | Cell::Many(_)
        | Cell::Named(_) => return cell,
    };
    let read = match wanted {
        Type::Integer => text.parse().ok().map(Cell::Integer),
        Type::Decimal => text.parse().ok().map(Cell::Decimal),
        Type::Timestamp => text.parse().ok().map(Cell::Timestamp),
        Type::Date => text.parse().ok().map(Cell::Date),
        Type::Boolean => text.parse().ok().map(Cell::Bool),
        Type::Raw
        | Type::Texts
        | Type::Text
        | Type::Money
        | Type::Local
        | Type::List
        | Type::Map
        | Type::Named => None,
    };
    read.unwrap_or(cell)
}

impl Conversions for Named {
    fn chain(&self, node: &Node, findings: &mut Findings) -> Option<Arc<dyn Convert>> {
        let before = findings.len();
        let mut reader = Reader::new(findings, self.clone());
        let chain = reader.chain(node);
        if reader.unjudged > 0 {
            return Some(Arc::new(Unjudged));
        }
        if findings.len() > before {
            return None;
        }
        match Converter::new(chain) {
            Ok(converter) => Some(Arc::new(converter)),
            Err(why) => {
                let finding = findings.error(codes::CONVERSION, node.span, why);
                findings.report(finding.with_hint(
                    "name what turns one value into one: `strip_prefix`, `upper`, `table`",
                ));
                None
            }
        }
    }

    fn named(&self, name: &str) -> Result<Arc<dyn Convert>, (String, String)> {
        if self.unjudged(name) && !self.chains.contains_key(name) {
            return Ok(Arc::new(Unjudged));
        }
        let known = self.chains.keys().map(String::as_str).chain(names());
        let unknown = || {
            let hint = match nearest(name, known) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "name it under `use:` of the integration: `use: { gid: { strip_prefix: \"x/\" } }`".to_owned(),
            };
            (format!("unknown conversion `{name}`"), hint)
        };
        // Its mistakes are those of a file that says no more than the name.
        let source = Source::new("as", name);
        let mut findings = Findings::new(&source);
        let node = Node { span: Default::default(), value: NodeValue::Text(name.to_owned()) };
        let mut reader = Reader::new(&mut findings, self.clone());
        let chain = reader.chain(&node);
        let found = findings.into_vec();
        match (found.into_iter().next(), chain.is_empty()) {
            (Some(finding), _) if self.chains.contains_key(name) || names().any(|n| n == name) => {
                Err((finding.message, finding.hint.unwrap_or_default()))
            }
            (Some(_), _) | (None, true) => Err(unknown()),
            (None, false) => Converter::new(chain)
                .map(|converter| Arc::new(converter) as Arc<dyn Convert>)
                .map_err(|why| (why, "convert it in the mapping".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use orderhub_lang::yaml::{self, Budget};

    fn node(text: &str) -> Node {
        yaml::parse(&Source::new("use.yaml", text), &Budget::default()).unwrap()
    }

    fn uses() -> Named {
        let source = Source::new("integration.yaml", "");
        let mut findings = Findings::new(&source);
        let text = "gid: { strip_prefix: 'gid://shop/Order/' }\nday: { date: '%d.%m.%Y' }\nn: { decimal: { mark: ',' } }\n\
                    word: { table: { rows: { P: paid, O: open }, on_unknown: fail } }\n";
        let named = Named::read(&node(text), Named::default(), &mut findings);
        assert!(findings.is_empty());
        named
    }

    #[test]
    fn a_chain_gives_the_same_in_a_connector_as_in_a_mapping() {
        let named = uses();
        let convert = |name: &str| Conversions::named(&named, name).unwrap();
        let cases = [
            ("gid", "gid://shop/Order/7", "7"),
            ("day", "02.03.2026", "2026-03-02"),
            ("n", "12,5", "12.5"),
            ("word", "P", "paid"),
            ("upper", "EU", "EU"),
        ];
        for (name, theirs, ours) in cases {
            let text = |value: Value| value.scalar_text().unwrap().into_owned();
            assert_eq!(text(convert(name).get(Value::text(theirs)).unwrap()), ours, "{name}");
            assert_eq!(text(convert(name).put(Value::text(ours)).unwrap()), theirs, "{name}");
        }
        assert!(convert("word").put(Value::text("lost")).is_err());
        assert!(convert("day").get(Value::text("soon")).is_err());
    }

    #[test]
    fn what_does_not_go_with_one_value_is_told() {
        let named = uses();
        let says = |name: &str| match Conversions::named(&named, name) {
            Ok(_) => "fine".to_owned(),
            Err((message, hint)) => format!("{message}; {hint}"),
        };
        assert_eq!(says("gdi"), "unknown conversion `gdi`; did you mean `gid`?");
        assert!(says("sum").starts_with("`sum` makes one value of many"), "{}", says("sum"));
        assert!(says("money").contains("money"), "{}", says("money"));
        let source = Source::new("connector.yaml", "[trim, { strip_prefix: '#' }]");
        let mut findings = Findings::new(&source);
        let chain = named.chain(&node("[trim, { strip_prefix: '#' }]"), &mut findings).unwrap();
        assert_eq!(chain.get(Value::text(" #9 ")).unwrap(), Value::text("9"));
        assert!(named.chain(&node("{ lookup: { xref: order } }"), &mut findings).is_none());
        let found = findings.into_vec();
        assert!(found[0].message.contains("outside of the call"), "{}", found[0].message);
    }
}
