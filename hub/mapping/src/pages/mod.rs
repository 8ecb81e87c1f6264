//! A page for each conversion: what it does, its options, and an example each way, for `orderhub explain`.
//!
//! **Invariant:** every conversion has its page, and each example gives what the page says. Tests:
//! `every_conversion_has_a_page`, `the_examples_of_pages_hold`.

mod texts;
mod values;

/// A conversion, explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// `timestamp`
    pub name: &'static str,
    /// A few words.
    pub title: &'static str,
    /// What it does, in sentences.
    pub text: &'static str,
    /// Its options, and what each says. One that is called like the conversion is the whole option.
    pub options: &'static [(&'static str, &'static str)],
    /// How it is used; `None` for what this version has not.
    pub example: Option<Example>,
}

/// A rule, and what it makes of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Example {
    /// The rule.
    pub rule: &'static str,
    /// A system's document; `None`: it goes out only.
    pub document: Option<&'static str>,
    /// What the hub has of it.
    pub hub: &'static str,
    /// What goes out for that; `None`: it comes in only.
    pub out: Option<&'static str>,
}

/// The page of a conversion.
pub fn find(name: &str) -> Option<&'static Page> {
    pages().into_iter().find(|page| page.name == name)
}

/// Every conversion, by name.
pub fn pages() -> Vec<&'static Page> {
    let mut all: Vec<&Page> = values::PAGES.iter().chain(texts::PAGES).collect();
    all.sort_by_key(|page| page.name);
    all
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use orderhub_lang::diagnostic::{Source, render};
    use orderhub_order::ids::SystemName;
    use serde_json::{Value as Json, from_str};

    use super::*;
    use crate::cases::{given, out};
    use crate::conversions::names;
    use crate::{Context, Mapping, Named};

    #[test]
    fn every_conversion_has_a_page() {
        let known: Vec<&str> = pages().iter().map(|page| page.name).collect();
        assert_eq!(known, names().collect::<Vec<_>>());
        for page in pages() {
            let listed = page.text.ends_with('.') && !page.title.ends_with('.');
            assert!(listed, "{}: a title is words, a text is sentences", page.name);
        }
    }

    #[test]
    fn the_examples_of_pages_hold() {
        let (system, nothing, args) = (SystemName::new("page"), BTreeMap::new(), BTreeMap::new());
        let context = Context { system: &system, settings: &nothing, args: &args, hub: None };
        for (page, example) in pages().into_iter().filter_map(|page| Some((page, page.example?))) {
            let name = page.name;
            assert!(example.rule.contains(name), "{name} uses itself");
            let text = format!("orderhub: 1\nmapping: page.order\nfields:\n  - {}\n", example.rule);
            let mapping = Mapping::compile(&Source::new(name, text), &Named::default());
            let mapping = mapping.unwrap_or_else(|found| panic!("{}", render(&found)));
            let hub: Json = from_str(example.hub).unwrap();
            if let Some(document) = example.document {
                let mut came = given(&mapping, document.as_bytes(), &context);
                came.as_object_mut().unwrap().remove("$key");
                assert_eq!(came, hub, "{name}");
            }
            match example.out {
                Some(expected) => {
                    let expected: Json = from_str(expected).unwrap();
                    assert_eq!(out(&mapping, &hub, &context).unwrap(), expected, "{name}");
                }
                None => assert!(!mapping.goes_out(), "{name} goes out"),
            }
        }
    }
}
